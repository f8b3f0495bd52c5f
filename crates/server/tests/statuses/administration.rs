use super::{proof, world};
use countersign_testkit::oath::KEY_HEX;
use countersign_testkit::until;
use countersign_testkit::world::rows;
use countersign_testkit::{World, curl};
use serde_json::json;

#[test]
fn sessions() {
    let proof = proof("sessions");
    let mut world = world();
    let (alive, alive_path) = (json!({}), "session/alive");
    let token = world.logon();
    let header = format!("Authorization: Bearer {token}");
    proof.admin(0, &world.admin_as(&token, alive_path, &alive));
    let elsewhere = curl::post(
        &world.url("/v1/admin/session/alive"),
        &alive,
        &["--interface", "127.0.0.2", "--header", &header],
    );
    proof.admin(1038, &elsewhere);
    proof.admin(0, &world.admin_as(&token, alive_path, &alive)); // the session lives on
    assert_eq!(world.audit(json!({"code": "W-105001"})).len(), 1);
    proof.admin(0, &world.admin_as(&token, "session/logoff", &json!({})));
    proof.admin(1039, &world.admin_as(&token, alive_path, &alive));
    proof.admin(
        1039,
        &world.admin_as("0123456789abcdef0123456789abcdef", alive_path, &alive),
    );
    let none = curl::post(&world.url("/v1/admin/session/alive"), &alive, &[]);
    assert_eq!(none.http, 401, "{}", none.text);

    let idle = world.logon();
    let begun = std::time::Instant::now();
    world.setting("session.idle_s", json!(1));
    // asking keeps it alive, so it is asked once, when it must be over
    countersign_testkit::wait_until(begun + std::time::Duration::from_millis(3200));
    proof.admin(1039, &world.admin_as(&idle, alive_path, &alive));
}

#[test]
fn no_free_session() {
    let proof = proof("no_free_session");
    let mut world = world();
    let token = world.token();
    world.setting("session.max_count", json!(1));
    let (user, password) = world.administrator();
    let body = json!({"user": user, "password": password, "request_id": "one-too-many"});
    let logon = |world: &World| curl::post(&world.url("/v1/admin/session/logon"), &body, &[]);
    proof.admin(-104, &logon(&world));
    let refused = world.audit(json!({"request_id": "one-too-many"}));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (&refused[0]["status_code"], &refused[0]["user"]),
        (&json!(-104), &json!(user)),
        "{refused:?}"
    );
    proof.admin(0, &world.admin_as(&token, "session/logoff", &json!({})));
    proof.admin(0, &logon(&world));
}

#[test]
fn commands() {
    let proof = proof("commands");
    let mut world = world();
    world.user("twin", None);
    proof.admin(
        -14,
        &world.curl_admin("user/create", json!({"user": "Twin"})),
    );
    proof.admin(
        -13,
        &world.curl_admin("user/view", json!({"user": "ghost"})),
    );
    proof.admin(-102, &world.curl_admin("user/view", json!({})));
    let unknown = world.curl_admin("user/view", json!({"user": "twin", "usr": "twin"}));
    proof.admin(-101, &unknown);
    assert!(unknown.text.contains("usr"), "{}", unknown.text);
    proof.admin(
        -2,
        &world.curl_admin("domain/delete", json!({"name": "master"})),
    );
    proof.admin(
        -2,
        &world.curl_admin(
            "policy/update",
            json!({"policy_id": "base", "parent": "local"}),
        ),
    );
    proof.admin(-108, &world.curl_admin("gateway/query", json!({})));
    let nameless = json!({"name": "dc1", "address": "192.0.2.1"});
    proof.admin(1090, &world.curl_admin("backend/create", nameless));
    let nothing = world.curl_admin("user/query", json!({"filter": {"user": "ghost"}}));
    assert_eq!(
        nothing.status(),
        0,
        "no hits are a success: {}",
        nothing.text
    );
    let refused = world.audit(json!({"code": "F-104001"}));
    assert!(refused.len() >= 7, "refusals are audited too: {refused:?}");
}

#[test]
fn bodies() {
    let proof = proof("bodies");
    let mut world = world();
    world.policy("local_only", json!({}));
    proof.auth(
        -102,
        &world.auth("authenticate", &json!({"user": "uma", "otp": "755224"})),
    );
    proof.auth(-102, &world.app(json!({"otp": "755224"})));
    let unknown = world.app(json!({"user": "uma", "opt": "755224"}));
    proof.auth(-101, &unknown);
    assert!(unknown.text.contains("opt"), "{}", unknown.text);
    proof.auth(-101, &world.app(json!({"user": "uma", "otp": 755224})));
    proof.auth(
        -2,
        &world.app(json!({"user": "uma", "otp": "755224", "password": "755224"})),
    );

    let dropped = world.metric("countersign_radius_dropped", "user_name_missing");
    world.set_radius_timeout(0.5);
    proof.silent(-102, &world.radius(&[("User-Password", "\"755224\"")]));
    until("the drop is counted", || {
        (world.metric("countersign_radius_dropped", "user_name_missing") > dropped).then_some(())
    });
}

#[test]
fn imports_of_another_type() {
    let proof = proof("imports_of_another_type");
    let mut world = world();
    world.done("authenticator/create", json!({"serial": "0097000001", "type": "virtual", "algorithm": "HOTP", "secret_hex": KEY_HEX}));
    world.done(
        "authenticator/create",
        json!({"serial": "0097000002", "type": "GO-6", "algorithm": "HOTP", "secret_hex": KEY_HEX}),
    );
    let package = |serial: &str| {
        format!(
            "<KeyPackage><DeviceInfo><Manufacturer>oath.EX</Manufacturer><SerialNo>{serial}</SerialNo><Model>GO-6</Model></DeviceInfo>\
             <Key Id=\"{serial}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\"><AlgorithmParameters><ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/></AlgorithmParameters>\
             <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><Counter><PlainValue>0</PlainValue></Counter></Data></Key></KeyPackage>"
        )
    };
    let packages: String = ["0097000001", "0097000002", "0097000003"]
        .map(package)
        .concat();
    let data = format!(
        "<?xml version=\"1.0\"?><KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">{packages}</KeyContainer>"
    );
    let answer = world.curl_admin(
        "import/pskc",
        json!({"data": data, "allow_plain": true, "type": "GO-6"}),
    );
    let rows = rows(&answer);
    let status = |serial: &str| {
        rows.iter()
            .find(|row| row["serial"] == serial)
            .map(|row| row["status_code"].clone())
    };
    let seen = ["0097000001", "0097000002", "0097000003"].map(status);
    assert_eq!(
        seen,
        [Some(json!(5003)), Some(json!(-14)), Some(json!(0))],
        "{}",
        answer.text
    );
    proof.row(5003, &rows[0]);
    proof.row(-14, &rows[1]);
    assert_eq!(world.audit(json!({"code": "F-112001"})).len(), 2);
}
