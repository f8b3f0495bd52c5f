//! Several nodes on one PostgreSQL store: one truth, whoever is asked, whoever dies.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "cluster/client.rs"]
mod client;
#[path = "cluster/crash.rs"]
mod crash;
#[path = "cluster/faults.rs"]
mod faults;
#[path = "cluster/nodes.rs"]
mod nodes;
#[path = "cluster/once.rs"]
mod once;
#[path = "cluster/rollback.rs"]
mod rollback;

use countersign_testkit::{Database, Options, Server, Store, World};
use std::sync::Arc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The first node on a database, as a world.
fn first(store: &Store) -> World {
    World::with(
        PROGRAM,
        Options {
            store: Some(store.clone()),
            env: vec![("COUNTERSIGN_NODE".to_owned(), "node-a".to_owned())],
            ..Options::default()
        },
    )
}

/// Two nodes on a database of the shared server; the second one starts when the world is furnished, and so knows it all.
/// `None` with a word where PostgreSQL is missing and may be.
fn pair(furnish: impl FnOnce(&mut World)) -> Option<(World, Server)> {
    let store = Store::Postgres(Arc::new(Database::fresh()?));
    let mut world = first(&store);
    furnish(&mut world);
    let other = world.node("node-b", Options::default());
    Some((world, other))
}
