//! A database, or one row of it, put back to an earlier state is noticed; and refusals under generic codes are alike.

#![expect(clippy::expect_used, reason = "a test may fail")]

use countersign_testkit::oath::{KEY_HEX, hotp, wrong};
use countersign_testkit::{Answer, World};
use serde_json::{Value, json};
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// What differs from answer to answer because the requests differ.
const HEADER_AND_MESSAGE_AUTHENTICATOR: usize = 20 + 18;

#[test]
fn a_database_put_back_is_not_served_until_it_is_accepted() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    let serial = world.hotp_user("otto");
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_accept());
    world.stop();
    world.copy_store();
    world.up();
    assert!(world.pap("otto", &hotp(KEY_HEX, 1)).is_accept());
    world.stop(); // the last checkpoint is written by now
    world.put_store_back();

    let log = world.try_up().expect_err("an older store is not served");
    assert!(log.contains("E-115003"), "{log}");
    assert!(
        log.contains("accept-rollback"),
        "the way out is named: {log}"
    );
    let refused = world.run(&["audit", "accept-rollback", "--reason", " "]);
    assert_eq!(refused.status.code(), Some(1));
    world.try_up().expect_err("still not accepted");

    world.run_ok(&[
        "audit",
        "accept-rollback",
        "--reason",
        "restored Monday's backup in a test",
    ]);
    world.up();
    assert_eq!(
        world.application(&serial)["next_counter"],
        1,
        "the store is the older one"
    );
    let starts = world.audit(json!({"code": "I-115001"}));
    let accepted: Vec<_> = starts
        .iter()
        .filter(|start| {
            start["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("Monday"))
        })
        .collect();
    assert_eq!(
        accepted.len(),
        1,
        "the chain that begins then says why: {starts:?}"
    );
    world.run_ok(&["audit", "verify"]);
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 1)).is_accept(),
        "service goes on"
    );
    world.stop();
    world.up();
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 2)).is_accept(),
        "and after the next start"
    );
}

#[test]
fn an_authenticator_put_back_is_named() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({}));
    let harmed = world.hotp_user("otto");
    let untouched = world.hotp_user("anna");
    for counter in 0..3 {
        for user in ["otto", "anna"] {
            assert!(world.pap(user, &hotp(KEY_HEX, counter)).is_accept());
        }
    }
    world.run_ok(&["audit", "verify", "--moving-factors"]);
    world.stop();
    let changed = world.change_rows(&format!(
        "UPDATE application_state SET counter = 1 WHERE application_key =
         (SELECT application.key FROM application JOIN authenticator ON authenticator.key = authenticator_key WHERE serial = '{harmed}')"
    ));
    assert_eq!(changed, 1, "the row is put back");

    let said = world.run(&["audit", "verify", "--moving-factors"]);
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&harmed) && !text.contains(&untouched),
        "{text}"
    );
    world.run_ok(&["audit", "verify"]);
    world.up();
    let over_json = world.admin("audit/verify", json!({"moving_factors": true}));
    assert!(
        over_json.text.contains(&harmed) && !over_json.text.contains(&untouched),
        "{}",
        over_json.text
    );
}

#[test]
fn refusals_under_generic_codes_are_alike() {
    let mut world = World::new(PROGRAM);
    world.policy(
        "local_or_password",
        json!({"generic_status_codes": "yes", "user_lock_threshold": 0}),
    );
    world.hotp_user("otto");
    world.user("paul", Some("Correct-Horse-71"));
    let floor: u32 = 150;
    world.setting("auth.refusal_floor_ms", json!(floor));
    let scenes = [
        json!({"user": "nobody", "password": "Battery-Staple-72"}),
        json!({"user": "paul", "password": "Battery-Staple-72"}),
        json!({"user": "otto", "password": wrong(KEY_HEX, 6)}),
    ];
    let answers: Vec<Answer> = scenes.iter().map(|body| world.app(body.clone())).collect();
    let bodies: Vec<Value> = answers.iter().map(without_request_id).collect();
    assert_eq!(bodies[0]["status_code"], 1000, "{}", answers[0].text);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    for answer in &answers {
        assert!(
            answer.seconds * 1000.0 >= f64::from(floor),
            "after {} s: {}",
            answer.seconds,
            answer.text
        );
    }
    let reals: Vec<Value> = ["nobody", "paul", "otto"]
        .map(|user| world.last_record(user)["status_code"].clone())
        .to_vec();
    assert_eq!(reals, [json!(1010), json!(1011), json!(1012)]);

    let mut raw = world.raw();
    let mut ends = Vec::new();
    for (user, typed) in [
        ("nobody", "Battery-Staple-72".to_owned()),
        ("paul", "Battery-Staple-72".to_owned()),
        ("otto", wrong(KEY_HEX, 6)),
    ] {
        let request = raw.pap(user, &typed);
        let begun = Instant::now();
        let answer = raw.ask(&request).expect("an answer");
        assert!(begun.elapsed().as_millis() >= u128::from(floor), "{user}");
        ends.push(answer[HEADER_AND_MESSAGE_AUTHENTICATOR..].to_vec());
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}

fn without_request_id(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body.as_object_mut()
        .expect("an object")
        .remove("request_id");
    body
}
