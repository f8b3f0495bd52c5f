//! authentication.md 8.7 and radius.md 2: hash protocols.

use super::world::{Ask, WRONG, World, grant, status, value};
use serde_json::json;

fn world(password: bool) -> World {
    let world =
        World::new(json!({"local_auth": "authenticator_or_password", "second_otp_sync": "yes"}));
    if password {
        world.with_copy("Secret")
    } else {
        world
    }
    .with_hotp()
}

#[test]
fn every_plaintext_that_could_be_right() {
    for plain in [
        value(2),
        value(21),
        format!("Secret{}", value(3)),
        "Secret".to_owned(),
    ] {
        let mut world = world(true);
        let granted = grant(world.send(&Ask::hashed(&plain)));
        assert_eq!(
            granted.matched.map(|one| one.expose().to_vec()),
            Some(plain.clone().into_bytes()),
            "{plain}"
        );
        assert!(world.asked.is_empty());
    }
    let mut with_pin = world(true).with_pin(Some("1234"));
    assert_eq!(with_pin.try_ask(&Ask::hashed(&value(2))), 1012);
    assert_eq!(
        with_pin.try_ask(&Ask::hashed(&format!("1234{}", value(2)))),
        0
    );
    assert_eq!(
        with_pin.try_ask(&Ask::hashed(&format!("Secret1234{}", value(3)))),
        0
    );
    assert_eq!(with_pin.state().counter, 4);
}

#[test]
fn what_hash_protocols_cannot_do() {
    let mut world = world(false).with_password("Secret");
    assert_eq!(
        world.try_ask(&Ask::hashed("Secret")),
        1012,
        "no recoverable copy"
    );
    assert_eq!(
        world.try_ask(&Ask::hashed(&value(100))),
        1012,
        "no second OTP"
    );
    assert_eq!(world.try_ask(&Ask::hashed(&value(2))), 0);
    assert_eq!(world.try_ask(&Ask::hashed(&value(2))), 1008);
    assert_eq!(world.try_ask(&Ask::hashed(WRONG)), 1012);
    assert_eq!(world.user().lock_count, 2, "two failures since the success");
    let mut first_pin = super::hashes::world(false).with_pin(None);
    assert_eq!(first_pin.try_ask(&Ask::hashed(&value(2))), 1020);
    assert_eq!(first_pin.state().counter, 2);
}

#[test]
fn the_initial_window_without_proof_is_the_ordinary_one() {
    let mut world =
        World::new(json!({"local_auth": "authenticator_only", "initial_window_proof": "yes"}))
            .with_totp();
    world.application_mut().state.initial = true;
    assert_eq!(world.try_ask(&Ask::hashed(&world.totp(11))), 1012);
    assert_eq!(world.try_ask(&Ask::hashed(&world.totp(10))), 0);
}

#[test]
fn requests_for_a_challenge_are_refused() {
    let policy = json!({"local_auth": "authenticator_only", "challenge_request_method": "keyword", "challenge_request_keyword": "ask"});
    let mut world = World::new(policy)
        .with_copy("Secret")
        .with_suite("OCRA-1:HOTP-SHA256-6:QN08");
    assert_eq!(world.try_ask(&Ask::hashed("ask")), 1034);
    assert_eq!(world.try_ask(&Ask::hashed("askSecret")), 1034);
    assert_eq!(world.try_ask(&Ask::hashed("asx")), 1012);
}

#[test]
fn the_search_has_an_end() {
    let mut world = World::new(json!({"local_auth": "authenticator_only", "event_window": 1000}));
    for key in 1..=6 {
        let mut application = super::world::hotp_application(key);
        application.state.counter = 10_000 * u64::try_from(key).unwrap();
        world.add(application);
    }
    let decision = world.send(&Ask::hashed(&value(60_500)));
    assert_eq!(status(&decision), 1012);
    assert!(
        decision
            .trace
            .render()
            .contains("4096 values tried, cut at the limit")
    );
    assert_eq!(world.try_ask(&Ask::hashed(&value(30_500))), 0);
    world = world.with_copy("Secret");
    assert_eq!(
        world.try_ask(&Ask::hashed("Secret")),
        1033,
        "the password is within the limit"
    );
}

#[test]
fn users_without_authenticator() {
    let mut world = World::new(json!({"local_auth": "grace_period"})).with_copy("Secret");
    assert_eq!(world.try_ask(&Ask::hashed("Secret")), 0);
    assert_eq!(world.try_ask(&Ask::hashed("wrong")), 1011);
    world.policy(json!({"local_auth": "grace_period", "back_end_auth": "if_needed"}));
    assert_eq!(
        world.try_ask(&Ask::hashed("wrong")),
        1011,
        "the copy was compared, and a hash is passed on only where nobody decides here"
    );
}
