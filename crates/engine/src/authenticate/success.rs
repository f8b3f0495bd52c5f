//! Stage 6: what a success brings about, and what the client gets.

use super::candidates::Candidate;
use super::case::{Case, Flow, refuse, refuse_telling};
use super::judge::Hit;
use super::{password, sealed};
use crate::Secret;
use crate::attempt::{HostCode, Via};
use crate::audit::Code;
use crate::decision::{Change, Grant};
use crate::facts::Account;
use crate::model::Algorithm;
use crate::policy::LocalAuth;
use crate::status::Status;
use crate::time::Timestamp;
use crate::trace::Check;
use countersign_oath::confirm::{Purpose, code};
use std::ops::ControlFlow;

/// Local authentication succeeded.
#[derive(Default)]
pub(super) struct Success<'a> {
    /// The application that accepted a value, with its moving factor.
    pub(super) used: Option<(Candidate<'a>, Option<u64>)>,
    /// The accepted value, kept only where a host code is wanted.
    pub(super) otp: Option<Secret>,
    /// The static password that was typed.
    pub(super) typed: Option<Typed>,
    /// The plaintext that matched a hash.
    pub(super) matched: Option<Secret>,
    /// A back-end has accepted the password already.
    pub(super) asked_before: bool,
}

/// A static password that was typed.
pub(super) struct Typed {
    pub(super) password: Secret,
    /// It is the stored one.
    pub(super) stored: bool,
}

/// Notes an accepted value: events, the end of grace, the record's authenticator.
pub(super) fn note_otp<'a>(
    case: &mut Case<'a>,
    candidate: Candidate<'a>,
    hit: &Hit,
    pin_set: bool,
) {
    case.used = Some((candidate, Some(hit.moving)));
    if hit.outermost {
        case.events.push((
            Code::ACCEPTED_WITH_WARNING,
            Some("value at the outermost offset of its window".into()),
        ));
    }
    if hit.resynchronised {
        case.events.push((Code::RESYNCHRONISED, None));
    }
    if pin_set {
        case.events.push((Code::PIN_CHANGED, None));
    }
    end_grace(case);
}

/// The first right OTP ends the grace period of all authenticators.
fn end_grace(case: &mut Case<'_>) {
    let today = case.at().day();
    let before = case.changes.len();
    for authenticator in case
        .account
        .map_or(&[][..], |account| &account.authenticators)
    {
        if authenticator.grace_end.is_some_and(|end| end > today) {
            case.changes.push(Change::EndGrace {
                key: authenticator.key,
                day: today,
            });
        }
    }
    if case.changes.len() > before {
        case.events.push((Code::GRACE_ENDED, None));
    }
}

/// 1005 at the administrative logon of somebody who is no administrator, once the credentials were right.
pub(super) fn administrator(case: &mut Case<'_>) -> Flow {
    let is_one = case
        .account
        .is_some_and(|account| account.user.is_administrator());
    if is_one || case.attempt.via != Via::AdminLogon {
        return ControlFlow::Continue(());
    }
    case.failed(Check::Administrator, 0, 0);
    refuse_telling(Status::PERMISSION, "The account is no administrator.")
}

/// What the client gets; 1062 where a host code is demanded that the application cannot make.
pub(super) fn grant(case: &mut Case<'_>, success: Success<'_>) -> Flow<Grant> {
    let mut grant = Grant {
        domain: case
            .domain
            .map(|domain| domain.name.clone())
            .unwrap_or_default(),
        ..Grant::default()
    };
    grant.host_code = host_code(case, &success)?;
    match case.account {
        Some(account) => of_account(case, account, &mut grant),
        None => {
            let id = case.newcomer.as_ref().map(|user| user.id.as_str());
            id.unwrap_or(case.user).clone_into(&mut grant.user);
        }
    }
    if let Some((candidate, _)) = &success.used {
        grant.serial = Some(candidate.authenticator.serial.clone());
        grant.application = Some(candidate.application.name.clone());
    }
    if case.attempt.component.return_static_password {
        grant.static_password = match &success.typed {
            Some(typed) => Some(typed.password.clone()),
            None => password::copy(case)?,
        };
    }
    grant.matched = success.matched;
    if let Some(given) = case.given {
        grant.back_end_attributes.clone_from(&given.attributes);
        grant.back_end_keys.clone_from(&given.keys);
    }
    grant.warnings = std::mem::take(&mut case.warnings);
    ControlFlow::Continue(grant)
}

fn of_account(case: &Case<'_>, account: &Account, grant: &mut Grant) {
    grant.user.clone_from(&account.user.id);
    grant.key = account.user.key;
    grant.org_unit = case
        .facts
        .snapshot
        .unit_name(account.user.org_unit)
        .map(str::to_owned);
    let own = account.attributes.iter();
    grant.attributes = own
        .map(|one| {
            (
                one.group.clone(),
                one.name.clone(),
                one.usage.clone(),
                one.value.clone(),
            )
        })
        .collect();
    grant.password_expires_at = expiry(case, account);
}

/// When the static password ends, if that is soon enough to be told.
fn expiry(case: &Case<'_>, account: &Account) -> Option<Timestamp> {
    if case.modes.local != LocalAuth::AuthenticatorOrPassword {
        return None;
    }
    let learned = case.changes.iter().find_map(|change| match change {
        Change::Password { password, .. } => Some(password.set_at),
        _ => None,
    });
    let set_at = match learned {
        Some(now) => now,
        None => account.user.password.as_ref()?.set_at,
    };
    let rules = super::new_password::rules_of(case.facts.snapshot, &account.user).ok()?;
    let end = set_at.plus_seconds(i64::from(rules.max_age_days) * 86_400);
    let told_from = end.plus_seconds(-i64::from(rules.expiry_notice_days) * 86_400);
    (rules.max_age_days > 0 && case.at() >= told_from).then_some(end)
}

fn host_code(case: &mut Case<'_>, success: &Success<'_>) -> Flow<Option<String>> {
    let wanted = case.attempt.host_code;
    if wanted == HostCode::None {
        return ControlFlow::Continue(None);
    }
    let able = success
        .used
        .as_ref()
        .filter(|(candidate, _)| candidate.application.host_code)
        .zip(success.otp.as_ref());
    let Some(((candidate, moving), otp)) = able else {
        if wanted == HostCode::Optional {
            return ControlFlow::Continue(None);
        }
        case.failed(Check::HostCode, 0, 0);
        return refuse(Status::DP_NOT_HOSTCONF_CAPABLE);
    };
    let key = sealed::key(case, candidate.application)?;
    let digits = match &candidate.application.algorithm {
        Algorithm::Hotp { digits, .. } | Algorithm::Totp { digits, .. } => *digits,
        Algorithm::Ocra(suite) => suite.digits(),
    };
    let accepted = std::str::from_utf8(otp.expose()).unwrap_or_default();
    let made = code(
        Purpose::Host,
        key.expose(),
        accepted,
        moving.unwrap_or(0),
        digits.min(10),
    );
    ControlFlow::Continue(made.ok().map(|code| code.as_str().to_owned()))
}
