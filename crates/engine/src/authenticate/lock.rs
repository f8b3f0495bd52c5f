//! Lock and automatic unlock (authentication.md 14).

use super::case::{Case, Flow, refuse};
use crate::audit::Code;
use crate::facts::Account;
use crate::model::{LockReason, UserState};
use crate::policy::Effective;
use crate::status::Status;
use crate::time::Timestamp;
use crate::trace::{Check, Entry, Setting, Value};
use std::ops::ControlFlow;

/// Longest lock in minutes: a week.
const LONGEST_MIN: u32 = 10_080;

/// 1007, unless the account is not locked or an unlock attempt is due.
pub(super) fn check(case: &mut Case<'_>, account: &Account) -> Flow {
    let state = &account.state;
    let Some(reason) = state.locked else {
        return ControlFlow::Continue(());
    };
    if reason == LockReason::Failures {
        case.note(
            Setting::UserLockThreshold,
            Value::Number(case.policy.user_lock_threshold.into()),
        );
    }
    case.failed(
        Check::NotLocked,
        state.lock_count.into(),
        case.policy.user_lock_threshold.into(),
    );
    if reason == LockReason::Administrator {
        return refuse(Status::LOCKED);
    }
    let allowed = u32::from(case.policy.max_unlock_attempts);
    case.note(Setting::MaxUnlockAttempts, Value::Number(allowed.into()));
    if state.unlock_attempts_used >= allowed {
        case.failed(
            Check::AttemptsLeft,
            state.unlock_attempts_used.into(),
            allowed.into(),
        );
        return refuse(Status::LOCKED);
    }
    case.note(
        Setting::LockRestart,
        Value::yes_no(case.policy.lock_restart),
    );
    let due = due(state, case.policy);
    let passed = case.at() >= due;
    let wait_min = due.micros_since(case.at()).max(0).div_euclid(60_000_000);
    case.trace.push(Entry::Check {
        check: Check::UnlockAttempt,
        passed,
        seen: wait_min,
        limit: state.unlock_attempts_used.into(),
    });
    if passed {
        case.unlocking = true;
        return ControlFlow::Continue(());
    }
    refuse(Status::LOCKED)
}

/// When the next unlock attempt is due.
fn due(state: &UserState, policy: &Effective) -> Timestamp {
    let failure = state.last_failure_at.unwrap_or_default();
    let from = match state.last_auth_request_at {
        Some(request) if policy.lock_restart => failure.max(request),
        _ => failure,
    };
    from.plus_seconds(i64::from(state.lock_duration_min) * 60)
}

/// The state after a success, or nothing if there is nothing to reset. `noted`: the success must be noted here
/// because no application's row of the account's own notes it.
pub(super) fn after_success(
    case: &mut Case<'_>,
    account: &Account,
    noted: bool,
) -> Option<UserState> {
    let state = &account.state;
    if state.locked.is_none() && state.lock_count == 0 && !noted {
        return None;
    }
    if state.locked.is_some() {
        case.events.push((Code::UNLOCKED_AUTOMATICALLY, None));
    }
    Some(UserState {
        version: state.version + 1,
        lock_count: 0,
        locked: None,
        unlock_attempts_used: 0,
        lock_duration_min: 0,
        last_auth_at: Some(case.at()),
        ..*state
    })
}

/// The state as it is, in its next version: nothing else guards a new password against a change of the account that
/// came between, such as a lock or another new password.
pub(super) fn untouched(account: &Account) -> UserState {
    UserState {
        version: account.state.version + 1,
        ..account.state
    }
}

/// The state after a counted failure.
pub(super) fn after_failure(case: &mut Case<'_>, account: &Account) -> UserState {
    let at = case.at();
    let mut to = account.state;
    to.version += 1;
    to.lock_count = to.lock_count.saturating_add(1);
    to.last_failure_at = Some(at);
    let threshold = u32::from(case.policy.user_lock_threshold);
    case.note(Setting::UserLockThreshold, Value::Number(threshold.into()));
    case.trace.push(Entry::Check {
        check: Check::Lock,
        passed: threshold == 0 || to.lock_count < threshold,
        seen: to.lock_count.into(),
        limit: threshold.into(),
    });
    if case.unlocking {
        failed_unlock(case, &mut to);
    } else if threshold > 0 && to.lock_count >= threshold {
        to.locked = Some(LockReason::Failures);
        to.unlock_attempts_used = 0;
        to.lock_duration_min = case.policy.min_lock_duration_min.into();
        case.events.push((Code::LOCKED_BY_FAILURES, None));
    }
    if case.policy.lock_restart && to.locked.is_some() {
        to.last_auth_request_at = Some(at);
    }
    to
}

fn failed_unlock(case: &mut Case<'_>, to: &mut UserState) {
    to.unlock_attempts_used = to.unlock_attempts_used.saturating_add(1);
    let multiplied = to
        .lock_duration_min
        .saturating_mul(case.policy.lock_duration_multiplier.into());
    to.lock_duration_min = multiplied.min(LONGEST_MIN);
    if to.unlock_attempts_used >= case.policy.max_unlock_attempts.into() {
        case.events.push((Code::UNLOCK_ATTEMPTS_USED_UP, None));
    }
}

/// The state after a request that neither succeeded nor counts: under `lock_restart = yes` it restarts the lock.
pub(super) fn after_request(case: &Case<'_>, account: &Account) -> Option<UserState> {
    let state = &account.state;
    let restarts = case.policy.lock_restart
        && case.policy.max_unlock_attempts > 0
        && state.locked == Some(LockReason::Failures);
    restarts.then(|| UserState {
        version: state.version + 1,
        last_auth_request_at: Some(case.at()),
        ..*state
    })
}
