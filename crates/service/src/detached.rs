//! Work that goes on when whoever waits for it has gone.
//!
//! A client that breaks its connection off drops the future that serves it. If that stopped an attempt before its
//! commit, a failed guess would not be counted: whoever hears nothing within the time of a success hangs up and
//! guesses again.

use crate::reply::Problem;
use std::future::Future;

/// Runs `work` to its end whether or not the caller waits for it.
///
/// # Errors
/// The work ended in a panic, or the runtime ended under it (500).
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| {
        tracing::error!(%error, "a request ended early");
        Problem::new(
            500,
            "Ended early",
            "The request ended early; ask another node.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let (begun, beginning) = oneshot::channel();
        let (go, gone) = oneshot::channel();
        let (done, end) = oneshot::channel();
        let waiting = to_its_end(async move {
            begun.send(()).unwrap();
            gone.await.unwrap();
            done.send("counted").unwrap();
        });
        tokio::select! {
            _ = waiting => panic!("it waits for its signal"),
            begun = beginning => begun.unwrap(),
        }
        go.send(()).unwrap(); // the waiting future was dropped above
        assert_eq!(end.await.unwrap(), "counted");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem() {
        let problem = to_its_end(async { panic!("on purpose") }).await;
        assert_eq!(problem.map_err(|problem| problem.http), Err::<(), _>(500));
    }
}
