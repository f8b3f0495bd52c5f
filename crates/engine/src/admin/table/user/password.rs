use crate::admin::decide::{Context, Outcome};
use crate::admin::{Put, Refusal, Stop, Write, account, password};
use crate::decision::Change;

pub(super) fn set(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let candidate = context
        .fields
        .secret("password")
        .ok_or_else(|| Refusal::missing("password"))?;
    let password = password::accepted(context, account, candidate)?;
    let key = account.user.key;
    let outcome = Outcome::default().change(Change::Password { key, password });
    Ok(outcome.write(Write::RemoveSessionsOf(key)))
}

pub(super) fn reset(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let mut after = account.as_ref().clone();
    after.user.password = None;
    after.user.meta = crate::admin::meta::touched(after.user.meta, context.given.at);
    let view = account::shown(context, &after);
    let put = Put::over(account.user.meta.revision, after.user)
        .with("password", None)
        .with("password_copy", None)
        .with("password_history", None);
    let outcome = Outcome::answer(view).write(Write::User(Box::new(put)));
    Ok(outcome.write(Write::RemoveSessionsOf(account.user.key)))
}
