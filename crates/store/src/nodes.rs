//! The servers of the deployment, as each of them reads the others.

use crate::rows::{convert, node, version};
use crate::schema;
use crate::sql::args;
use crate::state_file;
use crate::{Reader, Store, StoreError, system_time, trail};
use countersign_engine::model::{NodeRecord, NodeWish};
use countersign_engine::time::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

const NEWEST_RECORD: &str = "SELECT MAX(to_time) FROM audit_segment";

impl Store {
    /// All nodes by name; how long each has been silent is for the caller to find out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn nodes(&self) -> Result<Vec<NodeRecord>, StoreError> {
        self.shared.read(node::all)
    }

    /// What administrators want of a node.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn node_wish(&self, name: &str) -> Result<NodeWish, StoreError> {
        self.shared.read(|tx| node::wish_of(tx, name))
    }

    /// The time of the newest audit record.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn newest_record(&self) -> Result<Option<Timestamp>, StoreError> {
        self.shared.read(|tx| {
            let newest = tx.first(NEWEST_RECORD, args![], |row| row.columns().opt_time())?;
            Ok(newest.flatten())
        })
    }

    /// Whether the store lacks what this node has committed since it was opened (E-115003): it was put back, or a replica
    /// took over that had not got it. The node must not serve then.
    pub fn has_lost_commits(&self) -> bool {
        self.shared.lost.load(Ordering::Acquire)
    }

    /// Whether the store holds what the state file of a node remembers of it (E-115003 where it does not).
    ///
    /// # Errors
    /// The database or the file cannot be read.
    pub fn holds_what_is_remembered(&self, state_file: &Path) -> Result<bool, StoreError> {
        match state_file::read(state_file).map_err(StoreError::Disk)? {
            // A reader may still be connected to a server that was replaced: its answer alone accuses nobody.
            Some(head) => Ok(self.shared.read(|tx| trail::holds(tx, &head))?
                || self.shared.read_anew(|tx| trail::holds(tx, &head))?),
            None => Ok(true),
        }
    }
}

impl Reader {
    /// All nodes by name, each with the time since it was heard of by the clock of the store.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn nodes(&self) -> Result<Vec<NodeRecord>, StoreError> {
        self.on(|database| {
            let mut nodes = database.reading(node::all)?;
            let now = database.clock()?.unwrap_or_else(system_time);
            for node in &mut nodes {
                let seen = node
                    .report
                    .as_ref()
                    .map_or(node.started, |report| report.seen);
                node.silent_us = now.micros_since(seen);
            }
            Ok(nodes)
        })
    }
}

/// The newest schema and the newest record versions that this program knows.
pub fn known_versions() -> (i64, BTreeMap<String, u32>) {
    let records = convert::TABLES
        .iter()
        .map(|table| ((*table).to_owned(), version::known(table)));
    (schema::VERSION, records.collect())
}
