//! Bounds on what runs at a time, so that overload is answered and not suffered.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::middleware::Next;
use countersign_service::reply::Problem;
use countersign_service::timing;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Api;
use crate::problem;

/// Commands at a time; each may hold a body of 1 MiB.
const COMMANDS: usize = 512;

/// Import files held in memory at a time.
const IMPORTS: usize = 2;

/// Room for commands and for import files.
pub(super) struct Load {
    commands: Semaphore,
    imports: Semaphore,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            commands: Semaphore::new(COMMANDS),
            imports: Semaphore::new(IMPORTS),
        }
    }
}

impl Load {
    /// Room for one import file, held until dropped.
    ///
    /// # Errors
    /// 503 when all is taken.
    pub(super) fn import(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.imports.try_acquire().map_err(|_| {
            problem::overloaded("Other imports are running; try again when they are done.")
        })
    }

    /// Room for one command, held until dropped.
    ///
    /// # Errors
    /// 503 when all is taken.
    fn command(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.commands.try_acquire().map_err(|_| {
            problem::overloaded("Too many requests are in work; ask another node or try again.")
        })
    }
}

/// Answers 503 at once when the node has its hands full.
pub(super) async fn limit(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    match api.load.command() {
        Ok(_room) => timing::since(Instant::now(), next.run(request)).await,
        Err(overload) => problem::answer(&overload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_comes_back() {
        let load = Load::default();
        let held: Vec<_> = (0..IMPORTS).map(|_| load.import().unwrap()).collect();
        let refused = load.import().unwrap_err();
        assert_eq!((refused.http, refused.retry_after_s), (503, Some(1)));
        drop(held);
        assert!(load.import().is_ok());
        let held: Vec<_> = (0..COMMANDS).map(|_| load.command().unwrap()).collect();
        assert_eq!(load.command().unwrap_err().http, 503);
        drop(held);
        assert!(load.command().is_ok());
    }
}
