//! What holds for all commands.

use super::world::{NOW, World};
use crate::Status;
use crate::admin::table::{Run, verbs};
use crate::admin::{Action, AuditAction, Command, KeyAction, Write};
use crate::audit::Code;
use crate::model::{Session, SessionKey, UserKey};
use serde_json::{Map, json};

#[test]
fn without_the_privilege_nothing_is_done_and_it_is_recorded() {
    let mut world = World::new();
    world.caller.privileges.clear();
    for verb in verbs().filter(|verb| matches!(verb.run, Run::Rules { .. })) {
        let body: Map<_, _> = serde_json::from_str(verb.example).unwrap();
        let decision = world.decide(verb.object, verb.verb, body.into());
        assert_eq!(decision.status, Status::PERMISSION, "{}", verb.name());
        let [record] = &decision.records[..] else {
            panic!("{}", verb.name())
        };
        assert_eq!(
            (record.code, record.command.as_deref()),
            (Code::COMMAND_REFUSED, Some(verb.name().as_str()))
        );
        assert!(
            decision.changes.is_empty() && decision.read.is_none() && decision.action.is_none()
        );
    }
}

#[test]
fn a_record_holds_actor_target_and_masked_input() {
    let world = World::new();
    let decision = world.decide(
        "user",
        "set-password",
        json!({"user": "alice", "password": "correct horse"}),
    );
    let record = decision.records.first().unwrap();
    assert_eq!(
        (
            record.code,
            record.user.as_deref(),
            record.target_user.as_deref()
        ),
        (Code::COMMAND_DONE, Some("admin"), Some("alice"))
    );
    assert_eq!(
        record.input,
        Some(json!({"user": "alice", "password": "***"}))
    );
    assert!(!format!("{decision:?}").contains("horse"));
}

#[test]
fn every_query_is_read_or_refused_by_name() {
    let world = World::new();
    for verb in verbs().filter(|verb| {
        matches!(verb.run, Run::Rules { .. }) && matches!(verb.verb, "query" | "list")
    }) {
        let decision = world.decide(verb.object, verb.verb, json!({}));
        assert_eq!(
            decision.read.map(|query| query.object.name),
            Some(verb.object)
        );
        assert_eq!(
            world.status(verb.object, verb.verb, json!({"filter": {"nonsense": 1}})),
            -101,
            "{}",
            verb.name()
        );
        assert_eq!(
            world.status(verb.object, verb.verb, json!({"sort": ["-nonsense"]})),
            -101,
            "{}",
            verb.name()
        );
    }
}

#[test]
fn sessions_end() {
    let mut world = World::new();
    let key = SessionKey([1; 32]);
    world.sessions.push(Session {
        key,
        user: UserKey(1),
        source: "::1".into(),
        component_type: "console".into(),
        started: NOW,
        last_use: NOW,
    });
    let id = crate::admin::view::session_id(key);
    assert!(
        matches!(world.writes("session", "stop", json!({"id": id}))[..], [Write::RemoveSession(SessionKey(bytes))] if bytes == [1; 32])
    );
    assert_eq!(world.status("session", "stop", json!({"id": "ab"})), -101);
    assert_eq!(
        world.status("session", "stop", json!({"id": "00".repeat(32)})),
        -13
    );
    let decision = world.decide("session", "logoff", json!({}));
    assert_eq!(
        decision
            .records
            .iter()
            .map(|record| record.code)
            .collect::<Vec<_>>(),
        [Code::COMMAND_DONE, Code::ADMIN_LOGGED_OFF]
    );
    assert_eq!(
        world.decide("session", "alive", json!({})).result["user"],
        "admin"
    );
    world.caller.session = None;
    assert_eq!(world.status("session", "logoff", json!({})), -2);
}

#[test]
fn keys_and_audit_are_work_for_the_shell() {
    let world = World::new();
    let action = |object, verb, body| world.decide(object, verb, body).action;
    assert_eq!(
        action("key", "create", json!({"class": "audit"})),
        Some(Action::Key(KeyAction::Create {
            class: "audit".into()
        }))
    );
    assert_eq!(
        action("key", "rotate", json!({})),
        Some(Action::Key(KeyAction::Rotate {
            class: "storage".into()
        }))
    );
    assert_eq!(
        action("key", "rotate", json!({"class": "root"})),
        Some(Action::Key(KeyAction::MoveRoot { hsm: false }))
    );
    assert_eq!(
        action("key", "move-to-hsm", json!({})),
        Some(Action::Key(KeyAction::MoveRoot { hsm: true }))
    );
    assert_eq!(
        action("key", "abort-rotation", json!({})),
        Some(Action::Key(KeyAction::AbortRotation))
    );
    assert_eq!(
        world.status(
            "key",
            "escrow",
            json!({"passphrase": "long enough a phrase", "recipient": "x"})
        ),
        -2
    );
    assert_eq!(world.status("key", "escrow", json!({})), -102);
    assert_eq!(
        action("key", "rotation-status", json!({})),
        Some(Action::Key(KeyAction::RotationStatus { count: false }))
    );
    assert_eq!(
        action("key", "retire", json!({"id": "k"})),
        Some(Action::Key(KeyAction::Retire { id: "k".into() }))
    );
    assert_eq!(
        action("key", "delete", json!({"id": "k", "force": true})),
        Some(Action::Key(KeyAction::Delete {
            id: "k".into(),
            force: true
        }))
    );
    assert!(matches!(
        action("key", "escrow", json!({"passphrase": "a long passphrase"})),
        Some(Action::Key(KeyAction::Escrow(_)))
    ));
    assert_eq!(
        world.status("key", "escrow", json!({"passphrase": "short"})),
        -101
    );
    assert_eq!(
        world.status("key", "create", json!({"class": "brass"})),
        -101
    );
    assert_eq!(
        action("audit", "view", json!({"amid": "0f".repeat(16)})),
        Some(Action::Audit(AuditAction::View { amid: [15; 16] }))
    );
    assert_eq!(world.status("audit", "view", json!({"amid": "xyz"})), -101);
    assert!(matches!(
        action("audit", "verify", json!({"from": "2026-01-01"})),
        Some(Action::Audit(AuditAction::Verify { from: Some(_), .. }))
    ));
    assert_eq!(
        world.status(
            "audit",
            "verify",
            json!({"from": "2026-01-02", "to": "2026-01-01"})
        ),
        -2
    );
}

#[test]
fn a_failed_action_takes_the_changes_along() {
    let world = World::new();
    let verb = crate::admin::find("key", "create").unwrap();
    let command = Command::read(verb, &Map::new()).unwrap();
    let refusal = crate::admin::Refusal::new(Status::CRYPTO, "no root key");
    let failed =
        world
            .decide("key", "create", json!({}))
            .failed(&world.caller, NOW, &command, &refusal);
    assert_eq!(
        (failed.status, failed.records.len(), failed.action),
        (Status::CRYPTO, 1, None)
    );
}
