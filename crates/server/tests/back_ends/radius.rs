use super::{proof, records, world};
use countersign_testkit::freeradius::{CHALLENGE_ANSWER, PASSWORD};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::radclient::{quoted, radclient};
use countersign_testkit::{Datagrams, FreeRadius, Packet, World};
use serde_json::json;

const HASHES: &str = "back_end_only";

/// A world whose policy leaves everything to FreeRADIUS, by any password protocol.
fn forwarding(server: &FreeRadius) -> World {
    let mut world = world();
    records::add(&mut world, records::radius(server), json!({}));
    world.policy(
        HASHES,
        json!({"back_end_protocol": "radius", "radius_protocols": [], "user_lock_threshold": 0}),
    );
    world
}

fn chap(password: &str) -> [(&'static str, &str); 1] {
    [("CHAP-Password", password)]
}

#[test]
fn answers_of_a_radius_server() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let proof = proof("answers_of_a_radius_server");
    let mut world = forwarding(&server);
    let accepted = world.proves_pap(&proof, 0, "bob", PASSWORD);
    for (name, value) in [
        ("Filter-Id", "staff"),
        ("Framed-IP-Address", "10.9.8.7"),
        ("Reply-Message", "Hello bob"),
    ] {
        assert_eq!(accepted.get(name), Some(value), "{}", accepted.text);
    }
    let classes = world.proves_pap(&proof, 0, "dup", PASSWORD);
    let own = |value: &str| {
        let all = &classes.attributes;
        all.iter()
            .any(|(name, its)| name == "Class" && its == value)
    };
    assert!(own("0x6131") && own("0x6232"), "{}", classes.text);
    assert!(classes.get("Proxy-State").is_none(), "{}", classes.text);

    world.proves_app(&proof, 0, json!({"user": "bob", "password": PASSWORD}));
    world.proves_pap(&proof, 1023, "reject", PASSWORD);
    world.proves_app(
        &proof,
        1023,
        json!({"user": "bob", "password": "Wrong-Passw0rd"}),
    );

    // hashes as they came
    let word = quoted(PASSWORD);
    world.proves_radius(&proof, 0, "bob", &chap(&word));
    world.proves_radius(&proof, 1023, "bob", &chap("\"Wrong-Passw0rd\""));
    let mschap = [("MS-CHAP-Password", word.as_str())];
    let keys = world.proves_radius(&proof, 0, "bob", &mschap);
    assert!(keys.get("MS-CHAP-MPPE-Keys").is_some(), "{}", keys.text);
    for (user, status) in [
        ("expired", 1021),
        ("disabled", 1009),
        ("hours", 1023),
        ("dialin", 1023),
    ] {
        world.proves_radius(&proof, status, user, &mschap);
    }
    world.proves_radius(
        &proof,
        1023,
        "bob",
        &[("MS-CHAP-Password", "\"Wrong-Passw0rd\"")],
    );

    // no answer, and one that may come from anybody
    world.done(
        "backend/update",
        json!({"name": "freeradius", "timeout_s": 1}),
    );
    world.proves_pap(&proof, -10, "silent", PASSWORD);
    world.proves_app(&proof, -10, json!({"user": "silent", "password": PASSWORD}));
    world.proves_pap(&proof, -10, "legacy", PASSWORD);
    world.done(
        "backend/update",
        json!({"name": "freeradius", "require_message_authenticator": false, "timeout_s": 5}),
    );
    world.proves_pap(&proof, 0, "legacy", PASSWORD);
    let seen = server.seen();
    let proven = |line: &String| {
        line.split('|')
            .nth(8)
            .is_some_and(|value| !value.is_empty())
    };
    assert!(
        seen.iter().skip(1).all(proven),
        "requests carry Message-Authenticator: {seen:?}"
    );
}

#[test]
fn stored_passwords_at_a_radius_server() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let proof = proof("stored_passwords_at_a_radius_server");
    let mut world = world();
    records::add(&mut world, records::radius(&server), json!({}));
    records::replaying(&mut world, "radius", json!({"radius_protocols": []}));
    for (protocol, user) in [
        ("pap", "normal"),
        ("chap", "learner"),
        ("mschap", "newcomer"),
        ("mschapv2", "wrong"),
    ] {
        world.done(
            "backend/update",
            json!({"name": "freeradius", "password_protocol": protocol}),
        );
        world.user(user, Some(PASSWORD));
        world.hotp(user);
        world.proves_pap(&proof, 0, user, &hotp(KEY_HEX, 0));
        let value = quoted(&hotp(KEY_HEX, 1));
        world.proves_radius(&proof, 0, user, &chap(&value)); // a new password is made for the back-end
        world.done(
            "user/set-password",
            json!({"user": user, "password": "Other-Passw0rd-9"}),
        );
        world.proves_pap(&proof, 1022, user, &hotp(KEY_HEX, 2));
        world.proves_app(&proof, 1022, json!({"user": user, "otp": hotp(KEY_HEX, 3)}));
    }
    for (user, status) in [
        ("expired", 1021),
        ("disabled", 1009),
        ("hours", 1022),
        ("dialin", 1022),
    ] {
        world.user(user, Some(PASSWORD));
        world.hotp(user);
        world.proves_pap(&proof, status, user, &hotp(KEY_HEX, 0));
    }
}

#[test]
fn challenges_of_a_radius_server() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let proof = proof("challenges_of_a_radius_server");
    let mut world = forwarding(&server);
    let asked = |world: &mut World| -> Packet {
        let challenge = world.proves_pap(&proof, 3003, "chal", PASSWORD);
        let text = challenge.get("Reply-Message").expect("a text");
        assert!(text.contains("Enter your one-time password:"), "{text}");
        assert!(
            !challenge.state().contains("5a5a5a5a"),
            "the State is our own"
        );
        challenge
    };
    let answer = |word: &str, challenge: &Packet| {
        [
            ("User-Password", quoted(word)),
            ("State", challenge.state()),
        ]
    };
    fn borrowed<'a>(all: &'a [(&'static str, String); 2]) -> [(&'static str, &'a str); 2] {
        [(all[0].0, &all[0].1), (all[1].0, &all[1].1)]
    }
    let challenge = asked(&mut world);
    let right = answer(CHALLENGE_ANSWER, &challenge);
    let passed = world.proves_radius(&proof, 0, "chal", &borrowed(&right));
    assert_eq!(
        passed.get("Filter-Id"),
        Some("challenged"),
        "{}",
        passed.text
    );
    world.proves_radius(&proof, 3002, "chal", &borrowed(&right)); // used once
    let challenge = asked(&mut world);
    let wrong = answer("000000", &challenge);
    world.proves_radius(&proof, 1023, "chal", &borrowed(&wrong));
    let challenge = asked(&mut world);
    let others = answer(CHALLENGE_ANSWER, &challenge);
    world.proves_radius(&proof, 3002, "bob", &borrowed(&others));

    let challenge = world.proves_app(&proof, 3003, json!({"user": "chal", "password": PASSWORD}));
    assert!(
        challenge
            .text("challenge_message")
            .contains("one-time password")
    );
    let key = challenge.text("challenge_key");
    let response = json!({"user": "chal", "challenge_key": key, "response": CHALLENGE_ANSWER});
    world.proves_app(&proof, 0, response);

    // a client that cannot carry it, and a password that did not come from the client
    world.component("radius_client", json!({"challenges": false}));
    world.component("app", json!({"challenges": false}));
    world.proves_pap(&proof, 1040, "chal", PASSWORD);
    world.proves_app(&proof, 1040, json!({"user": "chal", "password": PASSWORD}));
    world.component("radius_client", json!({"challenges": true}));
    world.component("app", json!({"challenges": true}));
    records::replaying(&mut world, "radius", json!({"local_auth": "grace_period"}));
    world.user("chal", Some(PASSWORD));
    world.hotp("chal");
    world.proves_pap(&proof, 1040, "chal", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1040,
        json!({"user": "chal", "otp": hotp(KEY_HEX, 1)}),
    );
}

#[test]
fn realms_and_accounting() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let mut world = forwarding(&server);
    for (rule, realm, filter) in [
        ("postfix", "realm.test", "postfix"),
        ("prefix", "REALM", "prefix"),
    ] {
        world.done(
            "backend/update",
            json!({"name": "freeradius", "realm_rule": rule, "realm": realm}),
        );
        let accepted = world.pap("bob", PASSWORD);
        assert_eq!(accepted.get("Filter-Id"), Some(filter), "{}", accepted.text);
    }
    world.done(
        "backend/update",
        json!({"name": "freeradius", "realm_rule": "none"}),
    );

    let account = |user: &str, kind: &str, timeout: f32| {
        let attributes = [
            ("User-Name", user),
            ("Acct-Status-Type", kind),
            ("Acct-Session-Id", "\"session-7\""),
        ];
        radclient(
            &world.ready("radius_acct"),
            "acct",
            &world.radius_secret(),
            &attributes,
            timeout,
        )
    };
    let answer = account("bob", "Start", 5.0);
    assert_eq!(answer.code.as_deref(), Some("Accounting-Response"));
    let relayed = |line: &String| line.contains("|bob|") && line.ends_with("|Start|session-7");
    assert!(server.seen().iter().any(relayed), "{:?}", server.seen());
    let unconfirmed = account("silent", "Stop", 1.5);
    assert!(unconfirmed.is_silent(), "{}", unconfirmed.text);
}

#[test]
fn a_server_that_is_away_is_left_alone() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let mut world = forwarding(&server);
    let away = Datagrams::to(server.auth_port());
    away.set(countersign_testkit::datagrams::Fate::Drop);
    records::add(
        &mut world,
        records::radius(&server),
        json!({"name": "first", "port": away.port(), "priority": 900, "timeout_s": 1}),
    );
    for _ in 0..6 {
        let accepted = world.pap("bob", PASSWORD);
        assert!(accepted.is_accept(), "{}", accepted.text);
    }
    assert_eq!(away.requests(), 3, "skipped after three failures in a row");
}
