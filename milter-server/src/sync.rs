//! What threads and tasks of a server talk to each other by. In unit tests it is shuttle's: see `models`.

pub(crate) use atomic_waker::AtomicWaker;
pub(crate) use event_listener::{Event, EventListener, Listener};
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
pub(crate) use std::thread;
