//! The throttle of logons by source (authentication.md 14): it slows whoever guesses, and locks nobody.
//!
//! Attempts still under way count like failures, or many at once would all pass before the first of them failed.

use crate::reply::Problem;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a place is throttled.
const PAUSE: Duration = Duration::from_secs(30);
/// The time in which failures of a source add up.
const MINUTE: Duration = Duration::from_secs(60);
/// Failures in a row of one account from one source.
const MOST_OF_ACCOUNT: u32 = 10;
/// Failures of one source in a minute.
const MOST_OF_SOURCE: u32 = 30;
/// Places remembered.
const MOST_PLACES: usize = 10_000;
/// How long the failures of an account are remembered when room is needed.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Where attempts fail: accounts at their source, and sources.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<String, Failures>>);

/// The two places of one attempt.
#[derive(Debug)]
pub(super) struct Places {
    account: String,
    source: String,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    since: Instant,
    until: Option<Instant>,
    under_way: u32,
}

/// How an attempt ended, as far as guessing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Right,
    Wrong,
    /// Nothing was found out about the credentials.
    Neither,
}

/// An attempt under way; one that is dropped without an end was neither right nor wrong.
#[derive(Debug)]
pub(super) struct Trying<'t> {
    throttle: &'t Throttle,
    places: Places,
    end: End,
}

impl Places {
    /// The places of a folded user ID and domain, as typed, at a source (IPv6: its /64).
    pub(super) fn new(user: &str, domain: &str, source: IpAddr) -> Self {
        let source = match source.to_canonical() {
            IpAddr::V4(v4) => v4.to_string(),
            v6 @ IpAddr::V6(_) => super::network(v6).to_string(),
        };
        let account = format!("{source} {domain}/{user}");
        Self { account, source }
    }

    fn with_limits(&self) -> [(&str, u32); 2] {
        [
            (&self.account, MOST_OF_ACCOUNT),
            (&self.source, MOST_OF_SOURCE),
        ]
    }
}

impl Throttle {
    /// Begins an attempt.
    ///
    /// # Errors
    /// 429 where one of its places is throttled.
    pub(super) fn begin(&self, places: Places, now: Instant) -> Result<Trying<'_>, Problem> {
        let mut all = self.lock();
        for (place, most) in places.with_limits() {
            if let Some(left) = all.get(place).and_then(|seen| seen.pause(most, now)) {
                tracing::warn!(
                    source = places.source,
                    "administrative logons are throttled by source (W-105002)"
                );
                return Err(throttled(left));
            }
        }
        for (place, _) in places.with_limits() {
            if let Some(seen) = entry(&mut all, place, now) {
                seen.under_way += 1;
            }
        }
        drop(all);
        Ok(Trying {
            throttle: self,
            places,
            end: End::Neither,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trying<'_> {
    /// Ends the attempt.
    pub(super) fn end(mut self, end: End) {
        self.end = end;
    }
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        let (now, mut all) = (Instant::now(), self.throttle.lock());
        for (place, most) in self.places.with_limits() {
            let Some(seen) = all.get_mut(place) else {
                continue;
            };
            seen.under_way = seen.under_way.saturating_sub(1);
            let of_account = place == self.places.account;
            match self.end {
                End::Right if of_account => (seen.count, seen.until) = (0, None),
                End::Wrong => seen.fail(most, of_account, now),
                End::Right | End::Neither => {}
            }
            if seen.count == 0 && seen.under_way == 0 {
                all.remove(place);
            }
        }
    }
}

impl Failures {
    /// How long an attempt must wait, if it must.
    fn pause(&self, most: u32, now: Instant) -> Option<Duration> {
        if let Some(left) = self
            .until
            .and_then(|until| until.checked_duration_since(now))
            && !left.is_zero()
        {
            return Some(left);
        }
        // When the pause is over one attempt at a time may show that the guessing has ended.
        let room = most.saturating_sub(self.count).max(1);
        (self.under_way >= room).then_some(Duration::from_secs(1))
    }

    fn fail(&mut self, most: u32, in_a_row: bool, now: Instant) {
        if !in_a_row && now.duration_since(self.since) > MINUTE {
            (self.count, self.since) = (0, now);
        }
        if in_a_row {
            self.since = now;
        }
        self.count = self.count.saturating_add(1);
        if self.count >= most {
            self.until = Some(now + PAUSE);
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let throttled = self.until.is_some_and(|until| until > now);
        self.under_way == 0 && !throttled && now.duration_since(self.since) > REMEMBERED
    }
}

/// The entry of a place; none if there is no room for it.
fn entry<'a>(
    all: &'a mut HashMap<String, Failures>,
    place: &str,
    now: Instant,
) -> Option<&'a mut Failures> {
    if all.len() >= MOST_PLACES && !all.contains_key(place) {
        all.retain(|_, seen| !seen.is_over(now));
        if all.len() >= MOST_PLACES {
            return None;
        }
    }
    Some(all.entry(place.to_owned()).or_insert(Failures {
        count: 0,
        since: now,
        until: None,
        under_way: 0,
    }))
}

fn throttled(left: Duration) -> Problem {
    let seconds = left.as_millis().div_ceil(1000);
    Problem {
        http: 429,
        title: "Too many failed logons",
        detail: "Too many failed logons came from this address; wait before you try again."
            .to_owned(),
        retry_after_s: Some(u32::try_from(seconds).unwrap_or(30).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(user: &str) -> Places {
        Places::new(user, "", [192, 0, 2, 7].into())
    }

    fn fail(throttle: &Throttle, user: &str, now: Instant) -> bool {
        let begun = throttle.begin(places(user), now);
        begun.map(|trying| trying.end(End::Wrong)).is_ok()
    }

    #[test]
    fn failures_of_an_account_add_up_in_a_row() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert!((0..9).all(|_| fail(&throttle, "alice", now)));
        throttle
            .begin(places("alice"), now)
            .unwrap()
            .end(End::Right);
        assert!((0..10).all(|_| fail(&throttle, "alice", now)));
        let refused = throttle.begin(places("alice"), Instant::now()).unwrap_err();
        assert_eq!((refused.http, refused.retry_after_s), (429, Some(30)));
        assert!(fail(&throttle, "bob", now), "another account");
        let elsewhere = Places::new("alice", "", [192, 0, 2, 8].into());
        assert!(throttle.begin(elsewhere, now).is_ok(), "another source");
    }

    #[test]
    fn after_the_pause_one_attempt_at_a_time_is_let_in() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert!((0..10).all(|_| fail(&throttle, "alice", now)));
        let later = now + PAUSE + Duration::from_secs(1);
        let first = throttle.begin(places("alice"), later).unwrap();
        assert!(throttle.begin(places("alice"), later).is_err());
        drop(first);
        assert!(throttle.begin(places("alice"), later).is_ok());
    }

    #[test]
    fn attempts_under_way_count_like_failures() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let under_way: Vec<_> = (0..10)
            .map(|_| throttle.begin(places("alice"), now).unwrap())
            .collect();
        let refused = throttle.begin(places("alice"), now).unwrap_err();
        assert_eq!(refused.retry_after_s, Some(1));
        drop(under_way);
        assert!(throttle.begin(places("alice"), now).is_ok());
    }

    #[test]
    fn a_source_that_guesses_at_many_accounts_is_paused_again_and_again() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert!((0..30).all(|user| fail(&throttle, &user.to_string(), now)));
        assert!(throttle.begin(places("other"), now).is_err());
        let later = now + PAUSE + Duration::from_secs(1);
        let first = throttle.begin(places("other"), later).unwrap();
        assert!(throttle.begin(places("another"), later).is_err());
        first.end(End::Wrong);
        assert!(throttle.begin(places("third"), Instant::now()).is_err());
    }

    #[test]
    fn places_that_were_right_are_forgotten() {
        let throttle = Throttle::default();
        let begun = throttle.begin(places("alice"), Instant::now()).unwrap();
        begun.end(End::Right);
        assert!(throttle.lock().is_empty());
    }
}
