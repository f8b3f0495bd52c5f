//! Commits from async code.

use countersign_engine::audit::Record;
use countersign_store::{Outcome, Store, StoreError, Work};
use tokio::sync::oneshot;

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

/// Commits `work` in the next group commit and waits for its outcome.
pub(crate) async fn commit(store: &Store, work: Work) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let submitted = store.commit_then(work, move |_, outcome| {
        let _ = sender.send(outcome); // the request may be gone; what was committed stays committed
    });
    match submitted {
        Ok(()) => receiver
            .await
            .unwrap_or(Outcome::Failed(StoreError::Closed)),
        Err(_) => Outcome::Failed(StoreError::Busy),
    }
}
