use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::table::verbs;
use crate::admin::{LOGON, Refusal, Stop, Write, account, has_everything};
use serde_json::{Map, json};
use std::collections::BTreeSet;

pub(super) fn list(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let mut result = Map::new();
    result.insert("user".to_owned(), json!(account.user.id));
    result.insert(
        "domain".to_owned(),
        json!(context.given.snapshot.domains.name(account.user.domain)),
    );
    result.insert("privileges".to_owned(), json!(account.user.privileges));
    Ok(Outcome::answer(result))
}

pub(super) fn set(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let wanted: BTreeSet<String> = context
        .fields
        .list("privileges")
        .unwrap_or_default()
        .iter()
        .cloned()
        .collect();
    if let Some(unknown) = wanted.iter().find(|name| !is_privilege(name)) {
        return Err(unknown_privilege(unknown).into());
    }
    if !has_everything(&wanted) {
        account::keep_an_administrator(context, account)?;
    }
    let mut outcome =
        account::changed(context, account, |user| user.privileges.clone_from(&wanted));
    outcome
        .result
        .insert("privileges".to_owned(), json!(wanted));
    if wanted == account.user.privileges {
        return Ok(outcome);
    }
    Ok(outcome.write(Write::RemoveSessionsOf(account.user.key)))
}

/// Privileges that no verb of the table names.
const OTHERS: &[&str] = &[
    LOGON,
    "scope.all_domains",
    "scope.domain",
    "policy.import",
    "authenticator.reserve",
    "report.access_private",
    "setting.create",
    "setting.delete",
];

fn names() -> impl Iterator<Item = &'static str> {
    verbs()
        .map(|verb| verb.privilege)
        .chain(OTHERS.iter().copied())
        .filter(|name| !name.is_empty())
}

fn is_privilege(name: &str) -> bool {
    names().any(|own| own == name)
}

fn unknown_privilege(name: &str) -> Refusal {
    let hint = crate::text::closest(name, names())
        .map_or(String::new(), |close| format!("; did you mean {close}?"));
    Refusal::new(
        Status::INVDATA,
        format!("privileges: {name} is no privilege{hint}"),
    )
}
