//! One-time passwords as `oathtool` computes them, and OCRA responses (which it cannot) by our own library.

use std::process::Command;

/// The key of the RFC 4226 vectors.
pub const KEY_HEX: &str = "3132333435363738393031323334353637383930";

/// HOTP of a counter, six digits.
pub fn hotp(key_hex: &str, counter: u64) -> String {
    oathtool(&["--hotp", "-c", &counter.to_string(), key_hex])
}

/// HOTP of a counter with any number of digits.
pub fn hotp_digits(key_hex: &str, counter: u64, digits: u8) -> String {
    oathtool(&[
        "--hotp",
        "-c",
        &counter.to_string(),
        "-d",
        &digits.to_string(),
        key_hex,
    ])
}

/// TOTP at a moment (Unix seconds), six digits, 30 s.
pub fn totp(key_hex: &str, at: i64) -> String {
    oathtool(&["--totp", "-N", &format!("@{at}"), key_hex])
}

/// TOTP now, `steps` later (or earlier).
pub fn totp_now(key_hex: &str, steps: i64) -> String {
    totp(key_hex, now() + 30 * steps)
}

/// The present Unix time in seconds.
pub fn now() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("a near year")
}

fn oathtool(args: &[&str]) -> String {
    let output = Command::new("oathtool")
        .args(args)
        .output()
        .expect("run oathtool");
    assert!(
        output.status.success(),
        "oathtool {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The OCRA response to a question, for suites with nothing but a question.
pub fn ocra(suite: &str, key_hex: &str, question: &str) -> String {
    use countersign_oath::ocra::{DataInput, Question, Suite, compute};
    let suite: Suite = suite.parse().expect("an OCRA suite");
    let key = data_encoding::HEXLOWER_PERMISSIVE
        .decode(key_hex.as_bytes())
        .expect("a hexadecimal key");
    let response =
        compute(&suite, &key, &DataInput::new(Question::Single(question))).expect("a response");
    response
        .code()
        .expect("a suite with digits")
        .as_str()
        .to_owned()
}

/// HOTP of a counter by our own library, for volume.
pub fn fast_hotp(key_hex: &str, counter: u64, digits: u8) -> String {
    let key = data_encoding::HEXLOWER_PERMISSIVE
        .decode(key_hex.as_bytes())
        .expect("a hexadecimal key");
    countersign_oath::hotp(&key, counter, countersign_oath::Hash::Sha1, digits)
        .as_str()
        .to_owned()
}

/// A value of `digits` digits that none of the first 2000 counters of a key gives.
pub fn wrong(key_hex: &str, digits: u8) -> String {
    let right: std::collections::HashSet<String> = (0..2000)
        .map(|counter| fast_hotp(key_hex, counter, digits))
        .collect();
    let width = usize::from(digits);
    let mut values = (0..).map(|number: u64| format!("{number:0width$}"));
    values
        .find(|value| !right.contains(value))
        .expect("a free value")
}
