//! What several nodes, or the parts of one, rely on where they use one store.

use super::world::{World, count_up};
use crate::audit::{Range, Trail};
use crate::database::Access;
use crate::{Outcome, Store, StoreError, trail};
use countersign_engine::admin::needs::{AccountRef, Count, Device, Needs};
use countersign_engine::admin::{Put, Write};
use countersign_engine::audit::verify::Note;
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::facts::Found;
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
fn many_names_are_found_as_one_by_one() {
    let world = World::new();
    for name in ["alice", "bert"] {
        world.add_user(name);
    }
    let named = |name: &str| AccountRef::Named(world.domain(), name.to_owned());
    let mut names: Vec<String> = (0..120).map(|number| format!("nobody{number}")).collect();
    names.insert(60, "alice".to_owned());
    names.push("bert".to_owned());
    let needs = Needs {
        accounts: names.iter().map(|name| named(name)).collect(),
        authenticators: names
            .iter()
            .map(|name| format!("SN-{}", name.to_uppercase()))
            .collect(),
        ..Needs::default()
    };
    let facts = world.store.admin_facts(&needs).unwrap();
    let there = |name: &str| ["alice", "bert"].contains(&name);
    assert_eq!(facts.accounts.len(), names.len());
    for ((name, account), device) in names.iter().zip(facts.accounts).zip(facts.authenticators) {
        assert_eq!(
            matches!(account.1, Found::Account(_)),
            there(name),
            "{name}"
        );
        assert_eq!(matches!(device.1, Device::Found(_)), there(name), "{name}");
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
fn a_commit_that_comes_late_is_taken_for_what_it_is() {
    let mut world = World::new();
    if !world.store.is_shared() {
        eprintln!("SKIPPED: commits come late on a server only");
        return;
    }
    world.add_user("alice");
    let late = world
        .store
        .errand(|writer| {
            writer.transaction(|_, _| Ok(()))?;
            let now = writer.shared.now();
            let record = Record::new(Code::AUTH_REFUSED, [7; 16], now);
            let mut after = writer.ledger.clone();
            let segment = after.compose([&record], now).unwrap();
            let unchanged = writer.ledger.clone();
            writer.doubt(after);
            writer.doubt(unchanged); // of something that wrote no record
            writer.transaction(|_, _| Ok(()))?;
            Ok((writer.ledger.epoch(), segment))
        })
        .unwrap();
    let other = world.store.shared.source.open(Access::Write).unwrap();
    trail::insert(other.tx(), late.0, &late.1).unwrap();
    world.done(vec![count_up(&world.account("alice"))]);
    world.reopen();
    super::chain::assert_intact(&world.store);
    let lines = super::chain::lines(&world.store).concat();
    assert!(lines.contains("\"amid\":\"0707"), "{lines}");
}

#[test]
fn a_commit_that_an_earlier_process_left_under_way_breaks_no_chain() {
    let world = World::new();
    if !world.store.is_shared() {
        eprintln!("SKIPPED: a commit hangs at a server only");
        return;
    }
    let source = &world.store.shared.source;
    let (epoch, late) = world
        .store
        .errand(|writer| {
            let record = Record::new(Code::AUTH_REFUSED, [7; 16], writer.shared.now());
            let mut after = writer.ledger.clone();
            let segment = after.compose([&record], writer.shared.now()).unwrap();
            Ok((writer.ledger.epoch(), segment))
        })
        .unwrap();
    let (hangs, watch) = (
        source.open(Access::Write).unwrap(),
        source.open(Access::Read).unwrap(),
    );
    hangs.begin().unwrap();
    trail::insert(hangs.tx(), epoch, &late).unwrap();
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = CURRENT_DATABASE() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO audit_segment%'";
    let next = std::thread::scope(|scope| {
        let next = scope.spawn(|| Store::open(&world.options, Arc::clone(&world.root)).unwrap());
        while watch.tx().first(waits, &[], |_| Ok(())).unwrap().is_none() {
            std::thread::yield_now();
        }
        hangs.commit().unwrap();
        next.join().unwrap()
    });
    let outcome = super::chain::verify(&next);
    assert!(outcome.is_intact(), "{outcome:?}");
    let lines = super::chain::lines(&next).concat();
    assert!(lines.contains("\"amid\":\"0707"), "it has come: {lines}");
    assert!(
        outcome
            .notes
            .iter()
            .any(|note| matches!(note, Note::NotClosed { .. })),
        "{outcome:?}"
    );
}

#[test]
fn a_second_process_of_the_same_name_ends_the_first_one() {
    let world = World::new();
    if !world.store.is_shared() {
        eprintln!("SKIPPED: one process has the file");
        return;
    }
    world.add_user("alice");
    let next = Store::open(&world.options, Arc::clone(&world.root)).unwrap();
    let refused = world.commit(vec![count_up(&world.account("alice"))]);
    assert_eq!(refused, Outcome::Failed(StoreError::Lost));
    assert!(world.store.has_lost_commits());
    let work = world.work(Vec::new());
    assert_eq!(next.commit(work), Outcome::Committed);
    super::chain::assert_intact(&next);
}

#[test]
fn a_node_that_was_removed_is_there_again_once_it_proves_that_it_can_write() {
    let world = World::new();
    world.done(vec![Change::Write(Write::RemoveNode("node-1".to_owned()))]);
    assert!(world.store.nodes().unwrap().is_empty());
    world.store.check_writable().unwrap();
    assert_eq!(world.store.nodes().unwrap().len(), 1);
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
