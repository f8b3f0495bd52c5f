//! What callers hand to the writer, and what they get back.

use crate::StoreError;
use countersign_engine::audit::Record;
use countersign_engine::decision::Change;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// One decision to be made durable: all of it or nothing.
#[derive(Debug)]
pub struct Work {
    /// The caller's own mark; it comes back unchanged.
    pub token: u64,
    /// The changes, each with its guard.
    pub changes: Vec<Change>,
    /// The audit records, the main one first.
    pub records: Vec<Record>,
    /// The encoded trace of the decision; empty for none. It is found by the `amid` of the main record.
    pub trace: Vec<u8>,
}

/// What became of a work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk.
    Committed,
    /// A guard did not hold: nothing was done; decide again on fresh facts.
    Conflict,
    /// Nothing was done (-106).
    Failed(StoreError),
}

/// Who waits for works.
pub trait Completion: Send + Sync {
    /// Called by the writer thread once a commit, with all works of this target in it. Must return fast and must not
    /// wait for the store.
    fn done(&self, results: Vec<(Work, Outcome)>);
}

/// The queue of the writer is full (-104, or -103 where the caller waited); the works come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("hand work to the writer, its queue is full")]
pub struct Full;

/// Waits for one work.
#[derive(Default)]
pub(crate) struct Waiter {
    result: Mutex<Option<Outcome>>,
    ready: Condvar,
}

impl Waiter {
    pub(crate) fn wait(&self) -> Outcome {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = result.take() {
                return outcome;
            }
            result = self
                .ready
                .wait(result)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Completion for Waiter {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) =
            results.into_iter().next().map(|(_, outcome)| outcome);
        self.ready.notify_all();
    }
}

/// Calls a function when a work is done.
pub(crate) struct Callback<F>(Mutex<Option<F>>);

impl<F: FnOnce(Work, Outcome) + Send + 'static> Callback<F> {
    pub(crate) fn target(call: F) -> Arc<dyn Completion> {
        Arc::new(Self(Mutex::new(Some(call))))
    }
}

impl<F: FnOnce(Work, Outcome) + Send> Completion for Callback<F> {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(call), Some((work, outcome))) = (call, results.into_iter().next()) {
            call(work, outcome);
        }
    }
}
