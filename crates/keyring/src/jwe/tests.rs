use super::agreement::{concat_kdf, unwrapped};
use super::pair::Pair;
use super::{Compact, Curve, JweError, MOST, open};
use crate::data_key::KeyClass;
use crate::gcm;
use crate::keyring::Keyring;
use crate::root::RootKey;
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, agree, agree_ephemeral};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::SystemRandom;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use std::sync::Arc;

fn base64(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// The private key of Bob, RFC 7518 appendix C.
const BOB: &str = "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw";
/// The ephemeral public key of Alice there.
const ALICE: [&str; 2] = [
    "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
];

#[test]
fn the_key_agreement_is_that_of_rfc_7518_appendix_c() {
    let bob = Pair::fixed("bob", Curve::P256, &base64(BOB));
    let alice = [&[4][..], &base64(ALICE[0]), &base64(ALICE[1])].concat();
    let peer = UnparsedPublicKey::new(Curve::P256.algorithm(), alice);
    let shared = agree(&bob.private, peer, (), |shared| Ok(shared.to_vec())).unwrap();
    let expected = [
        158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110,
        163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
    ];
    assert_eq!(shared, expected);
    let key = concat_kdf::<16>(&shared, b"A128GCM", b"Alice", b"Bob").unwrap();
    assert_eq!(BASE64URL_NOPAD.encode(&key[..]), "VqqN6vgjbSBcIijNcacQGg");
}

#[test]
fn the_key_agreement_of_curve25519_is_that_of_rfc_7748() {
    let bob = Pair::fixed(
        "bob",
        Curve::X25519,
        &hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
    );
    let public = bob.public().unwrap();
    let expected = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_eq!((public.x.to_vec(), public.y), (expected, None));
    let alice = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let peer = UnparsedPublicKey::new(Curve::X25519.algorithm(), alice);
    let shared = agree(&bob.private, peer, (), |shared| Ok(shared.to_vec())).unwrap();
    let expected = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(shared, expected);
}

#[test]
fn the_key_wrapping_is_that_of_rfc_3394_section_4_6() {
    let wrapping: [u8; 32] =
        hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
            .try_into()
            .unwrap();
    let mut wrapped: [u8; 40] =
        hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
            .try_into()
            .unwrap();
    let plain = hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
    assert_eq!(unwrapped(&wrapping, &wrapped).unwrap().to_vec(), plain);
    wrapped[17] ^= 1;
    assert_eq!(unwrapped(&wrapping, &wrapped), Err(JweError::Shut));
}

#[test]
fn the_content_encryption_is_that_of_rfc_7516_appendix_a_1() {
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110,
        91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let protected = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    let sealed = [
        base64("48V1_ALb6US04U3b"),
        base64(
            "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
        ),
        base64("XFBoMYUZodetZdvTiFvSkQ"),
    ]
    .concat();
    let plain = gcm::decrypt(&key, protected.as_bytes(), &sealed).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&plain),
        "The true sign of intelligence is not knowledge but imagination."
    );
}

/// Messages that another library (jwcrypto 1.1) made, and what is to come of them.
#[test]
fn messages_of_another_library_open_or_are_refused() {
    let lines = include_str!("../../vectors/jwe.jsonl").lines();
    let mut read = 0;
    for line in lines {
        let vector: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let curve = if text("curve") == "X25519" {
            Curve::X25519
        } else {
            Curve::P256
        };
        let pair = Pair::fixed(text("kid"), curve, &base64(text("private")));
        let message = Compact::parse(text("message"));
        let opened = message.and_then(|message| {
            assert_eq!(message.kid(), text("kid"));
            open(&message, &pair)
        });
        match opened {
            Ok(plain) => assert_eq!(plain.expose(), text("plain").as_bytes(), "{}", text("name")),
            Err(error) => assert_eq!(format!("{error:?}"), text("error"), "{}", text("name")),
        }
        read += 1;
    }
    assert_eq!(read, 8);
}

fn ring() -> Keyring {
    let root = Arc::new(RootKey::generate().unwrap());
    Keyring::first(root, 1).unwrap().keyring
}

/// A message for one of the public keys of a ring.
fn message(ring: &Keyring, curve: Curve, header: impl Fn(&mut Value)) -> String {
    let jwks = ring.public_jwks();
    let to = jwks.iter().find(|one| one.curve == curve).unwrap();
    let own = EphemeralPrivateKey::generate(curve.algorithm(), &SystemRandom::new()).unwrap();
    let public = own.compute_public_key().unwrap();
    let (kty, crv, point, epk) = match (curve, to.y) {
        (Curve::P256, Some(y)) => {
            let (x, own_y) = public.as_ref()[1..].split_at(32);
            let coordinates = (x.to_vec(), Some(own_y.to_vec()));
            ("EC", "P-256", [&[4][..], &to.x, &y].concat(), coordinates)
        }
        _ => (
            "OKP",
            "X25519",
            to.x.to_vec(),
            (public.as_ref().to_vec(), None),
        ),
    };
    let mut head = json!({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": to.kid,
        "epk": {"kty": kty, "crv": crv, "x": BASE64URL_NOPAD.encode(&epk.0)}});
    if let Some(y) = epk.1 {
        head["epk"]["y"] = BASE64URL_NOPAD.encode(&y).into();
    }
    header(&mut head);
    let peer = UnparsedPublicKey::new(curve.algorithm(), point);
    let wrapping = agree_ephemeral(own, peer, (), |shared| {
        Ok(concat_kdf::<32>(shared, b"ECDH-ES+A256KW", b"", b"").unwrap())
    })
    .unwrap();
    let (content_key, mut wrapped) = ([9; 32], [0; 40]);
    let kek = AesKek::new(&AES_256, wrapping.as_slice()).unwrap();
    kek.wrap(&content_key, &mut wrapped).unwrap();
    let protected = BASE64URL_NOPAD.encode(head.to_string().as_bytes());
    let sealed = gcm::encrypt(&content_key, [3; 12], protected.as_bytes(), b"content").unwrap();
    let (nonce, rest) = sealed.split_at(12);
    let (ciphertext, tag) = rest.split_at(rest.len() - 16);
    let parts = [&wrapped[..], nonce, ciphertext, tag].map(|part| BASE64URL_NOPAD.encode(part));
    format!("{protected}.{}", parts.join("."))
}

#[test]
fn both_curves_of_a_ring_open_until_their_key_is_retired() {
    let first = ring();
    let (p256, x25519) = (
        message(&first, Curve::P256, |_| ()),
        message(&first, Curve::X25519, |_| ()),
    );
    let old = first.active(KeyClass::Transport).unwrap();
    let second = first.rotate(KeyClass::Transport, 2).unwrap().keyring;
    for ring in [&first, &second] {
        assert_eq!(ring.open_jwe(&p256).unwrap().expose(), b"content");
        assert_eq!(ring.open_jwe(&x25519).unwrap().expose(), b"content");
    }
    let kids: Vec<String> = second
        .public_jwks()
        .into_iter()
        .map(|jwk| jwk.kid)
        .collect();
    let new = second.active(KeyClass::Transport).unwrap();
    let expected = [new, old].map(|key| [format!("{key}-p256"), format!("{key}-x25519")]);
    assert_eq!(kids, expected.concat());
    let third = second.retire(old).unwrap().keyring;
    assert_eq!(third.public_jwks().len(), 2);
    assert_eq!(third.open_jwe(&p256), Err(JweError::UnknownKey));
    assert_eq!(ring().open_jwe(&p256), Err(JweError::UnknownKey));
}

#[test]
fn a_reloaded_ring_has_the_same_pairs() {
    let root = Arc::new(RootKey::generate().unwrap());
    let ring = Keyring::first(Arc::clone(&root), 1).unwrap().keyring;
    let again = Keyring::load(root, ring.rows()).unwrap();
    assert_eq!(ring.public_jwks(), again.public_jwks());
}

#[test]
fn keys_of_other_classes_open_no_messages() {
    let ring = ring();
    let storage = ring.active(KeyClass::Storage).unwrap();
    let forged = message(&ring, Curve::X25519, |head| {
        head["kid"] = format!("{storage}-x25519").into();
    });
    assert_eq!(ring.open_jwe(&forged), Err(JweError::UnknownKey));
}

#[test]
fn a_changed_message_does_not_open() {
    let ring = ring();
    let good = message(&ring, Curve::P256, |_| ());
    let parts: Vec<&str> = good.split('.').collect();
    for place in 1..5 {
        let mut bytes = base64(parts[place]);
        bytes[3] ^= 1;
        let changed = BASE64URL_NOPAD.encode(&bytes);
        let mut parts = parts.clone();
        parts[place] = &changed;
        assert_eq!(
            ring.open_jwe(&parts.join(".")),
            Err(JweError::Shut),
            "{place}"
        );
    }
    // The header is authenticated as it was sent.
    let spaced = [base64(parts[0]), b" ".to_vec()].concat();
    let spaced = BASE64URL_NOPAD.encode(&spaced);
    let mut parts = parts;
    parts[0] = &spaced;
    assert_eq!(ring.open_jwe(&parts.join(".")), Err(JweError::Shut));
}

#[test]
fn each_fault_of_the_form_has_its_cause() {
    let ring = ring();
    let made = |header: fn(&mut Value)| ring.open_jwe(&message(&ring, Curve::P256, header));
    let good = message(&ring, Curve::P256, |_| ());
    assert!(ring.open_jwe(&good).is_ok());
    for text in [
        "",
        "....",
        "a.b.c.d.e",
        "a.b.c.d",
        &format!("{good}."),
        &good[1..],
        " ",
    ] {
        assert_eq!(ring.open_jwe(text), Err(JweError::Malformed), "{text}");
    }
    assert_eq!(ring.open_jwe(&"A".repeat(MOST + 1)), Err(JweError::TooLong));
    assert_eq!(
        made(|head| head["zip"] = "DEF".into()),
        Err(JweError::Extension)
    );
    assert_eq!(
        made(|head| head["zip"] = Value::Null),
        Err(JweError::Extension)
    );
    assert_eq!(
        made(|head| head["crit"] = json!(["exp"])),
        Err(JweError::Extension)
    );
    assert_eq!(
        made(|head| head["alg"] = "dir".into()),
        Err(JweError::Algorithm)
    );
    assert_eq!(
        made(|head| head["enc"] = "A128GCM".into()),
        Err(JweError::Algorithm)
    );
    assert_eq!(
        made(|head| head["kid"] = "nobody".into()),
        Err(JweError::UnknownKey)
    );
    assert_eq!(
        made(|head| head["kid"] = 7.into()),
        Err(JweError::Malformed)
    );
    let epk = JweError::EphemeralKey;
    assert_eq!(made(|head| head["epk"]["crv"] = "P-384".into()), Err(epk));
    assert_eq!(made(|head| head["epk"]["x"] = "AAAA".into()), Err(epk));
    assert_eq!(
        made(|head| head["epk"]["y"] = head["epk"]["x"].clone()),
        Err(epk)
    );
    assert_eq!(made(|head| head["epk"]["y"] = Value::Null), Err(epk));
    let twice = BASE64URL_NOPAD.encode(br#"{"alg":"dir","alg":"dir"}"#);
    assert_eq!(
        ring.open_jwe(&format!("{twice}....")),
        Err(JweError::Malformed)
    );
}

#[test]
fn a_point_of_low_order_is_refused() {
    let ring = ring();
    let forged = message(&ring, Curve::X25519, |head| {
        head["epk"]["x"] = BASE64URL_NOPAD.encode(&[0; 32]).into();
    });
    assert_eq!(ring.open_jwe(&forged), Err(JweError::EphemeralKey));
}
