//! Synchronisation profiles, their runs, and the accounts they own.

use super::world::{World, authenticator, user};
use crate::Outcome;
use countersign_engine::admin::sync::{Needs, Owned};
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_engine::model::{
    BackEndKey, LdapOwner, Meta, SyncGone, SyncMapping, SyncOptions, SyncProfile, SyncRun,
    SyncScope, SyncState, UserAttribute,
};
use countersign_engine::time::Timestamp;

fn profile(world: &World, name: &str) -> SyncProfile {
    SyncProfile {
        key: -1,
        name: name.to_owned(),
        enabled: true,
        source: BackEndKey(7),
        base: Some("ou=people".to_owned()),
        scope: SyncScope::One,
        filter: Some("(uid=*)".to_owned()),
        domain: world.domain(),
        org_unit: None,
        successor: Some("boss".to_owned()),
        mapping: SyncMapping {
            user: Some("uid".to_owned()),
            phone: Some(String::new()),
            custom: vec![("dept".to_owned(), "hr".to_owned(), "department".to_owned())],
            ..SyncMapping::default()
        },
        options: SyncOptions {
            create: true,
            gone: SyncGone::Delete,
            ..SyncOptions::default()
        },
        max_delete_percent: 3,
        meta: Meta::default(),
    }
}

fn added(world: &World, name: &str) -> SyncProfile {
    let put = Put::new(profile(world, name));
    world.done(vec![Change::Write(Write::SyncProfile(Box::new(put)))]);
    world
        .store
        .snapshot()
        .sync_profile(name)
        .unwrap()
        .as_ref()
        .clone()
}

fn owned(world: &World, name: &str, profile: i64, entry: &str) {
    let mut user = user(world.domain(), name);
    user.ldap_owner = Some(Box::new(LdapOwner {
        profile,
        entry: entry.to_owned(),
        dn: format!("uid={name}"),
    }));
    world.done(vec![Change::Write(Write::User(Box::new(Put::new(user))))]);
}

#[test]
fn a_profile_is_kept_whole_and_changed_by_its_revision() {
    let world = World::new();
    let stored = added(&world, "People");
    let wanted = profile(&world, "People");
    assert_eq!(stored.mapping, wanted.mapping);
    assert_eq!(stored.options, wanted.options);
    assert_eq!(
        (
            stored.source,
            stored.scope,
            stored.base.clone(),
            stored.filter.clone()
        ),
        (wanted.source, wanted.scope, wanted.base, wanted.filter)
    );
    assert_eq!(
        (stored.successor.as_deref(), stored.max_delete_percent),
        (Some("boss"), 3)
    );

    let mut changed = stored.clone();
    changed.enabled = false;
    let put = |guard| {
        let put = Put::over(guard, changed.clone());
        world.commit(vec![Change::Write(Write::SyncProfile(Box::new(put)))])
    };
    assert_eq!(put(stored.meta.revision + 1), Outcome::Conflict);
    assert_eq!(put(stored.meta.revision), Outcome::Committed);
    assert!(
        !world
            .store
            .snapshot()
            .sync_profile("PEOPLE")
            .unwrap()
            .enabled
    );
}

#[test]
fn accounts_are_found_by_entry_and_by_name_in_one_read() {
    let world = World::new();
    let key = added(&world, "people").key;
    owned(&world, "ann", key, "e1");
    owned(&world, "ben", key, "e2");
    owned(&world, "cid", key + 1, "e1");
    world.add_user("dan");
    let ann = world.account("ann").user.key;
    let put = Put::new(authenticator(world.domain(), "T1", ann));
    let attribute = UserAttribute {
        group: "hr".to_owned(),
        name: "department".to_owned(),
        index: 0,
        usage: "custom".to_owned(),
        value: "sales".to_owned(),
    };
    world.done(vec![
        Change::Write(Write::Authenticator(Box::new(put))),
        Change::Write(Write::Attribute(ann, attribute)),
    ]);
    let facts = world.store.sync_facts(&Needs {
        profile: key,
        entries: (0..150).map(|n| format!("e{n}")).collect(),
        domain: world.domain(),
        names: vec!["dan".to_owned(), "nobody".to_owned(), "ann".to_owned()],
    });
    let facts = facts.unwrap();
    let mut found: Vec<&str> = facts
        .accounts
        .iter()
        .map(|one| one.user.id.as_str())
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["ann", "ben", "dan"]);
    assert!(facts.unreadable.is_empty() && facts.lenders.is_empty());
    let ann = facts
        .accounts
        .iter()
        .find(|one| one.user.id == "ann")
        .unwrap();
    assert_eq!((ann.authenticators.len(), ann.attributes.len()), (1, 1));
    assert_eq!(ann.user.ldap_owner.as_ref().unwrap().dn, "uid=ann");

    let owned = world.store.sync_owned(key).unwrap();
    assert_eq!(owned.len(), 2);
    assert_eq!(
        owned[0],
        Owned {
            key: ann.user.key,
            entry: "e1".to_owned(),
            disabled: false
        }
    );
    assert_eq!(
        world
            .store
            .sync_accounts(&[ann.user.key])
            .unwrap()
            .accounts
            .len(),
        1
    );
    assert!(
        world
            .store
            .sync_facts(&Needs::default())
            .unwrap()
            .accounts
            .is_empty()
    );
}

#[test]
fn one_entry_owns_one_account() {
    let world = World::new();
    let key = added(&world, "people").key;
    owned(&world, "ann", key, "e1");
    let mut second = user(world.domain(), "ben");
    second.ldap_owner = world.account("ann").user.ldap_owner.clone();
    let put = Write::User(Box::new(Put::new(second)));
    assert_eq!(world.commit(vec![Change::Write(put)]), Outcome::Conflict);
}

#[test]
fn a_run_is_held_by_its_version() {
    let world = World::new();
    let key = added(&world, "people").key;
    let mut run = SyncRun {
        profile: key,
        version: 0,
        node: "n1".to_owned(),
        user: "admin".to_owned(),
        state: SyncState::Running,
        started: Timestamp::from_seconds(1),
        seen: Timestamp::from_seconds(2),
        ended: None,
        totals: "{}".to_owned(),
        message: String::new(),
    };
    let put =
        |run: &SyncRun| world.commit(vec![Change::Write(Write::SyncRun(Box::new(run.clone())))]);
    assert_eq!(world.store.sync_run(key).unwrap(), None);
    assert_eq!(put(&run), Outcome::Committed);
    assert_eq!(
        put(&run),
        Outcome::Conflict,
        "the first run is there already"
    );
    run.version = 1;
    run.state = SyncState::Done;
    assert_eq!(put(&run), Outcome::Committed);
    assert_eq!(put(&run), Outcome::Conflict);
    run.version = 2;
    assert_eq!(world.store.sync_run(key).unwrap(), Some(run));
}

#[test]
fn a_profile_that_goes_leaves_its_accounts_to_nobody() {
    let world = World::new();
    let profile = added(&world, "people");
    owned(&world, "ann", profile.key, "e1");
    let gone = Write::RemoveSyncProfile(profile.key, profile.meta.revision);
    world.done(vec![Change::Write(gone)]);
    assert!(world.store.snapshot().sync_profile("people").is_none());
    assert!(world.stored("ann").user.ldap_owner.is_none());
    assert!(world.store.sync_owned(profile.key).unwrap().is_empty());
}
