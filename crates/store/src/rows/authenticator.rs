//! Authenticators, read together with their applications and the moving states of these.

use super::{RowError, application, check_version, version};
use crate::StoreError;
use crate::sql::{Arg, Row, Tx, args};
use countersign_engine::decision::Free;
use countersign_engine::model::{
    Authenticator, AuthenticatorKey, BackupVirtual, DomainKey, Meta, UnitKey, UserKey,
};
use countersign_engine::text::fold;
use countersign_engine::time::{Day, Timestamp};

pub(crate) const TABLE: &str = "authenticator";

/// The columns of an authenticator, then those of one of its applications with its state (NULL where it has none).
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.key, a.serial, a.created, a.modified, a.record_version, a.revision, a.domain_key, a.unit_key, a.type_name, a.user_key,
    a.assigned_at, a.reserved, a.grace_end, a.expires_at, a.starts_at, a.disabled_at, a.description, a.backup_virtual, a.backup_until,
    a.backup_uses_left, p.key, p.name, p.created, p.modified, p.record_version, p.revision, p.position, p.kind, p.active, p.secure_channel,
    p.host_code, p.confirm, p.algorithm, p.hash, p.digits, p.period, p.suite, p.pin_supported, p.pin_enabled, p.pin_change_allowed,
    p.pin_min_length, p.secret, p.pin, s.version, s.counter, s.drift, s.last_step, s.initial, s.pin_change_forced, s.errors, s.signature_errors,
    s.last_success, s.challenges, s.checked_step, s.resync_value, s.resync_at
    FROM authenticator a LEFT JOIN application p ON p.authenticator_key = a.key LEFT JOIN application_state s ON s.application_key = p.key ",
            $rest
        )
    };
}

/// Where the columns of the application begin in a row.
const APPLICATION: usize = 20;

/// The authenticators that an account uses, its own or through a link, by its folded name or its row.
pub(crate) const USED_BY_NAME: &str = select!(
    "WHERE a.user_key = (SELECT COALESCE(linked_key, key) FROM \"user\" WHERE domain_key = $1 AND folded = $2) ORDER BY a.key, p.position"
);
pub(crate) const USED_BY_KEY: &str = select!(
    "WHERE a.user_key = (SELECT COALESCE(linked_key, key) FROM \"user\" WHERE key = $1) ORDER BY a.key, p.position"
);
const BY_SERIAL: &str = select!("WHERE a.serial = $1 ORDER BY p.position");
const BY_KEY: &str = select!("WHERE a.key = $1 ORDER BY p.position");

/// Free authenticators that are looked at, of those equally near.
const NEAR: usize = 32;
/// Types that one statement names; SQLite takes 500 parts.
const MOST_TYPES: usize = 100;

const INSERT: &str = "INSERT INTO authenticator (serial, domain_key, unit_key, type_name, user_key, assigned_at, reserved, grace_end, expires_at,
    starts_at, disabled_at, description, description_folded, backup_virtual, backup_until, backup_uses_left, modified, record_version, key, revision, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
const UPDATE: &str = "UPDATE authenticator SET serial = $1, domain_key = $2, unit_key = $3, type_name = $4, user_key = $5, assigned_at = $6,
    reserved = $7, grace_end = $8, expires_at = $9, starts_at = $10, disabled_at = $11, description = $12, description_folded = $13, backup_virtual = $14, backup_until = $15,
    backup_uses_left = $16, modified = $17, record_version = $18, revision = revision + 1 WHERE key = $19 AND revision = $20";
const DELETE: &str = "DELETE FROM authenticator WHERE key = $1 AND revision = $2";
const END_GRACE: &str = "UPDATE authenticator SET grace_end = $1, modified = $2, revision = revision + 1 WHERE key = $3";
const OWNER: &str = "SELECT user_key FROM authenticator WHERE key = $1";
const KEYS_OF_USER: &str = "SELECT key FROM authenticator WHERE user_key = $1";
const RAISE: &str = "UPDATE application_state SET version = version + 1 WHERE application_key IN
    (SELECT key FROM application WHERE authenticator_key = $1)";

/// The authenticators of a condition that a caller writes.
pub(crate) fn of(condition: &str) -> String {
    format!("{}{condition}", select!(""))
}

pub(crate) fn by_serial(tx: Tx<'_>, serial: &str) -> Result<Option<Authenticator>, RowError> {
    Ok(read_all(tx, BY_SERIAL, args![serial])?.pop())
}

pub(crate) fn by_key(tx: Tx<'_>, key: AuthenticatorKey) -> Result<Option<Authenticator>, RowError> {
    Ok(read_all(tx, BY_KEY, args![key.0])?.pop())
}

/// The free authenticators of one unit by row, of each type at most [`NEAR`] that end some day and as many that never do.
///
/// A statement reads hardly more rows than it answers: the index of the free ones leads to the type and past what has
/// expired. They come in its order, columns that are all the same included: without that a server's planner may take
/// another index and read all free ones.
pub(crate) fn free(
    tx: Tx<'_>,
    wanted: &Free,
    unit: Option<UnitKey>,
) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for types in wanted.types.chunks(MOST_TYPES) {
        let (sql, args) = free_statement(wanted, types, unit);
        found.extend(tx.all(&sql, &args, |row| row.columns().int())?);
    }
    Ok(found)
}

pub(crate) fn free_statement<'a>(
    wanted: &'a Free,
    types: &'a [String],
    unit: Option<UnitKey>,
) -> (String, Vec<Arg<'a>>) {
    let mut args: Vec<Arg<'_>> = Vec::new();
    // Parameters have their numbers in the order in which the statement first names them.
    let domain = place(&mut args, wanted.domain.0.into());
    let unit = match unit {
        Some(unit) => format!("= {}", place(&mut args, unit.0.into())),
        None => "IS NULL".to_owned(),
    };
    let (mut parts, mut rest) = (Vec::new(), None);
    for name in types {
        let name = place(&mut args, name.into());
        let (today, now, applications) = rest.get_or_insert_with(|| {
            let today = place(&mut args, wanted.at.day().into());
            let now = place(&mut args, wanted.at.into());
            (today, now, applications(wanted, &mut args))
        });
        for end in [format!("> {today}"), "IS NULL".to_owned()] {
            let number = parts.len();
            parts.push(format!(
                "SELECT key FROM (SELECT a.key FROM authenticator a WHERE a.domain_key = {domain} AND a.unit_key {unit}
    AND a.type_name = {name} AND a.expires_at {end} AND a.user_key IS NULL AND a.reserved = 0 AND a.disabled_at IS NULL
    AND (a.starts_at IS NULL OR a.starts_at <= {now}) AND EXISTS ({applications})
    ORDER BY a.domain_key, a.unit_key, a.type_name, a.expires_at LIMIT {NEAR}) part{number}"
            ));
        }
    }
    (parts.join(" UNION ALL "), args)
}

/// The next parameter, and how a statement names it.
fn place<'a>(args: &mut Vec<Arg<'a>>, value: Arg<'a>) -> String {
    args.push(value);
    format!("${}", args.len())
}

/// The applications that make an authenticator one that is wanted.
fn applications<'a>(wanted: &'a Free, args: &mut Vec<Arg<'a>>) -> String {
    let mut sql =
        "SELECT 1 FROM application p WHERE p.authenticator_key = a.key AND p.active = 1".to_owned();
    let names: Vec<Arg<'a>> = wanted.applications.iter().map(Arg::from).collect();
    let kinds: Vec<Arg<'a>> = wanted.kinds.iter().map(|kind| kind.code().into()).collect();
    for (column, values) in [("name", names), ("kind", kinds)] {
        if !values.is_empty() {
            let places: Vec<String> = values.into_iter().map(|value| place(args, value)).collect();
            sql.push_str(&format!(" AND p.{column} IN ({})", places.join(", ")));
        }
    }
    sql
}

fn read_all(tx: Tx<'_>, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Authenticator>, RowError> {
    let mut joined = Joined::default();
    tx.all(sql, args, |row| joined.add(row))?;
    joined.finish()
}

/// Joins the rows of each authenticator with its applications; rows of one come one after the other.
#[derive(Default)]
pub(crate) struct Joined {
    all: Vec<Authenticator>,
    unreadable: Option<RowError>,
}

impl Joined {
    /// Takes the next row.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        match add(row, &mut self.all) {
            Ok(()) => Ok(()),
            Err(RowError::Store(error)) => Err(error),
            Err(error) => {
                self.unreadable.get_or_insert(error);
                Ok(())
            }
        }
    }

    /// The authenticators, unless one could not be read.
    pub(crate) fn finish(mut self) -> Result<Vec<Authenticator>, RowError> {
        // Most have one: without this a cached account would take the room of four of each.
        self.all.shrink_to_fit();
        self.all
            .iter_mut()
            .for_each(|authenticator| authenticator.applications.shrink_to_fit());
        self.unreadable.map_or(Ok(self.all), Err)
    }
}

fn add(row: &Row<'_>, all: &mut Vec<Authenticator>) -> Result<(), RowError> {
    let key = AuthenticatorKey(row.columns().int()?);
    if all.last().is_none_or(|last| last.key != key) {
        all.push(read(row)?);
    }
    let mut c = row.columns_from(APPLICATION);
    let Some(application) = c.opt_int()? else {
        return Ok(());
    };
    if let Some(last) = all.last_mut() {
        let application = application::read(application, &mut c, &last.serial)?;
        last.applications.push(application);
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Authenticator, RowError> {
    let mut c = row.columns();
    let (key, serial) = (AuthenticatorKey(c.int()?), c.string()?);
    let meta = check_version(c.meta()?, version::known(TABLE), "authenticator", &serial)?;
    Ok(Authenticator {
        key,
        serial,
        meta,
        domain: DomainKey(c.int()?),
        org_unit: c.opt_int()?.map(UnitKey),
        type_name: c.string()?,
        user: c.opt_int()?.map(UserKey),
        assigned_at: c.opt_time()?,
        reserved: c.flag()?,
        grace_end: c.opt_day()?,
        expires_at: c.opt_day()?,
        starts_at: c.opt_time()?,
        disabled_at: c.opt_time()?,
        description: c.string()?,
        backup_virtual: c.opt_word(BackupVirtual::parse)?,
        backup_until: c.opt_day()?,
        backup_uses_left: c.opt_number()?,
        applications: Vec::new(),
    })
}

pub(crate) fn insert(tx: Tx<'_>, r: &Authenticator, m: Meta) -> Result<(), StoreError> {
    write(tx, INSERT, r, m, Some(m.created.into()))
}

pub(crate) fn update(tx: Tx<'_>, r: &Authenticator, m: Meta) -> Result<(), StoreError> {
    write(tx, UPDATE, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    r: &Authenticator,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let folded = fold(&r.description);
    let mut args = args![
        &r.serial,
        r.domain.0,
        r.org_unit.map(|unit| unit.0),
        &r.type_name,
        r.user.map(|user| user.0),
        r.assigned_at,
        r.reserved,
        r.grace_end,
        r.expires_at,
        r.starts_at,
        r.disabled_at,
        &r.description,
        &folded,
        r.backup_virtual.map(BackupVirtual::as_str),
        r.backup_until,
        r.backup_uses_left,
        m.modified,
        m.record_version,
        r.key.0,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}

/// Removes an authenticator with its applications.
pub(crate) fn delete(tx: Tx<'_>, key: AuthenticatorKey, revision: i64) -> Result<bool, StoreError> {
    if tx.run(DELETE, args![key.0, revision])? == 0 {
        return Ok(false);
    }
    application::delete_of(tx, key)?;
    Ok(true)
}

pub(crate) fn end_grace(
    tx: Tx<'_>,
    key: AuthenticatorKey,
    day: Day,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.one(END_GRACE, args![day, now, key.0])
}

/// The account an authenticator is assigned to.
pub(crate) fn owner(tx: Tx<'_>, key: AuthenticatorKey) -> Result<Option<UserKey>, StoreError> {
    Ok(tx
        .first(OWNER, args![key.0], |row| row.columns().opt_int())?
        .flatten()
        .map(UserKey))
}

/// The authenticators assigned to an account.
pub(crate) fn keys_of_user(tx: Tx<'_>, user: UserKey) -> Result<Vec<AuthenticatorKey>, StoreError> {
    tx.all(KEYS_OF_USER, args![user.0], |row| {
        row.columns().int().map(AuthenticatorKey)
    })
}

/// Raises the versions of its applications.
pub(crate) fn raise_versions(tx: Tx<'_>, key: AuthenticatorKey) -> Result<(), StoreError> {
    tx.send(RAISE, args![key.0])
}
