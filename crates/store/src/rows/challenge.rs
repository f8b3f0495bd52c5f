//! Challenges and kept answers.

use crate::StoreError;
use crate::sql::{Columns, Row, Tx, args};
use countersign_engine::decision::KeptAnswer;
use countersign_engine::model::{
    ApplicationKey, BackEndKey, Challenge, ChallengeKey, ChallengeKind, DomainKey, Relayed, UserKey,
};
use countersign_engine::time::Timestamp;

/// Challenges of one user that are kept; the oldest gives way.
pub const PER_USER: i64 = 20;

const ONE: &str = "SELECT key, kind, component_type, user_key, application_key, number, question, issued, wrong, version,
    relayed_server, relayed_state, relayed_domain, relayed_user FROM challenge WHERE key = $1";
const OF_USER: &str = "SELECT key, kind, component_type, user_key, application_key, number, question, issued, wrong, version,
    relayed_server, relayed_state, relayed_domain, relayed_user FROM challenge
    WHERE user_key = $1 ORDER BY issued DESC";
const INSERT: &str = "INSERT INTO challenge (key, kind, component_type, user_key, application_key, number, question, issued, wrong, version,
    relayed_server, relayed_state, relayed_domain, relayed_user)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
// The memory of accepted responses does not give way: it is what refuses a replay.
const DELETE_OLDEST: &str = "DELETE FROM challenge WHERE key IN
    (SELECT key FROM challenge WHERE user_key = $1 AND kind <> 5 ORDER BY issued DESC, number DESC LIMIT 1000 OFFSET $2)";
const TAKE: &str = "DELETE FROM challenge WHERE key = $1 AND version = $2";
const WRONG: &str =
    "UPDATE challenge SET wrong = wrong + 1, version = version + 1 WHERE key = $1 AND version = $2";
const EXPIRED: &str = "DELETE FROM challenge WHERE key IN
    (SELECT key FROM challenge WHERE issued < $1 AND (kind <> 5 OR issued < $2) ORDER BY issued LIMIT $3)";
const COUNT: &str = "SELECT COUNT(*) FROM challenge";
const COUNT_LIVE: &str = "SELECT COUNT(*) FROM challenge WHERE issued >= $1";

const KINDS: &[(ChallengeKind, i64)] = &[
    (ChallengeKind::OneStep, 1),
    (two_step(false, false), 2),
    (two_step(true, false), 3),
    (ChallengeKind::SecondOtp, 4),
    (ChallengeKind::Accepted, 5),
    (two_step(false, true), 6),
    (two_step(true, true), 7),
    (ChallengeKind::BackEnd, 8),
    (ChallengeKind::SelfAssign, 9),
];

const fn two_step(wants_password: bool, pin_proven: bool) -> ChallengeKind {
    ChallengeKind::TwoStep {
        wants_password,
        pin_proven,
    }
}

const KEPT: &str = "SELECT key, body, answer, expires FROM kept_answer WHERE component_type = $1 AND request_id = $2";
const KEEP: &str = "INSERT INTO kept_answer (key, component_type, request_id, body, answer, expires) VALUES ($1, $2, $3, $4, $5, $6)";
const FORGET_OLD: &str =
    "DELETE FROM kept_answer WHERE component_type = $1 AND request_id = $2 AND expires < $3";
const KEPT_EXPIRED: &str = "DELETE FROM kept_answer WHERE key IN (SELECT key FROM kept_answer WHERE expires < $1 ORDER BY expires LIMIT $2)";

fn read(row: &Row<'_>) -> Result<Challenge, StoreError> {
    let mut c = row.columns();
    let key = ChallengeKey(c.bytes()?);
    let number = c.int()?;
    let kind = KINDS
        .iter()
        .find(|(_, own)| *own == number)
        .map(|(kind, _)| *kind);
    Ok(Challenge {
        key,
        kind: kind
            .ok_or_else(|| StoreError::Corrupt(format!("{number} is no kind of challenge")))?,
        component_type: c.string()?,
        user: c.opt_int()?.map(UserKey),
        application: c.opt_int()?.map(ApplicationKey),
        number: c.int()?,
        question: c.string()?,
        issued: c.time()?,
        wrong: c.number()?,
        version: c.int()?,
        relayed: relayed(&mut c)?.map(Box::new),
    })
}

fn relayed(c: &mut Columns<'_, '_>) -> Result<Option<Relayed>, StoreError> {
    let server = c.opt_int()?;
    let (state, domain, user) = (c.opt_blob()?, c.opt_int()?, c.opt_text()?);
    Ok(server.map(|server| Relayed {
        server: BackEndKey(server),
        state: state.unwrap_or_default().to_vec(),
        domain: DomainKey(domain.unwrap_or_default()),
        user: user.unwrap_or_default().to_owned(),
    }))
}

pub(crate) fn one(tx: Tx<'_>, key: ChallengeKey) -> Result<Option<Challenge>, StoreError> {
    tx.first(ONE, args![&key.0], read)
}

/// The challenges of a user, newest first.
pub(crate) fn of_user(tx: Tx<'_>, user: UserKey) -> Result<Vec<Challenge>, StoreError> {
    tx.all(OF_USER, args![user.0], read)
}

/// Keeps a challenge and says how many others gave way to it.
pub(crate) fn put(tx: Tx<'_>, r: &Challenge) -> Result<usize, StoreError> {
    let kind = KINDS
        .iter()
        .find(|(kind, _)| *kind == r.kind)
        .map_or(0, |(_, number)| *number);
    let relayed = r.relayed.as_deref();
    let (user, application) = (r.user.map(|key| key.0), r.application.map(|key| key.0));
    tx.one(
        INSERT,
        args![
            &r.key.0,
            kind,
            &r.component_type,
            user,
            application,
            r.number,
            &r.question,
            r.issued,
            r.wrong,
            r.version,
            relayed.map(|own| own.server.0),
            relayed.map(|own| own.state.as_slice()),
            relayed.map(|own| own.domain.0),
            relayed.map(|own| &own.user),
        ],
    )?;
    r.user
        .map_or(Ok(0), |user| tx.run(DELETE_OLDEST, args![user.0, PER_USER]))
}

pub(crate) fn take(tx: Tx<'_>, key: ChallengeKey, guard: i64) -> Result<(), StoreError> {
    tx.one(TAKE, args![&key.0, guard])
}

pub(crate) fn wrong(tx: Tx<'_>, key: ChallengeKey, guard: i64) -> Result<(), StoreError> {
    tx.one(WRONG, args![&key.0, guard])
}

/// Removes at most `limit` challenges issued before `before`; memories of accepted responses only those issued before
/// `memories_before`.
pub(crate) fn remove_expired(
    tx: Tx<'_>,
    before: Timestamp,
    memories_before: Timestamp,
    limit: i64,
) -> Result<usize, StoreError> {
    tx.run(EXPIRED, args![before, memories_before, limit])
}

pub(crate) fn count(tx: Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .first(COUNT, &[], |row| row.columns().int())?
        .unwrap_or(0))
}

pub(crate) fn count_live(tx: Tx<'_>, since: Timestamp) -> Result<i64, StoreError> {
    Ok(tx
        .first(COUNT_LIVE, args![since], |row| row.columns().int())?
        .unwrap_or(0))
}

/// A kept answer as stored.
pub(crate) struct Kept {
    pub(crate) key: i64,
    pub(crate) body: [u8; 32],
    pub(crate) answer: Box<[u8]>,
    pub(crate) expires: Timestamp,
}

pub(crate) fn kept(
    tx: Tx<'_>,
    component_type: &str,
    request_id: &str,
) -> Result<Option<Kept>, StoreError> {
    tx.first(KEPT, args![component_type, request_id], |row| {
        let mut c = row.columns();
        Ok(Kept {
            key: c.int()?,
            body: c.bytes()?,
            answer: c.blob()?.into(),
            expires: c.time()?,
        })
    })
}

/// Keeps an answer; an expired one of the same request gives way, another one is a unique value taken.
pub(crate) fn keep(
    tx: Tx<'_>,
    key: i64,
    r: &KeptAnswer,
    answer: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.send(FORGET_OLD, args![&r.component_type, &r.request_id, now])?;
    tx.one(
        KEEP,
        args![
            key,
            &r.component_type,
            &r.request_id,
            &r.body,
            answer,
            r.expires
        ],
    )
}

pub(crate) fn remove_kept(tx: Tx<'_>, now: Timestamp, limit: i64) -> Result<usize, StoreError> {
    tx.run(KEPT_EXPIRED, args![now, limit])
}
