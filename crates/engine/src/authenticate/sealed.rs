//! Sealed fields that a logon needs; one that does not open ends the attempt with -105 (E-112001).

use super::case::{Case, Flow, refuse_noting};
use crate::Secret;
use crate::audit::Code;
use crate::facts::{Place, Vault};
use crate::model::{Application, Sealed, User};
use crate::status::Status;
use crate::trace::Check;
use std::ops::ControlFlow;

/// Place of a sealed field of an application.
pub(super) fn of_application(application: &Application, field: &'static str) -> Place {
    Place {
        table: "application",
        id: application.key.0,
        field,
        version: application.meta.record_version,
    }
}

/// Place of a sealed field of an account.
pub(super) fn of_user(user: &User, field: &'static str) -> Place {
    Place {
        table: "user",
        id: user.key.0,
        field,
        version: user.meta.record_version,
    }
}

/// The plain value.
pub(super) fn open(case: &mut Case<'_>, place: Place, sealed: &Sealed) -> Flow<Secret> {
    let vault: &dyn Vault = case.facts.vault;
    match vault.open(place, sealed) {
        Ok(secret) => ControlFlow::Continue(secret),
        Err(_) => {
            case.failed(Check::Opens, 0, 0);
            let which = format!("{} {} {}", place.table, place.id, place.field);
            case.events
                .push((Code::SEALED_FIELD_UNOPENED, Some(which.into())));
            refuse_noting(Status::CRYPTO, "a sealed field cannot be opened")
        }
    }
}

/// The key of an application.
pub(super) fn key(case: &mut Case<'_>, application: &Application) -> Flow<Secret> {
    open(
        case,
        of_application(application, "secret"),
        &application.secret,
    )
}

/// The PIN of an application that has one set.
pub(super) fn pin(case: &mut Case<'_>, application: &Application) -> Flow<Option<Secret>> {
    match &application.sealed_pin {
        Some(sealed) => ControlFlow::Continue(Some(open(
            case,
            of_application(application, "pin"),
            sealed,
        )?)),
        None => ControlFlow::Continue(None),
    }
}
