//! Waiting for what no event tells, with a deadline.

use std::time::{Duration, Instant};

/// How long a condition may take before the test fails.
const DEADLINE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until there is something, at most 20 s.
///
/// # Panics
/// There is nothing within that time; `what` names it.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Lets time pass until a moment, where time itself is what is tested.
pub fn wait_until(moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
}
