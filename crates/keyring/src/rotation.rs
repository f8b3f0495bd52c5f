//! What the rotation of data keys asks: which keys are still named, and which one may go (administration.md 17).

use std::collections::BTreeMap;

use thiserror::Error;

use crate::data_key::{KeyClass, KeyId, KeyState};
use crate::keyring::Keyring;
use crate::seal::key_of;

/// How many sealed values name each key.
pub type Named = BTreeMap<KeyId, u64>;

/// Counts the keys that sealed values name; values in no known format are left out.
pub fn named<'a>(sealed: impl IntoIterator<Item = &'a [u8]>) -> Named {
    let mut named = Named::new();
    for id in sealed.into_iter().filter_map(key_of) {
        *named.entry(id).or_default() += 1;
    }
    named
}

/// How many of the named values wait for the reseal of a class: those under its keys other than the active one.
#[must_use]
pub fn waiting(keyring: &Keyring, class: KeyClass, named: &Named) -> u64 {
    let waits = |id: KeyId| {
        keyring.about(id).is_some_and(|(of, _)| of == class) && keyring.active(class) != Some(id)
    };
    named
        .iter()
        .filter(|(id, _)| waits(**id))
        .map(|(_, count)| count)
        .sum()
}

/// Keys that values name and the ring does not hold: what they sealed does not open.
#[must_use]
pub fn missing(keyring: &Keyring, named: &Named) -> Vec<KeyId> {
    named
        .keys()
        .copied()
        .filter(|id| keyring.about(*id).is_none())
        .collect()
}

/// Why a key stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Kept {
    /// There is no such key.
    #[error("find data key {0}")]
    Unknown(KeyId),
    /// It is the active key of its class; not even by force.
    #[error("delete data key {0}: it is the active key of its class")]
    Active(KeyId),
    /// Values are sealed under it, which would never open again; by force only.
    #[error("delete data key {id}: {count} values are sealed under it")]
    Named {
        /// The key.
        id: KeyId,
        /// How many values name it.
        count: u64,
    },
}

/// Whether a key may be deleted, given the keys that the whole store names; `force` overrides only that values name it.
pub fn deletable(keyring: &Keyring, id: KeyId, named: &Named, force: bool) -> Result<(), Kept> {
    let (class, _) = keyring.about(id).ok_or(Kept::Unknown(id))?;
    if keyring.active(class) == Some(id) {
        return Err(Kept::Active(id));
    }
    match named.get(&id).copied() {
        Some(count) if count > 0 && !force => Err(Kept::Named { id, count }),
        _ => Ok(()),
    }
}

/// The keys that nothing names and that are not active, ascending: a rotation that is through may delete them. Token keys are left
/// out: hashes do not name their key, so they go when the last token made with them has ended.
#[must_use]
pub fn spent(keyring: &Keyring, named: &Named) -> Vec<KeyId> {
    let idle = |id: &KeyId| deletable(keyring, *id, named, false).is_ok();
    let rows = keyring
        .rows()
        .into_iter()
        .filter(|row| row.class != KeyClass::Token && row.state != KeyState::Active);
    rows.map(|row| row.id).filter(idle).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::root::RootKey;
    use crate::seal::Place;

    const PLACE: Place<'static> = Place {
        table: "user",
        id: 1,
        field: "pin",
        version: 1,
    };

    fn ring() -> Keyring {
        Keyring::first(Arc::new(RootKey::generate().unwrap()), 1)
            .unwrap()
            .keyring
    }

    #[test]
    fn a_rotation_runs_until_nothing_names_the_old_key() {
        let ring = ring();
        let old = ring.active(KeyClass::Storage).unwrap();
        let sealed: Vec<Vec<u8>> = (0..3)
            .map(|_| ring.seal(PLACE, b"1234").unwrap().into_bytes())
            .collect();
        let ring = ring.rotate(KeyClass::Storage, 2).unwrap().keyring;
        let before = named(sealed.iter().map(Vec::as_slice));
        assert_eq!(before, Named::from([(old, 3)]));
        assert_eq!(waiting(&ring, KeyClass::Storage, &before), 3);
        assert_eq!(waiting(&ring, KeyClass::Audit, &before), 0);
        assert_eq!(
            deletable(&ring, old, &before, false),
            Err(Kept::Named { id: old, count: 3 })
        );
        assert_eq!(deletable(&ring, old, &before, true), Ok(()));
        assert!(spent(&ring, &before).is_empty());

        let resealed: Vec<_> = sealed
            .iter()
            .map(|value| ring.reseal(PLACE, PLACE, value).unwrap())
            .collect();
        let after = named(resealed.iter().map(AsRef::as_ref));
        assert_eq!(waiting(&ring, KeyClass::Storage, &after), 0);
        assert_eq!(spent(&ring, &after), [old]);
        let ring = ring.delete(old).unwrap().keyring;
        assert_eq!(missing(&ring, &before), [old]);
        assert!(missing(&ring, &after).is_empty());
    }

    #[test]
    fn the_active_key_stays_even_by_force() {
        let ring = ring();
        let active = ring.active(KeyClass::Sensitive).unwrap();
        assert_eq!(
            deletable(&ring, active, &Named::new(), true),
            Err(Kept::Active(active))
        );
        let unknown = KeyId::new(1).unwrap();
        assert_eq!(
            deletable(&ring, unknown, &Named::new(), true),
            Err(Kept::Unknown(unknown))
        );
    }

    #[test]
    fn other_bytes_name_nothing() {
        assert!(named([&b""[..], b"plain", &[1; 4], &[0; 64]]).is_empty());
    }

    #[test]
    fn token_keys_are_not_spent_by_counting() {
        let ring = ring().rotate(KeyClass::Token, 2).unwrap().keyring;
        assert!(spent(&ring, &Named::new()).is_empty());
    }
}
