//! Imports of authenticators: rows of a file become changes, each with its own status (administration.md 10).

use crate::Secret;

/// An import to be carried out row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What the file is.
    pub format: Format,
    /// The file.
    pub data: Secret,
    /// How its rows are taken.
    pub options: Options,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// PSKC (RFC 6030).
    Pskc {
        /// Pre-shared key.
        key: Option<Secret>,
        /// Passphrase of a derived key.
        passphrase: Option<Secret>,
        /// Whether unprotected keys are accepted.
        allow_plain: bool,
    },
    /// CSV with the columns of administration.md 10.
    Csv,
    /// One otpauth URI a line.
    Otpauth,
}

/// How rows are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The domain of rows that name none; absent: the master domain.
    pub domain: Option<String>,
    /// The type of rows that name none.
    pub type_name: Option<String>,
    /// Whether unknown types are made.
    pub create_types: bool,
    /// Whether an authenticator that exists is changed.
    pub update_existing: bool,
    /// Whether everything is checked and nothing stored.
    pub dry_run: bool,
}
