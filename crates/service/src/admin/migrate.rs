//! The conversion of records of older formats: some at a time, while the node serves, and on after its next start.

use crate::node::Node;
use countersign_engine::admin::Refusal;
use countersign_store::{Converted, StoreError};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Records of one step.
const STEP: u32 = 200;

/// Begins the conversion, where every node that serves knows the newest formats and no other node does it already.
pub(super) fn start(node: &Arc<Node>) -> Result<(), Refusal> {
    node.store()
        .begin_migration()
        .map_err(|error| failed(&error))?
        .map_err(Refusal::contradiction)?;
    follow(node);
    Ok(())
}

/// Sees to a conversion that this node began; on a thread of its own, if there is something to do.
pub(crate) fn follow(node: &Arc<Node>) {
    if !is_ours(node) {
        return;
    }
    let own = Arc::clone(node);
    let begun = std::thread::Builder::new()
        .name("migration".to_owned())
        .spawn(move || carry_on(&own));
    if let Err(error) = begun {
        tracing::warn!(%error, "the conversion of old records waits for a thread");
    }
}

fn is_ours(node: &Node) -> bool {
    matches!(node.store().migration(), Ok(Some(name)) if name == node.name())
}

/// Goes on to the end of the conversion or that of the node.
fn carry_on(node: &Node) {
    if node.migrating().swap(true, Ordering::SeqCst) {
        return;
    }
    let mut at = Converted::default();
    while node.is_accepting() && !at.finished {
        match node.store().convert_batch(at, STEP) {
            Ok(next) => at = next,
            Err(error) => {
                tracing::warn!(%error, "the conversion of old records pauses, and goes on by itself");
                break;
            }
        }
    }
    if at.finished {
        tracing::info!(
            converted = at.converted,
            failed = at.failed,
            "all records were looked at; those that failed are named above (E-013003)"
        );
    }
    node.migrating().store(false, Ordering::SeqCst);
}

pub(super) fn status(node: &Node) -> Result<Map<String, Value>, Refusal> {
    let store = node.store();
    let formats = store.formats().map_err(|error| failed(&error))?;
    let running = store.migration().map_err(|error| failed(&error))?;
    let waiting: u64 = formats.iter().map(|format| format.waiting).sum();
    let tables: Vec<Value> = formats
        .iter()
        .map(|format| {
            json!({
                "table": format.table,
                "known": format.known,
                "written": format.written,
                "waiting": format.waiting,
            })
        })
        .collect();
    let mut result = Map::new();
    result.insert("tables".to_owned(), tables.into());
    result.insert("waiting".to_owned(), waiting.into());
    result.insert(
        "running_on".to_owned(),
        running.map_or(Value::Null, Value::from),
    );
    Ok(result)
}

fn failed(error: &StoreError) -> Refusal {
    Refusal::new(error.status(), error.to_string())
}
