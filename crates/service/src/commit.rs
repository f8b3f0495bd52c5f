//! Waiting for a commit from async code.

use countersign_store::{Completion, Outcome, Store, StoreError, Work};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

struct Once(Mutex<Option<oneshot::Sender<(Work, Outcome)>>>);

impl Completion for Once {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        let sender = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let (Some(sender), Some(result)) = (sender, results.into_iter().next()) {
            let _ = sender.send(result); // the request may be gone; what was committed stays committed
        }
    }
}

/// Commits `work` in the next group commit and waits for its outcome.
pub(crate) async fn commit(store: &Store, work: Work) -> (Work, Outcome) {
    let (sender, receiver) = oneshot::channel();
    let target: Arc<dyn Completion> = Arc::new(Once(Mutex::new(Some(sender))));
    let lost = Work { token: work.token, changes: Vec::new(), records: Vec::new(), trace: Vec::new() };
    match store.submit(vec![work], &target) {
        Ok(()) => receiver.await.unwrap_or((lost, Outcome::Failed(StoreError::Closed))),
        Err((_, mut back)) => (back.pop().unwrap_or(lost), Outcome::Failed(StoreError::Busy)),
    }
}
