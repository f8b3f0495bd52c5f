//! The order in which a run goes through entries and accounts.

use super::gone::brake;
use super::{Decided, Mapped, Phase, Row, Seen, Tally, Verdict};
use crate::admin::Refusal;
use crate::model::{SyncGone, SyncProfile, UserKey};

/// Most audit records about warnings that one run leaves; the answer has them all.
const MOST_WARNINGS: u64 = 100;

/// An account that a profile owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Row.
    pub key: UserKey,
    /// Identity of its entry.
    pub entry: String,
    /// Whether it is disabled.
    pub disabled: bool,
}

/// How far a run is, and what it knows.
#[derive(Debug, Default)]
pub struct Course {
    stage: Stage,
    seen: Seen,
    /// Entries that depend on others, with what is told if nothing changes that.
    waiting: Vec<Mapped>,
    /// Whether the present pass changed anything.
    moved: bool,
    tally: Tally,
    /// Audit records so far.
    place: u64,
    warned: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Reading,
    Settling,
    Gone,
    SettlingAgain,
    Last,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// These entries are to be decided (again).
    Entries(Vec<Mapped>),
    /// The accounts whose entry is gone are to be decided: [`Course::gone`].
    Gone,
    /// Nothing.
    End,
}

impl Course {
    /// Notes entries that were read.
    pub fn read(&mut self, entries: &[Mapped]) {
        self.tally.entries += entries.len() as u64;
        for entry in entries {
            self.seen.add(&entry.entry);
        }
    }

    /// The phase for [`super::decide`].
    pub fn phase(&self) -> Phase {
        match self.stage {
            Stage::Reading => Phase::Reading,
            Stage::Settling | Stage::Gone | Stage::SettlingAgain => Phase::Settling,
            Stage::Last => Phase::Last,
        }
    }

    /// The entries read so far.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Audit records so far.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// How many warnings may still be put on record.
    pub fn warnings_left(&self) -> u64 {
        MOST_WARNINGS.saturating_sub(self.warned)
    }

    /// Takes what was decided and committed for `entries` (none for accounts whose entry is gone); answers the rows
    /// that are to be told.
    pub fn done(&mut self, entries: &[Mapped], decided: Decided) -> Vec<Row> {
        self.place += decided.records.len() as u64;
        self.tally.units += decided.units;
        self.moved |= !decided.changes.is_empty();
        let mut rows = Vec::new();
        for (at, verdict) in decided.verdicts.into_iter().enumerate() {
            match verdict {
                Verdict::Later(_) if self.stage != Stage::Last => {
                    self.waiting.extend(entries.get(at).cloned());
                }
                Verdict::Row(row) | Verdict::Later(row) => {
                    let warned = row.refused.is_some() || !row.warnings.is_empty();
                    self.warned += u64::from(warned);
                    self.tally.count(&row);
                    rows.extend(Some(row).filter(Row::is_worth_telling));
                }
            }
        }
        rows
    }

    /// What comes when everything so far has been decided and, while reading, the directory was read to its end.
    pub fn advance(&mut self) -> Next {
        let again = std::mem::take(&mut self.moved) && !self.waiting.is_empty();
        self.stage = match self.stage {
            Stage::Reading if !self.waiting.is_empty() => Stage::Settling,
            Stage::Settling if again => Stage::Settling,
            Stage::Reading | Stage::Settling => {
                self.stage = Stage::Gone;
                return Next::Gone;
            }
            _ if self.waiting.is_empty() => return Next::End,
            Stage::Gone => Stage::SettlingAgain,
            Stage::SettlingAgain if again => Stage::SettlingAgain,
            Stage::SettlingAgain | Stage::Last => Stage::Last,
        };
        Next::Entries(std::mem::take(&mut self.waiting))
    }

    /// The owned accounts whose entry was not read and with which the profile does something.
    ///
    /// # Errors
    /// -2 where they are more than the profile lets go unasked.
    pub fn gone(
        &self,
        profile: &SyncProfile,
        owned: &[Owned],
        confirmed: bool,
    ) -> Result<Vec<UserKey>, Refusal> {
        let going = |one: &&Owned| match profile.options.gone {
            SyncGone::Keep => false,
            SyncGone::Disable => !one.disabled,
            SyncGone::Delete => true,
        };
        let keys: Vec<UserKey> = owned
            .iter()
            .filter(going)
            .filter(|one| !self.seen.has(&one.entry))
            .map(|one| one.key)
            .collect();
        if !confirmed {
            brake(profile, owned.len() as u64, keys.len() as u64)?;
        }
        Ok(keys)
    }
}
