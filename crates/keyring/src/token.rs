//! Keyed hashes: what is stored of session tokens, API keys and request bodies, so that the store alone gives none of them away.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::data_key::{DataKey, KeyClass, KeyId};
use crate::keyring::{Keyring, KeyringError};

/// A keyed hash and the key it was made with. Looking a token up compares hashes that an attacker cannot choose, so a plain index
/// serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedHash {
    /// The token key.
    pub key: KeyId,
    /// HMAC-SHA-256 of the value.
    pub hash: [u8; 32],
}

impl Keyring {
    /// HMAC-SHA-256 of the value under a subkey of the active token key. The label (`session`, `api key`, …) separates the uses: the
    /// same value under two labels has nothing in common.
    pub fn keyed_hash(&self, label: &str, value: &[u8]) -> Result<KeyedHash, KeyringError> {
        let key = self
            .writer(KeyClass::Token)
            .ok_or(KeyringError::NoKey(KeyClass::Token))?;
        Ok(hash(key, label, value))
    }

    /// The hashes under which the value may have been stored, one for each token key that is not retired, newest first.
    #[must_use]
    pub fn keyed_hashes(&self, label: &str, value: &[u8]) -> Vec<KeyedHash> {
        self.readers(KeyClass::Token)
            .into_iter()
            .map(|key| hash(key, label, value))
            .collect()
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of any length, the error never occurs"
)]
fn hash(key: &DataKey, label: &str, value: &[u8]) -> KeyedHash {
    let subkey = key.derive(&[b"countersign keyed hash\0", label.as_bytes()]);
    let mac =
        Hmac::<Sha256>::new_from_slice(subkey.as_slice()).expect("HMAC takes keys of any length");
    KeyedHash {
        key: key.row.id,
        hash: mac.chain_update(value).finalize().into_bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::root::RootKey;

    fn ring() -> Keyring {
        Keyring::first(Arc::new(RootKey::generate().unwrap()), 1)
            .unwrap()
            .keyring
    }

    #[test]
    fn label_value_and_key_all_count() {
        let (ring, stranger) = (ring(), ring());
        let hash = |label, value: &[u8]| ring.keyed_hash(label, value).unwrap().hash;
        assert_eq!(hash("session", b"abc"), hash("session", b"abc"));
        assert_ne!(hash("session", b"abc"), hash("session", b"abd"));
        assert_ne!(hash("session", b"abc"), hash("api key", b"abc"));
        assert_ne!(
            hash("session", b"abc"),
            stranger.keyed_hash("session", b"abc").unwrap().hash
        );
    }

    #[test]
    fn tokens_are_found_after_a_rotation_until_the_key_is_retired() {
        let ring = ring();
        let stored = ring.keyed_hash("session", b"abc").unwrap();
        let rotated = ring.rotate(KeyClass::Token, 2).unwrap().keyring;
        let now = rotated.keyed_hash("session", b"abc").unwrap();
        assert_ne!(now, stored);
        assert_eq!(rotated.keyed_hashes("session", b"abc"), [now, stored]);
        let retired = rotated.retire(stored.key).unwrap().keyring;
        assert_eq!(retired.keyed_hashes("session", b"abc"), [now]);
    }

    #[test]
    fn a_ring_without_token_key_says_so() {
        let empty = Keyring::load(Arc::new(RootKey::generate().unwrap()), Vec::new()).unwrap();
        assert!(matches!(
            empty.keyed_hash("session", b""),
            Err(KeyringError::NoKey(KeyClass::Token))
        ));
        assert!(empty.keyed_hashes("session", b"").is_empty());
    }
}
