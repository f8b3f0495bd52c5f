//! Organizational units: a tree in each domain.

use super::domain::none;
use super::field::{DESCRIPTION, DOMAIN, QUERY, name};
use super::sync_profile::unnamed;
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::needs::{Count, Needs};
use crate::admin::{Field, Fields, Put, Query, Refusal, Stop, Write, view};
use crate::model::{DomainKey, OrgUnit, UnitKey};
use crate::snapshot::Snapshot;
use crate::text::fold;

const NAME: Field = name("name", 255, "The name of the unit.").required();
const PARENT: Field = name("parent", 255, "The unit above it; null: none.").clearable();
const ONE: &[Field] = &[NAME, DOMAIN];
const ALL: &[Field] = &[NAME, DOMAIN, PARENT, DESCRIPTION];

pub(super) const VERBS: &[Verb] = &[
    rules(
        "org-unit",
        "create",
        "org_unit.create",
        ALL,
        "Makes an organizational unit.",
        r#"{"name": "Sales"}"#,
        none,
        create,
    ),
    rules(
        "org-unit",
        "view",
        "org_unit.view",
        ONE,
        "Shows a unit.",
        r#"{"name": "Sales"}"#,
        none,
        show,
    ),
    rules(
        "org-unit",
        "update",
        "org_unit.update",
        ALL,
        "Changes the description of a unit or the unit above it.",
        r#"{"name": "Sales", "parent": null}"#,
        none,
        update,
    ),
    rules(
        "org-unit",
        "delete",
        "org_unit.delete",
        ONE,
        "Removes an empty unit.",
        r#"{"name": "Sales"}"#,
        content,
        delete,
    ),
    rules(
        "org-unit",
        "query",
        "org_unit.view",
        QUERY,
        "Lists units.",
        r#"{"filter": {"domain": "master"}}"#,
        none,
        query,
    ),
];

fn content(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let domains = &snapshot.domains;
    let domain = fields
        .text("domain")
        .map_or_else(|| domains.master(), |name| domains.named(name));
    let unit = domain
        .zip(fields.text("name"))
        .and_then(|(domain, name)| unit(snapshot, domain.key, name));
    let Some(unit) = unit else {
        return Needs::none();
    };
    Needs::none()
        .count(Count::UsersOfUnit(unit.key))
        .count(Count::AuthenticatorsOfUnit(unit.key))
}

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let domain = context.domain("domain")?.key;
    let name = context.fields.need("name")?;
    if unit(context.given.snapshot, domain, name).is_some() {
        return Err(Refusal::exists(format_args!("unit {name}")).into());
    }
    let parent = parent(context, domain)?;
    let mut unit = OrgUnit {
        key: UnitKey(-1),
        domain,
        name: name.to_owned(),
        folded: fold(name),
        parent,
        description: String::new(),
        meta: fresh(context.given.at),
    };
    context
        .fields
        .patch_text("description", &mut unit.description);
    Ok(
        Outcome::answer(view::org_unit(&unit, context.given.snapshot))
            .write(Write::Unit(Put::new(unit))),
    )
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::org_unit(
        found(context)?,
        context.given.snapshot,
    )))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut unit = found(context)?.clone();
    let revision = unit.meta.revision;
    context
        .fields
        .patch_text("description", &mut unit.description);
    if context.fields.sent("parent") {
        unit.parent = parent(context, unit.domain)?;
        if ancestors(context.given.snapshot, unit.parent).any(|above| above.key == unit.key) {
            return Err(Refusal::contradiction("parent would close a loop of units").into());
        }
    }
    unit.meta = touched(unit.meta, context.given.at);
    Ok(
        Outcome::answer(view::org_unit(&unit, context.given.snapshot))
            .write(Write::Unit(Put::over(revision, unit))),
    )
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let unit = found(context)?;
    let given = context.given;
    let children = given
        .snapshot
        .units
        .values()
        .any(|other| other.parent == Some(unit.key));
    let users = given.facts.count(&Count::UsersOfUnit(unit.key));
    let authenticators = given.facts.count(&Count::AuthenticatorsOfUnit(unit.key));
    if children || users > 0 || authenticators > 0 {
        return Err(Refusal::contradiction(format!(
            "unit {} has users, authenticators or units",
            unit.name
        ))
        .into());
    }
    unnamed(given.snapshot, |profile| profile.org_unit == Some(unit.key))?;
    Ok(Outcome::default().write(Write::RemoveUnit(unit.key, unit.meta.revision)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("org-unit", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a OrgUnit, Refusal> {
    let domain = context.domain("domain")?.key;
    let name = context.fields.need("name")?;
    unit(context.given.snapshot, domain, name)
        .ok_or_else(|| Refusal::not_found(format_args!("unit {name}")))
}

fn parent(context: &Context<'_>, domain: DomainKey) -> Result<Option<UnitKey>, Refusal> {
    named(context, "parent", domain)
}

/// The unit of a domain that a field names; none where the field is absent or null.
///
/// # Errors
/// -13.
pub(super) fn named(
    context: &Context<'_>,
    field: &str,
    domain: DomainKey,
) -> Result<Option<UnitKey>, Refusal> {
    let Some(name) = context.fields.text(field) else {
        return Ok(None);
    };
    let unit = unit(context.given.snapshot, domain, name);
    unit.map(|unit| Some(unit.key))
        .ok_or_else(|| Refusal::not_found(format_args!("unit {name}")))
}

/// A unit by domain and name in any case.
pub(in crate::admin) fn unit<'a>(
    snapshot: &'a Snapshot,
    domain: DomainKey,
    name: &str,
) -> Option<&'a OrgUnit> {
    let folded = fold(name);
    snapshot
        .units
        .values()
        .find(|unit| unit.domain == domain && unit.folded == folded)
}

/// A unit and the units above it, nearest first; ends at a loop.
pub(crate) fn ancestors(
    snapshot: &Snapshot,
    unit: Option<UnitKey>,
) -> impl Iterator<Item = &OrgUnit> {
    let mut next = unit;
    std::iter::from_fn(move || {
        let unit = snapshot.units.get(&next?)?;
        next = unit.parent;
        Some(unit)
    })
    .take(snapshot.units.len())
}
