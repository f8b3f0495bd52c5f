//! Rules about accounts that several commands share.

use super::decide::{Context, Outcome};
use super::meta::touched;
use super::needs::{AccountRef, Count};
use super::{Put, Refusal, Write, has_everything, view};
use crate::decision::Change;
use crate::facts::Account;
use crate::model::{User, UserState};

/// Refuses what would leave the server without an enabled account that has every privilege (administration.md 16).
pub(super) fn keep_an_administrator(
    context: &Context<'_>,
    account: &Account,
) -> Result<(), Refusal> {
    let user = &account.user;
    let counts =
        has_everything(&user.privileges) && !user.disabled && account.state.locked.is_none();
    if counts && context.given.facts.count(&Count::Administrators) <= 1 {
        return Err(Refusal::contradiction(
            "this is the last enabled administrator with every privilege",
        ));
    }
    Ok(())
}

/// The changed account, answered as it will be.
pub(super) fn changed(
    context: &Context<'_>,
    account: &Account,
    change: impl FnOnce(&mut User),
) -> Outcome {
    let mut after = account.clone();
    change(&mut after.user);
    after.user.meta = touched(after.user.meta, context.given.at);
    let put = Put::over(account.user.meta.revision, after.user.clone());
    Outcome::answer(shown(context, &after)).write(Write::User(Box::new(put)))
}

/// The account with a changed state, answered as it will be.
pub(super) fn restated(
    context: &Context<'_>,
    account: &Account,
    change: impl FnOnce(&mut UserState),
) -> Outcome {
    let mut after = account.clone();
    change(&mut after.state);
    after.state.version = account.state.version.saturating_add(1);
    let write = Change::Write(Write::UserState(
        account.user.key,
        account.state.version,
        after.state,
    ));
    Outcome::answer(shown(context, &after)).change(write)
}

/// An account as it is answered.
pub(super) fn shown(
    context: &Context<'_>,
    account: &Account,
) -> serde_json::Map<String, serde_json::Value> {
    let linked = account.user.linked.and_then(|key| context.account_at(key));
    view::user(
        account,
        context.given.snapshot,
        linked.map(|linked| &linked.user),
    )
}

/// How many accounts use the authenticators of the account that the fields `user` and `domain` name.
pub(super) fn linked_to(context: &Context<'_>, account: &Account) -> i64 {
    let named = AccountRef::Named(account.user.domain, account.user.folded.clone());
    context.given.facts.count(&Count::LinkedTo(named))
}
