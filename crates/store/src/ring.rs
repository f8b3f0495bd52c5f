//! The key ring at work: sealing what is written, lending it to the engine, turning its rows into records.

use crate::StoreError;
use countersign_engine::Secret;
use countersign_engine::facts::{Place, Shut, Vault};
use countersign_engine::model::{KeyRecord, Sealed};
use countersign_engine::time::Timestamp;
use countersign_keyring::{KeyClass, Keyring, WrappedKey};
use std::sync::Arc;

/// Lends a key ring to the engine.
#[derive(Debug, Clone)]
pub struct RingVault(pub Arc<Keyring>);

impl Vault for RingVault {
    fn open(&self, place: Place, sealed: &Sealed) -> Result<Secret, Shut> {
        self.0.open(at(place), &sealed.0).map_err(|_| Shut)
    }
}

/// Fields that a person could read back; their keys are a class of their own.
const SENSITIVE: &[&str] = &["password_copy"];

/// Private keys that sign the audit trail.
const SIGNING: &[&str] = &["private"];

pub(crate) fn seal(ring: &Keyring, place: Place, plain: &Secret) -> Result<Sealed, StoreError> {
    let class = match place.field {
        field if SENSITIVE.contains(&field) => KeyClass::Sensitive,
        field if SIGNING.contains(&field) => KeyClass::Audit,
        _ => KeyClass::Storage,
    };
    let sealed = ring
        .seal_as(class, at(place), plain.expose())
        .map_err(|error| StoreError::Sealing(error.to_string()))?;
    Ok(Sealed(sealed.into_bytes().into_boxed_slice()))
}

pub(crate) fn open(ring: &Keyring, place: Place, sealed: &Sealed) -> Result<Secret, StoreError> {
    ring.open(at(place), &sealed.0)
        .map_err(|error| StoreError::Sealing(error.to_string()))
}

/// The same value under the active key of its class.
pub(crate) fn reseal(ring: &Keyring, place: Place, sealed: &Sealed) -> Result<Sealed, StoreError> {
    let sealed = ring
        .reseal(at(place), at(place), &sealed.0)
        .map_err(|error| StoreError::Sealing(error.to_string()))?;
    Ok(Sealed(sealed.into_bytes().into_boxed_slice()))
}

/// The same value under the active key of its class, in the next format of its record.
pub(crate) fn renew(
    ring: &Keyring,
    from: Place,
    to: Place,
    sealed: &Sealed,
) -> Result<Sealed, StoreError> {
    let sealed = ring
        .reseal(at(from), at(to), &sealed.0)
        .map_err(|error| StoreError::Sealing(error.to_string()))?;
    Ok(Sealed(sealed.into_bytes().into_boxed_slice()))
}

fn at(place: Place) -> countersign_keyring::Place<'static> {
    countersign_keyring::Place {
        table: place.table,
        id: place.id,
        field: place.field,
        version: place.version,
    }
}

/// A row of the key ring as a record of the store.
pub fn to_record(key: &WrappedKey) -> KeyRecord {
    KeyRecord {
        id: key.id.to_string(),
        class: key.class.name().to_owned(),
        algorithm: key.algorithm.name().to_owned(),
        state: key.state.name().to_owned(),
        created: Timestamp(key.created),
        wrapped: key.wrapped.clone(),
        root: key.root.to_string(),
    }
}

/// A record of the store as a row of the key ring.
///
/// # Errors
/// A word that no version of this program writes.
pub fn from_record(record: &KeyRecord) -> Result<WrappedKey, StoreError> {
    fn word<T: std::str::FromStr>(text: &str, id: &str) -> Result<T, StoreError> {
        text.parse().map_err(|_| {
            StoreError::Corrupt(format!(
                "data key {id} has an unknown class, algorithm, state or root key"
            ))
        })
    }
    let id = &record.id;
    Ok(WrappedKey {
        id: word(id, id)?,
        class: word(&record.class, id)?,
        algorithm: word(&record.algorithm, id)?,
        state: word(&record.state, id)?,
        created: record.created.0,
        wrapped: record.wrapped.clone(),
        root: word(&record.root, id)?,
    })
}
