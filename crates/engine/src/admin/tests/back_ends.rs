//! Back-ends and their groups.

use super::world::{World, sealed};
use crate::Status;
use crate::admin::{Action, AdminDecision, Put, Write};
use crate::back_end::{BackEnds, Heard, Said, UserInfo};
use crate::decision::Change;
use crate::model::{
    BackEnd, BackEndGroup, BackEndKey, Contact, DomainKey, Profile, Protocol, RealmRule, Sealed,
    Tls,
};
use crate::policy::PolicySet;
use serde_json::{Value as Json, json};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n";

fn with(mut body: Json, more: Json) -> Json {
    let (Json::Object(fields), Json::Object(more)) = (&mut body, more) else {
        panic!()
    };
    fields.extend(more);
    body
}

fn radius(name: &str) -> Json {
    json!({"name": name, "protocol": "radius", "address": "192.0.2.7", "shared_secret": "0123456789abcdef"})
}

fn directory(name: &str) -> Json {
    json!({"name": name, "protocol": "ldap", "address": "ldap.example.org", "base_dn": "dc=example,dc=org"})
}

fn domain_controller(name: &str) -> Json {
    with(
        directory(name),
        json!({"protocol": "active_directory", "bind_dn": "reader@example.org", "bind_password": "open sesame"}),
    )
}

fn webhook(name: &str) -> Json {
    json!({"name": name, "protocol": "webhook", "url": "https://hook.example.org/ask", "hmac_key": "0123456789abcdef"})
}

fn put(decision: &AdminDecision) -> &Put<BackEnd> {
    match decision.changes.first() {
        Some(Change::Write(Write::BackEnd(put))) => put,
        _ => panic!("{:?}", decision.detail),
    }
}

/// A world with these back-ends and a group of the first one.
fn world_of(bodies: &[Json]) -> World {
    let mut world = World::new();
    let records: Vec<BackEnd> = bodies
        .iter()
        .zip(1..)
        .map(|(body, key)| {
            let decision = world.decide("backend", "create", body.clone());
            let put = put(&decision);
            let mut record = put.record.clone();
            record.key = BackEndKey(key);
            record.meta.revision = 7;
            for (field, secret) in &put.secrets {
                let value = secret.as_ref().map(|secret| sealed(secret.expose()));
                set(&mut record.protocol, field, value);
            }
            record
        })
        .collect();
    let group = BackEndGroup {
        key: 1,
        name: "Office".into(),
        protocol: records[0].protocol.word().into(),
        members: vec![BackEndKey(1)],
        meta: records[0].meta,
    };
    world.snapshot.back_ends = BackEnds::new(records, vec![group]);
    world
}

fn set(protocol: &mut Protocol, field: &str, value: Option<Sealed>) {
    match (protocol, field) {
        (Protocol::Radius(own), "shared_secret") => own.shared_secret = value,
        (Protocol::ActiveDirectory(own) | Protocol::Ldap(own), "bind_password") => {
            own.bind_password = value;
        }
        (Protocol::Webhook(own), "hmac_key") => own.hmac_key = value,
        (Protocol::Webhook(own), "client_key") => own.client_key = value,
        (other, field) => panic!("{other:?} {field}"),
    }
}

#[test]
fn every_protocol_has_a_record_with_its_defaults() {
    let world = World::new();
    let decision = world.decide("backend", "create", radius("r"));
    let record = &put(&decision).record;
    assert_eq!(
        (
            record.priority,
            record.timeout_s,
            record.retries,
            record.enabled
        ),
        (100, 3, 1, true)
    );
    let Protocol::Radius(own) = &record.protocol else {
        panic!()
    };
    assert!(own.require_message_authenticator && own.realm_rule == RealmRule::None);
    assert_eq!(decision.result["has_shared_secret"], json!(true));
    assert!(!format!("{:?} {:?}", decision.records, decision.result).contains("0123456789"));

    let decision = world.decide(
        "backend",
        "create",
        with(domain_controller("dc"), json!({"domain": "example.org", "tls": "starttls", "ca": CERTIFICATE, "user_filter": "(objectClass=user)", "global_catalog": "gc.example.org:3269", "attribute_map": {"mobile": "", "phone": "ipPhone"}})),
    );
    let record = &put(&decision).record;
    assert_eq!(record.domain, Some(DomainKey(2)));
    assert_eq!(record.map.mobile.as_deref(), Some(""));
    assert_eq!(record.map.name, None);
    let Protocol::ActiveDirectory(own) = &record.protocol else {
        panic!()
    };
    assert_eq!((own.tls, own.profile), (Tls::StartTls, Profile::Ad));
    assert_eq!(decision.result["has_bind_password"], json!(true));
    assert!(!format!("{:?} {:?}", decision.records, decision.result).contains("sesame"));

    let decision = world.decide(
        "backend",
        "create",
        with(directory("l"), json!({"tls": "none"})),
    );
    assert_eq!(decision.result["profile"], json!("openldap"));
    assert_eq!(
        decision.result["remarks"],
        json!(["passwords cross the network readable"])
    );
    let decision = world.decide(
        "backend",
        "create",
        json!({"name": "w", "protocol": "windows", "netbios_domain": "EXAMPLE", "helper": "/usr/bin/ntlm_auth"}),
    );
    assert_eq!(decision.result["address"], Json::Null);
    let decision = world.decide(
        "backend",
        "create",
        json!({"name": "h", "protocol": "webhook", "address": "https://hook.example.org:8443/ask?x=1", "generate_secret": true, "client_certificate": CERTIFICATE, "client_key": KEY}),
    );
    let made = decision.result["hmac_key"].as_str().unwrap();
    assert!(made.len() >= 32 && !format!("{:?}", decision.records).contains(made));
    assert_eq!(decision.result["has_client_key"], json!(true));
}

#[test]
fn what_a_record_may_not_say_is_refused() {
    let world = world_of(&[radius("first")]);
    let cases = [
        (json!({"name": "a"}), 1090),
        (json!({"name": "a", "protocol": null}), 1090),
        (json!({"name": "a", "protocol": "kerberos"}), -101),
        (json!({"protocol": "radius"}), -102),
        (radius("FIRST"), -14),
        (radius(&"x".repeat(81)), -101),
        (with(radius("a"), json!({"domain": "nowhere"})), -13),
        (with(radius("a"), json!({"priority": 0})), -101),
        (with(radius("a"), json!({"priority": 1001})), -101),
        (with(radius("a"), json!({"timeout_s": 0})), -101),
        (with(radius("a"), json!({"timeout_s": 1000})), -101),
        (with(radius("a"), json!({"retries": 10})), -101),
        (with(radius("a"), json!({"port": 0})), -101),
        (with(radius("a"), json!({"address": "a b"})), -101),
        (with(radius("a"), json!({"address": null})), -102),
        (with(radius("a"), json!({"shared_secret": ""})), -101),
        (with(radius("a"), json!({"shared_secret": null})), -101),
        (with(radius("a"), json!({"generate_secret": true})), -2),
        (with(radius("a"), json!({"realm": "a@b"})), -101),
        (with(radius("a"), json!({"base_dn": "dc=a"})), -2),
        (with(radius("a"), json!({"attribute_map": {}})), -2),
        (with(radius("a"), json!({"group": "nowhere"})), -13),
        (
            json!({"name": "a", "protocol": "radius", "address": "h"}),
            -102,
        ),
        (with(directory("a"), json!({"group": "office"})), -2),
        (
            with(directory("a"), json!({"base_dn": "example.org"})),
            -101,
        ),
        (with(directory("a"), json!({"base_dn": null})), -102),
        (with(directory("a"), json!({"bind_dn": "cn=x"})), -2),
        (with(directory("a"), json!({"bind_password": "x"})), -2),
        (
            with(
                directory("a"),
                json!({"bind_dn": "x@y", "bind_password": "x"}),
            ),
            -101,
        ),
        (with(directory("a"), json!({"user_filter": "cn=a"})), -101),
        (
            with(directory("a"), json!({"user_filter": "(cn=a)(b=c)"})),
            -101,
        ),
        (
            with(directory("a"), json!({"user_id_attribute": "a)(b"})),
            -101,
        ),
        (with(directory("a"), json!({"object_class": ""})), -101),
        (with(directory("a"), json!({"ca": "x"})), -101),
        (with(directory("a"), json!({"ca": KEY})), -101),
        (with(directory("a"), json!({"tls": "maybe"})), -101),
        (with(directory("a"), json!({"profile": "ad"})), -2),
        (with(directory("a"), json!({"global_catalog": "gc"})), -2),
        (with(directory("a"), json!({"shared_secret": "x"})), -2),
        (with(directory("a"), json!({"url": "https://a/"})), -2),
        (
            with(directory("a"), json!({"attribute_map": {"title": "t"}})),
            -101,
        ),
        (
            with(directory("a"), json!({"attribute_map": {"name": "a b"}})),
            -101,
        ),
        (with(domain_controller("a"), json!({"tls": "none"})), -2),
        (
            with(
                domain_controller("a"),
                json!({"profile": "389ds", "bind_dn": "cn=reader"}),
            ),
            -2,
        ),
        (
            json!({"name": "a", "protocol": "windows", "helper": "/bin/sh"}),
            -101,
        ),
        (
            json!({"name": "a", "protocol": "windows", "base_dn": "dc=a"}),
            -102,
        ),
        (
            json!({"name": "a", "protocol": "windows", "tls": "none"}),
            -102,
        ),
        (with(webhook("a"), json!({"url": "http://a/"})), -101),
        (with(webhook("a"), json!({"url": "https://u@a/"})), -101),
        (with(webhook("a"), json!({"address": "https://a/"})), -2),
        (with(webhook("a"), json!({"port": 443})), -2),
        (with(webhook("a"), json!({"hmac_key": "short"})), -101),
        (
            with(webhook("a"), json!({"client_certificate": CERTIFICATE})),
            -2,
        ),
        (with(webhook("a"), json!({"client_key": KEY})), -2),
        (
            with(
                webhook("a"),
                json!({"client_certificate": CERTIFICATE, "client_key": CERTIFICATE}),
            ),
            -101,
        ),
        (
            json!({"name": "a", "protocol": "webhook", "url": "https://a/"}),
            -102,
        ),
    ];
    for (body, status) in cases {
        assert_eq!(
            world.status("backend", "create", body.clone()),
            status,
            "{body}"
        );
    }
}

#[test]
fn an_update_changes_what_it_names() {
    let world = world_of(&[domain_controller("dc"), webhook("hook"), radius("r")]);
    let decision = world.decide(
        "backend",
        "update",
        json!({"name": "DC", "priority": 7, "enabled": false, "port": 636}),
    );
    let changed = put(&decision);
    assert_eq!(changed.guard, Some(7));
    assert!(changed.secrets.is_empty());
    assert_eq!(
        (changed.record.priority, changed.record.port),
        (7, Some(636))
    );
    assert_eq!(decision.result["has_bind_password"], json!(true));
    let decision = world.decide("backend", "update", json!({"name": "dc", "bind_dn": null}));
    assert!(matches!(
        put(&decision).secrets[..],
        [("bind_password", None)]
    ));
    assert_eq!(decision.result["has_bind_password"], json!(false));
    for (body, status) in [
        (json!({"name": "dc", "protocol": null}), 1090),
        (json!({"name": "dc", "protocol": "ldap"}), -2),
        (json!({"name": "dc", "protocol": "active_directory"}), 0),
        (json!({"name": "dc", "tls": "none"}), -2),
        (json!({"name": "dc", "bind_password": null}), -2),
        (json!({"name": "dc", "address": null}), -102),
        (json!({"name": "hook", "url": "https://other/"}), 0),
        (json!({"name": "hook", "hmac_key": null}), -101),
        (json!({"name": "r", "hmac_key": "0123456789abcdef"}), -2),
        (json!({"name": "nowhere", "priority": 5}), -13),
    ] {
        assert_eq!(
            world.status("backend", "update", body.clone()),
            status,
            "{body}"
        );
    }
}

#[test]
fn a_domain_that_a_back_end_names_stays() {
    let body = json!({"name": "empty"});
    let named = with(radius("r"), json!({"domain": "empty"}));
    assert_eq!(
        world_of(&[named]).status("domain", "delete", body.clone()),
        -2
    );
    assert_eq!(world_of(&[radius("r")]).status("domain", "delete", body), 0);
}

#[test]
fn groups_have_members_of_one_protocol() {
    let mut world = world_of(&[radius("r1"), radius("r2"), directory("l")]);
    let joined = world.decide(
        "backend",
        "create",
        with(radius("r3"), json!({"group": "office"})),
    );
    let Some(Change::Write(Write::BackEndGroup(group))) = joined.changes.get(1) else {
        panic!()
    };
    assert_eq!(group.record.members, [BackEndKey(1), BackEndKey(-1)]);
    assert_eq!(joined.result["groups"], json!(["Office"]));
    let left = world.decide("backend", "update", json!({"name": "r1", "group": null}));
    assert_eq!(left.result["groups"], json!([]));
    assert_eq!(left.changes.len(), 2);
    let made = world.decide(
        "backend-group",
        "create",
        json!({"name": "all", "protocol": "radius", "members": ["r2", "R1"]}),
    );
    assert_eq!(made.result["members"], json!(["r2", "r1"]));
    for (verb, body, status) in [
        ("create", json!({"name": "g"}), 1090),
        ("create", json!({"name": "g", "protocol": null}), 1090),
        (
            "create",
            json!({"name": "Radius", "protocol": "radius"}),
            -101,
        ),
        (
            "create",
            json!({"name": "OFFICE", "protocol": "radius"}),
            -14,
        ),
        (
            "create",
            json!({"name": "g", "protocol": "radius", "members": ["l"]}),
            -2,
        ),
        (
            "create",
            json!({"name": "g", "protocol": "radius", "members": ["r1", "R1"]}),
            -2,
        ),
        (
            "create",
            json!({"name": "g", "protocol": "radius", "members": ["r9"]}),
            -13,
        ),
        ("update", json!({"name": "office", "protocol": "ldap"}), -2),
        (
            "update",
            json!({"name": "office", "protocol": "ldap", "members": ["l"]}),
            0,
        ),
        ("update", json!({"name": "office", "protocol": null}), 1090),
        ("update", json!({"name": "office", "members": null}), 0),
        ("view", json!({"name": "nowhere"}), -13),
        ("delete", json!({"name": "office"}), 0),
    ] {
        assert_eq!(
            world.status("backend-group", verb, body.clone()),
            status,
            "{verb} {body}"
        );
    }
    assert_eq!(world.status("backend", "delete", json!({"name": "r1"})), -2);
    assert!(matches!(
        world.writes("backend", "delete", json!({"name": "r2"}))[..],
        [Write::RemoveBackEnd(BackEndKey(2), 7)]
    ));
    let mut policy = world.snapshot.policies.get("local").unwrap().clone();
    policy.set("back_end_protocol", &json!("OFFICE")).unwrap();
    let others = world
        .snapshot
        .policies
        .iter()
        .filter(|one| one.id != "local");
    world.snapshot.policies = PolicySet::new(others.cloned().chain([policy]).collect::<Vec<_>>());
    assert_eq!(
        world.status("backend-group", "delete", json!({"name": "office"})),
        -2
    );
}

#[test]
fn a_test_is_left_to_the_shell_and_keeps_no_password() {
    let world = world_of(&[radius("r")]);
    let decision = world.decide(
        "backend",
        "test",
        json!({"name": "R", "user": "Alice", "domain": "example.org", "password": "open sesame", "groups": ["staff"]}),
    );
    let Some(Action::BackEnd(test)) = &decision.action else {
        panic!("{:?}", decision.detail)
    };
    assert_eq!(
        (test.server, test.domain, test.user.as_deref()),
        (BackEndKey(1), Some(DomainKey(2)), Some("Alice"))
    );
    assert_eq!(test.password.as_ref().unwrap().expose(), b"open sesame");
    assert!(!format!("{decision:?}").contains("sesame"));
    for (body, status) in [
        (json!({"name": "x"}), -13),
        (json!({"name": "r", "password": "x"}), -2),
        (json!({"name": "r", "groups": ["x"]}), -2),
        (json!({"name": "r", "user": "a", "password": ""}), -101),
        (json!({"name": "r", "user": "a", "domain": "nowhere"}), -13),
        (json!({"name": "r"}), 0),
    ] {
        assert_eq!(
            world.status("backend", "test", body.clone()),
            status,
            "{body}"
        );
    }
}

fn says(mut world: World, said: Said) -> World {
    let note = "search: 1 entry".to_owned();
    world.heard = Some(Heard {
        server: "dc1".to_owned(),
        said,
        note,
    });
    world
}

fn known(contact: Contact) -> Said {
    Said::Info(Box::new(UserInfo { contact }))
}

#[test]
fn what_the_directory_knows_of_a_person_is_copied() {
    let world = says(
        world_of(&[radius("a"), directory("b")]),
        known(Contact {
            name: "Alice Liddell".to_owned(),
            email: "alice@example.org".to_owned(),
            ..Contact::default()
        }),
    );
    let decision = world.decide("user", "sync", json!({"user": "alice"}));
    assert_eq!(decision.status, Status::SUCCESS, "{:?}", decision.detail);
    let [Change::Write(Write::User(put))] = &decision.changes[..] else {
        panic!("{:?}", decision.changes)
    };
    let before = world.accounts.iter().find(|one| one.user.folded == "alice");
    assert_eq!(put.guard, before.map(|one| one.user.meta.revision));
    let contact = put.record.contact.as_deref().unwrap();
    assert_eq!(
        (contact.name.as_str(), contact.email.as_str()),
        ("Alice Liddell", "alice@example.org")
    );
    let same = says(world_of(&[directory("b")]), known(Contact::default()));
    let decision = same.decide("user", "sync", json!({"user": "alice"}));
    assert_eq!(
        (decision.status, decision.changes.len()),
        (Status::SUCCESS, 0)
    );
}

#[test]
fn a_copy_that_fails_says_why() {
    for (said, code, reason) in [
        (
            Said::InfoUnusable("mail is longer than 255 characters".to_owned()),
            1121,
            "dc1: mail is longer than 255 characters: search: 1 entry",
        ),
        (
            Said::Rejected,
            1121,
            "dc1: the directory does not know the user: search: 1 entry",
        ),
        (
            Said::Unreachable,
            -10,
            "dc1: no back-end answered: search: 1 entry",
        ),
        (
            Said::Unsupported,
            -108,
            "dc1: this back-end knows nothing of persons: search: 1 entry",
        ),
        (
            Said::Busy,
            -104,
            "the limit of requests to back-ends is reached",
        ),
    ] {
        let world = says(world_of(&[directory("b")]), said);
        let decision = world.decide("user", "sync", json!({"user": "alice"}));
        assert_eq!(decision.status.number(), code);
        assert_eq!(decision.detail.as_deref(), Some(reason));
        assert!(decision.changes.is_empty());
        let codes: Vec<String> = decision
            .records
            .iter()
            .map(|record| record.code.to_string())
            .collect();
        if code == 1121 {
            assert_eq!(codes.last().map(String::as_str), Some("W-016004"));
            assert_eq!(decision.records[0].status, Some(Status::USER_SYNC_FAILED));
        } else {
            assert_eq!(codes.len(), 1);
        }
    }
    let none = world_of(&[radius("a")]);
    assert_eq!(none.status("user", "sync", json!({"user": "alice"})), -107);
    assert_eq!(none.status("user", "sync", json!({"user": "ghost"})), -13);
}
