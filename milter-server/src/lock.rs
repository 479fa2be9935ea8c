//! Locks that outlive a panic.

use crate::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;

/// Nothing that may panic runs under one of our locks, unless it is caught there: what they hold is never half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
