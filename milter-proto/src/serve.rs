//! What a server needs as data: no socket is opened here.

mod endpoint;

pub use endpoint::{Endpoint, EndpointError};
