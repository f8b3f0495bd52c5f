//! A node among others: drained and put back, switched in parts, healthy or not and why, stopped in order.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::world::rows;
use countersign_testkit::{Answer, Options, Postgres, Server, Store, World, curl, peer, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn world() -> World {
    furnished(Options::default())
}

/// A world on a PostgreSQL of its own, which lives as long as the first part.
fn shared() -> Option<(Postgres, World)> {
    let postgres = Postgres::start()?;
    let store = Store::Postgres(Arc::new(postgres.database()));
    let world = furnished(Options {
        store: Some(store),
        ..Options::default()
    });
    Some((postgres, world))
}

fn furnished(options: Options) -> World {
    let mut world = World::with(PROGRAM, options);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    world.hotp_user("otto");
    world.set_radius_timeout(1.0);
    world
}

fn health(world: &Server) -> Answer {
    curl::get(&format!("{}/health", world.ready("health")))
}

fn until_health(world: &Server, http: u16) -> Answer {
    until(&format!("health {http}"), || {
        Some(health(world)).filter(|answer| answer.http == http)
    })
}

fn has_reason(answer: &Answer, part: &str) -> bool {
    let reasons = answer.body["reasons"].as_array();
    reasons.is_some_and(|all| {
        let mut all = all.iter().filter_map(Value::as_str);
        all.any(|reason| reason.contains(part))
    })
}

fn name(world: &mut World) -> Value {
    rows(&world.done("node/list", json!({})))[0]["name"].clone()
}

fn otp(counter: u64) -> Value {
    json!({"user": "otto", "otp": hotp(KEY_HEX, counter)})
}

/// The environment of a program whose clock is off. The library of `faketime` by itself: the program `faketime` stays the
/// parent of what it starts, and takes the signals that are meant for it.
fn off_by(offset: &str) -> Option<Vec<(String, String)>> {
    peer::find("faketime")?;
    let folders = std::fs::read_dir("/usr/lib").expect("list /usr/lib");
    let library = folders
        .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|path| path.exists())
        .expect("the library of faketime");
    Some(vec![
        ("LD_PRELOAD".to_owned(), library.display().to_string()),
        ("FAKETIME".to_owned(), offset.to_owned()),
    ])
}

#[test]
fn a_node_tells_what_it_is() {
    let mut world = world();
    let list = world.done("node/list", json!({"filter": {"state": "serving"}}));
    let [node] = &rows(&list)[..] else {
        unreachable!("one node: {}", list.text)
    };
    assert_eq!(node["addresses"]["http"], world.ready("http"));
    assert_eq!(node["addresses"]["radius_auth"], world.ready("radius_auth"));
    assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(node["scenarios"].as_array().map(Vec::len), Some(6));
    assert!(node["record_versions"]["user"].is_u64() && node["schema_version"].is_u64());
    let shown = world.done("node/status", json!({"name": node["name"]}));
    assert_eq!(shown.result("name"), &node["name"]);
    let none = world.admin("node/list", json!({"filter": {"state": "lost"}}));
    assert!(rows(&none).is_empty());
    let port = |listener: &str| world.ready(listener).rsplit(':').next().map(str::to_owned);
    let (http, radius) = (port("http"), port("radius_auth"));
    let records = world.run_ok(&["node", "srv", "--domain", "example.com"]);
    for (service, port) in [("_countersign._tcp", http), ("_radius._udp", radius)] {
        let start = format!(
            "{service}.example.com. 300 IN SRV 10 10 {} ",
            port.unwrap_or_default()
        );
        assert!(records.contains(&start), "{start} in {records}");
    }
    world.stop();
    let refused = world.run(&["node", "srv", "--domain", "example..com"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(2) && said.contains("labels"),
        "it looks at the domain first: {said}"
    );
}

#[test]
fn a_drained_node_turns_away_until_it_is_put_back() {
    let mut world = world();
    until_health(&world, 200);
    let name = name(&mut world);
    world.done("node/drain", json!({"name": name}));
    assert!(has_reason(&until_health(&world, 503), "out of service"));
    let turned_away = world.app(otp(0));
    assert_eq!(turned_away.http, 503, "{}", turned_away.text);
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_silent());
    until("the list says so", || {
        let drained = world.done("node/status", json!({"name": name}));
        (drained.result("state") == "drained").then_some(())
    });
    world.stop();
    world.up();
    assert!(
        has_reason(&health(&world), "out of service"),
        "a start changes nothing"
    );
    world.forget_session();
    world.done("node/undrain", json!({"name": name}));
    until_health(&world, 200);
    assert_eq!(world.app(otp(0)).status(), 0);
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    assert_eq!(
        world.admin("node/delete", json!({"name": name})).status(),
        -2,
        "it runs"
    );
}

#[test]
fn without_radius_no_port_is_opened() {
    let mut world = world();
    world.stop();
    world.set_options(Options {
        env: vec![("COUNTERSIGN_SCENARIOS".into(), "auth, admin".into())],
        ..Options::default()
    });
    world.up();
    assert_eq!(world.ready("radius_auth"), "");
    world.forget_session();
    assert_eq!(world.app(otp(0)).status(), 0);
    let list = world.done("node/list", json!({}));
    assert_eq!(rows(&list)[0]["scenarios"], json!(["auth", "admin"]));
}

#[test]
fn requests_end_by_their_deadline_and_service_returns_by_itself() {
    let mut world = world();
    world.setting("request.deadline_s", json!(1));
    until_health(&world, 200);
    let lock = world.lock_store();
    assert!(has_reason(&until_health(&world, 503), "failed to"));
    let begun = Instant::now();
    let late = world.app(otp(0));
    let took = begun.elapsed();
    assert_eq!(late.status(), -106, "{}", late.text);
    assert!(took < Duration::from_millis(1900), "it took {took:?}");
    world.set_radius_timeout(3.0);
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_silent());
    let probe = Instant::now();
    assert_eq!(health(&world).http, 503);
    assert!(
        probe.elapsed() < Duration::from_secs(1),
        "a probe does not wait for the store"
    );
    drop(lock);
    until_health(&world, 200);
    // what was given up is decided or not, but never twice accepted
    let first = world.app(otp(0)).status();
    assert!(first == 0 || first == 1008, "{first}");
    assert_eq!(world.app(otp(0)).status(), 1008);
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
}

#[test]
fn a_stopping_node_says_so_while_it_still_serves() {
    let mut world = world();
    world.stop();
    world.set_options(Options {
        env: vec![("COUNTERSIGN_SHUTDOWN_GRACE_S".into(), "5".into())],
        ..Options::default()
    });
    world.up();
    until_health(&world, 200);
    world.signal("TERM");
    assert!(has_reason(&until_health(&world, 503), "stopping"));
    assert_eq!(world.app(otp(0)).status(), 0, "its health says so first");
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    world.stop();
    let stopped = world.count("SELECT COUNT(*) FROM node_report WHERE state = 'stopped'");
    assert_eq!(stopped, 1);
}

#[test]
fn a_clock_behind_the_newest_record_is_reported() {
    let Some(env) = off_by("-1d") else {
        return;
    };
    if !Store::only_file() {
        return; // another store has a clock of its own
    }
    let mut world = world();
    world.stop();
    world.set_options(Options {
        env,
        ..Options::default()
    });
    world.up();
    world.forget_session();
    assert_eq!(health(&world).http, 200, "no more than a warning");
    let found = world.audit(json!({"code": "W-111002"}));
    let [warning] = &found[..] else {
        unreachable!("one warning: {found:?}")
    };
    let reason = warning["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("behind the newest record"), "{warning}");
}

#[test]
fn a_node_is_drained_from_any_other_and_forgotten_when_it_is_lost() {
    let Some((_postgres, mut world)) = shared() else {
        return;
    };
    let mut second = world.node("second", Options::default());
    until_health(&second, 200);
    let list = world.done("node/list", json!({"filter": {"state": "serving"}}));
    assert_eq!(rows(&list).len(), 2, "{}", list.text);
    let body = |counter| {
        let mut body = otp(counter);
        body["component"] = "app".into();
        body
    };
    world.done("node/drain", json!({"name": "second"}));
    until_health(&second, 503);
    assert_eq!(second.auth("authenticate", &body(0)).http, 503);
    assert_eq!(world.app(otp(0)).status(), 0, "the other one serves");
    world.done("node/undrain", json!({"name": "second"}));
    until_health(&second, 200);
    assert_eq!(second.auth("authenticate", &body(0)).status(), 1008);
    assert_eq!(second.auth("authenticate", &body(1)).status(), 0);
    second.kill();
    let name = json!({"name": "second"});
    until("the killed node is lost", || {
        let shown = world.done("node/status", name.clone());
        (shown.result("state") == "lost").then_some(())
    });
    world.done("node/delete", name.clone());
    assert_eq!(world.admin("node/status", name).status(), -13);
}

#[test]
fn a_node_whose_clock_is_a_minute_off_steps_aside_and_says_why() {
    let Some(env) = off_by("+60s") else {
        return;
    };
    let Some((_postgres, mut world)) = shared() else {
        return;
    };
    let wrong = Options {
        env,
        ..Options::default()
    };
    let mut fast = world.node("fast", wrong);
    fast.set_radius_timeout(1.0);
    let sick = until_health(&fast, 503);
    assert!(has_reason(&sick, "E-111001"), "{}", sick.text);
    let mut body = otp(0);
    body["component"] = "app".into();
    let refused = fast.auth("authenticate", &body);
    assert_eq!(refused.status(), -107, "{}", refused.text);
    assert!(fast.pap("otto", &hotp(KEY_HEX, 0)).is_silent());
    let reports = world.audit(json!({"code": "E-111001"}));
    assert_eq!(reports.len(), 1, "once for each change: {reports:?}");
    assert_eq!(world.app(otp(0)).status(), 0, "the others serve");
    fast.stop();
    let right = world.node("fast", Options::default());
    until_health(&right, 200);
}
