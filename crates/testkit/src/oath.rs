//! One-time passwords as `oathtool` computes them, and OCRA responses (which it cannot) by our own library.

use std::process::Command;

/// The key of the RFC 4226 vectors.
pub const KEY_HEX: &str = "3132333435363738393031323334353637383930";

/// HOTP of a counter, six digits.
pub fn hotp(key_hex: &str, counter: u64) -> String {
    oathtool(&["--hotp", "-c", &counter.to_string(), key_hex])
}

/// TOTP at a moment (Unix seconds), six digits, 30 s.
pub fn totp(key_hex: &str, at: i64) -> String {
    oathtool(&["--totp", "-N", &format!("@{at}"), key_hex])
}

/// TOTP now, `steps` later (or earlier).
pub fn totp_now(key_hex: &str, steps: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs();
    totp(key_hex, i64::try_from(now).expect("a near year") + 30 * steps)
}

fn oathtool(args: &[&str]) -> String {
    let output = Command::new("oathtool").args(args).output().expect("run oathtool");
    assert!(output.status.success(), "oathtool {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The OCRA response to a numeric question, for suites with nothing but a question.
pub fn ocra(suite: &str, key_hex: &str, question: &str) -> String {
    use countersign_oath::ocra;
    let suite = suite.parse().expect("an OCRA suite");
    let key = data_encoding::HEXLOWER_PERMISSIVE.decode(key_hex.as_bytes()).expect("a hexadecimal key");
    ocra::respond_to(&suite, &key, question).expect("a response")
}
