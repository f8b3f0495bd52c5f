use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{World, curl, jose, peer};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const RIGHT: &str = "Correct-Horse-71";
const VERB: &str = "change-encrypted-password";

/// The public key on P-256 to be used now; the program that encrypts knows no other curve.
fn key(world: &World) -> Value {
    let keys = keys(world);
    let key = keys.iter().find(|key| key["crv"] == "P-256");
    key.expect("a key on P-256").clone()
}

fn keys(world: &World) -> Vec<Value> {
    let answer = curl::get(&world.url("/v1/auth/jwks"));
    let keys: Value = serde_json::from_str(&answer.text).expect("a JWK set");
    keys["keys"].as_array().expect("keys").clone()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}

/// The content of a change by nora, with what is put on top.
fn content(id: &str, old: &str, new: &str, more: Value) -> Value {
    let mut content =
        json!({"user": "nora", "iat": now(), "jti": id, "old_password": old, "new_password": new});
    countersign_testkit::world::merge(&mut content, &more);
    content
}

fn sent(message: &str) -> Value {
    json!({"user": "nora", "jwe": message})
}

#[test]
fn encrypted_changes() {
    let proof = proof("encrypted_changes");
    if peer::find("jose").is_none() {
        std::mem::forget(proof);
        return;
    }
    let mut world = world();
    world.policy(
        "local_or_password",
        json!({"password_autolearn": "yes", "user_lock_threshold": 0}),
    );
    world.user("nora", Some(RIGHT));
    let key = key(&world);
    let made = |content: Value| jose::encrypt(&key, &content, &json!({}));

    let right = made(content("1", RIGHT, "Another-Horse-73", json!({})));
    proof.auth(0, &world.app_verb(VERB, sent(&right)));
    let taken = world.app(json!({"user": "nora", "password": "Another-Horse-73"}));
    assert_eq!(taken.status(), 0, "{}", taken.text);
    proof.auth(1070, &world.app_verb(VERB, sent(&right)));
    let record = world.last_record("nora");
    assert_eq!(record["reason"], "the message was used before", "{record}");

    let (old, new) = ("Another-Horse-73", "Third-Horse-75");
    let stale = now() - 301;
    for (what, message) in [
        ("stale", made(content("2", old, new, json!({"iat": stale})))),
        (
            "of another user",
            made(content("3", old, new, json!({"user": "anna"}))),
        ),
        (
            "of another domain",
            made(content("4", old, new, json!({"domain": "elsewhere"}))),
        ),
        (
            "for another server",
            jose::encrypt(
                &jose::other_key(key["kid"].as_str().expect("a name")),
                &content("5", old, new, json!({})),
                &json!({}),
            ),
        ),
        (
            "for a key that is not there",
            jose::encrypt(
                &key,
                &content("6", old, new, json!({})),
                &json!({"kid": "x"}),
            ),
        ),
        (
            "compressed",
            jose::encrypt(
                &key,
                &content("7", old, new, json!({})),
                &json!({"zip": "DEF"}),
            ),
        ),
        (
            "with other algorithms",
            jose::encrypt(
                &key,
                &content("8", old, new, json!({})),
                &json!({"enc": "A128GCM"}),
            ),
        ),
        (
            "with more in it",
            made(content("9", old, new, json!({"admin": true}))),
        ),
        ("no message", "a.b.c.d.e".to_owned()),
        ("far too long", "A".repeat(20_000)),
    ] {
        let answer = world.app_verb(VERB, sent(&message));
        assert_eq!(answer.status(), 1070, "{what}: {}", answer.text);
        proof.auth(1070, &answer);
    }
    let unknown = json!({"user": "nobody", "jwe": "a.b.c.d.e"});
    assert_eq!(
        world.app_verb(VERB, unknown).status(),
        1010,
        "the user comes first"
    );
    proof.auth(
        1011,
        &world.app_verb(
            VERB,
            sent(&made(content("10", "Wrong-Horse-74", new, json!({})))),
        ),
    );
    proof.auth(
        1024,
        &world.app_verb(VERB, sent(&made(content("11", old, "abc", json!({}))))),
    );
    proof.auth(
        1019,
        &world.app_verb(
            VERB,
            sent(&made(content(
                "12",
                old,
                new,
                json!({"confirm_password": "Third-Mare-75"}),
            ))),
        ),
    );

    // a message for the older key is still taken after a rotation, and both are shown
    let before = made(content("13", old, new, json!({})));
    world.done("key/rotate", json!({"class": "transport"}));
    proof.auth(0, &world.app_verb(VERB, sent(&before)));
    let kids: Vec<Value> = keys(&world).iter().map(|key| key["kid"].clone()).collect();
    assert!(
        kids.len() == 4 && kids.contains(&key["kid"]) && kids[0] != key["kid"],
        "{kids:?}"
    );

    world.policy(
        "local_or_password",
        json!({"password_autolearn": "no", "user_lock_threshold": 0}),
    );
    let late = made(content("14", new, "Fourth-Horse-76", json!({})));
    proof.auth(1037, &world.app_verb(VERB, sent(&late)));
}

#[test]
fn encrypted_pins() {
    let proof = proof("encrypted_pins");
    if peer::find("jose").is_none() {
        std::mem::forget(proof);
        return;
    }
    let mut world = world();
    world.policy(
        "local_only",
        json!({"pin_change_allowed": "yes", "user_lock_threshold": 0}),
    );
    world.user("nora", None);
    let serial = world.authenticator(
        "nora",
        json!({"algorithm": "HOTP", "secret_hex": KEY_HEX, "pin_supported": true, "pin_change_allowed": true}),
    );
    world.done(
        "application/enable-pin",
        json!({"serial": serial, "application": "RO"}),
    );
    world.done(
        "application/set-pin",
        json!({"serial": serial, "application": "RO", "pin": "1234"}),
    );
    let key = key(&world);
    let pins = |id: &str, old: &str, new: &str| {
        let content = json!({"user": "nora", "iat": now(), "jti": id, "pin": old, "new_pin": new});
        sent(&jose::encrypt(&key, &content, &json!({})))
    };
    proof.auth(1012, &world.app_verb(VERB, pins("1", "4321", "5678")));
    proof.auth(1020, &world.app_verb(VERB, pins("2", "1234", "567")));
    proof.auth(0, &world.app_verb(VERB, pins("3", "1234", "567890")));
    let taken =
        world.app(json!({"user": "nora", "password": format!("567890{}", hotp(KEY_HEX, 0))}));
    assert_eq!(taken.status(), 0, "{}", taken.text);
}
