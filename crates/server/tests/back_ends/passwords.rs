use super::{PROGRAM, proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::samba::{self, BASE, NETBIOS};
use countersign_testkit::slapd::{PASSWORD, user_dn};
use countersign_testkit::{Answer, Options, SambaAd, Slapd, World, curl};
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

#[test]
fn random_passwords_after_logons() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("random_passwords_after_logons");
    let options = Options {
        before: controller.before(),
        ..Options::default()
    };
    let mut world = World::with(PROGRAM, options);
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    let policy = records::replaying(
        &mut world,
        "active_directory",
        json!({"password_randomization": "yes", "random_password_length": 20}),
    );
    // only a log-on agent can hand the new password on
    let made = world.done(
        "component/create",
        json!({"type": "logon_agent", "location": "127.0.0.1", "policy": policy, "return_static_password": true, "generate_api_key": true}),
    );
    let header = format!("Countersign-Component-Key: {}", made.text("api_key"));
    world.user("normal", Some(samba::PASSWORD));
    world.hotp("normal");
    let mut before = samba::PASSWORD.to_owned();
    for counter in 0..2 {
        let body =
            json!({"component": "logon_agent", "user": "normal", "otp": hotp(KEY_HEX, counter)});
        let url = world.url("/v1/auth/authenticate");
        let answer = curl::post(&url, &body, &["--header", &header]);
        proof.auth(0, &answer);
        let now = answer.text("static_password");
        assert!(
            now != before && now.chars().count() == 20,
            "{}",
            answer.text
        );
        let bind = |password: &str| {
            let name = format!("{NETBIOS}\\normal");
            controller.search_as(&name, password, BASE, "(objectClass=domain)", &["1.1"])
        };
        // the domain takes the one before for an hour more, but none that it never had
        assert!(bind(&now).is_ok());
        assert!(bind(&format!("{now}x")).is_err());
        before = now;
    }
}
