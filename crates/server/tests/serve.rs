//! The life of a server: first start, stop, restart, and what keeps it from starting.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use countersign_testkit::{Options, Server, Store, World};
use serde_json::{Value, json};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn start() -> Server {
    Server::start(PROGRAM, Options::default())
}

fn mode(path: &Path) -> u32 {
    path.metadata()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o777
}

/// Runs `serve` on the data of a server where it is expected to end by itself.
fn refused(server: &Server) -> String {
    let output = server.run(&["serve", "--http", "127.0.0.1:0", "--radius", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_first_start_makes_private_files_and_says_its_secrets_once() {
    let mut server = start();
    let data = server.data_dir();
    assert_eq!(mode(&data), 0o700);
    for name in ["first-run.json", "root.key", "certificate.key", "run.json"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    if Store::is_file() {
        assert_eq!(mode(&server.database()), 0o600);
    }
    let (user, password) = server.administrator();
    assert_eq!(user, "admin");
    assert!(password.len() >= 20);
    for secret in [password, server.radius_secret()] {
        assert_eq!(server.log().matches(&secret).count(), 1, "printed once");
    }
    let ready: Value =
        serde_json::from_slice(&std::fs::read(server.dir().join("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["pid"], server.pid());
    assert!(server.ready("http").starts_with("https://127.0.0.1:"));
    assert!(server.ready("health").starts_with("http://127.0.0.1:"));
    assert!(
        server.ready("radius_auth").starts_with("127.0.0.1:")
            && server.ready("radius_acct").starts_with("127.0.0.1:")
    );
    server.stop();
    assert!(!data.join("run.json").exists() && data.join("first-run.json").exists());
}

#[test]
fn every_start_reminds_of_what_is_open() {
    let mut server = start();
    let reminders = |server: &Server| {
        (
            server
                .log()
                .matches("delete it once you have noted them")
                .count(),
            server.log().matches("run `countersign key escrow").count(),
        )
    };
    assert_eq!(reminders(&server), (1, 1));
    server.stop();
    server.up();
    assert_eq!(reminders(&server), (2, 2));
    server.done("component/update", json!({"type": "radius_client", "location": "127.0.0.1", "require_message_authenticator": false}));
    let passphrase = server.dir().join("passphrase");
    std::fs::write(&passphrase, "kept in the safe of the bank\n").unwrap();
    let out = server.dir().join("escrow.txt");
    succeeded(&server.run(&[
        "key",
        "escrow",
        "--out",
        out.to_str().unwrap(),
        "--passphrase-file",
        passphrase.to_str().unwrap(),
    ]));
    assert_eq!(mode(&out), 0o600);
    std::fs::remove_file(server.data_dir().join("first-run.json")).unwrap();
    server.stop();
    server.up();
    assert_eq!(
        reminders(&server),
        (2, 2),
        "nothing is open any more:\n{}",
        server.log()
    );
    assert!(
        server.log().contains("W-111001")
            && server
                .log()
                .contains("127.0.0.1 need not send Message-Authenticator"),
        "{}",
        server.log()
    );
}

#[test]
fn a_restart_keeps_everything() {
    let mut world = World::new(PROGRAM);
    world.user("alice", None);
    world.hotp("alice");
    assert!(
        world
            .pap(
                "alice",
                &countersign_testkit::oath::hotp(countersign_testkit::oath::KEY_HEX, 0)
            )
            .is_accept()
    );
    world.stop();
    world.up();
    world.forget_session();
    assert_eq!(
        world
            .pap(
                "alice",
                &countersign_testkit::oath::hotp(countersign_testkit::oath::KEY_HEX, 0)
            )
            .status(),
        Some(1008),
        "used before the restart"
    );
    assert!(
        world
            .pap(
                "alice",
                &countersign_testkit::oath::hotp(countersign_testkit::oath::KEY_HEX, 1)
            )
            .is_accept()
    );
    assert_eq!(
        world.admin("user/view", json!({"user": "alice"})).status(),
        0
    );
    let verified = world.run(&["audit", "verify"]);
    assert!(succeeded(&verified).starts_with("intact\n"));
}

#[test]
fn a_first_start_that_was_cut_short_keeps_its_password() {
    let mut server = start();
    let (_, password) = server.administrator();
    server.kill();
    server.remove_store();
    let _ = std::fs::remove_file(server.data_dir().join("node-state.json")); // there is none before the first checkpoint
    server.up();
    let first: Value =
        serde_json::from_slice(&std::fs::read(server.data_dir().join("first-run.json")).unwrap())
            .unwrap();
    assert_eq!(first["admin"]["password"], password.as_str());
    assert!(!server.logon().is_empty());
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let server = start();
    let said = refused(&server);
    assert!(said.contains("another server runs on it"), "{said}");
    assert!(!server.logon().is_empty(), "the first one goes on");
}

#[test]
fn a_wrong_or_missing_root_key_is_refused_and_nothing_is_changed() {
    let (mut server, other) = (start(), start());
    server.stop();
    let key = server.data_dir().join("root.key");
    let own = std::fs::read(&key).unwrap();
    std::fs::write(
        &key,
        std::fs::read(other.data_dir().join("root.key")).unwrap(),
    )
    .unwrap();
    let said = refused(&server);
    assert!(
        said.contains("check that root_key names the key that this store was made with"),
        "{said}"
    );
    std::fs::remove_file(&key).unwrap();
    let said = refused(&server);
    assert!(said.contains("bring the key back"), "{said}");
    assert!(!key.exists());
    std::fs::write(&key, own).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    server.up();
    assert!(!server.logon().is_empty());
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let said = refused_plain(&data, &["--http", &address, "--radius", "127.0.0.1:0"]);
    assert!(
        said.contains(&address) && said.contains("another program uses the port"),
        "{said}"
    );
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = udp.local_addr().unwrap().to_string();
    let said = refused_plain(&data, &["--http", "127.0.0.1:0", "--radius", &address]);
    assert!(
        said.contains(&address) && said.contains("E-002004"),
        "{said}"
    );
    assert!(
        !data.join("countersign.db").exists(),
        "what cannot listen makes no store"
    );
}

fn refused_plain(data: &Path, args: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .args(["serve", "--data-dir"])
        .arg(data)
        .args(args)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    text(&output)
}

#[test]
fn a_store_that_was_put_back_is_not_served_until_it_is_accepted() {
    let mut server = start();
    server.stop();
    server.copy_store();
    server.up();
    server.stop();
    server.put_store_back();
    let said = server.try_up().unwrap_err();
    assert!(said.contains("E-115003"), "{said}");
    assert_eq!(
        server.run(&["audit", "verify"]).status.code(),
        Some(1),
        "the node remembers more than the store holds"
    );
    succeeded(&server.run(&[
        "audit",
        "accept-rollback",
        "--reason",
        "restored on purpose",
    ]));
    server.up();
    assert!(!server.logon().is_empty());
    assert!(succeeded(&server.run(&["audit", "verify"])).starts_with("intact\n"));
}

#[test]
fn the_command_line_administers_the_server_of_a_data_directory() {
    let server = start();
    succeeded(&server.run(&["admin", "user", "create", "--user", "alice"]));
    let shown = succeeded(&server.run(&["admin", "user", "view", "--user", "alice"]));
    assert!(
        shown
            .lines()
            .any(|line| line.split_whitespace().collect::<Vec<_>>() == ["user", "alice"]),
        "{shown}"
    );
    let json = succeeded(&server.run(&["admin", "user", "view", "--user", "alice", "--json"]));
    assert_eq!(
        serde_json::from_str::<Value>(&json).unwrap()["result"]["user"],
        "alice"
    );
    let twice = server.run(&["admin", "user", "create", "--user", "alice"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(text(&twice).contains("-14"), "{}", text(&twice));
    let script = server.dir().join("script");
    std::fs::write(&script, "# two users and a mistake\nuser create --user bob\nuser create --user bob\nuser create --user carol\n").unwrap();
    let stopped = server.run(&["admin", "run", script.to_str().unwrap()]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(text(&stopped).contains("line 3"), "{}", text(&stopped));
    assert_eq!(
        server
            .run(&["admin", "user", "view", "--user", "carol"])
            .status
            .code(),
        Some(1)
    );
    let list = succeeded(&server.run(&["admin", "session", "list"]));
    assert_eq!(
        list.matches("admin_program").count(),
        1,
        "every command logged off:\n{list}"
    );
}

#[test]
fn an_import_answers_one_status_for_each_row() {
    let server = start();
    let file = server.dir().join("tokens.csv");
    std::fs::write(&file, "serial,algorithm,secret_hex\nA1,HOTP,3132333435363738393031323334353637383930\nA2,NOPE,00\n").unwrap();
    let imported = server.run(&["import", "authenticators", file.to_str().unwrap()]);
    let said = text(&imported);
    assert_eq!(imported.status.code(), Some(1), "{said}");
    assert!(
        said.contains("A1") && said.contains("2 rows: 1 done, 1 refused"),
        "{said}"
    );
    succeeded(&server.run(&["admin", "authenticator", "view", "--serial", "A1"]));
}

#[test]
fn a_decision_is_explained_and_tailed_while_the_server_runs() {
    let mut world = World::new(PROGRAM);
    world.user("alice", None);
    world.hotp("alice");
    world.policy("local", json!({}));
    let answer =
        world.app(json!({"user": "alice", "password": "000000", "request_id": "ticket-4711"}));
    assert_eq!(answer.status(), 1012, "{}", answer.text);
    for id in ["ticket-4711", answer.body["request_id"].as_str().unwrap()] {
        let said = succeeded(&world.run(&["explain", id]));
        for part in [
            "how it was decided:",
            "1012 STAT_",
            "policy",
            "alice",
            "T000000",
        ] {
            assert!(said.contains(part), "{part} is missing in\n{said}");
        }
        assert!(!said.contains("000000\n"), "{said}");
    }
    assert!(succeeded(&world.run(&["audit", "tail", "-n", "5"])).contains("ticket-4711"));
    assert_eq!(world.run(&["explain", "nosuch"]).status.code(), Some(1));
}

#[test]
fn a_hangup_reads_the_certificate_and_the_log_level_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[log]\nlevel = \"info\"\nformat = \"json\"\n").unwrap();
    let mut server = Server::start(
        PROGRAM,
        Options {
            args: vec!["--config".into(), file.clone().into()],
            ..Options::default()
        },
    );
    let other = start();
    for name in ["certificate.pem", "certificate.key"] {
        std::fs::copy(other.data_dir().join(name), server.data_dir().join(name)).unwrap();
    }
    server.signal("HUP");
    let begun = std::time::Instant::now();
    while !server.log().contains("the certificate was read again") {
        assert!(begun.elapsed().as_secs() < 20, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(20)); // nothing tells when a line is logged
    }
    let trusted = other.data_dir().join("certificate.pem");
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--cacert"])
        .arg(trusted)
        .arg(server.url("/v1/openapi.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    for line in server.log().lines().filter(|line| line.starts_with('{')) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    server.stop();
}
