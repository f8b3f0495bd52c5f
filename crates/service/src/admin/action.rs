use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::{Action, AdminDecision, KeyAction, Refusal, Write, import::Order};
use countersign_engine::decision::Change;
use countersign_keyring::escrow::{self, EscrowFor};
use countersign_keyring::{Change as RingChange, KeyClass, KeyId, Keyring, KeyringError, rotation};
use countersign_store::to_record;
use serde_json::Value;
use std::str::FromStr;
use std::sync::Arc;

/// The import that a decision orders, if it orders one.
pub(super) fn import_order(decision: &AdminDecision) -> Option<Order> {
    match &decision.action {
        Some(Action::Import(order)) => Some(order.as_ref().clone()),
        _ => None,
    }
}

/// Does what only the shell can do, before the decision is committed with what came of it.
pub(super) async fn perform(
    node: &Arc<Node>,
    action: &Action,
    decision: &mut AdminDecision,
) -> Result<(), Refusal> {
    match action {
        Action::Key(action) => key(node, action, decision).await,
        Action::Audit(action) => {
            let action = action.clone();
            decision
                .result
                .extend(blocking(node, move |node| super::audit::read(node, &action)).await?);
            Ok(())
        }
        Action::Import(_) => Ok(()),
    }
}

fn failed(detail: impl std::fmt::Display) -> Refusal {
    Refusal::new(Status::CRYPTO, detail.to_string())
}

async fn key(
    node: &Arc<Node>,
    action: &KeyAction,
    decision: &mut AdminDecision,
) -> Result<(), Refusal> {
    let ring = node.keyring();
    match action {
        KeyAction::Create { class } => made(ring.create(read(class)?, Node::now().0), decision),
        KeyAction::Rotate { class } => {
            made(ring.rotate(read(class)?, Node::now().0), decision)?;
            super::rotate::start(node);
            Ok(())
        }
        KeyAction::RotationStatus => blocking(node, move |node| super::rotate::status(node, &ring))
            .await
            .map(|status| add(decision, "classes", status)),
        KeyAction::Retire { id } => made(ring.retire(known(&ring, id)?), decision),
        KeyAction::Delete { id, force } => {
            let (key, force) = (known(&ring, id)?, *force);
            let held = ring.clone();
            blocking(node, move |node| deletable(node, &held, key, force)).await?;
            made(ring.delete(key), decision)
        }
        KeyAction::Escrow { passphrase } => {
            let passphrase = passphrase.clone();
            let text = blocking(node, move |_| {
                escrow::write(ring.root_key(), &EscrowFor::Passphrase(passphrase)).map_err(failed)
            })
            .await?;
            add(decision, "escrow", text.into());
            decision.changes.push(Change::Write(Write::Setting(
                "key.escrowed",
                Some("yes".to_owned()),
            )));
            Ok(())
        }
    }
}

fn deletable(node: &Node, ring: &Keyring, key: KeyId, force: bool) -> Result<(), Refusal> {
    let named = node
        .store()
        .keys_in_use()
        .map_err(|error| Refusal::new(error.status(), error.to_string()))?;
    rotation::deletable(ring, key, &named, force)
        .map_err(|kept| Refusal::contradiction(kept.to_string()))
}

/// Runs slow work off the async threads.
async fn blocking<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Node) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let node = node.clone();
    let done = tokio::task::spawn_blocking(move || work(&node)).await;
    done.unwrap_or_else(|_| {
        Err(Refusal::new(
            Status::ERROR,
            "the work on the key ring or the audit ended early",
        ))
    })
}

fn made(
    change: Result<RingChange, KeyringError>,
    decision: &mut AdminDecision,
) -> Result<(), Refusal> {
    let change = change.map_err(|error| Refusal::contradiction(error.to_string()))?;
    if let Some(row) = change.rows.first() {
        add(decision, "id", row.id.to_string().into());
    }
    decision.changes.extend(
        change
            .rows
            .iter()
            .map(|row| Change::Write(Write::Key(to_record(row)))),
    );
    decision.changes.extend(
        change
            .removed
            .iter()
            .map(|id| Change::Write(Write::RemoveKey(id.to_string()))),
    );
    Ok(())
}

fn read<T: FromStr>(word: &str) -> Result<T, Refusal> {
    word.parse()
        .map_err(|_| Refusal::invalid("class", "storage, sensitive, transport, audit or token"))
}

fn known(ring: &Keyring, id: &str) -> Result<KeyId, Refusal> {
    let key: KeyId = id
        .parse()
        .map_err(|_| Refusal::not_found(format_args!("key {id}")))?;
    let found: Option<(KeyClass, _)> = ring.about(key);
    found
        .map(|_| key)
        .ok_or_else(|| Refusal::not_found(format_args!("key {id}")))
}

fn add(decision: &mut AdminDecision, name: &str, value: Value) {
    decision.result.insert(name.to_owned(), value);
}

/// Puts the keyed hash of a component's new API key, which the decision brings in plain, into the record it writes.
pub(super) fn hash_api_keys(node: &Node, decision: &mut AdminDecision) -> Result<(), Refusal> {
    for change in &mut decision.changes {
        let Change::Write(Write::Component(put)) = change else {
            continue;
        };
        let Some(at) = put
            .secrets
            .iter()
            .position(|(field, _)| *field == "api_key")
        else {
            continue;
        };
        let (_, key) = put.secrets.swap_remove(at);
        put.record.api_key = match key {
            Some(key) => Some(
                node.keyed_hash("component", key.expose())
                    .ok_or_else(|| failed("the key ring has no token key"))?
                    .into(),
            ),
            None => None,
        };
    }
    Ok(())
}
