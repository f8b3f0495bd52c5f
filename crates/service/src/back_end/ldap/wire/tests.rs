use super::ber::{INTEGER, Reader, SEQUENCE, Writer};
use super::*;
use proptest::prelude::*;

fn filter_bytes(filter: &Filter) -> Vec<u8> {
    let mut writer = Writer::new();
    filter.write(&mut writer);
    writer.finish().to_vec()
}

#[test]
fn filters_of_rfc_4515_are_read() {
    let equal = |name: &str, value: &[u8]| Filter::Equal(name.to_owned(), value.to_vec());
    let some = |text: &str| Some(text.as_bytes().to_vec());
    for (text, expected) in [
        ("(cn=Babs Jensen)", equal("cn", b"Babs Jensen")),
        (
            "(!(cn=Tim Howes))",
            Filter::Not(Box::new(equal("cn", b"Tim Howes"))),
        ),
        (
            "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
            Filter::And(vec![
                equal("objectClass", b"Person"),
                Filter::Or(vec![
                    equal("sn", b"Jensen"),
                    Filter::Like("cn".to_owned(), some("Babs J"), vec![], None),
                ]),
            ]),
        ),
        (
            "(o=univ*of*mich*)",
            Filter::Like(
                "o".to_owned(),
                some("univ"),
                vec![b"of".to_vec(), b"mich".to_vec()],
                None,
            ),
        ),
        ("(seeAlso=)", equal("seeAlso", b"")),
        ("(objectClass=*)", Filter::Present("objectClass".to_owned())),
        (
            "(uidNumber>=1000)",
            Filter::AtLeast("uidNumber".to_owned(), b"1000".to_vec()),
        ),
        (
            "(uidNumber<=9)",
            Filter::AtMost("uidNumber".to_owned(), b"9".to_vec()),
        ),
        (
            "(sn~=Smit)",
            Filter::About("sn".to_owned(), b"Smit".to_vec()),
        ),
        (
            "(cn:caseExactMatch:=Fred)",
            Filter::rule("caseExactMatch", "cn", "Fred"),
        ),
        (
            "(memberOf:1.2.840.113556.1.4.1941:=CN=a,DC=b)",
            Filter::rule("1.2.840.113556.1.4.1941", "memberOf", "CN=a,DC=b"),
        ),
        (
            "(o:dn:=Ace)",
            Filter::Rule(None, Some("o".to_owned()), b"Ace".to_vec(), true),
        ),
        (
            "(:DN:2.4.6.8.10:=Dino)",
            Filter::Rule(Some("2.4.6.8.10".to_owned()), None, b"Dino".to_vec(), true),
        ),
        (
            r"(o=Parens R Us \28for all\29)",
            equal("o", b"Parens R Us (for all)"),
        ),
        (
            r"(cn=*\2A*)",
            Filter::Like("cn".to_owned(), None, vec![b"*".to_vec()], None),
        ),
        (r"(bin=\00\00\00\04)", equal("bin", &[0, 0, 0, 4])),
        (
            r"(sn=Lu\c4\8di\c4\87)",
            equal("sn", "Lu\u{10d}i\u{107}".as_bytes()),
        ),
    ] {
        assert_eq!(Filter::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused_with_the_place() {
    for text in [
        "",
        "cn=a",
        "(cn=a",
        "(cn=a))",
        "()",
        "(=a)",
        "(&)",
        "(|)",
        "(!)",
        "(cn)",
        "(c n=a)",
        r"(cn=\zz)",
        r"(cn=a\)",
        "(cn=a)(cn=b)",
        "(cn=(a))",
        "(:=a)",
        "(cn:a:b:=c)",
        "(cn=a\0b)",
    ] {
        let why = Filter::parse(text).unwrap_err();
        assert!(why.contains("character"), "{text}: {why}");
    }
    let deep = format!("{}(a=b){}", "(!".repeat(30), ")".repeat(30));
    assert!(Filter::parse(&deep).is_err());
    assert!(Filter::parse(&format!("(a={})", "x".repeat(5000))).is_err());
}

#[test]
fn whatever_a_user_types_stays_one_value_of_one_filter() {
    for typed in ["*", "a)(uid=*", "a\\2a", "a\0b", "*)(|(objectClass=*)"] {
        let bytes = filter_bytes(&Filter::equal("uid", typed));
        let mut reader = Reader::new(&bytes);
        let mut fields = reader.within(0xa3).expect("an equality");
        assert!(reader.is_empty());
        assert_eq!(fields.take(ber::OCTETS), Some(&b"uid"[..]));
        assert_eq!(fields.take(ber::OCTETS), Some(typed.as_bytes()));
        assert!(fields.is_empty());
    }
}

#[test]
fn integers_are_as_short_as_they_can_be_and_read_back() {
    for number in [
        0,
        1,
        127,
        128,
        255,
        256,
        65_535,
        8_388_608,
        i32::MAX,
        -1,
        -128,
        -129,
        i32::MIN,
    ] {
        let mut writer = Writer::new();
        writer.integer(INTEGER, number);
        let bytes = writer.finish();
        assert_eq!(
            Reader::new(&bytes).integer(INTEGER),
            Some(i64::from(number)),
            "{number}"
        );
    }
    let mut writer = Writer::new();
    writer.integer(INTEGER, 128);
    assert_eq!(*writer.finish(), [2, 2, 0, 128]);
}

#[test]
fn a_message_is_as_long_as_it_says_and_never_beyond_the_limit() {
    assert_eq!(message_len(&[]), Ok(None));
    assert_eq!(message_len(&[0x30]), Ok(None));
    assert_eq!(message_len(&[0x30, 0x05]), Ok(Some(7)));
    assert_eq!(message_len(&[0x30, 0x82, 0x01]), Ok(None));
    assert_eq!(message_len(&[0x30, 0x82, 0x01, 0x00]), Ok(Some(260)));
    assert!(message_len(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(message_len(&[0x30, 0x80]).is_err());
    assert!(message_len(b"HTTP/1.1 400").is_err());
}

#[test]
fn words_of_a_policy_are_read() {
    let read = |warning, error| PasswordPolicy::of(&[script::policy(warning, error)]);
    assert_eq!(read(None, None), PasswordPolicy::default());
    assert_eq!(read(None, Some(0)).error, Some(PasswordError::Expired));
    assert_eq!(read(None, Some(8)).error, Some(PasswordError::InHistory));
    assert_eq!(read(None, Some(99)).error, None);
    assert_eq!(
        read(Some((0x80, 300)), None).warning,
        Some(Warning::Expires(300))
    );
    let both = read(Some((0x81, 2)), Some(2));
    assert_eq!(both.warning, Some(Warning::Grace(2)));
    assert_eq!(both.error, Some(PasswordError::ChangeAfterReset));
}

#[test]
fn pages_follow_each_other_until_the_cookie_is_empty() {
    let with = |cookie: &[u8]| Control::next_page(&[Control::page(0, cookie)]);
    assert_eq!(with(b"next"), Some(b"next".to_vec()));
    assert_eq!(with(b""), None);
    assert_eq!(Control::next_page(&[]), None);
}

#[test]
fn a_server_s_text_is_cut_and_holds_no_control_characters() {
    let text = format!("line\r\n\u{1b}[31m{}", "x".repeat(1000));
    let message = Message::read(&script::done(7, script::BIND, 49, &text, &[])).unwrap();
    let Operation::Bound(outcome) = message.operation else {
        panic!("no answer to a bind");
    };
    assert!(outcome.text.chars().count() <= 300);
    assert!(!outcome.text.chars().any(char::is_control), "{outcome}");
    assert!(
        outcome
            .to_string()
            .starts_with("invalidCredentials (49): line"),
        "{outcome}"
    );
}

#[test]
fn an_entry_is_read_and_its_attributes_are_found_in_any_case() {
    let bytes = script::entry(3, "uid=a,dc=b", &[("Mail", "a@b"), ("cn", "A")]);
    let Operation::Entry(entry) = Message::read(&bytes).unwrap().operation else {
        panic!("no entry");
    };
    assert_eq!(
        (entry.dn.as_str(), entry.text("mail"), entry.text("none")),
        ("uid=a,dc=b", Some("a@b"), None)
    );
}

#[test]
fn a_request_carries_its_number_and_its_controls() {
    let request = Request::Bind {
        dn: "cn=a",
        password: b"secret",
    };
    let bytes = request.write(300, &[Control::password_policy()]);
    assert_eq!(script::request(&bytes), (300, script::BIND));
    assert_eq!(message_len(&bytes), Ok(Some(bytes.len())));
    assert!(script::contains(&bytes, b"1.3.6.1.4.1.42.2.27.8.5.1"));
    assert_eq!(bytes.first(), Some(&SEQUENCE));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fail_otherwise_than_by_refusing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = message_len(&bytes);
        let _ = Message::read(&bytes);
    }

    #[test]
    fn no_change_of_a_real_answer_makes_the_reader_fail(at in 0_usize..200, byte in any::<u8>()) {
        let mut bytes = script::entry(1, "uid=a,dc=b", &[("mail", "a@b"), ("cn", "A")]);
        bytes.extend(script::done(1, script::SEARCH, 0, "text", &[script::policy(Some((0x80, 5)), Some(1))]));
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        while let Ok(Some(length)) = message_len(&bytes) {
            if length == 0 || length > bytes.len() {
                break;
            }
            let rest = bytes.split_off(length);
            if let Ok(message) = Message::read(&bytes) {
                let _ = PasswordPolicy::of(&message.controls);
                let _ = Control::next_page(&message.controls);
            }
            bytes = rest;
        }
    }

    #[test]
    fn no_text_makes_the_filter_reader_fail_otherwise_than_by_refusing(text in "[(&|!)=*:\\\\a-z0-9 \u{e9}]{0,60}") {
        let _ = Filter::parse(&text);
    }
}
