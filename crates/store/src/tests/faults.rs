use super::world::{World, count_up, counter};
use crate::{OpenError, Options, Outcome, Reader, Store, StoreError};
use countersign_keyring::RootKey;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The store fails as `fault` says until `mend`, accepts nothing meanwhile, and goes on after it.
fn fails_and_goes_on(
    world: &World,
    expected: &StoreError,
    fault: impl FnOnce(),
    mend: impl FnOnce(),
) {
    let before = world.account("alice");
    fault();
    for _ in 0..3 {
        assert_eq!(
            world.commit(vec![count_up(&before)]),
            Outcome::Failed(expected.clone())
        );
    }
    // This one writes no new page, so that a bound of pages does not stop it.
    assert!(*expected == StoreError::Full || world.store.check_writable().is_err());
    assert_eq!(counter(&world.stored("alice")), counter(&before));
    mend();
    assert_eq!(world.store.check_writable(), Ok(()));
    world.done(vec![count_up(&world.account("alice"))]);
    assert_eq!(counter(&world.stored("alice")), counter(&before) + 1);
    super::chain::assert_intact(&world.store);
}

#[test]
fn a_full_disk_accepts_nothing_and_the_store_goes_on_when_there_is_room() {
    let world = World::in_file();
    world.add_user("alice");
    let bound = |pages| {
        world
            .store
            .errand(move |writer| writer.database.file().unwrap().bound_pages(pages))
            .unwrap();
    };
    // A bound below the present size means: not one page more. The free room of the last pages is used up first.
    bound(1);
    for _ in 0..200 {
        let account = world.account("alice");
        if world.commit(vec![count_up(&account)]) != Outcome::Committed {
            break;
        }
    }
    fails_and_goes_on(&world, &StoreError::Full, || {}, || bound(1_000_000));
}

#[test]
fn a_read_only_database_accepts_nothing() {
    let world = World::in_file();
    world.add_user("alice");
    let refuse = |on| {
        world
            .store
            .errand(move |writer| writer.database.file().unwrap().refuse_writes(on))
            .unwrap();
    };
    fails_and_goes_on(
        &world,
        &StoreError::ReadOnly,
        || refuse(true),
        || refuse(false),
    );
}

#[test]
fn a_database_locked_by_another_program_fails_in_time() {
    let world = World::in_file();
    world.add_user("alice");
    let other = rusqlite::Connection::open(world.file()).unwrap();
    let run = |sql: &str| other.execute_batch(sql).unwrap();
    fails_and_goes_on(
        &world,
        &StoreError::Busy,
        || run("BEGIN IMMEDIATE"),
        || run("ROLLBACK"),
    );
}

/// The files of a database as a killed program leaves them.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            name
        };
        if fs::exists(name(from)).unwrap() {
            fs::copy(name(from), name(to)).unwrap();
        }
    }
}

#[test]
fn after_a_kill_every_commit_that_was_told_is_there_and_the_chain_verifies() {
    let world = World::in_file();
    world.add_user("alice");
    for kill in 0..10 {
        for _ in 0..7 {
            world.done(vec![count_up(&world.account("alice"))]);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countersign.db");
        copy(world.file(), &path);
        let options = Options {
            url: path.into(),
            state_file: folder.path().join("node-state.json"),
            ..world.options.clone()
        };
        let store = Store::open(&options, Arc::clone(&world.root)).unwrap();
        let found = store.account(world.domain(), "alice").unwrap();
        let countersign_engine::facts::Found::Account(account) = found else {
            panic!("{found:?}")
        };
        assert_eq!(counter(&account), 7 * (kill + 1));
        let outcome = super::chain::verify(&store);
        assert!(outcome.is_intact(), "{outcome:?}");
    }
}

#[test]
fn a_store_put_back_is_not_served_until_it_is_accepted() {
    let mut world = World::in_file();
    world.add_user("alice");
    world.store.close();
    let old = world.folder.path().join("old.db");
    copy(world.file(), &old);
    world.reopen();
    world.done(vec![count_up(&world.account("alice"))]);
    world.pass(61);
    world.store.close();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", world.file().display()));
    }
    copy(&old, world.file());
    let refused = Store::open(&world.options, Arc::clone(&world.root)).unwrap_err();
    assert!(matches!(refused, OpenError::RolledBack { .. }), "{refused}");
    assert!(refused.to_string().contains("accept-rollback"));
    let accepted = Store::accept_rollback(
        &world.options,
        Arc::clone(&world.root),
        "restored after a broken disk",
    )
    .unwrap();
    let start = super::chain::lines(&accepted)
        .into_iter()
        .rfind(|line| line.contains("\"abandoned\""))
        .unwrap();
    assert!(start.contains("restored after a broken disk") && start.contains("\"previous\""));
    accepted.close();
    world.reopen();
    assert_eq!(counter(&world.account("alice")), 0);
}

#[test]
fn what_is_no_store_of_this_program_is_refused_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let root = Arc::new(RootKey::generate().unwrap());
    let open = |name: &str| {
        let options = Options::new(
            folder.path().join(name),
            folder.path().join("state.json"),
            "node-1",
            "0.1.0",
        );
        Store::open(&options, Arc::clone(&root)).unwrap_err()
    };
    fs::write(folder.path().join("text"), "no database at all").unwrap();
    assert!(matches!(open("text"), OpenError::Foreign { .. }));
    rusqlite::Connection::open(folder.path().join("foreign"))
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    assert!(matches!(open("foreign"), OpenError::Foreign { .. }));
    assert!(matches!(open("no/such/folder"), OpenError::File { .. }));
    assert!(matches!(
        Reader::open(&folder.path().join("missing").into()).unwrap_err(),
        OpenError::Missing { .. }
    ));
}

#[test]
fn another_root_key_and_a_newer_schema_are_refused() {
    let world = World::in_file();
    world.store.close();
    let other = Arc::new(RootKey::generate().unwrap());
    assert!(matches!(
        Store::open(&world.options, other).unwrap_err(),
        OpenError::Keys(_)
    ));
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    connection
        .execute_batch("INSERT INTO schema_version (version, applied) VALUES (999, 0)")
        .unwrap();
    // One that only added something lets older programs in, one that did more does not.
    drop(Store::open(&world.options, Arc::clone(&world.root)).unwrap());
    connection
        .execute_batch("UPDATE store_mark SET value = '999' WHERE name = 'schema.oldest'")
        .unwrap();
    let refused = Store::open(&world.options, Arc::clone(&world.root)).unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { found: 999, .. }),
        "{refused}"
    );
    assert!(matches!(
        Reader::open(&world.options.url).unwrap_err(),
        OpenError::Newer { .. }
    ));
}

#[test]
fn a_spoilt_state_file_is_not_taken_for_a_first_start() {
    let world = World::new();
    world.store.close();
    fs::write(&world.options.state_file, "{").unwrap();
    assert!(matches!(
        Store::open(&world.options, Arc::clone(&world.root)).unwrap_err(),
        OpenError::StateFile { .. }
    ));
}
