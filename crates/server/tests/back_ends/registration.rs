use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::slapd::{PASSWORD, user_dn};
use countersign_testkit::{Slapd, World};
use serde_json::{Value, json};

fn registering(world: &mut World, others: Value) {
    let mut values = json!({
        "back_end_protocol": "ldap", "dynamic_user_registration": "yes", "assignment_mode": "auto",
        "back_end_auth": "if_needed", "password_autolearn": "yes", "stored_password_proxy": "yes",
        "user_info_sync": "yes", "user_lock_threshold": 0,
    });
    countersign_testkit::world::merge(&mut values, &others);
    world.policy("local", values);
}

fn free(world: &mut World, serial: &str) {
    world.done(
        "authenticator/create",
        json!({"serial": serial, "algorithm": "HOTP", "secret_hex": KEY_HEX}),
    );
}

fn exists(world: &mut World, user: &str) -> bool {
    world.admin("user/view", json!({"user": user})).status() == 0
}

#[test]
fn first_logons_of_users_of_a_directory() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("first_logons_of_users_of_a_directory");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    registering(&mut world, json!({}));
    free(&mut world, "FREE0001");

    world.proves_pap(&proof, 1023, "newcomer", "Wrong-Passw0rd");
    world.proves_app(
        &proof,
        1023,
        json!({"user": "nobody", "password": PASSWORD}),
    );
    world.proves_pap(&proof, 1021, "expired", PASSWORD);
    world.proves_app(
        &proof,
        1021,
        json!({"user": "mustchange", "password": PASSWORD}),
    );
    for user in ["newcomer", "nobody", "expired", "mustchange"] {
        assert!(!exists(&mut world, user), "{user}");
    }

    world.proves_pap(&proof, 0, "newcomer", PASSWORD);
    let seen = world.seen("newcomer");
    assert_eq!(seen["email"], "newcomer@example.test", "{seen}");
    assert_eq!(seen["mobile"], "+32470000000", "{seen}");
    let assigned = world.done("authenticator/view", json!({"serial": "FREE0001"}));
    assert_eq!(
        assigned.body["result"]["user"], "newcomer",
        "{}",
        assigned.text
    );
    // the password that was learnt is sent along with the OTP
    world.done(
        "policy/update",
        json!({"policy_id": "test-1", "back_end_auth": "always"}),
    );
    world.proves_pap(&proof, 0, "newcomer", &hotp(KEY_HEX, 0));
    server.change_password("newcomer", PASSWORD, "Another-Passw0rd-2");
    world.proves_pap(&proof, 1022, "newcomer", &hotp(KEY_HEX, 1));
    // a changed password is told once
    let told = format!("Another-Passw0rd-2{}", hotp(KEY_HEX, 2));
    world.proves_pap(&proof, 0, "newcomer", &told);
    world.proves_app(
        &proof,
        0,
        json!({"user": "newcomer", "otp": hotp(KEY_HEX, 3)}),
    );

    // none left: the account stays
    world.proves_app(&proof, 0, json!({"user": "learner", "password": PASSWORD}));
    assert!(exists(&mut world, "learner"));
    let warned = world.audit(json!({"user": "learner", "code": "W-107001"}));
    assert_eq!(warned.len(), 1, "{warned:?}");
}

#[test]
fn nobody_is_registered_who_needs_an_authenticator() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("nobody_is_registered_who_needs_an_authenticator");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    registering(&mut world, json!({"local_auth": "authenticator_only"}));
    for password in [PASSWORD, "Wrong-Passw0rd"] {
        world.proves_pap(&proof, 1033, "wrong", password);
        world.proves_app(&proof, 1033, json!({"user": "wrong", "password": password}));
    }
    assert!(!exists(&mut world, "wrong"));
    assert_eq!(
        server.bad_passwords("wrong"),
        0,
        "the directory was not asked"
    );
    registering(&mut world, json!({"dynamic_user_registration": "no"}));
    world.proves_pap(&proof, 1010, "wrong", PASSWORD);
    world.proves_app(&proof, 1010, json!({"user": "wrong", "password": PASSWORD}));
    registering(&mut world, json!({"back_end_auth": "none"}));
    world.proves_pap(&proof, 1010, "wrong", PASSWORD);
}

#[test]
fn what_is_known_of_a_person_is_taken_over_or_warned_about() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("what_is_known_of_a_person_is_taken_over_or_warned_about");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::alone(
        &mut world,
        "ldap",
        json!({"user_info_sync": "yes", "local_auth": "authenticator_or_password", "back_end_auth": "if_needed"}),
    );
    for user in ["normal", "long"] {
        world.user(user, None);
    }
    server.set(
        &user_dn("long"),
        "mail",
        &format!("{}@example.test", "x".repeat(300)),
    );
    proof.admin(0, &world.curl_admin("user/sync", json!({"user": "normal"})));
    assert_eq!(world.seen("normal")["email"], "normal@example.test");
    proof.admin(
        1121,
        &world.curl_admin("user/sync", json!({"user": "long"})),
    );
    let answer = world.proves_app(&proof, 0, json!({"user": "long", "password": PASSWORD}));
    let warnings = answer.body["warnings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(
        warnings.iter().any(|one| one["status_code"] == 1121),
        "{}",
        answer.text
    );
    assert!(world.pap("long", PASSWORD).is_accept());
    let audited = world.audit(json!({"user": "long", "code": "W-016004"}));
    assert!(!audited.is_empty());
}
