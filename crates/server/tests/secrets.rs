//! Nothing that is secret comes to rest where it does not belong: not in the database, logs, audit, traces or metrics.

#![expect(clippy::expect_used, reason = "a test may fail")]

use countersign_testkit::oath::{hotp_digits, ocra, totp_now};
use countersign_testkit::radclient::quoted;
use countersign_testkit::secrets::{self, Kind};
use countersign_testkit::world::{SUITE, rows};
use countersign_testkit::{Options, World};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// Eight digits, so that no number is one of them by chance.
const KEY: &str = "a3f1c29b5d7e80614c3b2a19f8e7d6c5b4a39281";

/// A run through everything that takes, makes or passes on a secret.
fn live(world: &mut World) {
    world.policy("local_or_password", json!({"user_lock_threshold": 0, "radius_protocols": [], "password_autolearn": "yes", "challenge_request_method": "keyword", "challenge_request_keyword": "ask-me-now"}));
    world.user("paul", Some("Correct-Horse-71"));
    world.user("petra", Some("Petras-Own-Password-3"));
    world.user("cara", None);
    world.ocra("cara");
    let serial = world.authenticator(
        "petra",
        json!({"algorithm": "HOTP", "digits": 8, "secret_hex": KEY, "pin_supported": true}),
    );
    let application = |fields: Value| {
        let mut body = json!({"serial": serial, "application": "RO"});
        countersign_testkit::world::merge(&mut body, &fields);
        body
    };
    world.done("application/enable-pin", application(json!({})));
    world.done(
        "application/set-pin",
        application(json!({"pin": "31415926", "confirm": "31415926"})),
    );
    logons(world);
    world.done(
        "application/test-otp",
        application(json!({"otp": hotp_digits(KEY, 7, 8), "pin": "27182818"})),
    );
    world.admin(
        "application/test-otp",
        application(json!({"otp": hotp_digits(KEY, 999, 8), "pin": "27182818"})),
    );
    mistakes(world);
    world.totp("paul");
    let used = world.app(json!({"user": "paul", "otp": totp_now(countersign_testkit::oath::KEY_HEX, 0), "request_id": "mine-1"}));
    assert_eq!(used.status(), 0, "{}", used.text);
    world.done("authenticator/create", json!({"serial": "GENERATED"}));
    let keyed = world.done("component/create", json!({"type": "keyed", "location": "127.0.0.1", "policy": "local", "generate_api_key": true}));
    assert!(keyed.text("api_key").len() >= 32);
    world.done("component/create", json!({"type": "radius_client", "location": "192.0.2.1", "policy": "local", "shared_secret": "a-Shared-Secret-of-a-NAS"}));
    world.done("backend/create", json!({"name": "behind", "protocol": "radius", "address": "192.0.2.2", "shared_secret": "a-Shared-Secret-of-a-Server"}));
    world.done("backend/create", json!({"name": "entries", "protocol": "ldap", "address": "192.0.2.3", "base_dn": "dc=a", "bind_dn": "cn=b", "bind_password": "Password-of-the-Reader"}));
    world.done("backend/create", json!({"name": "hook", "protocol": "webhook", "url": "https://192.0.2.4/", "generate_secret": true}));
    world.done("key/rotate", json!({}));
    world.done(
        "key/escrow",
        json!({"passphrase": "a long passphrase for the escrow"}),
    );
    let csv = format!(
        "serial,type,algorithm,digits,secret_hex,user\nCSV-1,software,HOTP,8,{},paul\n",
        "5f".repeat(20)
    );
    secrets::note(Kind::Key, &"5f".repeat(20));
    world.done("import/authenticators", json!({"data": csv}));
}

fn logons(world: &mut World) {
    let pin = "31415926";
    for (counter, typed) in [
        (0, format!("{pin}{}", hotp_digits(KEY, 0, 8))),
        (
            1,
            format!("Petras-Own-Password-3{pin}{}", hotp_digits(KEY, 1, 8)),
        ),
    ] {
        secrets::note(Kind::Typed, &hotp_digits(KEY, counter, 8));
        assert!(world.pap("petra", &typed).is_accept(), "counter {counter}");
    }
    let separate = json!({"user": "petra", "pin": pin, "otp": hotp_digits(KEY, 2, 8), "new_pin": "27182818", "confirm_new_pin": "27182818"});
    assert_eq!(world.app(separate).status(), 0);
    let hashed = quoted(&format!("27182818{}", hotp_digits(KEY, 3, 8)));
    assert!(
        world
            .radius(&[("User-Name", "\"petra\""), ("CHAP-Password", &hashed)])
            .is_accept()
    );
    assert!(
        world
            .radius(&[
                ("User-Name", "\"paul\""),
                ("MS-CHAP-Password", "\"Correct-Horse-71\"")
            ])
            .is_accept()
    );
    let new = json!({"user": "paul", "old_password": "Correct-Horse-71", "new_password": "Another-Horse-73", "confirm_password": "Another-Horse-73"});
    assert_eq!(world.app_verb("update-password", new).status(), 0);
    let asked = world.pap("cara", "ask-me-now");
    assert!(asked.is_challenge(), "{}", asked.text);
    let digits = asked
        .get("Reply-Message")
        .and_then(|text| text.rsplit_once(" (")?.0.rsplit(' ').next())
        .expect("digits")
        .to_owned();
    let response = quoted(&ocra(SUITE, countersign_testkit::oath::KEY_HEX, &digits));
    assert!(
        world
            .radius(&[
                ("User-Name", "\"cara\""),
                ("User-Password", &response),
                ("State", &asked.state())
            ])
            .is_accept()
    );
    let open = world.app(json!({"user": "cara", "password": "ask-me-now"}));
    assert_eq!(open.status(), 3001, "{}", open.text);
}

/// Secrets in the wrong place, or wrong ones.
fn mistakes(world: &mut World) {
    for typed in ["Nearly-Correct-Horse-71", "2718281899999999", "88888888"] {
        world.pap("petra", typed);
        world.app(json!({"user": "petra", "password": typed}));
    }
    world.app(json!({"user": "petra", "pasword": "A-Password-in-an-unknown-Field"}));
    secrets::note(Kind::Typed, "A-Password-in-an-unknown-Field");
    world.app(json!({"user": "petra", "otp": "A-Password-as-OTP-is-too-long"}));
    world.app(json!({"user": "petra", "challenge_key": "not-a-key-of-a-challenge", "response": "77777777"}));
    world.admin(
        "user/set-password",
        json!({"user": "paul", "password": "Third-Horse-75", "confirm": "Third-Mare-75"}),
    );
    world.admin(
        "user/create",
        json!({"user": "paul", "password": "Fourth-Horse-76"}),
    );
    world.admin_as("a-token-that-nobody-ever-got", "session/alive", &json!({}));
    let (user, _) = world.administrator();
    countersign_testkit::curl::post(
        &world.url("/v1/admin/session/logon"),
        &json!({"user": user, "password": "not-the-first-password"}),
        &[],
    );
    countersign_testkit::curl::post_bytes(
        &world.url("/v1/auth/authenticate"),
        "application/json",
        b"{\"user\": \"petra\", \"password\": \"Broken-Json-Password",
        &[],
    );
    secrets::note(Kind::Typed, "Broken-Json-Password");
}

#[test]
fn no_secret_stands_in_database_logs_audit_traces_or_metrics() {
    let mut world = World::with(
        PROGRAM,
        Options {
            env: vec![("COUNTERSIGN_LOG_LEVEL".to_owned(), "trace".to_owned())],
            ..Options::default()
        },
    );
    live(&mut world);
    assert!(
        secrets::seen().len() >= 35,
        "a run that used few secrets proves little: {:?}",
        secrets::seen().len()
    );

    let none = Vec::<String>::new();
    assert_eq!(
        secrets::found_in_text(&world.metrics()),
        none,
        "in the metrics"
    );
    let audit = everything(&mut world, "audit/query");
    assert!(audit.len() > 60, "{} records", audit.len());
    let text: Vec<String> = audit.iter().map(Value::to_string).collect();
    assert_eq!(
        secrets::found_in_text(&without_numbers(&text.join("\n"))),
        none,
        "in the audit"
    );
    let mut explained = String::new();
    for record in audit
        .iter()
        .filter(|record| record["category"] == "authentication")
    {
        let id = record["request_id"]
            .as_str()
            .or(record["amid"].as_str())
            .expect("an identity");
        explained.push_str(&world.run_ok(&["explain", id]));
    }
    assert!(explained.contains("how it was decided"));
    assert!(
        world.log().contains("TRACE") || world.log().contains("DEBUG"),
        "the log says everything it could"
    );
    assert_eq!(
        secrets::found_in_text(&without_numbers(&explained)),
        none,
        "in the traces"
    );
    let log: String = world
        .log()
        .lines()
        .filter(|line| !line.contains("password       ") && !line.contains("RADIUS secret  "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(secrets::found_in_text(&log), none, "in the log");
    let queries = [
        "user",
        "authenticator",
        "application",
        "component",
        "backend",
        "policy",
        "setting",
        "key",
        "session",
        "user-attribute",
    ];
    for object in queries {
        let text: Vec<String> = everything(
            &mut world,
            &format!("{object}/query").replace("session/query", "session/list"),
        )
        .iter()
        .map(Value::to_string)
        .collect();
        assert_eq!(
            secrets::found_in_text(&text.join("\n")),
            none,
            "in the list of {object}"
        );
    }
    world.stop();
    assert_eq!(world.leaks(), none, "in the database");
    assert!(
        secrets::seen().iter().any(|(value, _)| value == KEY),
        "the key was used"
    );
    assert!(
        !world.store_holds(&bytes_of(KEY)),
        "the key as bytes in the database"
    );
}

/// Fields that hold figures, which six digits may meet by chance.
fn without_numbers(text: &str) -> String {
    text.split_inclusive(['\n', ','])
        .filter(|part| {
            ![
                "elapsed_ms",
                "\"seq\"",
                "verified_counter",
                "\"time\"",
                "  time ",
                "verified_time",
            ]
            .iter()
            .any(|name| part.contains(name))
        })
        .collect()
}

fn everything(world: &mut World, command: &str) -> Vec<Value> {
    rows(&world.done(command, json!({"limit": 1000})))
}

fn bytes_of(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")
        })
        .collect()
}
