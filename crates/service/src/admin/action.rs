use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::{
    Action, AdminDecision, EscrowFor, KeyAction, MigrationAction, Refusal, Write, import::Order,
    sync, view,
};
use countersign_engine::decision::Change;
use countersign_keyring::escrow;
use countersign_keyring::sealed_file::Whom;
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

/// The synchronisation that a decision orders, if it orders one.
pub(super) fn sync_order(decision: &AdminDecision) -> Option<sync::Order> {
    match &decision.action {
        Some(Action::Sync(order)) => Some(order.as_ref().clone()),
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
        Action::Timing { request } => timing(node, request, decision),
        Action::Import(_) | Action::Sync(_) => Ok(()),
        Action::BackEnd(test) => {
            decision
                .result
                .extend(super::back_end::test(node, test).await?);
            Ok(())
        }
        Action::BackEndHealth(key) => {
            add(decision, "health", super::back_end::health(node, *key));
            Ok(())
        }
        Action::Migration(MigrationAction::Start) => {
            let own = Arc::clone(node);
            blocking(node, move |_| super::migrate::start(&own)).await
        }
        Action::Migration(MigrationAction::Status) => {
            decision
                .result
                .extend(blocking(node, super::migrate::status).await?);
            Ok(())
        }
    }
}

fn timing(node: &Node, request: &str, decision: &mut AdminDecision) -> Result<(), Refusal> {
    let found = node.timings().find(request).ok_or_else(|| {
        let hint = match node.snapshot().settings.text("timing.keep") {
            "off" => "; timings are off: the setting timing.keep turns them on",
            _ => {
                "; each node keeps its own and forgets the oldest, and fast ones may not be wanted"
            }
        };
        let detail = format!("this node keeps no timing of request {request}{hint}");
        Refusal::new(Status::NOT_FOUND, detail)
    })?;
    decision.result.extend(crate::timing::row(&found));
    add(decision, "spans", crate::timing::spans(&found).into());
    if found.left_out > 0 {
        add(decision, "spans_left_out", found.left_out.into());
    }
    Ok(())
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
        KeyAction::Create { class } => {
            let class = read(class)?;
            // A master key in an HSM may take its time.
            let change = blocking(node, move |_| Ok(ring.create(class, Node::now().0))).await?;
            made(change, decision).map(|_| ())
        }
        KeyAction::Rotate { class } => {
            let class: KeyClass = read(class)?;
            let from = ring.active(class).map(|id| id.to_string());
            let mut rotation = blocking(node, move |node| {
                super::rotate::begun(node, class.name(), from, String::new())
            })
            .await?;
            let change = blocking(node, move |_| Ok(ring.rotate(class, Node::now().0))).await?;
            let to = made(change, decision)?;
            rotation.to = to.map(|id| id.to_string()).unwrap_or_default();
            let write = Write::Rotation(Box::new(rotation));
            decision.changes.push(Change::Write(write));
            Ok(())
        }
        KeyAction::RotationStatus { count } => {
            let count = *count;
            let status =
                blocking(node, move |node| super::rotate::status(node, &ring, count)).await?;
            decision.result.extend(status);
            Ok(())
        }
        KeyAction::AbortRotation => {
            let rotation = blocking(node, super::rotate::aborted).await?;
            let told = view::rotation(&rotation);
            decision.result.insert("rotation".to_owned(), told.into());
            let write = Write::Rotation(Box::new(rotation));
            decision.changes.push(Change::Write(write));
            Ok(())
        }
        KeyAction::MoveRoot { hsm } => {
            let hsm = *hsm;
            let write =
                blocking(node, move |node| super::root::rewrapped(node, &ring, hsm)).await?;
            super::root::tell(&write, decision);
            Ok(())
        }
        KeyAction::Retire { id } => made(ring.retire(known(&ring, id)?), decision).map(|_| ()),
        KeyAction::Delete { id, force } => {
            let (key, force) = (known(&ring, id)?, *force);
            let held = ring.clone();
            blocking(node, move |node| deletable(node, &held, key, force)).await?;
            made(ring.delete(key), decision).map(|_| ())
        }
        KeyAction::Escrow(whom) => {
            let whom = match whom {
                EscrowFor::Passphrase(passphrase) => Whom::Passphrase(passphrase.clone()),
                EscrowFor::Recipient(text) => Whom::Recipient(
                    text.parse()
                        .map_err(|error| Refusal::invalid("recipient", format_args!("{error}")))?,
                ),
            };
            let text = blocking(node, move |_| escrow::write(&ring, &whom).map_err(failed)).await?;
            add(decision, "escrow", text.into());
            decision.changes.push(Change::Write(Write::Setting(
                "key.escrowed",
                Some("yes".to_owned()),
            )));
            Ok(())
        }
    }
}

/// A key ring or its HSM refuses: a wait that ran out is another matter than a wrong key or a fault.
pub(super) fn ring_failed(error: &KeyringError) -> Refusal {
    match error {
        KeyringError::Hsm(hsm) if hsm.is_timeout() => {
            Refusal::new(Status::TIMEOUT, format!("failed to {error}"))
        }
        KeyringError::Hsm(_) | KeyringError::Random(_) | KeyringError::Broken(_) => {
            failed(format_args!("failed to {error}"))
        }
        _ => Refusal::contradiction(error.to_string()),
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
) -> Result<Option<KeyId>, Refusal> {
    let change = change.map_err(|error| ring_failed(&error))?;
    let active = change.active();
    if let Some(id) = active.or_else(|| change.rows.first().map(|row| row.id)) {
        add(decision, "id", id.to_string().into());
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
    Ok(active)
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
