use data_encoding::HEXLOWER;
use hmac::digest::Digest;
use proptest::prelude::*;

use super::*;
use crate::Hash;

fn suite(text: &str) -> Suite {
    text.parse().unwrap()
}

fn rfc_key(hash: Hash) -> Vec<u8> {
    b"1234567890"
        .iter()
        .copied()
        .cycle()
        .take(hash.output_len())
        .collect()
}

fn code(text: &str, key: &[u8], input: &DataInput<'_>) -> String {
    compute(&suite(text), key, input)
        .unwrap()
        .code()
        .unwrap()
        .as_str()
        .to_owned()
}

#[test]
fn rfc_6287_values() {
    let mut count = 0;
    for row in include_str!("../../vectors/rfc6287.txt")
        .lines()
        .filter(|row| !row.starts_with('#'))
    {
        let [suite, counter, question, pin, step, expected] =
            row.split_whitespace().collect::<Vec<_>>()[..]
        else {
            panic!("bad row {row}")
        };
        // The mutual rows of appendix C.2 hold both challenges in one field.
        let question = match question.len() {
            16 => Question::Joined(&question[..8], &question[8..]),
            _ => Question::Single(question),
        };
        let parsed: Suite = suite.parse().unwrap();
        let input = DataInput {
            counter: counter.parse().ok(),
            pin: (pin != "-").then_some(Pin::Plain(pin.as_bytes())),
            step: u64::from_str_radix(step, 16).ok(),
            ..DataInput::new(question)
        };
        let response = compute(&parsed, &rfc_key(parsed.hash()), &input).unwrap();
        assert!(response.matches(expected), "{row}");
        count += 1;
    }
    assert_eq!(count, 70);
}

#[test]
fn mutual_questions_are_joined_in_the_order_of_who_answers() {
    let key = rfc_key(Hash::Sha256);
    let server = DataInput::new(Question::answered_by_server("CLI22220", "SRV11110"));
    assert_eq!(code("OCRA-1:HOTP-SHA256-8:QA08", &key, &server), "28247970");
    let client = DataInput::new(Question::answered_by_client("CLI22220", "SRV11110"));
    assert_eq!(code("OCRA-1:HOTP-SHA256-8:QA08", &key, &client), "15510767");
}

#[test]
fn the_check_vectors_of_signature_data() {
    let key = b"12345678901234567890123456789012";
    let canonical = crate::signature::canonical(&["DE89370400440532013000", "125.00"]).unwrap();
    let question = crate::signature::question(&canonical);
    assert_eq!(
        question,
        "6fbcf98604a48429488fafb0ca85e53107d74587081b9ffbf5061192158a1734"
    );
    let input = DataInput::new(Question::Single(&question));
    assert_eq!(code("OCRA-1:HOTP-SHA256-8:QH64", key, &input), "46310912");
    let input = DataInput {
        counter: Some(7),
        ..input
    };
    assert_eq!(code("OCRA-1:HOTP-SHA256-8:C-QH64", key, &input), "12617184");
    let input = DataInput {
        step: Some(56_666_667),
        ..input
    };
    assert_eq!(
        code("OCRA-1:HOTP-SHA256-8:QH64-T30S", key, &input),
        "74556018"
    );
}

#[test]
fn every_form_of_a_suite_is_read() {
    let parsed = suite("OCRA-1:HOTP-SHA512-10:C-QA64-PSHA256-S512-T48H");
    assert_eq!(parsed.hash(), Hash::Sha512);
    assert_eq!(parsed.digits(), 10);
    assert!(parsed.counter());
    assert_eq!(
        parsed.question(),
        QuestionForm {
            format: Format::Alphanumeric,
            max: 64
        }
    );
    assert_eq!(parsed.pin(), Some(Hash::Sha256));
    assert_eq!(parsed.session(), Some(512));
    assert_eq!(parsed.time().map(TimeStep::seconds), Some(172_800));
    assert_eq!(parsed.moving_factor(), MovingFactor::Counter);
    assert_eq!(
        suite("OCRA-1:HOTP-SHA1-6:QH40-T59S")
            .time()
            .map(TimeStep::seconds),
        Some(59)
    );
    assert_eq!(
        suite("OCRA-1:HOTP-SHA1-6:QN08-T1M").moving_factor(),
        MovingFactor::Time
    );
    assert_eq!(
        suite("OCRA-1:HOTP-SHA1-0:QN04").moving_factor(),
        MovingFactor::None
    );
    assert_eq!(
        suite("OCRA-1:HOTP-SHA1-6:QN08-T30S")
            .time()
            .unwrap()
            .at(1_700_000_010),
        56_666_667
    );
}

#[test]
fn fields_without_detail_take_the_defaults() {
    let parsed = suite("OCRA-1:HOTP-SHA1-6:Q-P-S-T");
    assert_eq!(
        parsed.question(),
        QuestionForm {
            format: Format::Numeric,
            max: 8
        }
    );
    assert_eq!(
        (parsed.pin(), parsed.session()),
        (Some(Hash::Sha1), Some(64))
    );
    assert_eq!(parsed.time().map(TimeStep::seconds), Some(60));
    assert_eq!(parsed.to_string(), "OCRA-1:HOTP-SHA1-6:Q-P-S-T");
}

#[test]
fn what_is_no_suite_says_why() {
    use ParseSuiteError as E;
    for (text, error) in [
        ("", E::Shape),
        ("OCRA-2:HOTP-SHA1-6:QN08", E::Shape),
        ("ocra-1:hotp-sha1-6:qn08", E::Shape),
        ("OCRA-1:HOTP-SHA1-6", E::Shape),
        ("OCRA-1:HOTP-SHA1-6:QN08:", E::Shape),
        ("OCRA-1:HOTP-MD5-6:QN08", E::Function),
        ("OCRA-1:TOTP-SHA1-6:QN08", E::Function),
        ("OCRA-1:HOTP-SHA1:QN08", E::Function),
        ("OCRA-1:HOTP-SHA1-3:QN08", E::Digits),
        ("OCRA-1:HOTP-SHA1-11:QN08", E::Digits),
        ("OCRA-1:HOTP-SHA1-06:QN08", E::Digits),
        ("OCRA-1:HOTP-SHA1-+6:QN08", E::Digits),
        ("OCRA-1:HOTP-SHA1-6:", E::Question),
        ("OCRA-1:HOTP-SHA1-6:C", E::Question),
        ("OCRA-1:HOTP-SHA1-6:QN03", E::Question),
        ("OCRA-1:HOTP-SHA1-6:QN65", E::Question),
        ("OCRA-1:HOTP-SHA1-6:QN8", E::Question),
        ("OCRA-1:HOTP-SHA1-6:QX08", E::Question),
        ("OCRA-1:HOTP-SHA1-6:Qé08", E::Question),
        ("OCRA-1:HOTP-SHA1-6:QN08-PMD5", E::Pin),
        ("OCRA-1:HOTP-SHA1-6:QN08-S000", E::Session),
        ("OCRA-1:HOTP-SHA1-6:QN08-S513", E::Session),
        ("OCRA-1:HOTP-SHA1-6:QN08-S64", E::Session),
        ("OCRA-1:HOTP-SHA1-6:QN08-T0H", E::Time),
        ("OCRA-1:HOTP-SHA1-6:QN08-T60S", E::Time),
        ("OCRA-1:HOTP-SHA1-6:QN08-T49H", E::Time),
        ("OCRA-1:HOTP-SHA1-6:QN08-T01M", E::Time),
        ("OCRA-1:HOTP-SHA1-6:QN08-T1é", E::Time),
        ("OCRA-1:HOTP-SHA1-6:QN08-T1M-C", E::Data),
        ("OCRA-1:HOTP-SHA1-6:QN08-T1M-PSHA1", E::Data),
        ("OCRA-1:HOTP-SHA1-6:QN08-X", E::Data),
        ("OCRA-1:HOTP-SHA1-6:QN08-PSHA1-PSHA1", E::Data),
    ] {
        assert_eq!(text.parse::<Suite>(), Err(error), "{text}");
    }
    assert_eq!("O".repeat(65).parse::<Suite>(), Err(E::TooLong));
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let full = suite("OCRA-1:HOTP-SHA1-6:C-QN08-PSHA1-S004-T1M");
    let good = DataInput {
        counter: Some(1),
        question: Question::Single("12345678"),
        pin: Some(Pin::Plain(b"1234")),
        session: Some(b"abcd"),
        step: Some(1),
    };
    let outcome = |input: &DataInput<'_>| compute(&full, b"key", input).map(|_| ());
    assert_eq!(outcome(&good), Ok(()));
    assert_eq!(
        outcome(&DataInput {
            counter: None,
            ..good
        }),
        Err(OcraError::CounterMissing)
    );
    assert_eq!(
        outcome(&DataInput { pin: None, ..good }),
        Err(OcraError::PinMissing)
    );
    assert_eq!(
        outcome(&DataInput {
            session: None,
            ..good
        }),
        Err(OcraError::SessionMissing)
    );
    assert_eq!(
        outcome(&DataInput { step: None, ..good }),
        Err(OcraError::TimeMissing)
    );
    assert_eq!(
        outcome(&DataInput {
            session: Some(b"abcde"),
            ..good
        }),
        Err(OcraError::SessionLength { max: 4 })
    );
    assert_eq!(
        outcome(&DataInput {
            pin: Some(Pin::Hashed(b"x")),
            ..good
        }),
        Err(OcraError::PinHashLength { expected: 20 })
    );
    for question in ["", "123456789"] {
        let input = DataInput {
            question: Question::Single(question),
            ..good
        };
        assert_eq!(
            outcome(&input),
            Err(OcraError::QuestionLength { max: 8 }),
            "{question}"
        );
    }
    let input = DataInput {
        question: Question::Joined("1234", "12x4"),
        ..good
    };
    assert_eq!(
        outcome(&input),
        Err(OcraError::QuestionCharacter { format: 'N' })
    );
    let timed = suite("OCRA-1:HOTP-SHA1-6:QN08-T1M");
    assert_eq!(
        compute(&timed, b"key", &DataInput { step: None, ..good }).map(|_| ()),
        Err(OcraError::TimeMissing)
    );
}

#[test]
fn a_hashed_pin_is_the_pin() {
    let hash = HEXLOWER
        .decode(b"7110eda4d09e062aa5e4a390b0a572ac0d2c0220")
        .unwrap();
    assert_eq!(hash, sha1::Sha1::digest(b"1234").as_slice());
    let plain = DataInput {
        pin: Some(Pin::Plain(b"1234")),
        ..DataInput::new(Question::Single("00000000"))
    };
    let hashed = DataInput {
        pin: Some(Pin::Hashed(&hash)),
        ..plain
    };
    let key = rfc_key(Hash::Sha256);
    assert_eq!(
        code("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", &key, &plain),
        "83238735"
    );
    assert_eq!(
        code("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", &key, &hashed),
        "83238735"
    );
}

#[test]
fn zero_digits_give_the_whole_value() {
    let input = DataInput::new(Question::Single("00000000"));
    let text = "OCRA-1:HOTP-SHA1-0:QN08";
    let response = compute(&suite(text), b"12345678901234567890", &input).unwrap();
    let Response::Whole(value) = &response else {
        panic!("truncated")
    };
    // The same message by hand: suite, zero byte, 128 bytes of question.
    let message: Vec<u8> = text.bytes().chain([0; 129]).collect();
    let expected = Keyed::new(b"12345678901234567890", Hash::Sha1).mac(&[&message]);
    assert_eq!(value.expose(), expected.as_bytes());
    assert!(!response.matches(""));
}

#[test]
fn questions_of_full_length_fit() {
    let nines = "9".repeat(64);
    let hex = "f".repeat(64);
    for (text, question) in [
        ("OCRA-1:HOTP-SHA1-6:QN64", &nines),
        ("OCRA-1:HOTP-SHA1-6:QA64", &nines),
        ("OCRA-1:HOTP-SHA1-6:QH64", &hex),
    ] {
        let input = DataInput::new(Question::Joined(question, question));
        assert!(compute(&suite(text), b"key", &input).is_ok(), "{text}");
    }
}

#[test]
fn a_numeric_question_is_hexadecimal_padded_on_the_right() {
    // 12345678 is bc614e; 16 is 10; 10 is a, half a byte.
    for (decimal, hex) in [
        ("12345678", "bc614e"),
        ("0016", "10"),
        ("10", "a"),
        ("0", "0"),
        ("00000000", "0"),
        ("255", "ff"),
    ] {
        let key = b"12345678901234567890";
        let numeric = Prepared::new(
            &suite("OCRA-1:HOTP-SHA1-6:QN08"),
            key,
            &DataInput::new(Question::Single(decimal)),
        )
        .unwrap();
        let in_hex = Prepared::new(
            &suite("OCRA-1:HOTP-SHA1-6:QH08"),
            key,
            &DataInput::new(Question::Single(hex)),
        )
        .unwrap();
        assert_eq!(numeric.middle, in_hex.middle, "{decimal}");
    }
}

#[test]
fn a_counter_moves_while_the_time_step_stays() {
    let both = suite("OCRA-1:HOTP-SHA1-6:C-QN08-T1M");
    let input = DataInput {
        counter: Some(5),
        step: Some(9),
        ..DataInput::new(Question::Single("12345678"))
    };
    let prepared = Prepared::new(
        &both,
        b"key",
        &DataInput {
            counter: None,
            ..input
        },
    )
    .unwrap();
    assert_eq!(prepared.at(5), compute(&both, b"key", &input).unwrap());
    assert_ne!(prepared.at(6), prepared.at(5));
    assert_eq!(
        Prepared::new(
            &both,
            b"key",
            &DataInput {
                step: None,
                ..input
            }
        )
        .err(),
        Some(OcraError::TimeMissing)
    );
}

proptest! {
    #[test]
    fn a_suite_reads_back_what_it_prints(
        hash in proptest::sample::select(vec!["SHA1", "SHA256", "SHA512"]),
        digits in proptest::sample::select(vec![0_u8, 4, 5, 6, 7, 8, 9, 10]),
        counter in any::<bool>(),
        form in proptest::sample::select(vec!["N", "A", "H"]),
        max in 4_u8..=64,
        pin in proptest::option::of(proptest::sample::select(vec!["SHA1", "SHA256", "SHA512"])),
        session in proptest::option::of(1_u16..=512),
        time in proptest::option::of(1_u8..=48),
        unit in proptest::sample::select(vec!["S", "M", "H"]),
    ) {
        let mut text = format!("OCRA-1:HOTP-{hash}-{digits}:");
        if counter { text.push_str("C-"); }
        text.push_str(&format!("Q{form}{max:02}"));
        if let Some(pin) = pin { text.push_str(&format!("-P{pin}")); }
        if let Some(session) = session { text.push_str(&format!("-S{session:03}")); }
        if let Some(time) = time { text.push_str(&format!("-T{time}{unit}")); }
        let parsed: Suite = text.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), text);
        prop_assert_eq!(parsed.session(), session);
        prop_assert_eq!(parsed.counter(), counter);
    }

    #[test]
    fn no_text_panics_the_suite_reader(text in ".{0,70}") {
        let _ = text.parse::<Suite>();
    }
}
