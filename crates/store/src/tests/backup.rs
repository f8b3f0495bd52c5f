//! Backups on the level of the store: what is read back is what was written, or nothing changes.

use super::world::{START, World, count_up, counter};
use crate::audit::Trail;
use crate::backup::{self, BackupError, Restore, Since};
use crate::{Options, Reader, Store};
use countersign_engine::audit::chain::export_line;
use countersign_keyring::RootKey;
use std::sync::Arc;
use tempfile::TempDir;

fn made(world: &World) -> Vec<u8> {
    let mut out = Vec::new();
    backup::create(&world.options, &mut out, &mut |_| true).unwrap();
    out
}

/// An empty host, an hour later.
fn elsewhere(world: &World) -> (TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = world.options.clone();
    options.url = folder.path().join("countersign.db").into();
    options.state_file = folder.path().join("node-state.json");
    world.pass(3600);
    (folder, options)
}

fn restore<'a>(options: &'a Options, root: &Arc<RootKey>) -> Restore<'a> {
    Restore {
        options,
        root: Arc::clone(root),
        force: false,
        reason: "a test",
        since: None,
    }
}

#[test]
fn a_backup_is_the_store_as_it_was_and_serves_elsewhere() {
    let world = World::new();
    (0..5).for_each(|n| world.add_user(&format!("user{n}")));
    world.done(vec![count_up(&world.account("user1"))]);
    let bytes = made(&world);
    let checked = backup::verify(bytes.as_slice(), Some(&world.root), &mut |_| true).unwrap();
    assert_eq!(checked.about.rows["user"], 5);
    assert_eq!(checked.about.made.0, START);
    world.done(vec![count_up(&world.account("user1"))]);
    let (_folder, options) = elsewhere(&world);
    let restored = restore(&options, &world.root)
        .run(bytes.as_slice(), &mut |_| true)
        .unwrap();
    assert_eq!((restored.doubted, restored.lost), (5, None));
    let store = Store::open(&options, Arc::clone(&world.root)).unwrap();
    let domain = store.snapshot().domains.master().unwrap().key;
    let countersign_engine::facts::Found::Account(account) =
        store.account(domain, "user1").unwrap()
    else {
        panic!("user1 is gone");
    };
    assert_eq!(counter(&account), 1, "as it was");
    let state = account.authenticators[0].applications[0].state;
    assert!(state.restored, "and not trusted");
    drop(store);
    let reader = Reader::open(&options.url).unwrap();
    let mut reasons = Vec::new();
    reader
        .scan(crate::audit::Range::all(false), &mut |_, entry| {
            reasons.extend(entry.text("reason").map(str::to_owned));
            true
        })
        .unwrap();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].starts_with("restored from the backup of 2023-11-14T22:13:20"));
}

fn export(world: &World) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    world
        .store
        .entries(&mut |json, hash| lines.push(export_line(json, hash)))
        .unwrap();
    lines
}

#[test]
fn exports_must_continue_the_backup_and_be_genuine() {
    let world = World::new();
    world.add_user("alice");
    let bytes = made(&world);
    let checked = backup::verify(bytes.as_slice(), Some(&world.root), &mut |_| true).unwrap();
    for _ in 0..3 {
        world.done(vec![count_up(&world.account("alice"))]);
    }
    let lines = export(&world);
    let (_folder, options) = elsewhere(&world);
    let told = |lines: &[Vec<u8>]| {
        let mut since = Since::new(&checked.about, &checked.audit_keys);
        for line in lines {
            since.take(line)?;
        }
        let restore = Restore {
            force: true,
            since: Some(since),
            ..restore(&options, &world.root)
        };
        restore.run(bytes.as_slice(), &mut |_| true)
    };
    let gap: Vec<_> = lines[lines.len() - 2..].to_vec();
    assert!(matches!(told(&gap), Err(BackupError::Audit(_))));
    let mut changed = lines.clone();
    let last = changed.last_mut().unwrap();
    let at = last.windows(4).position(|part| part == b"time").unwrap() + 10;
    last[at] = if last[at] == b'1' { b'2' } else { b'1' };
    assert!(told(&changed).is_err());
    assert!(!options.url.file().unwrap().exists(), "nothing was made");
    let restored = told(&lines).unwrap();
    assert_eq!((restored.doubted, restored.lost), (0, Some(0)));
}

#[test]
fn what_is_refused_changes_nothing() {
    let world = World::new();
    world.add_user("alice");
    let bytes = made(&world);
    let (folder, options) = elsewhere(&world);
    let other = Arc::new(RootKey::generate().unwrap());
    assert!(matches!(
        backup::verify(bytes.as_slice(), Some(&other), &mut |_| true),
        Err(BackupError::Keys(_))
    ));
    assert!(matches!(
        restore(&options, &other).run(bytes.as_slice(), &mut |_| true),
        Err(BackupError::Open(_))
    ));
    assert!(
        restore(&options, &world.root)
            .run(&bytes[..bytes.len() - 5], &mut |_| true)
            .is_err()
    );
    let store = Store::open(&options, Arc::clone(&other)).unwrap();
    drop(store); // the failed ones left an empty database, which takes any root key
    assert!(matches!(
        restore(&options, &world.root).run(bytes.as_slice(), &mut |_| true),
        Err(BackupError::NotEmpty(_))
    ));
    let forced = Restore {
        force: true,
        ..restore(&options, &world.root)
    };
    forced.run(bytes.as_slice(), &mut |_| true).unwrap();
    Store::open(&options, Arc::clone(&world.root)).unwrap();
    drop(folder);
}

#[test]
fn a_watcher_ends_it() {
    let world = World::new();
    let ended = backup::create(&world.options, Vec::new(), &mut |_| false);
    assert!(matches!(ended, Err(BackupError::Cancelled)));
}
