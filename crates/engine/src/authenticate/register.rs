//! Dynamic user registration (authentication.md 3.3): the account of somebody whose password a back-end has proven.

use super::back_end::{self, Sent};
use super::case::{Case, Flow, refuse, refuse_noting};
use super::success::{Success, Typed};
use super::{account, assign, candidates, learn, new_password, request, self_assign};
use crate::Secret;
use crate::admin::table::account_of;
use crate::admin::{Put, Write};
use crate::attempt::Via;
use crate::audit::Code;
use crate::back_end::Password;
use crate::decision::Change;
use crate::facts::Shut;
use crate::model::{Challenge, ChallengeKind, User};
use crate::policy::{BackEndAuth, LocalAuth};
use crate::status::Status;
use crate::trace::{Check, Setting, Value};
use std::ops::ControlFlow;

/// 1010, unless the user may be registered.
pub(super) fn allowed(case: &mut Case<'_>) -> Flow {
    let wanted = case.policy.dynamic_user_registration;
    let has_back_end = case.modes.back_end != BackEndAuth::None;
    if wanted || has_back_end {
        case.note(Setting::DynamicUserRegistration, Value::yes_no(wanted));
    }
    let here = matches!(case.attempt.via, Via::Radius | Via::Authenticate);
    if wanted && has_back_end && here {
        return ControlFlow::Continue(());
    }
    account::like_an_account(case)?;
    case.failed(Check::Registers, 0, 0);
    refuse(Status::USER_UNKNOWN)
}

/// Proves the user and makes his account.
pub(super) fn authenticate<'a>(case: &mut Case<'a>) -> Flow<Success<'a>> {
    let nothing = candidates::owned(case);
    let user = newcomer(case);
    let answer = case.attempt.answers_challenge;
    let answers = answer.key.is_some() || answer.challenge.is_some() || answer.response.is_some();
    let assigned = if answers {
        Some(second_step(case, &user)?)
    } else {
        request::explicit(case, &nothing)?;
        self_assign::proven(case, &user)?
    };
    if let Some(assigned) = assigned {
        make(case, user.clone(), assigned.success.typed.as_ref())?;
        self_assign::give(case, &assigned, &user);
        return ControlFlow::Continue(assigned.success);
    }
    if case.modes.local == LocalAuth::AuthenticatorOnly {
        return refuse(Status::DIGIPASS_MUST_BE_USED);
    }
    let typed = by_password(case)?;
    let found = assign::automatic(case, &user)?;
    make(case, user.clone(), typed.as_ref())?;
    if let Some(found) = found {
        assign::give_automatically(case, found, &user);
    }
    ControlFlow::Continue(Success {
        typed,
        asked_before: true,
        ..Success::default()
    })
}

/// 3002, unless a self-assignment is answered: nothing else is asked of somebody without account.
fn second_step<'a>(case: &mut Case<'a>, user: &User) -> Flow<self_assign::Assigned<'a>> {
    let key = case.attempt.answers_challenge.key.and_then(Result::ok);
    let (challenges, hashed) = (case.facts.challenges, case.is_hashed());
    let ours =
        |one: &&Challenge| Some(one.key) == key && one.kind == ChallengeKind::SelfAssign && !hashed;
    match challenges.iter().find(ours) {
        Some(challenge) => self_assign::answered(case, challenge, user),
        None => {
            case.failed(Check::Challenge, 0, 0);
            refuse(Status::NO_CHALLENGE)
        }
    }
}

/// 1023, 1021: the typed password at the back-end; what was typed, where it is readable.
fn by_password(case: &mut Case<'_>) -> Flow<Option<Typed>> {
    case.credential = "static";
    let Some(password) = back_end::typed_password(case) else {
        return refuse(Status::BACKEND_REJECT_SUPPLIED_PASS);
    };
    if !back_end::proves(case, password.clone(), Sent::Apart)? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    ControlFlow::Continue(match password {
        Password::Known(password) => Some(Typed {
            password,
            stored: false,
        }),
        Password::AsReceived => None,
    })
}

/// The account to be made: in the resolved domain, without unit.
fn newcomer(case: &Case<'_>) -> User {
    let domain = case.domain.map(|domain| domain.key).unwrap_or_default();
    account_of(case.facts.snapshot, domain, case.user, case.at()).user
}

fn make(case: &mut Case<'_>, mut user: User, typed: Option<&Typed>) -> Flow {
    if let Some(info) = learn::asked_info(case)? {
        user.contact = learn::merged(None, &info);
    }
    let mut put = Put::new(user.clone());
    if case.policy.password_autolearn
        && let Some(typed) = typed
    {
        case.note(Setting::PasswordAutolearn, Value::yes_no(true));
        put = with_password(case, put, &typed.password)?;
    }
    case.changes.push(Change::Write(Write::User(Box::new(put))));
    case.events.push((Code::USER_REGISTERED, None));
    case.newcomer = Some(Box::new(user));
    ControlFlow::Continue(())
}

/// A password learned from a back-end is not checked against the rules.
fn with_password(case: &mut Case<'_>, put: Put<User>, password: &Secret) -> Flow<Put<User>> {
    let Some(verifier) = learn::verifier(case, password)? else {
        return ControlFlow::Continue(put);
    };
    let (snapshot, vault, at) = (case.facts.snapshot, case.facts.vault, case.at());
    let rules = match new_password::rules_of(snapshot, &put.record) {
        Ok(rules) => rules,
        Err(invalid) => return refuse_noting(Status::INVALID_POLICY, invalid.to_string()),
    };
    match new_password::stored_form(snapshot, &put.record, &rules, password, verifier, at, vault) {
        Ok(new) => {
            case.events.push((Code::PASSWORD_LEARNED, None));
            let put = put.with("password", Some(new.verifier));
            ControlFlow::Continue(match new.copy {
                Some(copy) => put.with("password_copy", Some(copy)),
                None => put,
            })
        }
        Err(Shut) => refuse_noting(Status::CRYPTO, "the password history cannot be opened"),
    }
}
