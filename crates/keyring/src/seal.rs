//! Sealing of secret fields (administration.md 17): AES-256-GCM under a key of the record, bound to the place it stands in.
//!
//! A sealed value is `1 ‖ key id (u32) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, numbers big-endian. Its key is
//! HKDF-SHA256(data key, `countersign seal` ‖ 0 ‖ table ‖ 0 ‖ record id (i64) ‖ 0 ‖ field); its associated data is table, record id
//! (i64), field, record version (u32) and key id (u32), each after its length as u32.

use std::fmt;

use countersign_oath::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::data_key::{DataKey, KeyClass, KeyId, KeyState};
use crate::gcm::{self, NONCE_LEN, TAG_LEN};
use crate::keyring::Keyring;
use crate::random::{self, RandomError};

/// First byte of every sealed value.
const FORMAT: u8 = 1;
/// Format byte and key id.
const HEAD_LEN: usize = 5;
/// Bytes that sealing adds to a value.
pub const OVERHEAD: usize = HEAD_LEN + NONCE_LEN + TAG_LEN;

/// Where a sealed field stands; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Table, without a NUL.
    pub table: &'a str,
    /// The record's own id, which no rename or move changes.
    pub id: i64,
    /// Field, without a NUL.
    pub field: &'a str,
    /// Version of the record's format (administration.md 15, `record_version`).
    pub version: u32,
}

/// A sealed value; the bytes may be shown to anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Sealed> for Vec<u8> {
    fn from(sealed: Sealed) -> Self {
        sealed.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A value cannot be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// The class has no active key.
    #[error("seal a field: there is no active key of class {0}")]
    NoKey(KeyClass),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The value is longer than AES-GCM can take (64 GiB).
    #[error("seal a field: it is too long")]
    TooLong,
}

/// A sealed value does not open (status -105, audit code E-112001; in provisioning status 1054).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The bytes are no sealed value of a known format.
    #[error("open a sealed field: it is not in a known format")]
    Malformed,
    /// The key it names is not in the key ring: deleted, or not yet seen by this node.
    #[error("open a sealed field: its key {0} is gone")]
    UnknownKey(KeyId),
    /// The key it names is retired.
    #[error("open a sealed field: its key {0} is retired")]
    Retired(KeyId),
    /// It was changed, or moved from another record, field or version.
    #[error("open a sealed field: it was changed or moved (key {0})")]
    Wrong(KeyId),
}

/// A sealed value cannot be sealed anew.
#[derive(Debug, Error)]
pub enum ResealError {
    /// The old value does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new value does not seal.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The key that a sealed value names; `None` when the bytes are no sealed value of a known format.
#[must_use]
pub fn key_of(sealed: &[u8]) -> Option<KeyId> {
    split(sealed).map(|(id, _)| id)
}

fn split(sealed: &[u8]) -> Option<(KeyId, &[u8])> {
    let (head, body) = sealed.split_first_chunk::<HEAD_LEN>()?;
    let [FORMAT, id @ ..] = *head else {
        return None;
    };
    let id = KeyId::from_bytes(id)?;
    (body.len() >= NONCE_LEN + TAG_LEN).then_some((id, body))
}

impl Keyring {
    /// Seals a field under the active `storage` key.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        self.seal_as(KeyClass::Storage, place, plain)
    }

    /// Seals a field under the active key of a class.
    pub fn seal_as(
        &self,
        class: KeyClass,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<Sealed, SealError> {
        let key = self.writer(class).ok_or(SealError::NoKey(class))?;
        seal_under(key, place, random::random()?, plain)
    }

    /// Opens a field that was sealed in exactly this place, whatever class its key has.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret, OpenError> {
        let (id, body) = split(sealed).ok_or(OpenError::Malformed)?;
        let key = self.find(id).ok_or(OpenError::UnknownKey(id))?;
        if key.row.state == KeyState::Retired {
            return Err(OpenError::Retired(id));
        }
        let plain = gcm::decrypt(
            record_key(key, place).as_slice(),
            &associated(id, place),
            body,
        );
        plain.map(Secret::from).ok_or(OpenError::Wrong(id))
    }

    /// Whether a sealed value names another key than the active one of its class, or one that is gone; `false` for other bytes.
    #[must_use]
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        let Some(id) = key_of(sealed) else {
            return false;
        };
        self.about(id)
            .is_none_or(|(class, _)| self.active(class) != Some(id))
    }

    /// Opens a field and seals it under the active key of the same class; `to` differs from `from` when the record's format changes.
    pub fn reseal(
        &self,
        from: Place<'_>,
        to: Place<'_>,
        sealed: &[u8],
    ) -> Result<Sealed, ResealError> {
        let plain = self.open(from, sealed)?;
        let class = key_of(sealed)
            .and_then(|id| self.about(id))
            .map_or(KeyClass::Storage, |(class, _)| class);
        Ok(self.seal_as(class, to, plain.expose())?)
    }
}

fn seal_under(
    key: &DataKey,
    place: Place<'_>,
    nonce: [u8; NONCE_LEN],
    plain: &[u8],
) -> Result<Sealed, SealError> {
    let id = key.row.id;
    let mut sealed = Vec::with_capacity(plain.len().saturating_add(OVERHEAD));
    sealed.push(FORMAT);
    sealed.extend_from_slice(&id.to_bytes());
    let record_key = record_key(key, place);
    gcm::encrypt_to(
        &mut sealed,
        record_key.as_slice(),
        nonce,
        &associated(id, place),
        plain,
    )
    .ok_or(SealError::TooLong)?;
    Ok(Sealed(sealed))
}

fn record_key(key: &DataKey, place: Place<'_>) -> Zeroizing<[u8; 32]> {
    let (table, id, field) = (
        place.table.as_bytes(),
        place.id.to_be_bytes(),
        place.field.as_bytes(),
    );
    key.derive(&[b"countersign seal\0", table, b"\0", &id, b"\0", field])
}

fn associated(key: KeyId, place: Place<'_>) -> Vec<u8> {
    let (id, version) = (place.id.to_be_bytes(), place.version.to_be_bytes());
    gcm::associated(&[
        place.table.as_bytes(),
        &id,
        place.field.as_bytes(),
        &version,
        &key.to_bytes(),
    ])
}

#[cfg(test)]
mod tests;
