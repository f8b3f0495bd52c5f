use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp, totp_now, wrong};
use countersign_testkit::radclient::quoted;
use serde_json::json;

#[test]
fn right_used_and_wrong_one_time_passwords() {
    let proof = proof("right_used_and_wrong_one_time_passwords");
    let mut world = world();
    world.policy(
        "base",
        json!({"local_auth": "authenticator_only", "user_lock_threshold": 0}),
    );

    world.hotp_user("harriet");
    world.proves_pap(&proof, 0, "harriet", &hotp(KEY_HEX, 2));
    world.proves_pap(&proof, 1008, "harriet", &hotp(KEY_HEX, 1));
    world.proves_pap(&proof, 1008, "harriet", &hotp(KEY_HEX, 2));
    world.proves_app(
        &proof,
        1008,
        json!({"user": "harriet", "otp": hotp(KEY_HEX, 0)}),
    );
    world.proves_app(
        &proof,
        0,
        json!({"user": "harriet", "otp": hotp(KEY_HEX, 3)}),
    );
    world.proves_pap(&proof, 1012, "harriet", &wrong(KEY_HEX, 6));
    world.proves_app(
        &proof,
        1012,
        json!({"user": "harriet", "password": hotp(KEY_HEX, 4 + 20)}),
    );
    world.proves_app(
        &proof,
        0,
        json!({"user": "harriet", "password": hotp(KEY_HEX, 4 + 19)}),
    );

    world.user("theo", None);
    world.totp("theo");
    let now = totp_now(KEY_HEX, 0);
    world.proves_pap(&proof, 0, "theo", &now);
    world.proves_pap(&proof, 1008, "theo", &now); // radclient takes another identifier and authenticator
    world.proves_app(&proof, 1008, json!({"user": "theo", "otp": now}));
    // 12 and not 11: a step may end between the two computations
    world.proves_pap(&proof, 1012, "theo", &totp_now(KEY_HEX, 12));
    world.proves_app(
        &proof,
        0,
        json!({"user": "theo", "otp": totp_now(KEY_HEX, 8)}),
    );
}

#[test]
fn server_pins() {
    let proof = proof("server_pins");
    let mut world = world();
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    world.user("petra", None);
    let serial = world.authenticator("petra", json!({"algorithm": "HOTP", "secret_hex": KEY_HEX, "pin_supported": true, "pin_min_length": 5}));
    let application = json!({"serial": serial, "application": "RO"});
    world.done("application/enable-pin", application.clone());
    world.done(
        "application/set-pin",
        json!({"serial": serial, "application": "RO", "pin": "31415"}),
    );

    world.proves_pap(&proof, 1012, "petra", &format!("27182{}", hotp(KEY_HEX, 0)));
    world.proves_pap(&proof, 0, "petra", &format!("31415{}", hotp(KEY_HEX, 0)));
    world.proves_app(
        &proof,
        1012,
        json!({"user": "petra", "pin": "27182", "otp": hotp(KEY_HEX, 1)}),
    );
    world.proves_app(
        &proof,
        0,
        json!({"user": "petra", "pin": "31415", "otp": hotp(KEY_HEX, 1)}),
    );

    // too short a new PIN, then a forced change that is not made: nothing is consumed
    world.proves_pap(
        &proof,
        1020,
        "petra",
        &format!("31415{}14141414", hotp(KEY_HEX, 2)),
    );
    world.done("application/force-pin-change", application);
    world.proves_pap(&proof, 1020, "petra", &format!("31415{}", hotp(KEY_HEX, 2)));
    let changed = json!({"user": "petra", "pin": "31415", "otp": hotp(KEY_HEX, 2), "new_pin": "16180", "confirm_new_pin": "16180"});
    let short = json!({"user": "petra", "pin": "31415", "otp": hotp(KEY_HEX, 2), "new_pin": "1618", "confirm_new_pin": "1618"});
    world.proves_app(&proof, 1020, short);
    world.proves_app(&proof, 0, changed);
    world.proves_pap(&proof, 0, "petra", &format!("16180{}", hotp(KEY_HEX, 3)));
}

#[test]
fn authenticators_past_their_end() {
    let proof = proof("authenticators_past_their_end");
    let mut world = world();
    world.policy("local_only", json!({}));
    let serial = world.hotp_user("ernie");
    world.done(
        "authenticator/set-expiration",
        json!({"serial": serial, "expires_at": "2020-01-31"}),
    );
    world.proves_pap(&proof, 1025, "ernie", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1025,
        json!({"user": "ernie", "otp": hotp(KEY_HEX, 0)}),
    );
}

#[test]
fn host_codes() {
    let proof = proof("host_codes");
    let mut world = world();
    world.policy("local_only", json!({}));
    world.user("hugo", None);
    world.totp("hugo");
    let otp = totp_now(KEY_HEX, 0);
    world.proves_app(
        &proof,
        1062,
        json!({"user": "hugo", "otp": otp, "host_code": "required"}),
    );
    // the value is consumed all the same
    let again = world.app(json!({"user": "hugo", "otp": otp}));
    assert_eq!(again.status(), 1008, "{}", again.text);
    let next = world.proves_app(
        &proof,
        0,
        json!({"user": "hugo", "otp": totp_now(KEY_HEX, 1), "host_code": "optional"}),
    );
    assert!(next.result("host_code").is_null(), "{}", next.text);
}

#[test]
fn resynchronisation_by_a_second_value() {
    let proof = proof("resynchronisation_by_a_second_value");
    let mut world = world();
    world.policy(
        "local_only",
        json!({"second_otp_sync": "yes", "event_window": 10}),
    );
    world.hotp_user("rosa");
    let asked = world.proves_pap(&proof, 3001, "rosa", &hotp(KEY_HEX, 50));
    let (state, next) = (asked.state(), quoted(&hotp(KEY_HEX, 51)));
    world.proves_radius(
        &proof,
        0,
        "rosa",
        &[("User-Password", &next), ("State", &state)],
    );

    let asked = world.proves_app(
        &proof,
        3001,
        json!({"user": "rosa", "otp": hotp(KEY_HEX, 120)}),
    );
    let key = asked.text("challenge_key");
    world.proves_app(
        &proof,
        0,
        json!({"user": "rosa", "challenge_key": key, "response": hotp(KEY_HEX, 121)}),
    );
}
