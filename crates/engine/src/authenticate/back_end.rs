//! Stage 5: what a back-end has to say (authentication.md 10), as far as it can be decided before asking one.

use super::candidates::Owned;
use super::case::{Case, Flow, refuse, refuse_noting};
use super::success::{Success, Typed};
use super::{password, trial};
use crate::Secret;
use crate::attempt::Credentials;
use crate::back_end::{Password, Said, Wanted};
use crate::model::{Algorithm, Application};
use crate::policy::BackEndAuth;
use crate::status::Status;
use crate::trace::{Check, Setting, Value, What};
use std::ops::ControlFlow;

/// Whether a back-end accepts a password; an empty one is never sent.
pub(super) fn accepts(case: &mut Case<'_>, password: Secret) -> Flow<bool> {
    if password.is_empty() {
        return ControlFlow::Continue(false);
    }
    let said = case.ask_back_end(
        What::BackEnd,
        Wanted::Authenticate(Password::Known(password)),
    )?;
    match said {
        Said::Accepted(_) => ControlFlow::Continue(true),
        Said::Rejected | Said::Locked => ControlFlow::Continue(false),
        other => refusal(&other),
    }
}

/// What an answer means that is neither yes nor no (authentication.md 10).
pub(super) fn refusal<T>(said: &Said) -> Flow<T> {
    let (status, why) = match said {
        Said::Expired => (
            Status::BACKEND_PWD_EXPIRED,
            "the password has expired at the back-end",
        ),
        Said::Disabled => (Status::DISABLED, "the account is disabled at the back-end"),
        Said::Weak => (
            Status::BACKEND_PASSWORD_FAIL_STRENGTH_CHECK,
            "the new password breaks the rules of the back-end",
        ),
        Said::HashRefused => (
            Status::HASH_PWDS_DISALLOWED,
            "the back-end cannot check a password hash",
        ),
        Said::Unreachable => (Status::COMMS, "no back-end answered"),
        Said::Nobody => (
            Status::CONFIG,
            "no back-end serves the domain of the user under this policy",
        ),
        Said::Busy => (
            Status::BUSY,
            "the limit of requests to back-ends is reached",
        ),
        _ => (Status::UNSUPPORTED, "the back-end does not offer this"),
    };
    refuse_noting(status, why)
}

/// The password as typed, where the whole input is one; -108 for a hash.
pub(super) fn typed_password(case: &mut Case<'_>) -> Flow<Option<Secret>> {
    ControlFlow::Continue(match case.attempt.credentials {
        Credentials::Combined(value) => value.ok().cloned(),
        Credentials::Separate(fields) => fields.static_password.cloned(),
        Credentials::Hashed { .. } => {
            case.failed(Check::Answered, 0, 0);
            return refuse_noting(
                Status::UNSUPPORTED,
                "this build forwards no password hashes",
            );
        }
        Credentials::None => None,
    })
}

/// `local_auth = none`: the back-end alone decides.
pub(super) fn alone<'a>(case: &mut Case<'a>) -> Flow<Success<'a>> {
    case.credential = "static";
    let Some(password) = typed_password(case)?.filter(|password| !password.is_empty()) else {
        case.failed(Check::BackEnd, 0, 0);
        return refuse(Status::BACKEND_REJECT_SUPPLIED_PASS);
    };
    if !accepts(case, password.clone())? {
        return refuse(Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    ControlFlow::Continue(Success {
        typed: Some(Typed {
            password,
            stored: false,
        }),
        asked_before: true,
        ..Success::default()
    })
}

/// 1022, 1023: what the back-end must still prove after local authentication. The OTP stays consumed whatever it says.
pub(super) fn authenticate(case: &mut Case<'_>, success: &Success<'_>) -> Flow {
    let changed = success.typed.as_ref().is_some_and(|typed| !typed.stored);
    let must = match case.modes.back_end {
        BackEndAuth::None => false,
        BackEndAuth::Always => true,
        BackEndAuth::IfNeeded => changed,
    };
    if !must || success.asked_before {
        return ControlFlow::Continue(());
    }
    let (password, refusal) = match &success.typed {
        Some(typed) => (
            Some(typed.password.clone()),
            if typed.stored && case.policy.stored_password_proxy {
                Status::BACKEND_REJECT_STORED_PASS
            } else {
                Status::BACKEND_REJECT_SUPPLIED_PASS
            },
        ),
        None if case.policy.stored_password_proxy => {
            (password::copy(case)?, Status::BACKEND_REJECT_STORED_PASS)
        }
        None => (None, Status::BACKEND_REJECT_SUPPLIED_PASS),
    };
    let Some(password) = password else {
        case.note(
            Setting::StoredPasswordProxy,
            Value::yes_no(case.policy.stored_password_proxy),
        );
        case.failed(Check::BackEnd, 0, 0);
        return refuse(Status::BACKEND_REJECT_SUPPLIED_PASS);
    };
    if accepts(case, password)? {
        ControlFlow::Continue(())
    } else {
        refuse(refusal)
    }
}

/// Whether a value that no local reading fitted may be shown to a back-end: never one that may be a mistyped OTP.
pub(super) fn may_see(case: &mut Case<'_>, owned: &Owned<'_>, value: &[u8]) -> Flow<bool> {
    if case.modes.back_end == BackEndAuth::None || value.is_empty() {
        return ControlFlow::Continue(false);
    }
    let lengths: Vec<_> = owned
        .candidates
        .iter()
        .filter_map(|one| otp_lengths(one.application))
        .collect();
    let digits = value
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == value.len() && lengths.iter().any(|range| range.contains(&digits)) {
        return ControlFlow::Continue(false);
    }
    // The stored password with a mistyped OTP behind it: every split that could be one.
    for tail in lengths
        .into_iter()
        .flatten()
        .filter(|tail| *tail <= digits && *tail < value.len())
    {
        let front = value.split_at(value.len() - tail).0;
        if password::is_stored(case, front)? {
            return ControlFlow::Continue(false);
        }
    }
    ControlFlow::Continue(true)
}

/// How long the digits of an OTP shape can be: the OTP, with PIN and new PIN where there are such.
fn otp_lengths(application: &Application) -> Option<std::ops::RangeInclusive<usize>> {
    let digits = match &application.algorithm {
        Algorithm::Hotp { digits, .. } | Algorithm::Totp { digits, .. } => usize::from(*digits),
        Algorithm::Ocra(suite) => usize::from(suite.digits()),
    };
    (digits > 0).then(|| {
        digits..=if trial::has_pin(application) {
            digits + 24
        } else {
            digits
        }
    })
}
