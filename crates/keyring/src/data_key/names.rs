//! The names of data keys and the words for what they are and may do.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Name of a data key: a random number other than 0, written as eight hex digits. Random, so that two nodes do not choose the same
/// one and a deleted key's name does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(u32);

impl KeyId {
    /// The id of that number; 0 is none.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// As a number, for a column of integers.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0
    }

    pub(crate) fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        Self::new(u32::from_be_bytes(bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The text is no name from the key ring's vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown {0}")]
pub struct UnknownName(&'static str);

impl FromStr for KeyId {
    type Err = UnknownName;

    /// Reads eight hex digits in lower case.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes
            .and_then(Self::from_bytes)
            .ok_or(UnknownName("key id (eight hex digits)"))
    }
}

impl TryFrom<String> for KeyId {
    type Error = UnknownName;

    fn try_from(text: String) -> Result<Self, UnknownName> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// Gives an enum of plain words its names, in one place for the store, JSON and messages.
macro_rules! words {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the store, in JSON and in messages.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|word| word.name() == text).ok_or(UnknownName($what))
            }
        }
    };
}

/// What a data key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyClass {
    /// Fields of records, as keys and PINs of authenticators and password verifiers.
    Storage,
    /// Fields that a person could read back, as recoverable passwords and personal data.
    Sensitive,
    /// Values that leave the store for a while, as State and exports.
    Transport,
    /// Private keys that sign the audit trail.
    Audit,
    /// Keyed hashes of tokens, API keys and request bodies.
    Token,
}

words!(
    KeyClass,
    "key class",
    Storage = "storage",
    Sensitive = "sensitive",
    Transport = "transport",
    Audit = "audit",
    Token = "token"
);

/// What may be done with a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Seals and opens.
    Active,
    /// Opens what it sealed; nothing new goes under it.
    DecryptOnly,
    /// Neither; it waits to be deleted.
    Retired,
}

words!(
    KeyState,
    "key state",
    Active = "active",
    DecryptOnly = "decrypt_only",
    Retired = "retired"
);

/// How a data key is wrapped under the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WrapAlgorithm {
    /// AES-256-GCM, random 12-byte nonce in front.
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
}

words!(WrapAlgorithm, "wrap algorithm", Aes256Gcm = "aes-256-gcm");

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> KeyId {
        KeyId::new(number).unwrap()
    }

    #[test]
    fn names_read_back() {
        for class in KeyClass::ALL {
            assert_eq!(class.name().parse(), Ok(*class));
            assert_eq!(
                serde_json::to_string(class).unwrap(),
                format!("\"{class}\"")
            );
        }
        for state in KeyState::ALL {
            assert_eq!(state.name().parse(), Ok(*state));
            assert_eq!(
                serde_json::to_string(state).unwrap(),
                format!("\"{state}\"")
            );
        }
        for algorithm in WrapAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(*algorithm));
            assert_eq!(
                serde_json::to_string(algorithm).unwrap(),
                format!("\"{algorithm}\"")
            );
        }
        assert!("".parse::<KeyClass>().is_err());
    }

    #[test]
    fn a_key_id_is_eight_hex_digits() {
        assert_eq!(id(0xab).to_string(), "000000ab");
        assert_eq!("000000ab".parse(), Ok(id(0xab)));
        for text in [
            "",
            "ab",
            "00000000",
            "000000AB",
            "0000000ab",
            "0x0000ab",
            "000000ag",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
        assert_eq!(KeyId::new(0), None);
    }
}
