//! Synchronisation profiles and their runs.

use super::{RowError, check_version, version};
use crate::StoreError;
use crate::sql::{Arg, Row, Tx, args};
use countersign_engine::model::{
    BackEndKey, DomainKey, Meta, SyncGone, SyncMapping, SyncOptions, SyncProfile, SyncRun,
    SyncScope, SyncState, UnitKey,
};
use countersign_engine::text::fold;
use serde::{Deserialize, Serialize};

pub(crate) const TABLE: &str = "sync_profile";

pub(crate) const ALL: &str = "SELECT key, name, enabled, source_key, base, scope, filter, domain_key, unit_key, successor, mapping, options,
    max_delete_percent, created, modified, record_version, revision FROM sync_profile ORDER BY name";
const INSERT: &str = "INSERT INTO sync_profile (name, folded, enabled, source_key, base, scope, filter, domain_key, unit_key, successor, mapping,
    options, max_delete_percent, modified, record_version, key, revision, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
const UPDATE: &str = "UPDATE sync_profile SET name = $1, folded = $2, enabled = $3, source_key = $4, base = $5, scope = $6, filter = $7,
    domain_key = $8, unit_key = $9, successor = $10, mapping = $11, options = $12, max_delete_percent = $13, modified = $14,
    record_version = $15, revision = revision + 1 WHERE key = $16 AND revision = $17";
pub(crate) const DELETE: &str = "DELETE FROM sync_profile WHERE key = $1 AND revision = $2";
const DELETE_RUN: &str = "DELETE FROM sync_run WHERE profile_key = $1";
const DISOWN: &str = "UPDATE \"user\" SET ldap_profile = NULL, ldap_entry = NULL, ldap_dn = NULL WHERE ldap_profile = $1";

const RUN: &str = "SELECT profile_key, version, node, caller, state, started, seen, ended, totals, message FROM sync_run WHERE profile_key = $1";
const INSERT_RUN: &str = "INSERT INTO sync_run (version, node, caller, state, started, seen, ended, totals, message, profile_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (profile_key) DO NOTHING";
const UPDATE_RUN: &str = "UPDATE sync_run SET version = $1, node = $2, caller = $3, state = $4, started = $5, seen = $6, ended = $7, totals = $8,
    message = $9 WHERE profile_key = $10 AND version = $11";

/// The columns `mapping` and `options` as they are stored.
#[derive(Serialize, Deserialize)]
struct Mapping {
    user: Option<String>,
    name: Option<String>,
    description: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    disabled: Option<String>,
    org_unit: Option<String>,
    expires: Option<String>,
    custom: Vec<(String, String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Options {
    create: bool,
    enable_created: bool,
    update: bool,
    gone: String,
    create_units: bool,
    move_accounts: bool,
}

fn json<T: for<'a> Deserialize<'a>>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("{what} of a sync_profile: {error}")))
}

fn text_of(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(error.to_string()))
}

pub(crate) fn read(row: &Row<'_>) -> Result<SyncProfile, RowError> {
    let mut c = row.columns();
    let (key, name, enabled, source) = (c.int()?, c.string()?, c.flag()?, BackEndKey(c.int()?));
    let (base, scope, filter) = (c.opt_string()?, c.word(SyncScope::of)?, c.opt_string()?);
    let (domain, org_unit) = (DomainKey(c.int()?), c.opt_int()?.map(UnitKey));
    let (successor, mapping, options) = (c.opt_string()?, c.text()?, c.text()?);
    let max_delete_percent = c.number()?;
    let meta = check_version(
        c.meta()?,
        version::SYNC_PROFILE,
        "synchronisation profile",
        &name,
    )?;
    Ok(SyncProfile {
        key,
        enabled,
        source,
        base,
        scope,
        filter,
        domain,
        org_unit,
        successor,
        mapping: self::mapping(mapping)?,
        options: self::options(options)?,
        max_delete_percent,
        meta,
        name,
    })
}

fn mapping(text: &str) -> Result<SyncMapping, StoreError> {
    let own: Mapping = json("mapping", text)?;
    Ok(SyncMapping {
        user: own.user,
        name: own.name,
        description: own.description,
        email: own.email,
        phone: own.phone,
        mobile: own.mobile,
        disabled: own.disabled,
        org_unit: own.org_unit,
        expires: own.expires,
        custom: own.custom,
    })
}

fn options(text: &str) -> Result<SyncOptions, StoreError> {
    let own: Options = json("options", text)?;
    let gone = SyncGone::of(&own.gone)
        .ok_or_else(|| StoreError::Corrupt("options of a sync_profile: gone".to_owned()))?;
    Ok(SyncOptions {
        create: own.create,
        enable_created: own.enable_created,
        update: own.update,
        gone,
        create_units: own.create_units,
        move_accounts: own.move_accounts,
    })
}

pub(crate) fn insert(tx: Tx<'_>, r: &SyncProfile, m: Meta) -> Result<(), StoreError> {
    write(tx, INSERT, r, m, Some(m.created.into()))
}

pub(crate) fn update(tx: Tx<'_>, r: &SyncProfile, m: Meta) -> Result<(), StoreError> {
    write(tx, UPDATE, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    r: &SyncProfile,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let own = r.mapping.clone();
    let mapping = text_of(&Mapping {
        user: own.user,
        name: own.name,
        description: own.description,
        email: own.email,
        phone: own.phone,
        mobile: own.mobile,
        disabled: own.disabled,
        org_unit: own.org_unit,
        expires: own.expires,
        custom: own.custom,
    })?;
    let options = text_of(&Options {
        create: r.options.create,
        enable_created: r.options.enable_created,
        update: r.options.update,
        gone: r.options.gone.word().to_owned(),
        create_units: r.options.create_units,
        move_accounts: r.options.move_accounts,
    })?;
    let folded = fold(&r.name);
    let mut args = args![
        &r.name,
        &folded,
        r.enabled,
        r.source.0,
        r.base.as_deref(),
        r.scope.word(),
        r.filter.as_deref(),
        r.domain.0,
        r.org_unit.map(|unit| unit.0),
        r.successor.as_deref(),
        &mapping,
        &options,
        r.max_delete_percent,
        m.modified,
        m.record_version,
        r.key,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}

/// Forgets what hangs on a profile: its run, and that it owns accounts.
pub(crate) fn forget(tx: Tx<'_>, key: i64) -> Result<(), StoreError> {
    tx.send(DELETE_RUN, args![key])?;
    tx.send(DISOWN, args![key])
}

/// The newest run of a profile.
pub(crate) fn run(tx: Tx<'_>, profile: i64) -> Result<Option<SyncRun>, StoreError> {
    tx.first(RUN, args![profile], |row| {
        let mut c = row.columns();
        Ok(SyncRun {
            profile: c.int()?,
            version: c.int()?,
            node: c.string()?,
            user: c.string()?,
            state: c.word(SyncState::of)?,
            started: c.time()?,
            seen: c.time()?,
            ended: c.opt_time()?,
            totals: c.string()?,
            message: c.string()?,
        })
    })
}

/// Puts a run into the place of its last version; a conflict where that is not there any more.
pub(crate) fn put_run(tx: Tx<'_>, r: &SyncRun) -> Result<(), StoreError> {
    let mut args = args![
        r.version + 1,
        &r.node,
        &r.user,
        r.state.word(),
        r.started,
        r.seen,
        r.ended,
        &r.totals,
        &r.message,
        r.profile,
    ]
    .to_vec();
    if r.version == 0 {
        return tx.one(INSERT_RUN, &args);
    }
    args.push(r.version.into());
    tx.one(UPDATE_RUN, &args)
}
