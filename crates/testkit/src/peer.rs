//! Programs of others that tests run against.

use std::process::Command;

/// The path of a program, or `None` with a word on standard error where it is missing and may be.
///
/// # Panics
/// It is missing although `COUNTERSIGN_TEST_PEERS=required` says that it must not be.
pub fn find(program: &str) -> Option<String> {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .expect("run sh");
    if found.status.success() {
        return Some(String::from_utf8_lossy(&found.stdout).trim().to_owned());
    }
    missing(program);
    None
}

/// Says that a program is missing, for a test that ends thereupon.
///
/// # Panics
/// `COUNTERSIGN_TEST_PEERS=required` says that it must not be missing.
pub fn missing(program: &str) {
    assert!(
        std::env::var("COUNTERSIGN_TEST_PEERS").as_deref() != Ok("required"),
        "{program} is missing; ./test installs it"
    );
    eprintln!("SKIPPED: {program} is missing; ./test installs it");
}
