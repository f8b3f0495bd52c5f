//! RADIUS as clients see it: attributes and their order, repetitions, other kinds of packets, hashed passwords.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail"
)]

use countersign_radius::{Code, Credentials, Packet, credentials, kind};
use countersign_testkit::oath::{KEY_HEX, hotp, totp_now};
use countersign_testkit::radclient::{quoted, radclient};
use countersign_testkit::{Raw, World, radius, until};
use serde_json::json;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const PASSWORD: &str = "Correct-Horse-71";

fn world() -> World {
    let mut world = World::new(PROGRAM);
    world.policy("local_or_password", json!({"user_lock_threshold": 0}));
    world
}

/// The kinds of the attributes of an answer, in order.
fn kinds(bytes: &[u8]) -> Vec<u8> {
    Packet::read(bytes)
        .expect("a packet")
        .attributes()
        .map(|attribute| attribute.kind)
        .collect()
}

#[test]
fn answers_begin_with_message_authenticator_and_give_proxy_state_back() {
    let mut world = world();
    world.policy(
        "challenge_response",
        json!({"reply_attributes": "yes", "reply_attribute_groups": ["vpn"]}),
    );
    world.hotp_user("otto");
    world.user("cara", None);
    world.ocra("cara");
    for (group, name, value) in [
        ("vpn", "Framed-IP-Address", "192.0.2.7"),
        ("vpn", "Filter-Id", "staff"),
        ("lan", "Filter-Id", "guest"),
    ] {
        world.done(
            "user-attribute/create",
            json!({"user": "otto", "group": group, "name": name, "usage": "reply", "value": value}),
        );
    }
    let mut raw = world.raw();
    for (user, typed, code) in [
        ("otto", hotp(KEY_HEX, 0), Code::AccessAccept),
        ("otto", "no".to_owned(), Code::AccessReject),
        ("cara", "challenge".to_owned(), Code::AccessChallenge),
    ] {
        let request = raw.request(Code::AccessRequest, true, |request, secret| {
            let named = request
                .add(kind::USER_NAME, user.as_bytes())
                .expect("room")
                .pap(typed.as_bytes(), secret)
                .expect("short");
            named
                .add(kind::PROXY_STATE, b"first")
                .expect("room")
                .add(kind::PROXY_STATE, b"second")
                .expect("room")
        });
        let answer = raw.ask(&request).expect("an answer");
        assert_eq!(radius::code(&answer), code);
        assert_eq!(
            kinds(&answer).get(..3),
            Some(
                &[
                    kind::MESSAGE_AUTHENTICATOR,
                    kind::PROXY_STATE,
                    kind::PROXY_STATE
                ][..]
            )
        );
        let packet = Packet::read(&answer).expect("a packet");
        assert_eq!(
            packet.all(kind::PROXY_STATE).collect::<Vec<_>>(),
            [b"first".as_slice(), b"second"]
        );
        if code == Code::AccessAccept {
            assert_eq!(
                packet.first(kind::FRAMED_IP_ADDRESS),
                Some(&[192, 0, 2, 7][..])
            );
            assert_eq!(
                packet.all(11).collect::<Vec<_>>(),
                [b"staff".as_slice()],
                "Filter-Id of the wanted group only"
            );
            assert_eq!(packet.first(kind::CLASS).map(<[u8]>::len), Some(16));
        }
    }
}

#[test]
fn the_same_packet_gets_the_same_answer_and_one_record() {
    let mut world = world();
    world.hotp_user("otto");
    let mut raw = world.raw();
    let request = raw.pap("otto", &hotp(KEY_HEX, 0));
    let first = raw.ask(&request).expect("an answer");
    assert_eq!(radius::code(&first), Code::AccessAccept);
    for _ in 0..3 {
        assert_eq!(raw.ask(&request), Some(first.clone()));
    }
    assert_eq!(
        world
            .audit(json!({"user": "otto", "category": "authentication", "code": "S-101001"}))
            .len(),
        1
    );
    assert_eq!(world.metric("countersign_radius_duplicates_total", ""), 3);
    assert!(
        world
            .audit(json!({"user": "otto", "code": "F-1010*"}))
            .is_empty(),
        "no copy was decided"
    );

    let again = raw.pap("otto", &hotp(KEY_HEX, 0));
    assert_eq!(
        radius::code(&raw.ask(&again).expect("an answer")),
        Code::AccessReject
    );
    assert_eq!(world.last_record("otto")["status_code"], 1008);
}

#[test]
fn copies_of_a_request_in_work_are_absorbed() {
    let mut world = world();
    world.user("paul", Some(PASSWORD));
    let mut raw = world.raw();
    let request = raw.pap("paul", PASSWORD);
    for _ in 0..5 {
        raw.send(&request.bytes); // the first one is still hashing when the others come
    }
    let answer = raw.receive().expect("an answer");
    assert!(raw.verify(&request, &answer));
    assert_eq!(radius::code(&answer), Code::AccessAccept);
    until("every copy is counted", || {
        (world.metric("countersign_radius_duplicates_total", "") == 4).then_some(())
    });
    assert_eq!(
        world
            .audit(json!({"user": "paul", "code": "S-101001"}))
            .len(),
        1
    );
}

#[test]
fn status_server_and_accounting_are_answered() {
    let mut world = world();
    world.hotp_user("otto");
    let secret = world.radius_secret();
    let alive = radclient(&world.ready("radius_auth"), "status", &secret, &[], 5.0);
    assert!(alive.is_accept(), "{}", alive.text);
    let alive = radclient(&world.ready("radius_acct"), "status", &secret, &[], 5.0);
    assert_eq!(
        alive.code.as_deref(),
        Some("Accounting-Response"),
        "{}",
        alive.text
    );

    let accepted = world.pap("otto", &hotp(KEY_HEX, 0));
    let class = accepted.get("Class").expect("a Class").to_owned();
    let stop = [
        ("Acct-Status-Type", "Stop"),
        ("Acct-Session-Id", "\"4711\""),
        ("User-Name", "\"otto\""),
        ("Class", &class),
        ("Acct-Input-Octets", "1024"),
    ];
    let acknowledged = radclient(&world.ready("radius_acct"), "acct", &secret, &stop, 5.0);
    assert_eq!(
        acknowledged.code.as_deref(),
        Some("Accounting-Response"),
        "{}",
        acknowledged.text
    );
    let records = world.audit(json!({"category": "accounting"}));
    assert_eq!(records.len(), 1, "{records:?}");
    let logon = world.last_record("otto");
    let record = &records[0];
    assert_eq!(
        (&record["user"], &record["session"]),
        (&json!("otto"), &json!("4711")),
        "{record}"
    );
    assert_eq!(
        record["correlation_id"],
        class.trim_start_matches("0x"),
        "{record}"
    );
    assert_eq!(
        logon["request_id"],
        class.trim_start_matches("0x"),
        "Class names the logon: {logon}"
    );
    assert_eq!(record["input"]["acct_input_octets"], 1024, "{record}");

    let unproven = radclient(
        &world.ready("radius_acct"),
        "acct",
        "another-secret",
        &stop,
        0.5,
    );
    assert!(unproven.is_silent());
}

#[test]
fn not_handled_may_be_silent() {
    let mut world = world();
    world.component(
        "radius_client",
        json!({"policy": "base", "not_handled": "silent"}),
    );
    world.set_radius_timeout(0.7);
    assert!(world.pap("otto", "755224").is_silent());
    world.component("radius_client", json!({"not_handled": "reject"}));
    assert!(world.pap("otto", "755224").is_reject());
    let records = world.audit(json!({"user": "otto", "code": "F-101002"}));
    assert_eq!(records.len(), 2, "{records:?}");
}

#[test]
fn a_nas_narrows_the_component() {
    let mut world = world();
    world.hotp_user("otto");
    for (nas_id, policy) in [("vpn-1", "base"), ("192.0.2.9", "base")] {
        world.done("component/create", json!({"type": "radius_client", "location": "127.0.0.1", "nas_id": nas_id, "policy": policy, "status_in_reply": true}));
    }
    let (user, password) = ("\"otto\"", quoted(&hotp(KEY_HEX, 0)));
    let common = [("User-Name", user), ("User-Password", password.as_str())];
    let narrowed = world.radius(&[common[0], common[1], ("NAS-Identifier", "\"vpn-1\"")]);
    assert_eq!(narrowed.status(), Some(5002), "{}", narrowed.text);
    let by_address = world.radius(&[common[0], common[1], ("NAS-IP-Address", "192.0.2.9")]);
    assert_eq!(by_address.status(), Some(5002), "{}", by_address.text);
    let other = world.radius(&[common[0], common[1], ("NAS-Identifier", "\"vpn-2\"")]);
    assert!(other.is_accept(), "{}", other.text);
}

#[test]
fn hashed_passwords_of_every_protocol() {
    let mut world = world();
    world.policy("local_or_password", json!({"radius_protocols": []}));
    world.user("mia", Some(PASSWORD)); // a protocol of hashes is admitted by now, so that a copy is kept
    world.totp("mia");
    for user in ["chan", "mike"] {
        world.hotp_user(user);
    }
    let accepted = world.radius(&[
        ("User-Name", "\"chan\""),
        ("CHAP-Password", &quoted(&hotp(KEY_HEX, 0))),
    ]);
    assert!(accepted.is_accept(), "{}", accepted.text);
    let used = world.radius(&[
        ("User-Name", "\"chan\""),
        ("CHAP-Password", &quoted(&hotp(KEY_HEX, 0))),
    ]);
    assert_eq!(used.status(), Some(1008), "{}", used.text);

    let accepted = world.radius(&[
        ("User-Name", "\"mike\""),
        ("MS-CHAP-Password", &quoted(&hotp(KEY_HEX, 0))),
    ]);
    assert!(
        accepted.is_accept() && accepted.get("MS-CHAP-MPPE-Keys").is_some(),
        "{}",
        accepted.text
    );
    let wrong = world.radius(&[
        ("User-Name", "\"mike\""),
        ("MS-CHAP-Password", "\"000000\""),
    ]);
    assert!(
        wrong.is_reject() && wrong.text.contains("E=691 R=0"),
        "{}",
        wrong.text
    );

    let by_password = world.radius(&[
        ("User-Name", "\"mia\""),
        ("CHAP-Password", &quoted(PASSWORD)),
    ]);
    assert!(
        by_password.is_accept(),
        "the stored password by CHAP: {}",
        by_password.text
    );
    mschapv2(&world, "mia", &totp_now(KEY_HEX, 0));
}

/// MS-CHAPv2 with the keys and the server's proof that belong to the value.
fn mschapv2(world: &World, user: &str, otp: &str) {
    let mut raw = world.raw();
    let request = raw.request(Code::AccessRequest, true, |request, _| {
        let named = request.add(kind::USER_NAME, user.as_bytes()).expect("room");
        named
            .mschapv2(7, user.as_bytes(), otp, &[0x5a; 16], &[0xa5; 16])
            .expect("room")
    });
    let answer = raw.ask(&request).expect("an answer");
    assert_eq!(radius::code(&answer), Code::AccessAccept);
    let asked = Packet::read(&request.bytes).expect("a packet");
    let Ok(Credentials::MsChapV2(proof)) = credentials(&asked, raw.secret()) else {
        panic!("no MS-CHAPv2")
    };
    let hash = countersign_radius::mschap::NtHash::of(otp);
    let packet = Packet::read(&answer).expect("a packet");
    let success = packet
        .vendor(kind::MICROSOFT, kind::MS_CHAP2_SUCCESS)
        .expect("MS-CHAP2-Success");
    assert_eq!(success, proof.success_value(&hash));
    let keys = proof.keys(&hash);
    let mut salts = Vec::new();
    for (name, expected) in [
        (kind::MS_MPPE_SEND_KEY, &keys.send),
        (kind::MS_MPPE_RECV_KEY, &keys.receive),
    ] {
        let value = packet.vendor(kind::MICROSOFT, name).expect("an MPPE key");
        assert_eq!(value[0] & 0x80, 0x80, "the high bit of the salt");
        salts.push([value[0], value[1]]);
        let clear =
            countersign_radius::salted::decrypt(value, &request.authenticator, raw.secret())
                .expect("a key");
        assert_eq!(&clear[..], &expected[..]);
    }
    assert_ne!(salts[0], salts[1]);
}

#[test]
fn clients_over_ipv6() {
    let mut world = World::with(
        PROGRAM,
        countersign_testkit::Options {
            radius: Some("[::1]:0".to_owned()),
            ..Default::default()
        },
    );
    world.done("component/update", json!({"type": "radius_client", "location": "::1", "policy": "local_only", "status_in_reply": true}));
    world.hotp_user("otto");
    let server = world.ready("radius_auth");
    assert!(server.starts_with("[::1]:"), "{server}");
    let accepted = world.pap("otto", &hotp(KEY_HEX, 0));
    assert!(accepted.is_accept(), "{}", accepted.text);
    assert_eq!(world.last_record("otto")["client_location"], "::1");
    let mut raw = Raw::to(&server, &world.radius_secret(), Duration::from_secs(10));
    let request = raw.pap("otto", &hotp(KEY_HEX, 0));
    assert_eq!(
        radius::code(&raw.ask(&request).expect("an answer")),
        Code::AccessReject
    );
}

#[test]
fn names_and_passwords_in_the_character_set_of_the_client() {
    let mut world = world();
    world.user("M\u{fc}ller", Some("Gr\u{fc}\u{df}e-\u{20ac}-2026"));
    let utf8 = (
        "M\u{fc}ller".as_bytes(),
        "Gr\u{fc}\u{df}e-\u{20ac}-2026".as_bytes(),
    );
    let cp1252 = (&b"M\xfcller"[..], &b"Gr\xfc\xdfe-\x80-2026"[..]);
    for (charset, (user, password)) in [("utf8", utf8), ("cp1252", cp1252)] {
        world.component("radius_client", json!({"charset": charset}));
        assert_eq!(
            asked(&world, user, password),
            Code::AccessAccept,
            "{charset}"
        );
    }
    for (charset, (user, password)) in [
        ("utf8", cp1252),
        ("cp1252", (&b"M\x81ller"[..], &b"x"[..])),
        ("ascii", utf8),
        ("latin1", (&b"M\xfc\x07ller"[..], &b"x"[..])),
    ] {
        world.component("radius_client", json!({"charset": charset}));
        assert_eq!(
            asked(&world, user, password),
            Code::AccessReject,
            "{charset}"
        );
        let newest = world.audit(json!({"code": "F-101001"}));
        assert_eq!(newest[0]["status_code"], 1000, "{charset}: {}", newest[0]);
    }
}

fn asked(world: &World, user: &[u8], password: &[u8]) -> Code {
    let mut raw = world.raw();
    let request = raw.request(Code::AccessRequest, true, |request, secret| {
        request
            .add(kind::USER_NAME, user)
            .expect("room")
            .pap(password, secret)
            .expect("short")
    });
    radius::code(&raw.ask(&request).expect("an answer"))
}
