use super::shown::shown;
use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::touched;
use crate::admin::needs::Needs;
use crate::admin::record::Event;
use crate::admin::server::server_policy;
use crate::admin::table::org_unit;
use crate::admin::table::user::freed;
use crate::admin::{Fields, Put, Refusal, Stop, Write};
use crate::audit::Code;
use crate::decision::Change;
use crate::facts::Account;
use crate::model::Authenticator;
use crate::policy::Effective;
use crate::snapshot::Snapshot;

pub(super) fn needs(fields: &Fields, snapshot: &Snapshot) -> Needs {
    super::owned(fields, snapshot).account(snapshot, fields.text("domain"), fields.text("user"))
}

pub(super) fn assign(context: &Context<'_>) -> Result<Outcome, Stop> {
    let authenticator = context.authenticator()?;
    let account = context.account("user", "domain")?;
    let days = context
        .fields
        .value("grace_period_days")
        .map(|_| context.fields.number("grace_period_days"));
    let after = assigned(context, authenticator, account, days)?;
    let view = shown(context, &after);
    let event = Event::new(Code::ASSIGNED_BY_ADMIN, &after.serial);
    let outcome = Outcome::answer(view).write(Write::Authenticator(Box::new(Put::over(
        authenticator.meta.revision,
        after,
    ))));
    Ok(outcome.event(event))
}

/// The authenticator assigned to an account, if it may be (authentication.md 9.3, 9.4). `days` of grace: absent, as
/// the policy of the server component says.
pub(in crate::admin) fn assigned(
    context: &Context<'_>,
    authenticator: &Authenticator,
    account: &Account,
    days: Option<Option<i64>>,
) -> Result<Authenticator, Refusal> {
    if account.is_linked() || account.user.linked.is_some() {
        return Err(Refusal::contradiction(
            "the account uses the authenticators of another and owns none",
        ));
    }
    let snapshot = context.given.snapshot;
    let policy = server_policy(snapshot)?;
    if let Some(problem) = unavailable(snapshot, &policy, authenticator, account) {
        return Err(Refusal::new(Status::DIGIPASS_NOT_AVAILABLE, problem));
    }
    let today = context.given.at.day();
    let days = days.unwrap_or_else(|| policy.grace_period_days.map(i64::from));
    let mut after = authenticator.clone();
    after.user = Some(account.user.key);
    after.assigned_at = Some(context.given.at);
    after.grace_end = days
        .and_then(|days| i32::try_from(days).ok())
        .map(|days| today.plus(days));
    after.org_unit = account.user.org_unit;
    after.meta = touched(after.meta, context.given.at);
    Ok(after)
}

fn unavailable(
    snapshot: &Snapshot,
    policy: &Effective,
    authenticator: &Authenticator,
    account: &Account,
) -> Option<String> {
    let one = authenticator;
    let serial = &one.serial;
    let same_type = || {
        account
            .authenticators
            .iter()
            .filter(|own| own.type_name == one.type_name && own.key != one.key)
            .count()
    };
    if one.user.is_some() {
        return Some(format!("authenticator {serial} is assigned already"));
    }
    if one.domain != account.user.domain {
        return Some(format!(
            "authenticator {serial} is in another domain than the user"
        ));
    }
    if !is_near(snapshot, policy, one, account) {
        return Some(format!(
            "authenticator {serial} is in another organizational unit than the user"
        ));
    }
    if !policy.authenticator_types.is_empty()
        && !policy.authenticator_types.contains(&one.type_name)
    {
        return Some(format!(
            "policy {} excludes type {}",
            policy.policy(),
            one.type_name
        ));
    }
    let limit = policy.type_limit(&one.type_name)?;
    let full = same_type() >= usize::try_from(limit).unwrap_or(usize::MAX);
    full.then(|| {
        format!(
            "policy {} allows {limit} of type {} a user",
            policy.policy(),
            one.type_name
        )
    })
}

/// Whether an authenticator lies where the user may get one from: his unit and, with `search_up_org_units`, those
/// above it up to the domain itself.
fn is_near(
    snapshot: &Snapshot,
    policy: &Effective,
    authenticator: &Authenticator,
    account: &Account,
) -> bool {
    let (unit, own) = (authenticator.org_unit, account.user.org_unit);
    if unit == own {
        return true;
    }
    let above =
        unit.is_none() || org_unit::ancestors(snapshot, own).any(|above| Some(above.key) == unit);
    own.is_some() && policy.search_up_org_units && above
}

pub(super) fn unassign(context: &Context<'_>) -> Result<Outcome, Stop> {
    let authenticator = context.authenticator()?;
    if authenticator.user.is_none() {
        return Err(Refusal::contradiction("the authenticator is assigned to nobody").into());
    }
    let mut after = freed(authenticator);
    after.meta = touched(after.meta, context.given.at);
    let outcome = folded(
        context,
        authenticator,
        Outcome::answer(shown(context, &after)),
    );
    let outcome = outcome.write(Write::Authenticator(Box::new(Put::over(
        authenticator.meta.revision,
        after,
    ))));
    Ok(outcome.event(Event::new(Code::UNASSIGNED, &authenticator.serial)))
}

/// Keeps on the account the last use of an authenticator that it loses: a plain logon notes it on the application only.
pub(in crate::admin) fn folded(
    context: &Context<'_>,
    authenticator: &Authenticator,
    outcome: Outcome,
) -> Outcome {
    let last = authenticator
        .applications
        .iter()
        .filter_map(|application| application.state.last_success)
        .max();
    let owner = authenticator.user.and_then(|key| context.account_at(key));
    let Some((owner, last)) = owner
        .zip(last)
        .filter(|(owner, last)| owner.state.last_auth_at < Some(*last))
    else {
        return outcome;
    };
    let mut to = owner.state;
    to.last_auth_at = Some(last);
    to.version = to.version.saturating_add(1);
    outcome.change(Change::Write(Write::UserState(
        owner.user.key,
        owner.state.version,
        to,
    )))
}
