//! What a run tells of an entry, and what it counts.

use super::{Mode, Run};
use crate::Status;
use crate::admin::{AdminDecision, Caller, Verb, record};
use crate::audit::{Code, Record};
use crate::time::Timestamp;
use serde_json::{Map, Value as Json, json};

/// One thing that is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Made.
    Created,
    /// Known before, from now on owned by the profile.
    TakenOver,
    /// Fields changed.
    Updated,
    /// Renamed, or in another unit or domain.
    Moved,
    /// Enabled.
    Enabled,
    /// Disabled.
    Disabled,
    /// Removed.
    Deleted,
}

/// Words of acts, in their order.
const ACTS: [(Act, &str); 7] = [
    (Act::Created, "created"),
    (Act::TakenOver, "taken_over"),
    (Act::Updated, "updated"),
    (Act::Moved, "moved"),
    (Act::Enabled, "enabled"),
    (Act::Disabled, "disabled"),
    (Act::Deleted, "deleted"),
];

impl Act {
    /// Its word.
    pub fn word(self) -> &'static str {
        ACTS.iter()
            .find(|(act, _)| *act == self)
            .map_or("", |(_, word)| word)
    }
}

/// What became of one entry, or of an account whose entry is gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Distinguished name of the entry.
    pub dn: String,
    /// User ID of the account.
    pub user: String,
    /// What was done.
    pub acts: Vec<Act>,
    /// Fields that differ: before and after.
    pub changes: Vec<(String, Json, Json)>,
    /// Why nothing was done, where something should have been.
    pub refused: Option<(Status, String)>,
    /// What to know.
    pub warnings: Vec<String>,
}

impl Row {
    /// Whether there is anything to tell.
    pub fn is_worth_telling(&self) -> bool {
        !self.acts.is_empty() || self.refused.is_some() || !self.warnings.is_empty()
    }

    /// The entry of `rows[]`.
    pub fn to_json(&self) -> Map<String, Json> {
        let (status, message) = match &self.refused {
            Some((status, detail)) => (*status, detail.as_str()),
            None => (Status::SUCCESS, ""),
        };
        let changes: Map<String, Json> = self
            .changes
            .iter()
            .map(|(field, from, to)| (field.clone(), json!({"from": from, "to": to})))
            .collect();
        let acts: Vec<&str> = self.acts.iter().map(|act| act.word()).collect();
        let row = json!({
            "dn": self.dn,
            "user": self.user,
            "acts": acts,
            "changes": changes,
            "status_code": status.number(),
            "status": status.name(),
            "message": message,
            "warnings": self.warnings,
        });
        match row {
            Json::Object(row) => row,
            _ => Map::new(),
        }
    }
}

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries read.
    pub entries: u64,
    /// By act.
    acts: [u64; ACTS.len()],
    /// Units made.
    pub units: u64,
    /// Entries that change nothing although they differ, for an option or a reason of their own.
    pub skipped: u64,
    /// Entries with a warning or a refusal.
    pub warned: u64,
}

impl Tally {
    /// Counts a row.
    pub fn count(&mut self, row: &Row) {
        for act in &row.acts {
            if let Some(number) = ACTS
                .iter()
                .position(|(own, _)| own == act)
                .and_then(|at| self.acts.get_mut(at))
            {
                *number += 1;
            }
        }
        self.skipped += u64::from(row.refused.is_some());
        self.warned += u64::from(row.refused.is_some() || !row.warnings.is_empty());
    }

    /// How often something was done.
    pub fn of(&self, act: Act) -> u64 {
        let at = ACTS.iter().position(|(own, _)| *own == act);
        at.and_then(|at| self.acts.get(at)).copied().unwrap_or(0)
    }

    /// All things that were done.
    pub fn changes(&self) -> u64 {
        self.acts.iter().sum::<u64>() + self.units
    }

    /// The counts by name.
    pub fn to_json(&self) -> Map<String, Json> {
        let mut counts = Map::new();
        counts.insert("entries".to_owned(), json!(self.entries));
        for ((_, word), number) in ACTS.iter().zip(&self.acts) {
            counts.insert((*word).to_owned(), json!(number));
        }
        counts.insert("units_created".to_owned(), json!(self.units));
        counts.insert("skipped".to_owned(), json!(self.skipped));
        counts.insert("warned".to_owned(), json!(self.warned));
        counts
    }

    /// Puts the counts into the answer and the main record of a run's decision.
    pub fn finish(&self, decision: &mut AdminDecision) {
        decision
            .result
            .insert("totals".to_owned(), Json::Object(self.to_json()));
        if let Some(record) = decision.records.first_mut() {
            record.output = Some(Json::Object(self.to_json()));
        }
    }
}

/// The record of the beginning of a run.
pub fn started(caller: &Caller, at: Timestamp, verb: &Verb, profile: &str, mode: Mode) -> Record {
    let mut record = record::of_row(caller, at, Code::TASK_CHANGED, verb, 0);
    record.target = Some(profile.to_owned().into());
    record.output = Some(json!({"synchronisation": "started", "dry_run": mode != Mode::Run}));
    record
}

/// The record of a change, as its own command would leave it.
pub(super) fn of_change(
    run: &Run<'_>,
    place: u64,
    verb: (&str, &str),
    input: Map<String, Json>,
) -> Option<Record> {
    let verb = crate::admin::find(verb.0, verb.1)?;
    Some(record::of_change(run.caller, run.at, verb, place, input))
}

/// The record of a warning (W-016004).
pub(super) fn of_warning(run: &Run<'_>, place: u64, row: &Row) -> Option<Record> {
    let verb = crate::admin::find("sync-profile", "run")?;
    let mut record = record::of_row(run.caller, run.at, Code::USER_NOT_SYNCHRONISED, verb, place);
    let refused = row.refused.as_ref();
    let status = refused.map_or(Status::USER_SYNC_FAILED, |(status, _)| *status);
    let reasons = refused
        .map(|(_, detail)| detail)
        .into_iter()
        .chain(&row.warnings);
    let reasons: Vec<&str> = reasons.map(String::as_str).collect();
    record.status = Some(status);
    record.target_user = Some(row.user.clone().into());
    record.target = Some(row.dn.clone().into());
    record.reason = Some(reasons.join("; ").into());
    Some(record)
}
