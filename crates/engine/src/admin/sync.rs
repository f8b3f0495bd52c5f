//! Synchronisation with a directory: entries become changes of accounts in bounded batches, each entry with its own
//! row (administration.md 11).
//!
//! The shell reads the directory page by page. It maps the entries ([`Names::map`]), loads the accounts of [`needs`],
//! calls [`decide`] and commits; after a conflict it loads and decides again. [`Course`] says what comes after the last
//! page: entries that wait for others ([`Verdict::Later`]) are decided again until nothing moves any more, then, and
//! only where the directory was read to its end, come the accounts whose entry is [`gone`].
//!
//! A second run on the same directory finds nothing to do: a change is made only where a value differs.

mod apply;
mod course;
mod entry;
mod gone;
mod names;
mod plan;
mod row;
mod value;

pub use course::{Course, Next, Owned};
pub use entry::{Entry, Mapped};
pub use gone::gone;
pub use names::Names;
pub use plan::{Decided, Facts, Needs, Phase, Seen, Unreadable, Verdict, decide, needs};
pub use row::{Act, Row, Tally, started};

use super::{Caller, Refusal};
use crate::Status;
use crate::model::{SyncGone, SyncProfile};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use std::sync::Arc;

/// Most entries that are read together.
pub const PAGE: usize = 500;
/// Most entries whose changes are committed together.
pub const BATCH: usize = 100;

/// A synchronisation to be carried out by the shell.
#[derive(Clone, Debug)]
pub struct Order {
    /// The profile.
    pub profile: Arc<SyncProfile>,
    /// The attributes in force.
    pub names: Names,
    /// What is wanted.
    pub mode: Mode,
    /// Whether more accounts may go than the profile lets go unasked.
    pub confirm_deletes: bool,
}

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.profile.key == other.profile.key
            && self.profile.meta == other.profile.meta
            && (&self.names, self.mode, self.confirm_deletes)
                == (&other.names, other.mode, other.confirm_deletes)
    }
}

/// What a synchronisation is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read the directory and show what becomes of its entries.
    Validate,
    /// Decide everything and change nothing.
    DryRun,
    /// Do it.
    Run,
}

/// What every part of a run is decided on.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Who ordered it.
    pub caller: &'a Caller,
    /// The time of its changes.
    pub at: Timestamp,
    /// The configuration.
    pub snapshot: &'a Snapshot,
    /// The profile.
    pub profile: &'a SyncProfile,
    /// The attributes in force.
    pub names: &'a Names,
    /// How many audit records the run has left so far; no number is used twice.
    pub place: u64,
}

/// Whether the caller may do by hand what a run of this profile does.
///
/// # Errors
/// 1005, naming the privilege.
pub fn permitted(caller: &Caller, profile: &SyncProfile, names: &Names) -> Result<(), Refusal> {
    let options = profile.options;
    let wanted = [
        (options.create, "user", "create"),
        (options.create_units, "org-unit", "create"),
        (options.update, "user", "update"),
        (
            options.update && !names.expires.is_empty(),
            "user",
            "set-expiration",
        ),
        (
            options.update && !names.disabled.is_empty(),
            "user",
            "enable",
        ),
        (
            options.update && !names.custom.is_empty(),
            "user-attribute",
            "update",
        ),
        (options.move_accounts, "user", "move"),
        (options.gone == SyncGone::Disable, "user", "disable"),
        (options.gone == SyncGone::Delete, "user", "delete"),
    ];
    for (_, object, verb) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
        if let Some(verb) = super::find(object, verb) {
            super::admit(caller, verb)?;
        }
    }
    Ok(())
}

/// 1132 where the account that is to get what a deleted one leaves behind is no administrator that exists.
pub fn successor_missing(name: &str) -> Refusal {
    Refusal::new(
        Status::SUCCESSOR_NOT_FOUND,
        format!("the successor {name} is no administrator of this domain; change the profile"),
    )
}

#[cfg(test)]
mod tests;
