//! The vectors of the RFCs as the shared test data holds them, with the values between; skipped where that is absent.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::PathBuf;

use countersign_oath::ocra::{DataInput, Pin, Question, Suite, compute};
use countersign_oath::{Hash, hotp, totp};
use data_encoding::HEXLOWER;
use serde_json::Value;

fn shared(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/oath")
        .join(name);
    match std::fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("SKIPPED: the shared test data has no {name}");
            None
        }
    }
}

fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn vectors(data: &Value) -> &Vec<Value> {
    let vectors = data["vectors"].as_array().unwrap();
    assert!(!vectors.is_empty());
    vectors
}

#[test]
fn hotp_vectors() {
    let Some(data) = shared("rfc4226-hotp.json") else {
        return;
    };
    let key = hex(&data["secret_hex"]);
    for vector in vectors(&data) {
        let otp = hotp(&key, vector["counter"].as_u64().unwrap(), Hash::Sha1, 6);
        assert_eq!(otp.as_str(), vector["otp"], "{vector}");
    }
}

#[test]
fn totp_vectors() {
    let Some(data) = shared("rfc6238-totp.json") else {
        return;
    };
    for vector in vectors(&data) {
        let number = |name: &str| vector[name].as_u64().unwrap();
        let step = totp::step(number("unix_time"), u32::try_from(number("step")).unwrap());
        let hash: Hash = vector["algorithm"].as_str().unwrap().parse().unwrap();
        let otp = hotp(
            &hex(&vector["secret_hex"]),
            step,
            hash,
            u8::try_from(number("digits")).unwrap(),
        );
        assert_eq!(otp.as_str(), vector["otp"], "{vector}");
    }
}

#[test]
fn ocra_vectors() {
    let Some(data) = shared("rfc6287-ocra.json") else {
        return;
    };
    for vector in vectors(&data) {
        let suite: Suite = vector["suite"].as_str().unwrap().parse().unwrap();
        let text = vector["q"].as_str().unwrap();
        let question = match text.split_at_checked(8) {
            Some((first, second)) if vector["section"].as_str().unwrap().starts_with("C.2") => {
                Question::Joined(first, second)
            }
            _ => Question::Single(text),
        };
        let pin = vector.get("p").map(hex);
        let input = DataInput {
            counter: vector.get("c").and_then(Value::as_u64),
            pin: pin.as_deref().map(Pin::Hashed),
            step: vector
                .get("t")
                .map(|step| u64::from_str_radix(step.as_str().unwrap(), 16).unwrap()),
            ..DataInput::new(question)
        };
        let response = compute(&suite, &hex(&vector["key_hex"]), &input).unwrap();
        assert!(
            response.matches(vector["expected"].as_str().unwrap()),
            "{vector}"
        );
    }
}
