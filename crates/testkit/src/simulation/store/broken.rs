//! Promises of the store that did not hold.

use crate::history::Factor;
use std::fmt;

/// A promise of the store that did not hold, found at the commit that broke it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A counter or step went back, or a version did not rise.
    WentBack {
        /// Application.
        application: i64,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// A moving factor was accepted by a second commit.
    AcceptedAgain {
        /// Authenticator.
        serial: String,
        /// The factor.
        factor: Factor,
    },
    /// Something was accepted for an account that was disabled or locked when it was committed.
    AcceptedUnder {
        /// Account.
        user: String,
        /// Why it should not have been.
        what: &'static str,
    },
    /// Stored failures differ from those committed.
    Miscounted {
        /// Account or application.
        of: String,
        /// Stored.
        stored: u32,
        /// Committed.
        expected: u32,
    },
    /// An answer left that is not committed.
    AnsweredUncommitted {
        /// Account.
        user: String,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WentBack {
                application,
                from,
                to,
            } => write!(f, "application {application} went back from {from} to {to}"),
            Self::AcceptedAgain { serial, factor } => {
                write!(f, "{serial}: {factor} was accepted by a second commit")
            }
            Self::AcceptedUnder { user, what } => {
                write!(f, "{user} was accepted although the account was {what}")
            }
            Self::Miscounted {
                of,
                stored,
                expected,
            } => write!(f, "{of}: {stored} failures stored, {expected} committed"),
            Self::AnsweredUncommitted { user } => {
                write!(f, "{user} got an answer that is not committed")
            }
        }
    }
}
