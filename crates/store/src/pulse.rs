//! What the store tells of itself while it works: numbers that cost nothing to read, and an observer where there is one.

use crate::Outcome;
use countersign_engine::audit::chain::CHECKPOINT_SECONDS;
use countersign_engine::time::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Stands for "no record lacks a checkpoint".
const NONE: i64 = i64::MAX;

/// Hears what the store does. Called from the threads that do it: must return at once.
pub trait Observer: Send + Sync {
    /// Works that waited were committed together, or failed together.
    fn committed(&self, batch: &Batch);
    /// Something was read from the database, because memory did not have it.
    fn read(&self, took: Duration);
}

/// One group commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Works in it.
    pub works: usize,
    /// Of these, those whose guard did not hold.
    pub conflicts: usize,
    /// Of these, those that failed with the store.
    pub failures: usize,
    /// From its beginning until it was on disk.
    pub took: Duration,
}

/// Numbers of a store that are known without asking the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// Works that wait for a group commit.
    pub waiting: usize,
    /// Accounts in memory.
    pub cached: usize,
    /// Accounts found in memory since the start.
    pub hits: u64,
    /// Accounts read from the database since the start.
    pub misses: u64,
    /// Challenges outstanding in the deployment.
    pub challenges: i64,
    /// How long the oldest audit record without a signed checkpoint has waited for one.
    pub unsigned: Duration,
}

/// What the parts of the store report to.
pub(crate) struct Pulse {
    observer: OnceLock<Arc<dyn Observer>>,
    hits: AtomicU64,
    misses: AtomicU64,
    unsigned_since: AtomicI64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            observer: OnceLock::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            unsigned_since: AtomicI64::new(NONE),
        }
    }
}

impl Pulse {
    /// Sets the observer; the first one stays.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        let _ = self.observer.set(observer);
    }

    /// A group commit that began then has ended with these outcomes.
    pub(crate) fn committed<'o>(
        &self,
        outcomes: impl Iterator<Item = &'o Outcome>,
        began: Instant,
    ) {
        let Some(observer) = self.observer.get() else {
            return;
        };
        let mut batch = Batch {
            took: began.elapsed(),
            ..Batch::default()
        };
        for outcome in outcomes {
            batch.works += 1;
            match outcome {
                Outcome::Committed => {}
                Outcome::Conflict => batch.conflicts += 1,
                Outcome::Failed(_) => batch.failures += 1,
            }
        }
        observer.committed(&batch);
    }

    /// The database was asked, from then until now.
    pub(crate) fn read(&self, began: Instant) {
        if let Some(observer) = self.observer.get() {
            observer.read(began.elapsed());
        }
    }

    /// An account was found in memory, or was not.
    pub(crate) fn looked_up(&self, found: bool) {
        let counter = if found { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// When the next checkpoint of the audit is due; none where nothing waits for one.
    pub(crate) fn checkpoint_due(&self, due: Option<Timestamp>) {
        let since = due.map_or(NONE, |due| due.plus_seconds(-CHECKPOINT_SECONDS).0);
        self.unsigned_since.store(since, Ordering::Relaxed);
    }

    /// What is known here; the rest is filled in by the caller.
    pub(crate) fn readings(&self, now: Timestamp) -> Readings {
        let since = self.unsigned_since.load(Ordering::Relaxed);
        let waited = now.0.saturating_sub(since).max(0);
        Readings {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            unsigned: Duration::from_micros(waited.unsigned_abs()),
            ..Readings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Batch>>);

    impl Observer for Kept {
        fn committed(&self, batch: &Batch) {
            self.0.lock().unwrap().push(*batch);
        }
        fn read(&self, _: Duration) {}
    }

    #[test]
    fn an_observer_hears_what_became_of_a_batch() {
        let (pulse, kept) = (Pulse::default(), Arc::new(Kept::default()));
        let outcomes = [
            Outcome::Committed,
            Outcome::Conflict,
            Outcome::Committed,
            Outcome::Failed(StoreError::Closed),
        ];
        pulse.committed(outcomes.iter(), Instant::now()); // nobody listens yet
        pulse.observe(kept.clone());
        pulse.committed(outcomes.iter(), Instant::now());
        let batches = kept.0.lock().unwrap();
        let [batch] = batches[..] else {
            panic!("one batch: {batches:?}")
        };
        assert_eq!((batch.works, batch.conflicts, batch.failures), (4, 1, 1));
    }

    #[test]
    fn the_oldest_record_without_checkpoint_has_an_age() {
        let pulse = Pulse::default();
        let now = Timestamp::from_seconds(1_000);
        assert_eq!(pulse.readings(now).unsigned, Duration::ZERO);
        pulse.checkpoint_due(Some(now.plus_seconds(CHECKPOINT_SECONDS - 7)));
        assert_eq!(pulse.readings(now).unsigned, Duration::from_secs(7));
        pulse.checkpoint_due(None);
        assert_eq!(pulse.readings(now).unsigned, Duration::ZERO);
    }
}
