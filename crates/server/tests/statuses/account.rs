use super::{proof, world};
use countersign_testkit::World;
use countersign_testkit::oath::{KEY_HEX, hotp, wrong};
use serde_json::{Value, json};

#[test]
fn locked_accounts() {
    let proof = proof("locked_accounts");
    let mut world = world();
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 3, "max_unlock_attempts": 0}),
    );
    world.hotp_user("lola");
    for _ in 0..3 {
        world.proves_pap(&proof, 1012, "lola", &wrong(KEY_HEX, 6));
    }
    world.proves_pap(&proof, 1007, "lola", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1007,
        json!({"user": "lola", "otp": hotp(KEY_HEX, 0)}),
    );
    let seen = world.seen("lola");
    assert_eq!(
        (&seen["locked"], &seen["lock_reason"], &seen["lock_count"]),
        (&json!(true), &json!("failures"), &json!(3))
    );
    assert_eq!(world.audit(json!({"code": "W-106001"})).len(), 1);

    world.done("user/unlock", json!({"user": "lola"}));
    world.proves_pap(&proof, 0, "lola", &hotp(KEY_HEX, 0));
    world.done("user/lock", json!({"user": "lola"}));
    world.proves_pap(&proof, 1007, "lola", &hotp(KEY_HEX, 1));
}

#[test]
fn disabled_and_expired_accounts() {
    let proof = proof("disabled_and_expired_accounts");
    let mut world = world();
    world.policy("local_only", json!({}));
    world.hotp_user("dora");
    world.done("user/disable", json!({"user": "dora"}));
    world.proves_pap(&proof, 1009, "dora", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1009,
        json!({"user": "dora", "otp": hotp(KEY_HEX, 0)}),
    );
    world.done("user/enable", json!({"user": "dora"}));
    world.done(
        "user/set-expiration",
        json!({"user": "dora", "expires_at": "2020-02-29T00:00:00Z"}),
    );
    world.proves_pap(&proof, 1009, "dora", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1009,
        json!({"user": "dora", "otp": hotp(KEY_HEX, 0)}),
    );
}

#[test]
fn unknown_accounts() {
    let proof = proof("unknown_accounts");
    let mut world = world();
    world.policy("local_only", json!({}));
    world.proves_pap(&proof, 1010, "nobody", "755224");
    world.proves_app(&proof, 1010, json!({"user": "nobody", "otp": "755224"}));

    world.done("domain/create", json!({"name": "elsewhere.example"}));
    world.policy(
        "local_only",
        json!({"accepted_domains": ["elsewhere.example"]}),
    );
    world.hotp_user("adam");
    world.proves_pap(&proof, 1010, "adam", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1010,
        json!({"user": "adam", "domain": "master", "otp": hotp(KEY_HEX, 0)}),
    );
}

#[test]
fn generic_codes() {
    let proof = proof("generic_codes");
    let mut world = world();
    let scenes = furnish(&mut world);
    world.policy(
        "local_only",
        json!({"generic_status_codes": "yes", "user_lock_threshold": 3, "max_unlock_attempts": 0}),
    );
    for (real, user, typed) in &scenes {
        hidden(&mut world, &proof, *real, user, typed);
    }
    world.policy("local_or_password", json!({"generic_status_codes": "yes"}));
    world.user("paul", Some("Penelope-waits-20-years"));
    hidden(&mut world, &proof, 1011, "paul", "Odysseus-travels");
}

/// The scenario of each of the eight codes but 1023, which takes a back-end.
fn furnish(world: &mut World) -> Vec<(i16, &'static str, String)> {
    for user in ["lola", "dora", "olga", "ernie", "mona"] {
        world.hotp_user(user);
    }
    world.done("user/lock", json!({"user": "lola"}));
    world.done("user/disable", json!({"user": "dora"}));
    let serial = serial_of(world, "ernie");
    world.done(
        "authenticator/set-expiration",
        json!({"serial": serial, "expires_at": "2020-01-31"}),
    );
    world.done(
        "user/set-password",
        json!({"user": "mona", "password": "Gioconda-smiles-still"}),
    );
    vec![
        (1007, "lola", hotp(KEY_HEX, 0)),
        (1009, "dora", hotp(KEY_HEX, 0)),
        (1010, "nobody", hotp(KEY_HEX, 0)),
        (1012, "olga", wrong(KEY_HEX, 6)),
        (1025, "ernie", hotp(KEY_HEX, 0)),
        (1033, "mona", "Gioconda-smiles-still".to_owned()),
    ]
}

fn serial_of(world: &mut World, user: &str) -> Value {
    let answer = world.done("authenticator/query", json!({"filter": {"user": user}}));
    countersign_testkit::world::rows(&answer)[0]["serial"].clone()
}

/// Both interfaces say 1000 and nothing else, and the audit has the real code.
fn hidden(
    world: &mut World,
    proof: &countersign_testkit::Proof,
    real: i16,
    user: &str,
    typed: &str,
) {
    let packet = world.pap(user, typed);
    proof.radius(1000, &packet);
    let record = world.last_record(user);
    assert_eq!(
        (&record["status_code"], &record["client_status_code"]),
        (&json!(real), &json!(1000)),
        "{record}"
    );

    let answer = world.app(json!({"user": user, "password": typed}));
    proof.auth(1000, &answer);
    world.real(real, &answer);
    let body = &answer.body;
    assert_eq!(
        (&body["result"], &body["warnings"], &body["errors"]),
        (&json!({}), &json!([]), &json!([])),
        "{}",
        answer.text
    );
    assert_eq!(
        body["message"],
        countersign_engine::Status::INVCREDENTIALS.message()
    );
}

#[test]
fn unreadable_credentials() {
    let proof = proof("unreadable_credentials");
    let mut world = world();
    world.policy("local_only", json!({}));
    let control = world.radius(&[
        ("User-Name", "\"a\\001b\""),
        ("User-Password", "\"755224\""),
    ]);
    proof.radius(1000, &control);
    for user in ["", "a\u{1}b", &"x".repeat(256)] {
        let answer = world.app(json!({"user": user, "otp": "755224"}));
        proof.auth(1000, &answer);
        world.real(1000, &answer);
    }
    let key = countersign_testkit::curl::post(
        &world.url("/v1/admin/user/query"),
        &json!({}),
        &["--header", "Authorization: ApiKey 1:deadbeefdeadbeef"],
    );
    proof.admin(1000, &key);
}
