//! The columns of `import/authenticators` and what can be wrong with a row.

use std::fmt;

use thiserror::Error;

use super::record::{RecordCause, RecordError};

/// Longest text in characters.
pub(super) const MAX_TEXT: usize = 255;

/// A column of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Serial number; mandatory.
    Serial,
    /// Authenticator type.
    Type,
    /// HOTP, TOTP or OCRA; may be left out where a suite stands.
    Algorithm,
    /// Hash function; SHA1 when empty.
    Hash,
    /// Digits, 6 to 10; 6 when empty.
    Digits,
    /// Step of TOTP in seconds; 30 when empty.
    Period,
    /// Next counter; 0 when empty.
    Counter,
    /// OCRA suite.
    Suite,
    /// Key in hexadecimal.
    SecretHex,
    /// Key in base32.
    SecretBase32,
    /// Name of the application.
    Application,
    /// RO, CR, SG or MM; RO when empty.
    ApplicationType,
    /// Date or moment after which it is refused.
    Expires,
    /// Domain.
    Domain,
    /// Organisational unit.
    OrgUnit,
    /// User to assign to.
    User,
}

/// Every column with its name in the header line.
pub const COLUMNS: [(Column, &str); 16] = [
    (Column::Serial, "serial"),
    (Column::Type, "type"),
    (Column::Algorithm, "algorithm"),
    (Column::Hash, "hash"),
    (Column::Digits, "digits"),
    (Column::Period, "period"),
    (Column::Counter, "counter"),
    (Column::Suite, "suite"),
    (Column::SecretHex, "secret_hex"),
    (Column::SecretBase32, "secret_base32"),
    (Column::Application, "application"),
    (Column::ApplicationType, "application_type"),
    (Column::Expires, "expires"),
    (Column::Domain, "domain"),
    (Column::OrgUnit, "org_unit"),
    (Column::User, "user"),
];

impl Column {
    /// Name in the header line.
    #[must_use]
    pub fn name(self) -> &'static str {
        COLUMNS
            .iter()
            .find(|(column, _)| *column == self)
            .map_or("", |(_, name)| name)
    }

    pub(super) fn named(text: &str) -> Option<Self> {
        COLUMNS
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text.trim()))
            .map(|(column, _)| *column)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the whole file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CsvError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The header line cannot be read.
    #[error("header line: {0}")]
    Header(RecordError),
    /// A column that is not known, by its place from 1.
    #[error("header line: column {0} is not known")]
    UnknownColumn(usize),
    /// A column stands twice.
    #[error("header line: column {0} stands twice")]
    Twice(Column),
    /// A mandatory column is missing.
    #[error("header line: column {0} is missing")]
    Missing(Column),
}

/// Why a row is refused, and where; holds no value of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowError {
    /// Line, from 1.
    pub line: u64,
    /// Column, unless the row as a whole is wrong.
    pub column: Option<Column>,
    /// What is wrong.
    pub cause: RowCause,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for RowError {}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RowCause {
    /// The record cannot be read.
    #[error(transparent)]
    Record(RecordCause),
    /// More or fewer fields than the header line.
    #[error("the row does not have the {expected} fields of the header line")]
    Fields {
        /// Fields of the header line.
        expected: usize,
    },
    /// A mandatory value is empty.
    #[error("a value is needed")]
    Missing,
    /// A text of more than 255 characters or with control characters.
    #[error("longer than {MAX_TEXT} characters or with control characters")]
    Text,
    /// Not one of the words allowed, or not the number, date, suite or key that belongs here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Two values that exclude each other.
    #[error("contradicts another column")]
    Contradiction,
}
