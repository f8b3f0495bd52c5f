//! An independent judge of histories: from what clients saw, what the audit trail says and what the store holds it tells
//! whether a promise was broken. It knows the promises only and nothing of how the server keeps them, so that an error of
//! the server cannot be an error of its judge.
//!
//! A history says **at most** what was seen: where an answer was lost, both outcomes are allowed. Trail and last readings are
//! to be taken at rest, when no request is under way any more.

mod accepts;
mod counts;
mod observation;
mod readings;
mod records;
#[cfg(test)]
mod tests;
mod trail;
mod violation;

pub use observation::{AccountReading, Answer, Factor, Observation, Reading, Reset, Sent};
pub use trail::{Record, Unreadable, read_lines, read_records};
pub use violation::Violation;

use std::fmt::Write;

/// Everything that is known of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What clients sent and saw, one for each packet sent.
    pub observations: Vec<Observation>,
    /// The whole trail of all nodes, in the order in which each node's chain was written; `None` = not read.
    pub trail: Option<Vec<Record>>,
    /// Moving factors read from the store, in any order.
    pub readings: Vec<Reading>,
    /// Failure counters read from the store, in any order.
    pub accounts: Vec<AccountReading>,
    /// Failure counters set to zero by an administrator.
    pub resets: Vec<Reset>,
    /// Nobody else sent anything for these users: then what is recorded, counted or stored beyond it is a violation too.
    pub complete: bool,
}

impl History {
    /// Every broken promise; empty if none is.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        accepts::check(self, &mut found);
        records::check(self, &mut found);
        readings::check(self, &mut found);
        counts::check(self, &mut found);
        found
    }

    /// Says that no promise was broken.
    ///
    /// # Panics
    /// One was; all are named.
    pub fn assert_kept(&self) {
        let found = self.violations();
        assert!(
            found.is_empty(),
            "{} promises broken:{}",
            found.len(),
            list(&found)
        );
    }
}

/// The violations, one a line, at most 50.
pub fn list(found: &[Violation]) -> String {
    let mut text = String::new();
    for violation in found.iter().take(50) {
        let _ = write!(text, "\n  {violation}"); // writing to a string cannot fail
    }
    text
}

/// Statuses that count one failure of the account (status-codes.md 7).
const COUNTED: [i16; 6] = [1008, 1011, 1012, 1023, 1060, 1061];
