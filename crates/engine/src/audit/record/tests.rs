use super::super::canonical;
use super::*;
use proptest::prelude::*;
use serde_json::json;

const PLACE: Place<'_> = Place {
    epoch: [0xab; 16],
    seq: 7,
    prev: [1; 32],
    node: "node-a",
};

fn written(record: &Record) -> String {
    let mut out = Vec::new();
    record.write(&PLACE, &mut out);
    String::from_utf8(out).unwrap()
}

/// A record with every field set.
fn full() -> Record {
    Record {
        description: Some("words of its own".into()),
        status: Some(Status::OTP_INCORRECT),
        client_status: Some(Status::INVCREDENTIALS),
        request_id: Some("r-1".into()),
        correlation_id: Some("c-1".into()),
        user: Some("alice".into()),
        domain: Some("master".into()),
        org_unit: Some("sales".into()),
        target_user: Some("bob".into()),
        target_domain: Some("other".into()),
        target: Some("policy local".into()),
        component_type: Some("RADIUS client".into()),
        client_location: Some("192.0.2.7".into()),
        nas: Some("vpn-1".into()),
        server_location: Some("0.0.0.0:1812".into()),
        command: Some("user.unlock".into()),
        input: Some(json!({"user": "bob", "a": [1, null]})),
        output: Some(json!({})),
        policy: Some("local".into()),
        local_auth: Some(LocalAuth::GracePeriod),
        back_end_auth: Some(BackEndAuth::IfNeeded),
        credential_type: Some("otp"),
        serial: Some("0097123456".into()),
        authenticator_type: Some("hard".into()),
        application: Some("APPLI 1".into()),
        back_end: Some("ad-1".into()),
        protocol_id: Some("ldap".into()),
        elapsed_us: Some(12_340),
        delivery_method: Some("sms".into()),
        destination: Some(Masked::of("+49 151 1234567")),
        reason: Some("wrong".into()),
        error_code: Some("49/532".into()),
        error_message: Some("expired \"now\"".into()),
        challenge_key: Some(KeyHint::of("0123456789abcdef")),
        verified_time: Some(Timestamp::from_seconds(1_800_000_000)),
        verified_counter: Some(41),
        poid: Some("12".into()),
        session: Some("3".into()),
        task: Some("4".into()),
        characteristics: vec!["udp", "ipv6"],
        chain: Some(json!({"close": {}})),
        ..Record::new(
            Code::AUTH_REFUSED,
            [0x0f; 16],
            Timestamp::from_seconds(1_800_000_000),
        )
    }
}

#[test]
fn a_full_record_is_canonical() {
    let text = written(&full());
    let json: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 51);
    assert_eq!(String::from_utf8(canonical::bytes(&json)).unwrap(), text);
}

#[test]
fn a_plain_record_is_short() {
    let record = Record::new(
        Code::AUTH_ACCEPTED,
        [0x0f; 16],
        Timestamp(1_764_000_000_000_001),
    );
    assert_eq!(
        written(&record),
        concat!(
            r#"{"amid":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","category":"authentication","code":"S-101001","#,
            r#""description":"authentication accepted","epoch":"abababababababababababababababab","#,
            r#""prev":"0101010101010101010101010101010101010101010101010101010101010101","seq":7,"#,
            r#""source":"node-a","time":"2025-11-24T16:00:00.000001Z","type":"S"}"#
        )
    );
}

#[test]
fn fields_read_back() {
    let record = full();
    let entry = Entry::read(written(&record).as_bytes()).unwrap();
    assert_eq!(entry.code(), Some(Code::AUTH_REFUSED));
    assert_eq!(entry.letter(), Some(Letter::F));
    assert_eq!(entry.category(), Some(Category::Authentication));
    assert_eq!(entry.amid(), Some(record.amid));
    assert_eq!(entry.time(), Some(record.time));
    assert_eq!(
        (entry.status(), entry.client_status()),
        (record.status, record.client_status)
    );
    assert_eq!(
        (entry.node(), entry.epoch(), entry.seq(), entry.prev()),
        (Some("node-a"), Some([0xab; 16]), Some(7), Some([1; 32]))
    );
    assert_eq!(entry.text("elapsed_ms"), None);
    assert_eq!(entry.fields()["elapsed_ms"], json!(12.34));
    assert_eq!(
        entry.fields()["verified_time"],
        json!("2027-01-15T08:00:00.000000Z")
    );
    assert_eq!(entry.text("destination"), Some("***567"));
    assert_eq!(entry.text("challenge_key"), Some("01234567"));
}

#[test]
fn the_client_status_stands_only_where_it_differs() {
    let same = Record {
        status: Some(Status::LOCKED),
        client_status: Some(Status::LOCKED),
        ..full()
    };
    let entry = Entry::read(written(&same).as_bytes()).unwrap();
    assert!(!entry.fields().contains_key("client_status_code"));
    assert_eq!(entry.client_status(), Some(Status::LOCKED));
}

#[test]
fn long_texts_are_cut() {
    let long = Record {
        user: Some("\u{fc}".repeat(300).into()),
        target_user: Some("x".repeat(65).into()),
        reason: Some("\u{20ac}".repeat(2000).into()),
        ..full()
    };
    let entry = Entry::read(written(&long).as_bytes()).unwrap();
    assert_eq!(entry.text("user").unwrap(), "\u{fc}".repeat(64));
    assert_eq!(entry.text("target_user").unwrap().len(), 64);
    assert_eq!(entry.text("reason").unwrap(), "\u{20ac}".repeat(341));
}

#[test]
fn hints_and_masks_keep_little() {
    assert_eq!(KeyHint::of("abc").as_str(), "abc");
    assert_eq!(KeyHint::of("abc\u{fc}defghij").as_str(), "abc");
    assert_eq!(KeyHint::of("").as_str(), "");
    assert_eq!(Masked::of("a@b.example").as_str(), "***ple");
    assert_eq!(Masked::of("1234").as_str(), "***");
    assert_eq!(
        Masked::of("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}").as_str(),
        "***\u{fc}\u{fc}\u{fc}"
    );
}

#[test]
fn no_object_is_no_entry() {
    assert!(Entry::read(b"[]").is_err());
    assert!(Entry::read(b"{\"amid\":").is_err());
}

proptest! {
    #[test]
    fn whatever_was_typed_is_canonical(user in any::<String>(), nas in ".*", micros in any::<u64>(), counter in any::<u64>(), seq in 0..u64::MAX) {
        let record = Record {
            user: Some(user.clone().into()),
            nas: Some(nas.into()),
            elapsed_us: Some(micros % (1 << 50)),
            verified_counter: Some(counter),
            ..full()
        };
        let mut out = Vec::new();
        record.write(&Place { seq, ..PLACE }, &mut out);
        let json: Json = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(canonical::bytes(&json), out.clone());
        let entry = Entry::read(&out).unwrap();
        prop_assert_eq!(entry.seq(), Some(seq));
        prop_assert_eq!(entry.number("verified_counter"), Some(counter));
        prop_assert_eq!(entry.text("user").unwrap(), user.chars().take(64).collect::<String>());
    }
}
