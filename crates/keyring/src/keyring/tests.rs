use super::*;
use crate::data_key::WrapAlgorithm;
use crate::seal::Place;

const PLACE: Place<'static> = Place {
    table: "user",
    id: 1,
    field: "pin",
    version: 1,
};

fn root() -> Arc<RootKey> {
    Arc::new(RootKey::generate().unwrap())
}

#[test]
fn a_first_start_has_an_active_key_of_each_class() {
    let first = Keyring::first(root(), 5).unwrap();
    assert_eq!(first.rows.len(), KeyClass::ALL.len());
    assert_eq!(first.rows, first.keyring.rows());
    for class in KeyClass::ALL {
        let id = first.keyring.active(*class).unwrap();
        assert_eq!(first.keyring.about(id), Some((*class, KeyState::Active)));
    }
    assert!(first.rows.iter().all(|row| row.created == 5));
}

#[test]
fn a_stored_ring_loads_and_opens_what_it_sealed() {
    let root = root();
    let first = Keyring::first(Arc::clone(&root), 1).unwrap();
    let sealed = first.keyring.seal(PLACE, b"1234").unwrap();
    let mut rows = first.rows;
    rows.reverse();
    let loaded = Keyring::load(root, rows).unwrap();
    assert_eq!(
        loaded.open(PLACE, sealed.as_ref()).unwrap().expose(),
        b"1234"
    );
    assert_eq!(
        loaded.keyed_hash("x", b"y").unwrap(),
        first.keyring.keyed_hash("x", b"y").unwrap()
    );
}

#[test]
fn another_root_key_or_a_doubled_row_is_refused() {
    let (root, other) = (root(), root());
    let rows = Keyring::first(Arc::clone(&root), 1).unwrap().rows;
    assert!(matches!(
        Keyring::load(other, rows.clone()),
        Err(KeyringError::OtherRoot { .. })
    ));
    let doubled = [rows.clone(), vec![rows[0].clone()]].concat();
    assert!(
        matches!(Keyring::load(root, doubled), Err(KeyringError::Twice(id)) if id == rows[0].id)
    );
}

#[test]
fn a_rotation_names_the_rows_that_change() {
    let ring = Keyring::first(root(), 1).unwrap().keyring;
    let old = ring.active(KeyClass::Storage).unwrap();
    let change = ring.rotate(KeyClass::Storage, 2).unwrap();
    let new = change.active().unwrap();
    assert_eq!(change.keyring.active(KeyClass::Storage), Some(new));
    assert_eq!(
        change.keyring.about(old),
        Some((KeyClass::Storage, KeyState::DecryptOnly))
    );
    let states: Vec<_> = change.rows.iter().map(|row| (row.id, row.state)).collect();
    assert_eq!(
        states,
        [(old, KeyState::DecryptOnly), (new, KeyState::Active)]
    );
    // The ring before it still is what it was.
    assert_eq!(ring.active(KeyClass::Storage), Some(old));
    // Other classes are untouched.
    assert_eq!(
        ring.active(KeyClass::Audit),
        change.keyring.active(KeyClass::Audit)
    );
}

#[test]
fn of_two_active_keys_the_newer_one_writes() {
    let root = root();
    let ring = Keyring::first(Arc::clone(&root), 1).unwrap().keyring;
    // Two nodes rotate at once: each sends its own new row and the old one.
    let (one, other) = (
        ring.rotate(KeyClass::Storage, 2).unwrap(),
        ring.rotate(KeyClass::Storage, 3).unwrap(),
    );
    let mut rows = one.keyring.rows();
    rows.extend(
        other
            .rows
            .into_iter()
            .filter(|row| row.state == KeyState::Active),
    );
    let both = Keyring::load(root, rows).unwrap();
    let (older, newer) = (
        one.keyring.active(KeyClass::Storage).unwrap(),
        other.keyring.active(KeyClass::Storage).unwrap(),
    );
    assert_eq!(both.active(KeyClass::Storage), Some(newer));
    assert!(both.retire(older).is_ok());
    let next = both.rotate(KeyClass::Storage, 4).unwrap().keyring;
    assert_eq!(
        next.about(older),
        Some((KeyClass::Storage, KeyState::DecryptOnly))
    );
    assert_eq!(
        next.about(newer),
        Some((KeyClass::Storage, KeyState::DecryptOnly))
    );
}

#[test]
fn the_active_key_is_neither_retired_nor_deleted() {
    let ring = Keyring::first(root(), 1).unwrap().keyring;
    let active = ring.active(KeyClass::Token).unwrap();
    assert!(matches!(ring.retire(active), Err(KeyringError::StillActive(id)) if id == active));
    assert!(matches!(ring.delete(active), Err(KeyringError::StillActive(id)) if id == active));
    let ring = ring.create(KeyClass::Token, 2).unwrap().keyring;
    let retired = ring.retire(active).unwrap();
    assert_eq!(retired.rows.len(), 1);
    assert_eq!(retired.rows[0].state, KeyState::Retired);
    let deleted = retired.keyring.delete(active).unwrap();
    assert_eq!(
        (deleted.removed, deleted.keyring.about(active)),
        (Some(active), None)
    );
    assert!(matches!(
        deleted.keyring.delete(active),
        Err(KeyringError::UnknownKey(_))
    ));
}

#[test]
fn a_new_root_key_changes_the_rows_and_no_sealed_value() {
    let (old_root, new_root) = (root(), root());
    let ring = Keyring::first(Arc::clone(&old_root), 1)
        .unwrap()
        .keyring
        .rotate(KeyClass::Storage, 2)
        .unwrap()
        .keyring;
    let sealed = ring.seal(PLACE, b"1234").unwrap();
    let change = ring.rewrap(Arc::clone(&new_root)).unwrap();
    assert_eq!(change.rows.len(), ring.rows().len());
    assert!(change.rows.iter().all(|row| row.root == new_root.id()));
    assert!(matches!(
        Keyring::load(old_root, change.rows.clone()),
        Err(KeyringError::OtherRoot { .. })
    ));
    let loaded = Keyring::load(new_root, change.rows).unwrap();
    assert_eq!(
        loaded.open(PLACE, sealed.as_ref()).unwrap().expose(),
        b"1234"
    );
}

#[test]
fn a_rotation_needs_a_key_to_rotate() {
    let empty = Keyring::load(root(), Vec::new()).unwrap();
    assert!(matches!(
        empty.rotate(KeyClass::Storage, 1),
        Err(KeyringError::NoKey(KeyClass::Storage))
    ));
    assert!(empty.create(KeyClass::Storage, 1).is_ok());
}

#[test]
fn a_ring_prints_no_key() {
    let ring = Keyring::first(root(), 1).unwrap().keyring;
    let text = format!("{ring:?}");
    assert!(text.contains(&ring.active(KeyClass::Audit).unwrap().to_string()));
    assert!(!text.contains("Secret"), "{text}");
}

/// Computed from the descriptions with another implementation of HKDF, HMAC and AES-GCM (OpenSSL): rows and hashes of this form stand in
/// stores, so a change here is a change of the format.
#[test]
fn the_stored_forms_stand() {
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    let root = Arc::new(RootKey::new((100..132).collect::<Vec<u8>>().into()).unwrap());
    assert_eq!(root.id().to_string(), "0fdafd45f66354a7");
    let wrapped = concat!(
        "404142434445464748494a4b8b904c7bf80a810cffc94618e54cd8b25e38",
        "eedc52ed63c1a3cf35786a7a1a9bf88774eb8008cbaacebd0ffe17ba6416"
    );
    let row = WrappedKey {
        id: "0a0b0c0d".parse().unwrap(),
        class: KeyClass::Token,
        algorithm: WrapAlgorithm::Aes256Gcm,
        state: KeyState::Active,
        created: 1,
        wrapped: hex(wrapped),
        root: root.id(),
    };
    let ring = Keyring::load(root, vec![row]).unwrap();
    let hash = ring.keyed_hash("session", b"abc").unwrap().hash;
    assert_eq!(
        hash.as_slice(),
        hex("c7f9c9bb85acc6db41c8b275209f814d713abe3dd290f1b8c5db777bdee1e96d")
    );
}
