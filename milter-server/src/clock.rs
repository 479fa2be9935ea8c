//! The clock of the deadlines: cheap to read, since it is read whenever a connection waits.

use nix::time::{ClockId, clock_gettime};

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC_COARSE;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// Milliseconds, exact to a few of them.
pub(crate) fn now() -> u64 {
    // It cannot fail for a clock that exists; then nothing is ever late.
    let Ok(time) = clock_gettime(CLOCK) else { return 0 };
    let milliseconds = time.tv_sec().wrapping_mul(1000).wrapping_add(time.tv_nsec() / 1_000_000);
    u64::try_from(milliseconds).unwrap_or(0)
}
