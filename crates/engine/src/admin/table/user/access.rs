use crate::admin::decide::{Context, Outcome};
use crate::admin::record::Event;
use crate::admin::{Stop, Write, account};
use crate::audit::Code;
use crate::model::LockReason;

pub(super) fn enable(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    Ok(account::changed(context, account, |user| {
        user.disabled = false;
    }))
}

pub(super) fn disable(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    account::keep_an_administrator(context, account)?;
    let outcome = account::changed(context, account, |user| user.disabled = true);
    Ok(outcome.write(Write::RemoveSessionsOf(account.user.key)))
}

pub(super) fn lock(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    account::keep_an_administrator(context, account)?;
    let outcome = account::restated(context, account, |state| {
        state.locked = Some(LockReason::Administrator);
        state.unlock_attempts_used = 0;
        state.lock_duration_min = 0;
    });
    let event = Event::new(Code::LOCKED_BY_ADMIN, &account.user.id);
    Ok(outcome
        .write(Write::RemoveSessionsOf(account.user.key))
        .event(event))
}

pub(super) fn unlock(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let outcome = account::restated(context, account, |state| {
        state.locked = None;
        state.lock_count = 0;
        state.unlock_attempts_used = 0;
        state.lock_duration_min = 0;
    });
    Ok(outcome.event(Event::new(Code::UNLOCKED_BY_ADMIN, &account.user.id)))
}

pub(super) fn expire(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let end = context.fields.time("expires_at");
    if end.is_some_and(|end| end <= context.given.at) {
        account::keep_an_administrator(context, account)?;
    }
    Ok(account::changed(context, account, |user| {
        user.expires_at = end;
    }))
}

pub(super) fn revive(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    Ok(account::restated(context, account, |state| {
        state.last_auth_at = Some(context.given.at);
    }))
}
