//! Backups: a whole store as one stream, taken while it serves, and put back onto an empty host.

mod check;
mod error;
mod make;
mod restore;
mod secure;
mod since;

pub use check::{Checked, verify};
pub use error::BackupError;
pub use make::create;
pub use restore::{Restore, Restored};
pub use since::Since;

use countersign_engine::audit::chain::Head;
use countersign_engine::time::Timestamp;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The kind of a sealed file that holds a backup.
pub const KIND: &str = "countersign backup 1";

/// How far a long work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub done: u64,
    /// Rows in all.
    pub all: u64,
}

/// Hears how far a long work has come; false ends it, and nothing of it has happened.
pub type Watch<'w> = &'w mut dyn FnMut(Progress) -> bool;

/// What a backup says of the store it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The schema of the store.
    pub schema: i64,
    /// The time of its state, by the clock of the host that made the backup.
    pub made: Timestamp,
    /// The node on whose host it was made.
    pub node: String,
    /// Version of the program that made it.
    pub version: String,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// The newest audit record of every node.
    pub heads: Vec<(String, Head)>,
}

impl About {
    /// Rows in all.
    #[must_use]
    pub fn all_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    fn to_json(&self) -> Json {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let heads: Vec<Json> = self
            .heads
            .iter()
            .map(|(node, head)| {
                json!({"node": node, "epoch": hex(&head.epoch), "seq": head.seq, "hash": hex(&head.hash)})
            })
            .collect();
        json!({
            "schema": self.schema,
            "made": self.made.0,
            "node": self.node,
            "version": self.version,
            "rows": self.rows,
            "heads": heads,
        })
    }

    fn from_json(json: &Json) -> Option<Self> {
        let head = |json: &Json| {
            let node = json.get("node")?.as_str()?.to_owned();
            Some((node, Head::from_json(json)?))
        };
        Some(Self {
            schema: json.get("schema")?.as_i64()?,
            made: Timestamp(json.get("made")?.as_i64()?),
            node: json.get("node")?.as_str()?.to_owned(),
            version: json.get("version")?.as_str()?.to_owned(),
            rows: serde_json::from_value(json.get("rows")?.clone()).ok()?,
            heads: json
                .get("heads")?
                .as_array()?
                .iter()
                .map(head)
                .collect::<Option<_>>()?,
        })
    }
}
