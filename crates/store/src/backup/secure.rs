//! What must not be valid again after a restore (administration.md 17).

use super::since::{Facts, Used};
use crate::StoreError;
use crate::rows::{application, authenticator, user};
use crate::sql::{Tx, args};
use countersign_engine::model::{AuthenticatorKey, UserKey};
use countersign_engine::text::fold;
use countersign_engine::time::Timestamp;
use countersign_oath::ocra::{MovingFactor, Suite};

const ALGORITHMS: &str = "SELECT DISTINCT algorithm, period, suite FROM application";
const APPLICATIONS: &str = "SELECT p.key, p.name, p.algorithm, p.period, p.suite FROM application p
    JOIN authenticator a ON a.key = p.authenticator_key WHERE a.serial = $1";
/// A learnt clock offset says how far the values of the device are ahead.
const REFUSE_STEPS: &str = "UPDATE application_state SET last_step = $1 + CASE WHEN drift > 0 THEN drift ELSE 0 END, version = version + 1,
    initial = CASE WHEN initial = 1 THEN 3 ELSE initial END, resync_value = NULL, resync_at = NULL
    WHERE application_key IN (SELECT key FROM application WHERE algorithm = $2 AND COALESCE(period, 0) = $3 AND COALESCE(suite, '') = $4)
    AND (last_step IS NULL OR last_step < $5 + CASE WHEN drift > 0 THEN drift ELSE 0 END)";
const WANT_TWO: &str = "UPDATE application_state SET initial = initial + 2, version = version + 1, resync_value = NULL, resync_at = NULL
    WHERE initial < 2 AND application_key IN (SELECT key FROM application WHERE algorithm = $1 AND COALESCE(suite, '') = $2)";
const REFUSE_STEPS_OF: &str = "UPDATE application_state SET last_step = $1 + CASE WHEN drift > 0 THEN drift ELSE 0 END, version = version + 1,
    initial = CASE WHEN initial = 1 THEN 3 ELSE initial END, resync_value = NULL, resync_at = NULL
    WHERE application_key = $2 AND (last_step IS NULL OR last_step < $3 + CASE WHEN drift > 0 THEN drift ELSE 0 END)";
const WANT_TWO_OF: &str = "UPDATE application_state SET initial = initial + 2, version = version + 1, resync_value = NULL, resync_at = NULL
    WHERE initial < 2 AND application_key = $1";
const RAISE_COUNTER: &str = "UPDATE application_state SET counter = $1, version = version + 1, initial = 0, resync_value = NULL, resync_at = NULL
    WHERE application_key = $2 AND counter < $3";
const RAISE_STEP: &str = "UPDATE application_state SET last_step = $1, version = version + 1, initial = 0, resync_value = NULL, resync_at = NULL
    WHERE application_key = $2 AND (last_step IS NULL OR last_step < $3)";
const USER: &str = "SELECT u.key, u.revision FROM \"user\" u JOIN domain d ON d.key = u.domain_key WHERE u.folded = $1 AND d.folded = $2";
const MASTER_USER: &str = "SELECT u.key, u.revision FROM \"user\" u JOIN domain d ON d.key = u.domain_key WHERE u.folded = $1 AND d.master = 1";
const AUTHENTICATOR: &str = "SELECT key, revision FROM authenticator WHERE serial = $1";
const NO_API_KEYS: &str =
    "UPDATE component SET api_key = NULL, revision = revision + 1 WHERE api_key IS NOT NULL";
/// What lives on a secret that its holder may have given back since.
const ENDED: &[&str] = &[
    "DELETE FROM session",
    "DELETE FROM challenge",
    "DELETE FROM kept_answer",
];

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Secured {
    /// Applications whose counter or step was raised.
    pub(super) raised: usize,
    /// Applications that want two values in a row at the next logon.
    pub(super) doubted: usize,
    /// Accounts and authenticators deleted since.
    pub(super) deleted: usize,
    /// API keys that ended.
    pub(super) api_keys: usize,
}

pub(super) fn secure(
    tx: Tx<'_>,
    facts: Option<&Facts>,
    now: Timestamp,
) -> Result<Secured, StoreError> {
    for sql in ENDED {
        tx.run(sql, &[])?;
    }
    let mut done = match facts {
        Some(facts) => from_trail(tx, facts, now)?,
        None => without_trail(tx, now)?,
    };
    if facts.is_none_or(|facts| facts.components) {
        done.api_keys = tx.run(NO_API_KEYS, &[])?;
    }
    Ok(done)
}

/// How the values of an application move.
enum Moving {
    Event,
    Time(i64),
    Not,
}

struct Algorithm {
    name: String,
    period: Option<i64>,
    suite: Option<String>,
}

impl Algorithm {
    fn moving(&self) -> Moving {
        let suite = || self.suite.as_deref()?.parse::<Suite>().ok();
        match self.name.as_str() {
            "HOTP" => Moving::Event,
            "TOTP" => Moving::Time(self.period.unwrap_or(30)),
            _ => match suite().map(|suite| (suite.moving_factor(), suite.time())) {
                Some((MovingFactor::Counter, _)) => Moving::Event,
                Some((MovingFactor::Time, Some(step))) => Moving::Time(step.seconds().into()),
                _ => Moving::Not,
            },
        }
    }
}

/// Nothing is known of what was used since: values up to now are refused, or must be followed by the next one.
fn without_trail(tx: Tx<'_>, now: Timestamp) -> Result<Secured, StoreError> {
    let algorithms = tx.all(ALGORITHMS, &[], |row| {
        let mut c = row.columns();
        Ok(Algorithm {
            name: c.string()?,
            period: c.opt_int()?,
            suite: c.opt_string()?,
        })
    })?;
    let mut done = Secured::default();
    for algorithm in &algorithms {
        let suite = algorithm.suite.as_deref().unwrap_or_default();
        match algorithm.moving() {
            Moving::Event => done.doubted += tx.run(WANT_TWO, args![&algorithm.name, suite])?,
            Moving::Time(period) => {
                let (step, stored) = (step(now, period), algorithm.period.unwrap_or(0));
                done.raised += tx.run(
                    REFUSE_STEPS,
                    args![step, &algorithm.name, stored, suite, step],
                )?;
            }
            Moving::Not => {}
        }
    }
    Ok(done)
}

fn step(now: Timestamp, period: i64) -> i64 {
    now.seconds().div_euclid(period.max(1))
}

/// What the exports say was used or deleted is so again.
fn from_trail(tx: Tx<'_>, facts: &Facts, now: Timestamp) -> Result<Secured, StoreError> {
    let mut done = Secured::default();
    for ((serial, name), used) in &facts.used {
        for (key, own, algorithm) in applications(tx, serial)? {
            if own == *name {
                done.raised += raise(tx, key, &algorithm, *used)?;
            }
        }
    }
    for (serial, name) in &facts.restated {
        for (key, own, algorithm) in applications(tx, serial)? {
            if name.as_ref().is_none_or(|name| *name == own) {
                done.doubted += doubt(tx, key, &algorithm, now)?;
            }
        }
    }
    for serial in &facts.gone_authenticators {
        if let Some((key, revision)) = tx.first(AUTHENTICATOR, args![serial], pair)? {
            done.deleted +=
                usize::from(authenticator::delete(tx, AuthenticatorKey(key), revision)?);
        }
    }
    for (domain, id) in &facts.gone_users {
        let (domain, id) = (fold(domain), fold(id));
        let found = if domain.is_empty() {
            tx.first(MASTER_USER, args![&id], pair)?
        } else {
            tx.first(USER, args![&id, &domain], pair)?
        };
        if let Some((key, revision)) = found {
            done.deleted += usize::from(user::delete(tx, UserKey(key), revision)?);
        }
    }
    Ok(done)
}

fn pair(row: &crate::sql::Row<'_>) -> Result<(i64, i64), StoreError> {
    let mut c = row.columns();
    Ok((c.int()?, c.int()?))
}

fn applications(tx: Tx<'_>, serial: &str) -> Result<Vec<(i64, String, Algorithm)>, StoreError> {
    tx.all(APPLICATIONS, args![serial], |row| {
        let mut c = row.columns();
        let (key, own) = (c.int()?, c.string()?);
        let algorithm = Algorithm {
            name: c.string()?,
            period: c.opt_int()?,
            suite: c.opt_string()?,
        };
        Ok((key, own, algorithm))
    })
}

fn raise(tx: Tx<'_>, key: i64, algorithm: &Algorithm, used: Used) -> Result<usize, StoreError> {
    match (algorithm.moving(), used.counter, used.seconds) {
        (Moving::Event, Some(counter), _) => {
            let next = counter.saturating_add(1);
            tx.run(RAISE_COUNTER, args![next, key, next])
        }
        (Moving::Time(period), _, Some(seconds)) => {
            let step = seconds / u64::try_from(period).unwrap_or(1).max(1);
            tx.run(RAISE_STEP, args![step, key, step])
        }
        _ => Ok(0),
    }
}

fn doubt(tx: Tx<'_>, key: i64, algorithm: &Algorithm, now: Timestamp) -> Result<usize, StoreError> {
    match algorithm.moving() {
        Moving::Event => tx.run(WANT_TWO_OF, args![key]),
        Moving::Time(period) => {
            let step = step(now, period);
            tx.run(REFUSE_STEPS_OF, args![step, key, step])
        }
        Moving::Not => Ok(0),
    }
}

/// The mark of doubt is the bit that the rows know.
const _: () = assert!(application::RESTORED == 2);
