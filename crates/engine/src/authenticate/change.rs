//! A new password at the back-end: `auth/change-backend-password` (authentication.md 12).

use super::back_end::{self, Sent};
use super::case::{Case, End, Flow, Halt, refuse, refuse_noting, refuse_telling};
use super::trial::Failure;
use super::{candidates, learn, local, password};
use crate::Secret;
use crate::attempt::{Credentials, Separate, Via};
use crate::audit::Code;
use crate::back_end::Wanted;
use crate::decision::Change;
use crate::policy::{BackEndAuth, LocalAuth};
use crate::status::Status;
use crate::trace::{Check, Entry, Setting, Shape, Value, What};
use std::ops::ControlFlow;

/// `auth/change-backend-password`; other commands go on. The old password is proven by the change itself, so that one
/// that has expired there can be changed.
pub(super) fn at_back_end(case: &mut Case<'_>) -> Flow {
    if case.attempt.via != Via::ChangeBackEndPassword {
        return ControlFlow::Continue(());
    }
    case.credential = "password_change";
    let Credentials::Separate(fields) = case.attempt.credentials else {
        return refuse(Status::MISSINGFLD);
    };
    let (Some(old), Some(new)) = (fields.static_password, fields.new_password) else {
        return refuse(Status::MISSINGFLD);
    };
    locally(case, &fields, old)?;
    case.credential = "password_change";
    if case.modes.back_end == BackEndAuth::None {
        case.note(Setting::BackEndAuth, Value::Word("none"));
        return refuse_telling(
            Status::UNSUPPORTED,
            "The policy asks no back-end that could change the password.",
        );
    }
    if new.is_empty() || password::too_long(new.expose()) {
        return refuse_telling(
            Status::INVDATA,
            "new_password must be text of 1 to 128 characters",
        );
    }
    let change = prepared(case, new)?;
    if !accepted(case, old, new)? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    if let Some(change) = change {
        case.changes.push(change);
        case.events.push((Code::PASSWORD_LEARNED, None));
    }
    ControlFlow::Break(Halt::End(End::Updated))
}

/// Local authentication, as far as it does not need the back-end.
fn locally(case: &mut Case<'_>, fields: &Separate<'_>, old: &Secret) -> Flow {
    let length = |part: &Secret| u32::try_from(part.len()).unwrap_or(u32::MAX);
    if case.modes.local == LocalAuth::None {
        return ControlFlow::Continue(());
    }
    if fields.otp.is_some() {
        return local::authenticate(case).map_continue(|_| ());
    }
    if fields.pin.is_some() {
        return refuse_telling(Status::INVPARAM, "A PIN is checked with an OTP only.");
    }
    case.trace.push(Entry::Read {
        shape: Shape::Update,
        front: length(old),
        pin: 0,
        otp: 0,
        new_pin: fields.new_password.map_or(0, length),
    });
    let owned = candidates::owned(case);
    let stored = password::is_stored(case, old.expose())?;
    if !stored && (case.modes.back_end == BackEndAuth::None || owned.only_expired) {
        return local::nothing_fitted(case, &owned, &Failure::default(), false);
    }
    local::alone(case, &owned, old.expose(), stored).map_continue(|_| ())
}

/// The new password as it will be stored here, where it may be; made before the back-end changes anything, so that
/// nothing can fail after it.
fn prepared(case: &mut Case<'_>, new: &Secret) -> Flow<Option<Change>> {
    let Some(account) = case.account else {
        return ControlFlow::Continue(None);
    };
    case.note(
        Setting::PasswordAutolearn,
        Value::yes_no(case.policy.password_autolearn),
    );
    if !case.policy.password_autolearn {
        return ControlFlow::Continue(None);
    }
    match learn::learned(case, account, new)? {
        Some(change) => ControlFlow::Continue(Some(change)),
        None => refuse_noting(
            Status::BUSY,
            "the limit of password checks in work is reached",
        ),
    }
}

/// Whether the back-end accepts the old password and has the new one now; 1122 where the new one breaks its rules.
pub(super) fn accepted(case: &mut Case<'_>, old: &Secret, new: &Secret) -> Flow<bool> {
    if old.is_empty() || password::too_long(old.expose()) {
        case.failed(Check::BackEnd, 0, 0);
        return ControlFlow::Continue(false);
    }
    let wanted = Wanted::Change {
        old: old.clone(),
        new: new.clone(),
    };
    let heard = case.ask_back_end(What::Change, wanted)?;
    let changed = back_end::settle(case, heard, Sent::Apart)?;
    if changed {
        case.events.push((Code::BACK_END_PASSWORD_CHANGED, None));
    }
    ControlFlow::Continue(changed)
}
