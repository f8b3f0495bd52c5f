//! What is written is read back.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Bytes that differ at every call, so that a vector used twice would show.
fn dice() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |bytes| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(113);
            *byte = next;
        }
    }
}

fn round_trip(keys: &[Key], protection: &Protection, options: &Options) -> Vec<Key> {
    let text = write(keys, protection, &mut dice()).unwrap();
    let container = read(text.as_bytes(), options).unwrap();
    container.packages.into_iter().map(Result::unwrap).collect()
}

fn name() -> impl Strategy<Value = Option<String>> {
    of(
        "[\\PC&&[^ \\uFFFE\\uFFFF]]{1,20}".prop_filter("not trimmed", |text| {
            text.trim() == text && !text.chars().any(char::is_control)
        }),
    )
}

fn pin_policy() -> impl Strategy<Value = Option<PinPolicy>> {
    of(
        (name(), of(0_u32..99), of(0_u32..99), of(0_u32..99)).prop_map(
            |(key_id, min_length, max_length, max_failed_attempts)| PinPolicy {
                key_id,
                usage_mode: Some("Local".to_owned()),
                encoding: Some("DECIMAL".to_owned()),
                min_length,
                max_length,
                max_failed_attempts,
            },
        ),
    )
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    let suites = select(vec![
        "OCRA-1:HOTP-SHA256-8:C-QN08",
        "OCRA-1:HOTP-SHA512-10:QH64-PSHA1-S064-T30S",
        "OCRA-1:HOTP-SHA1-4:QA04",
    ]);
    prop_oneof![
        Just(Algorithm::Hotp),
        Just(Algorithm::Totp),
        suites.prop_map(|suite| Algorithm::Ocra(suite.parse().unwrap()))
    ]
}

prop_compose! {
    fn key()(
        algorithm in algorithm(),
        secret in vec(any::<u8>(), 1..=512),
        (hash, digits, period) in (select(Hash::ALL.to_vec()), 6_u8..=10, 1_u32..=3600),
        counter in 0..=u64::MAX,
        drift in any::<i32>(),
        (id, serial, manufacturer, model) in ("[a-zA-Z0-9]{1,12}", name(), name(), name()),
        (issuer, friendly_name, user_id) in (name(), name(), name()),
        (starts, expires) in (of(-62_135_596_800_i64..=253_402_300_799), of(-62_135_596_800_i64..=253_402_300_799)),
        pin_policy in pin_policy(),
        usages in select(vec![vec![], vec![Usage::Otp], vec![Usage::Otp, Usage::Cr, Usage::Derive]]),
        transactions in of(any::<u64>()),
    ) -> Key {
        let mut key = Key {
            id: Some(id), serial, manufacturer, model, issuer, friendly_name, user_id, counter, drift: i64::from(drift),
            starts, expires, pin_policy, usages, transactions, ..Key::new(algorithm, Secret::new(secret))
        };
        if !matches!(key.algorithm, Algorithm::Ocra(_)) {
            (key.hash, key.digits) = (hash, digits);
        }
        if key.algorithm == Algorithm::Totp {
            key.period = period;
        }
        key
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn plain_files_read_back(keys in vec(key(), 1..4)) {
        prop_assert_eq!(round_trip(&keys, &Protection::Plain, &plain()), keys);
    }

    #[test]
    fn files_under_a_key_read_back(keys in vec(key(), 1..3), len in select(vec![16_usize, 24, 32])) {
        let secret = Secret::new(vec![9; len]);
        let protection = Protection::PreSharedKey { name: "shared & <known>".to_owned(), key: secret.clone() };
        let options = Options { key: Some(secret), ..Options::default() };
        prop_assert_eq!(round_trip(&keys, &protection, &options), keys);
    }

    #[test]
    fn files_under_a_passphrase_read_back(keys in vec(key(), 1..3), passphrase in "\\PC{1,20}") {
        let passphrase = Secret::new(passphrase);
        let protection = Protection::Passphrase { name: "p".to_owned(), passphrase: passphrase.clone(), iterations: 3 };
        let options = Options { passphrase: Some(passphrase), ..Options::default() };
        prop_assert_eq!(round_trip(&keys, &protection, &options), keys);
    }
}

#[test]
fn every_value_has_a_vector_of_its_own() {
    let keys = [
        Key::new(Algorithm::Hotp, Secret::new(KEY)),
        Key::new(Algorithm::Hotp, Secret::new(KEY)),
    ];
    let protection = Protection::PreSharedKey {
        name: "k".to_owned(),
        key: Secret::new([1; 32]),
    };
    let text = write(&keys, &protection, &mut dice()).unwrap();
    let values: Vec<&str> = text
        .split("<xenc:CipherValue>")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(values.len(), 3, "the MAC key and two secrets");
    assert_ne!(values[1][..20], values[2][..20]);
    assert!(!text.contains("MTIzNDU2"));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let keys = [Key::new(Algorithm::Hotp, Secret::new(KEY))];
    let outcome = |keys: &[Key], protection| write(keys, &protection, &mut dice()).map(|_| ());
    assert_eq!(outcome(&[], Protection::Plain), Err(WriteError::Empty));
    let key = |len| Protection::PreSharedKey {
        name: "k".to_owned(),
        key: Secret::new(vec![1; len]),
    };
    assert_eq!(outcome(&keys, key(20)), Err(WriteError::KeyLength));
    assert_eq!(outcome(&keys, key(24)), Ok(()));
    let phrase = |text: &str, iterations| Protection::Passphrase {
        name: "p".to_owned(),
        passphrase: Secret::new(text),
        iterations,
    };
    assert_eq!(outcome(&keys, phrase("", 10)), Err(WriteError::Passphrase));
    assert_eq!(outcome(&keys, phrase("x", 0)), Err(WriteError::Iterations));
    assert_eq!(
        outcome(&keys, phrase("x", MAX_ITERATIONS + 1)),
        Err(WriteError::Iterations)
    );
}

#[test]
fn elements_stand_in_the_order_of_the_schema() {
    let mut key = Key::new(Algorithm::Totp, Secret::new(KEY));
    for field in [
        &mut key.id,
        &mut key.serial,
        &mut key.manufacturer,
        &mut key.model,
        &mut key.issuer,
        &mut key.friendly_name,
        &mut key.user_id,
    ] {
        *field = Some("x".to_owned());
    }
    (
        key.hash,
        key.drift,
        key.starts,
        key.expires,
        key.transactions,
    ) = (Hash::Sha256, 1, Some(0), Some(1), Some(2));
    (key.pin_policy, key.usages) = (Some(PinPolicy::default()), vec![Usage::Otp]);
    let protection = Protection::PreSharedKey {
        name: "k".to_owned(),
        key: Secret::new([1; 32]),
    };
    let text = write(&[key], &protection, &mut dice()).unwrap();
    let order = [
        "<EncryptionKey>",
        "<MACMethod ",
        "<MACKey>",
        "<KeyPackage>",
        "<DeviceInfo>",
        "<Manufacturer>",
        "<SerialNo>",
        "<Model>",
        "<Key ",
        "<Issuer>",
        "<AlgorithmParameters>",
        "<Suite>",
        "<ResponseFormat ",
        "<FriendlyName>",
        "<Data>",
        "<Secret>",
        "<EncryptedValue>",
        "<ValueMAC>",
        "<Time>",
        "<TimeInterval>",
        "<TimeDrift>",
        "<UserId>",
        "<Policy>",
        "<StartDate>",
        "<ExpiryDate>",
        "<PINPolicy",
        "<KeyUsage>",
        "<NumberOfTransactions>",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|element| text.find(element).unwrap_or_else(|| panic!("no {element}")))
        .collect();
    assert!(places.is_sorted(), "{text}", text = *text);
}
