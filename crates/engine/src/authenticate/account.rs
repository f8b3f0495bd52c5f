//! Stages 3c and 3d: the account and its status (authentication.md 3.3, 3.4).

use super::case::{Case, Flow, refuse, refuse_telling};
use super::{lock, password, register};
use crate::Secret;
use crate::attempt::{Credentials, Via};
use crate::decision::Question;
use crate::facts::{Account, Found};
use crate::policy::{BackEndAuth, LocalAuth};
use crate::status::Status;
use crate::time::Timestamp;
use crate::trace::{Check, Entry, Origin, Setting, Value, What};
use std::ops::ControlFlow;

/// 1010, or the way of somebody without account.
pub(super) fn find(case: &mut Case<'_>) -> Flow {
    if let Found::Account(account) = case.facts.account {
        case.account = Some(account);
        let authenticators = u32::try_from(account.authenticators.len()).unwrap_or(u32::MAX);
        case.trace.push(Entry::Account {
            authenticators,
            linked: account.is_linked(),
        });
        return ControlFlow::Continue(());
    }
    case.failed(Check::AccountExists, 0, 0);
    // Who authenticates by the address of his network card has no account: the answer is that nobody handles it here.
    not_call_check(case)?;
    if case.modes.local == LocalAuth::None {
        return ControlFlow::Continue(()); // the back-end alone decides
    }
    register::allowed(case)?;
    case.registers = true;
    ControlFlow::Continue(())
}

/// A verifier that no password matches, as dear as those of accounts.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$9oAQK0jXb3r1cTtU8mVnGg$h0m3qkQ0Pj6Yf2xW5rZtBv8nLc4sDa7eGu1iKoXyM9E";

/// Under generic codes a password of nobody costs what one of an account does, so that time does not tell them apart.
pub(super) fn like_an_account(case: &mut Case<'_>) -> Flow {
    let typed = match case.attempt.credentials {
        Credentials::Combined(value) => value.ok(),
        Credentials::Separate(fields) => fields.static_password,
        Credentials::Hashed { .. } | Credentials::None => None,
    };
    let Some(typed) = typed
        .filter(|typed| !typed.is_empty() && !password::too_long(typed.expose()))
        .filter(|_| case.policy.generic_status_codes)
    else {
        return ControlFlow::Continue(());
    };
    let question = Question::Verify {
        verifier: Secret::new(NOBODYS),
        candidate: typed.clone(),
    };
    case.ask(What::Verify, question).map_continue(|_| ())
}

/// 1009, 1007, 1005, in this order.
pub(super) fn status(case: &mut Case<'_>) -> Flow {
    let Some(account) = case.account else {
        return ControlFlow::Continue(());
    };
    if account.user.disabled {
        case.failed(Check::Enabled, 0, 0);
        return refuse_telling(
            Status::DISABLED,
            "The account was disabled by an administrator.",
        );
    }
    if let Some(end) = account.user.expires_at.filter(|end| *end <= case.at()) {
        case.failed(
            Check::NotExpired,
            i64::from(case.at().day().0) - i64::from(end.day().0),
            0,
        );
        return refuse_telling(Status::DISABLED, "The account has expired.");
    }
    suspended(case, account)?;
    lock::check(case, account)?;
    administrator(case, account)
}

fn suspended(case: &mut Case<'_>, account: &Account) -> Flow {
    let own = account
        .user
        .overrides
        .as_deref()
        .and_then(|overrides| overrides.max_days_between_authentications);
    let limit = own.unwrap_or_else(|| case.policy.max_days_between_authentications.into());
    if limit == 0 {
        return ControlFlow::Continue(());
    }
    let days = i64::from(case.at().day().0) - i64::from(last_success(account).day().0);
    if days <= i64::from(limit) {
        return ControlFlow::Continue(());
    }
    let origin = if own.is_some() {
        Origin::Account
    } else {
        case.origin(Setting::MaxDaysBetweenAuthentications)
    };
    case.note_from(
        Setting::MaxDaysBetweenAuthentications,
        Value::Number(limit.into()),
        origin,
    );
    case.failed(Check::NotSuspended, days, limit.into());
    refuse_telling(Status::DISABLED, "The account was not used for too long.")
}

/// The account's last success: a plain OTP logon writes only the row of its application. A new account counts from
/// its creation.
fn last_success(account: &Account) -> Timestamp {
    let applications = account
        .authenticators
        .iter()
        .filter(|_| !account.is_linked())
        .flat_map(|one| &one.applications);
    let by_otp = applications
        .filter_map(|application| application.state.last_success)
        .max();
    account
        .state
        .last_auth_at
        .max(by_otp)
        .unwrap_or(account.user.meta.created)
}

fn administrator(case: &mut Case<'_>, account: &Account) -> Flow {
    if case.policy.admins_may_authenticate
        || case.attempt.via == Via::AdminLogon
        || !account.user.is_administrator()
    {
        return ControlFlow::Continue(());
    }
    case.note(Setting::AdminsMayAuthenticate, Value::Word("no"));
    case.failed(Check::MayAuthenticate, 0, 0);
    refuse_telling(
        Status::PERMISSION,
        "Administrators do not authenticate here.",
    )
}

/// 5002, 1006.
pub(super) fn something_to_check(case: &mut Case<'_>) -> Flow {
    not_call_check(case)?;
    if case.modes.local != LocalAuth::None {
        return ControlFlow::Continue(());
    }
    if case.modes.back_end == BackEndAuth::None {
        case.failed(Check::SomethingToCheck, 0, 0);
        return refuse(Status::NO_LOCAL_OR_BACKEND_AUTH);
    }
    let attempt = case.attempt;
    let separate = match attempt.credentials {
        Credentials::Separate(fields) => fields.otp.is_some() || fields.pin.is_some(),
        _ => false,
    };
    // The response to a question of the back-end is none of ours.
    let answer = attempt.answers_challenge;
    let response = answer.key.is_none() && answer.response.is_some();
    let separate = separate && answer.key.is_none();
    if separate || attempt.serial.is_some() || response {
        case.failed(Check::LocalResponsible, 0, 0);
        return refuse(Status::LOCALAUTH);
    }
    ControlFlow::Continue(())
}

fn not_call_check(case: &mut Case<'_>) -> Flow {
    if !case.attempt.call_check {
        return ControlFlow::Continue(());
    }
    case.failed(Check::CallCheck, 0, 0);
    refuse(Status::NO_LOCAL_OR_BACKEND_AUTH)
}
