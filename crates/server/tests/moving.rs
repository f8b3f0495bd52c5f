//! A store moves from a file to PostgreSQL and back, also when the move is killed on the way: what was used stays used,
//! and the place it left is served no more.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Database, Options, Store, World};
use serde_json::json;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// Authenticators beside the one that logs on, so that a move takes a while.
const DEVICES: usize = 1500;

fn filled() -> World {
    let mut world = World::with(
        PROGRAM,
        Options {
            store: Some(Store::File),
            ..Options::default()
        },
    );
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    let rows: Vec<String> = (0..DEVICES)
        .map(|number| format!("M{number},HOTP,{KEY_HEX}\n"))
        .collect();
    let data = format!("serial,algorithm,secret_hex\n{}", rows.concat());
    world.done("import/authenticators", json!({"data": data}));
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    world
}

fn command(world: &World, from: &str, to: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["store", "move", "--from", from, "--to", to, "--data-dir"])
        .arg(world.data_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Moves, killed after ever longer times until a move comes to its end before that; how many were killed.
fn moved_under_kills(world: &World, from: &str, to: &str) -> u32 {
    for kill in 0..20 {
        let mut child = command(world, from, to).spawn().expect("start the move");
        let deadline = std::time::Instant::now() + Duration::from_millis(20 + 60 * kill * kill);
        loop {
            if let Some(ended) = child.try_wait().expect("look at the move") {
                let output = child.wait_with_output().expect("what it said");
                assert!(
                    ended.success(),
                    "{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
                return u32::try_from(kill).unwrap_or(u32::MAX);
            }
            if std::time::Instant::now() >= deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("kill the move");
        child.wait().expect("its end");
    }
    panic!("twenty moves did not come to an end");
}

#[test]
fn a_store_moves_to_postgresql_and_back_and_is_one_truth_all_the_time() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut world = filled();
    world.stop();
    let (file, server) = (
        format!("sqlite:{}", world.database().display()),
        database.url(),
    );
    let killed = moved_under_kills(&world, &file, &server);
    assert!(killed > 0, "the first move was to be killed");

    let log = world.try_up().expect_err("the old place is not served");
    assert!(log.contains("move"), "{log}");
    world.set_store(Store::Postgres(Arc::new(database)));
    world.up();
    assert!(!world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    assert_eq!(
        world.count("SELECT COUNT(*) FROM application_state"),
        i64::try_from(DEVICES).expect("a number") + 1
    );
    world.stop();
    world.run_ok(&["audit", "verify", "--moving-factors"]);

    let back = format!("sqlite:{}", world.dir().join("back.db").display());
    moved_under_kills(&world, &server, &back);
    let log = world.try_up().expect_err("neither is this one");
    assert!(log.contains("move"), "{log}");
    world.set_store(Store::File);
    std::fs::rename(world.dir().join("back.db"), world.database()).expect("put it in place");
    world.up();
    assert!(!world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    assert!(world.pap("otto", &hotp(KEY_HEX, 2)).is_accept());
}
