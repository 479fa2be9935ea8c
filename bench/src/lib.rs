//! What servers of filters cost on each runtime, beside servers that do nothing else: see ../README.md.

pub mod bare;
mod case;
mod command;
mod load;
mod measure;
mod mta;
mod report;
mod runtime;
mod scenario;
mod served;

pub use command::Servers;
pub use runtime::Runtime;
