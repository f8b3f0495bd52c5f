//! One batch: many works, one transaction.

use super::exact::Hopes;
use super::plain::is_plain;
use super::{Fresh, Writer, tell};
use crate::apply::{Effects, Stop, Touch, apply};
use crate::shared::{Job, Shared};
use crate::work::{Outcome, Work};
use crate::{StoreError, trail};
use countersign_engine::decision::Change;
use countersign_engine::time::Timestamp;
use countersign_keyring::Keyring;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A batch that is on disk, or will be with the commit under way.
pub(super) struct Applied {
    pub(super) effects: Effects,
    /// What became of each work.
    pub(super) outcomes: Vec<Outcome>,
}

impl Writer {
    /// Commits works and tells their callers.
    pub(super) fn serve(&mut self, jobs: Vec<Job>) {
        if self.database.server().is_none() {
            return self.serve_together(jobs);
        }
        let (plain, other): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| is_plain(&job.work));
        if !plain.is_empty() {
            self.serve_plain(plain);
        }
        if !other.is_empty() {
            self.serve_together(other);
        }
    }

    fn serve_plain(&mut self, jobs: Vec<Job>) {
        let began = Instant::now();
        self.purge_if_due();
        let mut hopes = Hopes::default();
        match self.exactly(|writer| writer.write_plain(&jobs, &mut hopes)) {
            Ok(Some(applied)) => {
                self.checkpoint_if_due();
                self.end(jobs, began, Ok((applied, Fresh::default())));
            }
            Ok(None) => self.serve_together(jobs),
            Err(error) => self.end(jobs, began, Err(error)),
        }
    }

    fn serve_together(&mut self, jobs: Vec<Job>) {
        let began = Instant::now();
        let ring = self.shared.keyring();
        let done = self.transaction(|writer, now| writer.batch(&jobs, &ring, now));
        self.end(jobs, began, done);
    }

    /// Memory follows what is on disk; then everybody hears of it.
    fn end(&mut self, jobs: Vec<Job>, began: Instant, done: Result<(Applied, Fresh), StoreError>) {
        let outcomes = match done {
            Ok((applied, fresh)) => {
                self.publish(applied.effects, fresh);
                self.remember();
                applied.outcomes
            }
            Err(error) => {
                // That the store lacks commits has been said, and stays so.
                if error != StoreError::Lost {
                    tracing::warn!(
                        "failed to {error}: {} requests fail ({})",
                        jobs.len(),
                        error.status().number()
                    );
                }
                // Where it may have taken place all the same, memory must not stand on what was before.
                jobs.iter().for_each(|job| forget(&self.shared, &job.work));
                vec![Outcome::Failed(error); jobs.len()]
            }
        };
        self.shared.pulse.committed(outcomes.iter(), began);
        let results: Vec<(Job, Outcome)> = jobs.into_iter().zip(outcomes).collect();
        results
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Conflict)
            .for_each(|(job, _)| forget(&self.shared, &job.work));
        tell(results);
        self.tune_or_tell();
    }

    fn batch(
        &mut self,
        jobs: &[Job],
        ring: &Arc<Keyring>,
        now: Timestamp,
    ) -> Result<(Applied, Fresh), StoreError> {
        let mut effects = Effects {
            challenges: if self.purge_is_due(now) {
                self.purge(now)?
            } else {
                0
            },
            ..Effects::default()
        };
        let mut outcomes = vec![Outcome::Conflict; jobs.len()];
        for place in by_key(jobs) {
            let (Some(job), Some(outcome)) = (jobs.get(place), outcomes.get_mut(place)) else {
                continue;
            };
            *outcome = match self.one(&job.work, ring, now) {
                Ok(own) => {
                    effects.add(own);
                    Outcome::Committed
                }
                Err(Stop::Conflict) => Outcome::Conflict,
                Err(Stop::Refused(error)) => {
                    tracing::warn!("failed to {error}: one request fails (-106)");
                    Outcome::Failed(error)
                }
                Err(Stop::Broken(error)) => return Err(error),
            };
        }
        let committed = || {
            jobs.iter()
                .zip(&outcomes)
                .filter(|(_, outcome)| **outcome == Outcome::Committed)
                .map(|(job, _)| &job.work)
        };
        self.audit(committed, now)?;
        let fresh = self.fresh(&effects)?;
        Ok((Applied { effects, outcomes }, fresh))
    }

    /// Works that write once need no savepoint where one statement is done or not and harms nobody else.
    fn one(&mut self, work: &Work, ring: &Keyring, now: Timestamp) -> Result<Effects, Stop> {
        let tx = self.database.tx();
        if work.changes.is_empty() || is_single(work) && !tx.is_fragile() {
            return apply(tx, ring, now, &mut self.numbers, &work.changes);
        }
        tx.queue("SAVEPOINT work")?;
        let applied = apply(tx, ring, now, &mut self.numbers, &work.changes);
        if !matches!(applied, Ok(_) | Err(Stop::Broken(_))) {
            let _ = tx.settle(); // what else went wrong in a work that is undone
            tx.run("ROLLBACK TO SAVEPOINT work", &[])
                .map_err(Stop::Broken)?;
            // What the work reserved is undone with it; others of this transaction reserve anew.
            self.numbers.forget();
        }
        if !matches!(applied, Err(Stop::Broken(_))) {
            tx.queue("RELEASE SAVEPOINT work").map_err(Stop::Broken)?;
        }
        applied
    }

    /// The records of the batch as one segment, its traces as another, and a checkpoint where one is due.
    fn audit<'w, I: Iterator<Item = &'w Work>>(
        &mut self,
        committed: impl Fn() -> I,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tx = self.database.tx();
        self.ledger.turn(tx, now)?;
        let key = self
            .ledger
            .write(tx, committed().flat_map(|work| &work.records), now)?;
        let mut traces = Vec::new();
        committed().for_each(|work| append_trace(work, &mut traces));
        if let (Some(key), false) = (key, traces.is_empty()) {
            let newest = committed()
                .flat_map(|work| &work.records)
                .map(|record| record.time)
                .max();
            trail::insert_traces(tx, key, newest.unwrap_or(now), &traces)?;
        }
        if self.ledger.is_due(now) {
            self.ledger.sign(tx, now)?;
        }
        Ok(())
    }

    /// Reads inside the transaction what memory must hold once it is committed.
    fn fresh(&self, effects: &Effects) -> Result<Fresh, StoreError> {
        let snapshot = effects
            .configuration
            .then(|| self.shared.read_snapshot(self.database.tx()))
            .transpose()?;
        let keyring = effects.keys.then(|| self.read_keyring()).transpose()?;
        Ok(Fresh { snapshot, keyring })
    }

    /// The batch is on disk: memory follows before anybody is told.
    fn publish(&self, effects: Effects, fresh: Fresh) {
        let shared = &self.shared;
        shared
            .outstanding
            .fetch_add(effects.challenges, Ordering::Relaxed);
        for touch in effects.touched {
            match touch {
                Touch::Application(key, guard, to) => shared.cache.set_application(key, guard, &to),
                Touch::User(key, guard, to) => shared.cache.set_user(key, guard, &to),
                Touch::Evict(key) => shared.cache.evict_user(key),
                Touch::EvictApplication(key) => shared.cache.evict_application(key),
            }
        }
        match (fresh.snapshot, fresh.keyring) {
            (Some(snapshot), keyring) => shared.set_configuration(snapshot, keyring),
            (None, Some(keyring)) => shared.set_keyring(keyring),
            (None, None) => {}
        }
    }
}

/// The works in the order of the rows they write, so that neighbours are found on one page; equal ones as they came.
fn by_key(jobs: &[Job]) -> Vec<usize> {
    let mut order: Vec<(i64, usize)> = jobs
        .iter()
        .enumerate()
        .map(|(place, job)| (first_key(&job.work), place))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

fn first_key(work: &Work) -> i64 {
    let key = |change: &Change| match change {
        Change::Application { key, .. } => Some(key.0),
        _ => None,
    };
    work.changes.iter().find_map(key).unwrap_or(i64::MAX)
}

fn is_single(work: &Work) -> bool {
    match work.changes.as_slice() {
        []
        | [
            Change::Application { .. } | Change::TakeChallenge { .. } | Change::WrongAnswer { .. },
        ] => true,
        [Change::User { to, .. }] => to.locked.is_none(),
        _ => false,
    }
}

pub(super) fn append_trace(work: &Work, out: &mut Vec<u8>) {
    let (Some(main), Ok(size)) = (work.records.first(), u32::try_from(work.trace.len())) else {
        return;
    };
    if size > 0 {
        out.extend_from_slice(&main.amid);
        out.extend_from_slice(&size.to_be_bytes());
        out.extend_from_slice(&work.trace);
    }
}

/// What a conflict was decided on is stale.
fn forget(shared: &Shared, work: &Work) {
    for change in &work.changes {
        match change {
            Change::Application { key, .. } | Change::Pin { key, .. } => {
                shared.cache.evict_application(*key);
            }
            Change::User { key, .. } | Change::Password { key, .. } => {
                shared.cache.evict_user(*key);
            }
            _ => {}
        }
    }
}
