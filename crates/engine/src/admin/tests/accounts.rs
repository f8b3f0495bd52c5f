//! Users, their attributes, domains and units.

use super::world::{World, hashed, sealed};
use crate::admin::{LOGON, Write};
use crate::audit::Code;
use crate::decision::Change;
use crate::model::{LockReason, StoredPassword, UnitKey, UserAttribute, UserKey};
use crate::policy::LocalAuth;
use crate::time::Timestamp;
use crate::{Secret, Status};
use serde_json::{Value as Json, json};

fn user(id: &str) -> Json {
    json!({"user": id})
}

#[test]
fn a_user_is_made() {
    let world = World::new();
    let body = json!({"user": "Carol", "org_unit": "sales", "email": "c@example.org", "password": "correct horse", "confirm": "correct horse", "expires_at": "2030-01-01"});
    let decision = world.decide("user", "create", body);
    assert_eq!(decision.status, Status::SUCCESS);
    assert_eq!(
        (
            decision.result["user"].as_str(),
            decision.result["org_unit"].as_str(),
            decision.result["domain"].as_str()
        ),
        (Some("Carol"), Some("Sales"), Some("master"))
    );
    let [Change::Write(Write::User(put))] = &decision.changes[..] else {
        panic!()
    };
    assert_eq!(
        (put.guard, put.record.folded.as_str(), put.record.org_unit),
        (None, "carol", Some(UnitKey(1)))
    );
    let [("password", Some(verifier))] = &put.secrets[..] else {
        panic!()
    };
    assert_eq!(verifier, &hashed(&Secret::new("correct horse")));
    for (body, status) in [
        (json!({"user": "ALICE"}), -14),
        (json!({"user": "x", "domain": "nowhere"}), -13),
        (json!({"user": "x", "org_unit": "nowhere"}), -13),
        (
            json!({"user": "x", "domain": "example.org", "org_unit": "Sales"}),
            -13,
        ),
        (json!({"user": "x", "password": "abc"}), 1024),
        (
            json!({"user": "x", "password": "correct horse", "confirm": "other"}),
            1019,
        ),
        (json!({"user": "x", "confirm": "other"}), -2),
    ] {
        assert_eq!(
            world.status("user", "create", body.clone()),
            status,
            "{body}"
        );
    }
}

#[test]
fn passwords_follow_the_rules() {
    let mut world = World::new();
    let decision = world.decide(
        "user",
        "set-password",
        json!({"user": "alice", "password": "correct horse"}),
    );
    assert!(matches!(
        &decision.changes[..],
        [
            Change::Password {
                key: UserKey(2),
                ..
            },
            Change::Write(Write::RemoveSessionsOf(UserKey(2)))
        ]
    ));
    assert_eq!(
        world.status(
            "user",
            "set-password",
            json!({"user": "alice", "password": "short"})
        ),
        1024
    );
    assert_eq!(
        world.status(
            "user",
            "set-password",
            json!({"user": "alice", "password": "a", "confirm": "b"})
        ),
        1019
    );
    assert_eq!(
        world.status(
            "user",
            "set-password",
            json!({"user": "nobody", "password": "correct horse"})
        ),
        -13
    );
    let stored = StoredPassword {
        verifier: sealed(b"$an old password"),
        copy: None,
        history: Some(sealed(br#"["$an older password"]"#)),
        set_at: Timestamp::from_seconds(1_700_000_000),
    };
    world.account("admin").user.password = Some(stored);
    let set = |password: &str| {
        world.status(
            "user",
            "set-password",
            json!({"user": "admin", "password": password}),
        )
    };
    assert_eq!(
        (
            set("an old password"),
            set("an older password"),
            set("shorter"),
            set("an entirely new one")
        ),
        (1024, 1024, 1024, 0)
    );
    let [Write::User(put), Write::RemoveSessionsOf(_)] =
        &world.writes("user", "reset-password", user("admin"))[..]
    else {
        panic!()
    };
    assert!(
        put.record.password.is_none()
            && put.secrets.iter().all(|(_, secret)| secret.is_none())
            && put.secrets.len() == 3
    );
    assert_eq!(world.status("user", "reset-password", user("nobody")), -13);
}

#[test]
fn lock_and_unlock() {
    let mut world = World::new();
    let decision = world.decide("user", "lock", user("alice"));
    assert_eq!(decision.records[1].code, Code::LOCKED_BY_ADMIN);
    assert!(
        matches!(decision.changes[0], Change::Write(Write::UserState(UserKey(2), 4, state)) if state.locked == Some(LockReason::Administrator) && state.version == 5)
    );
    assert_eq!(decision.result["lock_reason"], "admin");
    let alice = world.account("alice");
    alice.state.locked = Some(LockReason::Failures);
    alice.state.lock_count = 9;
    let decision = world.decide("user", "unlock", user("alice"));
    assert_eq!(decision.records[1].code, Code::UNLOCKED_BY_ADMIN);
    assert_eq!(
        (
            decision.result["locked"].as_bool(),
            decision.result["lock_count"].as_i64()
        ),
        (Some(false), Some(0))
    );
    assert_eq!(
        (
            world.status("user", "lock", user("x")),
            world.status("user", "unlock", user("x"))
        ),
        (-13, -13)
    );
}

#[test]
fn access_is_given_and_taken() {
    let mut world = World::new();
    let [Write::User(put), Write::RemoveSessionsOf(UserKey(2))] =
        &world.writes("user", "disable", user("alice"))[..]
    else {
        panic!()
    };
    assert!(put.record.disabled && put.guard == Some(7));
    world.account("alice").user.disabled = true;
    assert_eq!(
        world.decide("user", "enable", user("alice")).result["disabled"],
        false
    );
    let decision = world.decide(
        "user",
        "set-expiration",
        json!({"user": "alice", "expires_at": "2030-01-01T12:00:00Z"}),
    );
    assert_eq!(decision.result["expires_at"], "2030-01-01T12:00:00.000000Z");
    assert_eq!(
        world
            .decide(
                "user",
                "set-expiration",
                json!({"user": "alice", "expires_at": null})
            )
            .result["expires_at"],
        Json::Null
    );
    assert_eq!(world.status("user", "set-expiration", user("alice")), -102);
    assert_eq!(
        world
            .decide("user", "reset-last-auth", user("alice"))
            .result["last_auth_at"],
        "2027-01-15T08:00:00.000000Z"
    );
    for verb in [
        "enable",
        "disable",
        "reset-last-auth",
        "view",
        "update",
        "delete",
        "move",
        "get-privileges",
        "unlink",
        "set-overrides",
    ] {
        assert_eq!(world.status("user", verb, user("x")), -13, "{verb}");
    }
}

#[test]
fn the_last_administrator_stays() {
    let mut world = World::new();
    world.counts.insert("administrators", 1);
    for (verb, body) in [
        ("disable", user("admin")),
        ("lock", user("admin")),
        ("delete", user("admin")),
        ("set-privileges", json!({"user": "admin", "privileges": []})),
        (
            "set-expiration",
            json!({"user": "admin", "expires_at": "2020-01-01"}),
        ),
    ] {
        assert_eq!(world.status("user", verb, body), -2, "{verb}");
        world.counts.insert("administrators", 2);
        let body = json!({"user": "admin"});
        if verb == "disable" {
            assert_eq!(world.status("user", verb, body), 0);
        }
        world.counts.insert("administrators", 1);
    }
    assert_eq!(world.status("user", "disable", user("alice")), 0);
    world.account("admin").user.disabled = true;
    assert_eq!(world.status("user", "delete", user("admin")), 0);
}

#[test]
fn privileges_are_known_names() {
    let world = World::new();
    assert_eq!(
        world.decide("user", "get-privileges", user("admin")).result["privileges"],
        json!([LOGON])
    );
    let decision = world.decide(
        "user",
        "set-privileges",
        json!({"user": "alice", "privileges": [LOGON, "user.unlock"]}),
    );
    assert_eq!(decision.result["administrator"], true);
    assert!(matches!(
        &decision.changes[..],
        [
            Change::Write(Write::User(_)),
            Change::Write(Write::RemoveSessionsOf(UserKey(2)))
        ]
    ));
    let refused = world.decide(
        "user",
        "set-privileges",
        json!({"user": "alice", "privileges": ["user.unlok"]}),
    );
    assert_eq!(refused.status, Status::INVDATA);
    assert!(refused.detail.unwrap().contains("did you mean user.unlock"));
}

#[test]
fn updates_change_what_was_sent() {
    let mut world = World::new();
    let first = world.writes(
        "user",
        "update",
        json!({"user": "alice", "name": "Alice", "mobile": "+1"}),
    );
    let [Write::User(put)] = &first[..] else {
        panic!()
    };
    world.account("alice").user = put.record.clone();
    let second = world
        .decide(
            "user",
            "update",
            json!({"user": "alice", "mobile": null, "max_sessions": 3}),
        )
        .result;
    assert_eq!(
        (&second["name"], &second["mobile"], &second["max_sessions"]),
        (&json!("Alice"), &Json::Null, &json!(3))
    );
    let decision = world.decide("user", "set-overrides", json!({"user": "alice", "local_auth": "authenticator_only", "offline_auth": "yes", "delivery_method": "email"}));
    let [Change::Write(Write::User(put))] = &decision.changes[..] else {
        panic!()
    };
    assert_eq!(
        put.record.overrides.as_ref().unwrap().local_auth,
        Some(LocalAuth::AuthenticatorOnly)
    );
    assert_eq!(decision.result["offline_auth"], true);
    world.account("alice").user = put.record.clone();
    let [Write::User(put)] = &world.writes("user", "set-overrides", json!({"user": "alice", "local_auth": "inherit", "offline_auth": null, "delivery_method": "inherit"}))[..] else { panic!() };
    assert!(put.record.overrides.is_none());
    assert_eq!(
        world.status(
            "user",
            "set-overrides",
            json!({"user": "alice", "local_auth": "some"})
        ),
        -101
    );
}

#[test]
fn links_go_one_level() {
    let mut world = World::new();
    let link = |from: &str, to: &str| json!({"user": from, "linked_user": to});
    let [Write::User(put)] = &world.writes("user", "link", link("bob", "alice"))[..] else {
        panic!()
    };
    assert_eq!(put.record.linked, Some(UserKey(2)));
    assert_eq!(world.status("user", "link", link("bob", "bob")), -2);
    assert_eq!(
        world.status("user", "link", link("alice", "bob")),
        -2,
        "owns an authenticator"
    );
    assert_eq!(world.status("user", "link", link("bob", "nobody")), -13);
    assert_eq!(world.status("user", "unlink", user("bob")), -2);
    world.counts.insert("linked", 1);
    assert_eq!(world.status("user", "link", link("bob", "admin")), -2);
    assert_eq!(world.status("user", "delete", user("alice")), -2);
    world.counts.insert("linked", 0);
    world.account("bob").user.linked = Some(UserKey(2));
    world.settle();
    assert_eq!(world.status("user", "link", link("admin", "bob")), -2);
    assert_eq!(
        world.decide("user", "view", user("bob")).result["linked_user"],
        "Alice"
    );
    assert_eq!(world.status("user", "unlink", user("bob")), 0);
}

#[test]
fn deleting_frees_authenticators() {
    let world = World::new();
    let writes = world.writes("user", "delete", user("alice"));
    let [
        Write::Authenticator(put),
        Write::RemoveSessionsOf(_),
        Write::RemoveUser(UserKey(2), 7),
    ] = &writes[..]
    else {
        panic!("{writes:?}")
    };
    assert!(put.record.user.is_none() && put.record.grace_end.is_none());
}

#[test]
fn moving_takes_authenticators_along() {
    let world = World::new();
    let writes = world.writes(
        "user",
        "move",
        json!({"user": "alice", "to_domain": "example.org", "to_user": "al"}),
    );
    let [Write::User(user), Write::Authenticator(one)] = &writes[..] else {
        panic!("{writes:?}")
    };
    assert_eq!(
        (
            user.record.domain.0,
            user.record.folded.as_str(),
            one.record.domain.0
        ),
        (2, "al", 2)
    );
    assert_eq!(
        world
            .decide(
                "user",
                "move",
                json!({"user": "alice", "to_org_unit": "Inner"})
            )
            .result["org_unit"],
        "Inner"
    );
    assert_eq!(
        world.status("user", "move", json!({"user": "alice", "to_user": "BOB"})),
        -14
    );
    assert_eq!(
        world.status("user", "move", json!({"user": "alice", "to_user": "ALICE"})),
        0
    );
    assert_eq!(
        world.status(
            "user",
            "move",
            json!({"user": "alice", "to_domain": "nowhere"})
        ),
        -13
    );
}

#[test]
fn attributes_come_and_go() {
    let mut world = World::new();
    let one = json!({"user": "alice", "group": "vpn", "name": "Class", "usage": "reply", "value": "staff"});
    let key = json!({"user": "alice", "group": "vpn", "name": "Class"});
    assert!(
        matches!(&world.writes("user-attribute", "create", one.clone())[..], [Write::Attribute(UserKey(2), attribute)] if attribute.value == "staff")
    );
    for verb in ["view", "update", "delete"] {
        assert_eq!(
            world.status("user-attribute", verb, key.clone()),
            -13,
            "{verb}"
        );
    }
    let attribute = UserAttribute {
        group: "vpn".into(),
        name: "Class".into(),
        index: 0,
        usage: "reply".into(),
        value: "staff".into(),
    };
    world.account("alice").attributes.push(attribute);
    assert_eq!(world.status("user-attribute", "create", one), -14);
    assert_eq!(
        world.decide("user-attribute", "view", key.clone()).result["value"],
        "staff"
    );
    assert_eq!(
        world
            .decide(
                "user-attribute",
                "update",
                json!({"user": "alice", "group": "vpn", "name": "Class", "value": "guest"})
            )
            .result["value"],
        "guest"
    );
    assert!(matches!(
        &world.writes("user-attribute", "delete", key)[..],
        [Write::RemoveAttribute(UserKey(2), _, _, 0)]
    ));
}

#[test]
fn domains() {
    let mut world = World::new();
    let name = |name: &str| json!({"name": name});
    assert!(
        matches!(&world.writes("domain", "create", name("New"))[..], [Write::Domain(put)] if put.record.folded == "new" && put.guard.is_none())
    );
    assert_eq!(world.status("domain", "create", name("MASTER")), -14);
    assert_eq!(
        world.decide("domain", "view", name("example.ORG")).result["name"],
        "Example.org"
    );
    assert_eq!(
        world
            .decide(
                "domain",
                "update",
                json!({"name": "empty", "description": "x"})
            )
            .result["description"],
        "x"
    );
    assert_eq!(world.status("domain", "delete", name("master")), -2);
    assert_eq!(world.status("domain", "delete", name("empty")), 0);
    world.counts.insert("users", 1);
    assert_eq!(world.status("domain", "delete", name("example.org")), -2);
    for verb in ["view", "update", "delete"] {
        assert_eq!(world.status("domain", verb, name("nowhere")), -13);
    }
}

#[test]
fn units_are_a_tree() {
    let mut world = World::new();
    let name = |name: &str| json!({"name": name});
    assert_eq!(
        world
            .decide(
                "org-unit",
                "create",
                json!({"name": "New", "parent": "inner"})
            )
            .result["parent"],
        "Inner"
    );
    assert_eq!(world.status("org-unit", "create", name("SALES")), -14);
    assert_eq!(
        world.status(
            "org-unit",
            "create",
            json!({"name": "Sales", "domain": "example.org"})
        ),
        0
    );
    assert_eq!(
        world.status(
            "org-unit",
            "create",
            json!({"name": "x", "parent": "nowhere"})
        ),
        -13
    );
    assert_eq!(
        world.status(
            "org-unit",
            "update",
            json!({"name": "Sales", "parent": "Inner"})
        ),
        -2
    );
    assert_eq!(
        world.status(
            "org-unit",
            "update",
            json!({"name": "Sales", "parent": "Sales"})
        ),
        -2
    );
    assert_eq!(
        world
            .decide(
                "org-unit",
                "update",
                json!({"name": "Inner", "parent": null})
            )
            .result["parent"],
        Json::Null
    );
    assert_eq!(world.status("org-unit", "delete", name("Sales")), -2);
    assert_eq!(world.status("org-unit", "delete", name("Inner")), 0);
    world.counts.insert("content", 1);
    assert_eq!(world.status("org-unit", "delete", name("Inner")), -2);
    for verb in ["view", "update", "delete"] {
        assert_eq!(world.status("org-unit", verb, name("nowhere")), -13);
    }
}
