use super::found;
use crate::admin::decide::{Context, Outcome};
use crate::admin::record::Event;
use crate::admin::{Put, Refusal, Stop, Value, Write, view};
use crate::audit::Code;
use crate::model::PolicyKey;
use crate::policy::predefined::is_predefined;
use crate::policy::{Policy, PolicyError, PolicySet};
use crate::snapshot::Snapshot;
use crate::text::fold;
use serde_json::{Map, Value as Json, json};

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let id = context.fields.need("policy_id")?;
    if context.given.snapshot.policies.get(id).is_some() {
        return Err(Refusal::exists(format_args!("policy {id}")).into());
    }
    let mut policy = Policy::new(id, None).map_err(|error| refused(&error))?;
    patch(context, &mut policy)?;
    Ok(stored(context, policy, -1))
}

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut policy = found(context)?.clone();
    patch(context, &mut policy)?;
    Ok(stored(context, policy, -1))
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let policy = found(context)?;
    let snapshot = context.given.snapshot;
    let component = snapshot
        .components
        .all()
        .iter()
        .find(|component| fold(&component.policy) == fold(&policy.id));
    let problem = if is_predefined(&policy.id) {
        Some(format!(
            "policy {} is shipped with the server and cannot be removed",
            policy.id
        ))
    } else if let Some(component) = component {
        Some(format!(
            "component {} at {} uses policy {}",
            component.kind,
            view::location(&component.location),
            policy.id
        ))
    } else {
        snapshot
            .policies
            .children(&policy.id)
            .next()
            .map(|child| format!("policy {} inherits from policy {}", child.id, policy.id))
    };
    if let Some(problem) = problem {
        return Err(Refusal::contradiction(problem).into());
    }
    let (key, meta) = snapshot
        .policy_rows
        .get(&fold(&policy.id))
        .ok_or_else(|| Refusal::not_found("the policy"))?;
    let event = Event::new(Code::POLICY_CHANGED, &policy.id)
        .with(json!({"change": "deleted", "old": policy.to_json()}));
    Ok(Outcome::default()
        .write(Write::RemovePolicy(*key, meta.revision))
        .event(event))
}

/// Sets what was sent. The id stays as it was first spelled; a parent must exist and close no loop.
fn patch(context: &Context<'_>, policy: &mut Policy) -> Result<(), Refusal> {
    let sent = context
        .fields
        .iter()
        .filter(|(name, _)| *name != "policy_id");
    let fields: Map<String, Json> = sent
        .map(|(name, value)| (name.to_owned(), json_of(value)))
        .collect();
    policy.apply(&fields).map_err(|error| refused(&error))?;
    if !context.fields.sent("parent") {
        return Ok(());
    }
    let Some(parent) = &policy.parent else {
        return Ok(());
    };
    let policies = &context.given.snapshot.policies;
    if fold(parent) == fold(&policy.id) || policies.would_loop(&policy.id, parent) {
        return Err(Refusal::contradiction(format!(
            "parent {parent} would close a loop of policies"
        )));
    }
    policies
        .get(parent)
        .map(|_| ())
        .ok_or_else(|| Refusal::not_found(format_args!("policy {parent}")))
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Json(json) => json.clone(),
        _ => Json::Null,
    }
}

pub(super) fn refused(error: &PolicyError) -> Refusal {
    Refusal::new(error.status(), error.to_string())
}

/// A policy stored, new (in row `place`, a place holder) or over the one with its id, with the event and a warning
/// where it cannot be used.
pub(super) fn stored(context: &Context<'_>, policy: Policy, place: i64) -> Outcome {
    let snapshot = context.given.snapshot;
    let after = with(&snapshot.policies, std::slice::from_ref(&policy));
    let mut fields = view::policy(
        &policy,
        &Snapshot {
            policies: after.clone(),
            ..Snapshot::default()
        },
    );
    fields.remove("revision");
    add(Outcome::answer(fields), snapshot, &after, policy, place)
}

/// The set with these policies new or in place of those with their ids.
pub(super) fn with(set: &PolicySet, policies: &[Policy]) -> PolicySet {
    PolicySet::new(set.iter().chain(policies).cloned())
}

/// Adds the write of a policy to an outcome.
pub(super) fn add(
    outcome: Outcome,
    snapshot: &Snapshot,
    after: &PolicySet,
    policy: Policy,
    place: i64,
) -> Outcome {
    let old = snapshot.policies.get(&policy.id);
    let change = if old.is_some() { "changed" } else { "created" };
    let output =
        json!({"change": change, "old": old.map(Policy::to_json), "new": policy.to_json()});
    let event = Event::new(Code::POLICY_CHANGED, &policy.id).with(output);
    let mut outcome = outcome.event(event);
    if let Err(invalid) = after.effective(&policy.id) {
        outcome = outcome.warn(invalid.status(), invalid.to_string());
    }
    let (key, put) = match snapshot.policy_rows.get(&fold(&policy.id)) {
        Some((key, meta)) => (*key, Put::over(meta.revision, policy)),
        None => (PolicyKey(place), Put::new(policy)),
    };
    outcome.write(Write::Policy(key, put))
}
