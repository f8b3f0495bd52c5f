//! What several nodes, or the parts of one, rely on where they use one store.

use super::world::World;
use crate::audit::{Range, Trail};
use crate::database::Access;
use crate::{Outcome, StoreError};
use countersign_engine::admin::needs::{Count, Needs};
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_keyring::{Keyring, RootKey};
use std::sync::Arc;

#[test]
fn a_work_that_is_undone_reserves_no_numbers() {
    let mut world = World::new();
    world.add_user("alice");
    world.reopen(); // all numbers are reserved anew
    let again = super::world::user(world.domain(), "alice");
    let again = Write::User(Box::new(Put::new(again)));
    assert_eq!(
        world.commit(vec![Change::Write(again)]),
        Outcome::Conflict,
        "the name is taken"
    );
    world.add_user("bert");
    world.reopen();
    for name in ["carla", "dora", "emil"] {
        world.add_user(name); // at once, without a number that another row has
    }
}

#[test]
fn long_answers_of_different_shapes_follow_each_other_on_one_connection() {
    let world = World::new();
    world.add_user("alice");
    let administrators = Needs {
        counts: vec![Count::Administrators],
        ..Needs::default()
    };
    for _ in 0..2 {
        let mut records = 0;
        let mut each = |_: &_, _: &_| {
            records += 1;
            true
        };
        world.store.scan(Range::all(false), &mut each).unwrap();
        assert!(records > 1);
        world.store.admin_facts(&administrators).unwrap();
        assert!(world.store.keys_in_use().unwrap().len() > 1);
    }
}

#[test]
fn an_older_configuration_takes_no_newer_ones_place() {
    let world = World::new();
    let shared = &world.store.shared;
    let old = shared.read(|tx| shared.read_snapshot(tx)).unwrap();
    let setting = Write::Setting("logon.deadline_s", Some("9".to_owned()));
    world.done(vec![Change::Write(setting)]);
    let keys = || {
        world
            .store
            .keyring()
            .rows()
            .iter()
            .map(|row| row.id)
            .collect::<Vec<_>>()
    };
    let (now, generation) = (keys(), world.store.snapshot().generation);
    assert!(old.generation < generation);
    let other = Keyring::first(Arc::new(RootKey::generate().unwrap()), 0).unwrap();
    shared.set_configuration(old, Some(other.keyring));
    assert_eq!(world.store.snapshot().generation, generation);
    assert_eq!(keys(), now);
}

#[test]
fn what_a_server_says_of_an_unknown_outcome_is_understood() {
    let world = World::new();
    let Some(server) = world
        .store
        .is_shared()
        .then_some(&world.store.shared.source)
    else {
        eprintln!("SKIPPED: a file has no such outcome");
        return;
    };
    let database = server.open(Access::Write).unwrap();
    let raise = "DO $$ BEGIN RAISE EXCEPTION 'result is ambiguous' USING ERRCODE = '40003'; END $$";
    assert!(matches!(
        database.tx().script(raise),
        Err(StoreError::Unreachable(_))
    ));
}
