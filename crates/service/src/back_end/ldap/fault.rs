//! Why there is no answer.

use std::fmt;

/// Why a server gave no answer that could be used: the step and what happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    step: &'static str,
    why: String,
    gone: bool,
}

impl Fault {
    /// The step did not lead to an answer.
    pub(super) fn new(step: &'static str, why: impl fmt::Display) -> Self {
        let why = why.to_string();
        Self {
            step,
            why,
            gone: false,
        }
    }

    /// The connection ended in the step.
    pub(super) fn gone(step: &'static str, why: impl fmt::Display) -> Self {
        let why = why.to_string();
        Self {
            step,
            why,
            gone: true,
        }
    }

    /// Whether another connection may help: the server may have closed this one long ago.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// What happened, without the step.
    pub(super) fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.why)
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
