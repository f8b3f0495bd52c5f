use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp, wrong};
use countersign_testkit::slapd::PASSWORD;
use countersign_testkit::{Proof, Slapd, World};
use serde_json::{Value, json};

/// How a user types it.
fn typed(serial: &str, password: &str, otp: &str) -> String {
    format!("{serial}|{password}{otp}")
}

fn mode(world: &mut World, mode: &str, others: Value) {
    let mut values = json!({
        "assignment_mode": mode, "serial_separator": "|", "back_end_auth": "if_needed",
        "back_end_protocol": "ldap", "user_lock_threshold": 0,
    });
    countersign_testkit::world::merge(&mut values, &others);
    world.policy("local_only", values);
}

fn free(world: &mut World, serial: &str, others: Value) {
    let mut fields = json!({"serial": serial, "algorithm": "HOTP", "secret_hex": KEY_HEX});
    countersign_testkit::world::merge(&mut fields, &others);
    world.done("authenticator/create", fields);
}

fn both(world: &mut World, proof: &Proof, code: i16, user: &str, serial: &str, rest: (&str, &str)) {
    let (password, otp) = rest;
    world.proves_pap(proof, code, user, &typed(serial, password, otp));
    world.proves_app(
        proof,
        code,
        json!({"user": user, "serial": serial, "static_password": password, "otp": otp}),
    );
}

#[test]
fn users_take_authenticators_by_their_serials() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("users_take_authenticators_by_their_serials");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    mode(&mut world, "neither", json!({}));
    for user in ["normal", "learner", "expired"] {
        world.user(user, None);
    }
    free(&mut world, "0097123456", json!({}));
    free(&mut world, "0097123457", json!({}));
    free(&mut world, "0097123458", json!({"type": "of-others"}));
    let taken = world.hotp_user("owner");
    let otp = hotp(KEY_HEX, 0);
    let right = (PASSWORD, otp.as_str());

    // in the order of the checks, each with all that comes later wrong, too
    let spoilt = wrong(KEY_HEX, 6);
    let bad = ("Wrong-Passw0rd", spoilt.as_str());
    both(&mut world, &proof, 1031, "normal", "0099999999", bad);
    mode(&mut world, "self", json!({"back_end_auth": "none"}));
    both(&mut world, &proof, 1041, "normal", "0099999999", bad);
    both(&mut world, &proof, 1016, "normal", &taken, bad);
    both(&mut world, &proof, 1042, "normal", "0097123456", bad);
    mode(
        &mut world,
        "self",
        json!({"authenticator_types": ["of-others"]}),
    );
    both(&mut world, &proof, 1016, "normal", "0097123456", right);
    mode(&mut world, "self", json!({}));
    both(&mut world, &proof, 1023, "normal", "0097123456", bad);
    both(
        &mut world,
        &proof,
        1021,
        "expired",
        "0097123456",
        (PASSWORD, &otp),
    );
    both(
        &mut world,
        &proof,
        1012,
        "normal",
        "0097123456",
        (PASSWORD, &spoilt),
    );
    let nobody = world.done("authenticator/view", json!({"serial": "0097123456"}));
    assert!(nobody.body["result"]["user"].is_null(), "{}", nobody.text);

    world.proves_pap(&proof, 0, "normal", &typed("0097-123456", PASSWORD, &otp));
    let owner = world.done("authenticator/view", json!({"serial": "0097123456"}));
    assert_eq!(owner.body["result"]["user"], "normal", "{}", owner.text);
    let both = format!("{PASSWORD}{}", hotp(KEY_HEX, 1));
    world.proves_pap(&proof, 0, "normal", &both);
    let fields =
        json!({"user": "learner", "serial": "0097123457", "static_password": PASSWORD, "otp": otp});
    world.proves_app(&proof, 0, fields);
}

#[test]
fn units_limit_what_users_take() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("units_limit_what_users_take");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    mode(&mut world, "self", json!({"serial_separator": ""}));
    for unit in ["above", "sibling"] {
        world.done("org-unit/create", json!({"name": unit}));
    }
    world.done("org-unit/create", json!({"name": "own", "parent": "above"}));
    world.done("user/create", json!({"user": "normal", "org_unit": "own"}));
    for (serial, unit) in [("0000000777", "sibling"), ("0000000778", "above")] {
        free(&mut world, serial, json!({}));
        world.done(
            "authenticator/move",
            json!({"serial": serial, "to_org_unit": unit}),
        );
    }
    let otp = hotp(KEY_HEX, 0);
    let right = (PASSWORD, otp.as_str());
    let blank = |serial: &str| format!("{serial}{PASSWORD}{otp}");
    world.proves_pap(&proof, 1016, "normal", &blank("0000000777"));
    world.proves_pap(&proof, 1016, "normal", &blank("0000000778"));
    mode(&mut world, "self", json!({"search_up_org_units": "yes"}));
    both(&mut world, &proof, 1016, "normal", "0000000777", right);
    mode(
        &mut world,
        "self",
        json!({"search_up_org_units": "yes", "serial_separator": ""}),
    );
    world.proves_pap(&proof, 0, "normal", &blank("0000000778"));
    let owner = world.done("authenticator/view", json!({"serial": "0000000778"}));
    assert_eq!(
        owner.body["result"]["org_unit"], "own",
        "it follows: {}",
        owner.text
    );
}
