//! Waiting for a commit from async code.

use countersign_store::{Outcome, Store, StoreError, Work};
use tokio::sync::oneshot;

/// Commits `work` in the next group commit and waits for its outcome.
pub(crate) async fn commit(store: &Store, work: Work) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let submitted = store.commit_then(work, move |_, outcome| {
        let _ = sender.send(outcome); // the request may be gone; what was committed stays committed
    });
    match submitted {
        Ok(()) => receiver.await.unwrap_or(Outcome::Failed(StoreError::Closed)),
        Err(_) => Outcome::Failed(StoreError::Busy),
    }
}
