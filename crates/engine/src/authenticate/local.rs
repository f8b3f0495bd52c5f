//! Stage 4: local authentication, step by step as authentication.md 5 has it.

use super::candidates::{self, Owned};
use super::case::{Case, Flow, refuse, refuse_noting, refuse_telling};
use super::success::{Success, Typed};
use super::trial::{self, Failure, Input, Outcome, Trial};
use super::{
    back_end, hashed, issue, new_password, password, register, request, response, self_assign,
};
use crate::Secret;
use crate::attempt::{AuthType, Credentials, Separate};
use crate::policy::LocalAuth;
use crate::status::Status;
use crate::trace::{Check, Entry, Origin, Setting, Shape, Value};
use std::ops::ControlFlow;

/// Proves the user locally, or halts with the code that wins.
pub(super) fn authenticate<'a>(case: &mut Case<'a>) -> Flow<Success<'a>> {
    if case.modes.local == LocalAuth::None {
        return back_end::alone(case);
    }
    if case.registers {
        return register::authenticate(case);
    }
    let owned = candidates::owned(case);
    if let Some(success) = response::answered(case, &owned)? {
        return ControlFlow::Continue(success);
    }
    candidates::only_one(case, &owned)?;
    request::explicit(case, &owned)?;
    match case.attempt.credentials {
        Credentials::Hashed { protocol: _, proof } => hashed::authenticate(case, &owned, proof),
        Credentials::Combined(value) => {
            combined(case, &owned, value.map_or(&[][..], Secret::expose))
        }
        Credentials::Separate(fields) => separate(case, &owned, &fields),
        Credentials::None => refuse(Status::MISSINGFLD),
    }
}

/// Everything in one field.
fn combined<'a>(case: &mut Case<'a>, owned: &Owned<'a>, value: &[u8]) -> Flow<Success<'a>> {
    request::without_password(case, owned, value)?;
    if !owned.usable
        && let Some(success) = self_assign::attempt(case)?
    {
        return ControlFlow::Continue(success);
    }
    let failure = match one_time_password(case, owned, Shape::Otp, Input::Combined(value))? {
        Outcome::Right(success) => return ControlFlow::Continue(success),
        Outcome::Failed(failure) => failure,
    };
    if let Some(next) = failure
        .wants_next
        .filter(|next| !failure.used && !next.has_front)
    {
        return issue::second_otp(case, next.candidate, next.moving);
    }
    static_password(case, owned, value, &failure)
}

/// One part a field: the fields name the reading.
fn separate<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    fields: &Separate<'a>,
) -> Flow<Success<'a>> {
    let new_pin = fields.new_pin.or(fields.confirm_new_pin);
    if new_pin.is_some() && fields.new_pin != fields.confirm_new_pin {
        case.failed(Check::Confirmed, 0, 0);
        return refuse_telling(
            Status::CONFIRM_PASSWORD_MISMATCH,
            "The new PIN and its confirmation differ.",
        );
    }
    if !owned.usable
        && let Some(success) = self_assign::attempt(case)?
    {
        return ControlFlow::Continue(success);
    }
    let Some(otp) = fields.otp else {
        let typed = fields.static_password.map_or(&[][..], Secret::expose);
        if fields.static_password.is_some() {
            request::without_password(case, owned, typed)?;
        }
        return static_password(case, owned, typed, &Failure::default());
    };
    let part = |field: Option<&'a Secret>| field.map(Secret::expose);
    let input = Input::Fields {
        static_password: part(fields.static_password),
        pin: part(fields.pin),
        otp: otp.expose(),
        new_pin: part(fields.new_pin),
    };
    match one_time_password(case, owned, Shape::Separate, input)? {
        Outcome::Right(success) => ControlFlow::Continue(success),
        Outcome::Failed(failure) => match failure.wants_next.filter(|_| !failure.used) {
            Some(next) => issue::second_otp(case, next.candidate, next.moving),
            None => nothing_fitted(case, owned, &failure, false),
        },
    }
}

/// Step 4: the OTP shapes, at every candidate.
fn one_time_password<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    shape: Shape,
    input: Input<'_>,
) -> Flow<Outcome<'a>> {
    if owned.candidates.is_empty() {
        return ControlFlow::Continue(Outcome::Failed(Failure::default()));
    }
    case.credential = "otp";
    let trial = Trial {
        shape,
        input,
        question: None,
        pin_proven: false,
        demands_static: case.demands_static(),
        only_after: None,
        pairs: true,
        pin_reset: false,
    };
    let outcome = trial::run(case, &owned.candidates, &trial)?;
    if let Outcome::Failed(Failure {
        almost: Some((status, why)),
        ..
    }) = outcome
    {
        return refuse_telling(status, why);
    }
    ControlFlow::Continue(outcome)
}

/// Step 5: the value is the static password, here or at a back-end; before it the requests that hold it.
fn static_password<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    value: &[u8],
    failure: &Failure<'a>,
) -> Flow<Success<'a>> {
    let asks = request::with_password(case, owned, value)?;
    if password::is_stored(case, value)? {
        return alone(case, owned, value, true);
    }
    if let Some(next) = failure.wants_next.filter(|_| !failure.used) {
        return issue::second_otp(case, next.candidate, next.moving);
    }
    let leads_on = back_end::leads_on(case, owned);
    let shown = asks.as_ref().map_or(value, |asks| asks.password);
    let mut asked = false;
    if (leads_on || asks.is_some()) && back_end::may_see(case, owned, shown)? {
        asked = true;
        if back_end::accepts(case, Secret::new(shown))? {
            match asks {
                Some(asks) => request::serve(case, &asks.request)?,
                None => return alone(case, owned, value, false),
            }
        }
    }
    nothing_fitted(case, owned, failure, asked)
}

/// The static password alone was right: what the mode makes of it.
pub(super) fn alone<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    value: &[u8],
    stored: bool,
) -> Flow<Success<'a>> {
    case.credential = "static";
    case.tried.clear();
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    case.trace.push(Entry::Read {
        shape: Shape::Password,
        front: length,
        pin: 0,
        otp: 0,
        new_pin: 0,
    });
    match case.modes.local {
        LocalAuth::AuthenticatorOnly => return refuse(Status::DIGIPASS_MUST_BE_USED),
        LocalAuth::GracePeriod => in_grace(case, owned)?,
        LocalAuth::AuthenticatorOrPassword if stored => young_enough(case)?,
        LocalAuth::AuthenticatorOrPassword | LocalAuth::None => {}
    }
    let typed = Some(Typed {
        password: Secret::new(value),
        stored,
    });
    ControlFlow::Continue(Success {
        typed,
        asked_before: !stored,
        ..Success::default()
    })
}

fn in_grace(case: &mut Case<'_>, owned: &Owned<'_>) -> Flow {
    let today = case.at().day();
    let left = owned
        .grace_end
        .map_or(0, |end| i64::from(end.0) - i64::from(today.0));
    if owned.count > 0 {
        case.trace.push(Entry::Check {
            check: Check::Grace,
            passed: owned.in_grace(today),
            seen: left,
            limit: 0,
        });
    }
    if owned.in_grace(today) {
        ControlFlow::Continue(())
    } else {
        refuse(Status::GRACE_PERIOD_EXPIRED)
    }
}

fn young_enough(case: &mut Case<'_>) -> Flow {
    let Some((account, stored)) = case
        .account
        .and_then(|account| Some((account, account.user.password.as_ref()?)))
    else {
        return ControlFlow::Continue(());
    };
    let rules = match new_password::rules_of(case.facts.snapshot, &account.user) {
        Ok(rules) => rules,
        Err(invalid) => return refuse_noting(Status::INVALID_POLICY, invalid.to_string()),
    };
    let days = i64::from(case.at().day().0) - i64::from(stored.set_at.day().0);
    let limit = i64::from(rules.max_age_days);
    if limit == 0 || days <= limit {
        return ControlFlow::Continue(());
    }
    case.note_from(
        Setting::PasswordMaxAge,
        Value::Number(limit),
        Origin::Server,
    );
    case.failed(Check::PasswordAge, days, limit);
    refuse(Status::PASSWORD_EXPIRED)
}

/// Step 6: nothing fitted.
pub(super) fn nothing_fitted<T>(
    case: &mut Case<'_>,
    owned: &Owned<'_>,
    failure: &Failure<'_>,
    back_end_asked: bool,
) -> Flow<T> {
    if owned.only_expired {
        case.failed(Check::Owned, owned.count.into(), 0);
        return refuse(Status::DIGIPASS_EXPIRED);
    }
    if owned.usable {
        return match (failure.used, failure.barred) {
            (true, _) => refuse(Status::REPLAY),
            (false, Some(why)) => refuse_noting(Status::OTP_INCORRECT, why),
            (false, None) => refuse(Status::OTP_INCORRECT),
        };
    }
    if case.modes.local == LocalAuth::AuthenticatorOnly {
        return refuse(Status::DIGIPASS_MUST_BE_USED);
    }
    case.credential = "static";
    if back_end_asked {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    if !password::exists(case) {
        return refuse_noting(
            Status::LOCAL_AUTH_REJECT,
            "no authenticator, no stored password and no back-end",
        );
    }
    refuse(Status::LOCAL_PASSWORD_MISMATCH)
}

/// The workflow that the request names, if it names one.
pub(super) fn named(case: &Case<'_>) -> Option<AuthType> {
    Some(case.attempt.auth_type).filter(|kind| *kind != AuthType::Auto)
}

/// Notes the request method of a feature in the trace.
pub(super) fn note_method(case: &mut Case<'_>, setting: Setting, method: &'static str) {
    case.note(setting, Value::Word(method));
}
