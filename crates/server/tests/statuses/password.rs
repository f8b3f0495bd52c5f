use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Options, Server, World, peer};
use serde_json::json;

const RIGHT: &str = "Correct-Horse-71";

#[test]
fn static_passwords() {
    let proof = proof("static_passwords");
    let mut world = world();
    world.policy("local_or_password", json!({"user_lock_threshold": 0}));
    world.user("paul", Some(RIGHT));
    world.proves_pap(&proof, 1011, "paul", "Battery-Staple-72");
    world.proves_app(
        &proof,
        1011,
        json!({"user": "paul", "static_password": "Battery-Staple-72"}),
    );
    world.proves_pap(&proof, 0, "paul", RIGHT);
    world.proves_app(&proof, 0, json!({"user": "paul", "password": RIGHT}));
    world.user("fresh", None);
    world.proves_pap(&proof, 1020, "fresh", "anything-at-all");
    world.proves_app(
        &proof,
        1020,
        json!({"user": "fresh", "password": "anything-at-all"}),
    );

    world.policy("local", json!({"user_lock_threshold": 0}));
    world.user("greta", Some(RIGHT));
    world.hotp("greta");
    world.proves_pap(&proof, 0, "greta", RIGHT);
    world.proves_pap(&proof, 0, "greta", &hotp(KEY_HEX, 0));
    world.proves_pap(&proof, 1014, "greta", RIGHT);
    world.proves_app(&proof, 1014, json!({"user": "greta", "password": RIGHT}));

    world.policy("local_only", json!({"user_lock_threshold": 0}));
    world.proves_pap(&proof, 1033, "greta", RIGHT);
    world.proves_app(
        &proof,
        1033,
        json!({"user": "greta", "static_password": RIGHT}),
    );
    world.proves_pap(&proof, 1033, "paul", RIGHT);
}

#[test]
fn new_passwords() {
    let proof = proof("new_passwords");
    let mut world = world();
    world.policy(
        "local_or_password",
        json!({"password_autolearn": "no", "user_lock_threshold": 0}),
    );
    world.user("nora", Some(RIGHT));
    let update = |old: &str, new: &str, confirm: &str| json!({"user": "nora", "old_password": old, "new_password": new, "confirm_password": confirm});
    let verb = "update-password";
    proof.auth(
        1037,
        &world.app_verb(verb, update(RIGHT, "Another-Horse-73", "Another-Horse-73")),
    );

    world.policy(
        "local_or_password",
        json!({"password_autolearn": "yes", "user_lock_threshold": 0}),
    );
    world.done(
        "policy/update",
        json!({"policy_id": "server", "pw_min_length": 8, "pw_history": 5}),
    );
    proof.auth(
        1011,
        &world.app_verb(
            verb,
            update("Wrong-Horse-74", "Another-Horse-73", "Another-Horse-73"),
        ),
    );
    proof.auth(
        1019,
        &world.app_verb(verb, update(RIGHT, "Another-Horse-73", "Another-Mare-73")),
    );
    proof.auth(1024, &world.app_verb(verb, update(RIGHT, "abc", "abc")));
    proof.auth(
        0,
        &world.app_verb(verb, update(RIGHT, "Another-Horse-73", "Another-Horse-73")),
    );
    let taken = world.app(json!({"user": "nora", "password": "Another-Horse-73"}));
    assert_eq!(taken.status(), 0, "{}", taken.text);

    proof.admin(
        1019,
        &world.curl_admin(
            "user/set-password",
            json!({"user": "nora", "password": "Third-Horse-75", "confirm": "Third-Mare-75"}),
        ),
    );
    // rules of other users come from the root of the server component's policy
    world.done(
        "policy/update",
        json!({"policy_id": "base", "pw_history": 5}),
    );
    proof.admin(
        1024,
        &world.curl_admin(
            "user/set-password",
            json!({"user": "nora", "password": "abc"}),
        ),
    );
    proof.admin(
        0,
        &world.curl_admin(
            "user/set-password",
            json!({"user": "nora", "password": "Third-Horse-75"}),
        ),
    );
    proof.admin(
        1024,
        &world.curl_admin(
            "user/set-password",
            json!({"user": "nora", "password": "Another-Horse-73"}),
        ),
    );
}

#[test]
fn two_days_later() {
    let proof = proof("two_days_later");
    if peer::find("faketime").is_none() {
        std::mem::forget(proof);
        return;
    }
    let mut world = world();
    world.setting("clock.max_skew_s", json!(0)); // a shared store would tell that the clock is wrong
    // the age, as all rules of passwords, comes from the root of the server component's policy
    world.done(
        "policy/update",
        json!({"policy_id": "base", "pw_max_age_days": 1}),
    );
    let suspending = world.policy("local_only", json!({"max_days_between_authentications": 1}));
    world.use_policy("local_or_password");
    world.user("aged", Some(RIGHT));
    world.hotp_user("seldom");
    later(&mut world);
    world.proves_pap(&proof, 1026, "aged", RIGHT);
    world.proves_app(&proof, 1026, json!({"user": "aged", "password": RIGHT}));
    world.use_policy(&suspending);
    world.proves_pap(&proof, 1009, "seldom", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1009,
        json!({"user": "seldom", "otp": hotp(KEY_HEX, 0)}),
    );
    world.done("user/reset-last-auth", json!({"user": "seldom"}));
    assert!(world.pap("seldom", &hotp(KEY_HEX, 0)).is_accept());
}

/// Starts the server again, two days later by its clock.
fn later(world: &mut World) {
    let server: &mut Server = world;
    server.stop();
    server.set_options(Options {
        before: vec!["faketime".into(), "-f".into(), "+2d".into()],
        ..Options::default()
    });
    server.up();
    server.forget_session();
}
