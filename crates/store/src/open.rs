//! Opening a store: schema, keys, the check against the state file, and the beginning of an audit epoch.

use crate::database::{Access, Database, Source};
use crate::ledger::{self, Author, Beginning, Ledger, no_random, notice};
use crate::numbers::Numbers;
use crate::ring::{from_record, open as unseal, seal, to_record};
use crate::rows::key::AuditKeyRecord;
use crate::rows::{challenge, convert, key};
use crate::shared::Shared;
use crate::sql::Tx;
use crate::sqlite::TAKEN;
use crate::state_file::{self, Keeper};
use crate::writer::Writer;
use crate::{OpenError, Options, StoreError, marks, schema, snapshot, trail};
use countersign_engine::audit::chain::{Head, KeyNotice};
use countersign_engine::facts::Place;
use countersign_engine::model::Sealed;
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_keyring::{AuditKey, Keyring, RootKey};
use std::sync::Arc;
use std::time::Duration;

/// How often a start is tried again, and the pause before it.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// What opening comes to.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
}

/// What a store is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) options: &'a Options,
    pub(crate) root: Arc<RootKey>,
    /// The reason of an administrator who accepts a store that lacks what the node remembers.
    pub(crate) accepted: Option<&'a str>,
}

/// Opens a store and begins an epoch.
pub(crate) fn open(opening: &Opening<'_>) -> Result<Opened, OpenError> {
    let options = opening.options;
    schema::check_file(&options.url)?;
    let source = Source::new(options.url.clone(), &options.node, options.wait);
    let database = source
        .open(Access::Write)
        .map_err(|error| OpenError::of(&options.url, error))?;
    let begun = begin_among_others(&database, opening)?;
    let Begun {
        keyring,
        mut ledger,
        snapshot,
        outstanding,
    } = begun;
    if let Some(head) = ledger.remember.take() {
        state_file::write(&options.state_file, &head)
            .map_err(|error| state_error(options, error.to_string()))?;
    }
    let cached = options
        .cache_accounts
        .or_else(|| usize::try_from(snapshot.settings.number("cache.accounts")).ok());
    let shared = Arc::new(Shared::new(
        source,
        Arc::clone(&options.clock),
        cached.unwrap_or(0),
        options.queue,
        snapshot,
        keyring,
        outstanding,
    ));
    let keeper = Keeper::start(options.state_file.clone())
        .map_err(|error| StoreError::Disk(error.to_string()))?;
    let mut writer = Writer::new(database, Arc::clone(&shared), ledger, keeper);
    writer.tune()?;
    Ok(Opened { shared, writer })
}

/// What a start writes first, and reads in the same transaction.
struct Begun {
    keyring: Keyring,
    ledger: Ledger,
    snapshot: Snapshot,
    /// Challenges kept.
    outstanding: i64,
}

/// Schema, keys and epoch; again where another node that starts at the same time got in the way.
fn begin_among_others(database: &Database, opening: &Opening<'_>) -> Result<Begun, OpenError> {
    let mut tries = 0;
    loop {
        let result = begin(database, opening);
        match result {
            Err(error) if database.server().is_some() && tries < TRIES && may_pass(&error) => {
                tries += 1;
                tracing::debug!(%error, "the start is tried again");
                std::thread::sleep(PAUSE * tries);
            }
            Err(OpenError::Store(error)) if database.server().is_some() => {
                return Err(OpenError::of(&opening.options.url, error));
            }
            ended => return ended,
        }
    }
}

/// Whether an error of a start may come from another start.
fn may_pass(error: &OpenError) -> bool {
    let (OpenError::Store(cause) | OpenError::Migration { cause, .. }) = error else {
        return false;
    };
    match cause {
        StoreError::Contended | StoreError::Unknown(_) => true,
        StoreError::Refused(reason) => reason == TAKEN,
        _ => false,
    }
}

fn begin(database: &Database, opening: &Opening<'_>) -> Result<Begun, OpenError> {
    let options = opening.options;
    if let Some(server) = database.server() {
        server.outlive()?;
    }
    let now = (options.clock)();
    schema::migrate(database, &options.url, now)?;
    check_marks(database)?;
    let why = check_state(database, options, opening.accepted)?;
    database.begin()?;
    let begun = begin_epoch(database.tx(), opening, &why, now)
        .and_then(|begun| Ok(database.commit().map(|()| begun)?));
    if begun.is_err() {
        database.rollback();
    }
    begun
}

fn begin_epoch(
    tx: Tx<'_>,
    opening: &Opening<'_>,
    why: &Beginning,
    now: Timestamp,
) -> Result<Begun, OpenError> {
    let options = opening.options;
    let keyring = open_keys(tx, Arc::clone(&opening.root), now)?;
    let author = Arc::new(author(tx, options, &keyring, now)?);
    key::put_node(tx, &options.node, &options.version, now)?;
    if options.url.file().is_none() && matches!(why, Beginning::Usual) {
        ledger::end_unclosed(tx, &options.node, now)?;
    }
    let mut ledger = Ledger::begin(tx, &author, now, why)?;
    if matches!(why, Beginning::Accepted(..)) {
        ledger.sign(tx, now)?;
    }
    Ok(Begun {
        keyring,
        ledger,
        snapshot: snapshot::read(tx, &snapshot::Hosts::new(), &options.node)?,
        outstanding: challenge::count(tx)?,
    })
}

/// Refuses a store that is being moved, was moved, or holds records that only a newer program knows.
fn check_marks(database: &Database) -> Result<(), OpenError> {
    let tx = database.tx();
    let elsewhere = |text: String| Err(OpenError::Elsewhere(text));
    if let Some(to) = marks::one(tx, marks::MOVED_TO)? {
        return elsewhere(format!("it was moved to {to}; name that place by --store"));
    }
    if marks::one(tx, marks::INCOMING)?.is_some() {
        return elsewhere(
            "a move into it has not ended; give the same `countersign store move` again".to_owned(),
        );
    }
    if marks::one(tx, marks::MOVING)?.is_some() {
        return elsewhere(
            "it is being moved; give the same `countersign store move` again, or give it up by --abort"
                .to_owned(),
        );
    }
    match convert::unknown(&convert::written(tx)?) {
        None => Ok(()),
        Some((table, found, known)) => Err(OpenError::NewerRecords {
            table: table.to_owned(),
            found,
            known,
        }),
    }
}

/// Compares the store with what the node remembers.
fn check_state(
    database: &Database,
    options: &Options,
    accepted: Option<&str>,
) -> Result<Beginning, OpenError> {
    let remembered =
        state_file::read(&options.state_file).map_err(|reason| state_error(options, reason))?;
    let Some(head) = remembered else {
        return Ok(Beginning::Usual);
    };
    if trail::holds(database.tx(), &head)? {
        return Ok(Beginning::Usual);
    }
    match accepted {
        Some(reason) => Ok(Beginning::Accepted(head, reason.to_owned())),
        None => Err(rolled_back(&head)),
    }
}

fn rolled_back(head: &Head) -> OpenError {
    OpenError::RolledBack {
        epoch: data_encoding::HEXLOWER.encode(&head.epoch),
        seq: head.seq,
    }
}

fn state_error(options: &Options, reason: String) -> OpenError {
    OpenError::StateFile {
        path: options.state_file.clone(),
        reason,
    }
}

pub(crate) fn open_keys(
    tx: Tx<'_>,
    root: Arc<RootKey>,
    now: Timestamp,
) -> Result<Keyring, OpenError> {
    let rows = key::all(tx)?;
    if rows.is_empty() {
        let first =
            Keyring::first(root, now.0).map_err(|error| OpenError::Keys(error.to_string()))?;
        first
            .rows
            .iter()
            .try_for_each(|row| key::put(tx, &to_record(row)))?;
        // Nobody older ever wrote here.
        marks::put(tx, marks::RECORDS, &convert::newest(), now)?;
        return Ok(first.keyring);
    }
    let rows = rows.iter().map(from_record).collect::<Result<_, _>>()?;
    Keyring::load(root, rows).map_err(|error| OpenError::Keys(error.to_string()))
}

/// The node with its newest audit key; a new node gets one.
pub(crate) fn author(
    tx: Tx<'_>,
    options: &Options,
    ring: &Keyring,
    now: Timestamp,
) -> Result<Author, OpenError> {
    let known = key::audit_keys(tx)?
        .into_iter()
        .rfind(|record| record.node == options.node);
    let (key, notice) = match known {
        Some(record) => (open_audit_key(ring, &record)?, notice(&record)),
        None => {
            let row = Numbers::default().next(tx, key::AUDIT_KEY)?;
            new_audit_key(tx, row, &options.node, ring, None, now)?
        }
    };
    Ok(Author {
        node: options.node.clone(),
        version: options.version.clone(),
        key,
        notice,
    })
}

fn open_audit_key(ring: &Keyring, record: &AuditKeyRecord) -> Result<AuditKey, OpenError> {
    let secret = unseal(ring, private_place(record.key), &record.private)
        .map_err(|error| OpenError::Keys(error.to_string()))?;
    AuditKey::from_secret(&secret).map_err(|error| OpenError::Keys(error.to_string()))
}

fn private_place(key: i64) -> Place {
    Place {
        table: key::AUDIT_KEY,
        id: key,
        field: "private",
        version: crate::rows::version::AUDIT_KEY,
    }
}

/// Makes the next audit key of a node; the key before vouches for it.
pub(crate) fn new_audit_key(
    tx: Tx<'_>,
    row: i64,
    node: &str,
    ring: &Keyring,
    before: Option<&Author>,
    now: Timestamp,
) -> Result<(AuditKey, KeyNotice), StoreError> {
    let audit_key = AuditKey::generate().map_err(|error| no_random(&error))?;
    let public = audit_key
        .public()
        .bytes()
        .ok_or_else(|| StoreError::Audit("a new audit key has no public half".to_owned()))?;
    let signed_by = before.map(|before| {
        (
            before.notice.public,
            before.key.sign(&KeyNotice::to_sign(node, &public)),
        )
    });
    let private: Sealed = seal(ring, private_place(row), &audit_key.secret())?;
    let record = AuditKeyRecord {
        key: row,
        id: audit_key.id().to_owned(),
        node: node.to_owned(),
        created: now,
        public,
        private,
        signed_by,
    };
    key::put_audit_key(tx, &record)?;
    Ok((audit_key, notice(&record)))
}
