//! Commits from async code, each waited for no longer than the deadline of its request.

use countersign_engine::audit::Record;
use countersign_store::{Outcome, Store, StoreError, Work};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Writes a record of something that is no decision of its own. Where the store is full, the log line of the caller stays.
pub(crate) fn note(store: &Store, record: Record) {
    let work = Work {
        token: 0,
        changes: Vec::new(),
        records: vec![record],
        trace: Vec::new(),
    };
    let _ = store.commit_then(work, |_, _| {});
}

/// As [`commit_by`], with the whole time of a request from now on.
pub(crate) async fn commit(store: &Store, work: Work) -> Outcome {
    let deadline = Instant::now() + store.snapshot().settings.deadline();
    commit_by(store, work, deadline).await
}

/// Commits `work` in the next group commit and waits for its outcome until the deadline. What is not known by then
/// counts as failed (-106): it may still be committed, but nobody is told that it was.
pub(crate) async fn commit_by(store: &Store, work: Work, deadline: Instant) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let submitted = store.commit_then(work, move |_, outcome| {
        let _ = sender.send(outcome); // the request may be gone; what was committed stays committed
    });
    if submitted.is_err() {
        return Outcome::Failed(StoreError::Crowded);
    }
    match tokio::time::timeout_at(deadline, receiver).await {
        Ok(outcome) => outcome.unwrap_or(Outcome::Failed(StoreError::Closed)),
        Err(_) => Outcome::Failed(late()),
    }
}

/// No outcome within the deadline.
pub(crate) fn late() -> StoreError {
    StoreError::Unknown("no outcome within the time of the request".to_owned())
}
