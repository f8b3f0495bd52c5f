//! Records of back-ends as an administrator keeps them: by API and command line, over a restart, a rotation of keys and
//! a backup, and tested against a server that is not there.

use countersign_testkit::World;
use countersign_testkit::authority::Authority;
use countersign_testkit::world::rows;
use serde_json::{Value, json};
use std::net::TcpListener;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const SECRET: &str = "a-Shared-Secret-of-a-Server";

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["name"].as_str()).collect()
}

#[test]
fn a_back_end_is_kept_and_its_secrets_are_never_told() {
    let mut world = World::new(PROGRAM);
    world.done("domain/create", json!({"name": "example.org"}));
    let made = world.done("backend/create", json!({"name": "Front", "protocol": "radius", "address": "192.0.2.7", "port": 1645, "shared_secret": SECRET, "domain": "example.org", "realm_rule": "postfix"}));
    assert_eq!(made.result("has_shared_secret"), &json!(true));
    let hook = world.done("backend/create", json!({"name": "hook", "protocol": "webhook", "url": "https://hook.example.org/ask", "generate_secret": true}));
    assert!(hook.text("hmac_key").len() >= 32);
    world.done("backend/create", json!({"name": "ldap", "protocol": "ldap", "address": "ldap.example.org", "base_dn": "dc=example,dc=org", "bind_dn": "cn=reader,dc=example,dc=org", "bind_password": "Password-of-the-Reader", "user_filter": "(objectClass=person)"}));
    let group = json!({"name": "radius servers", "protocol": "radius", "members": ["front"]});
    world.done("backend-group/create", group);

    world.done("key/rotate", json!({}));
    world.stop();
    assert_eq!(world.leaks(), Vec::<String>::new(), "in the store");
    world.up();
    world.forget_session();

    let seen = world.done("backend/view", json!({"name": "FRONT"}));
    for (field, value) in [
        ("name", json!("Front")),
        ("domain", json!("example.org")),
        ("port", json!(1645)),
        ("timeout_s", json!(3)),
        ("retries", json!(1)),
        ("priority", json!(100)),
        ("realm_rule", json!("postfix")),
        ("groups", json!(["radius servers"])),
        ("has_shared_secret", json!(true)),
    ] {
        assert_eq!(seen.result(field), &value, "{field}");
    }
    let listed = world.done("backend/query", json!({"sort": ["name"]}));
    assert_eq!(names(&rows(&listed)), ["Front", "hook", "ldap"]);
    assert!(!listed.text.contains(SECRET) && !listed.text.contains("Password-of"));
    let filter = json!({"filter": {"protocol": "radius"}});
    assert_eq!(
        names(&rows(&world.done("backend/query", filter))),
        ["Front"]
    );
    let audit = world.audit(json!({"code": "I-111002"}));
    assert!(audit.len() >= 4, "{audit:?}");

    for (command, body, status) in [
        (
            "backend/create",
            json!({"name": "x", "address": "192.0.2.1"}),
            1090,
        ),
        (
            "backend/update",
            json!({"name": "front", "protocol": null}),
            1090,
        ),
        (
            "backend/update",
            json!({"name": "front", "timeout_s": 1000}),
            -101,
        ),
        (
            "backend/update",
            json!({"name": "front", "base_dn": "dc=x"}),
            -2,
        ),
        ("backend/delete", json!({"name": "front"}), -2),
        ("domain/delete", json!({"name": "example.org"}), -2),
        ("backend/view", json!({"name": "nowhere"}), -13),
        ("backend-group/create", json!({"name": "x"}), 1090),
    ] {
        let answer = world.admin(command, body.clone());
        assert_eq!(answer.status(), status, "{command} {body}: {}", answer.text);
    }
    world.done("backend/update", json!({"name": "front", "group": null}));
    world.done("backend/delete", json!({"name": "front"}));
    world.done("domain/delete", json!({"name": "example.org"}));
    let left = world.done("backend-group/view", json!({"name": "Radius Servers"}));
    assert_eq!(left.result("members"), &json!([]));
}

#[test]
fn a_test_of_a_back_end_tells_the_step_that_fails() {
    let mut world = World::new(PROGRAM);
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    world.done("backend/create", json!({"name": "gone", "protocol": "ldap", "address": "127.0.0.1", "port": closed, "base_dn": "dc=example,dc=org", "timeout_s": 1, "retries": 0}));
    let tested = world.done(
        "backend/test",
        json!({"name": "gone", "user": "alice", "password": "Secret-of-Alice-7"}),
    );
    assert_eq!(tested.result("passed"), &json!(false), "{}", tested.text);
    let steps = tested.result("steps").as_array().expect("steps").clone();
    assert_eq!(
        (&steps[0]["step"], &steps[0]["passed"]),
        (&json!("resolve"), &json!(true)),
        "{steps:?}"
    );
    let last = steps.last().expect("a step");
    assert_eq!(
        (&last["step"], &last["passed"]),
        (&json!("connect"), &json!(false)),
        "{steps:?}"
    );
    assert!(last["detail"].as_str().is_some_and(|text| !text.is_empty()));
    let audit = world.audit(json!({"command": "backend.test"}));
    assert_eq!(audit.len(), 1);
    assert!(!format!("{audit:?}").contains("Secret-of-Alice-7"));
    assert!(!world.log().contains("Secret-of-Alice-7"));
}

#[test]
fn the_command_line_takes_certificates_and_secrets_from_files() {
    let mut world = World::new(PROGRAM);
    let path = |name: &str| world.dir().join(name);
    std::fs::write(path("ca.pem"), Authority::new().pem()).expect("written");
    std::fs::write(path("secret"), "Password-of-the-Reader\n").expect("written");
    let at = |name: &str| format!("@{}", path(name).display());
    let (ca, secret) = (at("ca.pem"), at("secret"));
    world.run_ok(&[
        "admin",
        "backend",
        "create",
        "--name",
        "dc1",
        "--protocol",
        "active_directory",
        "--address",
        "dc1.example.org",
        "--base-dn",
        "dc=example,dc=org",
        "--bind-dn",
        "reader@example.org",
        "--bind-password",
        &secret,
        "--ca",
        &ca,
        "--attribute-map",
        r#"{"mobile": ""}"#,
    ]);
    let shown = world.run_ok(&["admin", "backend", "view", "--name", "dc1"]);
    assert!(
        shown.contains("BEGIN CERTIFICATE") && !shown.contains("Password-of"),
        "{shown}"
    );
    let seen = world.done("backend/view", json!({"name": "dc1"}));
    for (field, value) in [
        ("has_bind_password", json!(true)),
        ("tls", json!("ldaps")),
        ("profile", json!("ad")),
        ("attribute_map", json!({"mobile": ""})),
    ] {
        assert_eq!(seen.result(field), &value, "{field}");
    }
}
