//! Changes of passwords whose content only the server can read.

use super::{proof, records, world};
use countersign_testkit::slapd::PASSWORD;
use countersign_testkit::{Answer, Slapd, World, curl, jose, peer};
use serde_json::{Value, json};
use std::time::SystemTime;

const NEW: &str = "Brand-New-Passw0rd-7";

fn now() -> u64 {
    let passed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    passed.expect("after 1970").as_secs()
}

/// What is encrypted: a change of `user`'s password.
fn content(user: &str, old: &str, new: &str, id: &str) -> Value {
    json!({
        "user": user, "domain": "master", "iat": now(), "jti": id, "old_password": old, "new_password": new,
        "confirm_password": new,
    })
}

fn key(world: &World) -> Value {
    let answer = curl::get(&world.url("/v1/auth/jwks"));
    let keys = answer.body["keys"].as_array().cloned();
    let mut keys = keys
        .unwrap_or_else(|| panic!("no keys: {}", answer.text))
        .into_iter();
    keys.find(|key| key["crv"] == "P-256")
        .expect("a key on P-256")
}

fn send(world: &World, user: &str, message: &str) -> Answer {
    world.app_verb(
        "change-encrypted-password",
        json!({"user": user, "jwe": message}),
    )
}

#[test]
fn encrypted_changes_of_passwords() {
    let Some(server) = Slapd::start() else {
        return;
    };
    if peer::find("jose").is_none() {
        return;
    }
    let proof = proof("encrypted_changes_of_passwords");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    world.policy(
        "local_or_password",
        json!({"password_autolearn": "yes", "user_lock_threshold": 0}),
    );
    for user in ["normal", "learner"] {
        world.user(user, Some(PASSWORD));
    }
    let key = key(&world);
    let sealed = |content: &Value| jose::encrypt(&key, content, &json!({}));
    let right = sealed(&content("normal", PASSWORD, NEW, "first"));

    // of another user, for another key, too old, ahead of time, and no message at all
    proof.auth(1070, &send(&world, "learner", &right));
    let other = jose::other_key(key["kid"].as_str().expect("an id"));
    let foreign = jose::encrypt(
        &other,
        &content("normal", PASSWORD, NEW, "second"),
        &json!({}),
    );
    proof.auth(1070, &send(&world, "normal", &foreign));
    for moved in [now() - 400, now() + 400] {
        let mut stale = content("normal", PASSWORD, NEW, &format!("moved-{moved}"));
        stale["iat"] = moved.into();
        proof.auth(1070, &send(&world, "normal", &sealed(&stale)));
    }
    let mut spoilt = right.clone();
    spoilt.replace_range(
        spoilt.len() - 1..,
        if spoilt.ends_with('A') { "B" } else { "A" },
    );
    for bad in [spoilt.as_str(), "a.b.c.d.e", "", &"x".repeat(20_000)] {
        let answer = send(&world, "normal", bad);
        assert!(
            [1070, -101, -102].contains(&answer.status()),
            "{}",
            answer.text
        );
    }
    let incomplete = sealed(&json!({"user": "normal", "iat": now(), "jti": "third"}));
    proof.auth(1070, &send(&world, "normal", &incomplete));
    let compressed = jose::encrypt(
        &key,
        &content("normal", PASSWORD, NEW, "fourth"),
        &json!({"zip": "DEF"}),
    );
    proof.auth(1070, &send(&world, "normal", &compressed));

    // nothing has changed so far
    world.proves_app(&proof, 0, json!({"user": "normal", "password": PASSWORD}));
    let wrong = sealed(&content("normal", "Wrong-Passw0rd", NEW, "fifth"));
    proof.auth(1011, &send(&world, "normal", &wrong));
    proof.auth(0, &send(&world, "normal", &right));
    world.proves_app(&proof, 0, json!({"user": "normal", "password": NEW}));
    proof.auth(1070, &send(&world, "normal", &right)); // once
    assert!(!world.log().contains(&right));
}
