//! Every line that the demo prints succeeds as printed.

use countersign_testkit::peer;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

#[test]
fn every_printed_line_succeeds() {
    if ["radclient", "oathtool", "curl"]
        .iter()
        .any(|tool| peer::find(tool).is_none())
    {
        return;
    }
    let output = Command::new(PROGRAM)
        .args(["demo", "--check"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("11 lines: 11 succeeded, 0 failed"), "{said}");
    for part in [
        "radclient -x",
        "oathtool --totp",
        "curl -s",
        "otpauth://totp/",
        "Message-Authenticator",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

#[test]
fn a_directory_with_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x"), "kept").unwrap();
    let output = Command::new(PROGRAM)
        .args(["demo", "--check", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a new or empty directory"));
}
