//! Synchronisation with a real directory: 20,000 entries, a kill in the middle, the brake, moves, and who is never touched.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail"
)]

use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::slapd::{BASE, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, user_entry};
use countersign_testkit::world::merge;
use countersign_testkit::{Certificate, World, curl, until};
use serde_json::{Value, json};
use std::fmt::Write;
use std::thread;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const BULK: usize = 20_000;

fn bulk_dn(number: usize) -> String {
    format!("uid=bulk-{number:05},ou=bulk,{BASE}")
}

/// Entries in four units.
fn bulk(count: usize) -> String {
    let mut ldif = String::new();
    for number in 0..count {
        let dn = bulk_dn(number);
        writeln!(
            ldif,
            "dn: {dn}\nobjectClass: inetOrgPerson\nuid: bulk-{number:05}\ncn: Bulk {number}\nsn: Bulk\n\
             mail: bulk-{number:05}@example.test\nmobile: +3247{number:07}\nou: unit {}\n",
            number % 4
        )
        .expect("write to a text");
    }
    ldif
}

/// A world with a back-end record for the directory.
fn world(slapd: &Slapd) -> World {
    let mut world = World::new(PROGRAM);
    world.done(
        "backend/create",
        json!({
            "name": "directory", "protocol": "ldap", "address": "127.0.0.1", "port": slapd.tls_port(), "tls": "ldaps",
            "ca": slapd.ca(), "base_dn": BASE, "bind_dn": SERVICE, "bind_password": SERVICE_PASSWORD, "timeout_s": 20,
        }),
    );
    world
}

fn profile(world: &mut World, name: &str, fields: &Value) {
    let mut body = json!({"name": name, "source": "directory"});
    merge(&mut body, fields);
    world.done("sync-profile/create", body);
}

/// Runs a profile by the command line; the envelope, whatever it says.
fn run(world: &World, name: &str, further: &[&str]) -> Value {
    let mut args = vec!["admin", "sync-profile", "run", "--name", name];
    args.extend(further);
    args.push("--json");
    let output = world.run(&args);
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    })
}

fn total(envelope: &Value, name: &str) -> u64 {
    envelope["result"]["totals"][name]
        .as_u64()
        .unwrap_or_else(|| panic!("no total {name} in {envelope}"))
}

/// Everything that a run could change of the accounts it owns, as one number.
fn revisions(world: &World) -> i64 {
    world.count(
        "SELECT COALESCE(SUM(u.revision + s.version), 0) FROM \"user\" u JOIN user_state s ON s.user_key = u.key
         WHERE u.ldap_profile IS NOT NULL",
    ) + world.count("SELECT COALESCE(SUM(revision), 0) FROM authenticator")
}

fn owned(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM \"user\" WHERE ldap_profile IS NOT NULL")
}

#[test]
fn twenty_thousand_entries_come_once_survive_a_kill_and_do_not_go_unasked() {
    let Some(slapd) = Slapd::with(Certificate::Good, &bulk(BULK)) else {
        return;
    };
    let mut world = world(&slapd);
    world.policy("local_only", json!({}));
    profile(
        &mut world,
        "bulk",
        &json!({
            "base": format!("ou=bulk,{BASE}"), "scope": "one", "filter": "(uid=bulk-*)", "mapping": {"org_unit": "ou"},
            "create_units": true, "gone": "delete",
        }),
    );
    killed_in_the_middle(&mut world);

    let first = run(&world, "bulk", &[]);
    assert_eq!(first["status_code"], 0, "{}", first["message"]);
    assert_eq!(total(&first, "entries"), BULK as u64);
    assert!(
        total(&first, "created") < BULK as u64,
        "it goes on where it was cut off"
    );
    assert_eq!(owned(&world), BULK as i64);
    assert_eq!(world.count("SELECT COUNT(*) FROM org_unit"), 4);

    let before = revisions(&world);
    let second = run(&world, "bulk", &[]);
    assert_eq!(second["status_code"], 0, "{}", second["message"]);
    for act in [
        "created", "updated", "moved", "enabled", "disabled", "deleted", "warned",
    ] {
        assert_eq!(total(&second, act), 0, "{act}");
    }
    assert_eq!(
        revisions(&world),
        before,
        "nothing is written that does not differ"
    );

    a_renamed_and_moved_entry(&slapd, &mut world);
    the_brake(&slapd, &mut world);
    world.run_ok(&["audit", "verify"]);
}

/// A run that a kill ends leaves what it has committed, and the next one takes over at once.
fn killed_in_the_middle(world: &mut World) {
    let token = world.token();
    let url = world.url("/v1/admin/sync-profile/run");
    let client = thread::spawn(move || {
        let header = format!("Authorization: Bearer {token}");
        curl::post(&url, &json!({"name": "bulk"}), &["--header", &header])
    });
    until("accounts come", || (owned(world) > 1000).then_some(()));
    let shown = world.done("sync-profile/view", json!({"name": "bulk"}));
    assert_eq!(
        shown.result("last_run")["state"],
        "running",
        "{}",
        shown.text
    );
    let again = world.admin("sync-profile/run", json!({"name": "bulk"}));
    assert_eq!(again.status(), -104, "one run at a time: {}", again.text);
    world.kill();
    let _ = client.join(); // it was cut off
    world.up();
    let there = owned(world);
    assert!(there > 1000 && there < BULK as i64, "{there}");
}

fn a_renamed_and_moved_entry(slapd: &Slapd, world: &mut World) {
    let serial = "S0000007";
    world.done(
        "authenticator/create",
        json!({"serial": serial, "algorithm": "HOTP", "secret_hex": KEY_HEX}),
    );
    world.done(
        "authenticator/move",
        json!({"serial": serial, "to_org_unit": "unit 3"}),
    );
    world.done(
        "authenticator/assign",
        json!({"serial": serial, "user": "bulk-00007"}),
    );
    assert!(world.pap("bulk-00007", &hotp(KEY_HEX, 0)).is_accept());
    slapd.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: uid=bulk-renamed\ndeleteoldrdn: 1\n",
        bulk_dn(7)
    ));
    slapd.set(&format!("uid=bulk-renamed,ou=bulk,{BASE}"), "ou", "unit 2");
    let moved = run(world, "bulk", &[]);
    assert_eq!(moved["status_code"], 0, "{}", moved["message"]);
    assert_eq!((total(&moved, "moved"), total(&moved, "deleted")), (1, 0));
    assert_eq!(total(&moved, "created"), 0, "{}", moved["result"]["rows"]);
    let shown = world.done("authenticator/view", json!({"serial": serial}));
    assert_eq!(shown.result("user"), "bulk-renamed", "{}", shown.text);
    assert_eq!(shown.result("org_unit"), "unit 2", "{}", shown.text);
    assert!(world.pap("bulk-renamed", &hotp(KEY_HEX, 1)).is_accept());
}

fn the_brake(slapd: &Slapd, world: &mut World) {
    let mut gone = String::new();
    for number in 10_000..10_000 + BULK / 10 + 1 {
        write!(gone, "dn: {}\nchangetype: delete\n\n", bulk_dn(number)).expect("write to a text");
    }
    slapd.modify(&gone);
    let held = run(world, "bulk", &[]);
    assert_eq!(held["status_code"], -2, "{}", held["message"]);
    assert!(
        held["message"]
            .as_str()
            .is_some_and(|text| text.contains("confirm_deletes"))
    );
    assert_eq!(owned(world), BULK as i64);
    let confirmed = run(world, "bulk", &["--confirm-deletes"]);
    assert_eq!(confirmed["status_code"], 0, "{}", confirmed["message"]);
    assert_eq!(total(&confirmed, "deleted"), BULK as u64 / 10 + 1);
    assert_eq!(owned(world), (BULK - BULK / 10 - 1) as i64);
    let shown = world.done("sync-profile/view", json!({"name": "bulk"}));
    assert_eq!(shown.result("last_run")["state"], "done");
    assert_eq!(shown.result("accounts"), owned(world));
}

#[test]
fn administrators_and_accounts_of_others_are_left_alone_and_a_dead_directory_changes_nothing() {
    let further = user_entry("admin", "") + &user_entry("second", "");
    let Some(mut slapd) = Slapd::with(Certificate::Good, &further) else {
        return;
    };
    let mut world = world(&slapd);
    let administrator = world.seen("admin");
    profile(
        &mut world,
        "people",
        &json!({"base": PEOPLE, "gone": "disable"}),
    );
    profile(
        &mut world,
        "some",
        &json!({"base": PEOPLE, "filter": "(uid=normal)"}),
    );

    let shown = world.done("sync-profile/validate", json!({"name": "people"}));
    assert_eq!(shown.result("entries"), 16, "{}", shown.text);
    assert_eq!(shown.result("first").as_array().map(Vec::len), Some(10));
    let dry = world.done("sync-profile/dry-run", json!({"name": "people"}));
    assert_eq!(dry.result("totals")["created"], 15, "{}", dry.text);
    assert_eq!(owned(&world), 0, "a dry run changes nothing");

    let first = world.done("sync-profile/run", json!({"name": "people"}));
    assert_eq!(first.result("totals")["created"], 15, "{}", first.text);
    assert_eq!(first.result("totals")["skipped"], 1, "{}", first.text);
    assert_eq!(
        world.seen("admin"),
        administrator,
        "an administrator is left alone"
    );
    assert_eq!(world.audit(json!({"code": "W-016004"})).len(), 1);
    let made = world.audit(json!({"command": "user.create"}));
    assert_eq!(made.len(), 15, "each change is on record as its command");

    let other = world.done("sync-profile/run", json!({"name": "some"}));
    let row = &other.result("rows")[0];
    assert_eq!(
        row["status_code"], -14,
        "the owner wins, the other is warned: {}",
        other.text
    );
    assert_eq!(world.seen("normal")["sync_profile"], "people");

    slapd.modify(&format!("dn: uid=second,{PEOPLE}\nchangetype: delete\n"));
    world.user("bystander", None);
    slapd.freeze();
    world.done(
        "backend/update",
        json!({"name": "directory", "timeout_s": 1}),
    );
    let before = revisions(&world);
    let silent = world.admin("sync-profile/run", json!({"name": "people"}));
    assert_eq!(silent.status(), -10, "{}", silent.text);
    slapd.thaw();
    slapd.kill();
    let dead = world.admin("sync-profile/run", json!({"name": "people"}));
    assert_eq!(dead.status(), -10, "{}", dead.text);
    assert_eq!(revisions(&world), before);
    assert_eq!(world.seen("second")["disabled"], false);

    slapd.up();
    world.done("sync-profile/run", json!({"name": "people"}));
    assert_eq!(world.seen("second")["disabled"], true);
    assert_eq!(
        world.seen("bystander")["disabled"],
        false,
        "not owned, not touched"
    );
    let lost = world.admin(
        "sync-profile/update",
        json!({"name": "people", "successor": "nobody", "gone": "delete"}),
    );
    assert_eq!(lost.status(), 0, "{}", lost.text);
    let lost = world.admin("sync-profile/run", json!({"name": "people"}));
    assert_eq!(lost.status(), 1132, "{}", lost.text);
    world.done("sync-profile/delete", json!({"name": "people"}));
    assert_eq!(owned(&world), 0, "they are owned by nobody");
    assert!(world.leaks().is_empty(), "{:?}", world.leaks());
}
