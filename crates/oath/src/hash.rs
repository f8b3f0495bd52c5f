//! The hash functions and value lengths that one-time passwords know.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Hash function under the HMAC of a one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Hash {
    /// SHA-1, the function of RFC 4226 and the default of every format.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All functions, weakest first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Canonical name: `SHA1`, `SHA256` or `SHA512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Length of its output in bytes; also the recommended key length (RFC 4226 section 4, RFC 6238 section 5.1).
    #[must_use]
    pub fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no hash function that one-time passwords use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown hash function (known: SHA1, SHA256, SHA512)")]
pub struct UnknownHash;

impl FromStr for Hash {
    type Err = UnknownHash;

    /// Reads `SHA1`, `SHA-256`, `sha_512`, `HMAC-SHA256`, `HmacSHA1` and the like, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownHash> {
        if text.len() > 32 {
            return Err(UnknownHash);
        }
        let mut word: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        word.make_ascii_uppercase();
        let word = word.strip_prefix("HMAC").unwrap_or(&word);
        Self::ALL
            .into_iter()
            .find(|hash| hash.name() == word)
            .ok_or(UnknownHash)
    }
}

/// Number of digits of a logon value: 6 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digits(u8);

impl Digits {
    /// Six digits, the usual length.
    pub const SIX: Self = Self(6);
    /// Eight digits.
    pub const EIGHT: Self = Self(8);

    /// The length, when it lies within 6 to 10.
    #[must_use]
    pub fn new(digits: u8) -> Option<Self> {
        (6..=10).contains(&digits).then_some(Self(digits))
    }

    /// As a plain number.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self::SIX
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_names_are_read_in_every_usual_spelling() {
        for (text, hash) in [
            ("SHA1", Hash::Sha1),
            ("sha-1", Hash::Sha1),
            ("HMAC-SHA256", Hash::Sha256),
            ("HmacSHA512", Hash::Sha512),
            ("SHA_256", Hash::Sha256),
        ] {
            assert_eq!(text.parse(), Ok(hash), "{text}");
        }
        for text in ["", "MD5", "SHA", "SHA224", "HMAC", "SHA1SHA1"] {
            assert_eq!(text.parse::<Hash>(), Err(UnknownHash), "{text}");
        }
    }

    #[test]
    fn every_hash_reads_back_what_it_prints() {
        for hash in Hash::ALL {
            assert_eq!(hash.to_string().parse(), Ok(hash));
        }
    }

    #[test]
    fn digits_lie_between_six_and_ten() {
        assert_eq!(Digits::new(5), None);
        assert_eq!(Digits::new(6), Some(Digits::SIX));
        assert_eq!(Digits::new(10).map(Digits::value), Some(10));
        assert_eq!(Digits::new(11), None);
    }
}
