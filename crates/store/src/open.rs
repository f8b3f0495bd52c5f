//! Opening a store: schema, keys, the check against the state file, and the beginning of an audit epoch.

use crate::ledger::{Author, Beginning, Ledger, no_random, notice};
use crate::numbers::Numbers;
use crate::ring::{from_record, open as unseal, seal, to_record};
use crate::rows::{challenge, key};
use crate::shared::Shared;
use crate::sql::Tx;
use crate::sqlite::{Access, Database};
use crate::state_file::{self, Keeper};
use crate::writer::Writer;
use crate::{OpenError, Options, StoreError, schema, snapshot, trail};
use countersign_engine::audit::chain::{Head, KeyNotice};
use countersign_engine::facts::Place;
use countersign_engine::model::Sealed;
use countersign_engine::time::Timestamp;
use countersign_keyring::{AuditKey, Keyring, RootKey};
use key::AuditKeyRecord;
use std::fs;
use std::sync::Arc;

/// What opening comes to.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Writer,
}

/// Opens a store and begins an epoch.
pub(crate) fn open(
    options: &Options,
    root: Arc<RootKey>,
    accepted: Option<&str>,
) -> Result<Opened, OpenError> {
    let database = open_database(options)?;
    let now = (options.clock)();
    schema::migrate(&database, &options.path, now)?;
    let why = check_state(&database, options, accepted)?;
    let tx = database.tx();
    tx.run("BEGIN IMMEDIATE", &[])?;
    let keyring = open_keys(tx, root, now)?;
    let author = Arc::new(author(tx, options, &keyring, now)?);
    key::put_node(tx, &options.node, &options.version, now)?;
    let mut ledger = Ledger::begin(tx, &author, now, &why)?;
    if matches!(why, Beginning::Accepted(..)) {
        ledger.sign(tx, now)?;
    }
    tx.run("COMMIT", &[])?;
    if let Some(head) = ledger.remember.take() {
        state_file::write(&options.state_file, &head)
            .map_err(|error| state_error(options, error.to_string()))?;
    }
    let snapshot = snapshot::read(tx, &snapshot::Hosts::new())?;
    let cached = options
        .cache_accounts
        .or_else(|| usize::try_from(snapshot.settings.number("cache.accounts")).ok());
    let shared = Arc::new(Shared::new(
        options.path.clone(),
        options.wait,
        Arc::clone(&options.clock),
        cached.unwrap_or(0),
        options.queue,
        snapshot,
        keyring,
        challenge::count(tx)?,
    ));
    let keeper = Keeper::start(options.state_file.clone())
        .map_err(|error| StoreError::Disk(error.to_string()))?;
    let mut writer = Writer::new(database, Arc::clone(&shared), ledger, keeper);
    writer.tune()?;
    Ok(Opened { shared, writer })
}

fn open_database(options: &Options) -> Result<Database, OpenError> {
    let failed = |source| OpenError::File {
        path: options.path.clone(),
        source,
    };
    // A rename cannot put the file of another program into its place, but an existing one must be looked at first.
    let is_database = |path| {
        fs::metadata(path).map_or(Ok(true), |file| {
            if file.len() == 0 {
                Ok(true)
            } else {
                starts_like_one(path)
            }
        })
    };
    if !is_database(&options.path).map_err(|error| failed(StoreError::Disk(error.to_string())))? {
        return Err(OpenError::Foreign {
            path: options.path.clone(),
        });
    }
    Database::open(&options.path, Access::Write, options.wait).map_err(failed)
}

fn starts_like_one(path: &std::path::Path) -> std::io::Result<bool> {
    use std::io::Read;
    let mut start = Vec::new();
    fs::File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start == b"SQLite format 3\0")
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

fn open_keys(tx: Tx<'_>, root: Arc<RootKey>, now: Timestamp) -> Result<Keyring, OpenError> {
    let rows = key::all(tx)?;
    if rows.is_empty() {
        let first =
            Keyring::first(root, now.0).map_err(|error| OpenError::Keys(error.to_string()))?;
        first
            .rows
            .iter()
            .try_for_each(|row| key::put(tx, &to_record(row)))?;
        return Ok(first.keyring);
    }
    let rows = rows.iter().map(from_record).collect::<Result<_, _>>()?;
    Keyring::load(root, rows).map_err(|error| OpenError::Keys(error.to_string()))
}

/// The node with its newest audit key; a new node gets one.
fn author(
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
        None => new_audit_key(tx, &options.node, ring, None, now)?,
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
    node: &str,
    ring: &Keyring,
    before: Option<&Author>,
    now: Timestamp,
) -> Result<(AuditKey, KeyNotice), StoreError> {
    let mut numbers = Numbers::default();
    let row = numbers.next(tx, key::AUDIT_KEY)?;
    numbers.save(tx)?;
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
