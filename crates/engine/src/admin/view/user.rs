use super::{View, filled, moment, view, with_meta};
use crate::facts::Account;
use crate::model::{LockReason, User, UserAttribute};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use serde_json::json;

/// An account; `linked` is the account whose authenticators it uses, where it is at hand.
pub fn user(account: &Account, snapshot: &Snapshot, linked: Option<&User>) -> View {
    let (user, state) = (&account.user, &account.state);
    let contact = user.contact.as_deref().cloned().unwrap_or_default();
    let overrides = user.overrides.as_deref().cloned().unwrap_or_default();
    let owner = user.ldap_owner.as_deref();
    let mut fields = view(json!({
        "user": user.id,
        "domain": snapshot.domains.name(user.domain),
        "org_unit": snapshot.unit_name(user.org_unit),
        "name": filled(&contact.name),
        "description": filled(&contact.description),
        "email": filled(&contact.email),
        "phone": filled(&contact.phone),
        "mobile": filled(&contact.mobile),
        "locale": filled(&contact.locale),
        "has_password": user.password.is_some(),
        "password_set_at": user.password.as_ref().map(|password| password.set_at.rfc3339()),
        "linked_user": linked.map(|linked| linked.id.as_str()),
        "linked_domain": linked.map(|linked| snapshot.domains.name(linked.domain)),
        "expires_at": moment(user.expires_at),
        "administrator": user.is_administrator(),
        "max_sessions": user.max_sessions,
        "last_logon_at": user.last_logon.as_ref().map(|(at, _)| at.rfc3339()),
        "last_logon_from": user.last_logon.as_ref().map(|(_, from)| from.as_str()),
        "sync_profile": owner.and_then(|owner| profile(snapshot, owner.profile)),
        "sync_dn": owner.map(|owner| owner.dn.as_str()),
    }));
    fields.append(&mut view(json!({
        "disabled": user.disabled,
        "locked": state.locked.is_some(),
        "lock_reason": state.locked.map(reason),
        "lock_count": state.lock_count,
        "unlock_attempts_used": state.unlock_attempts_used,
        "lock_duration_min": state.lock_duration_min,
        "last_auth_at": moment(last_auth_at(account)),
        "last_auth_request_at": moment(state.last_auth_request_at),
        "last_failure_at": moment(state.last_failure_at),
        "local_auth": overrides.local_auth,
        "back_end_auth": overrides.back_end_auth,
        "group_check": overrides.group_check,
        "offline_auth": overrides.offline_auth,
        "max_days_between_authentications": overrides.max_days_between_authentications,
        "delivery_method": overrides.delivery_method,
        "delivery_profile": overrides.delivery_profile,
        "signature_delivery_method": overrides.signature_delivery_method,
        "signature_delivery_profile": overrides.signature_delivery_profile,
    })));
    with_meta(fields, &user.meta)
}

/// The name of a synchronisation profile.
fn profile(snapshot: &Snapshot, key: i64) -> Option<&str> {
    let mut all = snapshot.sync_profiles.iter();
    all.find(|one| one.key == key).map(|one| one.name.as_str())
}

/// An attribute of an account.
pub fn attribute(user: &User, snapshot: &Snapshot, attribute: &UserAttribute) -> View {
    view(json!({
        "user": user.id,
        "domain": snapshot.domains.name(user.domain),
        "group": attribute.group,
        "name": attribute.name,
        "index": attribute.index,
        "usage": attribute.usage,
        "value": attribute.value,
    }))
}

/// The last successful authentication: the newest of the account's own and of its own authenticators.
pub fn last_auth_at(account: &Account) -> Option<Timestamp> {
    let own = account
        .authenticators
        .iter()
        .filter(|_| !account.is_linked());
    let uses = own
        .flat_map(|authenticator| &authenticator.applications)
        .filter_map(|application| application.state.last_success);
    uses.chain(account.state.last_auth_at).max()
}

fn reason(reason: LockReason) -> &'static str {
    match reason {
        LockReason::Failures => "failures",
        LockReason::Administrator => "admin",
    }
}
