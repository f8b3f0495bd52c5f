//! The rotation of data keys: sealed fields are sealed anew, some at a time, while the node serves.

use crate::node::Node;
use countersign_engine::admin::Refusal;
use countersign_keyring::{KeyClass, Keyring, rotation};
use countersign_store::Resealed;
use serde_json::{Value, json};
use std::sync::Arc;

const CLASSES: [KeyClass; 3] = [KeyClass::Storage, KeyClass::Sensitive, KeyClass::Audit];
/// Sealed fields of one step.
const STEP: u32 = 200;

/// Begins to reseal in the background; a rotation that is under way goes on.
pub(super) fn start(node: &Arc<Node>) {
    let node = node.clone();
    tokio::task::spawn_blocking(move || {
        let mut at = Resealed::default();
        while node.is_accepting() {
            match node.store().reseal_batch(at, STEP) {
                Ok(next) if next.finished => {
                    return tracing::info!("all sealed fields are under the active keys");
                }
                Ok(next) => at = next,
                Err(error) => {
                    tracing::warn!(%error, "the rotation of keys stopped; rotate again to go on");
                    return;
                }
            }
        }
    });
}

/// How many fields of each class still wait for the active key.
pub(super) fn status(node: &Node, ring: &Keyring) -> Result<Value, Refusal> {
    let named = node
        .store()
        .keys_in_use()
        .map_err(|error| Refusal::new(error.status(), error.to_string()))?;
    let classes = CLASSES.iter().map(|class| {
        let waiting = rotation::waiting(ring, *class, &named);
        json!({"class": class.name(), "waiting": waiting, "done": waiting == 0})
    });
    Ok(classes.collect())
}
