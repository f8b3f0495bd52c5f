//! When the listener first saw a request: known outside the command that it becomes, and told to it beside its fields.

use std::future::Future;
use std::time::Instant;

tokio::task_local! {
    static BEGAN: Instant;
}

/// Runs the work of a request that was first seen then.
pub async fn since<T>(began: Instant, work: impl Future<Output = T>) -> T {
    BEGAN.scope(began, work).await
}

/// When the request of this task was first seen; none where no listener said so.
pub(crate) fn begun() -> Option<Instant> {
    BEGAN.try_with(|began| *began).ok()
}
