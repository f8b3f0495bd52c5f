//! authentication.md 12: static passwords.

use super::world::{Ask, World, component, grant, status};
use crate::attempt::Via;
use crate::authenticate::keeps_copy;
use crate::decision::{Change, Decision, Verdict};
use crate::model::{Component, DomainKey};
use crate::snapshot::Components;
use crate::time::Timestamp;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

fn policy() -> Json {
    json!({"local_auth": "authenticator_or_password", "password_autolearn": "yes"})
}

fn change(old: &str, new: &str, confirm: &str) -> Ask {
    Ask {
        via: Some(Via::UpdatePassword),
        static_password: Some(old.to_owned()),
        new_password: Some((new.to_owned(), confirm.to_owned())),
        ..Ask::default()
    }
}

fn detail(decision: &Decision) -> String {
    match &decision.verdict {
        Verdict::Refuse { detail, .. } => detail.clone().unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_order_of_an_update() {
    let mut world =
        World::new(json!({"local_auth": "authenticator_or_password"})).with_password("Secret");
    assert_eq!(world.try_ask(&change("wrong", "a", "b")), 1037);
    world.policy(policy());
    assert_eq!(world.try_ask(&change("wrong", "a", "b")), 1011);
    assert_eq!(world.try_ask(&change("Secret", "a", "b")), 1019);
    let short = world.send(&change("Secret", "a", "a"));
    assert_eq!(
        (status(&short), detail(&short).as_str()),
        (1024, "the password needs at least 8 characters")
    );
    assert_eq!(
        world.try_ask(&change("Secret", "Sesame 12345", "Sesame 12345")),
        0
    );
    assert_eq!(
        world.user().lock_count,
        1,
        "it is no logon that resets the count"
    );
    assert_eq!(world.try_value("Secret"), 1011);
    assert_eq!(world.try_value("Sesame 12345"), 0);
    assert_eq!(
        world.try_ask(&change("Sesame 12345", &"x".repeat(129), &"x".repeat(129))),
        -101
    );
    world.policy(json!({"local_auth": "authenticator_or_password", "password_autolearn": "yes", "back_end_auth": "if_needed"}));
    assert_eq!(world.try_ask(&change("wrong", "a", "a")), -108);
    assert_eq!(
        world.try_ask(&change("Sesame 12345", "Sesame 67890", "Sesame 67890")),
        -108
    );
}

#[test]
fn a_new_password_is_guarded_by_the_account_it_was_decided_on() {
    let mut world = World::new(policy()).with_password("Secret");
    let before = world.user();
    let decision = world.decided(&change("Secret", "Sesame 12345", "Sesame 12345"));
    assert_eq!(status(&decision), 0);
    let guard = decision.changes.iter().find_map(|change| match change {
        Change::User { guard, to, .. } => Some((*guard, *to)),
        _ => None,
    });
    let (guard, to) = guard.expect("a guard");
    assert_eq!((guard, to.version), (before.version, before.version + 1));
    assert_eq!(to.lock_count, before.lock_count);
}

#[test]
fn history_and_minimum_age() {
    let mut world = World::new(policy()).with_password("first-one");
    world.rules(&policy(), &json!({"pw_history": 2, "pw_min_age_days": 1}));
    let mut old = "first-one".to_owned();
    for new in ["second-one", "third-one"] {
        assert_eq!(world.try_ask(&change(&old, new, new)), 1024, "too soon");
        world.later(86_400);
        assert_eq!(world.try_ask(&change(&old, new, new)), 0, "{new}");
        new.clone_into(&mut old);
    }
    world.later(86_400);
    for (again, status) in [("third-one", 1024), ("second-one", 1024), ("first-one", 0)] {
        assert_eq!(
            world.try_ask(&change("third-one", again, again)),
            status,
            "{again}"
        );
    }
}

#[test]
fn administrators_have_the_stricter_rules() {
    let mut world = World::new(policy()).with_password("Secret");
    world.account_mut().user.privileges = ["admin.logon".to_owned()].into();
    assert_eq!(
        world.try_ask(&change("Secret", "12345678901", "12345678901")),
        1024
    );
    assert_eq!(
        world.try_ask(&change("Secret", "123456789012", "123456789012")),
        0
    );
}

#[test]
fn old_passwords_end_with_notice() {
    let mut world = World::new(policy()).with_password("Secret");
    world.rules(&policy(), &json!({"pw_max_age_days": 90}));
    assert_eq!(
        grant(world.send(&Ask::combined("Secret"))).password_expires_at,
        None
    );
    world.later(76 * 86_400);
    let end = Timestamp::from_seconds(super::world::NOON + 90 * 86_400);
    assert_eq!(
        grant(world.send(&Ask::combined("Secret"))).password_expires_at,
        Some(end)
    );
    world.later(15 * 86_400);
    assert_eq!(world.try_value("Secret"), 1026);
    assert_eq!(world.user().lock_count, 0);
    world.rules(
        &json!({"local_auth": "grace_period"}),
        &json!({"pw_max_age_days": 90}),
    );
    assert_eq!(
        world.try_value("Secret"),
        0,
        "only under authenticator_or_password"
    );
}

#[test]
fn recoverable_copies_are_kept_only_where_needed() {
    let kept = |values: Json, change: fn(&mut Component)| {
        let world = World::new(values.clone());
        let mut component = component();
        change(&mut component);
        let mut snapshot = Arc::into_inner(World::new(values).snapshot).unwrap();
        snapshot.components = Components::new(vec![component], &HashMap::new());
        drop(world);
        keeps_copy(&snapshot, DomainKey(1))
    };
    let local = || json!({"local_auth": "grace_period"});
    assert!(
        kept(local(), |_| {}),
        "an empty list of protocols holds the hash protocols too"
    );
    assert!(!kept(local(), |one| one.enabled = false));
    assert!(!kept(local(), |one| one.kind = "portal".to_owned()));
    assert!(!kept(json!({}), |_| {}), "local_auth = none");
    assert!(!kept(
        json!({"local_auth": "grace_period", "radius_protocols": ["pap", "peap_gtc"]}),
        |_| {}
    ));
    assert!(kept(
        json!({"local_auth": "grace_period", "radius_protocols": ["pap", "chap"]}),
        |_| {}
    ));
    assert!(!kept(
        json!({"local_auth": "grace_period", "accepted_domains": ["sales"]}),
        |_| {}
    ));
    assert!(kept(
        json!({"radius_protocols": ["pap"], "stored_password_proxy": "yes"}),
        |_| {}
    ));
    assert!(kept(
        json!({"radius_protocols": ["pap"], "password_randomization": "yes"}),
        |_| {}
    ));
    assert!(kept(json!({}), |one| one.return_static_password = true));
    assert!(
        !kept(local(), |one| one.policy = "local".to_owned()),
        "the shipped default keeps none"
    );
}

#[test]
fn a_copy_is_kept_and_compared_without_the_slow_hash() {
    let mut world = World::new(policy()).with_password("Secret");
    assert_eq!(
        world.try_ask(&change("Secret", "Sesame 12345", "Sesame 12345")),
        0
    );
    assert_eq!(world.try_value("Sesame 12345"), 0);
    assert!(world.asked.is_empty());
    world.component.return_static_password = true;
    let granted = grant(world.send(&Ask::combined("Sesame 12345")));
    assert_eq!(
        granted.static_password.map(|one| one.expose().to_vec()),
        Some(b"Sesame 12345".to_vec())
    );
}
