//! What a verification says.

use std::fmt;

use super::PROBLEMS_KEPT;
use crate::audit::chain::{Head, Tombstone};

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records read.
    pub records: u64,
    /// Chains read.
    pub epochs: u64,
    /// Nodes that wrote them.
    pub nodes: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// What the signatures prove.
    pub origin: Origin,
    /// The first hundred problems in the order in which they were found.
    pub problems: Vec<Problem>,
    /// How many there were.
    pub problem_count: u64,
    /// What is worth knowing and breaks nothing.
    pub notes: Vec<Note>,
}

/// What the signatures prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Order only: the keys came with the trail.
    #[default]
    OrderOnly,
    /// Order and origin: every checkpoint is signed by a trusted key.
    Proven,
}

/// Something that breaks the trail, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node, or empty where it could not be read.
    pub node: String,
    /// The epoch.
    pub epoch: [u8; 16],
    /// The record.
    pub seq: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What breaks a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No record at all; names its place in the input.
    Unreadable(String),
    /// The content is not what was hashed.
    Changed,
    /// The record does not follow the one before it.
    OrderBroken,
    /// Records are missing, doubled or out of order.
    Gap {
        /// The seq that should have come.
        expected: u64,
    },
    /// An epoch begins with another record than its start.
    NoStart,
    /// A start record that does not belong there.
    WrongStart,
    /// A record after the closing one.
    AfterClose,
    /// A record about the chain that cannot be read.
    UnreadableNotice,
    /// A signature that does not hold.
    WrongSignature,
    /// A checkpoint that does not name the record and the checkpoint before it.
    WrongCheckpoint,
    /// A checkpoint whose key no record and no list names.
    UnknownKey,
    /// A checkpoint by a key outside the trusted ones.
    UntrustedKey {
        /// Id of the key.
        key_id: String,
    },
    /// Records up to this one existed and are gone.
    TailMissing {
        /// Who knows.
        witness: Witness,
    },
    /// The record was another one.
    Diverged {
        /// Who knows.
        witness: Witness,
    },
    /// A whole epoch is gone.
    EpochMissing {
        /// Who knows.
        witness: Witness,
    },
    /// All records of a node are gone.
    NodeMissing {
        /// Who knows.
        witness: Witness,
    },
    /// An epoch begins in its middle and no accepted tombstone says why.
    BeginningMissing,
    /// Two epochs go on from the same end, or a node begins twice.
    Fork,
}

/// Who knows of missing records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Witness {
    /// A checkpoint or start record of this node.
    Node(String),
    /// A published anchor.
    Anchor,
}

/// What is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An epoch ended without its closing record, as after a crash; the next one goes on from its end.
    NotClosed {
        /// The node.
        node: String,
        /// The epoch.
        epoch: [u8; 16],
    },
    /// Records newer than the last checkpoint: they could be cut off unseen.
    Tail {
        /// The node.
        node: String,
        /// The epoch of the first of them.
        epoch: [u8; 16],
        /// Its position.
        from: u64,
        /// How many.
        records: u64,
    },
    /// An accepted tombstone.
    Erased(Tombstone),
    /// Records up to here were given up when an older store was accepted.
    Abandoned {
        /// The node.
        node: String,
        /// The end it remembered.
        head: Head,
    },
}

impl Outcome {
    /// Whether nothing is broken.
    pub fn is_intact(&self) -> bool {
        self.problem_count == 0
    }

    /// The problem found first.
    pub fn first_problem(&self) -> Option<&Problem> {
        self.problems.first()
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_KEPT {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Fault::Unreadable(place) = &self.fault {
            return write!(f, "{place} is no audit record");
        }
        let epoch = data_encoding::HEXLOWER.encode(&self.epoch);
        let node = crate::audit::escape::one_line(&self.node);
        write!(
            f,
            "node {node}, epoch {epoch}, record {}: {}",
            self.seq, self.fault
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(place) => write!(f, "{place} is no audit record"),
            Self::Changed => f.write_str("the record was changed"),
            Self::OrderBroken => f.write_str("the record does not follow the one before it"),
            Self::Gap { expected } => write!(f, "record {expected} should stand here"),
            Self::NoStart => f.write_str("the epoch does not begin with its start record"),
            Self::WrongStart => f.write_str("the start record does not belong here"),
            Self::AfterClose => f.write_str("the epoch was closed before this record"),
            Self::UnreadableNotice => f.write_str("the record about the chain cannot be read"),
            Self::WrongSignature => f.write_str("the signature is wrong"),
            Self::WrongCheckpoint => {
                f.write_str("the checkpoint does not fit the records before it")
            }
            Self::UnknownKey => f.write_str("the key of the checkpoint is unknown"),
            Self::UntrustedKey { key_id } => write!(
                f,
                "the checkpoint is signed by key {key_id}, which is not trusted"
            ),
            Self::TailMissing { witness } => write!(
                f,
                "the records up to this one are missing; {witness} knows of them"
            ),
            Self::Diverged { witness } => write!(f, "{witness} knows another record here"),
            Self::EpochMissing { witness } => {
                write!(f, "the epoch is missing; {witness} knows of it")
            }
            Self::NodeMissing { witness } => write!(
                f,
                "all records of the node are missing; {witness} knows of them"
            ),
            Self::BeginningMissing => {
                f.write_str("the records before this one are missing without an accepted tombstone")
            }
            Self::Fork => f.write_str("the chain begins or goes on twice"),
        }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node {}", crate::audit::escape::one_line(node)),
            Self::Anchor => f.write_str("an anchor"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |epoch: &[u8; 16]| data_encoding::HEXLOWER.encode(epoch);
        let line = |text| crate::audit::escape::one_line(text);
        match self {
            Self::NotClosed { node, epoch } => {
                write!(
                    f,
                    "node {}, epoch {}: ended without its closing record",
                    line(node),
                    hex(epoch)
                )
            }
            Self::Tail {
                node,
                epoch,
                from,
                records,
            } => write!(
                f,
                "node {}, epoch {}: {records} records from {from} on are newer than the last checkpoint",
                line(node),
                hex(epoch)
            ),
            Self::Erased(tombstone) => write!(
                f,
                "node {}, epoch {}: records {} to {} were erased by {}: {}",
                line(&tombstone.node),
                hex(&tombstone.epoch),
                tombstone.first,
                tombstone.last,
                line(&tombstone.by),
                line(&tombstone.reason)
            ),
            Self::Abandoned { node, head } => write!(
                f,
                "node {}, epoch {}: records up to {} were given up for an older store",
                line(node),
                hex(&head.epoch),
                head.seq
            ),
        }
    }
}
