use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::samba::{self, BASE};
use countersign_testkit::slapd::{PASSWORD, user_dn};
use countersign_testkit::{Answer, SambaAd, Slapd, World};
use serde_json::{Value, json};

const NEW: &str = "Brand-New-Passw0rd-7";

fn change(world: &World, user: &str, old: &str, new: &str, others: Value) -> Answer {
    let mut body = json!({"user": user, "old_password": old, "new_password": new});
    countersign_testkit::world::merge(&mut body, &others);
    world.app_verb("change-backend-password", body)
}

#[test]
fn passwords_changed_in_a_directory() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("passwords_changed_in_a_directory");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::alone(&mut world, "ldap", json!({}));
    proof.auth(
        1023,
        &change(&world, "chpw", "Wrong-Passw0rd", NEW, json!({})),
    );
    for (user, new) in [("chpw", "short"), ("chpw", PASSWORD), ("young", NEW)] {
        proof.auth(1122, &change(&world, user, PASSWORD, new, json!({})));
    }
    proof.auth(0, &change(&world, "chpw", PASSWORD, NEW, json!({})));
    world.proves_app(&proof, 0, json!({"user": "chpw", "password": NEW}));
    // who must change it cannot log on, but may change it
    world.proves_app(
        &proof,
        1021,
        json!({"user": "mustchange", "password": PASSWORD}),
    );
    proof.auth(0, &change(&world, "mustchange", PASSWORD, NEW, json!({})));
    world.proves_app(&proof, 0, json!({"user": "mustchange", "password": NEW}));
    assert!(
        server
            .attribute(&user_dn("mustchange"), "pwdReset")
            .is_none()
    );
}

#[test]
fn passwords_changed_in_a_domain() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("passwords_changed_in_a_domain");
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    records::alone(&mut world, "active_directory", json!({}));
    for (user, new) in [
        ("chpw", "Sh0rt"),
        ("chpw", "no-digit-or-capital"),
        ("chpw", samba::PASSWORD),
    ] {
        proof.auth(1122, &change(&world, user, samba::PASSWORD, new, json!({})));
    }
    controller.set(BASE, "minPwdAge", "-864000000000");
    proof.auth(
        1122,
        &change(&world, "normal", samba::PASSWORD, NEW, json!({})),
    );
    controller.set(BASE, "minPwdAge", "0");
    proof.auth(
        1023,
        &change(&world, "chpw", "Wrong-Passw0rd", NEW, json!({})),
    );
    for user in ["chpw", "expired", "mustchange"] {
        proof.auth(0, &change(&world, user, samba::PASSWORD, NEW, json!({})));
        world.proves_app(&proof, 0, json!({"user": user, "password": NEW}));
    }

    // with an OTP where one is asked for, which a change consumes
    world.policy(
        "local_only",
        json!({"back_end_auth": "if_needed", "back_end_protocol": "active_directory", "user_lock_threshold": 0}),
    );
    world.hotp_user("learner");
    let otp = |counter| json!({"otp": hotp(KEY_HEX, counter)});
    proof.auth(
        1033,
        &change(&world, "learner", samba::PASSWORD, NEW, json!({})),
    );
    proof.auth(0, &change(&world, "learner", samba::PASSWORD, NEW, otp(0)));
    proof.auth(
        1008,
        &change(&world, "learner", NEW, "Third-Passw0rd-8", otp(0)),
    );
}

#[test]
fn passwords_changed_where_there_is_no_way() {
    let Some(server) = countersign_testkit::FreeRadius::start() else {
        return;
    };
    let proof = proof("passwords_changed_where_there_is_no_way");
    let mut world = world();
    records::add(&mut world, records::radius(&server), json!({}));
    records::alone(&mut world, "radius", json!({}));
    proof.auth(-108, &change(&world, "normal", PASSWORD, NEW, json!({})));
}
