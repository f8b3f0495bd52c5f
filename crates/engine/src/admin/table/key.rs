//! Data keys: the rules; the key ring does the work.

use super::domain::none;
use super::field::{QUERY, choice, flag, name, secret};
use super::{Verb, rules};
use crate::admin::decide::{Action, Context, KeyAction, Outcome};
use crate::admin::record::Event;
use crate::admin::{Field, Query, Refusal, Stop};
use crate::audit::Code;
use serde_json::json;

const CLASSES: &[&str] = &["storage", "sensitive", "transport", "audit", "token"];
const CLASS: Field = choice("class", CLASSES, "What the key is for; absent: storage.");
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
        &[CLASS],
        "Makes a data key and reseals what older ones sealed.",
        "{}",
        none,
        rotate,
    ),
    rules(
        "key",
        "rotation-status",
        "key.view",
        &[],
        "Tells how far the rotation is.",
        "{}",
        none,
        status,
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
        &[secret(
            "passphrase",
            1024,
            "The passphrase under which the root key is wrapped, 12 characters or more.",
        )
        .required()],
        "Writes the root key, wrapped under a passphrase, to be kept elsewhere.",
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
    let event =
        Event::new(Code::ROTATION, &class).with(json!({"class": class, "rotation": "started"}));
    Ok(Outcome::action(Action::Key(KeyAction::Rotate { class })).event(event))
}

fn status(_: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::action(Action::Key(KeyAction::RotationStatus)))
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
    let passphrase = context
        .fields
        .secret("passphrase")
        .ok_or_else(|| Refusal::missing("passphrase"))?;
    if passphrase.len() < SHORTEST_PASSPHRASE {
        return Err(Refusal::invalid(
            "passphrase",
            format_args!("at least {SHORTEST_PASSPHRASE} characters"),
        )
        .into());
    }
    Ok(Outcome::action(Action::Key(KeyAction::Escrow {
        passphrase: passphrase.clone(),
    })))
}

fn class(context: &Context<'_>) -> String {
    context.fields.text("class").unwrap_or("storage").to_owned()
}
