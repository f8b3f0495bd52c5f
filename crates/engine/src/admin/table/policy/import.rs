use super::change::{add, refused, with};
use super::{ALLOW_INVALID, named};
use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Field, Kind, Refusal, Stop};
use crate::policy::Policy;
use crate::text::fold;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Most bytes of a file and most policies in it.
const MOST_BYTES: usize = 1024 * 1024;
const MOST: usize = 1000;

pub(in crate::admin::table) const FIELDS: &[Field] = &[
    Field::new(
        "data",
        Kind::Data { max: MOST_BYTES },
        "The policies as JSON or TOML: `policies`, a list; in JSON also the list alone.",
    )
    .required(),
    ALLOW_INVALID,
];

/// All policies of a file are stored, or none of them.
pub(in crate::admin::table) fn import(context: &Context<'_>) -> Result<Outcome, Stop> {
    let policies = read(context)?;
    let snapshot = context.given.snapshot;
    let after = with(&snapshot.policies, &policies);
    if context.fields.flag("allow_invalid") != Some(true)
        && let Some(invalid) = policies
            .iter()
            .find_map(|policy| after.effective(&policy.id).err())
    {
        return Err(Refusal::contradiction(format!(
            "{invalid}; allow_invalid stores it all the same"
        ))
        .into());
    }
    let rows: Vec<Json> = policies.iter().map(|policy| row(context, policy)).collect();
    let mut result = Map::new();
    result.insert("rows".to_owned(), Json::from(rows));
    let places = (1_i64..).map(|place| -place);
    let outcome = Outcome::answer(result);
    Ok(policies
        .into_iter()
        .zip(places)
        .fold(outcome, |outcome, (policy, place)| {
            add(outcome, snapshot, &after, policy, place)
        }))
}

fn row(context: &Context<'_>, policy: &Policy) -> Json {
    let change = if context.given.snapshot.policies.get(&policy.id).is_some() {
        "changed"
    } else {
        "created"
    };
    json!({"policy_id": policy.id, "status_code": 0, "change": change})
}

pub(super) fn export(context: &Context<'_>) -> Result<Outcome, Stop> {
    let policies: Vec<Json> = match context.fields.list("policies") {
        Some(ids) => ids
            .iter()
            .map(|id| named(context, id).map(Policy::to_json))
            .collect::<Result<_, _>>()?,
        None => context
            .given
            .snapshot
            .policies
            .iter()
            .map(Policy::to_json)
            .collect(),
    };
    let mut result = Map::new();
    if context.fields.text("format") == Some("toml") {
        result.insert("data".to_owned(), Json::from(toml_of(policies)?));
    } else {
        result.insert("policies".to_owned(), Json::from(policies));
    }
    Ok(Outcome::answer(result))
}

/// TOML knows no null: what is not set is left out.
fn toml_of(policies: Vec<Json>) -> Result<String, Refusal> {
    let without_null = policies.into_iter().map(|policy| match policy {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        other => other,
    });
    let document = json!({"policies": without_null.collect::<Vec<_>>()});
    toml::to_string(&document)
        .map_err(|_| Refusal::new(Status::ERROR, "the policies cannot be written as TOML"))
}

fn read(context: &Context<'_>) -> Result<Vec<Policy>, Refusal> {
    let data = context
        .fields
        .secret("data")
        .ok_or_else(|| Refusal::missing("data"))?;
    let text = std::str::from_utf8(data.expose()).map_err(|_| Refusal::invalid("data", "UTF-8"))?;
    let document = document(text)?;
    let entries = match &document {
        Json::Object(fields) if fields.contains_key("policy_id") => std::slice::from_ref(&document),
        Json::Object(fields) if fields.len() == 1 => fields
            .get("policies")
            .and_then(Json::as_array)
            .map_or(&[][..], Vec::as_slice),
        Json::Array(entries) => entries,
        _ => &[],
    };
    if entries.is_empty() || entries.len() > MOST {
        return Err(Refusal::invalid(
            "data",
            format_args!("an object with `policies`, a list of 1 to {MOST} policies"),
        ));
    }
    let mut seen = BTreeSet::new();
    let read = entries.iter().map(|entry| {
        let policy = Policy::from_json(entry).map_err(|error| Refusal {
            detail: format!("data: {error}"),
            ..refused(&error)
        })?;
        if seen.insert(fold(&policy.id)) {
            return Ok(policy);
        }
        Err(Refusal::contradiction(format!(
            "data holds policy {} twice",
            policy.id
        )))
    });
    read.collect()
}

fn document(text: &str) -> Result<Json, Refusal> {
    if text.trim_start().starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str(text)
    {
        return Ok(json);
    }
    toml::from_str::<Json>(text).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            text.get(..span.start)
                .map_or(0, |before| before.matches('\n').count() + 1)
        });
        Refusal::invalid("data", format_args!("JSON or TOML; line {line} is neither"))
    })
}
