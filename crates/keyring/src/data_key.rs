//! Data keys: what they are called, what they are for, how they are stored, and the schedule that derives record keys from them.

use countersign_oath::Secret;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::gcm::{self, KEY_LEN};
use crate::keyring::KeyringError;
use crate::random;
use crate::root::{RootId, RootKey, WrapError};

mod names;

pub use names::{KeyClass, KeyId, KeyState, UnknownName, WrapAlgorithm};

/// A data key as the store keeps it; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// Its name.
    pub id: KeyId,
    /// What it is for.
    pub class: KeyClass,
    /// How it is wrapped.
    pub algorithm: WrapAlgorithm,
    /// What may be done with it.
    pub state: KeyState,
    /// When it was made, in microseconds since 1970.
    pub created: i64,
    /// The key under the root key, bound to id, class, algorithm and root key: nonce ‖ ciphertext ‖ tag, 60 bytes.
    pub wrapped: Vec<u8>,
    /// The root key it is wrapped under.
    pub root: RootId,
}

/// A data key in memory, with the schedule of its derivations kept: deriving a record key costs a few hash blocks.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) row: WrappedKey,
    bytes: Secret,
    schedule: Hkdf<Sha256>,
}

impl DataKey {
    /// A new random key under that name.
    pub(crate) fn generate(
        root: &RootKey,
        id: KeyId,
        class: KeyClass,
        created: i64,
    ) -> Result<Self, KeyringError> {
        let mut bytes = Zeroizing::new(vec![0; KEY_LEN]);
        random::fill(&mut bytes)?;
        let bytes = Secret::from(bytes);
        let (algorithm, state) = (WrapAlgorithm::Aes256Gcm, KeyState::Active);
        let mut row = WrappedKey {
            id,
            class,
            algorithm,
            state,
            created,
            wrapped: Vec::new(),
            root: root.id(),
        };
        row.wrapped = wrap(root, &row, &bytes)?;
        Ok(Self::new(row, bytes))
    }

    /// Opens a stored row.
    pub(crate) fn unwrap(root: &RootKey, row: WrappedKey) -> Result<Self, KeyringError> {
        if row.root != root.id() {
            return Err(KeyringError::OtherRoot {
                key: row.id,
                named: row.root,
                present: root.id(),
            });
        }
        let bytes = root
            .unwrap(&context(&row), &row.wrapped)
            .map_err(|error| not_wrapped(row.id, error))?;
        if bytes.len() != KEY_LEN {
            return Err(KeyringError::Broken(row.id));
        }
        Ok(Self::new(row, Secret::from(bytes)))
    }

    /// The same key as its row says now: another state, or wrapped anew by somebody else.
    pub(crate) fn with_row(&self, row: WrappedKey) -> Self {
        Self {
            row,
            ..self.clone()
        }
    }

    /// Whether a row wraps this very key under the root key.
    pub(crate) fn is_wrapped_in(
        &self,
        root: &RootKey,
        row: &WrappedKey,
    ) -> Result<bool, KeyringError> {
        let other = Self::unwrap(root, row.clone())?;
        Ok(other.bytes == self.bytes)
    }

    fn new(row: WrappedKey, bytes: Secret) -> Self {
        let schedule = Hkdf::new(None, bytes.expose());
        Self {
            row,
            bytes,
            schedule,
        }
    }

    /// A key of known bytes, for vectors.
    #[cfg(test)]
    pub(crate) fn fixed(id: KeyId, class: KeyClass, bytes: Vec<u8>) -> Self {
        let mut key = Self::generate(&RootKey::generate().unwrap(), id, class, 0).unwrap();
        key.schedule = Hkdf::new(None, &bytes);
        key.bytes = Secret::new(bytes);
        key
    }

    /// The same key under another root key.
    pub(crate) fn rewrap(&self, root: &RootKey) -> Result<Self, KeyringError> {
        let mut row = WrappedKey {
            root: root.id(),
            algorithm: WrapAlgorithm::Aes256Gcm,
            ..self.row.clone()
        };
        row.wrapped = wrap(root, &row, &self.bytes)?;
        Ok(Self {
            row,
            ..self.clone()
        })
    }

    /// The same key in another state.
    pub(crate) fn with_state(&self, state: KeyState) -> Self {
        let mut key = self.clone();
        key.row.state = state;
        key
    }

    /// HKDF-SHA256 of the key with the joined parts as info (RFC 5869), 32 bytes.
    #[expect(
        clippy::expect_used,
        reason = "HKDF-SHA256 gives up to 8160 bytes; for 32 the error never occurs"
    )]
    pub(crate) fn derive(&self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        self.schedule
            .expand_multi_info(info, derived.as_mut_slice())
            .expect("32 bytes are within HKDF's range");
        derived
    }
}

fn wrap(root: &RootKey, row: &WrappedKey, bytes: &Secret) -> Result<Vec<u8>, KeyringError> {
    root.wrap(&context(row), bytes.expose())
        .map_err(|error| not_wrapped(row.id, error))
}

fn not_wrapped(key: KeyId, error: WrapError) -> KeyringError {
    match error {
        WrapError::Shut => KeyringError::Broken(key),
        WrapError::Random(error) => error.into(),
        WrapError::Hsm(source) => KeyringError::Hsm(source),
    }
}

/// What a wrapped key is bound to. Its state is not: it changes without the root key.
fn context(row: &WrappedKey) -> Vec<u8> {
    gcm::associated(&[
        b"countersign wrap",
        &row.id.to_bytes(),
        row.class.name().as_bytes(),
        row.algorithm.name().as_bytes(),
        row.root.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> KeyId {
        KeyId::new(number).unwrap()
    }

    #[test]
    fn a_row_survives_json() {
        let root = RootKey::generate().unwrap();
        let key = DataKey::generate(&root, id(7), KeyClass::Audit, 1_700_000_000_000_000).unwrap();
        let text = serde_json::to_string(&key.row).unwrap();
        assert_eq!(serde_json::from_str::<WrappedKey>(&text).unwrap(), key.row);
        assert_eq!(key.row.wrapped.len(), 60);
    }

    #[test]
    fn a_row_opens_only_as_what_it_was_wrapped_as() {
        let root = RootKey::generate().unwrap();
        let row = DataKey::generate(&root, id(7), KeyClass::Storage, 0)
            .unwrap()
            .row;
        assert!(DataKey::unwrap(&root, row.clone()).is_ok());
        let other = WrappedKey {
            id: id(8),
            ..row.clone()
        };
        assert!(
            matches!(DataKey::unwrap(&root, other), Err(KeyringError::Broken(key)) if key == id(8))
        );
        let other = WrappedKey {
            class: KeyClass::Audit,
            ..row.clone()
        };
        assert!(matches!(
            DataKey::unwrap(&root, other),
            Err(KeyringError::Broken(_))
        ));
        for at in 0..row.wrapped.len() {
            let mut other = row.clone();
            other.wrapped[at] ^= 1;
            assert!(
                matches!(DataKey::unwrap(&root, other), Err(KeyringError::Broken(_))),
                "byte {at}"
            );
        }
    }

    #[test]
    fn another_root_key_is_named() {
        let (root, other) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        let row = DataKey::generate(&root, id(7), KeyClass::Storage, 0)
            .unwrap()
            .row;
        let error = DataKey::unwrap(&other, row.clone()).err().unwrap();
        assert!(
            matches!(error, KeyringError::OtherRoot { named, present, .. } if named == root.id() && present == other.id())
        );
        let forged = WrappedKey {
            root: other.id(),
            ..row
        };
        assert!(matches!(
            DataKey::unwrap(&other, forged),
            Err(KeyringError::Broken(_))
        ));
    }
}
