//! Every cipher, MAC and key derivation, right and wrong.

use aes_kw::KeyInit as _;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use data_encoding::{BASE64, HEXLOWER};
use hmac::digest::Digest;

use super::*;
use crate::pskc::cipher::Cipher;
use crate::pskc::mac::{Prf, hmac_sha256};

const PRESHARED: &str = include_str!("../../../vectors/pskc-preshared.xml");
const PASSPHRASE: &str = include_str!("../../../vectors/pskc-passphrase.xml");
const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";

fn with_key(key: &[u8]) -> Options {
    Options {
        key: Some(Secret::new(key)),
        ..Options::default()
    }
}

fn rfc_key() -> Options {
    with_key(
        &HEXLOWER
            .decode(b"12345678901234567890123456789012")
            .unwrap(),
    )
}

fn with_passphrase(passphrase: &str) -> Options {
    Options {
        passphrase: Some(Secret::new(passphrase)),
        ..Options::default()
    }
}

fn encrypted(uri: &str, value: &[u8]) -> String {
    format!(
        r#"<EncryptionMethod Algorithm="{uri}"/><CipherData><CipherValue>{}</CipherValue></CipherData>"#,
        BASE64.encode(value)
    )
}

/// A file whose only secret is `value` under `uri`, with the MAC method and MAC given.
fn sealed(uri: &str, value: &[u8], method: &str, mac: &str) -> String {
    let secret = format!(
        "<Secret><EncryptedValue>{}</EncryptedValue>{mac}</Secret>",
        encrypted(uri, value)
    );
    file(&format!(r#"Algorithm="{URN}:hotp""#), "", &secret).replacen(
        "<KeyPackage>",
        &format!("{method}<KeyPackage>"),
        1,
    )
}

fn mac_of(tag: &[u8]) -> String {
    format!("<ValueMAC>{}</ValueMAC>", BASE64.encode(tag))
}

#[test]
fn the_values_of_rfc_6030_open() {
    assert_eq!(only(PRESHARED, &rfc_key()).unwrap().secret.expose(), KEY);
    assert_eq!(
        only(PASSPHRASE, &with_passphrase("qwerty"))
            .unwrap()
            .secret
            .expose(),
        KEY
    );
}

#[test]
fn without_the_right_key_nothing_opens() {
    assert_eq!(only(PRESHARED, &Options::default()), Err(Cause::KeyNeeded));
    assert_eq!(
        only(PRESHARED, &with_key(&[1; 32])),
        Err(Cause::KeyLength { expected: 16 })
    );
    assert!(matches!(
        only(PRESHARED, &with_key(&[1; 16])),
        Err(Cause::MacKey | Cause::Mac)
    ));
    assert_eq!(only(PASSPHRASE, &rfc_key()), Err(Cause::PassphraseNeeded));
    assert!(matches!(
        only(PASSPHRASE, &with_passphrase("qwertz")),
        Err(Cause::MacKey | Cause::Mac)
    ));
}

#[test]
fn a_changed_value_is_never_decrypted() {
    let changed = PRESHARED.replace("AAECAwQFBgcICQoLDA0OD+", "AAECAwQFBgcICQoLDA0OE+");
    let error = read(changed.as_bytes(), &rfc_key())
        .unwrap()
        .packages
        .remove(0)
        .unwrap_err();
    assert_eq!(error.cause, Cause::Mac);
    assert_eq!(
        error.to_string(),
        "key package 1, key 12345678, serial 987654321: the MAC does not verify: wrong key or passphrase, or damaged file"
    );
    let without = PRESHARED.replace("<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>", "");
    assert_eq!(only(&without, &rfc_key()), Err(Cause::NoMac));
    let short = PRESHARED.replace("Su+NvtQfmvfJzF6bmQiJqoLRExc=", "");
    assert_eq!(only(&short, &rfc_key()), Err(Cause::Mac));
    let unknown = PRESHARED.replace("xmldsig#hmac-sha1", "xmldsig#hmac-md5");
    assert_eq!(only(&unknown, &rfc_key()), Err(Cause::MacAlgorithm));
}

#[test]
fn every_aes_length_and_mac_opens() {
    for (len, bits) in [(16, 128), (24, 192), (32, 256)] {
        let key = vec![3; len];
        let value = Cipher::cbc_of(len)
            .unwrap()
            .0
            .encrypt(&key, &[5; 16], KEY)
            .unwrap();
        // Without a MACKey the encryption key serves.
        let method =
            r#"<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>"#;
        let text = sealed(
            &format!("{XENC}aes{bits}-cbc"),
            &value,
            method,
            &mac_of(&hmac_sha256(&key, &value).unwrap()),
        );
        assert_eq!(
            only(&text, &with_key(&key)).unwrap().secret.expose(),
            KEY,
            "{bits}"
        );
        let text = sealed(
            &format!("{XENC}aes{bits}-cbc"),
            &value,
            "",
            &mac_of(&hmac_sha256(&key, &value).unwrap()),
        );
        assert_eq!(
            only(&text, &with_key(&key)),
            Err(Cause::Missing("MACMethod"))
        );
    }
}

#[test]
fn triple_des_opens() {
    let (key, mut body) = ([7_u8; 24], [KEY, &[9, 9, 9, 4]].concat());
    let len = body.len();
    let encryptor = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &[1; 8]).unwrap();
    encryptor
        .encrypt_padded::<NoPadding>(&mut body, len)
        .unwrap();
    let value = [&[1; 8][..], &body].concat();
    let method = r#"<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>"#;
    let text = sealed(
        &format!("{XENC}tripledes-cbc"),
        &value,
        method,
        &mac_of(&hmac_sha256(&key, &value).unwrap()),
    );
    assert_eq!(only(&text, &with_key(&key)).unwrap().secret.expose(), KEY);
}

#[test]
fn key_wraps_open_without_a_mac() {
    let mut room = [0; 64];
    let twenty_four = [b'k'; 24];
    let value = aes_kw::KwAes256::new_from_slice(&[4; 32])
        .unwrap()
        .wrap_key(&twenty_four, &mut room)
        .unwrap()
        .to_vec();
    let text = sealed(&format!("{XENC}kw-aes256"), &value, "", "");
    assert_eq!(
        only(&text, &with_key(&[4; 32])).unwrap().secret.expose(),
        twenty_four
    );
    assert_eq!(only(&text, &with_key(&[5; 32])), Err(Cause::Open));
    let mut room = [0; 32];
    let padded = aes_kw::KwpAes128::new_from_slice(&[4; 16])
        .unwrap()
        .wrap_key(KEY, &mut room)
        .unwrap()
        .to_vec();
    for uri in [
        format!("{XENC}kw-aes128"),
        "http://www.w3.org/2009/xmlenc11#kw-aes-128-pad".to_owned(),
    ] {
        assert_eq!(
            only(&sealed(&uri, &padded, "", ""), &with_key(&[4; 16]))
                .unwrap()
                .secret
                .expose(),
            KEY
        );
    }
    let wrapped = wrap_tripledes(&[6; 24], &twenty_four);
    let text = sealed(&format!("{XENC}kw-tripledes"), &wrapped, "", "");
    assert_eq!(
        only(&text, &with_key(&[6; 24])).unwrap().secret.expose(),
        twenty_four
    );
}

/// RFC 3217 section 3.1 with a fixed vector.
fn wrap_tripledes(kek: &[u8], key: &[u8]) -> Vec<u8> {
    let cbc = |iv: &[u8], plain: &[u8]| {
        let encryptor = cbc::Encryptor::<des::TdesEde3>::new_from_slices(kek, iv).unwrap();
        encryptor.encrypt_padded_vec::<NoPadding>(plain)
    };
    let iv = [0x5d; 8];
    let mut inner = [
        &iv[..],
        &cbc(&iv, &[key, &sha1::Sha1::digest(key)[..8]].concat()),
    ]
    .concat();
    inner.reverse();
    cbc(&[0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05], &inner)
}

#[test]
fn passphrases_are_stretched_with_every_function() {
    for (prf, name) in [
        (Prf::Sha1, "hmac-sha1"),
        (Prf::Sha224, "hmac-sha224"),
        (Prf::Sha256, "hmac-sha256"),
        (Prf::Sha384, "hmac-sha384"),
        (Prf::Sha512, "hmac-sha512"),
        (Prf::Sha512T224, "hmac-sha512-224"),
        (Prf::Sha512T256, "hmac-sha512-256"),
    ] {
        let mut key = [0; 32];
        prf.pbkdf2(b"open sesame", b"saltsalt", 7, &mut key);
        let value = Cipher::Aes256Cbc.encrypt(&key, &[5; 16], KEY).unwrap();
        let mac = mac_of(&hmac_sha256(&key, &value).unwrap());
        let uri = format!("http://www.w3.org/2001/04/xmldsig-more#{name}");
        let text = sealed(
            &format!("{XENC}aes256-cbc"),
            &value,
            &derivation(&uri, "7", "xmlenc11#pbkdf2"),
            &mac,
        );
        assert_eq!(
            only(&text, &with_passphrase("open sesame"))
                .unwrap()
                .secret
                .expose(),
            KEY,
            "{name}"
        );
    }
}

/// Without a KeyLength, in the namespace of XML Encryption 1.1.
fn derivation(prf: &str, iterations: &str, algorithm: &str) -> String {
    format!(
        r#"<EncryptionKey><e:DerivedKey xmlns:e="http://www.w3.org/2009/xmlenc11#">
        <e:KeyDerivationMethod Algorithm="http://www.w3.org/2009/{algorithm}"><e:PBKDF2-params>
        <e:Salt><e:Specified>{}</e:Specified></e:Salt><e:IterationCount>{iterations}</e:IterationCount><e:PRF Algorithm="{prf}"/>
        </e:PBKDF2-params></e:KeyDerivationMethod></e:DerivedKey></EncryptionKey>
        <MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>"#,
        BASE64.encode(b"saltsalt")
    )
}

#[test]
fn hostile_derivations_are_refused() {
    let value = [0; 48];
    let outcome = |prf: &str, iterations: &str, algorithm: &str| {
        let text = sealed(
            &format!("{XENC}aes256-cbc"),
            &value,
            &derivation(prf, iterations, algorithm),
            &mac_of(&[0; 32]),
        );
        only(&text, &with_passphrase("x")).unwrap_err()
    };
    assert_eq!(
        outcome("hmac-sha1", "10000001", "xmlenc11#pbkdf2"),
        Cause::Iterations
    );
    assert_eq!(
        outcome("hmac-sha1", "0", "xmlenc11#pbkdf2"),
        Cause::Iterations
    );
    assert_eq!(
        outcome("hmac-sha1", "99999999999", "xmlenc11#pbkdf2"),
        Cause::Iterations
    );
    assert_eq!(
        outcome("hmac-md5", "1", "xmlenc11#pbkdf2"),
        Cause::Derivation
    );
    assert_eq!(
        outcome("hmac-sha1", "1", "xmlenc11#ConcatKDF"),
        Cause::Derivation
    );
    assert_eq!(outcome("hmac-sha1", "1", "xmlenc11#pbkdf2"), Cause::Mac);
    let long = PASSPHRASE.replace("<KeyLength>16<", "<KeyLength>4000000000<");
    assert_eq!(
        only(&long, &with_passphrase("qwerty")),
        Err(Cause::Invalid("KeyLength"))
    );
    let other = PASSPHRASE.replace("<KeyLength>16<", "<KeyLength>32<");
    assert_eq!(
        only(&other, &with_passphrase("qwerty")),
        Err(Cause::KeyLength { expected: 16 })
    );
}

#[test]
fn counters_may_be_encrypted_too() {
    let key = [8; 16];
    for plain in [&b"77"[..], &[0, 0, 0, 77], &[0, 0, 0, 0, 0, 0, 0, 77]] {
        let value = Cipher::Aes128Cbc.encrypt(&key, &[5; 16], plain).unwrap();
        let mac = mac_of(&hmac_sha256(&key, &value).unwrap());
        let counter = format!(
            "<Counter><EncryptedValue>{}</EncryptedValue>{mac}</Counter>",
            encrypted(&format!("{XENC}aes128-cbc"), &value)
        );
        let text = file(&format!(r#"Algorithm="{URN}:hotp""#), "", &counter).replacen(
            "<KeyPackage>",
            r#"<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/><KeyPackage>"#,
            1,
        );
        let options = Options {
            allow_plain: true,
            ..with_key(&key)
        };
        assert_eq!(
            only(&text, &options).map(|key| key.counter),
            Ok(77),
            "{plain:?}"
        );
    }
}

#[test]
fn unknown_ciphers_are_named_as_such() {
    assert_eq!(
        only(
            &sealed(&format!("{XENC}rsa_1_5"), &[0; 48], "", ""),
            &with_key(&[0; 16])
        ),
        Err(Cause::Asymmetric)
    );
    assert_eq!(
        only(&sealed("urn:rot13", &[0; 48], "", ""), &with_key(&[0; 16])),
        Err(Cause::Cipher)
    );
}

#[test]
fn one_bad_package_leaves_the_others() {
    let start = PRESHARED.find("<KeyPackage>").unwrap();
    let end = PRESHARED.find("</KeyPackage>").unwrap() + "</KeyPackage>".len();
    let good = &PRESHARED[start..end];
    let bad = good
        .replace(
            "Su+NvtQfmvfJzF6bmQiJqoLRExc=",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        )
        .replace("987654321", "2");
    let text = format!(
        "{}{good}{bad}<KeyPackage/>{good}{}",
        &PRESHARED[..start],
        &PRESHARED[end..]
    );
    let packages = read(text.as_bytes(), &rfc_key()).unwrap().packages;
    assert!(packages[0].is_ok() && packages[3].is_ok());
    let errors: Vec<_> = packages
        .iter()
        .filter_map(|package| package.as_ref().err())
        .collect();
    assert_eq!(
        (
            errors[0].index,
            errors[0].serial.as_deref(),
            errors[0].cause
        ),
        (2, Some("2"), Cause::Mac)
    );
    assert_eq!((errors[1].index, errors[1].cause), (3, Cause::NoKey));
}
