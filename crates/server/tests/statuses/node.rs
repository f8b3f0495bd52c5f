use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::world::rows;
use countersign_testkit::{Options, curl, until};
use serde_json::json;
use std::fmt::Write;

/// Rows of an import that takes long enough to be stopped.
const ROWS: i64 = 12_000;
const COUNT: &str = "SELECT COUNT(*) FROM authenticator";

#[test]
fn an_import_while_the_server_stops() {
    let proof = proof("an_import_while_the_server_stops");
    let mut world = world();
    let mut file = String::from("serial,algorithm,secret_hex\n");
    for number in 0..ROWS {
        let _ = writeln!(file, "N{number:07},HOTP,{number:040x}");
    }
    let (url, token) = (world.url("/v1/admin/import/authenticators"), world.token());
    let import = |url: &str, token: &str| {
        let header = format!("Authorization: Bearer {token}");
        let extra = ["--header", header.as_str()];
        curl::post_bytes(url, "application/octet-stream", file.as_bytes(), &extra)
    };
    let cut_off = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| import(&url, &token));
        until("the first rows are in", || {
            (world.count(COUNT) > 0).then_some(())
        });
        world.stop();
        waiting.join().expect("an answer")
    });
    proof.admin(1126, &cut_off);
    let done = cut_off.result("done").as_i64().expect("a number");
    assert!(done > 0 && done < ROWS, "{done} of {ROWS} rows");
    assert_eq!(world.count(COUNT), done, "what was said is what is there");

    // the same file again, from where the answer says, makes the import whole
    world.up();
    world.forget_session();
    let next = cut_off.result("next_row");
    let url = world.url(&format!("/v1/admin/import/authenticators?from_row={next}"));
    let token = world.token();
    let rest = import(&url, &token);
    proof.admin(0, &rest);
    assert_eq!(rest.result("done"), ROWS - done, "{}", rest.body["message"]);
    assert_eq!(rest.result("refused"), 0);
    assert_eq!(world.count(COUNT), ROWS);
    let told = world.audit(json!({"command": "import.authenticators", "status_code": 1126}));
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn scenarios_switched_off() {
    let proof = proof("scenarios_switched_off");
    let mut world = world();
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    let list = world.done("node/list", json!({}));
    let name = rows(&list)[0]["name"].clone();
    world.done("node/update", json!({"name": name, "scenarios": ["admin"]}));
    let otp = json!({"user": "otto", "otp": hotp(KEY_HEX, 0)});
    let refused = until("the node follows", || {
        let answer = world.app(otp.clone());
        (answer.body["status_code"] == -107).then_some(answer)
    });
    proof.auth(-107, &refused);
    world.set_radius_timeout(1.0);
    proof.silent(-107, &world.pap("otto", &hotp(KEY_HEX, 1)));
    world.stop();
    world.set_options(Options {
        env: vec![("COUNTERSIGN_SCENARIOS".into(), "auth, radius".into())],
        ..Options::default()
    });
    world.up();
    let (user, password) = world.administrator();
    let logon = curl::post(
        &world.url("/v1/admin/session/logon"),
        &json!({"user": user, "password": password}),
        &[],
    );
    proof.admin(-107, &logon);
}
