//! Two versions on one store: the next one writes what this one reads until an administrator has the records
//! converted; going back works before, and is refused with a clear word afterwards. The next version is this build
//! with a made-up format of applications, told so by an environment variable that other builds do not know.

#![expect(clippy::expect_used, reason = "a test may fail")]

use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::postgres::Database;
use countersign_testkit::{Options, Store, World, until};
use serde_json::{Value, json};
use std::sync::Arc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const NEXT: &str = "COUNTERSIGN_TEST_NEXT_VERSION";

fn this_version(world: &mut World) {
    world.set_options(Options::default());
}

fn next_version(world: &mut World) {
    world.set_options(next());
}

fn next() -> Options {
    Options {
        env: vec![(NEXT.to_owned(), "1".to_owned())],
        ..Options::default()
    }
}

/// How many applications are in the database as the one version and the other write them.
fn formats(world: &World) -> [i64; 2] {
    [(1, "SHA1"), (2, "SHA-1")].map(|(format, hash)| {
        world.count(&format!(
            "SELECT COUNT(*) FROM application WHERE record_version = {format} AND hash = '{hash}'"
        ))
    })
}

fn applications(status: &Value) -> Value {
    let tables = status["tables"].as_array().expect("tables");
    let found = tables.iter().find(|table| table["table"] == "application");
    found.expect("applications").clone()
}

#[test]
fn the_next_version_serves_what_this_one_can_read_until_the_migration() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    world.stop();

    next_version(&mut world);
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    world.hotp_user("nora");
    assert!(world.pap("nora", &hotp(KEY_HEX, 0)).is_accept());
    assert_eq!(formats(&world), [2, 0]);
    let status = world.admin("migration/status", json!({}));
    assert_eq!(
        applications(&status.body["result"]),
        json!({"table": "application", "known": 2, "written": 1, "waiting": 2})
    );
    world.stop();

    this_version(&mut world);
    world.up();
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 2)).is_accept(),
        "back again"
    );
    assert!(world.pap("nora", &hotp(KEY_HEX, 1)).is_accept());
    world.stop();

    next_version(&mut world);
    world.up();
    world.done("migration/start", json!({}));
    until("both are converted", || {
        (formats(&world) == [0, 2]).then_some(())
    });
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 3)).is_accept(),
        "converted"
    );
    world.hotp_user("late");
    assert!(world.pap("late", &hotp(KEY_HEX, 0)).is_accept());
    assert_eq!(formats(&world), [0, 3]);
    world.stop();

    this_version(&mut world);
    let log = world.try_up().expect_err("going back is over");
    assert!(
        log.contains("application records are of version 2")
            && log.contains("start the newer version"),
        "{log}"
    );
    next_version(&mut world);
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, 4)).is_accept());
}

#[test]
fn two_versions_serve_one_store_at_the_same_time() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut world = World::with(
        PROGRAM,
        Options {
            store: Some(Store::Postgres(Arc::new(database))),
            ..Options::default()
        },
    );
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    let mut newer = world.node("newer", next());
    for counter in (0..6).step_by(2) {
        assert!(world.pap("otto", &hotp(KEY_HEX, counter)).is_accept());
        assert!(newer.pap("otto", &hotp(KEY_HEX, counter + 1)).is_accept());
        assert!(!world.pap("otto", &hotp(KEY_HEX, counter + 1)).is_accept());
    }
    let in_format = |world: &World, format: i64| {
        world.count(&format!(
            "SELECT COUNT(*) FROM application WHERE record_version = {format}"
        ))
    };
    newer.done("user/create", json!({"user": "nora"}));
    newer.done(
        "authenticator/create",
        json!({"serial": "NORA-1", "algorithm": "HOTP", "secret_hex": KEY_HEX}),
    );
    newer.done(
        "authenticator/assign",
        json!({"serial": "NORA-1", "user": "nora"}),
    );
    assert!(world.pap("nora", &hotp(KEY_HEX, 0)).is_accept());
    assert_eq!((in_format(&world, 1), in_format(&world, 2)), (2, 0));
    let refused = newer.admin("migration/start", json!({}));
    assert_ne!(
        refused.status(),
        0,
        "a live node does not know the new format: {}",
        refused.text
    );
    world.stop();
    until("the older node is known to have stopped", || {
        (newer.admin("migration/start", json!({})).status() == 0).then_some(())
    });
    until("both are converted", || {
        (newer.count("SELECT COUNT(*) FROM application WHERE record_version = 2") == 2)
            .then_some(())
    });
    assert!(newer.pap("otto", &hotp(KEY_HEX, 6)).is_accept());
    let log = world.try_up().expect_err("going back is over");
    assert!(log.contains("start the newer version"), "{log}");
    next_version(&mut world);
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, 7)).is_accept());
    assert!(!newer.pap("otto", &hotp(KEY_HEX, 7)).is_accept());
}

#[test]
fn what_cannot_be_converted_answers_1124_and_what_is_newer_1123() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    world.hotp_user("anna");
    world.stop();
    let spoilt = world.change_rows(
        "UPDATE application SET secret = (SELECT secret FROM application ORDER BY key DESC LIMIT 1) WHERE key = (SELECT MIN(key) FROM application)",
    );
    assert_eq!(spoilt, 1);
    next_version(&mut world);
    world.up();
    let answer = world.app(json!({"user": "otto", "password": hotp(KEY_HEX, 0)}));
    assert_eq!(answer.status(), 1124, "{}", answer.text);
    let record = world.last_record("otto");
    assert_eq!(record["status_code"], 1124);
    let codes = world.audit(json!({"code": "E-013003"}));
    assert!(!codes.is_empty(), "E-013003 names it");
    assert!(world.pap("anna", &hotp(KEY_HEX, 0)).is_accept());
    world.done("migration/start", json!({}));
    until("the migration ends", || {
        let status = world.admin("migration/status", json!({}));
        status.body["result"]["running_on"].is_null().then_some(())
    });
    let status = world.admin("migration/status", json!({}));
    assert_eq!(
        applications(&status.body["result"])["waiting"],
        1,
        "the spoilt one"
    );
    assert!(world.pap("anna", &hotp(KEY_HEX, 1)).is_accept());
    world.stop();
    let changed =
        world.change_rows("UPDATE application SET record_version = 999 WHERE record_version = 2");
    assert_eq!(changed, 1);
    world.up();
    let answer = world.app(json!({"user": "anna", "password": hotp(KEY_HEX, 2)}));
    assert_eq!(answer.status(), 1123, "{}", answer.text);
}

#[test]
fn a_migration_that_was_killed_goes_on_at_the_next_start() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    world.stop();
    // as a node leaves it that is killed right after it began
    for (name, value) in [
        ("records", r#"'{"application": 2}'"#),
        (
            "migration",
            r#"'{"begun": 0, "node": "' || (SELECT name FROM node) || '"}'"#,
        ),
    ] {
        world.change_rows(&format!(
            "INSERT INTO store_mark (name, value, modified) VALUES ('{name}', {value}, 0) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ));
    }
    next_version(&mut world);
    world.up();
    until("it is converted", || {
        (formats(&world) == [0, 1]).then_some(())
    });
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
}

#[test]
fn a_newer_schema_is_served_where_it_says_that_it_may_be() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    world.stop();
    world.alter_store(
        "INSERT INTO schema_version (version, applied) VALUES (900, 0);
         CREATE TABLE of_the_future (key INTEGER NOT NULL PRIMARY KEY);
         ALTER TABLE node ADD COLUMN of_the_future TEXT;",
    );
    world.up();
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 0)).is_accept(),
        "it only added something"
    );
    world.stop();
    world.change_rows("UPDATE store_mark SET value = '900' WHERE name = 'schema.oldest'");
    let log = world.try_up().expect_err("it says that it must be known");
    assert!(log.contains("schema 900"), "{log}");
}
