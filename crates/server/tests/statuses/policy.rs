use super::{proof, world};
use countersign_testkit::curl;
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Answer, Proof, World};
use serde_json::json;

#[test]
fn requests_for_somebody_else() {
    let proof = proof("requests_for_somebody_else");
    let mut world = world();
    world.use_policy("base");
    world.hotp_user("uma");
    world.proves_pap(&proof, 5002, "uma", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        5002,
        json!({"user": "uma", "otp": hotp(KEY_HEX, 0)}),
    );
    proof.admin(5002, &logon_of(&mut world, "uma", "base"));

    world.use_policy("local_only");
    let otp = format!("\"{}\"", hotp(KEY_HEX, 0));
    world.proves_radius(
        &proof,
        5002,
        "uma",
        &[("User-Password", &otp), ("Service-Type", "Call-Check")],
    );

    world.policy(
        "base",
        json!({"back_end_auth": "always", "user_lock_threshold": 0}),
    );
    world.proves_app(
        &proof,
        1006,
        json!({"user": "uma", "otp": hotp(KEY_HEX, 0)}),
    );
    let password = json!({"user": "uma", "password": "For-The-Directory-1"});
    world.proves_app(&proof, -107, password.clone());
    let packet = world.proves_pap(&proof, -107, "uma", "For-The-Directory-1");
    assert!(
        packet.is_reject(),
        "the user was identified: {}",
        packet.text
    );

    // A RADIUS server knows no groups.
    world.done(
        "backend/create",
        json!({"name": "nps", "protocol": "radius", "address": "127.0.0.1", "port": 1, "shared_secret": "a long shared secret"}),
    );
    world.policy(
        "base",
        json!({"back_end_auth": "always", "group_check": "reject", "groups": ["otp-users"]}),
    );
    world.proves_app(&proof, -108, password);
    world.set_radius_timeout(0.5);
    world.proves_pap(&proof, -108, "uma", "For-The-Directory-1");
}

#[test]
fn invalid_policies() {
    let proof = proof("invalid_policies");
    let mut world = world();
    world.hotp_user("uma");
    world.done("policy/create", json!({"policy_id": "rootless"}));
    refused(&mut world, &proof, "rootless");

    let chain = r#"{"policies": [{"policy_id": "hen", "parent": "egg"}, {"policy_id": "egg", "parent": "hen"}]}"#;
    let barred = world.admin("policy/import", json!({"data": chain}));
    assert_eq!(barred.status(), -2, "{}", barred.text);
    world.done(
        "policy/import",
        json!({"data": chain, "allow_invalid": true}),
    );
    refused(&mut world, &proof, "hen");
    let events = world.audit(json!({"code": "E-110001"}));
    assert!(events.len() >= 6, "{events:?}");
}

fn refused(world: &mut World, proof: &Proof, policy: &str) {
    world.use_policy(policy);
    world.proves_pap(proof, 1030, "uma", &hotp(KEY_HEX, 0));
    world.proves_app(proof, 1030, json!({"user": "uma", "otp": hotp(KEY_HEX, 0)}));
    proof.admin(1030, &logon_of(world, "uma", policy));
}

/// An administrative logon through a component of its own.
fn logon_of(world: &mut World, user: &str, policy: &str) -> Answer {
    world.component("odd_program", json!({"policy": policy}));
    let body = json!({"user": user, "password": hotp(KEY_HEX, 0), "component": "odd_program"});
    curl::post(&world.url("/v1/admin/session/logon"), &body, &[])
}
