mod figures;
mod hostile;
mod protected;
mod round_trip;

use super::*;

const URN: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
const KEY: &[u8] = b"12345678901234567890";

fn plain() -> Options {
    Options {
        allow_plain: true,
        ..Options::default()
    }
}

/// A file of one plain key with its inner elements; the secret is that of RFC 4226 unless there is another.
fn file(attributes: &str, elements: &str, data: &str) -> String {
    let secret = "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>";
    let secret = if data.contains("<Secret>") {
        ""
    } else {
        secret
    };
    format!(
        r#"<KeyContainer Version="1.0" xmlns="{URN}"><KeyPackage><DeviceInfo><SerialNo>S1</SerialNo></DeviceInfo>
        <Key Id="K1" {attributes}>{elements}<Data>{secret}{data}</Data></Key></KeyPackage></KeyContainer>"#
    )
}

fn only(text: &str, options: &Options) -> Result<Key, Cause> {
    let mut packages = read(text.as_bytes(), options).unwrap().packages;
    assert_eq!(packages.len(), 1);
    packages.remove(0).map_err(|error| error.cause)
}

fn hotp(elements: &str, data: &str) -> Result<Key, Cause> {
    only(
        &file(&format!(r#"Algorithm="{URN}:hotp""#), elements, data),
        &plain(),
    )
}

fn totp(elements: &str, data: &str) -> Result<Key, Cause> {
    only(
        &file(&format!(r#"Algorithm="{URN}:totp""#), elements, data),
        &plain(),
    )
}

#[test]
fn algorithms_are_read_in_every_spelling() {
    for (uri, algorithm, hash) in [
        (format!("{URN}:hotp"), Algorithm::Hotp, Hash::Sha1),
        (format!("{URN}#hotp"), Algorithm::Hotp, Hash::Sha1),
        (format!("{URN}:totp"), Algorithm::Totp, Hash::Sha1),
        (format!("{URN}#totp"), Algorithm::Totp, Hash::Sha1),
        (format!("{URN}:totp-sha256"), Algorithm::Totp, Hash::Sha256),
        (
            "http://www.ietf.org/keyprov/pskc#hotp".to_owned(),
            Algorithm::Hotp,
            Hash::Sha1,
        ),
        ("HOTP".to_owned(), Algorithm::Hotp, Hash::Sha1),
        (
            format!("{URN}#OCRA-1:HOTP-SHA512-8:C-QN08"),
            Algorithm::Ocra("OCRA-1:HOTP-SHA512-8:C-QN08".parse().unwrap()),
            Hash::Sha512,
        ),
    ] {
        let key = only(&file(&format!(r#"Algorithm="{uri}""#), "", ""), &plain()).unwrap();
        assert_eq!((key.algorithm, key.hash), (algorithm, hash), "{uri}");
    }
    for uri in [
        "urn:ietf:params:xml:ns:keyprov:pskc:secureid",
        "",
        "aes",
        "hotpx",
    ] {
        assert_eq!(
            only(&file(&format!(r#"Algorithm="{uri}""#), "", ""), &plain()),
            Err(Cause::Algorithm),
            "{uri}"
        );
    }
    assert_eq!(
        only(&file("", "", ""), &plain()),
        Err(Cause::Missing("Algorithm"))
    );
}

#[test]
fn suites_name_the_hash_or_the_ocra_function() {
    let suite =
        |text: &str| format!("<AlgorithmParameters><Suite>{text}</Suite></AlgorithmParameters>");
    assert_eq!(
        totp(&suite("HMAC-SHA256"), "").map(|key| key.hash),
        Ok(Hash::Sha256)
    );
    assert_eq!(
        totp(&suite("sha512"), "").map(|key| key.hash),
        Ok(Hash::Sha512)
    );
    assert_eq!(totp(&suite("HMAC-SM3"), ""), Err(Cause::Hash));
    let ocra = |text: &str| {
        only(
            &file(&format!(r#"Algorithm="{URN}:ocra""#), &suite(text), ""),
            &plain(),
        )
    };
    let key = ocra("OCRA-1:HOTP-SHA256-8:QN08-T1M").unwrap();
    assert_eq!((key.digits, key.period, key.hash), (8, 60, Hash::Sha256));
    assert_eq!(ocra("OCRA-1:HOTP-SHA256-0:QN08"), Err(Cause::Untruncated));
    assert!(matches!(
        ocra("OCRA-2:HOTP-SHA256-8:QN08"),
        Err(Cause::Suite(_))
    ));
    assert_eq!(
        only(
            &file(&format!(r#"Algorithm="{URN}:ocra""#), "", ""),
            &plain()
        ),
        Err(Cause::Missing("Suite"))
    );
}

#[test]
fn values_that_nobody_can_type_are_refused() {
    let format = |attributes: &str| {
        format!("<AlgorithmParameters><ResponseFormat {attributes}/></AlgorithmParameters>")
    };
    assert_eq!(
        hotp(&format(r#"Length="10" Encoding="DECIMAL""#), "").map(|key| key.digits),
        Ok(10)
    );
    assert_eq!(
        hotp(&format(r#"Encoding="DECIMAL""#), "").map(|key| key.digits),
        Ok(6)
    );
    assert_eq!(
        hotp(&format(r#"Length="5" Encoding="DECIMAL""#), ""),
        Err(Cause::Digits)
    );
    assert_eq!(
        hotp(&format(r#"Length="300" Encoding="DECIMAL""#), ""),
        Err(Cause::Digits)
    );
    assert_eq!(
        hotp(&format(r#"Length="8" Encoding="HEXADECIMAL""#), ""),
        Err(Cause::Encoding)
    );
    assert_eq!(
        hotp(&format(r#"Length="8" CheckDigits="true""#), ""),
        Err(Cause::CheckDigits)
    );
    assert_eq!(
        hotp(&format(r#"Length="8" CheckDigits="false""#), "").map(|key| key.digits),
        Ok(8)
    );
}

#[test]
fn numbers_are_read_as_text_and_as_bytes() {
    let counter = |value: &str| {
        hotp(
            "",
            &format!("<Counter><PlainValue>{value}</PlainValue></Counter>"),
        )
        .map(|key| key.counter)
    };
    assert_eq!(counter(" 42 "), Ok(42));
    assert_eq!(counter("AAAAAAAAAAc="), Ok(7));
    assert_eq!(counter("AAAABw=="), Ok(7));
    for bad in [
        "-1",
        "",
        "x",
        "99999999999999999999",
        "AAc=",
        "//////////8=",
    ] {
        assert_eq!(counter(bad), Err(Cause::Invalid("Counter")), "{bad}");
    }
    let timed = |interval: &str, drift: &str| {
        totp(
            "",
            &format!(
                "<TimeInterval><PlainValue>{interval}</PlainValue></TimeInterval><TimeDrift><PlainValue>{drift}</PlainValue></TimeDrift>"
            ),
        )
    };
    assert_eq!(
        timed("60", "-4").map(|key| (key.period, key.drift)),
        Ok((60, -4))
    );
    assert_eq!(timed("0", "0"), Err(Cause::Period));
    assert_eq!(timed("3601", "0"), Err(Cause::Period));
    assert_eq!(timed("30", "99999999999"), Err(Cause::Invalid("TimeDrift")));
}

#[test]
fn policies_are_understood_or_forbid_every_use() {
    let policy = |inner: &str| format!("<Policy>{inner}</Policy>");
    let key = hotp(
        &policy(
            r#"<StartDate>2006-05-01T00:00:00Z</StartDate><ExpiryDate>2006-05-31T00:00:00Z</ExpiryDate>
            <PINPolicy PINKeyId="P" PINUsageMode="Local" MinLength="4" MaxLength="8" MaxFailedAttempts="3" PINEncoding="DECIMAL"/>
            <KeyUsage>OTP</KeyUsage><NumberOfTransactions>9</NumberOfTransactions>"#,
        ),
        "",
    )
    .unwrap();
    assert_eq!(
        (key.starts, key.expires),
        (Some(1_146_441_600), Some(1_149_033_600))
    );
    let pin = key.pin_policy.unwrap();
    assert_eq!(
        (
            pin.key_id.as_deref(),
            pin.min_length,
            pin.max_length,
            pin.max_failed_attempts
        ),
        (Some("P"), Some(4), Some(8), Some(3))
    );
    assert_eq!((key.usages, key.transactions), (vec![Usage::Otp], Some(9)));
    for unknown in [
        "<Moon>full</Moon>",
        "<KeyUsage>Fly</KeyUsage>",
        r#"<PINPolicy Colour="red"/>"#,
        "<PINPolicy><X/></PINPolicy>",
    ] {
        assert_eq!(hotp(&policy(unknown), ""), Err(Cause::Policy), "{unknown}");
    }
    assert_eq!(
        hotp(&policy("<KeyUsage>Encrypt</KeyUsage>"), ""),
        Err(Cause::Usage)
    );
    assert_eq!(
        hotp(&policy("<ExpiryDate>soon</ExpiryDate>"), ""),
        Err(Cause::Invalid("ExpiryDate"))
    );
}

#[test]
fn the_narrower_dates_of_key_and_device_count() {
    let text = file(&format!(r#"Algorithm="{URN}:hotp""#), "<Policy><StartDate>2010-01-01</StartDate><ExpiryDate>2030-01-01</ExpiryDate></Policy>", "")
        .replace("</SerialNo>", "</SerialNo><StartDate>2012-01-01</StartDate><ExpiryDate>2020-01-01</ExpiryDate><UserId>CN=x</UserId>");
    let key = only(&text, &plain()).unwrap();
    assert_eq!(
        (key.starts, key.expires),
        (
            crate::date::parse("2012-01-01"),
            crate::date::parse("2020-01-01")
        )
    );
    assert_eq!(key.user_id.as_deref(), Some("CN=x"));
}

#[test]
fn weak_keys_are_told() {
    let weak = hotp("", "<Secret><PlainValue>MTIzNA==</PlainValue></Secret>").unwrap();
    assert!(weak.is_weak());
    assert!(!hotp("", "").unwrap().is_weak());
    assert_eq!(
        hotp("", "<Secret><PlainValue></PlainValue></Secret>"),
        Err(Cause::SecretLength)
    );
    assert_eq!(
        hotp("", "<Secret><PlainValue>%%</PlainValue></Secret>"),
        Err(Cause::Invalid("Secret"))
    );
    assert_eq!(hotp("", "<Secret></Secret>"), Err(Cause::NoSecret));
    let padless = hotp(
        "",
        "<Secret><PlainValue>MTIzNDU2Nzg5\n MDEyMzQ1Njc4OTA</PlainValue></Secret>",
    )
    .unwrap();
    assert_eq!(padless.secret.expose(), KEY);
}

#[test]
fn unprotected_secrets_need_leave() {
    let text = file(&format!(r#"Algorithm="{URN}:hotp""#), "", "");
    assert_eq!(only(&text, &Options::default()), Err(Cause::Plain));
    assert!(only(&text, &plain()).is_ok());
}

#[test]
fn the_form_of_the_drafts_is_read() {
    let container = read(include_bytes!("../../vectors/pskc-draft.xml"), &plain()).unwrap();
    let keys: Vec<Key> = container.packages.into_iter().map(Result::unwrap).collect();
    let [one, two] = &keys[..] else {
        panic!("{} keys", keys.len())
    };
    assert_eq!(
        (
            one.id.as_deref(),
            one.serial.as_deref(),
            one.counter,
            one.digits
        ),
        (Some("one"), Some("0755225266"), 7, 8)
    );
    assert_eq!(
        (
            two.algorithm.clone(),
            two.period,
            two.drift,
            two.secret.expose()
        ),
        (Algorithm::Totp, 60, -3, KEY)
    );
}

#[test]
fn a_namespace_may_be_prefixed_or_missing_but_not_foreign() {
    let text = file(&format!(r#"Algorithm="{URN}:hotp""#), "", "");
    assert!(only(&text.replace(&format!(r#" xmlns="{URN}""#), ""), &plain()).is_ok());
    assert_eq!(
        read(
            text.replace(&format!(r#"xmlns="{URN}""#), r#"xmlns="urn:x""#)
                .as_bytes(),
            &plain()
        ),
        Err(PskcError::NotPskc)
    );
    assert_eq!(
        read(
            text.replace("Version=\"1.0\"", "Version=\"2.0\"")
                .as_bytes(),
            &plain()
        ),
        Err(PskcError::Version)
    );
    assert_eq!(read(b"<KeyContainer/>", &plain()), Err(PskcError::Empty));
    let with_mark = format!("\u{feff}{text}");
    assert!(only(&with_mark, &plain()).is_ok());
}
