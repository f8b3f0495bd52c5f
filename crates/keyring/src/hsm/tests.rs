//! Scenes against SoftHSM. A process has one configuration of it, so each scene runs in a process of its own: the test starts this
//! very program again for the one scene, with an environment that says where everything is.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use countersign_testkit::SoftHsm;

use super::*;
use crate::root::{RootError, RootKey, RootSource};
use crate::{KeyClass, Keyring, KeyringError};

const SCENE: &str = "COUNTERSIGN_TEST_SCENE";

/// Runs a scene in a process of its own; `None` inside that process, which then plays it.
fn outside(scene: &str, hsm: &SoftHsm, addresses: &str) {
    let (name, value) = hsm.env();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("hsm::tests::{scene}"), "--nocapture"])
        .env(name, value)
        .env(SCENE, addresses)
        .env("COUNTERSIGN_TEST_HSM", hsm.dir())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}{err}"
    );
}

fn inside() -> Option<String> {
    std::env::var(SCENE).ok()
}

fn tokens() -> (PathBuf, PathBuf) {
    let dir = std::env::var("COUNTERSIGN_TEST_HSM").unwrap();
    (Path::new(&dir).join("tokens"), Path::new(&dir).join("away"))
}

fn load(addresses: &str) -> Result<RootKey, RootError> {
    addresses.parse::<RootSource>().unwrap().load()
}

#[test]
fn a_key_made_in_the_token_wraps_and_opens() {
    let Some(addresses) = inside() else {
        let Some(hsm) = SoftHsm::new() else { return };
        hsm.token("one");
        return outside(
            "a_key_made_in_the_token_wraps_and_opens",
            &hsm,
            &hsm.uri("one", "master"),
        );
    };
    let source: RootSource = addresses.parse().unwrap();
    let missing = source.load().unwrap_err();
    assert!(
        missing.to_string().contains("countersign key create") && !missing.is_missing(),
        "{missing}"
    );
    let root = source.create().unwrap();
    assert!(root.is_in_hsm());
    assert!(matches!(
        source.create(),
        Err(RootError::Hsm(HsmError::Exists { .. }))
    ));

    let first = Keyring::first(root.into(), 1).unwrap();
    // another process: nothing is remembered
    let again = Keyring::load(load(&addresses).unwrap().into(), first.rows.clone()).unwrap();
    assert_eq!(
        again.active(KeyClass::Storage),
        first.keyring.active(KeyClass::Storage)
    );
    let place = crate::Place {
        table: "user",
        id: 1,
        field: "pin",
        version: 1,
    };
    let sealed = first.keyring.seal(place, b"1234").unwrap();
    assert_eq!(
        again.open(place, &sealed.into_bytes()).unwrap().expose(),
        b"1234"
    );

    let root = load(&addresses).unwrap();
    let mut row = first.rows[0].clone();
    for at in [0, 20, 59] {
        row.wrapped[at] ^= 1;
        let error = Keyring::load(load(&addresses).unwrap().into(), vec![row.clone()]).unwrap_err();
        assert!(
            matches!(error, KeyringError::Broken(id) if id == row.id),
            "{error}"
        );
        row.wrapped[at] ^= 1;
    }
    let other = RootKey::generate().unwrap();
    let moved = first.keyring.rewrap(other.into()).unwrap();
    assert!(matches!(
        Keyring::load(root.into(), moved.rows.clone()),
        Err(KeyringError::OtherRoot { .. })
    ));
    let back = moved
        .keyring
        .rewrap(load(&addresses).unwrap().into())
        .unwrap();
    assert!(Keyring::load(load(&addresses).unwrap().into(), back.rows).is_ok());
}

#[test]
fn a_lost_token_is_told_and_found_again() {
    let Some(addresses) = inside() else {
        let Some(hsm) = SoftHsm::new() else { return };
        hsm.token("one");
        hsm.import("one", "master", &[7; 32]);
        return outside(
            "a_lost_token_is_told_and_found_again",
            &hsm,
            &hsm.uri("one", "master"),
        );
    };
    let ring = Keyring::first(load(&addresses).unwrap().into(), 1)
        .unwrap()
        .keyring;
    let (here, away) = tokens();
    for round in 0..3 {
        std::fs::rename(&here, &away).unwrap();
        let lost = ring.create(KeyClass::Storage, 2).unwrap_err();
        assert!(
            matches!(lost, KeyringError::Hsm(_)),
            "round {round}: {lost}"
        );
        // what was unwrapped once needs no HSM
        assert!(Keyring::load(ring.root_arc(), ring.rows()).is_ok());
        std::fs::rename(&away, &here).unwrap();
        ring.create(KeyClass::Storage, 3)
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
}

#[test]
fn another_token_with_the_same_key_stands_in() {
    let Some(addresses) = inside() else {
        let Some(hsm) = SoftHsm::new() else { return };
        for token in ["one", "two", "odd"] {
            hsm.token(token);
            hsm.import(token, "master", &[if token == "odd" { 8 } else { 7 }; 32]);
        }
        let all = ["gone", "one", "two"]
            .map(|token| hsm.uri(token, "master"))
            .join(" ");
        outside("another_token_with_the_same_key_stands_in", &hsm, &all);
        let all = ["one", "odd"]
            .map(|token| hsm.uri(token, "master"))
            .join(" ");
        return outside("another_token_with_the_same_key_stands_in", &hsm, &all);
    };
    let root = load(&addresses).unwrap();
    let [fault] = root.standby_faults() else {
        panic!("{:?}", root.standby_faults())
    };
    if addresses.contains("odd") {
        assert!(fault.contains("copy the key"), "{fault}");
    } else {
        assert!(fault.contains("gone"), "{fault}");
    }
    let ring = Keyring::first(root.into(), 1).unwrap();
    let two = addresses.split_whitespace().last().unwrap();
    let alone = Keyring::load(load(two).unwrap().into(), ring.rows);
    assert_eq!(alone.is_ok(), !addresses.contains("odd"));
}

#[test]
fn keys_that_could_leave_the_token_or_pins_that_are_wrong_are_refused() {
    let Some(addresses) = inside() else {
        let Some(hsm) = SoftHsm::new() else { return };
        hsm.token("one");
        hsm.import("one", "short", &[7; 16]);
        hsm.import("one", "twin", &[7; 32]);
        hsm.import("one", "twin", &[7; 32]);
        return outside(
            "keys_that_could_leave_the_token_or_pins_that_are_wrong_are_refused",
            &hsm,
            &hsm.uri("one", "short"),
        );
    };
    let said = load(&addresses).unwrap_err().to_string();
    assert!(said.contains("not 256 bits"), "{said}");
    let said = load(&addresses.replace("short", "twin"))
        .unwrap_err()
        .to_string();
    assert!(said.contains("it has 2"), "{said}");
    let said = load(&addresses.replace("softhsm", "nothing"))
        .unwrap_err()
        .to_string();
    assert!(said.contains("load the PKCS#11 module"), "{said}");
    let pin = tokens().0.with_file_name("pin");
    std::fs::write(&pin, "wrong").unwrap();
    let said = load(&addresses).unwrap_err().to_string();
    assert!(
        said.contains("log on to the token one") && !said.contains("wrong"),
        "{said}"
    );
    std::fs::remove_file(&pin).unwrap();
    let said = load(&addresses).unwrap_err().to_string();
    assert!(said.contains("there is none"), "{said}");
}

#[test]
fn a_module_that_hangs_holds_nobody_up() {
    let Some(addresses) = inside() else {
        let Some(hsm) = SoftHsm::new() else { return };
        let Some(cc) = countersign_testkit::peer::find("gcc") else {
            return;
        };
        hsm.token("one");
        hsm.import("one", "master", &[7; 32]);
        let (source, module) = (hsm.dir().join("hang.c"), hsm.dir().join("hang.so"));
        std::fs::write(&source, "#include <unistd.h>\nunsigned long C_GetFunctionList(void **list) { (void)list; for (;;) pause(); }\n").unwrap();
        let built = Command::new(cc)
            .args(["-shared", "-fPIC", "-o"])
            .args([&module, &source])
            .status()
            .unwrap();
        assert!(built.success());
        let hanging = format!(
            "pkcs11:token=x;object=master?module-path={}",
            module.display()
        );
        return outside(
            "a_module_that_hangs_holds_nobody_up",
            &hsm,
            &format!("{hanging} {}", hsm.uri("one", "master")),
        );
    };
    let all = list(&addresses).unwrap();
    let (start, wait) = (Duration::from_millis(300), Duration::from_millis(300));
    let begun = Instant::now();
    let alone = Hsm::open_within(&all[..1], start, wait).unwrap_err();
    assert!(alone.is_timeout(), "{alone}");
    let hsm = Hsm::open_within(&all, start, wait.max(Duration::from_secs(5))).unwrap();
    let wrapped = hsm.wrap(b"context", &[1; 32]).unwrap();
    assert_eq!(wrapped.len(), 60);
    // the address that works is asked first from then on
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}
