use proptest::prelude::*;

use super::*;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn totp_with(parameters: &str) -> Result<Account, OtpauthError> {
    parse(&format!(
        "otpauth://totp/Example:alice@example.com?secret={SECRET}{parameters}"
    ))
}

#[test]
fn a_full_uri_is_read() {
    let account = parse(&format!("otpauth://totp/ACME%20Co:john@example.com?secret={SECRET}&issuer=ACME%20Co&algorithm=SHA256&digits=8&period=60")).unwrap();
    assert_eq!(account.kind, Kind::Totp { period: 60 });
    assert_eq!(
        (account.issuer.as_deref(), account.account.as_str()),
        (Some("ACME Co"), "john@example.com")
    );
    assert_eq!(
        (account.hash, account.digits, account.secret.len()),
        (Hash::Sha256, Digits::EIGHT, 20)
    );
    let account = parse(&format!("OTPAUTH://HOTP/bob?SECRET={SECRET}&Counter=5")).unwrap();
    assert_eq!(
        (account.kind, account.issuer, account.account.as_str()),
        (Kind::Hotp { counter: 5 }, None, "bob")
    );
}

#[test]
fn what_is_left_out_takes_the_default() {
    let account = totp_with("&image=http%3A%2F%2Fx&x").unwrap();
    assert_eq!(
        (account.kind, account.hash, account.digits),
        (Kind::Totp { period: 30 }, Hash::Sha1, Digits::SIX)
    );
    assert_eq!(account.issuer.as_deref(), Some("Example"));
    assert_eq!(account.secret.expose(), b"12345678901234567890");
    assert_eq!(
        parse(&format!("otpauth://hotp/?secret={SECRET}")).map(|account| account.kind),
        Ok(Kind::Hotp { counter: 0 })
    );
}

#[test]
fn labels_are_split_at_a_colon_of_either_spelling() {
    for label in [
        "Big%20Corporation%3A%20alice",
        "Big%20Corporation:alice",
        "Big Corporation: alice",
    ] {
        let account = parse(&format!("otpauth://totp/{label}?secret={SECRET}")).unwrap();
        assert_eq!(
            (account.issuer.as_deref(), account.account.as_str()),
            (Some("Big Corporation"), "alice"),
            "{label}"
        );
    }
    assert_eq!(
        totp_with("&issuer=Other").unwrap().issuer.as_deref(),
        Some("Other"),
        "the parameter wins"
    );
}

#[test]
fn what_is_wrong_is_named() {
    use OtpauthError as E;
    assert_eq!(parse("https://example.org"), Err(E::Scheme));
    assert_eq!(parse("otpauth-migration://offline?data=x"), Err(E::Scheme));
    assert_eq!(parse("ot"), Err(E::Scheme));
    assert_eq!(
        parse(&format!("otpauth://steam/x?secret={SECRET}")),
        Err(E::Kind)
    );
    assert_eq!(parse("otpauth://totp/x"), Err(E::NoSecret));
    assert_eq!(parse("otpauth://totp/x?secret="), Err(E::Secret));
    assert_eq!(parse("otpauth://totp/x?secret=18"), Err(E::Secret));
    assert_eq!(
        parse(&format!("otpauth://totp/%zz?secret={SECRET}")),
        Err(E::Encoding)
    );
    assert_eq!(
        parse(&format!("otpauth://totp/%ff?secret={SECRET}")),
        Err(E::Encoding)
    );
    assert_eq!(
        parse(&format!("otpauth://totp/a%0ab?secret={SECRET}")),
        Err(E::Name)
    );
    assert_eq!(
        parse(&format!(
            "otpauth://totp/{}?secret={SECRET}",
            "a".repeat(256)
        )),
        Err(E::Name)
    );
    assert_eq!(
        parse(&format!("otpauth://totp/{}", "a".repeat(MAX_LEN))),
        Err(E::TooLong)
    );
    assert_eq!(totp_with("&secret=AA"), Err(E::Twice("secret")));
    assert_eq!(totp_with("&algorithm=MD5"), Err(E::Algorithm));
    for digits in ["5", "11", "-6", "+6", "", "262"] {
        assert_eq!(
            totp_with(&format!("&digits={digits}")),
            Err(E::Digits),
            "{digits}"
        );
    }
    for period in ["0", "3601", "x", "99999999999999999999"] {
        assert_eq!(
            totp_with(&format!("&period={period}")),
            Err(E::Period),
            "{period}"
        );
    }
    assert_eq!(
        parse(&format!("otpauth://hotp/x?secret={SECRET}&counter=-1")),
        Err(E::Counter)
    );
}

#[test]
fn a_uri_is_written_for_every_reader() {
    let account = Account {
        issuer: Some("A & B".to_owned()),
        ..totp_with("").unwrap()
    };
    assert_eq!(
        *account.to_uri(),
        format!(
            "otpauth://totp/A%20%26%20B:alice%40example.com?secret={SECRET}&issuer=A%20%26%20B&algorithm=SHA1&digits=6&period=30"
        )
    );
    assert!(!format!("{account:?}").contains("1234567890"));
}

fn name(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern.prop_filter("not trimmed", |text| {
        text.trim() == text && !text.chars().any(char::is_control)
    })
}

proptest! {
    #[test]
    fn a_uri_reads_back(
        kind in prop_oneof![any::<u64>().prop_map(|counter| Kind::Hotp { counter }), (1_u32..=3600).prop_map(|period| Kind::Totp { period })],
        issuer in proptest::option::of(name("\\PC{1,30}")),
        account in name("\\PC{0,30}"),
        secret in proptest::collection::vec(any::<u8>(), 1..=128),
        hash in proptest::sample::select(Hash::ALL.to_vec()),
        digits in 6_u8..=10,
    ) {
        let account = Account { kind, issuer, account, secret: Secret::new(secret), hash, digits: Digits::new(digits).unwrap() };
        let uri = account.to_uri();
        prop_assert_eq!(parse(&uri), Ok(account));
    }

    #[test]
    fn no_text_panics_the_reader(text in "(otpauth://(totp|hotp)/)?\\PC{0,100}") {
        let _ = parse(&text);
    }
}
