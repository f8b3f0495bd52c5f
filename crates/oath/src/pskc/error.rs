//! Why a PSKC file, or one key in it, is refused. No error holds a value of the file but names of keys and serial numbers.

use std::fmt;

use thiserror::Error;

use super::{MAX_ITERATIONS, xml};
use crate::ocra::ParseSuiteError;

/// Why the whole file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PskcError {
    /// Longer than the limit.
    #[error("the file is larger than {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// Not UTF-8, the only encoding that is read.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// A document type declaration, by which entity attacks come.
    #[error("the file has a document type declaration, which is never read")]
    Dtd,
    /// Elements nested too deep.
    #[error("the file nests elements deeper than {}", xml::MAX_DEPTH)]
    TooDeep,
    /// More attributes of an element, namespaces or elements than any real file has.
    #[error("the file has too many attributes, namespaces or elements for its size")]
    TooComplex,
    /// Not well-formed, or cut off.
    #[error("the file is not well-formed XML at line {line}, column {column}")]
    Malformed {
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// XML, but no key container.
    #[error("the file is not a PSKC key container")]
    NotPskc,
    /// A version other than 1.0.
    #[error("the version of the key container is not 1.0")]
    Version,
    /// No key package at all.
    #[error("the key container is empty")]
    Empty,
}

/// Why one key is refused, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageError {
    /// Place of the key in the file, from 1.
    pub index: usize,
    /// `Id` of the key, when it could be read.
    pub key_id: Option<String>,
    /// Serial number of the device, when it could be read.
    pub serial: Option<String>,
    /// Why.
    pub cause: Cause,
}

impl fmt::Display for PackageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key package {}", self.index)?;
        if let Some(id) = &self.key_id {
            write!(f, ", key {}", id.escape_debug())?;
        }
        if let Some(serial) = &self.serial {
            write!(f, ", serial {}", serial.escape_debug())?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for PackageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// What is wrong with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Cause {
    /// The package has no key.
    #[error("no key in the package")]
    NoKey,
    /// The key has no secret, only perhaps a reference to one.
    #[error("no secret in the file")]
    NoSecret,
    /// A mandatory element is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An element or attribute has no valid value.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// A text is longer than 255 characters or holds control characters.
    #[error("{0} is longer than 255 characters or holds control characters")]
    Text(&'static str),
    /// An algorithm other than HOTP, TOTP, OCRA and PIN.
    #[error("unknown algorithm")]
    Algorithm,
    /// A suite that names no hash function.
    #[error("unknown hash function in Suite")]
    Hash,
    /// An OCRA suite that cannot be read.
    #[error("OCRA suite: {0}")]
    Suite(ParseSuiteError),
    /// An OCRA suite with whole HMAC values, which nobody can type.
    #[error("OCRA suite without truncation")]
    Untruncated,
    /// Values that are not decimal.
    #[error("ResponseFormat is not DECIMAL")]
    Encoding,
    /// Values with a check digit.
    #[error("ResponseFormat asks for check digits")]
    CheckDigits,
    /// A length outside 6 to 10 digits, or other than that of the suite.
    #[error("ResponseFormat has an unsupported length")]
    Digits,
    /// A time step outside 1 to 3600 seconds.
    #[error("TimeInterval is not 1 to 3600 seconds")]
    Period,
    /// An unprotected secret where none is allowed.
    #[error("the secret is not encrypted, and unencrypted secrets are not allowed")]
    Plain,
    /// A secret that is empty or longer than 512 bytes.
    #[error("the secret has an unsupported length")]
    SecretLength,
    /// An encrypted value and no key.
    #[error("encrypted under a pre-shared key, and none was given")]
    KeyNeeded,
    /// An encrypted value and no passphrase.
    #[error("encrypted under a passphrase, and none was given")]
    PassphraseNeeded,
    /// Encrypted for a certificate.
    #[error("encrypted under an asymmetric key, which is not supported")]
    Asymmetric,
    /// An unknown cipher.
    #[error("unsupported encryption algorithm")]
    Cipher,
    /// An unknown MAC.
    #[error("unsupported MAC algorithm")]
    MacAlgorithm,
    /// Anything but PBKDF2 with a given salt and a known PRF.
    #[error("unsupported key derivation")]
    Derivation,
    /// No iterations, or too many.
    #[error("key derivation with no iterations or more than {MAX_ITERATIONS}")]
    Iterations,
    /// A key that the cipher cannot take.
    #[error("the key does not have the {expected} bytes of the encryption algorithm")]
    KeyLength {
        /// Key length of the cipher in bytes.
        expected: usize,
    },
    /// An encrypted value that nothing protects against change.
    #[error("an encrypted value has no MAC")]
    NoMac,
    /// The MAC key does not open.
    #[error("the MAC key does not open: wrong key or passphrase, or damaged file")]
    MacKey,
    /// The MAC is another one.
    #[error("the MAC does not verify: wrong key or passphrase, or damaged file")]
    Mac,
    /// The value does not open.
    #[error("an encrypted value does not open: wrong key or passphrase, or damaged file")]
    Open,
    /// An element of the policy that this version does not know, so that the key must not be used (RFC 6030 section 5).
    #[error("the policy of the key has an unknown element, so it must not be used")]
    Policy,
    /// A policy that does not allow one-time passwords.
    #[error("the policy of the key does not allow one-time passwords")]
    Usage,
}
