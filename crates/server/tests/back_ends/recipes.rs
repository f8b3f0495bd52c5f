//! The recipes of docs/backends.md, run as they stand there but for the names of servers and users.

use super::{PROGRAM, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::webhook::Reply;
use countersign_testkit::{
    Certificate, FreeRadius, Options, SambaAd, Slapd, Webhook, World, freeradius, samba, slapd,
};
use serde_json::json;
use std::process::Command;

const PASSWORD: &str = "Passw0rd-1";

/// The commands of a recipe.
fn recipe(heading: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/backends.md");
    let text = std::fs::read_to_string(path).expect("read docs/backends.md");
    let (_, from) = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no recipe {heading}"));
    let (_, block) = from.split_once("```sh\n").expect("commands");
    block.split_once("```").expect("their end").0.to_owned()
}

/// Runs a recipe with other names and files, and tries what it makes by RADIUS.
fn follow(world: &mut World, heading: &str, names: &[(&str, &str)], files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("make a directory");
    std::os::unix::fs::symlink(PROGRAM, folder.path().join("countersign")).expect("make a link");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("write a file");
    }
    let mut commands = recipe(heading);
    for (from, to) in names {
        commands = commands.replace(from, to);
    }
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("bash")
        .args(["-ec", &commands])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("COUNTERSIGN_DATA_DIR", world.data_dir())
        .output()
        .expect("run bash");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{heading}: {commands}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    for (counter, user) in (0..).zip(["normal", "normal"]) {
        if counter == 0 {
            world.hotp_user(user);
        }
        let both = format!("{PASSWORD}{}", hotp(KEY_HEX, counter));
        let accepted = world.pap(user, &both);
        assert!(accepted.is_accept(), "{heading}: {}", accepted.text);
    }
    let otp = hotp(KEY_HEX, 2);
    let refused = world.pap("normal", &format!("Wrong-Passw0rd{otp}"));
    assert_eq!(refused.status(), Some(1023), "{heading}: {}", refused.text);
}

#[test]
fn active_directory() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let names = [
        ("dc1.example.org", controller.address()),
        ("DC=example,DC=org", samba::BASE),
        ("svc-auth@example.org", samba::SERVICE),
        ("--user alice", "--user normal"),
    ];
    let files = [
        ("bind-password", samba::SERVICE_PASSWORD),
        ("ca.pem", controller.ca()),
    ];
    follow(&mut world(), "Active Directory", &names, &files);
}

#[test]
fn openldap() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let address = format!("127.0.0.1 --port {}", server.tls_port());
    let names = [
        ("ldap1.example.org", address.as_str()),
        ("dc=example,dc=org", slapd::BASE),
        ("--user alice", "--user normal"),
    ];
    let files = [
        ("bind-password", slapd::SERVICE_PASSWORD),
        ("ca.pem", server.ca()),
    ];
    follow(&mut world(), "OpenLDAP", &names, &files);
}

#[test]
fn freeradius() {
    let Some(server) = FreeRadius::start() else {
        return;
    };
    let address = format!("127.0.0.1 --port {}", server.auth_port());
    let names = [
        ("radius1.example.org", address.as_str()),
        ("--user alice", "--user normal"),
    ];
    let files = [("shared-secret", freeradius::SECRET)];
    follow(
        &mut world(),
        "FreeRADIUS, or any RADIUS server",
        &names,
        &files,
    );
}

#[test]
fn webhook() {
    let service = Webhook::start(Certificate::Good, |call| {
        let right = call.body["password"] == PASSWORD
            && call.signed_at(records::HMAC_KEY.as_bytes()).is_some();
        Reply::Json(json!({"result": if right { "accept" } else { "reject" }}))
    });
    let url = service.url();
    let names = [
        ("https://hook1.example.org/ask", url.as_str()),
        ("--user alice", "--user normal"),
    ];
    let files = [
        ("hmac-key", records::HMAC_KEY),
        ("ca.pem", service.authority().pem()),
    ];
    follow(&mut world(), "Webhook", &names, &files);
}

#[test]
fn windows() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let options = Options {
        before: controller.before(),
        ..Options::default()
    };
    let mut world = World::with(PROGRAM, options);
    let names = [("--user alice", "--user normal")];
    follow(&mut world, "Windows through winbind", &names, &[]);
}
