//! The figures of RFC 6030 and the files of other tools, read from the shared test data where that is present.

use std::path::PathBuf;

use data_encoding::HEXLOWER;

use super::*;

fn shared(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/pskc")
        .join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("SKIPPED: the shared test data has no {name}");
    }
    bytes
}

fn keys(name: &str, options: &Options) -> Option<Vec<Result<Key, Cause>>> {
    let container = read(&shared(name)?, options).unwrap();
    Some(
        container
            .packages
            .into_iter()
            .map(|package| package.map_err(|error| error.cause))
            .collect(),
    )
}

#[test]
fn figure_2_is_a_bare_weak_key() {
    let Some(keys) = keys("rfc6030/figure2.pskcxml", &plain()) else {
        return;
    };
    let key = keys[0].as_ref().unwrap();
    assert_eq!(
        (
            key.id.as_deref(),
            key.issuer.as_deref(),
            key.digits,
            key.counter
        ),
        (Some("12345678"), Some("Issuer-A"), 6, 0)
    );
    assert_eq!(key.secret.expose(), b"1234");
    assert!(key.is_weak());
}

#[test]
fn figure_3_has_supplementary_data() {
    let Some(keys) = keys("rfc6030/figure3.pskcxml", &plain()) else {
        return;
    };
    let key = keys[0].as_ref().unwrap();
    assert_eq!(
        (
            key.serial.as_deref(),
            key.manufacturer.as_deref(),
            key.digits
        ),
        (Some("987654321"), Some("Manufacturer"), 8)
    );
    assert_eq!(
        key.user_id.as_deref(),
        Some("UID=jsmith,DC=example-bank,DC=net")
    );
    assert_eq!(key.secret.expose(), KEY);
}

#[test]
fn figure_4_refers_to_a_key_that_is_elsewhere() {
    let Some(keys) = keys("rfc6030/figure4.pskcxml", &plain()) else {
        return;
    };
    assert_eq!(keys, [Err(Cause::NoSecret)]);
}

#[test]
fn figure_5_holds_a_pin() {
    let Some(bytes) = shared("rfc6030/figure5.pskcxml") else {
        return;
    };
    let container = read(&bytes, &plain()).unwrap();
    let key = container.packages[0].as_ref().unwrap();
    assert_eq!(
        container.pin_of(key).map(Secret::expose),
        Some(&b"1234"[..])
    );
    let pin = container.packages[1].as_ref().unwrap();
    assert_eq!((pin.algorithm.clone(), pin.digits), (Algorithm::Pin, 4));
    assert_eq!(container.pin_of(pin), None);
}

#[test]
fn figures_6_and_7_are_encrypted() {
    let key = Secret::new(
        HEXLOWER
            .decode(b"12345678901234567890123456789012")
            .unwrap(),
    );
    if let Some(keys) = keys(
        "rfc6030/figure6.pskcxml",
        &Options {
            key: Some(key),
            ..Options::default()
        },
    ) {
        assert_eq!(keys[0].as_ref().unwrap().secret.expose(), KEY);
    }
    let options = Options {
        passphrase: Some(Secret::new("qwerty")),
        ..Options::default()
    };
    if let Some(keys) = keys("rfc6030/figure7.pskcxml", &options) {
        assert_eq!(keys[0].as_ref().unwrap().secret.expose(), KEY);
    }
}

#[test]
fn figure_8_is_encrypted_for_a_certificate() {
    let Some(bytes) = shared("rfc6030/figure8.pskcxml") else {
        return;
    };
    let container = read(&bytes, &plain()).unwrap();
    let error = container.packages[0].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "key package 1, key MBK000000001, serial 987654321: encrypted under an asymmetric key, which is not supported"
    );
}

#[test]
fn figure_9_is_signed() {
    let Some(bytes) = shared("rfc6030/figure9.pskcxml") else {
        return;
    };
    let container = read(&bytes, &plain()).unwrap();
    assert!(container.signed);
    assert_eq!(
        container.packages[0].as_ref().unwrap().serial.as_deref(),
        Some("0755225266")
    );
}

#[test]
fn figure_10_holds_four_keys() {
    let Some(keys) = keys("rfc6030/figure10.pskcxml", &plain()) else {
        return;
    };
    let serials: Vec<_> = keys
        .iter()
        .map(|key| key.as_ref().unwrap().serial.clone().unwrap())
        .collect();
    assert_eq!(serials, ["654321", "123456", "9999999", "9999999"]);
    assert_eq!(
        keys[3].as_ref().unwrap().expires,
        crate::date::parse("2006-04-30")
    );
}

#[test]
fn files_of_other_tools_are_read() {
    if let Some(keys) = keys("oath-toolkit/20120919-test001-4282.xml", &plain()) {
        let [time, event] = &keys[..] else {
            panic!("{} keys", keys.len())
        };
        let (time, event) = (time.as_ref().unwrap(), event.as_ref().unwrap());
        assert_eq!(
            (time.algorithm.clone(), time.period, time.serial.as_deref()),
            (Algorithm::Totp, 60, Some("2600215704919"))
        );
        assert_eq!(
            (event.algorithm.clone(), event.counter, event.secret.len()),
            (Algorithm::Hotp, 0, 20)
        );
    }
    if let Some(keys) = keys("oath-toolkit/pskc-ns.xml", &plain()) {
        assert_eq!(keys[0].as_ref().unwrap().secret.expose(), b"1234");
    }
    if let Some(keys) = keys("oath-toolkit/pskc-ocra.xml", &plain()) {
        let Algorithm::Ocra(suite) = &keys[0].as_ref().unwrap().algorithm else {
            panic!("no OCRA key")
        };
        assert_eq!(suite.as_str(), "OCRA-1:HOTP-SHA512-8:C-QN08");
    }
    if let Some(keys) = keys("oath-toolkit/pskc-all.xml", &plain()) {
        assert_eq!(
            keys,
            [Err(Cause::CheckDigits)],
            "values with a check digit are not ours"
        );
    }
    if let Some(bytes) = shared("oath-toolkit/pskc-invalid.xml") {
        assert_eq!(read(&bytes, &plain()), Err(PskcError::NotPskc));
    }
}
