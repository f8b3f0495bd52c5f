//! Domains.

use super::field::{DESCRIPTION, QUERY, name};
use super::sync_profile::unnamed;
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::needs::{Count, Needs};
use crate::admin::{Field, Fields, Put, Query, Refusal, Stop, Write, view};
use crate::model::{Domain, DomainKey};
use crate::snapshot::Snapshot;
use crate::text::fold;

const NAME: Field = name("name", 255, "The name of the domain.").required();
const ONE: &[Field] = &[NAME];
const ALL: &[Field] = &[NAME, DESCRIPTION];

pub(super) const VERBS: &[Verb] = &[
    rules(
        "domain",
        "create",
        "domain.create",
        ALL,
        "Makes a domain.",
        r#"{"name": "example.org"}"#,
        none,
        create,
    ),
    rules(
        "domain",
        "view",
        "domain.view",
        ONE,
        "Shows a domain.",
        r#"{"name": "master"}"#,
        none,
        show,
    ),
    rules(
        "domain",
        "update",
        "domain.update",
        ALL,
        "Changes the description of a domain.",
        r#"{"name": "master", "description": "Main"}"#,
        none,
        update,
    ),
    rules(
        "domain",
        "delete",
        "domain.delete",
        ONE,
        "Removes an empty domain.",
        r#"{"name": "example.org"}"#,
        content,
        delete,
    ),
    rules(
        "domain",
        "query",
        "domain.view",
        QUERY,
        "Lists domains.",
        r#"{"filter": {"name": "*.org"}}"#,
        none,
        query,
    ),
];

pub(super) fn none(_: &Fields, _: &Snapshot) -> Needs {
    Needs::none()
}

fn content(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let Some(domain) = fields
        .text("name")
        .and_then(|name| snapshot.domains.named(name))
    else {
        return Needs::none();
    };
    Needs::none()
        .count(Count::UsersOfDomain(domain.key))
        .count(Count::AuthenticatorsOfDomain(domain.key))
}

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let name = context.fields.need("name")?;
    if context.given.snapshot.domains.named(name).is_some() {
        return Err(Refusal::exists(format_args!("domain {name}")).into());
    }
    let mut domain = Domain {
        key: DomainKey(-1),
        name: name.to_owned(),
        folded: fold(name),
        description: String::new(),
        master: false,
        meta: fresh(context.given.at),
    };
    context
        .fields
        .patch_text("description", &mut domain.description);
    Ok(Outcome::answer(view::domain(&domain)).write(Write::Domain(Put::new(domain))))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::domain(found(context)?)))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut domain = found(context)?.clone();
    let revision = domain.meta.revision;
    context
        .fields
        .patch_text("description", &mut domain.description);
    domain.meta = touched(domain.meta, context.given.at);
    Ok(Outcome::answer(view::domain(&domain)).write(Write::Domain(Put::over(revision, domain))))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let domain = found(context)?;
    if domain.master {
        return Err(Refusal::contradiction("the master domain cannot be removed").into());
    }
    let given = context.given;
    let units = given
        .snapshot
        .units
        .values()
        .any(|unit| unit.domain == domain.key);
    let users = given.facts.count(&Count::UsersOfDomain(domain.key));
    let authenticators = given
        .facts
        .count(&Count::AuthenticatorsOfDomain(domain.key));
    let back_ends = given.snapshot.back_ends.records();
    if let Some(record) = back_ends.iter().find(|one| one.domain == Some(domain.key)) {
        return Err(Refusal::contradiction(format!(
            "back-end {} knows the users of domain {}",
            record.name, domain.name
        ))
        .into());
    }
    if units || users > 0 || authenticators > 0 {
        return Err(Refusal::contradiction(format!(
            "domain {} has users, authenticators or units",
            domain.name
        ))
        .into());
    }
    unnamed(given.snapshot, |profile| profile.domain == domain.key)?;
    Ok(Outcome::default().write(Write::RemoveDomain(domain.key, domain.meta.revision)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("domain", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a Domain, Refusal> {
    context.domain("name")
}
