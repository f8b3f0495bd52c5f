//! What is packaged is what the program offers: the unit is one that systemd takes, and every variable is a key.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// The variables that the reference of the configuration names.
fn known() -> BTreeSet<String> {
    let output = Command::new(PROGRAM)
        .args(["config", "reference"])
        .output()
        .unwrap();
    let reference = String::from_utf8(output.stdout).unwrap();
    variables(&reference)
}

fn variables(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("COUNTERSIGN_") && word.len() > "COUNTERSIGN_".len())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_variable_that_packaging_sets_is_a_key() {
    let known = known();
    for name in [
        "Dockerfile",
        "compose.yaml",
        "packaging/systemd/countersign.service",
    ] {
        let set = variables(&read(name));
        assert!(!set.is_empty(), "{name} sets something");
        let unknown: Vec<_> = set.difference(&known).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = read("packaging/systemd/countersign.service");
    let lines = || {
        unit.lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    for line in lines() {
        let is_section = line.starts_with('[') && line.ends_with(']');
        assert!(is_section || line.contains('='), "{line}");
    }
    for must in [
        "Type=notify",
        "User=countersign",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "LimitCORE=0",
    ] {
        assert!(lines().any(|line| line == must), "{must}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.service");
    std::fs::write(&path, unit.replace("/usr/bin/countersign", PROGRAM)).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: systemd-analyze is missing on this host");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // it also speaks of other units of this host
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("countersign"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}
