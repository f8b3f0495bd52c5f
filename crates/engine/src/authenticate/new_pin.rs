//! A new server PIN that came encrypted, proven by the old one (authentication.md 12).

use super::candidates::{self, Candidate};
use super::case::{Case, End, Flow, Halt, Tried, refuse, refuse_telling};
use super::trial::{self, Parts, PinSeen};
use super::{judge, local, sealed};
use crate::Secret;
use crate::attempt::{Credentials, Via};
use crate::audit::Code;
use crate::decision::Change;
use crate::model::ApplicationState;
use crate::status::Status;
use crate::trace::{Entry, Shape};
use std::ops::ControlFlow;
use subtle::ConstantTimeEq;

/// `auth/change-encrypted-password` with PINs; everything else goes on.
pub(super) fn update(case: &mut Case<'_>) -> Flow {
    let Credentials::Separate(fields) = case.attempt.credentials else {
        return ControlFlow::Continue(());
    };
    let (Via::ChangeEncryptedPassword, Some(old), Some(new)) =
        (case.attempt.via, fields.pin, fields.new_pin)
    else {
        return ControlFlow::Continue(());
    };
    if case.account.is_none() {
        return refuse(Status::USER_UNKNOWN);
    }
    let length = |part: &Secret| u32::try_from(part.len()).unwrap_or(u32::MAX);
    case.trace.push(Entry::Read {
        shape: Shape::Update,
        front: 0,
        pin: length(old),
        otp: 0,
        new_pin: length(new),
    });
    let candidate = proven(case, old)?;
    let parts = Parts {
        static_part: None,
        pin: PinSeen::Right,
        pin_length: old.len(),
        otp: "",
        new_pin: Some(new.expose()),
    };
    if let Err(why) = trial::pin_change(case, candidate.application, &parts) {
        return refuse_telling(Status::LOCAL_AUTH_REJECT, why);
    }
    set(case, candidate, new);
    ControlFlow::Break(Halt::End(End::Updated))
}

/// The first application with this PIN; 1012 where there is none, 1020 where no application has one.
fn proven<'a>(case: &mut Case<'a>, old: &Secret) -> Flow<Candidate<'a>> {
    let owned = candidates::owned(case);
    let mut barred = false;
    for candidate in &owned.candidates {
        let application = candidate.application;
        if !trial::has_pin(application) {
            continue;
        }
        let Some(stored) = sealed::pin(case, application)? else {
            continue;
        };
        if judge::barred(case, application).is_some() {
            barred = true;
        } else if bool::from(stored.expose().ct_eq(old.expose())) {
            case.tried.clear();
            return ControlFlow::Continue(*candidate);
        } else {
            let state = application.state;
            case.tried.push(Tried {
                candidate: *candidate,
                state,
            });
        }
    }
    if owned.only_expired {
        return local::nothing_fitted(case, &owned, &trial::Failure::default(), false);
    }
    if case.tried.is_empty() && !barred {
        return refuse_telling(
            Status::LOCAL_AUTH_REJECT,
            "No authenticator of the user has a server PIN.",
        );
    }
    refuse(Status::OTP_INCORRECT)
}

fn set<'a>(case: &mut Case<'a>, candidate: Candidate<'a>, new: &Secret) {
    let application = candidate.application;
    let state = application.state;
    case.changes.push(Change::Pin {
        key: application.key,
        pin: new.clone(),
    });
    case.changes.push(Change::Application {
        key: application.key,
        guard: state.version,
        to: ApplicationState {
            version: state.version + 1,
            pin_change_forced: false,
            ..state
        },
    });
    case.used = Some((candidate, None));
    case.events.push((Code::PIN_CHANGED, None));
}
