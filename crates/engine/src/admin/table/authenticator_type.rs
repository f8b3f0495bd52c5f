//! Authenticator types.

use super::domain::none;
use super::field::{DESCRIPTION, QUERY, name};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::needs::{Count, Needs};
use crate::admin::{Field, Fields, Put, Query, Refusal, Stop, Write, view};
use crate::model::AuthenticatorType;
use crate::snapshot::Snapshot;
use crate::text::fold;

/// The provisioning profile of types that are made by the way.
pub(in crate::admin) const GENERIC: &str = "generic";

const NAME: Field = name("name", 32, "The name of the type.").required();
const PROFILE: Field = name("profile", 60, "The provisioning profile; absent: generic.");
const ONE: &[Field] = &[NAME];
const ALL: &[Field] = &[NAME, DESCRIPTION, PROFILE];

pub(super) const VERBS: &[Verb] = &[
    rules(
        "authenticator-type",
        "create",
        "authenticator_type.create",
        ALL,
        "Makes an authenticator type.",
        r#"{"name": "Key fob"}"#,
        none,
        create,
    ),
    rules(
        "authenticator-type",
        "view",
        "authenticator_type.view",
        ONE,
        "Shows a type.",
        r#"{"name": "Key fob"}"#,
        none,
        show,
    ),
    rules(
        "authenticator-type",
        "update",
        "authenticator_type.update",
        ALL,
        "Changes a type.",
        r#"{"name": "Key fob", "profile": "generic"}"#,
        none,
        update,
    ),
    rules(
        "authenticator-type",
        "delete",
        "authenticator_type.delete",
        ONE,
        "Removes a type that no authenticator has.",
        r#"{"name": "Key fob"}"#,
        content,
        delete,
    ),
    rules(
        "authenticator-type",
        "query",
        "authenticator_type.view",
        QUERY,
        "Lists types.",
        "{}",
        none,
        query,
    ),
];

fn content(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let kind = fields.text("name").and_then(|name| named(snapshot, name));
    kind.map_or_else(Needs::none, |kind| {
        Needs::none().count(Count::AuthenticatorsOfType(kind.name.clone()))
    })
}

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let name = context.fields.need("name")?;
    if named(context.given.snapshot, name).is_some() {
        return Err(Refusal::exists(format_args!("authenticator type {name}")).into());
    }
    let mut kind = generic(name, context.given.at);
    patch(context, &mut kind);
    Ok(Outcome::answer(view::authenticator_type(&kind)).write(Write::Type(Put::new(kind))))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::authenticator_type(found(context)?)))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut kind = found(context)?.clone();
    let revision = kind.meta.revision;
    patch(context, &mut kind);
    kind.meta = touched(kind.meta, context.given.at);
    Ok(Outcome::answer(view::authenticator_type(&kind))
        .write(Write::Type(Put::over(revision, kind))))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let kind = found(context)?;
    if context
        .given
        .facts
        .count(&Count::AuthenticatorsOfType(kind.name.clone()))
        > 0
    {
        return Err(
            Refusal::contradiction(format!("authenticators have type {}", kind.name)).into(),
        );
    }
    Ok(Outcome::default().write(Write::RemoveType(kind.key, kind.meta.revision)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read(
        "authenticator-type",
        context.fields,
    )?))
}

fn patch(context: &Context<'_>, kind: &mut AuthenticatorType) {
    context
        .fields
        .patch_text("description", &mut kind.description);
    context.fields.patch_text("profile", &mut kind.profile);
}

fn found<'a>(context: &Context<'a>) -> Result<&'a AuthenticatorType, Refusal> {
    let name = context.fields.need("name")?;
    named(context.given.snapshot, name)
        .ok_or_else(|| Refusal::not_found(format_args!("authenticator type {name}")))
}

/// A type by name in any case.
pub(in crate::admin) fn named<'a>(
    snapshot: &'a Snapshot,
    name: &str,
) -> Option<&'a AuthenticatorType> {
    let folded = fold(name);
    snapshot
        .types
        .iter()
        .find(|kind| fold(&kind.name) == folded)
}

/// A type as an import makes it.
pub(in crate::admin) fn generic(name: &str, at: crate::time::Timestamp) -> AuthenticatorType {
    AuthenticatorType {
        key: -1,
        name: name.to_owned(),
        description: String::new(),
        profile: GENERIC.to_owned(),
        meta: fresh(at),
    }
}
