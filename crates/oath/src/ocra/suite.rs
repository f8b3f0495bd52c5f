//! The OCRA suite: which function over which data (RFC 6287 section 6).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Hash;

/// Longest suite that is read; the longest form of RFC 6287 has 53 characters.
const MAX_LEN: usize = 64;

/// A parsed suite; prints exactly as it was written, since its text is part of what is computed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Suite {
    text: Box<str>,
    hash: Hash,
    digits: u8,
    counter: bool,
    question: QuestionForm,
    pin: Option<Hash>,
    session: Option<u16>,
    time: Option<TimeStep>,
}

/// Format and longest length of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionForm {
    /// Which characters.
    pub format: Format,
    /// Longest question in characters, 4 to 64.
    pub max: u8,
}

/// Characters of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// N: decimal digits, taken as one number.
    Numeric,
    /// A: ASCII letters and digits.
    Alphanumeric,
    /// H: hexadecimal digits.
    Hex,
}

impl Format {
    /// The letter in the suite.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Numeric => 'N',
            Self::Alphanumeric => 'A',
            Self::Hex => 'H',
        }
    }
}

/// Length of a time step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeStep {
    seconds: u32,
}

impl TimeStep {
    /// Length in seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    /// The step of a moment in seconds since 1970.
    #[must_use]
    pub fn at(self, unix_seconds: u64) -> u64 {
        crate::totp::step(unix_seconds, self.seconds)
    }
}

/// What moves from one value of a suite to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MovingFactor {
    /// Nothing: the question alone makes the difference.
    None,
    /// The counter, also when there is a time step as well.
    Counter,
    /// The time step.
    Time,
}

impl Suite {
    /// The text, as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Hash function of the HMAC.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Digits of the response, 4 to 10, or 0 for the whole HMAC value.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// Whether a counter goes in.
    #[must_use]
    pub fn counter(&self) -> bool {
        self.counter
    }

    /// Form of the question.
    #[must_use]
    pub fn question(&self) -> QuestionForm {
        self.question
    }

    /// Hash function of the PIN, when one goes in.
    #[must_use]
    pub fn pin(&self) -> Option<Hash> {
        self.pin
    }

    /// Length of the session information in bytes, when some goes in.
    #[must_use]
    pub fn session(&self) -> Option<u16> {
        self.session
    }

    /// The time step, when one goes in.
    #[must_use]
    pub fn time(&self) -> Option<TimeStep> {
        self.time
    }

    /// What moves.
    #[must_use]
    pub fn moving_factor(&self) -> MovingFactor {
        match (self.counter, self.time) {
            (true, _) => MovingFactor::Counter,
            (false, Some(_)) => MovingFactor::Time,
            (false, None) => MovingFactor::None,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suite({})", self.text)
    }
}

/// Why a text is no OCRA suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseSuiteError {
    /// Longer than any suite.
    #[error("an OCRA suite has at most {MAX_LEN} characters")]
    TooLong,
    /// Not three parts divided by colons, or not version 1.
    #[error("an OCRA suite is OCRA-1:FUNCTION:DATA")]
    Shape,
    /// Not `HOTP-SHA1`, `HOTP-SHA256` or `HOTP-SHA512`.
    #[error("the function is HOTP-SHA1, HOTP-SHA256 or HOTP-SHA512 and the digits")]
    Function,
    /// Digits other than 0 and 4 to 10.
    #[error("the digits are 0 or 4 to 10")]
    Digits,
    /// No question, or not Q, QN, QA or QH with 04 to 64.
    #[error("the question is QN, QA or QH and 04 to 64")]
    Question,
    /// A PIN hash other than PSHA1, PSHA256 or PSHA512.
    #[error("the PIN is PSHA1, PSHA256 or PSHA512")]
    Pin,
    /// Session information other than S001 to S512.
    #[error("the session is S001 to S512")]
    Session,
    /// A time step other than 1–59 S, 1–59 M or 1–48 H.
    #[error("the time step is T1S to T59S, T1M to T59M or T1H to T48H")]
    Time,
    /// A data field that is unknown, repeated or out of the order C, Q, P, S, T.
    #[error("the data fields are C, Q, P, S and T in this order")]
    Data,
}

impl FromStr for Suite {
    type Err = ParseSuiteError;

    fn from_str(text: &str) -> Result<Self, ParseSuiteError> {
        if text.len() > MAX_LEN {
            return Err(ParseSuiteError::TooLong);
        }
        let mut parts = text.split(':');
        let (Some("OCRA-1"), Some(function), Some(data), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseSuiteError::Shape);
        };
        let (hash, digits) = parse_function(function)?;
        let mut fields = data.split('-').peekable();
        let suite = Self {
            text: text.into(),
            hash,
            digits,
            counter: fields.next_if_eq(&"C").is_some(),
            question: parse_question(fields.next().unwrap_or_default())?,
            pin: optional(&mut fields, 'P', parse_pin)?,
            session: optional(&mut fields, 'S', parse_session)?,
            time: optional(&mut fields, 'T', parse_time)?,
        };
        match fields.next() {
            None => Ok(suite),
            Some(_) => Err(ParseSuiteError::Data),
        }
    }
}

fn parse_function(text: &str) -> Result<(Hash, u8), ParseSuiteError> {
    let rest = text
        .strip_prefix("HOTP-")
        .ok_or(ParseSuiteError::Function)?;
    let (hash, digits) = rest.split_once('-').ok_or(ParseSuiteError::Function)?;
    let hash = exact_hash(hash).ok_or(ParseSuiteError::Function)?;
    let digits = plain_number(digits).filter(|digits| matches!(digits, 0 | 4..=10));
    Ok((hash, digits.ok_or(ParseSuiteError::Digits)?))
}

/// The next field, when it begins with the letter; a field given without its detail takes the default of RFC 6287 section 6.3.
fn optional<'a, T>(
    fields: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    letter: char,
    parse: impl FnOnce(&str) -> Result<T, ParseSuiteError>,
) -> Result<Option<T>, ParseSuiteError> {
    match fields.next_if(|field| field.starts_with(letter)) {
        Some(field) => parse(field.get(1..).unwrap_or_default()).map(Some),
        None => Ok(None),
    }
}

fn parse_question(field: &str) -> Result<QuestionForm, ParseSuiteError> {
    if field == "Q" {
        return Ok(QuestionForm {
            format: Format::Numeric,
            max: 8,
        });
    }
    let split = field.split_at_checked(2).ok_or(ParseSuiteError::Question)?;
    let format = match split.0 {
        "QN" => Format::Numeric,
        "QA" => Format::Alphanumeric,
        "QH" => Format::Hex,
        _ => return Err(ParseSuiteError::Question),
    };
    let max = fixed_number(split.1, 2)
        .filter(|max| (4..=64).contains(max))
        .ok_or(ParseSuiteError::Question)?;
    Ok(QuestionForm {
        format,
        max: u8::try_from(max).map_err(|_| ParseSuiteError::Question)?,
    })
}

fn parse_pin(detail: &str) -> Result<Hash, ParseSuiteError> {
    if detail.is_empty() {
        Ok(Hash::Sha1)
    } else {
        exact_hash(detail).ok_or(ParseSuiteError::Pin)
    }
}

fn parse_session(detail: &str) -> Result<u16, ParseSuiteError> {
    if detail.is_empty() {
        return Ok(64);
    }
    fixed_number(detail, 3)
        .filter(|len| (1..=512).contains(len))
        .ok_or(ParseSuiteError::Session)
}

fn parse_time(detail: &str) -> Result<TimeStep, ParseSuiteError> {
    if detail.is_empty() {
        return Ok(TimeStep { seconds: 60 });
    }
    let split = detail
        .len()
        .checked_sub(1)
        .and_then(|at| detail.split_at_checked(at))
        .ok_or(ParseSuiteError::Time)?;
    let (unit, max) = match split.1 {
        "S" => (1, 59),
        "M" => (60, 59),
        "H" => (3600, 48),
        _ => return Err(ParseSuiteError::Time),
    };
    let count = plain_number(split.0)
        .filter(|count| (1..=max).contains(count))
        .ok_or(ParseSuiteError::Time)?;
    Ok(TimeStep {
        seconds: unit * u32::from(count),
    })
}

fn exact_hash(text: &str) -> Option<Hash> {
    Hash::ALL.into_iter().find(|hash| hash.name() == text)
}

/// A number of one or two digits without leading zeros.
fn plain_number(text: &str) -> Option<u8> {
    let number: u8 = text.parse().ok()?;
    (text.len() == if number < 10 { 1 } else { 2 }).then_some(number)
}

fn fixed_number(text: &str, len: usize) -> Option<u16> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
