//! OCRA: challenge-response and signatures (RFC 6287).

mod input;
mod suite;
#[cfg(test)]
mod tests;

use zeroize::{Zeroize, Zeroizing};

pub use input::{DataInput, Pin, Question};
pub use suite::{Format, MovingFactor, ParseSuiteError, QuestionForm, Suite, TimeStep};

use crate::keyed::{Keyed, Tag};
use crate::{Otp, Secret};
use thiserror::Error;

/// The data does not fit the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OcraError {
    /// The suite names C and none was given.
    #[error("the suite needs a counter")]
    CounterMissing,
    /// The suite names P and none was given.
    #[error("the suite needs a PIN")]
    PinMissing,
    /// The suite names S and none was given.
    #[error("the suite needs session information")]
    SessionMissing,
    /// The suite names T and none was given.
    #[error("the suite needs a time step")]
    TimeMissing,
    /// A question is empty or longer than the suite says.
    #[error("the question must have 1 to {max} characters")]
    QuestionLength {
        /// Longest question of the suite, in characters.
        max: u8,
    },
    /// A question has a character that its format does not know.
    #[error("the question has a character that format {format} does not allow")]
    QuestionCharacter {
        /// The letter of the format: N, A or H.
        format: char,
    },
    /// The hash of the PIN has another length than the suite's hash function gives.
    #[error("the PIN hash must have {expected} bytes")]
    PinHashLength {
        /// Length of the hash in bytes.
        expected: usize,
    },
    /// The session information is longer than the suite says.
    #[error("the session information is longer than {max} bytes")]
    SessionLength {
        /// Longest session information in bytes.
        max: u16,
    },
}

/// The result of an OCRA computation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// A truncated value of 4 to 10 digits.
    Code(Otp),
    /// The whole HMAC value, for suites with 0 digits (RFC 6287 section 5.2).
    Whole(Secret),
}

impl Response {
    /// The decimal value, when the suite has one.
    #[must_use]
    pub fn code(&self) -> Option<&Otp> {
        match self {
            Self::Code(otp) => Some(otp),
            Self::Whole(_) => None,
        }
    }

    /// Whether the typed digits are this value; never true of a whole HMAC, which nobody can type. Constant time.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        self.code().is_some_and(|otp| otp.matches(typed))
    }
}

/// Computes the response of a suite under a key; inputs that the suite does not name are not used.
pub fn compute(suite: &Suite, key: &[u8], input: &DataInput<'_>) -> Result<Response, OcraError> {
    let prepared = Prepared::new(suite, key, input)?;
    match suite.moving_factor() {
        MovingFactor::None => Ok(prepared.at(0)),
        MovingFactor::Counter => input
            .counter
            .map(|counter| prepared.at(counter))
            .ok_or(OcraError::CounterMissing),
        MovingFactor::Time => input
            .step
            .map(|step| prepared.at(step))
            .ok_or(OcraError::TimeMissing),
    }
}

/// A computation in which only the moving factor is open: the form in which windows are searched, without allocation for codes.
pub struct Prepared {
    keyed: Keyed,
    digits: u8,
    moving: MovingFactor,
    /// The suite and its zero byte.
    head: Box<[u8]>,
    /// Question, PIN hash, session.
    middle: Zeroizing<Vec<u8>>,
    /// The time step of a suite that has a counter too.
    fixed_step: Option<u64>,
}

impl Prepared {
    /// Prepares all but the moving factor (the counter, or the time step of a suite without one), which `input` need not hold.
    pub fn new(suite: &Suite, key: &[u8], input: &DataInput<'_>) -> Result<Self, OcraError> {
        let moving = suite.moving_factor();
        let fixed_step = match (moving, suite.time()) {
            (MovingFactor::Counter, Some(_)) => Some(input.step.ok_or(OcraError::TimeMissing)?),
            _ => None,
        };
        Ok(Self {
            keyed: Keyed::new(key, suite.hash()),
            digits: suite.digits(),
            moving,
            head: suite.as_str().bytes().chain([0]).collect(),
            middle: input.encode(suite)?,
            fixed_step,
        })
    }

    /// The response at a moving factor, which a suite without one does not use.
    #[must_use]
    pub fn at(&self, factor: u64) -> Response {
        let factor = factor.to_be_bytes();
        let fixed = self.fixed_step.map(u64::to_be_bytes);
        let fixed: &[u8] = fixed.as_ref().map_or(&[], |step| step);
        self.response(&match self.moving {
            MovingFactor::None => self.keyed.mac(&[&self.head, &self.middle]),
            MovingFactor::Counter => self.keyed.mac(&[&self.head, &factor, &self.middle, fixed]),
            MovingFactor::Time => self.keyed.mac(&[&self.head, &self.middle, &factor]),
        })
    }

    fn response(&self, tag: &Tag) -> Response {
        match self.digits {
            0 => Response::Whole(Secret::new(tag.as_bytes())),
            digits => Response::Code(Otp::truncate(tag, digits)),
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prepared(..)")
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.fixed_step.zeroize();
    }
}
