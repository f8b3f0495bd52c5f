//! Places for what may go on side by side, so many at most.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Places that are taken and given back.
pub(crate) struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place; it is given back by its drop.
pub(crate) struct Place<'p>(&'p Places);

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            free: Mutex::new(most),
            freed: Condvar::new(),
        }
    }

    /// Takes a place; none if none is given back within the patience.
    pub(crate) fn take(&self, patience: Duration) -> Option<Place<'_>> {
        let (mut free, _) = self
            .freed
            .wait_timeout_while(self.free(), patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Place(self))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn who_finds_no_place_waits_for_one_but_not_for_ever() {
        let places = Places::new(1);
        let first = places.take(Duration::ZERO).unwrap();
        assert!(places.take(Duration::from_millis(1)).is_none());
        thread::scope(|scope| {
            let second = scope.spawn(|| places.take(Duration::from_secs(60)).is_some());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert!(places.take(Duration::ZERO).is_some(), "all are given back");
    }
}
