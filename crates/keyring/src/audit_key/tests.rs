use super::*;

fn hex<const N: usize>(text: &str) -> [u8; N] {
    HEXLOWER
        .decode(text.as_bytes())
        .unwrap()
        .try_into()
        .unwrap()
}

/// RFC 8032 section 7.1, test 2.
#[test]
fn signatures_are_those_of_rfc_8032() {
    let key = AuditKey::from_seed(&hex(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    ));
    let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature = hex::<64>(concat!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ));
    assert_eq!(key.public().bytes(), Some(public));
    assert_eq!(key.sign(&[0x72]), signature);
    assert!(verify(&public, &[0x72], &signature));
    assert!(!verify(&public, &[0x73], &signature));
}

#[test]
fn a_changed_signature_or_another_key_does_not_verify() {
    let (key, other) = (AuditKey::generate().unwrap(), AuditKey::generate().unwrap());
    let signature = key.sign(b"checkpoint");
    assert!(key.public().verify(b"checkpoint", &signature));
    assert!(!other.public().verify(b"checkpoint", &signature));
    for at in 0..signature.len() {
        let mut changed = signature;
        changed[at] ^= 1;
        assert!(!key.public().verify(b"checkpoint", &changed), "byte {at}");
    }
    assert!(!key.public().verify(b"checkpoint", &signature[..63]));
    assert!(!key.public().verify(b"checkpoint", b""));
}

#[test]
fn the_id_belongs_to_the_key() {
    let key = AuditKey::generate().unwrap();
    let public = key.public();
    assert_eq!(public.id.len(), 16);
    assert_eq!(public.id, key.id());
    let forged = PublicAuditKey {
        id: "0011223344556677".into(),
        ..public
    };
    assert_eq!(forged.bytes(), None);
    assert!(!forged.verify(b"x", &key.sign(b"x")));
}

#[test]
fn a_key_is_introduced_by_the_one_before_only() {
    let (first, second, stranger) = (
        AuditKey::generate().unwrap(),
        AuditKey::generate().unwrap(),
        AuditKey::generate().unwrap(),
    );
    let introduced = first.introduce(&second);
    assert!(introduced.is_introduced_by(&first.public()));
    assert!(!introduced.is_introduced_by(&stranger.public()));
    assert!(!second.public().is_introduced_by(&first.public()));
    let claimed = PublicAuditKey {
        signed_by: Some(first.id().into()),
        ..stranger.introduce(&second)
    };
    assert!(!claimed.is_introduced_by(&first.public()));
}

#[test]
fn an_introduction_is_no_other_message() {
    let (first, second) = (AuditKey::generate().unwrap(), AuditKey::generate().unwrap());
    let bare = first.sign(&second.public().bytes().unwrap());
    let forged = PublicAuditKey {
        signed_by: Some(first.id().into()),
        signature: Some(BASE64URL_NOPAD.encode(&bare)),
        ..second.public()
    };
    assert!(!forged.is_introduced_by(&first.public()));
}

#[test]
fn trust_follows_introductions_from_the_anchor_on() {
    let keys: Vec<AuditKey> = (0..4).map(|_| AuditKey::generate().unwrap()).collect();
    // In any order; the planted key says it was introduced by the first, but signs for itself.
    let planted = PublicAuditKey {
        signed_by: Some(keys[0].id().into()),
        ..keys[3].introduce(&keys[3])
    };
    let public = [
        keys[1].introduce(&keys[2]),
        planted,
        keys[0].public(),
        keys[0].introduce(&keys[1]),
    ];
    let ids = |anchor: &str| -> BTreeSet<String> {
        trusted(&public, &[anchor])
            .iter()
            .map(|key| key.id.clone())
            .collect()
    };
    let expected = |numbers: &[usize]| -> BTreeSet<String> {
        numbers.iter().map(|at| keys[*at].id().to_owned()).collect()
    };
    assert_eq!(ids(keys[0].id()), expected(&[0, 1, 2]));
    assert_eq!(ids(keys[1].id()), expected(&[1, 2]));
    assert_eq!(ids("unknown"), expected(&[]));
}

#[test]
fn keys_that_introduce_each_other_end_the_search() {
    let (one, other) = (AuditKey::generate().unwrap(), AuditKey::generate().unwrap());
    let public = [one.introduce(&other), other.introduce(&one)];
    assert_eq!(trusted(&public, &[one.id()]).len(), 2);
}

#[test]
fn a_key_survives_sealing_and_its_file() {
    let key = AuditKey::generate().unwrap();
    assert_eq!(AuditKey::from_secret(&key.secret()).unwrap().id(), key.id());
    assert!(matches!(
        AuditKey::from_secret(&Secret::new("short")),
        Err(AuditKeyError::Malformed)
    ));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.key");
    key.create_file(&path).unwrap();
    assert_eq!(AuditKey::load(&path).unwrap().secret(), key.secret());
    assert!(matches!(
        key.create_file(&path),
        Err(AuditKeyError::File(FileError::Exists(_)))
    ));

    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace(key.id(), "0011223344556677");
    std::fs::write(&path, text).unwrap();
    assert!(matches!(
        AuditKey::load(&path),
        Err(AuditKeyError::Malformed)
    ));
}

#[test]
fn public_keys_survive_json_and_private_ones_do_not_print() {
    let (first, second) = (AuditKey::generate().unwrap(), AuditKey::generate().unwrap());
    for public in [first.public(), first.introduce(&second)] {
        let text = serde_json::to_string(&public).unwrap();
        assert_eq!(
            serde_json::from_str::<PublicAuditKey>(&text).unwrap(),
            public
        );
    }
    assert_eq!(format!("{first:?}"), format!("AuditKey({})", first.id()));
}
