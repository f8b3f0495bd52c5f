//! Groups of back-ends: one name for several servers, asked in their order (administration.md 2.5).

use super::back_end::{PROTOCOL, named as back_end, protocol_missing};
use super::domain::none;
use super::field::{QUERY, name};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::record::Event;
use crate::admin::{Field, Kind, Put, Query, Refusal, Stop, Value, Write, view};
use crate::audit::Code;
use crate::model::{BackEnd, BackEndGroup, BackEndKey, PROTOCOL_WORDS};
use crate::policy::Value as PolicyValue;
use crate::text::fold;
use serde_json::json;

/// Most members of a group.
const MOST: usize = 100;

const NAME: Field = name("name", 80, "The name of the group; no name of a protocol.").required();
const MEMBERS: Field = Field::new(
    "members",
    Kind::List {
        items: MOST,
        max: 80,
    },
    "The back-ends by name, the first to be asked first; null: none.",
)
.clearable();
const ONE: &[Field] = &[NAME];
const ALL: &[Field] = &[NAME, PROTOCOL, MEMBERS];
const EXAMPLE: &str = r#"{"name": "head office"}"#;

pub(super) const VERBS: &[Verb] = &[
    rules(
        "backend-group",
        "create",
        "backend.create",
        ALL,
        "Makes a group of back-ends, which a policy can name as its back_end_protocol.",
        r#"{"name": "head office", "protocol": "radius", "members": ["radius1", "radius2"]}"#,
        none,
        create,
    ),
    rules(
        "backend-group",
        "view",
        "backend.view",
        ONE,
        "Shows a group of back-ends.",
        EXAMPLE,
        none,
        show,
    ),
    rules(
        "backend-group",
        "update",
        "backend.update",
        ALL,
        "Changes a group of back-ends.",
        r#"{"name": "head office", "members": ["radius2", "radius1"]}"#,
        none,
        update,
    ),
    rules(
        "backend-group",
        "delete",
        "backend.delete",
        ONE,
        "Removes a group of back-ends that no policy names.",
        EXAMPLE,
        none,
        delete,
    ),
    rules(
        "backend-group",
        "query",
        "backend.view",
        QUERY,
        "Lists groups of back-ends.",
        r#"{"filter": {"name": "head*"}}"#,
        none,
        query,
    ),
];

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let name = context.fields.need("name")?;
    let protocol = context
        .fields
        .text("protocol")
        .ok_or_else(protocol_missing)?;
    if PROTOCOL_WORDS.contains(&fold(name).as_str()) {
        return Err(Refusal::invalid("name", "no name of a protocol").into());
    }
    if named(context, name).is_ok() {
        return Err(Refusal::exists(format_args!("back-end group {name}")).into());
    }
    let mut group = BackEndGroup {
        key: -1,
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        members: Vec::new(),
        meta: fresh(context.given.at),
    };
    group.members = members(context, &group)?.unwrap_or_default();
    Ok(stored(context, None, group))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let shown = view::back_end_group(found(context)?, context.given.snapshot);
    Ok(Outcome::answer(shown))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let old = found(context)?;
    let mut group = old.clone();
    match context.fields.value("protocol") {
        Some(Value::Null) => return Err(protocol_missing().into()),
        Some(Value::Text(word)) => group.protocol.clone_from(word),
        _ => {}
    }
    if let Some(members) = members(context, &group)? {
        group.members = members;
    }
    let all = &context.given.snapshot.back_ends;
    for member in group.members.iter().filter_map(|key| all.get(*key)) {
        fits(&group, member)?;
    }
    group.meta = touched(group.meta, context.given.at);
    Ok(stored(context, Some(old), group))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let group = found(context)?;
    let snapshot = context.given.snapshot;
    let name = fold(&group.name);
    let naming = snapshot.policies.iter().find(|policy| {
        matches!(policy.values.get("back_end_protocol"), Some(PolicyValue::Text(text)) if fold(text) == name)
    });
    if let Some(policy) = naming {
        return Err(Refusal::contradiction(format!(
            "policy {} names back-end group {} as its back_end_protocol",
            policy.id, group.name
        ))
        .into());
    }
    let event = Event::new(Code::COMPONENT_CHANGED, &target(group))
        .with(json!({"change": "deleted", "old": view::back_end_group(group, snapshot)}));
    Ok(Outcome::default()
        .write(Write::RemoveBackEndGroup(group.key, group.meta.revision))
        .event(event))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("backend-group", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a BackEndGroup, Refusal> {
    named(context, context.fields.need("name")?)
}

/// The group of this name.
///
/// # Errors
/// -13.
pub(super) fn named<'a>(context: &Context<'a>, name: &str) -> Result<&'a BackEndGroup, Refusal> {
    let found = context.given.snapshot.back_ends.group(name);
    found.ok_or_else(|| Refusal::not_found(format_args!("back-end group {name}")))
}

/// Refuses (-2) a member of another protocol than the group's.
pub(super) fn fits(group: &BackEndGroup, member: &BackEnd) -> Result<(), Refusal> {
    if member.protocol.word() == group.protocol {
        return Ok(());
    }
    Err(Refusal::contradiction(format!(
        "back-end {} has protocol {}, the group {} has {}",
        member.name,
        member.protocol.word(),
        group.name,
        group.protocol
    )))
}

/// Refuses (-2) more members than a group may have.
pub(super) fn check_size(members: usize) -> Result<(), Refusal> {
    if members <= MOST {
        return Ok(());
    }
    Err(Refusal::contradiction(format!(
        "a group has at most {MOST} members"
    )))
}

/// The members that the command names, if it names any.
fn members(
    context: &Context<'_>,
    group: &BackEndGroup,
) -> Result<Option<Vec<BackEndKey>>, Refusal> {
    if !context.fields.sent("members") {
        return Ok(None);
    }
    let mut members = Vec::new();
    for name in context.fields.list("members").unwrap_or_default() {
        let member = back_end(context, name)?;
        fits(group, member)?;
        if members.contains(&member.key) {
            return Err(Refusal::contradiction(format!(
                "back-end {} stands twice among the members",
                member.name
            )));
        }
        members.push(member.key);
    }
    Ok(Some(members))
}

fn stored(context: &Context<'_>, old: Option<&BackEndGroup>, group: BackEndGroup) -> Outcome {
    let snapshot = context.given.snapshot;
    let shown = view::back_end_group(&group, snapshot);
    let change = if old.is_some() { "changed" } else { "created" };
    let before = old.map(|old| view::back_end_group(old, snapshot));
    let output = json!({"change": change, "old": before, "new": shown});
    let event = Event::new(Code::COMPONENT_CHANGED, &target(&group)).with(output);
    let put = match old {
        Some(old) => Put::over(old.meta.revision, group),
        None => Put::new(group),
    };
    Outcome::answer(shown)
        .write(Write::BackEndGroup(put))
        .event(event)
}

fn target(group: &BackEndGroup) -> String {
    format!("back-end group {}", group.name)
}
