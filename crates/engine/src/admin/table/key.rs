//! Data keys: the rules; the key ring does the work.

use super::domain::none;
use super::field::{QUERY, choice, flag, name, secret};
use super::{Verb, rules};
use crate::admin::decide::{Action, Context, EscrowFor, KeyAction, Outcome};
use crate::admin::record::Event;
use crate::admin::{Field, Query, Refusal, Stop};
use crate::audit::Code;
use serde_json::json;

const CLASSES: &[&str] = &["storage", "sensitive", "transport", "audit", "token"];
const CLASS: Field = choice("class", CLASSES, "What the key is for; absent: storage.");
const ROTATED: Field = choice(
    "class",
    &[
        "storage",
        "sensitive",
        "transport",
        "audit",
        "token",
        "root",
    ],
    "What the key is for; absent: storage. root: all data keys go under the root key that the configuration names as next_root_key.",
);
const ID: Field = name("id", 64, "The key.").required();

pub(super) const VERBS: &[Verb] = &[
    rules(
        "key",
        "create",
        "key.create",
        &[CLASS],
        "Makes a data key and uses it from now on.",
        "{}",
        none,
        create,
    ),
    rules(
        "key",
        "rotate",
        "key.rotate",
        &[ROTATED],
        "Makes a data key and reseals what older ones sealed, in the background; for class root, wraps the data keys anew.",
        "{}",
        none,
        rotate,
    ),
    rules(
        "key",
        "rotation-status",
        "key.view",
        &[flag(
            "count",
            "Also count the fields that wait, class by class; reads every sealed field.",
        )],
        "Tells how far the newest rotation is.",
        "{}",
        none,
        status,
    ),
    rules(
        "key",
        "abort-rotation",
        "key.rotate",
        &[],
        "Ends a rotation before its time; what was resealed stays so, and the new key stays the active one.",
        "{}",
        none,
        abort,
    ),
    rules(
        "key",
        "move-to-hsm",
        "key.rotate",
        &[],
        "Puts all data keys under the master key in the HSM that the configuration names as next_root_key.",
        "{}",
        none,
        move_to_hsm,
    ),
    rules(
        "key",
        "retire",
        "key.rotate",
        &[ID],
        "No longer uses a key at all.",
        r#"{"id": "k1"}"#,
        none,
        retire,
    ),
    rules(
        "key",
        "delete",
        "key.delete",
        &[
            ID,
            flag(
                "force",
                "Although records depend on it, which then do not open any more.",
            ),
        ],
        "Forgets a key.",
        r#"{"id": "k1"}"#,
        none,
        delete,
    ),
    rules(
        "key",
        "query",
        "key.view",
        QUERY,
        "Lists the data keys.",
        "{}",
        none,
        query,
    ),
    rules(
        "key",
        "escrow",
        "key.escrow",
        &[
            secret(
                "passphrase",
                1024,
                "The passphrase that opens the escrow, 12 characters or more.",
            ),
            name(
                "recipient",
                128,
                "Instead of a passphrase: the public key of whoever is to open it.",
            ),
        ],
        "Writes the root key, or where it is in an HSM the data keys, wrapped for a passphrase or a recipient, to be kept elsewhere.",
        r#"{"passphrase": "..."}"#,
        none,
        escrow,
    ),
];

const SHORTEST_PASSPHRASE: usize = 12;

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let class = class(context);
    let event =
        Event::new(Code::KEY_CHANGED, &class).with(json!({"class": class, "state": "active"}));
    Ok(Outcome::action(Action::Key(KeyAction::Create { class })).event(event))
}

fn rotate(context: &Context<'_>) -> Result<Outcome, Stop> {
    let class = class(context);
    if class == "root" {
        return Ok(move_root(false));
    }
    let event =
        Event::new(Code::ROTATION, &class).with(json!({"class": class, "rotation": "started"}));
    Ok(Outcome::action(Action::Key(KeyAction::Rotate { class })).event(event))
}

fn status(context: &Context<'_>) -> Result<Outcome, Stop> {
    let count = context.fields.flag("count").unwrap_or(false);
    Ok(Outcome::action(Action::Key(KeyAction::RotationStatus {
        count,
    })))
}

fn abort(_: &Context<'_>) -> Result<Outcome, Stop> {
    let event = Event::new(Code::ROTATION, "keys").with(json!({"rotation": "aborted"}));
    Ok(Outcome::action(Action::Key(KeyAction::AbortRotation)).event(event))
}

fn move_to_hsm(_: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(move_root(true))
}

/// The root key: data keys are wrapped anew, no record is touched.
fn move_root(hsm: bool) -> Outcome {
    let event = Event::new(Code::ROTATION, "root").with(json!({"class": "root", "hsm": hsm}));
    Outcome::action(Action::Key(KeyAction::MoveRoot { hsm })).event(event)
}

fn retire(context: &Context<'_>) -> Result<Outcome, Stop> {
    let id = context.fields.need("id")?.to_owned();
    let event = Event::new(Code::KEY_CHANGED, &id).with(json!({"state": "retired"}));
    Ok(Outcome::action(Action::Key(KeyAction::Retire { id })).event(event))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let id = context.fields.need("id")?.to_owned();
    let force = context.fields.flag("force").unwrap_or(false);
    let event =
        Event::new(Code::KEY_CHANGED, &id).with(json!({"state": "deleted", "force": force}));
    Ok(Outcome::action(Action::Key(KeyAction::Delete { id, force })).event(event))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("key", context.fields)?))
}

fn escrow(context: &Context<'_>) -> Result<Outcome, Stop> {
    let passphrase = context.fields.secret("passphrase");
    let whom = match (passphrase, context.fields.text("recipient")) {
        (Some(passphrase), None) if passphrase.len() < SHORTEST_PASSPHRASE => {
            let least = format_args!("at least {SHORTEST_PASSPHRASE} characters");
            return Err(Refusal::invalid("passphrase", least).into());
        }
        (Some(passphrase), None) => EscrowFor::Passphrase(passphrase.clone()),
        (None, Some(recipient)) => EscrowFor::Recipient(recipient.to_owned()),
        (None, None) => return Err(Refusal::missing("passphrase").into()),
        (Some(_), Some(_)) => {
            return Err(
                Refusal::contradiction("give a passphrase or a recipient, not both").into(),
            );
        }
    };
    Ok(Outcome::action(Action::Key(KeyAction::Escrow(whom))))
}

fn class(context: &Context<'_>) -> String {
    context.fields.text("class").unwrap_or("storage").to_owned()
}
