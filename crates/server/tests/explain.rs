//! `countersign explain` names, for each refusal, the rule that decided and where its setting comes from.
//!
//! 1039 and -106 have nothing to explain: a token that is nobody's leaves no record, and a store that takes no write
//! keeps none.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use countersign_testkit::oath::{KEY_HEX, hotp, ocra, totp_now, wrong};
use countersign_testkit::radclient::quoted;
use countersign_testkit::world::SUITE;
use countersign_testkit::{Answer, World, curl, secrets, until, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const PASSWORD: &str = "Correct-Horse-71";

/// Compares the explanation of a request with its snapshot, and looks for every secret in it.
fn explained(world: &World, name: &str, request: &Value) -> String {
    let text = world.run_ok(&["explain", request.as_str().expect("a request id")]);
    assert_eq!(
        secrets::found_in_text(&text),
        Vec::<String>::new(),
        "secrets in the explanation: {text}"
    );
    insta::with_settings!({filters => filters(), omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
    text
}

/// What differs from run to run.
fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"\b[0-9a-f]{32}\b", "[id]"),
        (r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "[time]"),
        (r"elapsed_ms( +)[0-9.]+", "elapsed_ms${1}[ms]"),
        (r"counter or step \d{8}", "counter or step [step]"),
        (r"seconds old, limit: \d+", "seconds old, limit: [seconds]"),
        (r"\(days past: \d+\)", "(days past: [days])"),
        (
            r"minutes still to wait, attempts used: \d+",
            "minutes still to wait, attempts used: [minutes]",
        ),
    ]
}

fn app(world: &World, name: &str, code: i64, body: Value) {
    told(world, name, code, &world.app(body));
}

fn told(world: &World, name: &str, code: i64, answer: &Answer) {
    assert_eq!(answer.status(), code, "{}", answer.text);
    let text = explained(world, name, &answer.body["request_id"]);
    assert!(text.contains(&format!(" {code} STAT_")), "{text}");
}

fn pap(world: &mut World, name: &str, code: i64, user: &str, attributes: &[(&str, &str)]) {
    let user_name = quoted(user);
    let mut all = vec![("User-Name", user_name.as_str())];
    all.extend_from_slice(attributes);
    world.radius(&all);
    let record = world.last_record(user);
    assert_eq!(record["status_code"], code, "{record}");
    explained(world, name, &record["request_id"]);
}

#[test]
fn one_time_passwords() {
    let mut world = World::new(PROGRAM);
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 3, "max_unlock_attempts": 0}),
    );
    world.hotp_user("otto");
    app(
        &world,
        "0",
        0,
        json!({"user": "otto", "otp": hotp(KEY_HEX, 2)}),
    );
    app(
        &world,
        "1008",
        1008,
        json!({"user": "otto", "otp": hotp(KEY_HEX, 1)}),
    );
    app(
        &world,
        "1012_far_ahead",
        1012,
        json!({"user": "otto", "otp": hotp(KEY_HEX, 33)}),
    );
    app(
        &world,
        "1012",
        1012,
        json!({"user": "otto", "otp": wrong(KEY_HEX, 6)}),
    );
    app(
        &world,
        "1007",
        1007,
        json!({"user": "otto", "otp": hotp(KEY_HEX, 3)}),
    );
    world.user("theo", None);
    world.totp("theo");
    let centre = world.app(json!({"user": "theo", "otp": totp_now(KEY_HEX, 0)}));
    assert_eq!(centre.status(), 0, "{}", centre.text);
    app(
        &world,
        "1062",
        1062,
        json!({"user": "theo", "otp": totp_now(KEY_HEX, 1), "host_code": "required"}),
    );
    app(
        &world,
        "1010",
        1010,
        json!({"user": "nobody", "otp": "755224"}),
    );
    app(&world, "1000", 1000, json!({"user": "", "otp": "755224"}));
    let serial = world.hotp_user("ernie");
    world.done(
        "authenticator/set-expiration",
        json!({"serial": serial, "expires_at": "2020-01-31"}),
    );
    app(
        &world,
        "1025",
        1025,
        json!({"user": "ernie", "otp": hotp(KEY_HEX, 0)}),
    );
    world.done("user/disable", json!({"user": "ernie"}));
    app(
        &world,
        "1009",
        1009,
        json!({"user": "ernie", "otp": hotp(KEY_HEX, 0)}),
    );
}

#[test]
fn passwords() {
    let mut world = World::new(PROGRAM);
    world.user("paul", Some(PASSWORD));
    world.user("greta", Some(PASSWORD));
    world.hotp("greta");
    world.user("fresh", None);
    world.policy("local_or_password", json!({"password_autolearn": "no"}));
    app(
        &world,
        "1011",
        1011,
        json!({"user": "paul", "password": "Battery-Staple-72"}),
    );
    app(
        &world,
        "1020",
        1020,
        json!({"user": "fresh", "password": "Battery-Staple-72"}),
    );
    let new = json!({"user": "paul", "old_password": PASSWORD, "new_password": "abc", "confirm_password": "abc"});
    told(
        &world,
        "1037",
        1037,
        &world.app_verb("update-password", new.clone()),
    );
    world.policy(
        "local_or_password",
        json!({"password_autolearn": "yes", "generic_status_codes": "yes"}),
    );
    told(
        &world,
        "1024",
        1024,
        &world.app_verb("update-password", new),
    );
    let unlike = json!({"user": "paul", "old_password": PASSWORD, "new_password": "Another-Horse-73", "confirm_password": "Another-Mare-73"});
    told(
        &world,
        "1019",
        1019,
        &world.app_verb("update-password", unlike),
    );
    let hidden = world.app(json!({"user": "paul", "password": "Battery-Staple-72"}));
    assert_eq!(hidden.status(), 1000);
    let text = explained(&world, "1011_hidden", &hidden.body["request_id"]);
    assert!(
        text.contains("1011") && text.contains("generic_status_codes"),
        "{text}"
    );
    world.policy("local", json!({}));
    let grace = world.app(json!({"user": "greta", "otp": hotp(KEY_HEX, 0)}));
    assert_eq!(grace.status(), 0, "{}", grace.text);
    app(
        &world,
        "1014",
        1014,
        json!({"user": "greta", "password": PASSWORD}),
    );
    world.use_policy("local_only");
    app(
        &world,
        "1033",
        1033,
        json!({"user": "greta", "password": PASSWORD}),
    );
    world.done(
        "policy/update",
        json!({"policy_id": "base", "pw_max_age_days": 1}),
    );
    world.use_policy("local_or_password");
    age(&mut world, "paul");
    app(
        &world,
        "1026",
        1026,
        json!({"user": "paul", "password": PASSWORD}),
    );
}

/// Sets the password of a user three days back.
fn age(world: &mut World, user: &str) {
    world.stop();
    let changed = world.change_rows(&format!(
        "UPDATE \"user\" SET password_set_at = password_set_at - 3 * 86400000000 WHERE user_id = '{user}'"
    ));
    assert_eq!(changed, 1);
    world.up();
}

#[test]
fn challenges() {
    let mut world = World::new(PROGRAM);
    world.user("cara", None);
    world.ocra("cara");
    let policy = world.policy(
        "challenge_response",
        json!({"user_lock_threshold": 0, "radius_protocols": []}),
    );
    let ask = |world: &World| world.app(json!({"user": "cara", "password": "challenge"}));
    let answer = |asked: &Answer| json!({"user": "cara", "challenge_key": asked.text("challenge_key"), "response": ocra(SUITE, KEY_HEX, &asked.text("challenge"))});
    let first = ask(&world);
    told(&world, "3001", 3001, &first);
    let second = ask(&world);
    app(&world, "1013", 1013, answer(&first));
    assert_eq!(world.app(answer(&second)).status(), 0);
    app(&world, "3002", 3002, answer(&second));
    told(
        &world,
        "1036",
        1036,
        &world.app_verb("challenge", json!({})),
    );
    world.setting("challenge.max_age_s", json!(1));
    let begun = Instant::now();
    let old = ask(&world);
    wait_until(begun + Duration::from_millis(2500));
    app(&world, "1004", 1004, answer(&old));
    world.setting("challenge.max_age_s", Value::Null);
    world.setting("challenge.max_outstanding", json!(1));
    app(
        &world,
        "minus_104",
        -104,
        json!({"user": "cara", "password": "challenge"}),
    );
    world.setting("challenge.max_outstanding", Value::Null);
    pap(
        &mut world,
        "1034",
        1034,
        "cara",
        &[("CHAP-Password", "challenge")],
    );
    world.done(
        "policy/update",
        json!({"policy_id": policy, "radius_protocols": ["pap"]}),
    );
    world.set_radius_timeout(0.5);
    pap(
        &mut world,
        "minus_108",
        -108,
        "cara",
        &[("CHAP-Password", "challenge")],
    );
    world.component("app", json!({"challenges": false}));
    app(
        &world,
        "1035",
        1035,
        json!({"user": "cara", "password": "challenge"}),
    );
}

#[test]
fn policies_and_records() {
    let mut world = World::new(PROGRAM);
    world.hotp_user("otto");
    world.use_policy("base");
    let otp = json!({"user": "otto", "otp": hotp(KEY_HEX, 0)});
    app(&world, "5002", 5002, otp.clone());
    world.policy("base", json!({"back_end_auth": "always"}));
    app(&world, "1006", 1006, otp.clone());
    world.done("policy/create", json!({"policy_id": "rootless"}));
    world.use_policy("rootless");
    app(&world, "1030", 1030, otp.clone());
    world.use_policy("local_only");
    world.stop();
    let changed =
        world.change_rows("UPDATE \"user\" SET record_version = 999 WHERE user_id = 'otto'");
    assert_eq!(changed, 1);
    world.up();
    app(&world, "1123", 1123, otp);
}

#[test]
fn administration() {
    let mut world = World::new(PROGRAM);
    world.user("twin", None);
    for (name, code, command, body) in [
        ("minus_2", -2, "domain/delete", json!({"name": "master"})),
        ("minus_13", -13, "user/view", json!({"user": "ghost"})),
        (
            "minus_101",
            -101,
            "user/view",
            json!({"user": "twin", "usr": "twin"}),
        ),
        ("minus_102", -102, "user/view", json!({})),
        ("minus_108_command", -108, "gateway/query", json!({})),
        ("minus_14", -14, "user/create", json!({"user": "twin"})),
    ] {
        told(
            &world,
            name,
            code,
            &world.admin_as(&world.logon(), command, &body),
        );
    }
    world.done(
        "authenticator/create",
        json!({"serial": "X-1", "type": "virtual", "algorithm": "HOTP", "secret_hex": KEY_HEX}),
    );
    let data = format!("serial,type,algorithm,digits,secret_hex\nX-1,other,HOTP,6,{KEY_HEX}\n");
    let import = world.done("import/authenticators", json!({"data": data}));
    assert_eq!(
        import.result("rows")[0]["status_code"],
        5003,
        "{}",
        import.text
    );
    explained(&world, "5003", &import.body["request_id"]);
    let token = world.logon();
    let header = format!("Authorization: Bearer {token}");
    let elsewhere = curl::post(
        &world.url("/v1/admin/session/alive"),
        &json!({}),
        &["--interface", "127.0.0.2", "--header", &header],
    );
    until("the record of the refusal", || {
        (!world.audit(json!({"code": "W-105001"})).is_empty()).then_some(())
    });
    told(&world, "1038", 1038, &elsewhere);
    let unknown = world.run(&["explain", "0123456789abcdef0123456789abcdef"]);
    assert_eq!(unknown.status.code(), Some(1));
}
