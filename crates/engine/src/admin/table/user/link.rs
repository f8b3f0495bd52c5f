use super::{links, with_linked};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::{Fields, Refusal, Stop, account};
use crate::snapshot::Snapshot;

pub(super) fn needs(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let needs = with_linked(fields, snapshot).account(
        snapshot,
        fields.text("linked_domain"),
        fields.text("linked_user"),
    );
    links(needs, fields, snapshot)
}

/// One level only, and an account that uses others' authenticators owns none (authentication.md 9.4).
pub(super) fn link(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let other = context.account("linked_user", "linked_domain")?;
    let problem = if other.user.key == account.user.key {
        Some("an account cannot be linked to itself")
    } else if other.user.linked.is_some() {
        Some("the other account is linked itself")
    } else if account
        .authenticators
        .iter()
        .any(|authenticator| authenticator.user == Some(account.user.key))
    {
        Some("the account owns authenticators")
    } else if account::linked_to(context, account) > 0 {
        Some("other accounts are linked to the account")
    } else {
        None
    };
    match problem {
        Some(problem) => Err(Refusal::contradiction(problem).into()),
        None => Ok(account::changed(context, account, |user| {
            user.linked = Some(other.user.key);
        })),
    }
}

pub(super) fn unlink(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    if account.user.linked.is_none() {
        return Err(Refusal::contradiction("the account is linked to none").into());
    }
    Ok(account::changed(context, account, |user| {
        user.linked = None;
    }))
}
