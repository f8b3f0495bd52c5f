//! Applications of authenticators and their moving state.

use super::{RowError, blob, check_version, convert, sealed, version};
use crate::StoreError;
use crate::sql::{Arg, Columns, Tx, args};
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, AuthenticatorKey,
    Meta, PinSettings, Sealed,
};
use countersign_engine::time::Timestamp;

pub(crate) const TABLE: &str = "application";

const INSERT: &str = "INSERT INTO application (authenticator_key, name, position, kind, active, secure_channel, host_code, confirm, algorithm, hash,
    digits, period, suite, pin_supported, pin_enabled, pin_change_allowed, pin_min_length, secret, pin, modified, record_version, key, revision,
    created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
const UPDATE: &str = "UPDATE application SET authenticator_key = $1, name = $2, position = $3, kind = $4, active = $5, secure_channel = $6,
    host_code = $7, confirm = $8, algorithm = $9, hash = $10, digits = $11, period = $12, suite = $13, pin_supported = $14, pin_enabled = $15,
    pin_change_allowed = $16, pin_min_length = $17, secret = $18, pin = $19, modified = $20, record_version = $21, revision = revision + 1
    WHERE key = $22 AND revision = $23";
const DELETE: &str = "DELETE FROM application WHERE key = $1 AND revision = $2";
const DELETE_STATE: &str = "DELETE FROM application_state WHERE application_key = $1";
const DELETE_STATES_OF: &str = "DELETE FROM application_state WHERE application_key IN (SELECT key FROM application WHERE authenticator_key = $1)";
const DELETE_OF: &str = "DELETE FROM application WHERE authenticator_key = $1";
const AUTHENTICATOR: &str =
    "SELECT authenticator_key, record_version FROM application WHERE key = $1";
const SET_PIN: &str =
    "UPDATE application SET pin = $1, modified = $2, revision = revision + 1 WHERE key = $3";

const NEWEST: &str = "SELECT MAX(application_key) FROM application_state";
const INSERT_STATE: &str = "INSERT INTO application_state (version, counter, drift, last_step, initial, pin_change_forced, errors, signature_errors,
    last_success, challenges, checked_step, resync_value, resync_at, application_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const UPDATE_STATE: &str = "UPDATE application_state SET version = $1, counter = $2, drift = $3, last_step = $4, initial = $5, pin_change_forced = $6,
    errors = $7, signature_errors = $8, last_success = $9, challenges = $10, checked_step = $11, resync_value = $12, resync_at = $13
    WHERE application_key = $14 AND version = $15";

/// Reads the columns after the key.
pub(crate) fn read(
    key: i64,
    c: &mut Columns<'_, '_>,
    serial: &str,
) -> Result<Application, RowError> {
    let name = c.string()?;
    let meta = match check_version(c.meta()?, version::known(TABLE), "application", &name) {
        Err(RowError::Unreadable(mut unreadable)) => {
            unreadable.which = format!("{} (authenticator {serial})", unreadable.which);
            return Err(RowError::Unreadable(unreadable));
        }
        other => other?,
    };
    Ok(Application {
        key: ApplicationKey(key),
        name,
        meta,
        index: c.number()?,
        kind: c.word(ApplicationKind::parse)?,
        active: c.flag()?,
        secure_channel: c.flag()?,
        host_code: c.flag()?,
        confirm: c.flag()?,
        algorithm: algorithm(c, meta.record_version)?,
        pin: PinSettings {
            supported: c.flag()?,
            enabled: c.flag()?,
            change_allowed: c.flag()?,
            min_length: c.number()?,
        },
        secret: sealed(c.blob()?),
        sealed_pin: c.opt_blob()?.map(sealed),
        state: state(c)?,
    })
}

fn algorithm(c: &mut Columns<'_, '_>, format: u32) -> Result<Algorithm, StoreError> {
    let name = c.text()?;
    let (hash, digits, period, suite) = (
        c.opt_text()?,
        c.opt_number()?,
        c.opt_number()?,
        c.opt_text()?,
    );
    let hash = hash.and_then(|hash| convert::hash_of(format, hash).parse().ok());
    let algorithm = match (name, hash, digits, period, suite) {
        ("HOTP", Some(hash), Some(digits), ..) => Some(Algorithm::Hotp { hash, digits }),
        ("TOTP", Some(hash), Some(digits), Some(period), _) => Some(Algorithm::Totp {
            hash,
            digits,
            period,
        }),
        ("OCRA", .., Some(suite)) => suite
            .parse()
            .ok()
            .map(|suite| Algorithm::Ocra(Box::new(suite))),
        _ => None,
    };
    algorithm.ok_or_else(|| {
        StoreError::Corrupt(format!(
            "{name:?} and its parameters are no known algorithm"
        ))
    })
}

/// Bits of the column `initial`.
const INITIAL: i64 = 1;
/// Wants two values in a row; set by a restore.
pub(crate) const RESTORED: i64 = 2;

fn state(c: &mut Columns<'_, '_>) -> Result<ApplicationState, StoreError> {
    let (version, counter, drift, last_step) = (c.int()?, c.number()?, c.int()?, c.opt_number()?);
    let initial = c.int()?;
    Ok(ApplicationState {
        version,
        counter,
        drift,
        last_step,
        initial: initial & INITIAL != 0,
        restored: initial & RESTORED != 0,
        pin_change_forced: c.flag()?,
        errors: c.number()?,
        signature_errors: c.number()?,
        last_success: c.opt_time()?,
        challenges: c.int()?,
        checked_step: c.opt_number()?,
        resync: c.opt_number()?.zip(c.opt_time()?),
    })
}

pub(crate) fn insert(
    tx: Tx<'_>,
    of: AuthenticatorKey,
    r: &Application,
    m: Meta,
) -> Result<(), StoreError> {
    write(tx, INSERT, of, r, m, Some(m.created.into()))?;
    let state = ApplicationState {
        version: r.state.version.max(1),
        ..r.state
    };
    tx.one(INSERT_STATE, &state_args(&state, r.key))
}

pub(crate) fn update(
    tx: Tx<'_>,
    of: AuthenticatorKey,
    r: &Application,
    m: Meta,
) -> Result<(), StoreError> {
    write(tx, UPDATE, of, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    of: AuthenticatorKey,
    r: &Application,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let (name, hash, digits, period, suite) = match &r.algorithm {
        Algorithm::Hotp { hash, digits } => ("HOTP", Some(hash.name()), Some(*digits), None, None),
        Algorithm::Totp {
            hash,
            digits,
            period,
        } => (
            "TOTP",
            Some(hash.name()),
            Some(*digits),
            Some(*period),
            None,
        ),
        Algorithm::Ocra(suite) => ("OCRA", None, None, None, Some(suite.as_str())),
    };
    let hash = hash.map(|hash| convert::hash_name(m.record_version, hash));
    let mut args = args![
        of.0,
        &r.name,
        r.index,
        r.kind.code(),
        r.active,
        r.secure_channel,
        r.host_code,
        r.confirm,
        name,
        hash,
        digits,
        period,
        suite,
        r.pin.supported,
        r.pin.enabled,
        r.pin.change_allowed,
        r.pin.min_length,
        blob(Some(&r.secret)),
        blob(r.sealed_pin.as_ref()),
        m.modified,
        m.record_version,
        r.key.0,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}

fn initial_bits(r: &ApplicationState) -> i64 {
    [(r.initial, INITIAL), (r.restored, RESTORED)]
        .iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, bit)| bit)
        .sum()
}

/// The columns of a state in the order of [`UPDATE_STATE`], then its key.
pub(crate) fn state_args(r: &ApplicationState, key: ApplicationKey) -> [Arg<'static>; 14] {
    [
        r.version.into(),
        r.counter.into(),
        r.drift.into(),
        r.last_step.into(),
        initial_bits(r).into(),
        r.pin_change_forced.into(),
        r.errors.into(),
        r.signature_errors.into(),
        r.last_success.into(),
        r.challenges.into(),
        r.checked_step.into(),
        r.resync.map(|(value, _)| value).into(),
        r.resync.map(|(_, at)| at).into(),
        key.0.into(),
    ]
}

/// Writes the moving state, whose version must still be `guard`.
pub(crate) fn set_state(
    tx: Tx<'_>,
    key: ApplicationKey,
    guard: i64,
    r: &ApplicationState,
) -> Result<(), StoreError> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = state_args(r, key);
    tx.one(
        UPDATE_STATE,
        &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, guard.into()],
    )
}

pub(crate) fn delete(tx: Tx<'_>, key: ApplicationKey, revision: i64) -> Result<bool, StoreError> {
    if tx.run(DELETE, args![key.0, revision])? == 0 {
        return Ok(false);
    }
    tx.run(DELETE_STATE, args![key.0])?;
    Ok(true)
}

pub(crate) fn delete_of(tx: Tx<'_>, authenticator: AuthenticatorKey) -> Result<(), StoreError> {
    tx.run(DELETE_STATES_OF, args![authenticator.0])?;
    tx.run(DELETE_OF, args![authenticator.0]).map(|_| ())
}

/// The highest row number: about as many applications there are.
pub(crate) fn newest(tx: Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .first(NEWEST, &[], |row| row.columns().opt_int())?
        .flatten()
        .unwrap_or(0))
}

/// The authenticator an application belongs to, and the format it is stored in.
pub(crate) fn authenticator(
    tx: Tx<'_>,
    key: ApplicationKey,
) -> Result<Option<(AuthenticatorKey, u32)>, StoreError> {
    tx.first(AUTHENTICATOR, args![key.0], |row| {
        let mut c = row.columns();
        Ok((AuthenticatorKey(c.int()?), c.number()?))
    })
}

pub(crate) fn set_pin(
    tx: Tx<'_>,
    key: ApplicationKey,
    pin: &Sealed,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.one(SET_PIN, args![blob(Some(pin)), now, key.0])
}
