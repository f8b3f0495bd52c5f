//! Which of several hosts takes writes: they are tried side by side, the likeliest first, so that a dead one costs a
//! moment and not its whole time-out.

use super::failure;
use super::tls::Tls;
use crate::StoreError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls};

/// How long a host may take before the next one is tried beside it.
const STAGGER: Duration = Duration::from_millis(100);
/// For so long after a failure nobody else tries to connect: a server that hangs would hold every thread in turn.
const REST_MS: i64 = 200;

/// What the connections of a process know together of the hosts.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// Milliseconds of the monotonic clock until which nobody tries.
    rests_until: AtomicI64,
    /// Where to begin.
    first: AtomicUsize,
    /// Where the last connection was made.
    home: AtomicUsize,
}

impl Hosts {
    /// Whether none could be reached a moment ago.
    pub(super) fn rest(&self) -> bool {
        now_ms() < self.rests_until.load(Ordering::Relaxed)
    }

    /// None could be reached.
    pub(super) fn none_answered(&self) {
        self.rests_until
            .store(now_ms() + REST_MS, Ordering::Relaxed);
    }

    /// A connection was made.
    pub(super) fn answered(&self, place: usize) {
        self.first.store(place, Ordering::Relaxed);
        self.home.store(place, Ordering::Relaxed);
    }

    /// A connection was lost: the others are asked first.
    pub(super) fn lost(&self, place: usize, count: usize) {
        let next = (place + 1).checked_rem(count).unwrap_or(0);
        let _ = self
            .first
            .compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Where the last connection was made: an older one elsewhere may be to a server that others have replaced.
    pub(super) fn home(&self) -> usize {
        self.home.load(Ordering::Relaxed)
    }

    /// All of `count` places, the likeliest first.
    fn order(&self, count: usize) -> Vec<usize> {
        let first = self.first.load(Ordering::Relaxed);
        let mut order: Vec<usize> = (0..count).collect();
        order.rotate_left(first.checked_rem(count).unwrap_or(0));
        order
    }

    /// A connection to the first host that takes one, with its place; it is driven by `spawn`.
    pub(super) async fn connect(
        &self,
        configs: &[Config],
        tls: Option<&Tls>,
        spawn: &tokio::runtime::Handle,
    ) -> Result<(usize, Client), StoreError> {
        let attempts = self.order(configs.len()).into_iter().filter_map(|place| {
            let config = configs.get(place)?;
            Some(async move { Ok((place, one(config, tls, spawn).await?)) })
        });
        first_of(attempts).await
    }
}

/// The first success of attempts that are begun one after the other, each when the one before has failed or takes long.
async fn first_of<T, F>(attempts: impl Iterator<Item = F>) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut waiting = attempts.peekable();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        running.extend(waiting.next());
        let ended = if waiting.peek().is_some() {
            tokio::time::timeout(STAGGER, running.next()).await
        } else {
            Ok(running.next().await)
        };
        match ended {
            Ok(Some(Ok(found))) => return Ok(found),
            Ok(Some(Err(error))) => failures.push(error),
            Ok(None) => return Err(together(failures)),
            Err(_) => {} // it may still come
        }
    }
}

/// One error for all hosts. What only one of several says is no word of the server that takes writes.
fn together(mut failures: Vec<StoreError>) -> StoreError {
    if failures.len() == 1
        && let Some(only) = failures.pop()
    {
        return only;
    }
    let reasons: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            StoreError::Unreachable(reason) => reason,
            other => other.to_string(),
        })
        .collect();
    StoreError::Unreachable(reasons.join("; "))
}

async fn one(
    config: &Config,
    tls: Option<&Tls>,
    spawn: &tokio::runtime::Handle,
) -> Result<Client, StoreError> {
    let failed = |error| failure::read(&error);
    Ok(match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls.clone()).await.map_err(failed)?;
            spawn.spawn(connection);
            client
        }
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
            spawn.spawn(connection);
            client
        }
    })
}

/// Milliseconds since the first call.
fn now_ms() -> i64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn refused(reason: &str) -> StoreError {
        StoreError::Unreachable(reason.to_owned())
    }

    /// An attempt that answers at once, or never.
    async fn attempt(answer: Option<Result<u8, StoreError>>) -> Result<u8, StoreError> {
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }

    fn run(answers: Vec<Option<Result<u8, StoreError>>>) -> Result<u8, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(first_of(answers.into_iter().map(attempt)))
    }

    #[test]
    fn hosts_that_refuse_or_hang_are_passed_over() {
        let begun = Instant::now();
        assert_eq!(run(vec![Some(Ok(1)), Some(Ok(2))]), Ok(1));
        assert_eq!(run(vec![Some(Err(refused("dead"))), Some(Ok(2))]), Ok(2));
        assert!(begun.elapsed() < STAGGER, "nobody was waited for");
        assert_eq!(run(vec![None, None, Some(Ok(3))]), Ok(3));
        assert!(begun.elapsed() < 10 * STAGGER);
    }

    #[test]
    fn what_every_host_says_is_told() {
        let all = vec![Some(Err(refused("dead"))), Some(Err(StoreError::ReadOnly))];
        let said = run(all).unwrap_err().to_string();
        assert!(
            said.contains("dead; ") && said.contains("read-only"),
            "{said}"
        );
        let alone = run(vec![Some(Err(StoreError::ReadOnly))]);
        assert_eq!(alone, Err(StoreError::ReadOnly));
    }

    #[test]
    fn the_host_of_a_lost_connection_is_asked_last() {
        let hosts = Hosts::default();
        assert_eq!(hosts.order(3), [0, 1, 2]);
        hosts.answered(1);
        assert_eq!((hosts.order(3), hosts.home()), (vec![1, 2, 0], 1));
        hosts.lost(1, 3);
        hosts.lost(1, 3); // the second of its connections
        assert_eq!((hosts.order(3), hosts.home()), (vec![2, 0, 1], 1));
        hosts.lost(2, 3);
        assert_eq!(hosts.order(3), [0, 1, 2]);
        assert_eq!((hosts.order(0), hosts.order(1)), (vec![], vec![0]));
    }
}
