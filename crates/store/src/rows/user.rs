//! User accounts, their moving state and their attributes.

use super::{RowError, blob, check_version, sealed, version};
use crate::StoreError;
use crate::sql::{Arg, Columns, Row, Tx, args};
use countersign_engine::model::{
    Contact, DomainKey, LdapOwner, LockReason, Meta, Overrides, StoredPassword, UnitKey, User,
    UserAttribute, UserKey, UserState,
};
use countersign_engine::policy::{BackEndAuth, GroupCheck, LocalAuth};
use countersign_engine::text::fold;
use countersign_engine::time::Timestamp;
use std::collections::BTreeSet;

pub(crate) const TABLE: &str = "user";

/// The columns of an account and then those of its state, for `FROM "user" u JOIN user_state s`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.key, u.domain_key, u.user_id, u.folded, u.created, u.modified, u.record_version, u.revision, u.unit_key, u.name,
    u.description, u.email, u.phone, u.mobile, u.locale, u.password, u.password_copy, u.password_history, u.password_set_at, u.local_auth,
    u.back_end_auth, u.group_check, u.offline_auth, u.max_days_between_authentications, u.delivery_method, u.delivery_profile,
    u.signature_delivery_method, u.signature_delivery_profile, u.linked_key, u.disabled, u.expires_at, u.privileges, u.last_logon_at,
    u.last_logon_from, u.max_sessions, s.version, s.lock_count, s.locked, s.unlock_attempts_used, s.lock_duration_min, s.last_auth_at,
    s.last_auth_request_at, s.last_failure_at, u.ldap_profile, u.ldap_entry, u.ldap_dn FROM \"user\" u JOIN user_state s ON s.user_key = u.key ",
            $rest
        )
    };
}

/// Where the mark of synchronisation stands in a row.
const OWNER: usize = 43;

pub(crate) const BY_NAME: &str = select!("WHERE u.domain_key = $1 AND u.folded = $2");
pub(crate) const BY_KEY: &str = select!("WHERE u.key = $1");

const INSERT: &str = "INSERT INTO \"user\" (domain_key, user_id, folded, unit_key, name, name_folded, description, description_folded, email, email_folded, phone, mobile,
    locale, password, password_copy, password_history, password_set_at, local_auth, back_end_auth, group_check, offline_auth,
    max_days_between_authentications, delivery_method, delivery_profile, signature_delivery_method, signature_delivery_profile, linked_key, disabled,
    expires_at, privileges, last_logon_at, last_logon_from, max_sessions, ldap_profile, ldap_entry, ldap_dn, modified, record_version, key,
    revision, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
    $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)";
const UPDATE: &str = "UPDATE \"user\" SET domain_key = $1, user_id = $2, folded = $3, unit_key = $4, name = $5, name_folded = $6, description = $7, description_folded = $8,
    email = $9, email_folded = $10, phone = $11, mobile = $12, locale = $13, password = $14, password_copy = $15, password_history = $16,
    password_set_at = $17, local_auth = $18, back_end_auth = $19, group_check = $20, offline_auth = $21, max_days_between_authentications = $22,
    delivery_method = $23, delivery_profile = $24, signature_delivery_method = $25, signature_delivery_profile = $26, linked_key = $27,
    disabled = $28, expires_at = $29, privileges = $30, last_logon_at = $31, last_logon_from = $32, max_sessions = $33, ldap_profile = $34,
    ldap_entry = $35, ldap_dn = $36, modified = $37, record_version = $38, revision = revision + 1 WHERE key = $39 AND revision = $40";
const DELETE: &str = "DELETE FROM \"user\" WHERE key = $1 AND revision = $2";
const SET_PASSWORD: &str = "UPDATE \"user\" SET password = $1, password_copy = $2, password_history = $3, password_set_at = $4, modified = $5,
    revision = revision + 1 WHERE key = $6";
const VERSION: &str = "SELECT record_version FROM \"user\" WHERE key = $1";
const LAST_LOGON: &str =
    "UPDATE \"user\" SET last_logon_at = $1, last_logon_from = $2 WHERE key = $3";
const LINKED: &str = "SELECT linked_key FROM \"user\" WHERE key = $1";

const INSERT_STATE: &str = "INSERT INTO user_state (user_key, version, lock_count, locked, unlock_attempts_used, lock_duration_min, last_auth_at,
    last_auth_request_at, last_failure_at) VALUES ($1, 1, 0, 0, 0, 0, NULL, NULL, NULL)";
const UPDATE_STATE: &str = "UPDATE user_state SET version = $1, lock_count = $2, locked = $3, unlock_attempts_used = $4, lock_duration_min = $5,
    last_auth_at = $6, last_auth_request_at = $7, last_failure_at = $8 WHERE user_key = $9 AND version = $10";
const DELETE_STATE: &str = "DELETE FROM user_state WHERE user_key = $1";
const RAISE_STATE: &str = "UPDATE user_state SET version = version + 1 WHERE user_key = $1";
// The applications an account uses are its own and, through a link, those of the other account; who is linked to this
// account uses the same ones.
const RAISE_APPLICATIONS: &str = "UPDATE application_state SET version = version + 1 WHERE application_key IN
    (SELECT p.key FROM application p JOIN authenticator a ON a.key = p.authenticator_key WHERE a.user_key = $1 OR a.user_key = $2)";
const RAISE_BORROWERS: &str = "UPDATE user_state SET version = version + 1 WHERE user_key IN (SELECT key FROM \"user\" WHERE linked_key = $1)";
const FREE_AUTHENTICATORS: &str = "UPDATE authenticator SET user_key = NULL, assigned_at = NULL, revision = revision + 1 WHERE user_key = $1";

/// The attributes of an account by folded name or by row, for a read together with the account.
pub(crate) const ATTRIBUTES_BY_NAME: &str = "SELECT group_name, name, position, usage, value FROM user_attribute
    WHERE user_key = (SELECT key FROM \"user\" WHERE domain_key = $1 AND folded = $2) ORDER BY group_name, name, position";
pub(crate) const ATTRIBUTES_BY_KEY: &str =
    "SELECT group_name, name, position, usage, value FROM user_attribute
    WHERE user_key = $1 ORDER BY group_name, name, position";
const PUT_ATTRIBUTE: &str = "INSERT INTO user_attribute (user_key, group_name, name, position, usage, value) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_key, group_name, name, position) DO UPDATE SET usage = excluded.usage, value = excluded.value";
const DELETE_ATTRIBUTE: &str = "DELETE FROM user_attribute WHERE user_key = $1 AND group_name = $2 AND name = $3 AND position = $4";
const DELETE_ATTRIBUTES: &str = "DELETE FROM user_attribute WHERE user_key = $1";

/// The locks as `user_state.locked` holds them.
const LOCKS: &[(Option<LockReason>, i64)] = &[
    (None, 0),
    (Some(LockReason::Failures), 1),
    (Some(LockReason::Administrator), 2),
];

pub(crate) fn by_key(tx: Tx<'_>, key: UserKey) -> Result<Option<(User, UserState)>, RowError> {
    flat(tx.first(BY_KEY, args![key.0], |row| Ok(read(row))))
}

fn flat<T>(found: Result<Option<Result<T, RowError>>, StoreError>) -> Result<Option<T>, RowError> {
    found?.transpose()
}

pub(crate) fn read(row: &Row<'_>) -> Result<(User, UserState), RowError> {
    let mut c = row.columns();
    let (key, domain, id, folded) = (
        UserKey(c.int()?),
        DomainKey(c.int()?),
        c.string()?,
        c.string()?,
    );
    let meta = check_version(c.meta()?, version::known(TABLE), "user", &id)?;
    let mut user = User {
        key,
        domain,
        id,
        folded,
        meta,
        org_unit: c.opt_int()?.map(UnitKey),
        contact: contact(&mut c)?,
        password: password(&mut c)?,
        overrides: overrides(&mut c)?,
        linked: c.opt_int()?.map(UserKey),
        disabled: c.flag()?,
        expires_at: c.opt_time()?,
        privileges: privileges(c.opt_text()?)?,
        last_logon: last_logon(&mut c)?,
        max_sessions: c.opt_number()?,
        ldap_owner: None,
    };
    let state = state(&mut c)?;
    user.ldap_owner = owner(&mut c)?.map(Box::new);
    Ok((user, state))
}

/// The accounts of a condition that a caller writes.
pub(crate) fn of(condition: &str) -> String {
    format!("{}{condition}", select!(""))
}

/// What tells an account even where its record cannot be read: domain, folded user ID, and profile and entry that own it.
pub(crate) fn identity(row: &Row<'_>) -> Result<Identity, StoreError> {
    let mut c = row.columns_from(1);
    let (domain, _, folded) = (DomainKey(c.int()?), c.opt_text()?, c.string()?);
    let owner = owner(&mut row.columns_from(OWNER))?;
    Ok((domain, folded, owner.map(|own| (own.profile, own.entry))))
}

/// Domain, folded user ID, and the profile and entry that own it.
type Identity = (DomainKey, String, Option<(i64, String)>);

fn owner(c: &mut Columns<'_, '_>) -> Result<Option<LdapOwner>, StoreError> {
    let (profile, entry, dn) = (c.opt_int()?, c.opt_string()?, c.opt_string()?);
    Ok(profile.map(|profile| LdapOwner {
        profile,
        entry: entry.unwrap_or_default(),
        dn: dn.unwrap_or_default(),
    }))
}

fn contact(c: &mut Columns<'_, '_>) -> Result<Option<Box<Contact>>, StoreError> {
    let mut text = || Ok::<_, StoreError>(c.opt_string()?.unwrap_or_default());
    let contact = Contact {
        name: text()?,
        description: text()?,
        email: text()?,
        phone: text()?,
        mobile: text()?,
        locale: text()?,
    };
    Ok((contact != Contact::default()).then(|| Box::new(contact)))
}

fn password(c: &mut Columns<'_, '_>) -> Result<Option<StoredPassword>, StoreError> {
    let (verifier, copy, history) = (
        c.opt_blob()?.map(sealed),
        c.opt_blob()?.map(sealed),
        c.opt_blob()?.map(sealed),
    );
    let set_at = c.opt_time()?.unwrap_or_default();
    Ok(verifier.map(|verifier| StoredPassword {
        verifier,
        copy,
        history,
        set_at,
    }))
}

fn overrides(c: &mut Columns<'_, '_>) -> Result<Option<Box<Overrides>>, StoreError> {
    let overrides = Overrides {
        local_auth: c.opt_word(LocalAuth::parse)?,
        back_end_auth: c.opt_word(BackEndAuth::parse)?,
        group_check: c.opt_word(GroupCheck::parse)?,
        offline_auth: c.opt_int()?.map(|flag| flag != 0),
        max_days_between_authentications: c.opt_number()?,
        delivery_method: c.opt_string()?,
        delivery_profile: c.opt_string()?,
        signature_delivery_method: c.opt_string()?,
        signature_delivery_profile: c.opt_string()?,
    };
    Ok((overrides != Overrides::default()).then(|| Box::new(overrides)))
}

fn privileges(json: Option<&str>) -> Result<BTreeSet<String>, StoreError> {
    let read = |json| {
        serde_json::from_str(json)
            .map_err(|error| StoreError::Corrupt(format!("privileges of a user: {error}")))
    };
    json.map_or_else(|| Ok(BTreeSet::new()), read)
}

fn last_logon(c: &mut Columns<'_, '_>) -> Result<Option<(Timestamp, String)>, StoreError> {
    let (at, from) = (c.opt_time()?, c.opt_string()?);
    Ok(at.map(|at| (at, from.unwrap_or_default())))
}

fn state(c: &mut Columns<'_, '_>) -> Result<UserState, StoreError> {
    let (version, lock_count, locked) = (c.int()?, c.number()?, c.int()?);
    let reason = LOCKS
        .iter()
        .find(|(_, number)| *number == locked)
        .map(|(reason, _)| *reason);
    Ok(UserState {
        version,
        lock_count,
        locked: reason.ok_or_else(|| StoreError::Corrupt(format!("{locked} is no lock reason")))?,
        unlock_attempts_used: c.number()?,
        lock_duration_min: c.number()?,
        last_auth_at: c.opt_time()?,
        last_auth_request_at: c.opt_time()?,
        last_failure_at: c.opt_time()?,
    })
}

pub(crate) fn insert(tx: Tx<'_>, r: &User, m: Meta) -> Result<(), StoreError> {
    write(tx, INSERT, r, m, Some(m.created.into()))?;
    tx.one(INSERT_STATE, args![r.key.0])
}

pub(crate) fn update(tx: Tx<'_>, r: &User, m: Meta) -> Result<(), StoreError> {
    write(tx, UPDATE, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    r: &User,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let nothing = Contact::default();
    let contact = r.contact.as_deref().unwrap_or(&nothing);
    let (name, email) = (known(&contact.name), known(&contact.email));
    let (name_folded, email_folded, description_folded) = (
        name.map(fold),
        email.map(fold),
        known(&contact.description).map(fold),
    );
    let none = Overrides::default();
    let o = r.overrides.as_deref().unwrap_or(&none);
    let privileges = (!r.privileges.is_empty())
        .then(|| serde_json::to_string(&r.privileges).unwrap_or_default());
    let p = r.password.as_ref();
    let owner = r.ldap_owner.as_deref();
    let mut args = args![
        r.domain.0,
        &r.id,
        &r.folded,
        r.org_unit.map(|unit| unit.0),
        name,
        name_folded.as_deref(),
        known(&contact.description),
        description_folded.as_deref(),
        email,
        email_folded.as_deref(),
        known(&contact.phone),
        known(&contact.mobile),
        known(&contact.locale),
        blob(p.map(|p| &p.verifier)),
        blob(p.and_then(|p| p.copy.as_ref())),
        blob(p.and_then(|p| p.history.as_ref())),
        p.map(|p| p.set_at),
        o.local_auth.map(LocalAuth::as_str),
        o.back_end_auth.map(BackEndAuth::as_str),
        o.group_check.map(GroupCheck::as_str),
        o.offline_auth,
        o.max_days_between_authentications,
        o.delivery_method.as_deref(),
        o.delivery_profile.as_deref(),
        o.signature_delivery_method.as_deref(),
        o.signature_delivery_profile.as_deref(),
        r.linked.map(|user| user.0),
        r.disabled,
        r.expires_at,
        privileges.as_deref(),
        r.last_logon.as_ref().map(|(at, _)| *at),
        r.last_logon.as_ref().map(|(_, from)| from.as_str()),
        r.max_sessions,
        owner.map(|own| own.profile),
        owner.map(|own| own.entry.as_str()),
        owner.map(|own| own.dn.as_str()),
        m.modified,
        m.record_version,
        r.key.0,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}

/// An empty text is no value.
fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Removes an account with its state and attributes; authenticators still assigned to it become free.
pub(crate) fn delete(tx: Tx<'_>, key: UserKey, revision: i64) -> Result<bool, StoreError> {
    if tx.run(DELETE, args![key.0, revision])? == 0 {
        return Ok(false);
    }
    for sql in [DELETE_STATE, DELETE_ATTRIBUTES, FREE_AUTHENTICATORS] {
        tx.run(sql, args![key.0])?;
    }
    Ok(true)
}

/// Sets the sealed fields of a password of an account that must be there.
pub(crate) fn set_password(
    tx: Tx<'_>,
    key: UserKey,
    r: &StoredPassword,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (copy, history) = (blob(r.copy.as_ref()), blob(r.history.as_ref()));
    tx.one(
        SET_PASSWORD,
        args![blob(Some(&r.verifier)), copy, history, r.set_at, now, key.0],
    )
}

/// The format an account is stored in.
pub(crate) fn record_version(tx: Tx<'_>, key: UserKey) -> Result<Option<u32>, StoreError> {
    tx.first(VERSION, args![key.0], |row| row.columns().number())
}

pub(crate) fn set_last_logon(
    tx: Tx<'_>,
    key: UserKey,
    at: Timestamp,
    from: &str,
) -> Result<(), StoreError> {
    tx.one(LAST_LOGON, args![at, from, key.0])
}

/// Writes the moving state, whose version must still be `guard`.
pub(crate) fn set_state(
    tx: Tx<'_>,
    key: UserKey,
    guard: i64,
    r: &UserState,
) -> Result<(), StoreError> {
    let [a, b, c, d, e, f, g, h, i] = state_args(r, key);
    tx.one(UPDATE_STATE, &[a, b, c, d, e, f, g, h, i, guard.into()])
}

/// The columns of a state in the order of [`UPDATE_STATE`], then its key.
pub(crate) fn state_args(r: &UserState, key: UserKey) -> [Arg<'static>; 9] {
    let locked = LOCKS
        .iter()
        .find(|(reason, _)| *reason == r.locked)
        .map_or(0, |(_, number)| *number);
    [
        r.version.into(),
        r.lock_count.into(),
        locked.into(),
        r.unlock_attempts_used.into(),
        r.lock_duration_min.into(),
        r.last_auth_at.into(),
        r.last_auth_request_at.into(),
        r.last_failure_at.into(),
        key.0.into(),
    ]
}

/// The account that an account is linked to.
pub(crate) fn linked(tx: Tx<'_>, key: UserKey) -> Result<Option<UserKey>, StoreError> {
    Ok(tx
        .first(LINKED, args![key.0], |row| row.columns().opt_int())?
        .flatten()
        .map(UserKey))
}

/// Raises every version that a logon of this account, or of one that uses its authenticators, is guarded by.
pub(crate) fn raise_versions(tx: Tx<'_>, key: UserKey) -> Result<(), StoreError> {
    let linked = linked(tx, key)?.map(|user| user.0);
    tx.send(RAISE_STATE, args![key.0])?;
    tx.send(RAISE_APPLICATIONS, args![key.0, linked])?;
    tx.send(RAISE_BORROWERS, args![key.0])
}

pub(crate) fn attribute(row: &Row<'_>) -> Result<UserAttribute, StoreError> {
    let mut c = row.columns();
    Ok(UserAttribute {
        group: c.string()?,
        name: c.string()?,
        index: c.number()?,
        usage: c.string()?,
        value: c.string()?,
    })
}

pub(crate) fn put_attribute(tx: Tx<'_>, key: UserKey, r: &UserAttribute) -> Result<(), StoreError> {
    tx.send(
        PUT_ATTRIBUTE,
        args![key.0, &r.group, &r.name, r.index, &r.usage, &r.value],
    )
}

pub(crate) fn delete_attribute(
    tx: Tx<'_>,
    key: UserKey,
    group: &str,
    name: &str,
    index: u32,
) -> Result<(), StoreError> {
    tx.run(DELETE_ATTRIBUTE, args![key.0, group, name, index])
        .map(|_| ())
}
