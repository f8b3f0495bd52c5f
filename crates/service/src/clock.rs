//! The watch over this node's clock (administration.md 17): against the shared store's, or, where there is none, against
//! its own monotonic clock and the newest record.

use countersign_engine::audit::Code;
use countersign_engine::settings::Settings;
use countersign_engine::time::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

const SECOND_US: i64 = 1_000_000;

/// How far the clock is to be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It agrees, as far as anybody can tell.
    #[default]
    Agrees,
    /// It differs by more than `clock.warn_s`.
    Differs,
    /// It differs by more than `clock.max_skew_s`: the node steps aside.
    Untrusted,
}

/// What the clocks said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// This node's clock before the store was asked.
    pub(crate) before: Timestamp,
    /// The store's, if it has one of its own.
    pub(crate) store: Option<Timestamp>,
    /// This node's clock after that.
    pub(crate) after: Timestamp,
    /// The monotonic clock at that moment.
    pub(crate) monotonic: Instant,
    /// The newest audit record, where the store has no clock and was just opened.
    pub(crate) newest: Option<Timestamp>,
}

/// Something to be reported.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) reason: String,
}

/// From how many microseconds on a difference counts; none: never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    warn: Option<i64>,
    most: Option<i64>,
}

impl Limits {
    pub(crate) fn of(settings: &Settings) -> Self {
        let limit = |name| Some(settings.number(name)).filter(|seconds| *seconds > 0);
        let us = |seconds: i64| seconds.saturating_mul(SECOND_US);
        Self {
            warn: limit("clock.warn_s").map(us),
            most: limit("clock.max_skew_s").map(us),
        }
    }
}

/// What was seen of the clock so far.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    trust: Trust,
    offset: Option<i64>,
    last: Option<(Instant, Timestamp)>,
}

impl ClockWatch {
    /// How far the clock is to be trusted, and by how many microseconds it is ahead of the store's.
    pub(crate) fn state(&self) -> (Trust, Option<i64>) {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.trust, seen.offset)
    }

    /// Takes a reading; something to report where the state changed, not each time.
    pub(crate) fn take(&self, reading: Reading, limits: Limits) -> Option<Finding> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.last.replace((reading.monotonic, reading.after));
        let Some(store) = reading.store else {
            let step = last.map_or(0, |last| step(last, reading));
            return set_by(step, limits).or_else(|| behind(reading, limits));
        };
        let offset = offset(reading.before, store, reading.after);
        let trust = judge(offset, limits);
        let before = std::mem::replace(&mut seen.trust, trust);
        seen.offset = Some(offset);
        (trust != before).then(|| finding(trust, offset)).flatten()
    }
}

/// By how much a clock is ahead of the store's for certain: the answer was made at some moment between the two readings.
fn offset(before: Timestamp, store: Timestamp, after: Timestamp) -> i64 {
    if before > store {
        before.micros_since(store)
    } else if after < store {
        after.micros_since(store)
    } else {
        0
    }
}

fn judge(offset: i64, limits: Limits) -> Trust {
    let over = |limit: Option<i64>| limit.is_some_and(|limit| offset.saturating_abs() > limit);
    if over(limits.most) {
        Trust::Untrusted
    } else if over(limits.warn) {
        Trust::Differs
    } else {
        Trust::Agrees
    }
}

fn finding(trust: Trust, offset: i64) -> Option<Finding> {
    let code = match trust {
        Trust::Agrees => return None,
        Trust::Differs => Code::CLOCK_DIFFERS,
        Trust::Untrusted => Code::CLOCK_NOT_TRUSTED,
    };
    Some(Finding {
        code,
        reason: difference(offset),
    })
}

/// A difference in words.
pub(crate) fn difference(offset: i64) -> String {
    let way = if offset < 0 { "behind" } else { "ahead of" };
    format!("the clock is {} {way} the store's", seconds(offset))
}

/// How far the wall clock went beyond the monotonic one.
fn step(last: (Instant, Timestamp), reading: Reading) -> i64 {
    let passed = reading.monotonic.saturating_duration_since(last.0);
    let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
    reading.after.micros_since(last.1).saturating_sub(passed)
}

fn set_by(step: i64, limits: Limits) -> Option<Finding> {
    let way = if step < 0 { "back" } else { "forward" };
    let reason = || format!("the clock was set {way} by {}", seconds(step));
    limits
        .warn
        .filter(|warn| step.saturating_abs() > *warn)
        .map(|_| Finding {
            code: Code::CLOCK_DIFFERS,
            reason: reason(),
        })
}

fn behind(reading: Reading, limits: Limits) -> Option<Finding> {
    let behind = reading.newest?.micros_since(reading.after);
    limits.warn.filter(|warn| behind > *warn).map(|_| Finding {
        code: Code::CLOCK_DIFFERS,
        reason: format!("the clock is {} behind the newest record", seconds(behind)),
    })
}

fn seconds(us: i64) -> String {
    let tenths = us.unsigned_abs() / 100_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: Limits = Limits {
        warn: Some(2 * SECOND_US),
        most: Some(30 * SECOND_US),
    };
    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A reading by a node that is `ahead` seconds ahead of a store that answers after a second.
    fn shared(ahead: i64) -> Reading {
        Reading {
            before: NOW.plus_seconds(ahead),
            store: Some(NOW),
            after: NOW.plus_seconds(ahead + 1),
            monotonic: Instant::now(),
            newest: None,
        }
    }

    fn embedded(start: Instant, passed_s: u64, wall_s: i64, newest: Option<i64>) -> Reading {
        let wall = NOW.plus_seconds(wall_s);
        Reading {
            before: wall,
            store: None,
            after: wall,
            monotonic: start + Duration::from_secs(passed_s),
            newest: newest.map(|seconds| NOW.plus_seconds(seconds)),
        }
    }

    #[test]
    fn each_change_is_reported_once() {
        let watch = ClockWatch::default();
        let take = |ahead| {
            let code = watch.take(shared(ahead), LIMITS).map(|found| found.code);
            (code, watch.state().0)
        };
        assert_eq!(take(0), (None, Trust::Agrees));
        assert_eq!(take(2), (None, Trust::Agrees), "the limit itself agrees");
        assert_eq!(take(3), (Some(Code::CLOCK_DIFFERS), Trust::Differs));
        assert_eq!(take(4), (None, Trust::Differs));
        assert_eq!(take(60), (Some(Code::CLOCK_NOT_TRUSTED), Trust::Untrusted));
        assert_eq!(take(-60), (None, Trust::Untrusted));
        assert_eq!(take(-10), (Some(Code::CLOCK_DIFFERS), Trust::Differs));
        assert_eq!(take(0), (None, Trust::Agrees));
    }

    #[test]
    fn a_slow_answer_is_no_difference() {
        assert_eq!(offset(NOW, NOW.plus_seconds(5), NOW.plus_seconds(9)), 0);
        assert_eq!(
            offset(NOW.plus_seconds(7), NOW, NOW.plus_seconds(9)),
            7 * SECOND_US
        );
        assert_eq!(
            offset(NOW, NOW.plus_seconds(9), NOW.plus_seconds(2)),
            -7 * SECOND_US
        );
    }

    #[test]
    fn limits_of_zero_are_off() {
        let off = Limits {
            warn: None,
            most: None,
        };
        let watch = ClockWatch::default();
        assert_eq!(watch.take(shared(1_000_000), off), None);
        assert_eq!(watch.state().0, Trust::Agrees);
    }

    #[test]
    fn an_embedded_store_has_the_monotonic_clock_and_its_newest_record() {
        let (watch, start) = (ClockWatch::default(), Instant::now());
        let take = |passed, wall, newest| {
            let found = watch.take(embedded(start, passed, wall, newest), LIMITS);
            found.map(|found| (found.code, found.reason))
        };
        let differs = |reason: &str| Some((Code::CLOCK_DIFFERS, reason.to_owned()));
        assert_eq!(
            take(0, 0, Some(86_400)),
            differs("the clock is 86400.0 s behind the newest record")
        );
        assert_eq!(take(10, 10, None), None);
        assert_eq!(
            take(20, 80, None),
            differs("the clock was set forward by 60.0 s")
        );
        assert_eq!(take(30, 90, None), None, "once");
        assert_eq!(
            take(40, 40, None),
            differs("the clock was set back by 60.0 s")
        );
        assert_eq!(
            watch.state(),
            (Trust::Agrees, None),
            "no more than a warning"
        );
    }
}
