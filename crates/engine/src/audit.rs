//! The audit trail: what a record says, how it is written, and how a chain of them proves itself (spec/audit.md).

pub mod canonical;
pub mod chain;
pub mod escape;
pub mod message;
pub mod record;
pub mod verify;

pub use chain::{Chain, Checkpoint, Head, KeyNotice, Start, Tombstone};
pub use message::{Code, Letter, Pattern};
pub use record::{Category, Entry, KeyHint, Masked, Place, Record, Text};
pub use verify::{Outcome, Problem, Verifier};
