//! A standby takes over that has not got the last commits, and a primary that hears nothing of its standby.

use crate::{first, health};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Mode, Postgres, Proxy, World, until};
use serde_json::{Value, json};

/// Seconds in which a commit that does not wait for anything is answered.
const PATIENCE: f32 = 3.0;
/// Seconds after which an answer over RADIUS is taken for silence.
const SILENCE: f32 = 0.5;

/// Logs on over JSON; the status.
fn over_json(world: &World, counter: u64) -> i64 {
    let body = json!({"component": "app", "user": "otto", "otp": hotp(KEY_HEX, counter)});
    world.auth("authenticate", &body).status()
}

fn over_radius(world: &World, counter: u64) -> bool {
    world.pap("otto", &hotp(KEY_HEX, counter)).is_accept()
}

#[test]
fn a_standby_without_the_last_commits_is_not_served() {
    let Some(mut primary) = Postgres::start() else {
        return;
    };
    let line = Proxy::to(primary.port());
    let mut database = primary.database();
    let standby = primary.standby("s1", line.port());
    database.also_at(standby.port());
    let name = database.name().to_owned();
    let mut world = first(database);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let serial = world.hotp_user("otto");
    assert!(over_radius(&world, 0));
    until("the standby has it", || {
        standby.has_caught_up_with(&primary).then_some(())
    });
    line.set(Mode::Freeze);
    assert!(over_radius(&world, 1));
    assert_eq!(over_json(&world, 2), 0);
    primary.kill();
    standby.promote();
    let there = standby.open(&name);
    let segments = || there.number("SELECT COUNT(*) FROM audit_segment");
    let before = segments();

    world.set_radius_timeout(SILENCE);
    let seen = until("health says why", || {
        assert!(!over_radius(&world, 2), "a value was accepted again");
        assert!(over_json(&world, 2) < 0, "a value was accepted again");
        let seen = health(&world);
        (seen.http == 503 && seen.text.contains("E-115003")).then_some(seen)
    });
    assert!(seen.text.contains("accept-rollback"), "{}", seen.text);
    for counter in [2, 3] {
        assert_eq!(over_json(&world, counter), -106);
        let silence = world.pap("otto", &hotp(KEY_HEX, counter));
        assert!(silence.is_silent(), "{silence:?}");
    }
    let token = world.token();
    let refused = world.admin_as(&token, "user/view", &json!({"user": "otto"}));
    assert_eq!(refused.status(), -106, "{}", refused.text);
    assert_eq!(segments(), before, "nothing was written");
    let told = world.log().matches("code=\"E-115003\"").count();
    assert!(
        (1..3).contains(&told),
        "once, and by the state file: {}",
        world.log()
    );

    world.kill();
    let log = world
        .try_up()
        .expect_err("a start serves it no more than this one");
    assert!(log.contains("E-115003"), "{log}");
    world.run_ok(&[
        "audit",
        "accept-rollback",
        "--reason",
        "the primary is gone",
    ]);
    world.up();
    assert_eq!(
        world.application(&serial)["next_counter"],
        1,
        "what was lost is lost"
    );
    assert!(over_radius(&world, 1), "on the administrator's word");
    let starts = world.audit(json!({"code": "I-115001"}));
    let told = |start: &Value| {
        start["reason"]
            .as_str()
            .is_some_and(|why| why.contains("primary"))
    };
    assert_eq!(
        starts.iter().filter(|start| told(start)).count(),
        1,
        "{starts:?}"
    );
    world.run_ok(&["audit", "verify"]);
}

#[test]
fn a_commit_that_waits_for_a_standby_is_not_answered_and_not_taken_for_lost() {
    let Some(primary) = Postgres::start() else {
        return;
    };
    let admin = primary.open("postgres");
    let mut world = first(primary.database());
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let serial = world.hotp_user("otto");
    assert!(over_radius(&world, 0));
    admin.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    admin.run("SELECT pg_reload_conf()");
    world.set_radius_timeout(PATIENCE);
    let mut last = 1;
    while over_radius(&world, last) {
        last += 1; // the server has not read its configuration yet
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    assert!(admin.number(waiting) > 0, "no standby has it");
    let status = over_json(&world, last + 1);
    assert!([-10, -103, -106].contains(&status), "{status}");
    until("health says so", || {
        (health(&world).http == 503).then_some(())
    });

    admin.run("ALTER SYSTEM RESET synchronous_standby_names");
    admin.run("SELECT pg_reload_conf()");
    until("service returns", || {
        (health(&world).http == 200).then_some(())
    });
    world.set_radius_timeout(5.0);
    let next = world.application(&serial)["next_counter"]
        .as_u64()
        .expect("a counter");
    assert_eq!(next, last + 1, "what waited took place after all");
    assert!(!over_radius(&world, last), "and is used up");
    assert!(over_radius(&world, next));
    assert!(!world.log().contains("E-115003"), "{}", world.log());
    world.run_ok(&["audit", "verify", "--moving-factors"]);
}
