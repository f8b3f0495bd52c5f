use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::*;
use crate::root::RootKey;

const PLACE: Place<'static> = Place {
    table: "authenticator",
    id: 42,
    field: "secret",
    version: 3,
};

fn ring() -> Keyring {
    Keyring::first(Arc::new(RootKey::generate().unwrap()), 1)
        .unwrap()
        .keyring
}

/// Computed from the description at the head of the file with another implementation of HKDF and AES-GCM (OpenSSL). A change here is
/// a change of the format: what is stored would not open.
const GOLDEN: &str = concat!(
    "010a0b0c0d404142434445464748494a4b",
    "dc77c49056f50e6cd35248a5946ca6da3334cf7d",
    "627642ff2aa8a4c7fff3b4324d6fd8cb"
);

#[test]
fn the_format_stands() {
    let bytes: Vec<u8> = (0..32).collect();
    let key = DataKey::fixed(KeyId::new(0x0a0b_0c0d).unwrap(), KeyClass::Storage, bytes);
    let nonce: Vec<u8> = (0x40..0x4c).collect();
    let sealed = seal_under(
        &key,
        PLACE,
        nonce.try_into().unwrap(),
        b"12345678901234567890",
    )
    .unwrap();
    assert_eq!(HEXLOWER.encode(sealed.as_ref()), GOLDEN);
    assert_eq!(sealed.as_ref().len(), 20 + OVERHEAD);
}

#[test]
fn a_field_opens_where_it_was_sealed() {
    let ring = ring();
    for plain in [&b""[..], b"1234", &[0xa5; 4096]] {
        let sealed = ring.seal(PLACE, plain).unwrap().into_bytes();
        assert_eq!(ring.open(PLACE, &sealed).unwrap().expose(), plain);
        assert_eq!(key_of(&sealed), ring.active(KeyClass::Storage));
    }
}

#[test]
fn a_moved_field_does_not_open() {
    let ring = ring();
    let sealed = ring.seal(PLACE, b"1234").unwrap().into_bytes();
    let key = key_of(&sealed).unwrap();
    for place in [
        Place {
            table: "user",
            ..PLACE
        },
        Place {
            table: "authenticato",
            ..PLACE
        },
        Place { id: 43, ..PLACE },
        Place { id: -42, ..PLACE },
        Place {
            field: "pin",
            ..PLACE
        },
        Place { field: "", ..PLACE },
        Place {
            version: 4,
            ..PLACE
        },
        Place {
            version: 2,
            ..PLACE
        },
    ] {
        assert_eq!(
            ring.open(place, &sealed),
            Err(OpenError::Wrong(key)),
            "{place:?}"
        );
    }
}

#[test]
fn a_field_does_not_open_under_another_key() {
    let (ring, stranger) = (ring(), ring());
    let sealed = ring.seal(PLACE, b"1234").unwrap().into_bytes();
    let other = ring.active(KeyClass::Sensitive).unwrap();
    let mut renamed = sealed.clone();
    renamed[1..5].copy_from_slice(&other.to_bytes());
    assert_eq!(ring.open(PLACE, &renamed), Err(OpenError::Wrong(other)));

    assert_eq!(
        stranger.open(PLACE, &sealed),
        Err(OpenError::UnknownKey(key_of(&sealed).unwrap()))
    );
}

/// The same key bytes under another name: only the associated data tells them apart.
#[test]
fn the_name_of_the_key_is_bound_too() {
    let (one, other) = (KeyId::new(1).unwrap(), KeyId::new(2).unwrap());
    let (first, second) = (
        DataKey::fixed(one, KeyClass::Storage, vec![7; 32]),
        DataKey::fixed(other, KeyClass::Storage, vec![7; 32]),
    );
    assert_eq!(record_key(&first, PLACE), record_key(&second, PLACE));
    let sealed = seal_under(&first, PLACE, [0; 12], b"1234").unwrap();
    let (_, body) = split(sealed.as_ref()).unwrap();
    let open = |id| {
        gcm::decrypt(
            record_key(&second, PLACE).as_slice(),
            &associated(id, PLACE),
            body,
        )
    };
    assert!(open(one).is_some());
    assert!(open(other).is_none());
}

#[test]
fn no_changed_byte_and_no_cut_opens() {
    let ring = ring();
    let sealed = ring.seal(PLACE, b"12345678").unwrap().into_bytes();
    for at in 0..sealed.len() {
        for bit in [1, 0x80] {
            let mut changed = sealed.clone();
            changed[at] ^= bit;
            assert!(ring.open(PLACE, &changed).is_err(), "byte {at}");
        }
        assert!(ring.open(PLACE, &sealed[..at]).is_err(), "cut at {at}");
    }
    let mut longer = sealed;
    longer.push(0);
    assert!(ring.open(PLACE, &longer).is_err());
}

#[test]
fn other_bytes_are_malformed() {
    let ring = ring();
    let mut no_key = vec![0; 64];
    no_key[0] = 1;
    for bytes in [&b""[..], b"\x01", &[1; 32], &[2; 64], &[0; 64], &no_key] {
        assert_eq!(ring.open(PLACE, bytes), Err(OpenError::Malformed));
        assert_eq!(key_of(bytes), None);
        assert!(!ring.needs_reseal(bytes));
    }
}

#[test]
fn every_sealing_has_its_own_nonce() {
    let ring = ring();
    assert_ne!(
        ring.seal(PLACE, b"1234").unwrap(),
        ring.seal(PLACE, b"1234").unwrap()
    );
}

#[test]
fn a_rotated_key_opens_and_a_retired_one_does_not() {
    let ring = ring();
    let sealed = ring.seal(PLACE, b"1234").unwrap().into_bytes();
    let old = key_of(&sealed).unwrap();
    assert!(!ring.needs_reseal(&sealed));

    let rotated = ring.rotate(KeyClass::Storage, 2).unwrap().keyring;
    assert_eq!(rotated.open(PLACE, &sealed).unwrap().expose(), b"1234");
    assert!(rotated.needs_reseal(&sealed));
    assert_ne!(
        key_of(rotated.seal(PLACE, b"1234").unwrap().as_ref()),
        Some(old)
    );

    let retired = rotated.retire(old).unwrap().keyring;
    assert_eq!(retired.open(PLACE, &sealed), Err(OpenError::Retired(old)));
    let deleted = retired.delete(old).unwrap().keyring;
    assert_eq!(
        deleted.open(PLACE, &sealed),
        Err(OpenError::UnknownKey(old))
    );
    assert!(deleted.needs_reseal(&sealed));
}

#[test]
fn resealing_keeps_the_class_and_may_move() {
    let ring = ring();
    let sealed = ring
        .seal_as(KeyClass::Sensitive, PLACE, b"1234")
        .unwrap()
        .into_bytes();
    let rotated = ring.rotate(KeyClass::Sensitive, 2).unwrap().keyring;
    let newer = Place {
        version: 4,
        ..PLACE
    };
    let resealed = rotated.reseal(PLACE, newer, &sealed).unwrap().into_bytes();
    assert_eq!(key_of(&resealed), rotated.active(KeyClass::Sensitive));
    assert_eq!(rotated.open(newer, &resealed).unwrap().expose(), b"1234");
    assert!(rotated.open(PLACE, &resealed).is_err());
    assert!(matches!(
        rotated.reseal(newer, newer, &sealed),
        Err(ResealError::Open(OpenError::Wrong(_)))
    ));
}

#[test]
fn an_empty_ring_seals_nothing() {
    let empty = Keyring::load(Arc::new(RootKey::generate().unwrap()), Vec::new()).unwrap();
    assert!(matches!(
        empty.seal(PLACE, b""),
        Err(SealError::NoKey(KeyClass::Storage))
    ));
}

#[test]
fn a_sealed_value_prints_its_length_only() {
    let sealed = ring().seal(PLACE, b"1234").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(37 bytes)");
}
