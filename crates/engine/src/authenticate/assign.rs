//! Giving a free authenticator to a user at his logon (authentication.md 9.1, 9.3).

use super::candidates::{self, Candidate};
use super::case::{Case, Flow};
use crate::admin::table::ancestors;
use crate::admin::{Put, Write};
use crate::audit::Code;
use crate::decision::{Change, Free, Question};
use crate::dice::Purpose;
use crate::model::{Application, ApplicationKey, ApplicationKind, Authenticator, UnitKey, User};
use crate::policy::{ApplicationTypeFilter, AssignmentMode};
use crate::time::Day;
use crate::trace::{Setting, Value, What};
use std::ops::ControlFlow;

/// The nearest free authenticator for a user who is being registered, where the policy gives him one.
pub(super) fn automatic<'a>(case: &mut Case<'a>, user: &User) -> Flow<Option<&'a Authenticator>> {
    let mode = case.policy.assignment_mode;
    if !matches!(mode, AssignmentMode::Auto | AssignmentMode::AutoPinReset) {
        return ControlFlow::Continue(None);
    }
    case.note(Setting::AssignmentMode, Value::Word(mode.as_str()));
    let found = nearest(case, user)?;
    if found.is_none() {
        case.events.push((Code::NOTHING_TO_ASSIGN, None));
    }
    ControlFlow::Continue(found)
}

/// Gives a user the authenticator that was found for him.
pub(super) fn give_automatically<'a>(case: &mut Case<'a>, found: &'a Authenticator, user: &User) {
    let today = case.at().day();
    let days = case.policy.grace_period_days.map(i32::from);
    give(case, found, user, days.map(|days| today.plus(days)));
    if case.policy.assignment_mode == AssignmentMode::AutoPinReset {
        clear_pins(case, found, None);
    }
    case.events.push((Code::ASSIGNED_AUTOMATICALLY, None));
}

fn nearest<'a>(case: &mut Case<'a>, user: &User) -> Flow<Option<&'a Authenticator>> {
    let Some(types) = types(case, &[]) else {
        return ControlFlow::Continue(None);
    };
    let policy = case.policy;
    let kinds = ApplicationKind::ALL
        .iter()
        .filter(|(.., name)| *name == policy.application_type.as_str())
        .map(|(kind, ..)| *kind);
    let free = Free {
        domain: user.domain,
        units: scope(case, user.org_unit),
        types,
        applications: policy.application_names.clone(),
        kinds: kinds
            .filter(|_| policy.application_type != ApplicationTypeFilter::Any)
            .collect(),
        at: case.at(),
        pick: u32::from_be_bytes(case.dice.bytes(Purpose::Choice)),
    };
    case.ask_authenticator(What::Free, Question::Free(Box::new(free)))
}

/// The types of which the user may have one more, empty = any; `None` = of none.
fn types(case: &Case<'_>, owned: &[Authenticator]) -> Option<Vec<String>> {
    let allowed = &case.policy.authenticator_types;
    let all = case.facts.snapshot.types.iter();
    if !all.clone().any(|one| is_full(case, owned, &one.name)) {
        return Some(allowed.clone());
    }
    let left: Vec<_> = all
        .map(|one| one.name.clone())
        .filter(|name| allowed.is_empty() || allowed.contains(name))
        .filter(|name| !is_full(case, owned, name))
        .collect();
    (!left.is_empty()).then_some(left)
}

/// Whether `type_limits` allows the user no further authenticator of a type.
pub(super) fn is_full(case: &Case<'_>, owned: &[Authenticator], type_name: &str) -> bool {
    let Some(limit) = case.policy.type_limit(type_name) else {
        return false;
    };
    let has = owned
        .iter()
        .filter(|one| one.type_name == type_name)
        .count();
    has >= usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The units from which a user may get one, the nearest first.
pub(super) fn scope(case: &Case<'_>, unit: Option<UnitKey>) -> Vec<Option<UnitKey>> {
    if unit.is_none() || !case.policy.search_up_org_units {
        return vec![unit];
    }
    let above = ancestors(case.facts.snapshot, unit).map(|unit| Some(unit.key));
    above.chain([None]).collect()
}

/// Assigns an authenticator, at the revision at which it was found free.
pub(super) fn give<'a>(
    case: &mut Case<'a>,
    authenticator: &'a Authenticator,
    user: &User,
    grace_end: Option<Day>,
) {
    case.given_serial = Some(&authenticator.serial);
    let record = Authenticator {
        user: Some(user.key),
        assigned_at: Some(case.at()),
        grace_end,
        org_unit: user.org_unit,
        ..authenticator.clone()
    };
    case.guards_account = true;
    let put = Put::over(authenticator.meta.revision, record);
    case.changes
        .push(Change::Write(Write::Authenticator(Box::new(put))));
}

/// Clears the PINs set in an authenticator, but for that of an application which gets a new one.
pub(super) fn clear_pins(
    case: &mut Case<'_>,
    authenticator: &Authenticator,
    but: Option<ApplicationKey>,
) {
    let with_pin = |one: &&Application| one.sealed_pin.is_some() && Some(one.key) != but;
    for application in authenticator.applications.iter().filter(with_pin) {
        let put = Put::over(application.meta.revision, application.clone()).with("pin", None);
        case.changes.push(Change::Write(Write::Application(
            authenticator.key,
            Box::new(put),
        )));
    }
}

/// The applications of an authenticator that may answer under the policy of the attempt.
pub(super) fn candidates<'a>(
    case: &Case<'a>,
    authenticator: &'a Authenticator,
) -> Vec<Candidate<'a>> {
    let at = case.at();
    authenticator
        .applications
        .iter()
        .filter(|application| candidates::may_answer(case.policy, authenticator, application, at))
        .map(|application| Candidate {
            authenticator,
            application,
        })
        .collect()
}
