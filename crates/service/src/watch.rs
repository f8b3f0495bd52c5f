//! The watch over guessing at many users (authentication.md 14): failures and failing users per component and per
//! client address within a minute.

use crate::logon::Logon;
use crate::node::Node;
use countersign_engine::decision::{Decision, Verdict};
use countersign_engine::time::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

const MOST_WATCHED: usize = 10_000;
const MINUTE_US: i64 = 60_000_000;

/// Counters of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<HashMap<String, Minute>>);

#[derive(Debug, Default)]
struct Minute {
    since: Timestamp,
    failures: i64,
    users: HashSet<u64>,
    reported: bool,
}

/// What the watch saw where a limit is passed for the first time in a minute.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) place: String,
    pub(crate) failures: i64,
    pub(crate) users: i64,
}

impl Watch {
    fn failed(&self, place: String, user: u64, at: Timestamp, limits: (i64, i64)) -> Option<Alarm> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_WATCHED && !places.contains_key(&place) {
            places.retain(|_, minute| at.micros_since(minute.since) < MINUTE_US);
            if places.len() >= MOST_WATCHED {
                return None;
            }
        }
        let minute = places.entry(place.clone()).or_default();
        if at.micros_since(minute.since) >= MINUTE_US {
            *minute = Minute {
                since: at,
                ..Minute::default()
            };
        }
        minute.failures += 1;
        minute.users.insert(user);
        let users = i64::try_from(minute.users.len()).unwrap_or(i64::MAX);
        let passed = |limit: i64, seen: i64| limit > 0 && seen >= limit;
        if minute.reported || !(passed(limits.0, minute.failures) || passed(limits.1, users)) {
            return None;
        }
        minute.reported = true;
        Some(Alarm {
            place,
            failures: minute.failures,
            users,
        })
    }

    /// Whether the watch has struck at a place within the last minute.
    pub(crate) fn has_struck(&self, place: &str, at: Timestamp) -> bool {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places
            .get(place)
            .is_some_and(|minute| minute.reported && at.micros_since(minute.since) < MINUTE_US)
    }
}

/// The places a request is watched at: its component, and its client address.
pub(crate) fn places(logon: &Logon) -> [String; 2] {
    [
        format!("component {}", logon.component.key.0),
        format!("address {}", logon.source),
    ]
}

/// Counts a failure and reports it (W-106004) where a limit is passed.
pub(crate) fn note(node: &Node, logon: &Logon, decision: &Decision) {
    let Verdict::Refuse { status, .. } = &decision.verdict else {
        return;
    };
    if !status.counts() {
        return;
    }
    let snapshot = node.snapshot();
    let limits = (
        snapshot.settings.number("watch.failures_per_min"),
        snapshot.settings.number("watch.users_per_min"),
    );
    let user = hash(logon.user.as_deref().unwrap_or_default());
    for place in places(logon) {
        if let Some(alarm) = node.watch().failed(place, user, logon.at, limits) {
            crate::admin::record_alarm(node, &alarm);
        }
    }
}

fn hash(user: &str) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static STATE: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);
    STATE.hash_one(countersign_engine::text::fold(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_once_a_minute_at_either_limit() {
        let watch = Watch::default();
        let at = Timestamp::from_seconds(1000);
        let fail = |user, at| watch.failed("component 1".into(), user, at, (5, 3));
        assert!(fail(1, at).is_none() && fail(2, at).is_none());
        assert_eq!(
            fail(3, at).map(|alarm| (alarm.failures, alarm.users)),
            Some((3, 3))
        );
        assert!(fail(4, at).is_none(), "reported already");
        assert!(watch.has_struck("component 1", at) && !watch.has_struck("component 2", at));
        let later = at.plus_seconds(61);
        assert!(fail(5, later).is_none() && !watch.has_struck("component 1", later));
    }
}
