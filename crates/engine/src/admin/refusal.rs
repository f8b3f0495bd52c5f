//! Why a command is not done.

use crate::Status;
use crate::decision::Question;

/// A refusal of a command: the status and the sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: Status,
    /// What is wrong, in words that name the field or object; never a value of a secret field.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(status: Status, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    /// -101: a field has a value that it does not take.
    pub fn invalid(field: &str, allowed: impl std::fmt::Display) -> Self {
        Self::new(Status::INVDATA, format!("{field} must be {allowed}"))
    }

    /// -102: a mandatory field is missing.
    pub fn missing(field: &str) -> Self {
        Self::new(Status::MISSINGFLD, format!("{field} is missing"))
    }

    /// -2: the fields, or the command and what is stored, contradict each other.
    pub fn contradiction(detail: impl Into<String>) -> Self {
        Self::new(Status::INVPARAM, detail)
    }

    /// -13: the object that is named does not exist.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Status::NOT_FOUND, format!("{what} does not exist"))
    }

    /// -14: an object with this key exists already.
    pub fn exists(what: impl std::fmt::Display) -> Self {
        Self::new(Status::EXISTS, format!("{what} exists already"))
    }
}

/// Why the rules of a verb stop before an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The command is refused.
    Refuse(Refusal),
    /// The shell must find something out first.
    Ask(Question),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}
