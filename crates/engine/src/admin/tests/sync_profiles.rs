//! Synchronisation profiles.

use super::world::World;
use crate::admin::sync::Mode;
use crate::admin::{Action, AdminDecision, Put, Write};
use crate::back_end::BackEnds;
use crate::decision::Change;
use crate::model::{
    BackEndKey, DomainKey, SyncGone, SyncProfile, SyncRun, SyncScope, SyncState, UnitKey,
};
use crate::time::Timestamp;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn put(decision: &AdminDecision) -> &Put<SyncProfile> {
    match decision.changes.first() {
        Some(Change::Write(Write::SyncProfile(put))) => put,
        _ => panic!("{:?}", decision.detail),
    }
}

/// A world with a directory and a RADIUS server.
fn world() -> World {
    let mut world = World::new();
    let bodies = [
        json!({"name": "corp", "protocol": "ldap", "address": "ldap.example.org", "base_dn": "dc=example"}),
        json!({"name": "radius1", "protocol": "radius", "address": "192.0.2.7", "shared_secret": "0123456789abcdef"}),
    ];
    let records = bodies.into_iter().zip(1..).map(|(body, key)| {
        let decision = world.decide("backend", "create", body);
        let Some(Change::Write(Write::BackEnd(put))) = decision.changes.into_iter().next() else {
            panic!("{:?}", decision.detail)
        };
        let mut record = put.record;
        record.key = BackEndKey(key);
        record
    });
    let records: Vec<_> = records.collect();
    world.snapshot.back_ends = BackEnds::new(records, Vec::new());
    world
}

fn with_profile(body: Json) -> World {
    let mut world = world();
    let decision = world.decide("sync-profile", "create", body);
    let mut profile = put(&decision).record.clone();
    profile.key = 4;
    profile.meta.revision = 7;
    world.snapshot.sync_profiles = vec![Arc::new(profile)];
    world
}

fn people() -> Json {
    json!({"name": "People", "source": "corp"})
}

#[test]
fn a_profile_is_made_with_its_defaults_and_with_all_it_can_say() {
    let world = world();
    let decision = world.decide("sync-profile", "create", people());
    let made = &put(&decision).record;
    assert_eq!(
        (made.domain, made.scope),
        (DomainKey(1), SyncScope::Subtree)
    );
    assert_eq!(made.options.gone, SyncGone::Keep);
    assert!(
        made.enabled && made.options.create && made.options.update && !made.options.create_units
    );
    assert_eq!(made.max_delete_percent, 10);

    let whole = json!({
        "name": "all", "source": "CORP", "enabled": false, "base": "ou=people,dc=example", "scope": "one", "filter": "(uid=*)",
        "org_unit": "sales", "successor": "admin", "mapping": {"phone": "", "org_unit": "ou", "expires": "accountExpires"},
        "custom": ["department=hr:dept"], "create": false, "enable_created": false, "update": false, "move_accounts": false,
        "create_units": true, "gone": "delete", "max_delete_percent": 0,
    });
    let decision = world.decide("sync-profile", "create", whole.clone());
    let made = &put(&decision).record;
    assert_eq!(made.org_unit, Some(UnitKey(1)));
    assert_eq!(made.mapping.phone.as_deref(), Some(""));
    assert_eq!(
        made.mapping.custom,
        [("department".into(), "hr".into(), "dept".into())]
    );
    assert!(!made.options.create && made.options.create_units);
    let shown = Json::Object(decision.result);
    for (name, value) in whole
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "source")
    {
        let same = shown[name] == *value || shown[name] == json!("Sales");
        assert!(same, "{name}: {} {value}", shown[name]);
    }
}

#[test]
fn what_a_profile_may_not_say_is_refused() {
    let world = with_profile(people());
    for (body, code) in [
        (json!({"name": "new"}), -102),
        (json!({"name": "people", "source": "corp"}), -14),
        (json!({"name": "new", "source": "nowhere"}), -13),
        (json!({"name": "new", "source": "radius1"}), -2),
        (
            json!({"name": "new", "source": "corp", "domain": "nowhere"}),
            -13,
        ),
        (
            json!({"name": "new", "source": "corp", "org_unit": "nowhere"}),
            -13,
        ),
        (
            json!({"name": "new", "source": "corp", "base": "people"}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "filter": "uid=*"}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "scope": "deep"}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "mapping": {"password": "userPassword"}}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "mapping": {"name": "c n"}}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "mapping": {"user": ""}}),
            -2,
        ),
        (
            json!({"name": "new", "source": "corp", "custom": ["department"]}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "custom": ["dep art=hr:dept"]}),
            -101,
        ),
        (
            json!({"name": "new", "source": "corp", "max_delete_percent": 101}),
            -101,
        ),
    ] {
        assert_eq!(
            world.status("sync-profile", "create", body.clone()),
            code,
            "{body}"
        );
    }
    assert_eq!(
        world.status("sync-profile", "update", json!({"name": "nobody"})),
        -13
    );
}

#[test]
fn an_update_changes_what_it_names() {
    let world = with_profile(json!({
        "name": "People", "source": "corp", "mapping": {"name": "cn"}, "custom": ["department=hr:dept"], "org_unit": "Sales",
    }));
    let decision = world.decide(
        "sync-profile",
        "update",
        json!({"name": "people", "mapping": {"email": "mail"}, "domain": "example.org"}),
    );
    let put = put(&decision);
    assert_eq!(put.guard, Some(7));
    assert_eq!(
        put.record.mapping.name, None,
        "a mapping replaces the one before"
    );
    assert_eq!(put.record.mapping.custom.len(), 1);
    assert_eq!(
        (put.record.domain, put.record.org_unit),
        (DomainKey(2), None)
    );
}

#[test]
fn what_a_profile_names_stays_and_a_run_under_way_keeps_the_profile() {
    let mut world = with_profile(json!({"name": "People", "source": "corp", "org_unit": "Works"}));
    assert_eq!(
        world.status("backend", "delete", json!({"name": "corp"})),
        -2
    );
    assert_eq!(
        world.status("org-unit", "delete", json!({"name": "Works"})),
        -2
    );
    let writes = world.writes("sync-profile", "delete", json!({"name": "people"}));
    assert!(
        matches!(writes.as_slice(), [Write::RemoveSyncProfile(4, 7)]),
        "{writes:?}"
    );
    world.sync_run = Some(SyncRun {
        profile: 4,
        version: 1,
        node: "n1".into(),
        user: "admin".into(),
        state: SyncState::Running,
        started: super::world::NOW,
        seen: super::world::NOW,
        ended: None,
        totals: r#"{"entries": 5}"#.into(),
        message: String::new(),
    });
    assert_eq!(
        world.status("sync-profile", "delete", json!({"name": "people"})),
        -2
    );
    let shown = world.decide("sync-profile", "view", json!({"name": "people"}));
    assert_eq!(shown.result["last_run"]["totals"]["entries"], 5);
    world.sync_run.as_mut().unwrap().seen = Timestamp::from_seconds(1);
    assert_eq!(
        world.status("sync-profile", "delete", json!({"name": "people"})),
        0
    );
}

#[test]
fn a_run_is_work_for_the_shell() {
    let mut world = with_profile(people());
    for (verb, mode) in [
        ("validate", Mode::Validate),
        ("dry-run", Mode::DryRun),
        ("run", Mode::Run),
    ] {
        let decision = world.decide("sync-profile", verb, json!({"name": "people"}));
        let Some(Action::Sync(order)) = decision.action else {
            panic!("{:?}", decision.detail)
        };
        assert_eq!((order.mode, order.confirm_deletes), (mode, false));
    }
    let mut profile = world.snapshot.sync_profiles[0].as_ref().clone();
    profile.enabled = false;
    world.snapshot.sync_profiles = vec![Arc::new(profile)];
    assert_eq!(
        world.status("sync-profile", "run", json!({"name": "people"})),
        -2
    );
    assert_eq!(
        world.status("sync-profile", "dry-run", json!({"name": "people"})),
        0
    );
}
