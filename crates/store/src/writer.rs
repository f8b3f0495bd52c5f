//! The one thread that writes. It takes everything that waits, makes one transaction of it, and tells the callers when
//! it is on disk.

mod batch;
mod exact;
mod plain;

use crate::database::Database;
use crate::ledger::{Author, Beginning, Ledger};
use crate::numbers::Numbers;
use crate::open::new_audit_key;
use crate::rows::{application, challenge, key};
use crate::shared::{Job, Shared, Taken};
use crate::state_file::Keeper;
use crate::work::{Completion, Outcome, Work};
use crate::{StoreError, ring};
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_keyring::Keyring;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Most works of one transaction.
const BATCH: usize = 256;
/// How often the writer looks at the clock when nothing comes.
const IDLE: Duration = Duration::from_secs(1);
/// Microseconds between two removals of what has expired.
const PURGE_EVERY: i64 = 1_000_000;
/// Microseconds between two looks at the size of the store.
const TUNE_EVERY: i64 = 60_000_000;
/// Applications from which on a store is large: each logon then dirties a page of its own, so that checkpoints of the
/// log are made rarer, and the pages of the moving states take more memory.
const MANY: i64 = 100_000;
/// Pages of the log between two checkpoints, with few applications and with many.
const PAGES_FEW: i64 = 2_000;
const PAGES_MANY: i64 = 64_000;
/// KiB of pages that the writer keeps, with few applications and with many.
const KEPT_FEW: i64 = 16 * 1024;
const KEPT_MANY: i64 = 32 * 1024;
/// Most rows removed at a time.
const PURGE_MOST: i64 = 500;

pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ledger: Ledger,
    pub(crate) numbers: Numbers,
    keeper: Keeper,
    certainty: exact::Certainty,
    purged: Timestamp,
    tuned: Timestamp,
}

impl Writer {
    pub(crate) fn new(
        database: Database,
        shared: Arc<Shared>,
        ledger: Ledger,
        keeper: Keeper,
    ) -> Self {
        Self {
            database,
            shared,
            ledger,
            numbers: Numbers::default(),
            keeper,
            certainty: exact::Certainty::default(),
            purged: Timestamp(i64::MIN),
            tuned: Timestamp(i64::MIN),
        }
    }

    /// Runs until the store is closed.
    pub(crate) fn run(mut self) {
        loop {
            self.shared.pulse.checkpoint_due(self.ledger.due_at());
            match self.shared.take(BATCH, IDLE) {
                Taken::Errands(errands) => errands.into_iter().for_each(|errand| errand(&mut self)),
                Taken::Jobs(jobs) => self.serve(jobs),
                Taken::Nothing => self.checkpoint_if_due(),
                Taken::End => break,
            }
        }
        let closed = self.transaction(|writer, now| writer.ledger.close(writer.database.tx(), now));
        if let Err(error) = closed {
            tracing::error!(
                "failed to {error}: the audit chain of this start has no closing record"
            );
        }
        self.remember();
    }

    fn checkpoint_if_due(&mut self) {
        self.tune_or_tell();
        if !self.ledger.is_due(self.shared.now()) {
            return;
        }
        let signed = self.transaction(|writer, now| writer.ledger.sign(writer.database.tx(), now));
        match signed {
            Ok(()) => self.remember(),
            Err(error) => tracing::warn!("failed to {error}: the audit checkpoint waits"),
        }
    }

    fn tune_or_tell(&mut self) {
        if let Err(error) = self.tune() {
            tracing::warn!(
                "failed to {error}: the size of the log and of the cache stays as it was"
            );
        }
    }

    /// Fits the log and the pages kept to the size of the store, which an import may have changed.
    pub(crate) fn tune(&mut self) -> Result<(), StoreError> {
        let now = self.shared.now();
        if now.micros_since(self.tuned).abs() < TUNE_EVERY {
            return Ok(());
        }
        self.tuned = now;
        let Some(file) = self.database.file() else {
            return Ok(());
        };
        let many = application::newest(self.database.tx())? > MANY;
        let (pages, kept) = if many {
            (PAGES_MANY, KEPT_MANY)
        } else {
            (PAGES_FEW, KEPT_FEW)
        };
        file.checkpoint_every(pages)?;
        file.keep_pages(kept)
    }

    /// Has the newest committed checkpoint written beside the store.
    fn remember(&mut self) {
        if let Some(head) = self.ledger.remember.take() {
            self.keeper.remember(head);
        }
    }

    fn is_crowded(&self) -> bool {
        let settings = &self.shared.snapshot().settings;
        self.shared.outstanding.load(Ordering::Relaxed) >= settings.challenge_max_outstanding
    }

    fn purge_is_due(&self, now: Timestamp) -> bool {
        self.is_crowded() || now.micros_since(self.purged).abs() >= PURGE_EVERY
    }

    /// Removes what has expired in a transaction of its own.
    fn purge_if_due(&mut self) {
        if !self.purge_is_due(self.shared.now()) {
            return;
        }
        match self.transaction(Self::purge) {
            Ok(change) => {
                self.shared.outstanding.fetch_add(change, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!("failed to {error}: what has expired stays a while"),
        }
    }

    /// Removes what has expired; answers by how much the number of challenges changes.
    fn purge(&mut self, now: Timestamp) -> Result<i64, StoreError> {
        let settings = &self.shared.snapshot().settings;
        let crowded = self.is_crowded();
        self.purged = now;
        let tx = self.database.tx();
        let age = settings.challenge_max_age_s + settings.challenge_keep_expired_s;
        let memory = now.plus_seconds(-age);
        // At the limit expired challenges give way at once.
        let expired = if crowded {
            now.plus_seconds(-settings.challenge_max_age_s)
        } else {
            memory
        };
        let gone = challenge::remove_expired(tx, expired, memory, PURGE_MOST)?;
        let kept = challenge::remove_kept(tx, now, PURGE_MOST)?;
        let rest = [gone, kept]
            .iter()
            .any(|count| i64::try_from(*count) == Ok(PURGE_MOST));
        if rest {
            // More is left: the next batch goes on, or rows would come faster than they go.
            self.purged = Timestamp(i64::MIN);
        }
        Ok(-i64::try_from(gone).unwrap_or(0))
    }

    /// The key ring as its rows say now.
    pub(crate) fn read_keyring(&self) -> Result<Keyring, StoreError> {
        let rows = key::all(self.database.tx())?;
        let rows = rows
            .iter()
            .map(ring::from_record)
            .collect::<Result<_, _>>()?;
        // What is in memory is not unwrapped again: logons never wait for an HSM.
        self.shared
            .keyring()
            .follow(rows)
            .map_err(|error| StoreError::Sealing(error.to_string()))
    }

    /// A new audit key, vouched for by the present one, and a new epoch under it.
    pub(crate) fn rotate_audit_key(&mut self) -> Result<(), StoreError> {
        let ring = self.shared.keyring();
        self.transaction(|writer, now| {
            let tx = writer.database.tx();
            let before = Arc::clone(writer.ledger.author());
            let row = writer.numbers.next(tx, key::AUDIT_KEY)?;
            let (key, notice) = new_audit_key(tx, row, &before.node, &ring, Some(&before), now)?;
            let author = Author {
                node: before.node.clone(),
                version: before.version.clone(),
                key,
                notice,
            };
            writer.ledger.close(tx, now)?;
            writer.ledger.follow(Ledger::begin(
                tx,
                &Arc::new(author),
                now,
                &Beginning::Usual,
            )?);
            Ok(())
        })?;
        self.remember();
        Ok(())
    }
}

/// The results of one commit for one target.
struct Told {
    to: Arc<dyn Completion>,
    results: Vec<(Work, Outcome)>,
}

/// Tells every target once.
fn tell(results: Vec<(Job, Outcome)>) {
    let mut targets: Vec<Told> = Vec::new();
    for (Job { work, to }, outcome) in results {
        match targets.iter_mut().find(|told| Arc::ptr_eq(&told.to, &to)) {
            Some(told) => told.results.push((work, outcome)),
            None => targets.push(Told {
                to,
                results: vec![(work, outcome)],
            }),
        }
    }
    for told in targets {
        told.to.done(told.results);
    }
}

/// What the commit of a batch changes in memory.
#[derive(Default)]
struct Fresh {
    snapshot: Option<Snapshot>,
    keyring: Option<Keyring>,
}
