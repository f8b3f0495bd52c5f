//! Which applications may answer (authentication.md 5), and what the user owns besides.

use super::case::{Case, Flow, refuse};
use crate::model::{Application, ApplicationKind, Authenticator};
use crate::policy::{ApplicationTypeFilter, Effective, SecureChannel};
use crate::status::Status;
use crate::time::{Day, Timestamp};
use crate::trace::{Check, Entry, Excluded, Setting, Value};
use std::ops::ControlFlow;

/// An application that may answer.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) authenticator: &'a Authenticator,
    pub(super) application: &'a Application,
}

/// What the user has under this policy.
pub(super) struct Owned<'a> {
    /// Applications that may answer now; narrowed to the serial that the request names.
    pub(super) candidates: Vec<Candidate<'a>>,
    /// There are candidates, whatever the request names.
    pub(super) usable: bool,
    /// Authenticators that count as owned, whether usable or not.
    pub(super) count: u32,
    /// Only expired ones are left (1025).
    pub(super) only_expired: bool,
    /// The last day before which the static password alone suffices.
    pub(super) grace_end: Option<Day>,
}

impl Owned<'_> {
    /// Whether the static password alone still suffices under `grace_period`.
    pub(super) fn in_grace(&self, today: Day) -> bool {
        self.count == 0 || self.grace_end.is_some_and(|end| today < end)
    }
}

/// Looks through the authenticators of the account.
pub(super) fn owned<'a>(case: &mut Case<'a>) -> Owned<'a> {
    let mut owned = Owned {
        candidates: Vec::new(),
        usable: false,
        count: 0,
        only_expired: false,
        grace_end: None,
    };
    let (policy, at, serial) = (case.policy, case.at(), case.attempt.serial);
    let mut expired = false;
    for authenticator in case
        .account
        .map_or(&[][..], |account| &account.authenticators)
    {
        let mut counts = false;
        for application in &authenticator.applications {
            let why = filtered(policy, authenticator, application).or_else(|| {
                counts = true;
                unusable(authenticator, application, at)
            });
            expired |= why == Some(Excluded::Expired);
            owned.usable |= why.is_none();
            let why = why.or_else(|| {
                serial
                    .filter(|serial| !serial.eq_ignore_ascii_case(&authenticator.serial))
                    .map(|_| Excluded::OtherSerial)
            });
            match why {
                None => owned.candidates.push(Candidate {
                    authenticator,
                    application,
                }),
                Some(why) => case.trace.push(Entry::Excluded {
                    serial: &authenticator.serial,
                    application: &application.name,
                    why,
                }),
            }
        }
        if counts {
            owned.count += 1;
            owned.grace_end = owned.grace_end.max(authenticator.grace_end);
        }
    }
    owned.only_expired = expired && !owned.usable;
    owned
}

/// 1020: the policy wants exactly one candidate application.
pub(super) fn only_one(case: &mut Case<'_>, owned: &Owned<'_>) -> Flow {
    let seen = owned.candidates.len();
    if case.policy.multiple_applications || seen <= 1 {
        return ControlFlow::Continue(());
    }
    case.note(Setting::MultipleApplications, Value::Word("no"));
    case.failed(
        Check::OneApplication,
        i64::try_from(seen).unwrap_or(i64::MAX),
        1,
    );
    refuse(Status::LOCAL_AUTH_REJECT)
}

/// Whether an application may answer under a policy at a moment, whoever owns it.
pub(super) fn may_answer(
    policy: &Effective,
    authenticator: &Authenticator,
    application: &Application,
    at: Timestamp,
) -> bool {
    filtered(policy, authenticator, application).is_none()
        && unusable(authenticator, application, at).is_none()
}

/// A restriction of the policy: the user does not own it as far as this policy is concerned.
fn filtered(
    policy: &Effective,
    authenticator: &Authenticator,
    application: &Application,
) -> Option<Excluded> {
    let listed =
        |list: &[String], name: &str| list.is_empty() || list.iter().any(|own| own == name);
    if !listed(&policy.authenticator_types, &authenticator.type_name) {
        return Some(Excluded::TypeFilter);
    }
    if !listed(&policy.application_names, &application.name) {
        return Some(Excluded::NameFilter);
    }
    if !kind_passes(policy.application_type, application.kind) {
        return Some(Excluded::KindFilter);
    }
    if policy.secure_channel == SecureChannel::Required && !application.secure_channel {
        return Some(Excluded::SecureOnly);
    }
    // A licence makes no values; it only stands for the instances made from it.
    (application.kind == ApplicationKind::MasterActivation).then_some(Excluded::NoOtp)
}

fn kind_passes(filter: ApplicationTypeFilter, kind: ApplicationKind) -> bool {
    filter == ApplicationTypeFilter::Any || filter.as_str() == kind.name()
}

/// A reason for which an owned application cannot be used now.
fn unusable(
    authenticator: &Authenticator,
    application: &Application,
    at: Timestamp,
) -> Option<Excluded> {
    if authenticator.disabled_at.is_some() {
        return Some(Excluded::Disabled);
    }
    if !application.active {
        return Some(Excluded::Inactive);
    }
    if authenticator.expires_at.is_some_and(|end| end <= at.day()) {
        return Some(Excluded::Expired);
    }
    authenticator
        .starts_at
        .is_some_and(|start| start > at)
        .then_some(Excluded::NotStarted)
}
