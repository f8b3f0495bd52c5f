//! What a seed chooses before a run begins.

use super::chance::Chance;
use serde_json::{Value, json};

/// The deployment, its load and its faults.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    pub(super) users: usize,
    /// Things that users do.
    pub(super) acts: u32,
    pub(super) rules: Rules,
    pub(super) faults: Faults,
}

/// The policy; few values, so that snapshots can be kept from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rules {
    pub(super) lock_threshold: u8,
    pub(super) unlock_attempts: u8,
    pub(super) application_threshold: u8,
    pub(super) resynchronises: bool,
    pub(super) check_mode: u8,
}

/// Percentages of what goes wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Faults {
    pub(super) packet_lost: u64,
    pub(super) packet_doubled: u64,
    pub(super) packet_late: u64,
    pub(super) answer_lost: u64,
    pub(super) commit_failed: u64,
    pub(super) commit_unknown: u64,
    pub(super) cache_misses_update: u64,
    /// Crashes of nodes in the whole run.
    pub(super) crashes: u64,
    /// Commands of administrators in the whole run.
    pub(super) commands: u64,
    /// Most seconds by which the clock of a node is off.
    pub(super) node_drift_s: i64,
    /// Most seconds by which the clock of an authenticator is off.
    pub(super) device_drift_s: i64,
}

impl Plan {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        Self {
            nodes: 1 + chance.index(4),
            users: 1 + chance.index(3),
            acts: 15 + u32::try_from(chance.below(25)).unwrap_or(0),
            rules: Rules {
                lock_threshold: chance.pick(&[0, 0, 3, 10]),
                unlock_attempts: chance.pick(&[0, 3]),
                application_threshold: chance.pick(&[0, 0, 6]),
                resynchronises: chance.percent(40),
                check_mode: chance.pick(&[0, 1, 1, 4]),
            },
            // A run has few faults of many kinds or many of few kinds.
            faults: Faults {
                packet_lost: chance.pick(&[0, 5, 30]),
                packet_doubled: chance.pick(&[0, 10, 40]),
                packet_late: chance.pick(&[0, 10, 50]),
                answer_lost: chance.pick(&[0, 10, 40]),
                commit_failed: chance.pick(&[0, 0, 10]),
                commit_unknown: chance.pick(&[0, 10, 40]),
                cache_misses_update: chance.pick(&[0, 0, 50]),
                crashes: chance.pick(&[0, 1, 4]),
                commands: chance.pick(&[0, 2, 8]),
                node_drift_s: chance.pick(&[0, 2, 20]),
                device_drift_s: chance.pick(&[0, 20, 70]),
            },
        }
    }
}

impl Rules {
    pub(super) fn values(&self) -> Value {
        let yes_no = |yes: bool| if yes { "yes" } else { "no" };
        json!({
            "local_auth": "authenticator_only",
            "event_window": 10,
            "identification_time_window": 4,
            "skip_initial_sync": "yes",
            "user_lock_threshold": self.lock_threshold,
            "max_unlock_attempts": self.unlock_attempts,
            "min_lock_duration_min": 1,
            "lock_duration_multiplier": 1,
            "identification_threshold": self.application_threshold,
            "second_otp_sync": yes_no(self.resynchronises),
            "challenge_request_method": "keyword",
            "challenge_request_keyword": super::device::KEYWORD,
            "challenge_check_mode": self.check_mode,
        })
    }
}
