//! The root key in an HSM, and the rotation of keys: logons never wait for either.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use countersign_testkit::oath::{KEY_HEX, hotp, totp_now};
use countersign_testkit::radclient::quoted;
use countersign_testkit::secrets::{self, Kind};
use countersign_testkit::softhsm::PIN;
use countersign_testkit::{Answer, Options, Raw, SoftHsm, World, until};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// Code of an Access-Accept.
const ACCEPT: u8 = 2;

/// Runs a command of the program that sees the tokens.
fn run(hsm: &SoftHsm, args: &[&str]) -> Output {
    let (name, value) = hsm.env();
    Command::new(PROGRAM)
        .args(args)
        .env(name, value)
        .output()
        .expect("run the program")
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A server whose root key is at these addresses.
fn world_on(hsm: &SoftHsm, root_key: &str) -> World {
    secrets::note(Kind::Typed, PIN);
    let root = ("COUNTERSIGN_ROOT_KEY".to_owned(), root_key.to_owned());
    let mut world = World::with(
        PROGRAM,
        Options {
            env: vec![hsm.env(), root],
            ..Options::default()
        },
    );
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 0, "radius_protocols": []}),
    );
    world
}

/// Logons of one user, one after the other, until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// A user of his own logs on with one password after the other; whatever is not accepted fails the test.
    fn begin(world: &mut World, user: &str) -> Self {
        world.hotp_user(user);
        let (stop, accepted) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (stopped, count, user) = (Arc::clone(&stop), Arc::clone(&accepted), user.to_owned());
        let mut raw: Raw = world.raw();
        let thread = std::thread::spawn(move || {
            let mut counter = 0;
            while !stopped.load(Ordering::SeqCst) {
                let request = raw.pap(&user, &hotp(KEY_HEX, counter));
                let answer = raw.ask(&request).expect("an answer");
                assert_eq!(answer.first(), Some(&ACCEPT), "logon {counter} of {user}");
                counter += 1;
                count.store(counter, Ordering::SeqCst);
            }
        });
        Self {
            stop,
            accepted,
            thread: Some(thread),
        }
    }

    /// Waits until so many more logons were accepted.
    fn more(&self, count: u64) {
        let before = self.accepted.load(Ordering::SeqCst);
        until("more logons", || {
            let failed = self.thread.as_ref().is_some_and(JoinHandle::is_finished);
            assert!(!failed, "a logon was not accepted");
            (self.accepted.load(Ordering::SeqCst) >= before + count).then_some(())
        });
    }

    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("every logon is accepted");
        }
        self.accepted.load(Ordering::SeqCst)
    }
}

/// The newest rotation, once it has ended.
fn ended(world: &mut World) -> Value {
    until("the end of the rotation", || {
        let seen = world.done("key/rotation-status", json!({})).body["result"]["rotation"].clone();
        (seen["state"] != "running").then_some(seen)
    })
}

fn waiting(world: &mut World) -> Vec<Value> {
    let status = world.done("key/rotation-status", json!({"count": true}));
    let classes = status.body["result"]["classes"]
        .as_array()
        .expect("classes")
        .clone();
    classes
        .into_iter()
        .map(|class| class["waiting"].clone())
        .collect()
}

fn roots(world: &mut World) -> Vec<Value> {
    let rows = countersign_testkit::world::rows(&world.done("key/query", json!({})));
    rows.into_iter().map(|row| row["root"].clone()).collect()
}

fn says(answer: &Answer, status: i64, word: &str) {
    assert_eq!(answer.status(), status, "{}", answer.text);
    assert!(answer.text.contains(word), "{word}: {}", answer.text);
}

#[test]
fn every_way_to_log_on_works_with_the_root_key_in_a_token() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.token("one");
    let uri = hsm.uri("one", "root");
    let refused = run(&hsm, &["key", "check", "--root-key", &uri]);
    assert!(
        !refused.status.success() && text(&refused).contains("key create"),
        "{}",
        text(&refused)
    );
    let made = run(&hsm, &["key", "create", "--root-key", &uri]);
    assert!(made.status.success(), "{}", text(&made));
    assert!(
        !run(&hsm, &["key", "create", "--root-key", &uri])
            .status
            .success(),
        "there is one already"
    );
    let checked = run(&hsm, &["key", "check", "--root-key", &uri]);
    assert!(
        checked.status.success() && text(&checked).contains("in an HSM"),
        "{}",
        text(&checked)
    );

    let mut world = world_on(&hsm, &uri);
    world.hotp_user("otto");
    world.user("tina", None);
    world.totp("tina");
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    let chap = quoted(&hotp(KEY_HEX, 1));
    assert!(
        world
            .radius(&[("User-Name", "\"otto\""), ("CHAP-Password", &chap)])
            .is_accept()
    );
    assert_eq!(
        world
            .app(json!({"user": "tina", "otp": totp_now(KEY_HEX, 0)}))
            .status(),
        0
    );
    world.policy(
        "local_or_password",
        json!({"user_lock_threshold": 0, "radius_protocols": []}),
    );
    world.user("paul", Some("Correct-Horse-71"));
    assert!(world.pap("paul", "Correct-Horse-71").is_accept());
    let chap = quoted("Correct-Horse-71");
    assert!(
        world
            .radius(&[("User-Name", "\"paul\""), ("CHAP-Password", &chap)])
            .is_accept()
    );
    let escrow = world.done(
        "key/escrow",
        json!({"passphrase": "a long passphrase for the escrow"}),
    );
    assert!(
        escrow.text.contains("countersign key escrow 2"),
        "{}",
        escrow.text
    );

    world.stop();
    world.up();
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 2)).is_accept(),
        "after a start"
    );
    assert!(
        world.pap("paul", "Correct-Horse-71").is_accept(),
        "after a start"
    );
    assert!(
        !world.log().contains("must be kept elsewhere"),
        "an HSM keeps its key"
    );
    assert!(!world.data_dir().join("root.key").exists());

    world.stop();
    hsm.remove(); // for good
    let dir = hsm.dir();
    std::fs::write(dir.join("escrow.txt"), escrow.text("escrow")).expect("write the escrow");
    std::fs::write(dir.join("pass.txt"), "a long passphrase for the escrow\n")
        .expect("write a file");
    let root = format!("file:{}", dir.join("new.key").display());
    let path = |name: &str| dir.join(name).display().to_string();
    let words = [
        "key",
        "recover",
        "--escrow",
        &path("escrow.txt"),
        "--passphrase-file",
        &path("pass.txt"),
        "--root-key",
        &root,
    ];
    let recovered = world.run(&words);
    assert!(
        !recovered.status.success(),
        "the new root key is not made yet: {}",
        text(&recovered)
    );
    assert!(
        run(&hsm, &["key", "create", "--root-key", &root])
            .status
            .success()
    );
    let recovered = world.run(&words);
    assert!(recovered.status.success(), "{}", text(&recovered));
    world.set_options(Options {
        env: vec![("COUNTERSIGN_ROOT_KEY".to_owned(), root)],
        ..Options::default()
    });
    world.up();
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 3)).is_accept(),
        "all tokens are lost, and the keys are not"
    );
}

#[test]
fn a_token_that_goes_and_comes_back_stops_no_logon() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.token("one");
    hsm.import("one", "root", &[0x5a; 32]);
    let mut world = world_on(&hsm, &hsm.uri("one", "root"));
    let load = Load::begin(&mut world, "otto");
    load.more(5);

    hsm.remove();
    let keys = roots(&mut world).len();
    for command in ["key/create", "key/rotate"] {
        says(&world.admin(command, json!({})), -105, "HSM");
    }
    assert_eq!(roots(&mut world).len(), keys, "nothing has changed");
    world.hotp_user("anna"); // sealing a new key of an authenticator needs no HSM either
    assert!(world.pap("anna", &hotp(KEY_HEX, 0)).is_accept());
    load.more(20);

    hsm.restore();
    world.done("key/create", json!({}));
    world.done("key/rotate", json!({}));
    assert_eq!(ended(&mut world)["state"], "done");
    load.more(20);
    load.end();

    world.stop();
    hsm.remove();
    let log = world.try_up().expect_err("no start without the token");
    assert!(
        log.contains("failed to load the root key from pkcs11:") || log.contains("PKCS#11"),
        "{log}"
    );
    hsm.restore();
    world.up();
    assert!(world.pap("anna", &hotp(KEY_HEX, 1)).is_accept());
}

#[test]
fn another_slot_with_the_same_key_stands_in() {
    let Some(hsm) = SoftHsm::new() else { return };
    let folders = ["one", "two"].map(|token| {
        let folder = hsm.token(token);
        hsm.import(token, "root", &[0x5a; 32]);
        folder
    });
    let both = format!("{} {}", hsm.uri("one", "root"), hsm.uri("two", "root"));
    let mut world = world_on(&hsm, &both);
    let load = Load::begin(&mut world, "otto");
    let [one, two] = &folders;

    hsm.remove_token(one);
    world.done("key/create", json!({}));
    hsm.remove_token(two);
    let refused = world.admin("key/create", json!({}));
    says(&refused, -105, "2 addresses");
    hsm.restore_token(one);
    world.done("key/create", json!({}));
    load.more(10);
    load.end();

    world.stop();
    world.up();
    assert!(
        world.log().contains("does not stand in"),
        "one address is away at the start"
    );
    assert!(world.pap("otto", "000000").is_reject());
    hsm.restore_token(two);
    let checked = run(&hsm, &["key", "check", "--root-key", &both]);
    assert!(checked.status.success(), "{}", text(&checked));
}

#[test]
fn keys_rotate_under_load_and_no_logon_is_refused() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let rows: String = (0..1500)
        .map(|number| format!("R{number:07},software,HOTP,6,{}\n", "3c".repeat(20)))
        .collect();
    world.done(
        "import/authenticators",
        json!({"data": format!("serial,type,algorithm,digits,secret_hex\n{rows}")}),
    );
    let load = Load::begin(&mut world, "otto");
    for round in 0..2 {
        let begun = world.done("key/rotate", json!({}));
        let seen = ended(&mut world);
        assert_eq!(
            (&seen["state"], &seen["shut"]),
            (&json!("done"), &json!(0)),
            "{seen}"
        );
        assert_eq!(seen["to"], begun.body["result"]["id"], "{seen}");
        assert!(
            seen["done"].as_u64() >= Some(1500) && seen["done"] == seen["total"],
            "{seen}"
        );
        assert!(
            waiting(&mut world).iter().all(|count| *count == 0),
            "round {round}"
        );
        let gone = world.done("key/delete", json!({"id": seen["from"]}));
        assert_eq!(gone.status(), 0, "nothing names the old key");
        load.more(5);
    }
    load.end();
    let finished = world.audit(json!({"code": "I-112002"}));
    let said = |word: &str| {
        finished
            .iter()
            .filter(|record| record["output"]["rotation"] == word)
            .count()
    };
    assert_eq!((said("started"), said("finished")), (2, 2), "{finished:?}");
}

#[test]
fn a_rotation_goes_on_after_a_kill_and_is_taken_over() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    let old = active(&mut world);
    world.done("key/create", json!({}));
    let new = active(&mut world);
    assert!(
        waiting(&mut world).iter().any(|count| *count != 0),
        "a new key alone seals nothing anew"
    );
    world.kill();
    // as a node leaves it that was killed after the commit of the command, long ago
    begin_elsewhere(&world, &old, &new, 0);
    world.up();
    let seen = ended(&mut world);
    assert_eq!(
        (&seen["state"], &seen["to"]),
        (&json!("done"), &json!(new)),
        "{seen}"
    );
    assert_ne!(seen["node"], "gone", "this node has taken it over: {seen}");
    assert!(seen["done"].as_u64() >= Some(3), "{seen}");
    assert!(waiting(&mut world).iter().all(|count| *count == 0));
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
}

#[test]
fn one_rotation_at_a_time_and_it_can_be_ended() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    assert_eq!(
        world.done("key/rotation-status", json!({})).body["result"]["rotation"],
        Value::Null
    );
    says(
        &world.admin("key/abort-rotation", json!({})),
        -2,
        "no rotation is under way",
    );
    let key = active(&mut world);
    world.stop();
    let far = 4_000_000_000_000_000; // a node that is well, and works on it
    begin_elsewhere(&world, &key, &key, far);
    world.up();
    says(
        &world.admin("key/rotate", json!({})),
        -2,
        "under way on node gone",
    );
    assert_eq!(active(&mut world), key, "nothing was made");
    let aborted = world.done("key/abort-rotation", json!({}));
    assert_eq!(
        aborted.body["result"]["rotation"]["state"], "aborted",
        "{}",
        aborted.text
    );
    says(
        &world.admin("key/abort-rotation", json!({})),
        -2,
        "no rotation is under way",
    );
    world.done("key/rotate", json!({}));
    assert_eq!(ended(&mut world)["state"], "done");
}

fn active(world: &mut World) -> String {
    let rows = countersign_testkit::world::rows(&world.done(
        "key/query",
        json!({"filter": {"class": "storage", "state": "active"}}),
    ));
    rows[0]["id"].as_str().expect("an active key").to_owned()
}

fn begin_elsewhere(world: &World, from: &str, to: &str, seen: i64) {
    let begun = world.change_rows(&format!(
        "INSERT INTO key_rotation (id, version, class, key_from, key_to, state, node, started, seen, done, shut, at_field, at_row)
         VALUES (1, 1, 'storage', '{from}', '{to}', 'running', 'gone', 1, {seen}, 0, 0, 0, 0)"
    ));
    assert_eq!(begun, 1);
}

#[test]
fn data_keys_move_into_the_hsm_while_the_server_serves() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.token("one");
    let uri = hsm.uri("one", "root");
    let config = hsm.dir().join("countersign.toml");
    let configured = |text: &str| std::fs::write(&config, text).expect("write the configuration");
    configured("");
    let mut world = World::with(
        PROGRAM,
        Options {
            env: vec![hsm.env()],
            args: vec!["--config".into(), config.clone().into()],
            ..Options::default()
        },
    );
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let load = Load::begin(&mut world, "otto");
    let before = roots(&mut world);
    says(
        &world.admin("key/move-to-hsm", json!({})),
        -2,
        "next_root_key",
    );
    configured(&format!("next_root_key = \"{uri}\"\n"));
    says(
        &world.admin("key/move-to-hsm", json!({})),
        -105,
        "key create",
    );
    assert_eq!(roots(&mut world), before, "nothing has moved");
    assert!(
        run(&hsm, &["key", "create", "--root-key", &uri])
            .status
            .success()
    );
    let moved = world.done("key/move-to-hsm", json!({}));
    let root = moved.body["result"]["root"].clone();
    assert!(
        roots(&mut world).iter().all(|one| *one == root),
        "{}",
        moved.text
    );
    says(&world.admin("key/move-to-hsm", json!({})), -2, "already");
    world.done("key/rotate", json!({})); // the new data key goes under the new root key
    ended(&mut world);
    assert!(roots(&mut world).iter().all(|one| *one == root));
    load.more(10);
    let counter = load.end();

    world.kill();
    world.up(); // root_key is the old one still, and next_root_key the one the keys are under
    assert!(world.pap("otto", &hotp(KEY_HEX, counter)).is_accept());
    world.stop();
    configured(&format!("root_key = \"{uri}\"\n"));
    std::fs::remove_file(world.data_dir().join("root.key")).expect("take the old key away");
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, counter + 1)).is_accept());
    world.run_ok(&["audit", "verify"]);
}

#[test]
fn a_stopped_server_moves_too_and_says_what_is_wrong_without_the_new_root_key() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.token("one");
    hsm.import("one", "root", &[0x5a; 32]);
    let uri = hsm.uri("one", "root");
    let mut world = World::with(
        PROGRAM,
        Options {
            env: vec![hsm.env()],
            ..Options::default()
        },
    );
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    let shift = |world: &World| world.run(&["key", "move-to-hsm", "--to", &uri]);
    let running = shift(&world);
    assert!(
        !running.status.success() && text(&running).contains("admin key move-to-hsm"),
        "{}",
        text(&running)
    );
    world.stop();
    hsm.remove();
    let away = shift(&world);
    assert!(
        !away.status.success() && text(&away).contains("PKCS#11"),
        "{}",
        text(&away)
    );
    world.up(); // nothing has changed
    world.stop();
    hsm.restore();
    let moved = shift(&world);
    assert!(
        moved.status.success() && text(&moved).contains("Set root_key"),
        "{}",
        text(&moved)
    );
    let log = world.try_up().expect_err("the old root key opens nothing");
    assert!(log.contains("wrapped under root key"), "{log}");
    world.set_options(Options {
        env: vec![hsm.env(), ("COUNTERSIGN_ROOT_KEY".to_owned(), uri.clone())],
        ..Options::default()
    });
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    let told = world.audit(json!({"code": "I-112002"}));
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn sealed_fields_open_in_their_own_place_only_and_no_two_are_alike() {
    let Some(hsm) = SoftHsm::new() else { return };
    hsm.token("one");
    hsm.import("one", "root", &[0x5a; 32]);
    let mut world = world_on(&hsm, &hsm.uri("one", "root"));
    world.hotp_user("otto");
    world.hotp_user("anna");
    let serial = world.authenticator(
        "anna",
        json!({"algorithm": "HOTP", "secret_hex": "77".repeat(20), "pin_supported": true}),
    );
    let pin =
        json!({"serial": serial, "application": "RO", "pin": "31415926", "confirm": "31415926"});
    world.done(
        "application/enable-pin",
        json!({"serial": serial, "application": "RO"}),
    );
    world.done("application/set-pin", pin);
    world.stop();
    assert_eq!(world.leaks(), Vec::<String>::new());
    let first = |user: &str| {
        format!(
            "SELECT MIN(application.key) FROM application JOIN authenticator ON authenticator.key = authenticator_key JOIN \"user\" ON \"user\".key = user_key WHERE user_id = '{user}'"
        )
    };
    let (own, other) = (world.count(&first("otto")), world.count(&first("anna")));
    let kinds = |of: &str| {
        world.count(&format!(
            "SELECT COUNT(DISTINCT {of}) FROM application WHERE key IN ({own}, {other})"
        ))
    };
    assert_eq!(kinds("secret"), 2, "one value, sealed twice");
    assert_eq!(kinds("LENGTH(secret)"), 1);
    let copied = world.change_rows(&format!(
        "UPDATE application SET secret = (SELECT secret FROM application WHERE key = {other}) WHERE key = {own}"
    ));
    assert_eq!(copied, 1);
    let copied = world.change_rows("UPDATE application SET secret = pin WHERE pin IS NOT NULL");
    assert_eq!(copied, 1);
    world.up();
    let answer = world.app(json!({"user": "otto", "otp": hotp(KEY_HEX, 0)}));
    assert_eq!(answer.status(), -105, "{}", answer.text);
    let shut = world.admin(
        "application/test-otp",
        json!({"serial": serial, "application": "RO", "otp": "000000", "pin": "31415926"}),
    );
    assert_eq!(
        shut.body["result"]["verdict"]["status_code"], -105,
        "{}",
        shut.text
    );
    world.done("key/rotate", json!({}));
    let seen = ended(&mut world);
    assert_eq!(
        (&seen["state"], &seen["shut"]),
        (&json!("done"), &json!(2)),
        "{seen}"
    );
    let told = world.audit(json!({"code": "E-112001"}));
    assert!(told.len() >= 2, "{told:?}");
    says(
        &world.admin("key/delete", json!({"id": seen["from"]})),
        -2,
        "sealed under it",
    );
}
