//! The audit chain while it grows. Its head in memory moves only when a commit has succeeded: the writer keeps a copy
//! and puts it back when a batch fails.

use crate::rows::key::AuditKeyRecord;
use crate::sql::Tx;
use crate::trail::{self, Segment};
use crate::{StoreError, amid};
use countersign_engine::audit::Record;
use countersign_engine::audit::chain::{
    self, CHECKPOINT_RECORDS, CHECKPOINT_SECONDS, Chain, Checkpoint, Head, KeyNotice, Start,
};
use countersign_engine::time::Timestamp;
use countersign_keyring::{AuditKey, random};
use std::sync::Arc;

/// Who writes the chain.
#[derive(Debug)]
pub(crate) struct Author {
    pub(crate) node: String,
    pub(crate) version: String,
    pub(crate) key: AuditKey,
    pub(crate) notice: KeyNotice,
}

/// The growing end of the chain.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    author: Arc<Author>,
    chain: Chain,
    /// Number of the epoch in this store.
    epoch: i64,
    /// Records since the newest checkpoint, and when the first of them came.
    unsigned: u64,
    unsigned_since: Option<Timestamp>,
    /// What the newest checkpoint signed.
    checkpoint: Option<Head>,
    /// A point to be remembered outside the store once it is committed.
    pub(crate) remember: Option<Head>,
}

/// Why a new epoch begins.
#[derive(Debug, Clone)]
pub(crate) enum Beginning {
    /// A start of the node, or the end of a full epoch.
    Usual,
    /// The store was put back and an administrator accepted it: the end the node remembered, and his words.
    Accepted(Head, String),
    /// A backup was restored: the end the node remembered, where the backup lacks it, and what was done.
    Restored(Option<Head>, String),
}

impl Ledger {
    /// Begins an epoch: its row and its start record.
    pub(crate) fn begin(
        tx: Tx<'_>,
        author: &Arc<Author>,
        now: Timestamp,
        why: &Beginning,
    ) -> Result<Self, StoreError> {
        let previous = trail::newest(tx, &author.node)?;
        let epoch_id: [u8; 16] = random::random().map_err(|error| no_random(&error))?;
        let epoch = trail::next_epoch(tx)?;
        trail::insert_epoch(tx, epoch, &epoch_id, &author.node, now)?;
        let checkpoint = trail::checkpoints(tx)?
            .into_iter()
            .find(|(node, _)| *node == author.node)
            .map(|(_, head)| head);
        let prev = previous.map_or([0; 32], |head| head.hash);
        let mut ledger = Self {
            author: Arc::clone(author),
            chain: Chain::new(&author.node, epoch_id, prev),
            epoch,
            unsigned: 0,
            unsigned_since: None,
            checkpoint,
            remember: None,
        };
        let start = ledger.start(previous, why, now)?;
        ledger.write(tx, [&start], now)?;
        Ok(ledger)
    }

    fn start(
        &self,
        previous: Option<Head>,
        why: &Beginning,
        now: Timestamp,
    ) -> Result<Record, StoreError> {
        let abandoned = match why {
            Beginning::Usual => None,
            Beginning::Accepted(head, _) => Some(*head),
            Beginning::Restored(head, _) => *head,
        };
        let Author {
            node,
            version,
            notice,
            ..
        } = &*self.author;
        let start = Start {
            node: node.clone(),
            version: version.clone(),
            key: notice.clone(),
            previous,
            abandoned,
        };
        let mut record = start.record(new_amid(now)?, now);
        if let Beginning::Accepted(_, reason) | Beginning::Restored(_, reason) = why {
            record.reason = Some(reason.clone().into());
        }
        Ok(record)
    }

    /// Appends records as one segment and answers its key; none for no records.
    pub(crate) fn write<'r>(
        &mut self,
        tx: Tx<'_>,
        records: impl IntoIterator<Item = &'r Record>,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let segment = self.compose(records, now);
        segment
            .map(|segment| trail::insert(tx, self.epoch, &segment))
            .transpose()
    }

    /// Appends records in memory and answers the segment to be written; none for no records.
    pub(crate) fn compose<'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r Record>,
        now: Timestamp,
    ) -> Option<Segment> {
        let mut segment = Segment {
            first: self.chain.next_seq(),
            from: Timestamp(i64::MAX),
            to: Timestamp(i64::MIN),
            ..Segment::default()
        };
        for record in records {
            segment.head = self.chain.append(record, &mut segment.body);
            segment.body.push(b'\n');
            segment.from = segment.from.min(record.time);
            segment.to = segment.to.max(record.time);
            segment.count += 1;
        }
        if segment.count == 0 {
            return None;
        }
        self.unsigned += segment.count;
        self.unsigned_since.get_or_insert(now);
        Some(segment)
    }

    /// Number of the epoch in this store.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Whether the next batch goes to another epoch.
    pub(crate) fn is_full(&self) -> bool {
        self.chain.is_full()
    }

    /// Whether a checkpoint is due.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.unsigned >= CHECKPOINT_RECORDS || self.due_at().is_some_and(|due| now >= due)
    }

    /// When a checkpoint will be due if no more records come.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.unsigned_since
            .map(|since| since.plus_seconds(CHECKPOINT_SECONDS))
    }

    /// Signs the newest record.
    pub(crate) fn sign(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let Some(head) = self.chain.head() else {
            return Ok(());
        };
        let others = trail::checkpoints(tx)?
            .into_iter()
            .filter(|(node, _)| *node != self.author.node);
        let Author { node, key, .. } = &*self.author;
        let checkpoint = Checkpoint {
            node: node.clone(),
            head,
            time: now,
            key_id: key.id().to_owned(),
            previous: self.checkpoint,
            seen: others.collect(),
        };
        let record = checkpoint.record(&key.sign(&checkpoint.to_sign()), new_amid(now)?);
        self.write(tx, [&record], now)?;
        trail::put_checkpoint(tx, &self.author.node, &head, now)?;
        (self.unsigned, self.unsigned_since) = (0, None);
        self.checkpoint = Some(head);
        self.remember = Some(head);
        Ok(())
    }

    /// Closes the epoch; nothing is written to it after this.
    pub(crate) fn close(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.sign(tx, now)?;
        let closing = chain::closing(new_amid(now)?, now);
        self.write(tx, [&closing], now)?;
        self.remember = self.chain.head();
        Ok(())
    }

    /// Goes over to a new epoch where this one is full.
    pub(crate) fn turn(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        if self.chain.is_full() {
            self.close(tx, now)?;
            self.follow(Self::begin(tx, &self.author, now, &Beginning::Usual)?);
        }
        Ok(())
    }

    /// Goes on as the next epoch; what is to be remembered of this one still is.
    pub(crate) fn follow(&mut self, next: Self) {
        *self = Self {
            remember: self.remember,
            ..next
        };
    }

    /// The newest record.
    pub(crate) fn head(&self) -> Option<Head> {
        self.chain.head()
    }

    /// Who writes.
    pub(crate) fn author(&self) -> &Arc<Author> {
        &self.author
    }
}

/// Ends the newest epoch of a node where no record closed it. Its next key is taken then: a commit that an earlier
/// process left under way fails instead of coming after this start has looked, and so does one of a second process of
/// that name.
pub(crate) fn end_unclosed(tx: Tx<'_>, node: &str, now: Timestamp) -> Result<(), StoreError> {
    let Some((epoch, head)) = trail::open_end(tx, node)? else {
        return Ok(());
    };
    let mut chain = Chain::after(node, head);
    let mut segment = Segment {
        first: chain.next_seq(),
        count: 1,
        from: now,
        to: now,
        ..Segment::default()
    };
    segment.head = chain.append(&chain::ending(new_amid(now)?, now), &mut segment.body);
    segment.body.push(b'\n');
    trail::insert(tx, epoch, &segment).map(|_| ())
}

/// The notice of a stored key.
pub(crate) fn notice(record: &AuditKeyRecord) -> KeyNotice {
    KeyNotice {
        public: record.public,
        signed_by: record.signed_by,
    }
}

/// A fresh id for a record of the store's own.
pub(crate) fn new_amid(now: Timestamp) -> Result<[u8; 16], StoreError> {
    Ok(amid::new(
        now,
        random::random().map_err(|error| no_random(&error))?,
    ))
}

pub(crate) fn no_random(error: &random::RandomError) -> StoreError {
    StoreError::Audit(error.to_string())
}
