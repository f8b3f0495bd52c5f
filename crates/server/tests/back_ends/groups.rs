use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::slapd::{self, group_entry, user_dn};
use countersign_testkit::{Certificate, Proof, SambaAd, Slapd, World, samba};
use serde_json::{Value, json};
use std::fmt::Write;

/// An OTP here, and groups of a directory.
fn checking(world: &mut World, protocol: &str, mode: &str, groups: Value) {
    world.policy(
        "local_only",
        json!({"group_check": mode, "groups": groups, "back_end_protocol": protocol, "user_lock_threshold": 0}),
    );
}

/// A member, one through other groups, and none, by every way to name a group.
fn members_pass(world: &mut World, proof: &Proof, protocol: &str, names: &[&str]) {
    world.hotp_user("nested1");
    world.hotp_user("outsider");
    let mut counter = 0;
    let mut next = || {
        counter += 1;
        hotp(KEY_HEX, counter)
    };
    for name in names {
        checking(world, protocol, "reject", json!(["no-such-group", name]));
        world.proves_pap(proof, 0, "nested1", &next());
        world.proves_app(proof, 0, json!({"user": "nested1", "otp": next()}));
        world.proves_pap(proof, 1002, "outsider", &next());
        world.proves_app(proof, 1002, json!({"user": "outsider", "otp": next()}));
        checking(world, protocol, "pass_back", json!([name]));
        world.proves_pap(proof, 0, "nested1", &next());
        world.proves_pap(proof, 5001, "outsider", &next());
        world.proves_app(proof, 5001, json!({"user": "outsider", "otp": next()}));
    }
    // members are asked for their OTP, the others for the password of the directory
    checking(world, protocol, "back_end_only", json!(names));
    world.proves_pap(proof, 0, "nested1", &next());
    world.proves_pap(proof, 0, "outsider", "Passw0rd-1");
    world.proves_pap(proof, 1023, "outsider", &next());
}

#[test]
fn groups_of_a_directory() {
    let Some(mut server) = Slapd::start() else {
        return;
    };
    let proof = proof("groups_of_a_directory");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    let dn = format!("cn=g-outer,{}", slapd::GROUPS);
    members_pass(&mut world, &proof, "ldap", &["g-outer", &dn]);
    checking(&mut world, "ldap", "reject", json!(["unix"]));
    world.hotp_user("normal");
    world.proves_pap(&proof, 0, "normal", &hotp(KEY_HEX, 0)); // by memberUid

    // a directory that is away lets nobody in
    server.kill();
    world.proves_pap(&proof, -10, "normal", &hotp(KEY_HEX, 1));
    world.proves_app(
        &proof,
        -10,
        json!({"user": "normal", "otp": hotp(KEY_HEX, 1)}),
    );
    checking(&mut world, "ldap", "off", json!([]));
    world.proves_pap(&proof, 0, "normal", &hotp(KEY_HEX, 1));
    server.up();
}

#[test]
fn groups_of_a_domain() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("groups_of_a_domain");
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    let dn = format!("CN=g-outer,{}", samba::USERS);
    members_pass(&mut world, &proof, "active_directory", &["g-outer", &dn]);
    assert_eq!(controller.bad_passwords("nested1"), 0);
}

#[test]
fn ten_thousand_groups() {
    let member = user_dn("nested1");
    let mut ldif = String::new();
    for number in 0..9_990 {
        let _ = write!(
            ldif,
            "{}",
            group_entry(&format!("many-{number}"), &[&member])
        );
    }
    let Some(server) = Slapd::with(Certificate::Good, &ldif) else {
        return;
    };
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    world.hotp_user("nested1");
    for (counter, name) in (0..).zip(["g-inner", "many-9989"]) {
        checking(&mut world, "ldap", "reject", json!([name]));
        let answer = world.app(json!({"user": "nested1", "otp": hotp(KEY_HEX, counter)}));
        assert_eq!(answer.status(), 0, "{name}: {}", answer.text);
        assert!(answer.seconds < 10.0, "{name}: {}", answer.seconds);
    }
    // the groups that hold all these may take longer than the record allows, or the request: then nobody is let in
    for (counter, name, status) in [(5, "g-outer", 0), (6, "staff", 1002)] {
        checking(&mut world, "ldap", "reject", json!([name]));
        let answer = world.app(json!({"user": "nested1", "otp": hotp(KEY_HEX, counter)}));
        assert!(
            [status, -10, -103].contains(&answer.status()),
            "{name}: {}",
            answer.text
        );
        assert!(answer.seconds < 10.0, "{name}: {}", answer.seconds);
        let record = world.last_record("nested1").to_string();
        assert!(
            answer.status() != -10 || record.contains("slapd"),
            "{record}"
        );
    }
}
