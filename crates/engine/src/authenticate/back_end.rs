//! Stage 5: what a back-end has to say (authentication.md 10).

use super::candidates::Owned;
use super::case::{Case, Flow, refuse, refuse_noting, refuse_telling};
use super::success::{Success, Typed};
use super::{password, relay, trial};
use crate::Secret;
use crate::attempt::Credentials;
use crate::audit::Code;
use crate::back_end::{Heard, Password, Said, Wanted};
use crate::model::{Algorithm, Application, DomainKey, Protocol};
use crate::policy::{BackEndAuth, LocalAuth};
use crate::status::Status;
use crate::trace::{Check, Setting, Value, What};
use std::ops::ControlFlow;

/// What an answer comes to.
enum Means {
    Yes,
    /// 1022 or 1023, by the password that was sent.
    No,
    /// 3003 or 1040, by how the password was sent.
    Asks,
    Ends(Status, &'static str),
}

/// The table of answers (authentication.md 10).
fn means(said: &Said) -> Means {
    match said {
        Said::Accepted(_) => Means::Yes,
        Said::Rejected | Said::Locked => Means::No,
        Said::Challenge(_) => Means::Asks,
        Said::Expired => Means::Ends(
            Status::BACKEND_PWD_EXPIRED,
            "the password has expired at the back-end",
        ),
        Said::Disabled => Means::Ends(Status::DISABLED, "the account is disabled at the back-end"),
        Said::Weak => Means::Ends(
            Status::BACKEND_PASSWORD_FAIL_STRENGTH_CHECK,
            "the new password breaks the rules of the back-end",
        ),
        Said::HashRefused => Means::Ends(
            Status::HASH_PWDS_DISALLOWED,
            "the back-end cannot check a password hash",
        ),
        Said::Unreachable => Means::Ends(Status::COMMS, "no back-end answered"),
        Said::Nobody => Means::Ends(
            Status::CONFIG,
            "no back-end serves the domain of the user under this policy",
        ),
        Said::Busy => Means::Ends(
            Status::BUSY,
            "the limit of requests to back-ends is reached",
        ),
        Said::Unsupported => Means::Ends(Status::UNSUPPORTED, "the back-end does not offer this"),
        Said::Member(_) | Said::Info(_) | Said::InfoUnusable(_) | Said::Resolved(_) => {
            Means::Ends(Status::ERROR, "the back-end answered another question")
        }
    }
}

/// How a password is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// As it came, and nothing else decides: a question of the back-end can be passed on.
    AsItCame,
    /// With an OTP before it, from the account, or where more than its acceptance decides.
    Apart,
}

/// Whether a back-end accepts a password that is sent apart; an empty one, or one longer than any, is never sent.
pub(super) fn accepts(case: &mut Case<'_>, password: Secret) -> Flow<bool> {
    proves(case, Password::Known(password), Sent::Apart)
}

/// Whether a back-end accepts a password. Halts where the answer is neither yes nor no.
pub(super) fn proves(case: &mut Case<'_>, password: Password, sent: Sent) -> Flow<bool> {
    if let Password::Known(known) = &password
        && (known.is_empty() || password::too_long(known.expose()))
    {
        return ControlFlow::Continue(false);
    }
    let heard = case.ask_back_end(What::BackEnd, Wanted::Authenticate(password))?;
    settle(case, heard, sent)
}

/// Takes the answer to a password or to a response.
pub(super) fn settle<'a>(case: &mut Case<'a>, heard: &'a Heard, sent: Sent) -> Flow<bool> {
    match means(&heard.said) {
        Means::Yes => {
            case.known_there = true;
            if let Said::Accepted(given) = &heard.said {
                case.given = Some(given);
            }
            case.events.push((Code::BACK_END_ACCEPTED, None));
            ControlFlow::Continue(true)
        }
        Means::No => {
            case.denied = Some(heard);
            let note = (!heard.note.is_empty()).then(|| heard.note.clone().into());
            case.events.push((Code::BACK_END_REJECTED, note));
            ControlFlow::Continue(false)
        }
        Means::Asks => match &heard.said {
            Said::Challenge(question) => relay::pass_on(case, question, sent),
            other => refusal(other),
        },
        Means::Ends(status, why) => {
            case.denied = Some(heard);
            refuse_noting(status, why)
        }
    }
}

/// Ends with what an answer means that is neither yes nor no.
pub(super) fn refusal<T>(said: &Said) -> Flow<T> {
    match means(said) {
        Means::Ends(status, why) => refuse_noting(status, why),
        Means::Yes | Means::No | Means::Asks => {
            refuse_noting(Status::ERROR, "the back-end answered another question")
        }
    }
}

/// 1022, 1023: the back-end has said no, or could not be asked.
pub(super) fn rejected<T>(case: &Case<'_>, status: Status) -> Flow<T> {
    if case.denied.is_some_and(|heard| heard.said == Said::Locked) {
        return refuse_telling(status, "The account is locked in the directory.");
    }
    refuse(status)
}

/// 1023: the back-end's password is missing.
pub(super) fn missing<T>(case: &mut Case<'_>) -> Flow<T> {
    case.note(
        Setting::StoredPasswordProxy,
        Value::yes_no(case.policy.stored_password_proxy),
    );
    case.failed(Check::BackEnd, 0, 0);
    refuse(Status::BACKEND_REJECT_SUPPLIED_PASS)
}

/// The password as typed, where the whole input is one.
pub(super) fn typed_password(case: &Case<'_>) -> Option<Password> {
    match case.attempt.credentials {
        Credentials::Combined(value) => value.ok().cloned().map(Password::Known),
        Credentials::Separate(fields) => fields.static_password.cloned().map(Password::Known),
        Credentials::Hashed { .. } => Some(Password::AsReceived),
        Credentials::None => None,
    }
}

/// `local_auth = none`: the back-end alone decides.
pub(super) fn alone<'a>(case: &mut Case<'a>) -> Flow<Success<'a>> {
    if let Some(success) = relay::answered(case)? {
        return ControlFlow::Continue(success);
    }
    case.credential = "static";
    let Some(password) = typed_password(case) else {
        case.failed(Check::BackEnd, 0, 0);
        return refuse(Status::BACKEND_REJECT_SUPPLIED_PASS);
    };
    if !proves(case, password.clone(), Sent::AsItCame)? {
        return rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    let typed = match password {
        Password::Known(password) => {
            let stored =
                case.policy.password_autolearn && password::is_stored(case, password.expose())?;
            Some(Typed { password, stored })
        }
        Password::AsReceived => None,
    };
    ControlFlow::Continue(Success {
        typed,
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
    let proxy = case.policy.stored_password_proxy;
    let (password, on_reject) = match &success.typed {
        Some(typed) if typed.stored && proxy => (
            Some(typed.password.clone()),
            Status::BACKEND_REJECT_STORED_PASS,
        ),
        Some(typed) => (
            Some(typed.password.clone()),
            Status::BACKEND_REJECT_SUPPLIED_PASS,
        ),
        None if proxy => (password::copy(case)?, Status::BACKEND_REJECT_STORED_PASS),
        None => (None, Status::BACKEND_REJECT_SUPPLIED_PASS),
    };
    let Some(password) = password else {
        return missing(case);
    };
    if accepts(case, password)? {
        return ControlFlow::Continue(());
    }
    rejected(case, on_reject)
}

/// 1032: the back-end must prove a password that stands only as a hash, which no server for the user can check, and the
/// stored one may not be sent in its place.
pub(super) fn hash_is_of_use(case: &mut Case<'_>) -> Flow {
    let must = case.modes.back_end == BackEndAuth::Always && !case.policy.stored_password_proxy;
    if must && takes_hashes(case) == Some(false) {
        return hash_refused(case);
    }
    ControlFlow::Continue(())
}

/// 1032, 1023: a hash that is none of what the server knows. It is passed on only where the server decides nothing
/// itself, so a back-end cannot be asked.
pub(super) fn hash_unchecked<T>(case: &mut Case<'_>) -> Flow<T> {
    if takes_hashes(case) == Some(false) {
        return hash_refused(case);
    }
    missing(case)
}

fn hash_refused<T>(case: &mut Case<'_>) -> Flow<T> {
    let engine = &case.policy.back_end_protocol;
    case.note(Setting::BackEndProtocol, Value::Word(engine));
    case.failed(Check::TakesHashes, 0, 0);
    refuse(Status::HASH_PWDS_DISALLOWED)
}

/// Whether a server for the user's domain can check a hash; `None` where there is no server at all.
fn takes_hashes(case: &Case<'_>) -> Option<bool> {
    let domain = case
        .domain
        .map_or_else(DomainKey::default, |domain| domain.key);
    let back_ends = &case.facts.snapshot.back_ends;
    let servers = back_ends.servers(&case.policy.back_end_protocol, domain);
    let able = servers
        .iter()
        .any(|one| matches!(one.protocol, Protocol::Radius(_)));
    (!servers.is_empty()).then_some(able)
}

/// Whether a password alone may still be shown to a back-end, now that no local reading fitted it: only where a yes
/// leads on.
pub(super) fn leads_on(case: &Case<'_>, owned: &Owned<'_>) -> bool {
    match case.modes.local {
        LocalAuth::AuthenticatorOnly => false,
        LocalAuth::GracePeriod => owned.in_grace(case.at().day()),
        LocalAuth::AuthenticatorOrPassword | LocalAuth::None => true,
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
        let front = value.get(..value.len() - tail).unwrap_or_default();
        if password::may_be_stored(case, front)? {
            return ControlFlow::Continue(false);
        }
    }
    ControlFlow::Continue(true)
}

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
