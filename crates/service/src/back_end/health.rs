//! How each server has answered lately, and how much it is asked at a time. A changed record begins anew.

use countersign_engine::model::{BackEnd, BackEndKey};
use countersign_engine::time::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Failed requests in a row after which a server is skipped.
const MOST_FAILURES: u32 = 3;
/// How long it is skipped while another is usable.
const SKIPPED_FOR: Duration = Duration::from_secs(60);
/// Characters of an error that are kept.
const MOST_ERROR: usize = 300;

/// The health of all servers of a node.
#[derive(Debug, Default)]
pub(super) struct Health {
    servers: Mutex<HashMap<BackEndKey, Arc<Server>>>,
}

/// How much one server is asked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Questions under way.
    pub(super) in_flight: usize,
    /// Questions that wait.
    pub(super) queue: usize,
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    revision: i64,
    limits: Limits,
    places: Semaphore,
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    skipped_until: Option<Instant>,
    last_error: Option<(Timestamp, String)>,
    latency: Option<Duration>,
}

/// A change that somebody may want to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// The server is skipped from now on.
    Unusable,
    /// It answers again.
    Usable,
}

/// How a server is, for administrators.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerHealth {
    /// Its name.
    pub name: String,
    /// It is asked in its turn; otherwise only where no other answers.
    pub up: bool,
    /// How long it will still be skipped.
    pub skipped_for: Option<Duration>,
    /// Failed requests in a row.
    pub failures: u32,
    /// Why it failed last, and when.
    pub last_error: Option<(Timestamp, String)>,
    /// How long its last answer took.
    pub latency: Option<Duration>,
    /// Questions under way.
    pub in_flight: usize,
    /// Questions that wait for their turn.
    pub waiting: usize,
}

impl Health {
    /// A server as it is known; one that was not, or whose record has changed, begins anew.
    pub(super) fn of(&self, record: &BackEnd, limits: Limits) -> Arc<Server> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = servers.get(&record.key)
            && (known.revision, known.limits) == (record.meta.revision, limits)
        {
            return known.clone();
        }
        let server = Arc::new(Server {
            revision: record.meta.revision,
            limits,
            places: Semaphore::new(limits.in_flight),
            waiting: AtomicUsize::new(0),
            state: Mutex::default(),
        });
        servers.insert(record.key, server.clone());
        server
    }

    /// How these servers are; one that was never asked is up. Others are forgotten.
    pub(super) fn view(&self, records: &[Arc<BackEnd>], now: Instant) -> Vec<ServerHealth> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|key, _| records.iter().any(|record| record.key == *key));
        let view = |record: &Arc<BackEnd>| {
            let known = servers.get(&record.key);
            let known = known.filter(|known| known.revision == record.meta.revision);
            known.map_or_else(
                || ServerHealth {
                    name: record.name.clone(),
                    up: true,
                    ..ServerHealth::default()
                },
                |known| known.view(&record.name, now),
            )
        };
        records.iter().map(view).collect()
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is to be asked in its turn. When its time of rest is over, the first one who asks tries it, and the
    /// others go on skipping it until he knows.
    pub(super) fn takes_turn(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.skipped_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.skipped_until = Some(now + SKIPPED_FOR);
                true
            }
            None => true,
        }
    }

    /// Whether it is skipped now.
    pub(super) fn is_skipped(&self, now: Instant) -> bool {
        self.state().skipped_until.is_some_and(|until| now < until)
    }

    /// A place among those who ask it; none where too many wait for one already.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        let _waiting = Waiting::enter(&self.waiting, self.limits.queue)?;
        self.places.acquire().await.ok()
    }

    /// It answered.
    pub(super) fn answered(&self, took: Duration) -> Option<Turned> {
        let mut state = self.state();
        state.failures = 0;
        state.latency = Some(took);
        state.skipped_until.take().map(|_| Turned::Usable)
    }

    /// It did not answer.
    pub(super) fn failed(&self, now: Instant, at: Timestamp, why: &str) -> Option<Turned> {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.last_error = Some((at, why.chars().take(MOST_ERROR).collect()));
        if state.failures < MOST_FAILURES {
            return None;
        }
        let before = state.skipped_until.replace(now + SKIPPED_FOR);
        before.is_none().then_some(Turned::Unusable)
    }

    fn view(&self, name: &str, now: Instant) -> ServerHealth {
        let state = self.state();
        let skipped_for = state
            .skipped_until
            .map(|until| until.saturating_duration_since(now));
        ServerHealth {
            name: name.to_owned(),
            up: skipped_for.is_none(),
            skipped_for,
            failures: state.failures,
            last_error: state.last_error.clone(),
            latency: state.latency,
            in_flight: self
                .limits
                .in_flight
                .saturating_sub(self.places.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}

/// One of a bounded number, for as long as it lives.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    /// Enters; none where so many are there already.
    pub(super) fn enter(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let entered = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
            (count < most).then_some(count + 1)
        });
        entered.ok().map(|_| Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::super::servers::tests::record;
    use super::*;

    const LIMITS: Limits = Limits {
        in_flight: 2,
        queue: 1,
    };
    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn three_failures_in_a_row_and_a_server_rests_for_a_minute() {
        let (health, now) = (Health::default(), Instant::now());
        let server = health.of(&record(1, None, 10), LIMITS);
        assert_eq!(server.failed(now, AT, "refused"), None);
        assert_eq!(server.failed(now, AT, "refused"), None);
        assert_eq!(
            server.answered(Duration::ZERO),
            None,
            "they were not in a row"
        );
        for _ in 0..2 {
            assert_eq!(server.failed(now, AT, "refused"), None);
        }
        assert!(server.takes_turn(now));
        assert_eq!(server.failed(now, AT, "refused"), Some(Turned::Unusable));
        assert_eq!(server.failed(now, AT, "refused"), None, "told once");
        assert!(!server.takes_turn(now + Duration::from_secs(59)));
        let later = now + Duration::from_secs(60);
        assert!(server.takes_turn(later), "somebody finds out");
        assert!(!server.takes_turn(later), "and only he");
        assert_eq!(server.answered(Duration::ZERO), Some(Turned::Usable));
        assert!(server.takes_turn(later));
    }

    #[test]
    fn a_changed_record_begins_anew() {
        let (health, now) = (Health::default(), Instant::now());
        let mut changed = record(1, None, 10);
        let old = health.of(&changed, LIMITS);
        for _ in 0..3 {
            old.failed(now, AT, "refused");
        }
        assert!(health.of(&changed, LIMITS).is_skipped(now));
        let seen = health.view(&[Arc::new(changed.clone())], now);
        assert!(!seen.first().unwrap().up);
        assert_eq!(
            seen.first().unwrap().last_error,
            Some((AT, "refused".to_owned()))
        );
        changed.meta.revision += 1;
        assert!(
            health
                .view(&[Arc::new(changed.clone())], now)
                .first()
                .unwrap()
                .up
        );
        assert!(!health.of(&changed, LIMITS).is_skipped(now));
        assert!(health.view(&[], now).is_empty());
    }

    #[tokio::test]
    async fn places_and_the_queue_for_them_are_bounded() {
        let health = Health::default();
        let server = health.of(&record(1, None, 10), LIMITS);
        let first = server.place().await.unwrap();
        let _second = server.place().await.unwrap();
        let mut third = std::pin::pin!(server.place());
        let waits = tokio::select! {
            biased;
            _ = &mut third => false,
            () = std::future::ready(()) => true,
        };
        assert!(waits);
        assert!(server.place().await.is_none(), "the queue is full");
        let seen = health.view(&[Arc::new(record(1, None, 10))], Instant::now());
        assert_eq!(
            (
                seen.first().unwrap().in_flight,
                seen.first().unwrap().waiting
            ),
            (2, 1)
        );
        drop(first);
        assert!(third.await.is_some());
    }
}
