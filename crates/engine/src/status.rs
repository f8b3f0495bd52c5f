//! Status codes: how every operation ends (spec/status-codes.md).
//!
//! Zero is success, positive numbers are decisions, negative numbers are errors. The number is the contract; names and
//! texts are for people.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod table;

use table::{ROWS, Row};

/// How an operation ended: one of the codes of the contract and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(i16);

/// The class of a status in the result envelope (spec/status-codes.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnCode {
    /// The operation completed.
    Success = 0,
    /// The operation was refused.
    Failure = 1,
    /// An answer of the user is awaited.
    Challenge = 2,
    /// Not handled here; the client may decide otherwise.
    Declined = 3,
    /// Something broke or the request was unusable.
    Error = 4,
}

/// The RADIUS packet that carries a status (spec/status-codes.md 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packet {
    /// Access-Accept.
    Accept,
    /// Access-Challenge with State; Access-Reject with the challenge's text where the component cannot carry challenges.
    Challenge,
    /// Access-Reject.
    Reject,
    /// Access-Reject, or no answer when the component says `not_handled = "silent"`.
    RejectUnlessSilent,
    /// No answer while the user is not identified or when the store is what failed, else Access-Reject.
    RejectOnceIdentified,
    /// No answer, so that the client asks its next server.
    Silence,
}

/// A group of operations through which a status can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// RADIUS.
    Radius,
    /// `/v1/auth/*`.
    Auth,
    /// `/v1/sign/*`.
    Sign,
    /// `/v1/prov/*`.
    Provision,
    /// `/v1/admin/*`, command line and console.
    Admin,
}

/// A property that only some statuses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Becomes 1000 for the client under `generic_status_codes = yes`.
    Generic,
    /// Counts one failure towards the lock.
    Counted,
}

impl Status {
    /// The code itself.
    pub const fn number(self) -> i16 {
        self.0
    }

    /// The status with this number, if the contract has one.
    pub fn from_number(number: i64) -> Option<Self> {
        let number = i16::try_from(number).ok()?;
        find(number).map(|row| Self(row.number))
    }

    /// The status with this name: any of its names, in any case, with or without `STAT_`.
    pub fn from_name(name: &str) -> Option<Self> {
        let wanted = without_prefix(name);
        ROWS.iter()
            .find(|row| {
                row.names
                    .iter()
                    .any(|own| without_prefix(own).eq_ignore_ascii_case(wanted))
            })
            .map(|row| Self(row.number))
    }

    /// The name that is sent, `STAT_…`.
    pub fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or("STAT_ERROR")
    }

    /// All names, the one that is sent first.
    pub fn names(self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.names)
    }

    /// The sentence sent as `message`.
    pub fn message(self) -> &'static str {
        self.row().map_or("", |row| row.message)
    }

    /// What brings the status about and what to do next, for administrators.
    pub fn advice(self) -> &'static str {
        self.row().map_or("", |row| row.advice)
    }

    /// The interfaces that can answer it.
    pub fn interfaces(self) -> &'static [Interface] {
        self.row().map_or(&[], |row| row.interfaces)
    }

    /// Where it stands among codes raised for one reading (spec/status-codes.md 6): ten times the stage plus the place
    /// within it, smaller wins. 1010 stands twice; codes outside that order have none.
    pub fn ranks(self) -> &'static [u16] {
        self.row().map_or(&[], |row| row.ranks)
    }

    /// The class of the envelope.
    pub const fn return_code(self) -> ReturnCode {
        match self.0 {
            ..0 => ReturnCode::Error,
            0 => ReturnCode::Success,
            1006 | 5000.. => ReturnCode::Declined,
            3001 | 3003 => ReturnCode::Challenge,
            _ => ReturnCode::Failure,
        }
    }

    /// The RADIUS packet that carries it.
    pub const fn packet(self) -> Packet {
        match self.0 {
            -106 | -103 => Packet::Silence,
            ..0 => Packet::RejectOnceIdentified,
            0 => Packet::Accept,
            3001 | 3003 => Packet::Challenge,
            5001 | 5002 => Packet::RejectUnlessSilent,
            _ => Packet::Reject,
        }
    }

    /// Whether it counts one failure towards the lock (spec/status-codes.md 7); an exact retransmission never does.
    pub fn counts(self) -> bool {
        self.marked(Mark::Counted)
    }

    /// Whether it is one of the eight that generic codes hide (spec/status-codes.md 5).
    pub fn is_generic(self) -> bool {
        self.marked(Mark::Generic)
    }

    /// What the client gets while generic codes are on.
    pub fn hidden(self) -> Self {
        if self.is_generic() {
            Self::INVCREDENTIALS
        } else {
            self
        }
    }

    /// Whether the operation completed.
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }

    /// Whether it is an error and not a decision.
    pub const fn is_error(self) -> bool {
        self.0 < 0
    }

    /// Every status in ascending order of the numbers.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ROWS.iter().map(|row| Self(row.number))
    }

    fn marked(self, mark: Mark) -> bool {
        self.row().is_some_and(|row| row.marks.contains(&mark))
    }

    fn row(self) -> Option<&'static Row> {
        find(self.0)
    }
}

fn find(number: i16) -> Option<&'static Row> {
    let place = ROWS.binary_search_by_key(&number, |row| row.number).ok()?;
    ROWS.get(place)
}

fn without_prefix(name: &str) -> &str {
    match name.split_at_checked(5) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("STAT_") => rest,
        _ => name,
    }
}

impl ReturnCode {
    /// The name sent in the envelope.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "RET_SUCCESS",
            Self::Failure => "RET_FAILURE",
            Self::Challenge => "RET_CHALLENGE",
            Self::Declined => "RET_DECLINED",
            Self::Error => "RET_ERROR",
        }
    }

    /// The number, 0 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Interface {
    /// The letter used in documents.
    pub const fn letter(self) -> char {
        match self {
            Self::Radius => 'R',
            Self::Auth => 'A',
            Self::Sign => 'S',
            Self::Provision => 'P',
            Self::Admin => 'M',
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i16(self.0)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Signed(number), &"a status code")
        })
    }
}

#[cfg(test)]
mod tests;
