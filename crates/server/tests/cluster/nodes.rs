//! Equal nodes: what one knows the other knows.

use super::pair;
use countersign_testkit::oath::{KEY_HEX, hotp, ocra, wrong};
use countersign_testkit::world::SUITE;
use countersign_testkit::{Answer, Server, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What a change may take to work on every node (administration.md 15).
const SOON: Duration = Duration::from_secs(1);

fn ask(node: &Server, verb: &str, mut body: Value) -> Answer {
    body["component"] = "app".into();
    node.post(&format!("/v1/auth/{verb}"), &[], &body)
}

#[test]
fn a_change_on_one_node_works_on_the_other_in_under_a_second() {
    let (mut off, mut on) = (String::new(), String::new());
    let Some((mut world, other)) = pair(|world| {
        off = world.policy("base", json!({"user_lock_threshold": 0}));
        on = world.policy("local_only", json!({"user_lock_threshold": 0}));
        world.hotp_user("otto");
    }) else {
        return;
    };
    let bad = wrong(KEY_HEX, 6);
    let status =
        |node: &Server| ask(node, "authenticate", json!({"user": "otto", "otp": bad})).status();
    assert_eq!(status(&other), 1012);
    for (policy, expected) in [(&off, 5002), (&on, 1012), (&off, 5002), (&on, 1012)] {
        world.use_policy(policy);
        let changed = Instant::now();
        until("the change", || (status(&other) == expected).then_some(()));
        let took = changed.elapsed();
        assert!(took < SOON, "{policy} after {took:?}");
        assert_eq!(status(&world), expected);
    }
    let token = world.token();
    let seen = other.admin_as(&token, "user/view", &json!({"user": "otto"}));
    assert_eq!(
        seen.status(),
        0,
        "a session counts on each node: {}",
        seen.text
    );
    world.done("user/disable", json!({"user": "otto"}));
    assert_eq!(status(&other), 1009, "what a user is, is never stale");
}

#[test]
fn challenges_answers_and_failures_are_shared() {
    let Some((mut world, other)) = pair(|world| {
        world.policy("challenge_response", json!({"user_lock_threshold": 3}));
        world.user("cara", None);
        world.ocra("cara");
    }) else {
        return;
    };
    let challenge = until("both know the policy", || {
        let asked = ask(
            &other,
            "authenticate",
            json!({"user": "cara", "password": "challenge"}),
        );
        (asked.status() == 3001).then_some(asked)
    });
    let response = ocra(SUITE, KEY_HEX, &challenge.text("challenge"));
    let answer = json!({"user": "cara", "challenge_key": challenge.text("challenge_key"), "response": response});
    let first = ask(&world, "authenticate", answer.clone());
    assert_eq!(
        first.status(),
        0,
        "made at one, answered at the other: {}",
        first.text
    );
    assert_eq!(
        ask(&other, "authenticate", answer).status(),
        3002,
        "and used up at both"
    );

    world.policy("local_only", json!({"user_lock_threshold": 3}));
    let serial = world.hotp_user("otto");
    let mut tries = 0;
    let (request, done) = until("both know the policy", || {
        tries += 1; // an answer is kept, a refusal too
        let request = json!({"user": "otto", "otp": hotp(KEY_HEX, 0), "request_id": format!("request-{tries}")});
        let done = ask(&other, "authenticate", request.clone());
        (done.status() == 0).then_some((request, done))
    });
    let again = ask(&world, "authenticate", request.clone());
    assert_eq!(again.body, done.body, "the kept answer");
    assert_eq!(world.application(&serial)["next_counter"], 1);
    let mut differs = request;
    differs["otp"] = hotp(KEY_HEX, 1).into();
    assert_eq!(ask(&world, "authenticate", differs).status(), -2);

    let bad = json!({"user": "otto", "otp": wrong(KEY_HEX, 6)});
    for node in [&*world, &other, &*world] {
        assert_eq!(ask(node, "authenticate", bad.clone()).status(), 1012);
    }
    let good = json!({"user": "otto", "otp": hotp(KEY_HEX, 1)});
    for node in [&other, &*world] {
        assert_eq!(
            ask(node, "authenticate", good.clone()).status(),
            1007,
            "locked everywhere"
        );
    }
    assert_eq!(world.seen("otto")["lock_count"], 3);
}

#[test]
fn the_chains_of_nodes_are_anchored_to_each_other() {
    let Some((mut world, mut other)) = pair(|world| {
        world.policy("local_only", json!({}));
        world.hotp_user("otto");
    }) else {
        return;
    };
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    until("the other node accepts", || {
        other
            .pap("otto", &hotp(KEY_HEX, 1))
            .is_accept()
            .then_some(())
    });
    other.stop(); // its last checkpoint is signed
    world.stop(); // and named by this one
    let said = world.run_ok(&["audit", "verify"]);
    assert!(
        said.starts_with("intact\n") && said.contains("2 nodes"),
        "{said}"
    );
    let removed = world.change_rows("DELETE FROM audit_segment WHERE epoch IN (SELECT number FROM audit_epoch WHERE node = 'node-b')");
    assert!(removed > 0);
    let said = world.run(&["audit", "verify"]);
    assert_eq!(
        said.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&said.stdout)
    );
}
