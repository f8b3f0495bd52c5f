//! Policies, components, settings, types.

use super::world::World;
use crate::Status;
use crate::admin::Write;
use crate::audit::Code;
use crate::decision::Change;
use crate::model::{ComponentKey, PolicyKey};
use serde_json::{Value as Json, json};

fn id(policy: &str) -> Json {
    json!({"policy_id": policy})
}

#[test]
fn policies_are_made_and_changed() {
    let world = World::new();
    let decision = world.decide(
        "policy",
        "create",
        json!({"policy_id": "vpn", "parent": "local", "user_lock_threshold": 5}),
    );
    assert!(
        matches!(&decision.changes[..], [Change::Write(Write::Policy(PolicyKey(-1), put))] if put.guard.is_none())
    );
    assert_eq!(
        (
            decision.records[1].code,
            &decision.result["valid"],
            &decision.result["local_auth"]
        ),
        (Code::POLICY_CHANGED, &json!(true), &json!("inherit"))
    );
    let broken = world.decide("policy", "create", id("rootless"));
    assert_eq!(
        (broken.status, broken.warnings[0].0),
        (Status::SUCCESS, Status::INVALID_POLICY)
    );
    assert_eq!(world.status("policy", "create", id("LOCAL")), -14);
    assert_eq!(
        world.status(
            "policy",
            "create",
            json!({"policy_id": "x", "parent": "nowhere"})
        ),
        -13
    );
    assert_eq!(
        world.status("policy", "create", json!({"policy_id": "x", "parent": "X"})),
        -2
    );
    assert_eq!(
        world.status(
            "policy",
            "create",
            json!({"policy_id": "x", "user_lock_threshold": 256})
        ),
        -101
    );
    let decision = world.decide(
        "policy",
        "update",
        json!({"policy_id": "local", "user_lock_threshold": 9, "grace_period_days": null}),
    );
    let [Change::Write(Write::Policy(_, put))] = &decision.changes[..] else {
        panic!()
    };
    assert!(put.guard == Some(7) && !put.record.values.contains_key("grace_period_days"));
    assert_eq!(
        world.status(
            "policy",
            "update",
            json!({"policy_id": "base", "parent": "local_only"})
        ),
        -2
    );
    assert_eq!(world.status("policy", "update", id("nowhere")), -13);
}

#[test]
fn policies_are_copied_restored_and_removed() {
    let mut world = World::new();
    assert_eq!(
        world
            .decide("policy", "copy", json!({"policy_id": "local", "to": "vpn"}))
            .result["policy_id"],
        "vpn"
    );
    assert_eq!(
        world.status(
            "policy",
            "copy",
            json!({"policy_id": "local", "to": "BASE"})
        ),
        -14
    );
    assert_eq!(
        world.status("policy", "copy", json!({"policy_id": "nowhere", "to": "x"})),
        -13
    );
    assert_eq!(world.status("policy", "restore-default", id("local")), 0);
    assert_eq!(
        world.status("policy", "restore-default", id("nowhere")),
        -13
    );
    assert_eq!(world.status("policy", "delete", id("push")), -2, "shipped");
    assert_eq!(world.status("policy", "delete", id("nowhere")), -13);
    let own = crate::policy::Policy::new("own", Some("base")).unwrap();
    let child = crate::policy::Policy::new("child", Some("own")).unwrap();
    let set = |policies: &[crate::policy::Policy]| {
        crate::policy::PolicySet::new(
            crate::policy::predefined::all()
                .into_iter()
                .chain(policies.to_vec()),
        )
    };
    world.snapshot.policies = set(&[own.clone(), child]);
    let row = world.snapshot.policy_rows["local"];
    world.snapshot.policy_rows.insert("own".into(), row);
    assert_eq!(world.status("policy", "delete", id("own")), -2, "a child");
    world.snapshot.policies = set(&[own]);
    assert_eq!(world.status("policy", "restore-default", id("own")), -2);
    assert!(matches!(
        &world.writes("policy", "delete", id("OWN"))[..],
        [Write::RemovePolicy(_, 7)]
    ));
}

#[test]
fn policies_are_shown() {
    let world = World::new();
    assert_eq!(
        world.decide("policy", "view", id("local")).result["user_lock_threshold"],
        Json::Null
    );
    let effective = world.decide("policy", "effective", id("local")).result;
    assert_eq!(
        effective["attributes"]["user_lock_threshold"],
        json!({"value": 3, "origin": "base"})
    );
    assert_eq!(
        (
            world.status("policy", "view", id("x")),
            world.status("policy", "effective", id("x"))
        ),
        (-13, -13)
    );
}

#[test]
fn policies_travel_as_json_and_toml() {
    let world = World::new();
    for format in ["json", "toml"] {
        let exported = world
            .decide(
                "policy",
                "export",
                json!({"policies": ["local", "base"], "format": format}),
            )
            .result;
        let data = if format == "toml" {
            exported["data"].as_str().unwrap().to_owned()
        } else {
            serde_json::to_string(&exported).unwrap()
        };
        let decision = world.decide("policy", "import", json!({"data": data}));
        assert_eq!(
            (
                decision.status,
                decision.result["rows"].as_array().unwrap().len()
            ),
            (Status::SUCCESS, 2),
            "{format} {:?}",
            decision.detail
        );
    }
    let ring = r#"[{"policy_id": "a", "parent": "b", "local_auth": "none"}, {"policy_id": "b", "parent": "a"}]"#;
    assert_eq!(world.status("policy", "import", json!({"data": ring})), -2);
    let stored = world.decide(
        "import",
        "policies",
        json!({"data": ring, "allow_invalid": true}),
    );
    assert_eq!(
        (stored.status, stored.warnings.len(), stored.changes.len()),
        (Status::SUCCESS, 2, 2)
    );
    for data in [
        "",
        "nonsense",
        "{}",
        "[]",
        r#"[{"policy_id": "a"}, {"policy_id": "A"}]"#,
        r#"[{"policy_id": "a", "colour": "red"}]"#,
        "[[policies]]\ncolour = 1",
    ] {
        assert!(
            world.status(
                "policy",
                "import",
                json!({"data": data, "allow_invalid": true})
            ) < 0,
            "{data}"
        );
    }
    assert_eq!(
        world.status("policy", "export", json!({"policies": ["nowhere"]})),
        -13
    );
}

fn client(location: &str) -> Json {
    json!({"type": "radius_client", "location": location, "policy": "local", "shared_secret": "0123456789abcdef"})
}

fn with(mut body: Json, more: Json) -> Json {
    let (Json::Object(fields), Json::Object(more)) = (&mut body, more) else {
        panic!()
    };
    fields.extend(more);
    body
}

#[test]
fn components_are_made() {
    let world = World::new();
    let decision = world.decide("component", "create", json!({"type": "radius_client", "location": "2001:db8::/48", "policy": "local", "generate_secret": true, "require_message_authenticator": false}));
    assert!(decision.result["shared_secret"].as_str().unwrap().len() >= 32);
    assert_eq!(
        decision
            .records
            .iter()
            .map(|record| record.code)
            .collect::<Vec<_>>(),
        [
            Code::COMMAND_DONE,
            Code::COMPONENT_CHANGED,
            Code::UNAUTHENTICATED_COMPONENT
        ]
    );
    assert!(
        !format!("{:?}", decision.records)
            .contains(decision.result["shared_secret"].as_str().unwrap())
    );
    let decision = world.decide("component", "create", json!({"type": "web", "location": "198.51.100.7", "policy": "local", "generate_api_key": true, "trusted_forwarder": true}));
    let [Change::Write(Write::Component(put))] = &decision.changes[..] else {
        panic!()
    };
    assert_eq!(
        (put.secrets[0].0, &decision.result["has_api_key"]),
        ("api_key", &json!(true))
    );
    let silent = world.decide(
        "component",
        "create",
        json!({"type": "radius_client", "location": "198.51.100.8", "policy": "local"}),
    );
    assert_eq!(silent.warnings[0].0, Status::CONFIG);
    for (body, status) in [
        (client("192.0.2.1"), -14),
        (client("192.0.2.1/24"), -101),
        (
            with(client("198.51.100.1"), json!({"policy": "nowhere"})),
            -13,
        ),
        (
            with(
                client("default"),
                json!({"require_message_authenticator": false}),
            ),
            -2,
        ),
        (
            with(
                client("10.0.0.0/8"),
                json!({"require_message_authenticator": false}),
            ),
            -2,
        ),
        (
            with(client("198.51.100.1"), json!({"generate_secret": true})),
            -2,
        ),
        (
            with(client("198.51.100.1"), json!({"generate_api_key": true})),
            -2,
        ),
        (
            with(client("198.51.100.1"), json!({"shared_secret": ""})),
            -101,
        ),
        (
            with(
                client("198.51.100.1"),
                json!({"reply_texts": {"9999": "x"}}),
            ),
            -101,
        ),
        (
            json!({"type": "web", "location": "198.51.100.1", "policy": "local"}),
            -2,
        ),
        (
            json!({"type": "web", "location": "198.51.100.1", "policy": "local", "address_only": true, "return_static_password": true}),
            -2,
        ),
        (
            json!({"type": "web", "location": "default", "policy": "local", "generate_api_key": true}),
            -2,
        ),
        (
            json!({"type": "web", "location": "127.0.0.1", "nas_id": "x", "policy": "local"}),
            -2,
        ),
        (
            json!({"type": "web", "location": "127.0.0.1", "policy": "local", "shared_secret": "abc"}),
            -2,
        ),
        (
            json!({"type": "web", "location": "127.0.0.1", "policy": "local", "client_certificate": "abcd"}),
            -101,
        ),
    ] {
        assert_eq!(
            world.status("component", "create", body.clone()),
            status,
            "{body}"
        );
    }
    for body in [
        with(client("default"), json!({"reply_texts": {"1012": "No."}})),
        with(client("192.0.2.1"), json!({"nas_id": "vpn"})),
        json!({"type": "web", "location": "127.0.0.1", "policy": "local"}),
        json!({"type": "web", "location": "198.51.100.1", "policy": "local", "address_only": true}),
        json!({"type": "logon_agent", "location": "default", "policy": "local", "client_certificate": "AB:".repeat(31) + "ab"}),
    ] {
        assert_eq!(
            world.status("component", "create", body.clone()),
            0,
            "{body}"
        );
    }
}

#[test]
fn components_are_changed_and_removed() {
    let world = World::new();
    let key = json!({"type": "radius_client", "location": "192.0.2.1"});
    assert_eq!(
        world.decide("component", "view", key.clone()).result["has_shared_secret"],
        true
    );
    let changed = world.decide("component", "update", with(key.clone(), json!({"charset": "latin1", "not_handled": "silent", "rate_per_s": 5, "shared_secret": null})));
    assert_eq!(
        (
            &changed.result["charset"],
            &changed.result["has_shared_secret"],
            &changed.result["policy"]
        ),
        (&json!("latin1"), &json!(false), &json!("local"))
    );
    assert_eq!(
        world
            .decide(
                "component",
                "set-policy",
                with(key.clone(), json!({"policy": "local_only"}))
            )
            .result["policy"],
        "local_only"
    );
    assert_eq!(
        world.status(
            "component",
            "set-policy",
            with(key.clone(), json!({"policy": "nowhere"}))
        ),
        -13
    );
    assert_eq!(
        world.status(
            "component",
            "update",
            with(key.clone(), json!({"policy": "nowhere"}))
        ),
        -13
    );
    assert!(matches!(
        &world.writes("component", "delete", key)[..],
        [Write::RemoveComponent(ComponentKey(1), 7)]
    ));
    for verb in ["view", "update", "delete"] {
        assert_eq!(
            world.status(
                "component",
                verb,
                json!({"type": "radius_client", "location": "192.0.2.2"})
            ),
            -13
        );
    }
}

#[test]
fn settings_have_rules() {
    let world = World::new();
    let decision = world.decide(
        "setting",
        "update",
        json!({"name": "session.idle_s", "value": 600}),
    );
    assert!(
        matches!(&decision.changes[..], [Change::Write(Write::Setting("session.idle_s", Some(value)))] if value == "600")
    );
    assert_eq!(
        decision.records[1].output,
        Some(json!({"setting": "session.idle_s", "old": "900", "new": "600"}))
    );
    assert!(matches!(
        &world.writes(
            "setting",
            "update",
            json!({"name": "session.idle_s", "value": null})
        )[..],
        [Write::Setting(_, None)]
    ));
    assert_eq!(
        world
            .decide("setting", "view", json!({"name": "session.idle_s"}))
            .result["value"],
        "900"
    );
    assert_eq!(
        world.status(
            "setting",
            "update",
            json!({"name": "session.idle_s", "value": "soon"})
        ),
        -101
    );
    assert_eq!(
        world.status("setting", "update", json!({"name": "session.idle_s"})),
        -102
    );
    assert_eq!(
        world.status(
            "setting",
            "update",
            json!({"name": "session.idle", "value": 1})
        ),
        -13
    );
    assert_eq!(world.status("setting", "view", json!({"name": "x"})), -13);
}

#[test]
fn types() {
    let mut world = World::new();
    let name = |name: &str| json!({"name": name});
    assert_eq!(
        world
            .decide("authenticator-type", "create", name("card"))
            .result["profile"],
        "generic"
    );
    assert_eq!(
        world.status("authenticator-type", "create", name("FOB")),
        -14
    );
    assert_eq!(
        world
            .decide(
                "authenticator-type",
                "update",
                json!({"name": "fob", "profile": "p"})
            )
            .result["profile"],
        "p"
    );
    assert_eq!(world.status("authenticator-type", "delete", name("fob")), 0);
    world.counts.insert("type", 1);
    assert_eq!(
        world.status("authenticator-type", "delete", name("fob")),
        -2
    );
    for verb in ["view", "update", "delete"] {
        assert_eq!(world.status("authenticator-type", verb, name("x")), -13);
    }
}
