//! A backup restored on an empty host, with the root key from elsewhere, verifies a fresh one-time password and refuses
//! one that was used after it was made; what is wrong is refused and changes nothing.

#![expect(clippy::expect_used, reason = "a test may fail")]

use countersign_testkit::Store;
use countersign_testkit::oath::{KEY_HEX, hotp, now, totp};
use countersign_testkit::{World, secrets};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const PASSPHRASE: &str = "a passphrase of a test";

/// Where a deployment lives: its data directory, and its store.
struct Host {
    dir: PathBuf,
    store: Store,
}

impl Host {
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--data-dir".to_owned(), self.dir.display().to_string()];
        if let Some(url) = self.store.url() {
            words.extend(["--store".to_owned(), url]);
        }
        words
    }

    fn is_empty(&self) -> bool {
        let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
        match self.store.database() {
            Some(database) => database.number(tables) == 0,
            None => !self.dir.join("countersign.db").exists(),
        }
    }
}

/// The world that is backed up: otto counts, tina goes by time.
struct Case {
    world: World,
    serials: [String; 2],
    passphrase: PathBuf,
    /// The root key, kept elsewhere.
    safe: PathBuf,
}

impl Case {
    fn new() -> Self {
        let mut world = World::new(PROGRAM);
        world.policy("local_only", json!({}));
        let otto = world.hotp_user("otto");
        world.user("tina", None);
        let tina = world.totp("tina");
        let passphrase = world.dir().join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE).expect("write the passphrase");
        let safe = world.dir().join("safe.key");
        std::fs::copy(world.data_dir().join("root.key"), &safe).expect("keep the root key");
        Self {
            world,
            serials: [otto, tina],
            passphrase,
            safe,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.dir().join(name)
    }

    /// The host that is backed up.
    fn own(&self) -> Host {
        Host {
            dir: self.world.data_dir(),
            store: self.world.store().clone(),
        }
    }

    /// An empty one.
    fn host(&self, name: &str) -> Host {
        Host {
            dir: self.path(name),
            store: Store::chosen(),
        }
    }

    fn tool(&self, words: &[&str], host: &Host) -> Output {
        std::process::Command::new(PROGRAM)
            .args(words)
            .args(host.words())
            .env(
                "COUNTERSIGN_ROOT_KEY",
                format!("file:{}", self.safe.display()),
            )
            .output()
            .expect("run the program")
    }

    fn backup(&self, name: &str, whom: &[&str]) -> PathBuf {
        let out = self.path(name);
        let mut words = vec!["backup", "create", "--out", out.to_str().expect("UTF-8")];
        words.extend(whom);
        let said = self.tool(&words, &self.own());
        assert!(said.status.success(), "{}", text(&said));
        out
    }

    fn under_passphrase(&self, name: &str) -> PathBuf {
        let passphrase = self.passphrase.to_str().expect("UTF-8").to_owned();
        self.backup(name, &["--passphrase-file", &passphrase])
    }

    fn restore(&self, backup: &Path, host: &Host, more: &[&str]) -> Output {
        let mut words = vec![
            "backup",
            "restore",
            backup.to_str().expect("UTF-8"),
            "--reason",
            "a test of the restore",
        ];
        words.extend(more);
        self.tool(&words, host)
    }

    fn restored(&self, backup: &Path, host: &Host, more: &[&str]) {
        let passphrase = self.passphrase.to_str().expect("UTF-8");
        let mut words = vec!["--passphrase-file", passphrase];
        words.extend(more);
        let said = self.restore(backup, host, &words);
        assert!(said.status.success(), "{}", text(&said));
    }

    /// Serves from another host, with the root key that was kept elsewhere.
    fn serve_from(&mut self, host: &Host) {
        self.world.set_store(host.store.clone());
        let mut options = countersign_testkit::Options {
            data_dir: Some(host.dir.clone()),
            ..countersign_testkit::Options::default()
        };
        options.env.push((
            "COUNTERSIGN_ROOT_KEY".to_owned(),
            format!("file:{}", self.safe.display()),
        ));
        self.world.set_options(options);
        self.world.forget_session();
        self.world.up();
    }
}

fn text(said: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    )
}

#[test]
fn with_the_audit_of_the_time_since_used_values_stay_used() {
    let mut case = Case::new();
    assert!(case.world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    let backup = case.under_passphrase("monday.backup");
    let mode = backup.metadata().expect("the backup").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let used = totp(KEY_HEX, now());
    assert!(case.world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    assert!(case.world.pap("tina", &used).is_accept());
    case.world.user("gone", None);
    let gone = case.world.hotp("gone");
    case.world
        .done("authenticator/delete", json!({"serial": gone}));
    let late = case.under_passphrase("late.backup");
    case.world.done("user/delete", json!({"user": "gone"}));
    let export = case.path("since.jsonl");
    let export_text = export.to_str().expect("UTF-8").to_owned();
    let said = case.tool(&["audit", "export", "--out", &export_text], &case.own());
    assert!(said.status.success(), "{}", text(&said));
    case.world.stop();

    let host = case.host("other-host");
    case.restored(&late, &host, &["--audit", &export_text]);
    case.serve_from(&host);
    let query = case.world.admin("user/view", json!({"user": "gone"}));
    assert_eq!(query.status(), -13, "deleted again: {}", query.text);
    case.world.stop();

    let host = case.host("third-host");
    case.restored(&backup, &host, &["--audit", &export_text]);
    case.serve_from(&host);
    assert!(
        !case.world.pap("otto", &hotp(KEY_HEX, 1)).is_accept(),
        "used after the backup"
    );
    assert!(
        !case.world.pap("tina", &used).is_accept(),
        "used after the backup"
    );
    assert!(
        case.world.pap("otto", &hotp(KEY_HEX, 2)).is_accept(),
        "fresh"
    );
    let next = totp(KEY_HEX, now() + 60);
    assert!(case.world.pap("tina", &next).is_accept(), "fresh");
    let [otto, _] = &case.serials;
    assert_eq!(case.world.application(otto)["next_counter"], 3);
    let reasons = case.world.audit(json!({"code": "I-115001"}));
    assert!(
        reasons.iter().any(|start| start["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("a test of the restore"))),
        "{reasons:?}"
    );
    let said = case.tool(&["audit", "verify"], &host);
    assert!(said.status.success(), "{}", text(&said));
}

#[test]
fn without_it_values_up_to_now_are_refused_or_must_be_followed() {
    let mut case = Case::new();
    let earlier = totp(KEY_HEX, now() - 30);
    assert!(case.world.pap("tina", &earlier).is_accept());
    let backup = case.under_passphrase("monday.backup");
    let used = totp(KEY_HEX, now());
    assert!(case.world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    assert!(case.world.pap("tina", &used).is_accept());
    case.world.stop();
    let host = case.host("other-host");
    case.restored(&backup, &host, &[]);
    case.serve_from(&host);
    assert!(
        !case.world.pap("tina", &used).is_accept(),
        "used after the backup"
    );
    assert!(
        !case.world.pap("otto", &hotp(KEY_HEX, 0)).is_accept(),
        "may have been used"
    );
    let answer = case
        .world
        .app(json!({"user": "otto", "password": hotp(KEY_HEX, 0)}));
    assert_eq!(
        answer.status(),
        3001,
        "the next one proves it: {}",
        answer.text
    );
    let key = answer.text("challenge_key");
    let answer = case.world.app(json!({
        "user": "otto", "challenge_key": key, "response": hotp(KEY_HEX, 1)
    }));
    assert_eq!(answer.status(), 0, "{}", answer.text);
    assert!(
        case.world.pap("otto", &hotp(KEY_HEX, 2)).is_accept(),
        "only once"
    );
    let next = totp(KEY_HEX, now() + 60);
    assert!(case.world.pap("tina", &next).is_accept(), "fresh");
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let mut case = Case::new();
    let backup = case.under_passphrase("monday.backup");
    let private = case.path("recipient.key");
    let said = std::process::Command::new(PROGRAM)
        .args(["key", "recipient", "--out"])
        .arg(&private)
        .output()
        .expect("run the program");
    let public = String::from_utf8(said.stdout).expect("UTF-8");
    let sealed = case.backup("for-recipient.backup", &["--recipient", public.trim()]);
    let bytes = std::fs::read(&backup).expect("read the backup");
    let (cut, spoilt) = (case.path("cut"), case.path("spoilt"));
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).expect("write");
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&spoilt, changed).expect("write");
    let wrong = case.path("wrong");
    std::fs::write(&wrong, "another passphrase").expect("write");
    let [right, wrong] =
        [&case.passphrase, &wrong].map(|path| path.to_str().expect("UTF-8").to_owned());
    let host = case.host("other-host");
    let other_root = case.path("other-root.key");
    std::fs::write(
        &other_root,
        "countersign root key 1\nid: 0000000000000000\nkey: x\n",
    )
    .expect("write");
    let other_root = format!("file:{}", other_root.display());
    for (file, more) in [
        (&backup, vec!["--passphrase-file", wrong.as_str()]),
        (&cut, vec!["--passphrase-file", right.as_str()]),
        (&spoilt, vec!["--passphrase-file", right.as_str()]),
        (&sealed, vec!["--passphrase-file", right.as_str()]),
        (
            &backup,
            vec![
                "--passphrase-file",
                right.as_str(),
                "--root-key",
                other_root.as_str(),
            ],
        ),
        (
            &backup,
            vec![
                "--passphrase-file",
                right.as_str(),
                "--audit",
                right.as_str(),
            ],
        ),
    ] {
        let said = case.restore(file, &host, &more);
        assert_eq!(said.status.code(), Some(2), "{more:?}: {}", text(&said));
        assert!(host.is_empty(), "{more:?}");
    }
    let own = case.own();
    let said = case.restore(&backup, &own, &["--passphrase-file", &right]);
    assert!(
        text(&said).contains("another server runs"),
        "{}",
        text(&said)
    );
    case.world.stop();
    let said = case.restore(&backup, &own, &["--passphrase-file", &right]);
    assert!(text(&said).contains("--force"), "{}", text(&said));
    case.world.up();
    assert!(
        case.world.pap("otto", &hotp(KEY_HEX, 0)).is_accept(),
        "untouched"
    );
    let said = case.restore(
        &sealed,
        &host,
        &["--recipient-key", private.to_str().expect("UTF-8")],
    );
    assert!(said.status.success(), "{}", text(&said));
}

#[test]
fn it_is_made_while_logons_go_on_and_holds_no_secret() {
    let mut case = Case::new();
    case.world.user("paul", Some("Correct-Horse-71"));
    let plain = case.path("plain.backup");
    let mut maker = std::process::Command::new(PROGRAM)
        .args(["backup", "create", "--plain", "--out"])
        .arg(&plain)
        .args(case.own().words())
        .spawn()
        .expect("run the program");
    let mut counter = 0;
    let made = loop {
        assert!(case.world.pap("otto", &hotp(KEY_HEX, counter)).is_accept());
        counter += 1;
        if let Some(ended) = maker.try_wait().expect("look at the backup") {
            break ended;
        }
    };
    assert!(made.success() && counter > 0);
    let sealed = case.under_passphrase("sealed.backup");
    for file in [&plain, &sealed] {
        let bytes = std::fs::read(file).expect("read the backup");
        let found = secrets::found_in_bytes("the backup", &bytes);
        assert!(found.is_empty(), "{}: {found:?}", file.display());
        let said = std::process::Command::new(PROGRAM)
            .args(["backup", "verify"])
            .arg(file)
            .arg("--passphrase-file")
            .arg(&case.passphrase)
            .arg("--root-key")
            .arg(format!("file:{}", case.safe.display()))
            .output()
            .expect("run the program");
        assert!(said.status.success(), "{}", text(&said));
    }
    let bytes = std::fs::read(&plain).expect("read the backup");
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(holds("otto"), "a plain one can be read");
    let key = std::fs::read_to_string(&case.safe).expect("the root key");
    let key = key
        .lines()
        .find_map(|line| line.strip_prefix("key: "))
        .expect("a key");
    assert!(!holds(key));
}
