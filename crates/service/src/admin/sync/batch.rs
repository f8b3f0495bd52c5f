//! Entries or accounts that are decided and committed together.

use super::{Ended, Job};
use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::sync::{self, Decided, Facts, Mapped, Mode, Row, Run, Verdict};
use countersign_engine::model::UserKey;
use countersign_engine::snapshot::Snapshot;
use countersign_store::{Outcome, StoreError};

/// How often a batch is decided again after conflicts before each of its entries goes alone.
const MOST_TRIES: u32 = 5;
/// How often one entry is.
const MOST_TRIES_ALONE: u32 = 20;

/// What a commit came to.
enum Tried {
    Done,
    Conflict,
    Refused(StoreError),
}

/// The accounts that entries can concern.
pub(super) async fn load(job: &Job, entries: &[Mapped]) -> Result<Facts, Ended> {
    let snapshot = job.node.snapshot();
    let needs = sync::needs(&job.run(&snapshot), entries);
    read(job, move |node| node.store().sync_facts(&needs)).await
}

async fn read<T: Send + 'static>(
    job: &Job,
    read: impl FnOnce(&Node) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Ended> {
    let node = job.node.clone();
    tokio::task::spawn_blocking(move || read(&node))
        .await
        .map_err(|_| Ended::failed(Status::ERROR, "the store could not be read"))?
        .map_err(|error| Ended::store(&job.node, &error))
}

/// Decides entries on `facts`, or on fresh ones where there are none, until they are committed.
pub(super) async fn entries(
    job: &mut Job,
    entries: &[Mapped],
    facts: &mut Option<Facts>,
) -> Result<(), Ended> {
    match together(job, entries, facts, MOST_TRIES).await? {
        Tried::Done => return Ok(()),
        Tried::Conflict | Tried::Refused(_) => *facts = None,
    }
    for entry in entries.chunks(1) {
        job.must_end()?;
        match together(job, entry, &mut None, MOST_TRIES_ALONE).await? {
            Tried::Done => {}
            Tried::Conflict => give_up(job, entry, "others keep changing the account"),
            Tried::Refused(error) => give_up(job, entry, &format!("failed to {error}")),
        }
    }
    Ok(())
}

async fn together(
    job: &mut Job,
    entries: &[Mapped],
    given: &mut Option<Facts>,
    tries: u32,
) -> Result<Tried, Ended> {
    let mut tried = Tried::Conflict;
    for _ in 0..tries {
        let facts = match given.take() {
            Some(facts) => facts,
            None => load(job, entries).await?,
        };
        let snapshot = job.node.snapshot();
        let course = &job.course;
        let decided = sync::decide(
            &job.run(&snapshot),
            course.phase(),
            course.seen(),
            entries,
            &facts,
            course.warnings_left(),
        );
        tried = commit(job, entries, decided).await?;
        match tried {
            // The accounts of the page that are still to come are as they were.
            Tried::Done => {
                *given = Some(facts);
                break;
            }
            Tried::Conflict => {}
            Tried::Refused(_) => break,
        }
    }
    Ok(tried)
}

/// Decides accounts whose entry is gone until they are committed.
pub(super) async fn gone(job: &mut Job, keys: &[UserKey]) -> Result<(), Ended> {
    for size in [keys.len(), 1] {
        let mut left = Vec::new();
        for some in keys.chunks(size.max(1)) {
            if !gone_together(job, some).await? {
                left.extend_from_slice(some);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

async fn gone_together(job: &mut Job, keys: &[UserKey]) -> Result<bool, Ended> {
    for _ in 0..MOST_TRIES {
        let wanted = keys.to_vec();
        let facts = read(job, move |node| node.store().sync_accounts(&wanted)).await?;
        let snapshot = job.node.snapshot();
        let decided = sync::gone(&job.run(&snapshot), &facts, job.course.warnings_left());
        match commit(job, &[], decided).await? {
            Tried::Done => return Ok(true),
            Tried::Conflict => {}
            Tried::Refused(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Commits what was decided, with how far the run is; in a dry run it is only told.
async fn commit(job: &mut Job, entries: &[Mapped], mut decided: Decided) -> Result<Tried, Ended> {
    if job.order.mode == Mode::Run {
        let mut changes = std::mem::take(&mut decided.changes);
        let some = !changes.is_empty() || !decided.records.is_empty();
        let totals = job.course.tally().to_json();
        let totals = || serde_json::Value::Object(totals).to_string();
        let beat = job
            .lease
            .as_mut()
            .and_then(|lease| lease.progress(totals, false));
        let told = beat.is_some();
        if some || told {
            let moved = !changes.is_empty();
            let kept = changes.clone();
            changes.extend(beat);
            match job.commit(changes, decided.records.clone()).await {
                Outcome::Committed => {}
                Outcome::Conflict => return lost(job, Tried::Conflict),
                Outcome::Failed(error @ (StoreError::Refused(_) | StoreError::Corrupt(_))) => {
                    return lost(job, Tried::Refused(error));
                }
                Outcome::Failed(error) => return Err(Ended::store(&job.node, &error)),
            }
            if let Some(lease) = job.lease.as_mut().filter(|_| told) {
                lease.advance();
            }
            if moved {
                decided.changes = kept;
            }
        }
    } else {
        decided.records.clear();
    }
    let rows = job.course.done(entries, decided);
    job.keep(rows);
    Ok(Tried::Done)
}

/// A run that is no longer this node's ends here.
fn lost(job: &mut Job, tried: Tried) -> Result<Tried, Ended> {
    job.node.metrics().conflict();
    let Some(lease) = &mut job.lease else {
        return Ok(tried);
    };
    if lease.is_held(&job.node)? {
        return Ok(tried);
    }
    job.lease = None;
    Err(Ended::failed(
        Status::BUSY,
        "another node has taken the run over",
    ))
}

fn give_up(job: &mut Job, entries: &[Mapped], why: &str) {
    let rows = entries.iter().map(|entry| {
        Verdict::Row(Row {
            dn: entry.dn.clone(),
            user: entry.user.clone().unwrap_or_default(),
            refused: Some((Status::STORAGE, format!("{why}; a new run tries again"))),
            ..Row::default()
        })
    });
    let decided = Decided {
        verdicts: rows.collect(),
        ..Decided::default()
    };
    let rows = job.course.done(entries, decided);
    job.keep(rows);
}

impl Job {
    /// What the engine decides on.
    pub(super) fn run<'a>(&'a self, snapshot: &'a Snapshot) -> Run<'a> {
        Run {
            caller: &self.caller,
            at: Node::now(),
            snapshot,
            profile: &self.order.profile,
            names: &self.order.names,
            place: self.course.place(),
        }
    }

    /// Says that the run lives.
    pub(super) async fn beat(&mut self) -> Result<(), Ended> {
        let totals = self.course.tally().to_json();
        let totals = || serde_json::Value::Object(totals).to_string();
        let change = self
            .lease
            .as_mut()
            .and_then(|lease| lease.progress(totals, true));
        let Some(change) = change else {
            return Ok(());
        };
        match self.commit(vec![change], Vec::new()).await {
            Outcome::Committed => {
                if let Some(lease) = &mut self.lease {
                    lease.advance();
                }
                Ok(())
            }
            Outcome::Conflict => lost(self, Tried::Conflict).map(drop),
            Outcome::Failed(error) => Err(Ended::store(&self.node, &error)),
        }
    }
}
