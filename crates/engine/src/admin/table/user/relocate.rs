use super::with_linked;
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::table::org_unit;
use crate::admin::{Fields, Put, Refusal, Stop, Write, account};
use crate::authenticate::keeps_copy;
use crate::facts::{Account, Found};
use crate::model::{DomainKey, UnitKey, User};
use crate::snapshot::Snapshot;
use crate::text::fold;

pub(super) fn needs(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let domain = fields.text("to_domain").or(fields.text("domain"));
    let user = fields.text("to_user").or(fields.text("user"));
    with_linked(fields, snapshot).account(snapshot, domain, user)
}

/// The account and, in its wake, its authenticators (authentication.md 9.3).
pub(super) fn relocate(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let domain = if context.fields.has("to_domain") {
        context.domain("to_domain")?.key
    } else {
        account.user.domain
    };
    let unit = unit(context, account, domain)?;
    let id = context.fields.text("to_user").unwrap_or(&account.user.id);
    let folded = fold(id);
    if let Found::Account(other) =
        context
            .given
            .facts
            .account(&crate::admin::needs::AccountRef::Named(
                domain,
                folded.clone(),
            ))
        && other.user.key != account.user.key
    {
        return Err(Refusal::exists(format_args!("user {id}")).into());
    }
    let mut after = account.as_ref().clone();
    after.user.domain = domain;
    after.user.org_unit = unit;
    after.user.id = id.to_owned();
    after.user.folded = folded;
    after.user.meta = crate::admin::meta::touched(after.user.meta, context.given.at);
    let view = account::shown(context, &after);
    let writes = moved(context.given.snapshot, account, after.user);
    Ok(writes
        .into_iter()
        .fold(Outcome::answer(view), Outcome::write))
}

/// The account as it will be, and in its wake its authenticators. A copy of the password stays only where one may be
/// kept.
pub(in crate::admin) fn moved(snapshot: &Snapshot, account: &Account, after: User) -> Vec<Write> {
    let (domain, unit) = (after.domain, after.org_unit);
    let mut put = Put::over(account.user.meta.revision, after);
    if domain != account.user.domain && !keeps_copy(snapshot, domain) {
        put = put.with("password_copy", None);
    }
    let mut writes = vec![Write::User(Box::new(put))];
    writes.extend(followed(account, domain, unit));
    writes
}

fn unit(
    context: &Context<'_>,
    account: &Account,
    domain: DomainKey,
) -> Result<Option<UnitKey>, Refusal> {
    if context.fields.sent("to_org_unit") {
        return org_unit::named(context, "to_org_unit", domain);
    }
    Ok(account
        .user
        .org_unit
        .filter(|_| domain == account.user.domain))
}

fn followed(
    account: &Account,
    domain: DomainKey,
    unit: Option<UnitKey>,
) -> impl Iterator<Item = Write> {
    let own = account
        .authenticators
        .iter()
        .filter(|one| one.user == Some(account.user.key));
    let moved = own.filter(move |one| one.domain != domain || one.org_unit != unit);
    moved.map(move |one| {
        let mut authenticator = one.clone();
        authenticator.domain = domain;
        authenticator.org_unit = unit;
        Write::Authenticator(Box::new(Put::over(one.meta.revision, authenticator)))
    })
}
