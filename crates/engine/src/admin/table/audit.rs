//! The audit: reading and checking it.

use super::domain::none;
use super::field::{QUERY, flag, name, time};
use super::{Verb, rules};
use crate::admin::decide::{Action, AuditAction, Context, Outcome};
use crate::admin::{Query, Refusal, Stop};
use data_encoding::HEXLOWER_PERMISSIVE;

pub(super) const VERBS: &[Verb] = &[
    rules(
        "audit",
        "query",
        "audit.view",
        QUERY,
        "Lists audit records.",
        r#"{"filter": {"code": "F-*"}, "sort": ["-time"]}"#,
        none,
        query,
    ),
    rules(
        "audit",
        "view",
        "audit.view",
        &[name("amid", 32, "The record.").required()],
        "Shows an audit record and the explanation of its decision.",
        r#"{"amid": "0190f5a60b1c7d1f8e2a3b4c5d6e7f80"}"#,
        none,
        show,
    ),
    rules(
        "audit",
        "verify",
        "audit.view",
        &[
            time("from", "No records before."),
            time("to", "No records after."),
            flag(
                "moving_factors",
                "Whether counters and steps are compared with the newest accepted ones, too.",
            ),
        ],
        "Checks that the audit is complete and unchanged.",
        "{}",
        none,
        verify,
    ),
];

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("audit", context.fields)?))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let bytes = HEXLOWER_PERMISSIVE
        .decode(context.fields.need("amid")?.as_bytes())
        .ok();
    let amid = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Refusal::invalid("amid", "32 hexadecimal digits"))?;
    Ok(Outcome::action(Action::Audit(AuditAction::View { amid })))
}

fn verify(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (from, to) = (context.fields.time("from"), context.fields.time("to"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Refusal::contradiction("from is after to").into());
    }
    let moving_factors = context.fields.flag("moving_factors").unwrap_or(false);
    Ok(Outcome::action(Action::Audit(AuditAction::Verify {
        from,
        to,
        moving_factors,
    })))
}
