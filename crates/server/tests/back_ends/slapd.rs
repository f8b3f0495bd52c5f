use super::mapping::{says_locked, stored, typed};
use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::radclient::quoted;
use countersign_testkit::slapd::{PASSWORD, user_dn};
use countersign_testkit::{Certificate, Slapd};
use serde_json::json;

const WRONG: &str = "Wrong-Passw0rd";

#[test]
fn states_of_a_password_policy() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("states_of_a_password_policy");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    let rows = [
        ("normal", PASSWORD, 0, 0),
        ("wrong", WRONG, 1023, 1022),
        ("nobody", PASSWORD, 1023, 1022),
        ("expired", PASSWORD, 1021, 1021),
        ("mustchange", PASSWORD, 1021, 1021),
        ("warn", PASSWORD, 0, 0),
        ("locked", PASSWORD, 1023, 1022),
    ];
    typed(&mut world, &proof, "ldap", &rows);
    says_locked(&mut world, "locked");
    world.proves_pap(&proof, 0, "grace", PASSWORD); // the last times but one
    world.proves_app(&proof, 1023, json!({"user": "normal", "password": ""}));
    stored(&mut world, &proof, "ldap", &rows);
    says_locked(&mut world, "locked");
    assert_eq!(server.bad_passwords("normal"), 0);
}

#[test]
fn hashes_that_a_directory_cannot_check() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("hashes_that_a_directory_cannot_check");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::alone(&mut world, "ldap", json!({"radius_protocols": []}));
    let word = quoted(PASSWORD);
    for name in ["CHAP-Password", "MS-CHAP-Password"] {
        world.proves_radius(&proof, 1032, "normal", &[(name, &word)]);
    }
    world.proves_app(&proof, 0, json!({"user": "normal", "password": PASSWORD}));
    records::replaying(
        &mut world,
        "ldap",
        json!({"stored_password_proxy": "no", "radius_protocols": []}),
    );
    world.hotp_user("normal");
    let otp = quoted(&hotp(KEY_HEX, 0));
    world.proves_radius(&proof, 1032, "normal", &[("CHAP-Password", &otp)]);
    records::replaying(&mut world, "ldap", json!({"radius_protocols": []}));
    world.user("learner", Some(PASSWORD));
    world.hotp("learner");
    world.proves_radius(&proof, 0, "learner", &[("CHAP-Password", &otp)]);
}

#[test]
fn ways_to_a_directory() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut world = world();
    records::add(
        &mut world,
        records::ldap(&server),
        json!({"tls": "starttls", "port": server.port()}),
    );
    records::alone(&mut world, "ldap", json!({}));
    assert!(world.pap("normal", PASSWORD).is_accept(), "StartTLS");

    world.done("backend/update", json!({"name": "slapd", "tls": "none"}));
    assert!(world.pap("normal", PASSWORD).is_accept(), "without TLS");
    world.done(
        "backend/update",
        json!({"name": "slapd", "tls": "ldaps", "port": server.tls_port(), "user_id_attribute": "mail"}),
    );
    let by_mail = world.pap("normal@example.test", PASSWORD);
    assert!(by_mail.is_accept(), "{}", by_mail.text);
    world.done(
        "backend/update",
        json!({"name": "slapd", "user_id_attribute": null, "user_filter": "(!(uid=normal))"}),
    );
    assert_eq!(world.pap("normal", PASSWORD).status(), Some(1023));
    assert!(world.pap("learner", PASSWORD).is_accept());
    let report = world.done("backend/test", json!({"name": "slapd", "user": "learner"}));
    for step in ["resolve", "connect", "tls", "bind", "search"] {
        assert!(
            report.text.to_lowercase().contains(step),
            "{step}: {}",
            report.text
        );
    }
    assert!(report.text.contains(&user_dn("learner")), "{}", report.text);
}

#[test]
fn certificates_that_prove_nothing() {
    for (certificate, trusts_it) in [
        (Certificate::Expired, true),
        (Certificate::OtherName, true),
        (Certificate::Good, false),
    ] {
        let Some(server) = Slapd::with(certificate, "") else {
            return;
        };
        let mut world = world();
        records::add(&mut world, records::ldap(&server), json!({}));
        if !trusts_it {
            let other = countersign_testkit::Authority::new();
            world.done(
                "backend/update",
                json!({"name": "slapd", "ca": other.pem()}),
            );
        }
        records::alone(&mut world, "ldap", json!({}));
        let refused = world.app(json!({"user": "normal", "password": PASSWORD}));
        assert_eq!(refused.status(), -10, "{certificate:?}: {}", refused.text);
        assert!(
            refused.seconds < 3.0,
            "no time to be lost: {}",
            refused.seconds
        );
        let refused = world.pap("normal", PASSWORD);
        assert_eq!(
            refused.status(),
            Some(-10),
            "{certificate:?}: {}",
            refused.text
        );
        let record = world.last_record("normal").to_string().to_lowercase();
        assert!(
            record.contains("slapd") && (record.contains("tls") || record.contains("certificate")),
            "server and step are named: {record}"
        );
    }
}
