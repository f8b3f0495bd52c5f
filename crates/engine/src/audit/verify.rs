//! Proving a trail: every record is what it was, none is missing, and a trusted key says so (spec/audit.md 5).
//!
//! [`Verifier`] takes one record at a time. Records of one epoch come in the order of `seq`; epochs and nodes may be mixed
//! in any way. What it keeps grows with epochs and checkpoints, not with records.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::{self, Checkpoint, Head, KeyNotice, Start, Tombstone};
use super::{Code, Entry};

mod finish;
mod outcome;

pub use outcome::{Fault, Note, Origin, Outcome, Problem, Witness};

/// Problems kept; the count goes on.
const PROBLEMS_KEPT: usize = 100;

/// Checks an Ed25519 signature: public key, message, signature.
pub type SignatureCheck<'a> = &'a dyn Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool;

/// A point of a node's chain that was published elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The node.
    pub node: String,
    /// The point.
    pub head: Head,
}

/// The verification of one trail.
pub struct Verifier<'a> {
    check: SignatureCheck<'a>,
    trusted: Option<BTreeSet<[u8; 32]>>,
    partial: bool,
    chains: BTreeMap<ChainKey, State>,
    anchors: BTreeMap<(ChainKey, u64), ([u8; 32], bool)>,
    claims: BTreeMap<(ChainKey, String), (Head, Position)>,
    tombstones: Vec<(Tombstone, Position)>,
    keys: BTreeMap<String, [u8; 32]>,
    handed_over: Vec<([u8; 32], [u8; 32])>,
    used: BTreeMap<[u8; 32], Position>,
    waiting: Vec<Waiting>,
    outcome: Outcome,
}

/// Node and epoch.
type ChainKey = (String, [u8; 16]);

/// A record by node, epoch and seq.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    chain: ChainKey,
    seq: u64,
}

/// What is known of one chain so far.
#[derive(Debug)]
struct State {
    first: u64,
    first_prev: [u8; 32],
    next: u64,
    last: [u8; 32],
    /// The end that the start record goes on from.
    previous: Option<Head>,
    closed: bool,
    /// A later start ended it.
    ended: bool,
    /// Hashes of the records that checkpoints name.
    heads: BTreeMap<u64, [u8; 32]>,
    checkpoint: Option<Head>,
    /// Position of the newest checkpoint record itself.
    signed_at: Option<u64>,
}

/// A checkpoint whose key has not been named yet, since its start record comes later or is erased.
struct Waiting {
    key_id: String,
    message: Vec<u8>,
    signature: [u8; 64],
    position: Position,
}

impl<'a> Verifier<'a> {
    /// A verification that takes the keys the trail itself names: it proves order, not origin.
    pub fn new(check: SignatureCheck<'a>) -> Self {
        Self {
            check,
            trusted: None,
            partial: false,
            chains: BTreeMap::new(),
            anchors: BTreeMap::new(),
            claims: BTreeMap::new(),
            tombstones: Vec::new(),
            keys: BTreeMap::new(),
            handed_over: Vec::new(),
            used: BTreeMap::new(),
            waiting: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Takes only these public keys, and those they hand over to.
    #[must_use]
    pub fn trusting(mut self, keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        self.trusted = Some(keys.into_iter().collect());
        self
    }

    /// Also demands these points.
    #[must_use]
    pub fn anchored(mut self, anchors: impl IntoIterator<Item = Anchor>) -> Self {
        let points = anchors.into_iter().map(|anchor| {
            (
                ((anchor.node, anchor.head.epoch), anchor.head.seq),
                (anchor.head.hash, false),
            )
        });
        self.anchors.extend(points);
        self
    }

    /// Takes a part of a trail: chains may begin and end anywhere, and what lies outside is not missed.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Takes the next record: its bytes without `hash`, and the hash stored with it.
    pub fn take(&mut self, json: &[u8], hash: &[u8; 32]) {
        self.outcome.records += 1;
        let Some((entry, position, prev)) = placed(json) else {
            let place = format!("record {} of the input", self.outcome.records);
            return self.outcome.add(Problem {
                node: String::new(),
                epoch: [0; 16],
                seq: 0,
                fault: Fault::Unreadable(place),
            });
        };
        if chain::hash(&prev, json) != *hash {
            self.fault(&position, Fault::Changed);
        }
        self.link(&position, prev, *hash);
        self.meet_anchor(&position, hash);
        if position.seq == 0 && entry.code() != Some(Code::CHAIN_STARTED) {
            self.fault(&position, Fault::NoStart);
        }
        match entry.code() {
            Some(Code::CHAIN_STARTED) => self.take_start_or_end(&entry, &position, prev),
            Some(Code::CHECKPOINT_SIGNED) => self.take_checkpoint(&entry, &position, prev),
            Some(Code::TOMBSTONE) => match Tombstone::of(&entry) {
                Some(tombstone) => self.tombstones.push((tombstone, position)),
                None => self.fault(&position, Fault::UnreadableNotice),
            },
            _ => {}
        }
    }

    /// What came of it, after the last record.
    pub fn finish(mut self) -> Outcome {
        self.check_waiting();
        self.check_keys();
        self.check_nodes();
        self.check_claims();
        self.check_anchors();
        self.outcome
    }

    fn link(&mut self, position: &Position, prev: [u8; 32], hash: [u8; 32]) {
        let Some(state) = self.chains.get_mut(&position.chain) else {
            self.chains
                .insert(position.chain.clone(), State::new(position.seq, prev, hash));
            return;
        };
        let fault = if position.seq != state.next {
            Some(Fault::Gap {
                expected: state.next,
            })
        } else if prev != state.last {
            Some(Fault::OrderBroken)
        } else if state.closed || state.ended {
            Some(Fault::AfterClose)
        } else {
            None
        };
        state.next = position.seq.saturating_add(1);
        state.last = hash;
        if let Some(fault) = fault {
            self.fault(position, fault);
        }
    }

    fn meet_anchor(&mut self, position: &Position, hash: &[u8; 32]) {
        // Nearly always there are no anchors, and the key for the look-up need not be made.
        if self.anchors.is_empty() {
            return;
        }
        if let Some((wanted, met)) = self
            .anchors
            .get_mut(&(position.chain.clone(), position.seq))
        {
            *met = true;
            if wanted != hash {
                self.fault(
                    position,
                    Fault::Diverged {
                        witness: Witness::Anchor,
                    },
                );
            }
        }
    }

    fn take_start_or_end(&mut self, entry: &Entry, position: &Position, prev: [u8; 32]) {
        let (closing, ending) = (chain::is_closing(entry), chain::is_ending(entry));
        if closing || ending {
            if position.seq == 0 {
                self.fault(position, Fault::NoStart);
            }
            if let Some(state) = self.chains.get_mut(&position.chain) {
                (state.closed, state.ended) = (closing, ending);
            }
            return;
        }
        let Some(start) = Start::of(entry) else {
            return self.fault(position, Fault::UnreadableNotice);
        };
        let goes_on = start.previous.map_or([0; 32], |head| head.hash);
        if position.seq != 0 || start.node != position.chain.0 || goes_on != prev {
            return self.fault(position, Fault::WrongStart);
        }
        self.learn_key(&start, position);
        if let Some(head) = start.abandoned {
            self.outcome.notes.push(Note::Abandoned {
                node: start.node.clone(),
                head,
            });
        }
        if let Some(state) = self.chains.get_mut(&position.chain) {
            state.previous = start.previous;
        }
    }

    fn learn_key(&mut self, start: &Start, position: &Position) {
        let key = start.key.public;
        self.keys.insert(chain::key_id(&key), key);
        let Some((by, signature)) = &start.key.signed_by else {
            return;
        };
        if (self.check)(by, &KeyNotice::to_sign(&start.node, &key), signature) {
            self.handed_over.push((*by, key));
        } else {
            self.fault(position, Fault::WrongSignature);
        }
    }

    fn take_checkpoint(&mut self, entry: &Entry, position: &Position, prev: [u8; 32]) {
        let Some((checkpoint, signature)) = Checkpoint::of(entry) else {
            return self.fault(position, Fault::UnreadableNotice);
        };
        let Some(state) = self.chains.get_mut(&position.chain) else {
            return;
        };
        let before = state.checkpoint.replace(checkpoint.head);
        state
            .heads
            .insert(checkpoint.head.seq, checkpoint.head.hash);
        state.signed_at = Some(position.seq);
        let own = Head {
            epoch: position.chain.1,
            seq: position.seq.wrapping_sub(1),
            hash: prev,
        };
        let fits = checkpoint.head == own && checkpoint.node == position.chain.0;
        if !fits || (before.is_some() && checkpoint.previous != before) {
            self.fault(position, Fault::WrongCheckpoint);
        }
        self.take_claims(&checkpoint, before, position);
        let waiting = Waiting {
            message: checkpoint.to_sign(),
            key_id: checkpoint.key_id,
            signature,
            position: position.clone(),
        };
        match self.keys.get(&waiting.key_id).copied() {
            Some(key) => self.check_signature(key, &waiting),
            None => self.waiting.push(waiting),
        }
    }

    /// Keeps the newest claim of each witness about each chain: the hashes below it follow from it.
    fn take_claims(&mut self, checkpoint: &Checkpoint, before: Option<Head>, position: &Position) {
        let own = checkpoint
            .previous
            .filter(|_| before.is_none())
            .map(|head| (&checkpoint.node, head));
        let others = checkpoint.seen.iter().map(|(node, head)| (node, *head));
        for (node, head) in others.chain(own) {
            let key = ((node.clone(), head.epoch), position.chain.0.clone());
            let claim = self
                .claims
                .entry(key)
                .or_insert_with(|| (head, position.clone()));
            if claim.0.seq < head.seq {
                *claim = (head, position.clone());
            }
        }
    }

    fn check_signature(&mut self, key: [u8; 32], waiting: &Waiting) {
        if (self.check)(&key, &waiting.message, &waiting.signature) {
            self.outcome.checkpoints += 1;
        } else {
            self.fault(&waiting.position, Fault::WrongSignature);
        }
        self.used
            .entry(key)
            .or_insert_with(|| waiting.position.clone());
    }

    fn fault(&mut self, position: &Position, fault: Fault) {
        let (node, epoch) = position.chain.clone();
        self.outcome.add(Problem {
            node,
            epoch,
            seq: position.seq,
            fault,
        });
    }
}

impl State {
    fn new(seq: u64, prev: [u8; 32], hash: [u8; 32]) -> Self {
        Self {
            first: seq,
            first_prev: prev,
            next: seq.saturating_add(1),
            last: hash,
            previous: None,
            closed: false,
            ended: false,
            heads: BTreeMap::new(),
            checkpoint: None,
            signed_at: None,
        }
    }

    fn last_seq(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// The hash of a record that somebody may have kept: one named by a checkpoint, or the last.
    fn hash_at(&self, seq: u64) -> Option<[u8; 32]> {
        self.heads
            .get(&seq)
            .copied()
            .or((seq == self.last_seq()).then_some(self.last))
    }
}

fn placed(json: &[u8]) -> Option<(Entry, Position, [u8; 32])> {
    let entry = Entry::read(json).ok()?;
    let position = Position {
        chain: (entry.node()?.to_owned(), entry.epoch()?),
        seq: entry.seq()?,
    };
    let prev = entry.prev()?;
    Some((entry, position, prev))
}

#[cfg(test)]
mod tests;
