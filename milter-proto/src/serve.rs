//! What a server needs as data, not I/O.

mod deadlines;
mod endpoint;
mod limits;

pub use deadlines::{Deadlines, Waiting};
pub use endpoint::{Endpoint, EndpointError};
pub use limits::{ACCEPT_BACK_OFF, Phase, connections_for};
