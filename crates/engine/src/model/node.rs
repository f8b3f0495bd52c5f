//! The servers of a deployment, as the store knows them.

use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds without a report after which a node that did not stop counts as lost.
pub const LOST_AFTER_S: i64 = 15;

/// What a node can offer, each switched by itself (administration.md 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// Authentication over JSON.
    Auth,
    /// Signatures.
    Sign,
    /// Provisioning.
    Prov,
    /// Administration.
    Admin,
    /// Reports.
    Report,
    /// Authentication and accounting over RADIUS.
    Radius,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// It starts.
    Starting,
    /// It serves.
    Serving,
    /// It takes no more requests and finishes those that began.
    Draining,
    /// It was taken out of service and has nothing in work.
    Drained,
    /// It runs but cannot serve; the reasons say why.
    NotReady,
    /// It is being stopped.
    Stopping,
    /// It was stopped in order.
    Stopped,
}

/// What a node says of itself, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: NodeState,
    /// Why it does not serve.
    pub reasons: Vec<String>,
    /// Where it is reached: `host`, and by listener `http`, `health`, `radius_auth`, `radius_acct`.
    pub addresses: BTreeMap<String, String>,
    /// What it offers.
    pub scenarios: BTreeSet<Scenario>,
    /// The newest schema that it knows.
    pub schema: i64,
    /// The newest format of the records of each table that it knows.
    pub records: BTreeMap<String, u32>,
    /// Microseconds by which its clock is ahead of the store's; none where there is nothing to compare with.
    pub clock_offset: Option<i64>,
    /// When it said so, by the store's clock.
    pub seen: Timestamp,
}

/// What administrators want of a node; it follows within a second or two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeWish {
    /// Out of service.
    pub drained: bool,
    /// Offers no more than these, of those that its configuration says; none: all of them.
    pub scenarios: Option<BTreeSet<Scenario>>,
}

/// A node with everything known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Version of its program.
    pub version: String,
    /// When it was last started.
    pub started: Timestamp,
    /// Its newest report; none from a node that never made one.
    pub report: Option<NodeReport>,
    /// What is wanted of it.
    pub wish: NodeWish,
    /// Microseconds since its newest report, as whoever reads the record measures them.
    pub silent_us: i64,
}

const SCENARIOS: [(Scenario, &str); 6] = [
    (Scenario::Auth, "auth"),
    (Scenario::Sign, "sign"),
    (Scenario::Prov, "prov"),
    (Scenario::Admin, "admin"),
    (Scenario::Report, "report"),
    (Scenario::Radius, "radius"),
];

const STATES: [(NodeState, &str); 7] = [
    (NodeState::Starting, "starting"),
    (NodeState::Serving, "serving"),
    (NodeState::Draining, "draining"),
    (NodeState::Drained, "drained"),
    (NodeState::NotReady, "not_ready"),
    (NodeState::Stopping, "stopping"),
    (NodeState::Stopped, "stopped"),
];

/// The words of all scenarios.
pub const SCENARIO_WORDS: [&str; 6] = ["auth", "sign", "prov", "admin", "report", "radius"];

impl Scenario {
    /// All of them.
    pub fn all() -> BTreeSet<Self> {
        SCENARIOS.iter().map(|(scenario, _)| *scenario).collect()
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        word(&SCENARIOS, self)
    }

    /// The scenario of a word.
    pub fn of(word: &str) -> Option<Self> {
        of_word(&SCENARIOS, word)
    }
}

impl NodeState {
    /// Its word.
    pub fn word(self) -> &'static str {
        word(&STATES, self)
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        of_word(&STATES, word)
    }
}

impl NodeRecord {
    /// Whether it has not been heard of for too long, though it was not stopped.
    pub fn is_lost(&self) -> bool {
        let stopped = self
            .report
            .as_ref()
            .is_some_and(|report| report.state == NodeState::Stopped);
        !stopped && self.silent_us > LOST_AFTER_S * 1_000_000
    }

    /// Whether it runs, as far as anybody can tell.
    pub fn is_running(&self) -> bool {
        let running = |report: &NodeReport| report.state != NodeState::Stopped;
        self.report.as_ref().is_some_and(running) && !self.is_lost()
    }

    /// How it is, in a word: its own, or `lost`, or `unknown` where it never said.
    pub fn state_word(&self) -> &'static str {
        match &self.report {
            _ if self.is_lost() => "lost",
            Some(report) => report.state.word(),
            None => "unknown",
        }
    }

    /// Whether it runs and offers a scenario.
    pub fn offers(&self, scenario: Scenario) -> bool {
        let offers = |report: &NodeReport| report.scenarios.contains(&scenario);
        self.is_running() && self.report.as_ref().is_some_and(offers)
    }
}

fn word<T: PartialEq + Copy>(words: &[(T, &'static str)], value: T) -> &'static str {
    words
        .iter()
        .find(|(choice, _)| *choice == value)
        .map_or("", |(_, word)| word)
}

fn of_word<T: Copy>(words: &[(T, &'static str)], text: &str) -> Option<T> {
    words
        .iter()
        .find(|(_, word)| *word == text)
        .map(|(choice, _)| *choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(state: Option<NodeState>, silent_s: i64) -> NodeRecord {
        NodeRecord {
            name: "one".into(),
            version: "1".into(),
            started: Timestamp::default(),
            report: state.map(|state| NodeReport {
                name: "one".into(),
                state,
                reasons: Vec::new(),
                addresses: BTreeMap::new(),
                scenarios: Scenario::all(),
                schema: 1,
                records: BTreeMap::new(),
                clock_offset: None,
                seen: Timestamp::default(),
            }),
            wish: NodeWish::default(),
            silent_us: silent_s * 1_000_000,
        }
    }

    #[test]
    fn a_silent_node_is_lost_unless_it_was_stopped() {
        for (state, silent_s, word) in [
            (Some(NodeState::Serving), LOST_AFTER_S, "serving"),
            (Some(NodeState::Serving), LOST_AFTER_S + 1, "lost"),
            (Some(NodeState::Stopped), LOST_AFTER_S + 1, "stopped"),
            (None, 0, "unknown"),
            (None, LOST_AFTER_S + 1, "lost"),
        ] {
            assert_eq!(node(state, silent_s).state_word(), word);
        }
        assert!(node(Some(NodeState::Drained), 0).is_running());
        assert!(!node(Some(NodeState::Stopped), 0).offers(Scenario::Auth));
        assert!(node(Some(NodeState::Serving), 0).offers(Scenario::Auth));
    }

    #[test]
    fn every_word_names_one_scenario_or_state() {
        for word in SCENARIO_WORDS {
            assert_eq!(Scenario::of(word).map(Scenario::word), Some(word));
        }
        assert_eq!(Scenario::all().len(), SCENARIO_WORDS.len());
        for (state, word) in STATES {
            assert_eq!((state.word(), NodeState::of(word)), (word, Some(state)));
        }
    }
}
