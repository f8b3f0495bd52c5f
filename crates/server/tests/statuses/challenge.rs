use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, ocra};
use countersign_testkit::radclient::quoted;
use countersign_testkit::world::SUITE;
use countersign_testkit::{Answer, Packet, Proof, World, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const KEYWORD: &str = "challenge";

fn response(question: &str) -> String {
    ocra(SUITE, KEY_HEX, question)
}

/// The digits of a challenge in its text.
fn digits(text: &str) -> String {
    let text = text.rsplit_once(" (").map_or(text, |(front, _)| front);
    text.rsplit(' ').next().expect("a last word").to_owned()
}

fn asked(world: &mut World, proof: &Proof, user: &str) -> Packet {
    world.proves_pap(proof, 3001, user, KEYWORD)
}

fn answered(world: &mut World, proof: &Proof, code: i16, user: &str, challenge: &Packet) {
    let response = quoted(&response(&digits(
        challenge.get("Reply-Message").expect("a text"),
    )));
    world.proves_radius(
        proof,
        code,
        user,
        &[("User-Password", &response), ("State", &challenge.state())],
    );
}

fn asked_app(world: &mut World, proof: &Proof, user: &str) -> Answer {
    world.proves_app(proof, 3001, json!({"user": user, "password": KEYWORD}))
}

fn answer_to(user: &str, challenge: &Answer) -> Value {
    json!({"user": user, "challenge_key": challenge.text("challenge_key"), "response": response(&challenge.text("challenge"))})
}

#[test]
fn challenges_in_two_steps() {
    let proof = proof("challenges_in_two_steps");
    let mut world = world();
    let policy = world.policy("challenge_response", json!({"user_lock_threshold": 0}));
    world.user("cara", None);
    world.ocra("cara");

    let challenge = asked(&mut world, &proof, "cara");
    for name in ["State", "Reply-Message", "Prompt", "Session-Timeout"] {
        assert!(challenge.get(name).is_some(), "{name}: {}", challenge.text);
    }
    answered(&mut world, &proof, 0, "cara", &challenge);
    answered(&mut world, &proof, 3002, "cara", &challenge); // consumed

    // two challenges, the first one answered: not the newest
    let (first, second) = (
        asked(&mut world, &proof, "cara"),
        asked(&mut world, &proof, "cara"),
    );
    answered(&mut world, &proof, 1013, "cara", &first);
    answered(&mut world, &proof, 0, "cara", &second);
    let (first, second) = (
        asked_app(&mut world, &proof, "cara"),
        asked_app(&mut world, &proof, "cara"),
    );
    world.proves_app(&proof, 1013, answer_to("cara", &first));
    let mut wrong = answer_to("cara", &second);
    wrong["response"] = if wrong["response"] == "123456" {
        "654321"
    } else {
        "123456"
    }
    .into();
    world.proves_app(&proof, 1012, wrong);
    world.proves_app(&proof, 0, answer_to("cara", &second));
    // mode 0 does not look at the order
    world.done(
        "policy/update",
        json!({"policy_id": policy, "challenge_check_mode": 0}),
    );
    let (first, _second) = (
        asked(&mut world, &proof, "cara"),
        asked(&mut world, &proof, "cara"),
    );
    answered(&mut world, &proof, 0, "cara", &first);

    // nobody's challenge, somebody else's, and none at all
    let unknown = [
        ("User-Password", "\"123456\""),
        ("State", "0x0123456789abcdef0123456789abcdef"),
    ];
    world.proves_radius(&proof, 3002, "cara", &unknown);
    world.proves_app(&proof, 3002, json!({"user": "cara", "response": "123456"}));
    world.user("carl", None);
    world.ocra("carl");
    let hers = asked_app(&mut world, &proof, "cara");
    world.proves_app(&proof, 3002, answer_to("carl", &hers));
}

#[test]
fn challenges_that_grow_old() {
    let proof = proof("challenges_that_grow_old");
    let mut world = world();
    world.policy("challenge_response", json!({"user_lock_threshold": 0}));
    world.setting("challenge.max_age_s", json!(1));
    world.setting("challenge.keep_expired_s", json!(4));
    for user in ["otto", "oona"] {
        world.user(user, None);
        world.ocra(user);
    }
    let begun = Instant::now();
    let over_radius = asked(&mut world, &proof, "otto");
    let over_json = asked_app(&mut world, &proof, "oona");
    wait_until(begun + Duration::from_millis(2500));
    answered(&mut world, &proof, 1004, "otto", &over_radius);
    world.proves_app(&proof, 1004, answer_to("oona", &over_json));
    wait_until(Instant::now() + Duration::from_millis(4000));
    answered(&mut world, &proof, 3002, "otto", &over_radius);
}

#[test]
fn challenges_in_one_step() {
    let proof = proof("challenges_in_one_step");
    let mut world = world();
    world.use_policy("base");
    proof.auth(1036, &world.app_verb("challenge", json!({})));

    let one_step = json!({"one_step_challenge": "server_challenge", "one_step_challenge_length": 8, "challenge_check_mode": 0, "user_lock_threshold": 0});
    let policy = world.policy("local_only", one_step);
    world.user("cara", None);
    world.ocra("cara");
    let challenge = world.app_verb("challenge", json!({}));
    proof.auth(0, &challenge);
    let made = challenge.text("challenge");
    assert!(
        made.len() == 8 && made.bytes().all(|digit| digit.is_ascii_digit()),
        "{made}"
    );
    world.proves_app(&proof, 0, answer_to("cara", &challenge));

    world.done(
        "policy/update",
        json!({"policy_id": policy, "challenge_check_mode": 1}),
    );
    let challenge = world.app_verb("challenge", json!({}));
    world.proves_app(&proof, 1013, answer_to("cara", &challenge));

    world.done("policy/update", json!({"policy_id": policy, "challenge_check_mode": 0, "one_step_challenge": "any_challenge"}));
    let own = json!({"user": "cara", "challenge": "20261231", "response": response("20261231")});
    world.proves_app(&proof, 0, own.clone());
    world.proves_app(&proof, 1008, own);
}

#[test]
fn clients_without_challenges() {
    let proof = proof("clients_without_challenges");
    let mut world = world();
    world.policy(
        "challenge_response",
        json!({"radius_protocols": [], "user_lock_threshold": 0}),
    );
    world.user("cara", None);
    world.ocra("cara");
    world.proves_radius(&proof, 1034, "cara", &[("CHAP-Password", KEYWORD)]);
    for kind in ["radius_client", "app"] {
        world.component(kind, json!({"challenges": false}));
    }
    world.proves_pap(&proof, 1035, "cara", KEYWORD);
    world.proves_app(&proof, 1035, json!({"user": "cara", "password": KEYWORD}));
}
