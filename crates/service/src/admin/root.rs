//! The root key of a running node changes: the data keys are wrapped anew under the next one, and no record is touched.

use super::action::ring_failed;
use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::{AdminDecision, Refusal, Write};
use countersign_engine::decision::Change;
use countersign_keyring::{Keyring, RootKey};
use countersign_store::to_record;
use std::sync::Arc;

/// Wraps all data keys under the next root key; each wrap has been opened again before this returns.
pub(super) fn rewrapped(node: &Node, ring: &Keyring, hsm: bool) -> Result<Write, Refusal> {
    let next = next(node)?;
    if hsm && !next.is_in_hsm() {
        return Err(Refusal::contradiction(
            "next_root_key names no key in an HSM; key/rotate with class root moves to other root keys",
        ));
    }
    if next.id() == ring.root() {
        return Err(Refusal::contradiction(format!(
            "the data keys are under root key {} already; make it root_key and take next_root_key out",
            next.id()
        )));
    }
    let change = ring
        .rewrap(Arc::new(next))
        .map_err(|error| ring_failed(&error))?;
    let rows = change.rows.iter().map(to_record).collect();
    Ok(Write::Rewrap(rows, ring.root().to_string()))
}

/// What the caller is told, and to do next.
pub(super) fn tell(write: &Write, decision: &mut AdminDecision) {
    let Write::Rewrap(rows, from) = write else {
        return;
    };
    let to = rows.first().map(|row| row.root.clone()).unwrap_or_default();
    let next = "set root_key to what next_root_key names, on every node, before the old root key is taken away";
    for (name, value) in [
        ("from", from.clone().into()),
        ("root", to.into()),
        ("keys", rows.len().into()),
        ("next", next.into()),
    ] {
        decision.result.insert(name.to_owned(), value);
    }
    decision.changes.push(Change::Write(write.clone()));
}

fn next(node: &Node) -> Result<RootKey, Refusal> {
    let none = || {
        Refusal::contradiction(
            "the configuration names no next_root_key; add it on every node and call again, no restart is needed",
        )
    };
    let load = node.next_root().ok_or_else(none)?;
    load()
        .map_err(|error| Refusal::new(Status::CRYPTO, error))?
        .ok_or_else(none)
}

/// Where the data keys are under another root key than this node has, by a command here or on another node, takes that one
/// if the configuration names it as the next. What fails is tried again at the next call; logons need no root key.
pub(crate) fn follow(node: &Node) {
    let Some(moved) = node.keyring().moved_to() else {
        return;
    };
    let adopted = next(node)
        .map_err(|refusal| refusal.detail)
        .and_then(|root| {
            node.store()
                .adopt_root(&Arc::new(root))
                .map_err(|error| format!("failed to {error}"))
        });
    match adopted {
        Ok(()) => {
            tracing::info!(root = %moved, "the data keys are under another root key; set root_key to it before the next start");
        }
        Err(error) => {
            tracing::warn!(root = %moved, "the data keys are under another root key, which this node has not: {error}");
        }
    }
}
