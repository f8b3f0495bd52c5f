//! Policies.

mod change;
mod copy;
pub(super) mod import;

use super::domain::none;
use super::field::{QUERY, choice, flag, name, text};
use super::{Verb, rules, with_attributes};
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Field, Kind, Query, Refusal, Stop, view};
use crate::policy::Policy;
use serde_json::Value as Json;

const ID: Field = name("policy_id", 60, "The policy.").required();
const DESCRIPTION: Field = text("description", 255, "Free text.").clearable();
const PARENT: Field = name("parent", 60, "The policy it inherits from; null: none.").clearable();
const ONE: &[Field] = &[ID];
const ALL: &[Field] = &[ID, DESCRIPTION, PARENT];
const LOCAL: &str = r#"{"policy_id": "local"}"#;

pub(super) const VERBS: &[Verb] = &[
    with_attributes(rules(
        "policy",
        "create",
        "policy.create",
        ALL,
        "Makes a policy; what it does not set it inherits.",
        r#"{"policy_id": "vpn", "parent": "local", "local_auth": "authenticator_only"}"#,
        none,
        change::create,
    )),
    rules(
        "policy",
        "view",
        "policy.view",
        ONE,
        "Shows what a policy sets itself.",
        LOCAL,
        none,
        show,
    ),
    with_attributes(rules(
        "policy",
        "update",
        "policy.update",
        ALL,
        "Changes attributes of a policy; inherit or null takes a value away.",
        r#"{"policy_id": "local", "user_lock_threshold": 5}"#,
        none,
        change::update,
    )),
    rules(
        "policy",
        "delete",
        "policy.delete",
        ONE,
        "Removes a policy that nothing refers to.",
        r#"{"policy_id": "vpn"}"#,
        none,
        change::delete,
    ),
    rules(
        "policy",
        "query",
        "policy.view",
        QUERY,
        "Lists policies.",
        r#"{"filter": {"parent": "local"}}"#,
        none,
        query,
    ),
    rules(
        "policy",
        "effective",
        "policy.view",
        ONE,
        "Shows every attribute with its value and the policy it comes from.",
        LOCAL,
        none,
        effective,
    ),
    rules(
        "policy",
        "copy",
        "policy.create",
        &[ID, name("to", 60, "The id of the copy.").required()],
        "Makes a policy that sets the same as another.",
        r#"{"policy_id": "local", "to": "vpn"}"#,
        none,
        copy::copy,
    ),
    rules(
        "policy",
        "import",
        "policy.import",
        import::FIELDS,
        "Makes and replaces policies from an export.",
        r#"{"data": "[[policies]]\npolicy_id = \"vpn\"\nparent = \"local\"\n"}"#,
        none,
        import::import,
    ),
    rules(
        "policy",
        "export",
        "policy.view",
        &[
            Field::new(
                "policies",
                Kind::List {
                    items: 1000,
                    max: 60,
                },
                "The policies; absent: all.",
            ),
            choice(
                "format",
                &["json", "toml"],
                "The form of the file; absent: json.",
            ),
        ],
        "Writes policies in the form that the import reads.",
        r#"{"policies": ["local"], "format": "toml"}"#,
        none,
        import::export,
    ),
    rules(
        "policy",
        "restore-default",
        "policy.update",
        ONE,
        "Sets a shipped policy back to how it was shipped.",
        LOCAL,
        none,
        copy::restore,
    ),
];

const ALLOW_INVALID: Field = flag(
    "allow_invalid",
    "Whether policies that cannot be used are stored all the same, with a warning.",
);

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::policy(
        found(context)?,
        context.given.snapshot,
    )))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("policy", context.fields)?))
}

fn effective(context: &Context<'_>) -> Result<Outcome, Stop> {
    let policy = found(context)?;
    match context.given.snapshot.policies.effective(&policy.id) {
        Ok(view) => match view.to_json() {
            Json::Object(result) => Ok(Outcome::answer(result)),
            _ => Ok(Outcome::default()),
        },
        Err(invalid) => Err(Refusal::new(invalid.status(), invalid.to_string()).into()),
    }
}

fn found<'a>(context: &Context<'a>) -> Result<&'a Policy, Refusal> {
    let id = context.fields.need("policy_id")?;
    named(context, id)
}

fn named<'a>(context: &Context<'a>, id: &str) -> Result<&'a Policy, Refusal> {
    context
        .given
        .snapshot
        .policies
        .get(id)
        .ok_or_else(|| Refusal::not_found(format_args!("policy {id}")))
}
