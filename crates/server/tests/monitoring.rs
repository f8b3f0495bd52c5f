//! What an operator sees of a running server: figures, timings of requests, and a log whose level follows a setting.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use countersign_testkit::oath::{KEY_HEX, fast_hotp, wrong};
use countersign_testkit::world::rows;
use countersign_testkit::{World, until};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The spans of a request by name, with what they took.
fn spans(world: &mut World, request: &str) -> Vec<(String, u64)> {
    let answer = world.done("timing/show", json!({"request_id": request}));
    let spans = answer.result("spans").as_array().unwrap().clone();
    let took = answer.result("took_us").as_u64().unwrap();
    spans
        .iter()
        .map(|span| {
            let (start, part) = (&span["start_us"], &span["took_us"]);
            assert!(
                start.as_u64().unwrap() + part.as_u64().unwrap() <= took + 1,
                "{span} within {took}"
            );
            (
                span["span"].as_str().unwrap().to_owned(),
                part.as_u64().unwrap(),
            )
        })
        .collect()
}

fn names(spans: &[(String, u64)]) -> Vec<&str> {
    spans.iter().map(|(name, _)| name.as_str()).collect()
}

fn listed(world: &mut World, filter: &Value) -> Vec<Value> {
    let body = json!({"filter": filter, "sort": ["time"]});
    rows(&world.done("timing/list", body))
}

#[test]
fn timings_tell_where_the_time_of_a_request_went() {
    let mut world = World::new(PROGRAM);
    world.policy("local", json!({"local_auth": "authenticator_or_password"}));
    world.hotp_user("hilda");
    world.user("peter", Some("Correct-Horse-7"));
    let otp = |counter| fast_hotp(KEY_HEX, counter, 6);
    assert!(world.pap("hilda", &otp(0)).is_accept());
    assert_eq!(listed(&mut world, &json!({})), [] as [Value; 0], "off");
    let refused = world.admin("timing/show", json!({"request_id": "nosuch"}));
    assert_eq!(refused.status(), -13);
    assert!(refused.text.contains("timing.keep"), "{}", refused.text);

    world.setting("timing.keep", json!("all"));
    assert!(world.pap("hilda", &otp(1)).is_accept());
    assert!(world.pap("hilda", &wrong(KEY_HEX, 6)).is_reject());
    assert!(world.pap("peter", "Correct-Horse-7").is_accept());
    let named = world.app(json!({"user": "hilda", "otp": otp(2), "request_id": "order 66"}));
    assert_eq!(named.status(), 0, "{}", named.text);

    let by_radius = listed(&mut world, &json!({"way": "radius", "user": "hilda"}));
    let statuses: Vec<_> = by_radius.iter().map(|row| &row["status_code"]).collect();
    assert_eq!(statuses, [0, 1012], "real statuses, in order");
    let first = by_radius[0]["request_id"].as_str().unwrap();
    assert_eq!(first, by_radius[0]["amid"]);
    assert_eq!(
        names(&spans(&mut world, first)),
        [
            "receive",
            "load",
            "decide",
            "commit",
            "commit/batch",
            "commit/store",
            "reply"
        ]
    );
    let record = world.audit(json!({"amid": first})).remove(0);
    assert_eq!(record["user"], "hilda", "the audit record has the same id");

    let peter = listed(&mut world, &json!({"user": "peter"})).remove(0);
    let of_peter = spans(&mut world, peter["amid"].as_str().unwrap());
    let asked = names(&of_peter);
    assert!(asked.contains(&"ask verify") && asked.contains(&"ask verify/wait"));
    let hashing = of_peter.iter().find(|(name, _)| name == "ask verify");
    assert!(
        hashing.unwrap().1 > 1000,
        "a password takes its time: {of_peter:?}"
    );

    let asked = names(&spans(&mut world, "order 66")).join(" ");
    assert_eq!(asked, "receive load decide commit reply");
    let only = |filter: Value| move |world: &mut World| listed(world, &filter).len();
    assert_eq!(only(json!({"request_id": "order 66"}))(&mut world), 1);
    assert_eq!(only(json!({"status_code": 1012}))(&mut world), 1);
    assert_eq!(
        only(json!({"took_us": {"from": 3_600_000_000_u64}}))(&mut world),
        0
    );
    assert_eq!(
        only(json!({"way": "radius", "time": {"from": peter["time"]}}))(&mut world),
        1
    );
    assert!(only(json!({"way": "admin", "command": "timing.list"}))(&mut world) > 3);
    let shown = world.run_ok(&["admin", "timing", "show", "--request-id", "order 66"]);
    assert!(
        shown.contains("took_us") && shown.contains("commit"),
        "{shown}"
    );

    world.setting("timing.keep", json!("off"));
    let kept = listed(&mut world, &json!({"way": "radius"})).len();
    assert!(world.pap("hilda", &otp(3)).is_accept());
    assert_eq!(listed(&mut world, &json!({"way": "radius"})).len(), kept);
}

#[test]
fn the_log_level_follows_its_setting() {
    let mut world = World::new(PROGRAM);
    let loud = |world: &World| world.log().matches("DEBUG").count();
    assert_eq!(loud(&world), 0);
    for bad in ["loud", "info,kernel=debug", "store="] {
        let refused = world.admin("setting/update", json!({"name": "log.level", "value": bad}));
        assert_eq!(refused.status(), -101, "{bad}: {}", refused.text);
    }
    world.setting("log.level", json!("info,service=debug"));
    until("the level is in force", || {
        world
            .log()
            .contains("the setting log.level is in force")
            .then_some(())
    });
    world.done("session/alive", json!({}));
    until("a debug line", || (loud(&world) > 0).then_some(()));
    let changed = world.audit(json!({"code": "I-111001"}));
    assert!(
        changed
            .iter()
            .any(|record| record.to_string().contains("log.level")),
        "it is audited: {changed:?}"
    );
    world.setting("log.level", Value::Null);
    until("the level is back", || {
        (world
            .log()
            .matches("the setting log.level is in force")
            .count()
            == 2)
            .then_some(())
    });
    let before = loud(&world);
    world.done("session/alive", json!({}));
    assert_eq!(loud(&world), before);
}

#[test]
fn figures_follow_what_is_done() {
    let mut world = World::new(PROGRAM);
    world.policy("local", json!({"local_auth": "authenticator_or_password"}));
    world.hotp_user("hilda");
    world.user("peter", Some("Correct-Horse-7"));
    for counter in 0..3 {
        assert!(
            world
                .pap("hilda", &fast_hotp(KEY_HEX, counter, 6))
                .is_accept()
        );
    }
    let verified = |world: &World| world.metric("countersign_password_seconds_count", "verify");
    let before = verified(&world);
    assert!(world.pap("peter", "Correct-Horse-7").is_accept());
    assert_eq!(verified(&world), before + 1);
    let radius = "via=\"radius\"";
    for (name, label, wanted) in [
        ("countersign_logons_total", radius, 4),
        ("countersign_logon_seconds_count", radius, 4),
        ("countersign_commit_wait_seconds_count", radius, 4),
        ("countersign_radius_batch_size_count", "", 4),
        ("countersign_radius_pending", "", 0),
        ("countersign_store_waiting", "", 0),
        ("countersign_ready", "", 1),
    ] {
        assert_eq!(world.metric(name, label), wanted, "{name}");
    }
    assert!(world.metric("countersign_store_batch_size_count", "") >= 4);
    assert!(world.metric("countersign_store_commit_seconds_count", "") >= 4);
    assert!(world.metric("countersign_cache_hits_total", "") >= 2);
    assert!(world.metric("countersign_cache_misses_total", "") >= 2);
    assert!(world.metric("countersign_memory_bytes", "") > 1_000_000);
    let expires = world.metric("countersign_certificate_expires_seconds", "");
    let started = world.metric("countersign_start_time_seconds", "");
    assert!(expires > started + 300 * 86_400, "{expires} {started}");
}
