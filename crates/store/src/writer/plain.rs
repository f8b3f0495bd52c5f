//! Logons in bulk on a server: works that write nothing but moving states become one statement.

use super::Writer;
use super::batch::{Applied, append_trace};
use super::exact::Hopes;
use crate::StoreError;
use crate::apply::{Effects, Touch};
use crate::postgres::batch::Batch;
use crate::shared::Job;
use crate::trail;
use crate::work::{Outcome, Work};
use countersign_engine::decision::Change;
use countersign_engine::time::Timestamp;
use std::collections::HashSet;

/// Rounds of leaving out works whose guards do not hold before the rest goes the long way.
const ROUNDS: usize = 3;

/// Whether a work writes nothing but moving states. A lock is more: it is seen at the applications, too.
pub(super) fn is_plain(work: &Work) -> bool {
    work.changes.iter().all(|change| match change {
        Change::Application { .. } => true,
        Change::User { to, .. } => to.locked.is_none(),
        _ => false,
    })
}

impl Writer {
    /// Commits plain works and says what became of each; none when they must go the long way.
    pub(super) fn write_plain(
        &mut self,
        jobs: &[Job],
        hopes: &mut Hopes<Applied>,
    ) -> Result<Option<Applied>, StoreError> {
        if let Some(applied) = hopes.fulfilled(&self.ledger) {
            return Ok(Some(applied));
        }
        if self.ledger.is_full() {
            return Ok(None);
        }
        let mut conflicts = repeated(jobs);
        for _ in 0..ROUNDS {
            let now = self.shared.now();
            let before = self.ledger.clone();
            let batch = self.compose(jobs, &conflicts, now);
            let written = match self.database.server() {
                Some(server) => server.write_batch(&batch),
                None => return Ok(None),
            };
            match written {
                Ok(true) => return Ok(Some(applied(jobs, &conflicts))),
                Ok(false) => {
                    self.ledger = before;
                    // These works may have come late themselves, and made their own guards stale.
                    self.look_again()?;
                    if let Some(applied) = hopes.fulfilled(&self.ledger) {
                        return Ok(Some(applied));
                    }
                    let found = self.conflicting(jobs, &batch, &conflicts)?;
                    if found.is_empty() {
                        continue;
                    }
                    conflicts.extend(found);
                }
                Err(error) => {
                    let after = std::mem::replace(&mut self.ledger, before);
                    if matches!(error, StoreError::Unknown(_)) {
                        hopes.add(&self.ledger, &after, applied(jobs, &conflicts));
                        self.doubt(after);
                    }
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn compose(&mut self, jobs: &[Job], conflicts: &HashSet<usize>, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        let works = || {
            jobs.iter()
                .enumerate()
                .filter(|(place, _)| !conflicts.contains(place))
                .map(|(_, job)| &job.work)
        };
        // In one order on all nodes: those that lock the same rows in another one would wait for each other.
        let mut changes: Vec<&Change> = works().flat_map(|work| &work.changes).collect();
        changes.sort_by_key(|change| row(change));
        for change in changes {
            match change {
                Change::Application { key, guard, to } => batch.application(*key, *guard, to),
                Change::User { key, guard, to } => batch.user(*key, *guard, to),
                _ => {}
            }
        }
        let records = works().flat_map(|work| &work.records);
        let epoch = self.ledger.epoch();
        if let Some(segment) = self.ledger.compose(records, now) {
            let mut traces = Vec::new();
            works().for_each(|work| append_trace(work, &mut traces));
            if !traces.is_empty() {
                batch.traces = Some((segment.to, traces));
            }
            let key = trail::segment_key(epoch, segment.first);
            batch.segment = Some((key, epoch, segment));
        }
        batch
    }

    /// The works whose guards do not hold.
    fn conflicting(
        &self,
        jobs: &[Job],
        batch: &Batch,
        known: &HashSet<usize>,
    ) -> Result<Vec<usize>, StoreError> {
        let Some(server) = self.database.server() else {
            return Ok(Vec::new());
        };
        let (applications, users) = server.stale(batch)?;
        let is_stale = |change: &Change| match change {
            Change::Application { key, .. } => applications.contains(&key.0),
            Change::User { key, .. } => users.contains(&key.0),
            _ => false,
        };
        let stale = jobs
            .iter()
            .enumerate()
            .filter(|(place, job)| !known.contains(place) && job.work.changes.iter().any(is_stale));
        Ok(stale.map(|(place, _)| place).collect())
    }
}

/// Works that write a row which another work of the batch writes before them: their guards cannot hold.
fn repeated(jobs: &[Job]) -> HashSet<usize> {
    let mut seen = HashSet::new();
    let mut conflicts = HashSet::new();
    for (place, job) in jobs.iter().enumerate() {
        let rows: Vec<(bool, i64)> = job.work.changes.iter().filter_map(row).collect();
        if rows.iter().any(|row| seen.contains(row)) {
            conflicts.insert(place);
        } else {
            seen.extend(rows);
        }
    }
    conflicts
}

fn row(change: &Change) -> Option<(bool, i64)> {
    match change {
        Change::Application { key, .. } => Some((false, key.0)),
        Change::User { key, .. } => Some((true, key.0)),
        _ => None,
    }
}

fn applied(jobs: &[Job], conflicts: &HashSet<usize>) -> Applied {
    let mut effects = Effects::default();
    let mut outcomes = Vec::with_capacity(jobs.len());
    for (place, job) in jobs.iter().enumerate() {
        if conflicts.contains(&place) {
            outcomes.push(Outcome::Conflict);
            continue;
        }
        effects
            .touched
            .extend(job.work.changes.iter().filter_map(touch));
        outcomes.push(Outcome::Committed);
    }
    Applied { effects, outcomes }
}

fn touch(change: &Change) -> Option<Touch> {
    match change {
        Change::Application { key, guard, to } => Some(Touch::Application(*key, *guard, *to)),
        Change::User { key, guard, to } => Some(Touch::User(*key, *guard, *to)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
