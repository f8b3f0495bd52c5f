//! The store on PostgreSQL servers that take over from each other: service returns by itself, nothing is accepted twice,
//! and where a takeover has lost commits, nothing is accepted at all.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "cluster/client.rs"]
mod client;
#[path = "failover/load.rs"]
mod load;
#[path = "failover/lost.rs"]
mod lost;
#[path = "failover/patroni.rs"]
mod patroni;

use countersign_testkit::{Database, Options, Server, Store, World, curl};
use std::sync::Arc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The first node on a database.
fn first(database: Database) -> World {
    World::with(
        PROGRAM,
        Options {
            store: Some(Store::Postgres(Arc::new(database))),
            env: vec![("COUNTERSIGN_NODE".to_owned(), "node-a".to_owned())],
            ..Options::default()
        },
    )
}

/// What the health listener says.
fn health(node: &Server) -> curl::Answer {
    curl::get(&format!(
        "{}/health",
        node.ready("health").trim_end_matches('/')
    ))
}
