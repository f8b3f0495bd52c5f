use super::{View, filled, moment, view, with_meta};
use crate::model::{Algorithm, Application, Authenticator, AuthenticatorType, User};
use crate::snapshot::Snapshot;
use crate::time::Day;
use serde_json::{Value as Json, json};

/// An authenticator with its applications; `owner` is the account it is assigned to, where it is at hand.
pub fn authenticator(
    authenticator: &Authenticator,
    snapshot: &Snapshot,
    owner: Option<&User>,
) -> View {
    let one = authenticator;
    let last = one
        .applications
        .iter()
        .filter_map(|application| application.state.last_success)
        .max();
    let applications = one
        .applications
        .iter()
        .map(|application| Json::Object(self::application(&one.serial, application)));
    let fields = json!({
        "serial": one.serial,
        "domain": snapshot.domains.name(one.domain),
        "org_unit": snapshot.unit_name(one.org_unit),
        "type": one.type_name,
        "user": owner.map(|owner| owner.id.as_str()),
        "user_domain": owner.map(|owner| snapshot.domains.name(owner.domain)),
        "assigned_at": moment(one.assigned_at),
        "reserved": one.reserved,
        "grace_end": one.grace_end.map(day),
        "expires_at": one.expires_at.map(day),
        "starts_at": moment(one.starts_at),
        "disabled": one.disabled_at.is_some(),
        "disabled_at": moment(one.disabled_at),
        "description": filled(&one.description),
        "backup_virtual": one.backup_virtual,
        "backup_until": one.backup_until.map(day),
        "backup_uses_left": one.backup_uses_left,
        "last_auth_at": moment(last),
        "applications": applications.collect::<Vec<_>>(),
    });
    with_meta(view(fields), &one.meta)
}

/// An application of the authenticator with this serial number.
pub fn application(serial: &str, application: &Application) -> View {
    let (one, state) = (application, &application.state);
    let mut fields = view(json!({
        "serial": serial,
        "application": one.name,
        "index": one.index,
        "type": one.kind.code(),
        "active": one.active,
        "secure_channel": one.secure_channel,
        "host_code": one.host_code,
        "confirm": one.confirm,
        "pin_supported": one.pin.supported,
        "pin_enabled": one.pin.enabled,
        "pin_set": one.sealed_pin.is_some(),
        "pin_change_allowed": one.pin.change_allowed,
        "pin_min_length": one.pin.min_length,
    }));
    fields.append(&mut algorithm(&one.algorithm));
    fields.append(&mut view(json!({
        "next_counter": state.counter,
        "drift": state.drift,
        "last_step": state.last_step,
        "initial_window": state.initial,
        "pin_change_forced": state.pin_change_forced,
        "errors": state.errors,
        "signature_errors": state.signature_errors,
        "last_use": moment(state.last_success),
    })));
    with_meta(fields, &one.meta)
}

/// An authenticator type.
pub fn authenticator_type(kind: &AuthenticatorType) -> View {
    with_meta(
        view(json!({"name": kind.name, "description": kind.description, "profile": kind.profile})),
        &kind.meta,
    )
}

fn algorithm(algorithm: &Algorithm) -> View {
    view(match algorithm {
        Algorithm::Hotp { hash, digits } => {
            json!({"algorithm": "HOTP", "hash": hash.name(), "digits": digits, "period": null, "suite": null})
        }
        Algorithm::Totp {
            hash,
            digits,
            period,
        } => {
            json!({"algorithm": "TOTP", "hash": hash.name(), "digits": digits, "period": period, "suite": null})
        }
        Algorithm::Ocra(suite) => {
            json!({"algorithm": "OCRA", "hash": null, "digits": null, "period": null, "suite": suite.as_str()})
        }
    })
}

fn day(day: Day) -> String {
    day.to_string()
}
