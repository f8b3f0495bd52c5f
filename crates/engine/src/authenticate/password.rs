//! The stored static password (authentication.md 5, 12).

use super::case::{Case, Flow};
use super::sealed;
use crate::Secret;
use crate::decision::{Answer, Question};
use crate::trace::What;
use std::ops::ControlFlow;
use subtle::ConstantTimeEq;

/// Longest static password in characters; a longer one is a mismatch.
pub(super) const PASSWORD_MAX: usize = 128;

/// Most slow comparisons with the stored password in one request. One of them is kept for the whole value.
const MOST_CHECKS: usize = 4;

/// Whether a typed value is the stored static password. The recoverable copy is compared where there is one; the slow
/// hash is asked for otherwise.
pub(super) fn is_stored(case: &mut Case<'_>, typed: &[u8]) -> Flow<bool> {
    let is = compare(case, typed, MOST_CHECKS)?;
    ControlFlow::Continue(is == Some(true))
}

/// The same, as long as one comparison is left for another value.
pub(super) fn is_stored_at_little_cost(case: &mut Case<'_>, typed: &[u8]) -> Flow<bool> {
    let is = compare(case, typed, MOST_CHECKS - 1)?;
    ControlFlow::Continue(is == Some(true))
}

/// Whether a typed value is the stored static password, or may be because there were too many comparisons already.
pub(super) fn may_be_stored(case: &mut Case<'_>, typed: &[u8]) -> Flow<bool> {
    let is = compare(case, typed, MOST_CHECKS)?;
    ControlFlow::Continue(is != Some(false))
}

/// Compares with the stored password; `None` where `most` slow comparisons were made for other values.
fn compare(case: &mut Case<'_>, typed: &[u8], most: usize) -> Flow<Option<bool>> {
    let Some((user, stored)) = case
        .account
        .and_then(|account| Some((&account.user, account.user.password.as_ref()?)))
    else {
        return ControlFlow::Continue(Some(false));
    };
    if typed.is_empty() || too_long(typed) {
        return ControlFlow::Continue(Some(false));
    }
    if let Some(copy) = &stored.copy {
        let copy = sealed::open(case, sealed::of_user(user, "password_copy"), copy)?;
        return ControlFlow::Continue(Some(copy.expose().ct_eq(typed).into()));
    }
    let verifier = sealed::open(case, sealed::of_user(user, "password"), &stored.verifier)?;
    let question = Question::Verify {
        verifier,
        candidate: Secret::new(typed),
    };
    if case.answers.of(&question).is_none() && case.answers.checks() >= most {
        return ControlFlow::Continue(None);
    }
    // Whoever fills the pool must not guess one-time passwords for nothing: what failed as one counts, asked or not.
    let failed_otp = !case.tried.is_empty() && typed.iter().all(u8::is_ascii_digit);
    if failed_otp
        && matches!(
            case.answers.of(&question),
            Some(Answer::Busy | Answer::TimedOut)
        )
    {
        return ControlFlow::Continue(Some(false));
    }
    case.ask(What::Verify, question).map_continue(Some)
}

/// Whether a value is longer than any static password.
pub(super) fn too_long(typed: &[u8]) -> bool {
    let characters =
        |bytes: &[u8]| std::str::from_utf8(bytes).map_or(bytes.len(), |text| text.chars().count());
    typed.len() > PASSWORD_MAX && characters(typed) > PASSWORD_MAX
}

/// The stored password in the clear, where a recoverable copy is kept.
pub(super) fn copy(case: &mut Case<'_>) -> Flow<Option<Secret>> {
    let stored = case.account.and_then(|account| {
        Some((
            &account.user,
            account.user.password.as_ref()?.copy.as_ref()?,
        ))
    });
    ControlFlow::Continue(match stored {
        Some((user, copy)) => Some(sealed::open(
            case,
            sealed::of_user(user, "password_copy"),
            copy,
        )?),
        None => None,
    })
}

/// Whether a static password is stored.
pub(super) fn exists(case: &Case<'_>) -> bool {
    case.account
        .is_some_and(|account| account.user.password.is_some())
}
