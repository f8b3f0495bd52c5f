//! Who runs a profile: one node at a time, over all nodes. The run's row in the store is the lease; every batch of a run
//! that writes it anew is guarded by it.

use super::Ended;
use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::{Caller, Refusal, Write};
use countersign_engine::decision::Change;
use countersign_engine::model::{SyncProfile, SyncRun, SyncState};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often progress is written.
const PROGRESS: Duration = Duration::from_secs(1);

/// The profiles that this node runs; a place in [`Node`].
pub(crate) type Running = Mutex<BTreeSet<i64>>;

/// A run that this node holds.
pub(super) struct Lease {
    run: SyncRun,
    told: Instant,
    _here: Here,
}

/// The profile runs on this node until this is dropped.
struct Here(Arc<Node>, i64);

impl Drop for Here {
    fn drop(&mut self) {
        running(&self.0).remove(&self.1);
    }
}

fn running(node: &Node) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
    node.syncing()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// -104: it runs already.
pub(super) fn busy(profile: &str) -> Ended {
    Ended {
        refusal: Refusal::new(
            Status::BUSY,
            format!("a run of profile {profile} has just begun elsewhere; sync-profile/view tells"),
        ),
        state: SyncState::Failed,
    }
}

impl Lease {
    /// The run of a profile, ready to be committed by [`Lease::change`].
    ///
    /// A run of this node that is not under way here was cut off: it is taken over at once, one of another node when that
    /// has been silent for long.
    pub(super) fn take(
        node: &Arc<Node>,
        caller: &Caller,
        profile: &SyncProfile,
    ) -> Result<Self, Ended> {
        let now = Node::now();
        let last = node.store().sync_run(profile.key);
        let last = last.map_err(|error| Ended::store(node, &error))?;
        let elsewhere = last
            .as_ref()
            .filter(|run| run.node != node.name() && run.holds(now));
        if let Some(run) = elsewhere {
            let why = format!(
                "profile {} is being run by node {} since {}; sync-profile/view tells how far it is",
                profile.name,
                run.node,
                run.started.rfc3339()
            );
            return Err(Ended::failed(Status::BUSY, why));
        }
        if !running(node).insert(profile.key) {
            let why = format!(
                "profile {} is being run on this node; sync-profile/view tells how far it is",
                profile.name
            );
            return Err(Ended::failed(Status::BUSY, why));
        }
        Ok(Self {
            run: SyncRun {
                profile: profile.key,
                version: last.map_or(0, |run| run.version),
                node: node.name().to_owned(),
                user: caller.id.clone(),
                state: SyncState::Running,
                started: now,
                seen: now,
                ended: None,
                totals: "{}".to_owned(),
                message: String::new(),
            },
            told: Instant::now(),
            _here: Here(node.clone(), profile.key),
        })
    }

    /// The run as it is.
    pub(super) fn change(&self) -> Change {
        Change::Write(Write::SyncRun(Box::new(self.run.clone())))
    }

    /// The run with these counts, where it is time to tell them.
    pub(super) fn progress(
        &mut self,
        totals: impl FnOnce() -> String,
        now: bool,
    ) -> Option<Change> {
        if !now && self.told.elapsed() < PROGRESS {
            return None;
        }
        self.told = Instant::now();
        self.run.seen = Node::now();
        self.run.totals = totals();
        Some(self.change())
    }

    /// After its change was committed.
    pub(super) fn advanced(mut self) -> Self {
        self.advance();
        self
    }

    pub(super) fn advance(&mut self) {
        self.run.version += 1;
    }

    /// Whether the run is still this one; an earlier commit whose outcome was not heard counts as made.
    pub(super) fn is_held(&mut self, node: &Node) -> Result<bool, Ended> {
        let stored = node.store().sync_run(self.run.profile);
        let stored = stored.map_err(|error| Ended::store(node, &error))?;
        Ok(stored.is_some_and(|stored| {
            let same = stored.node == self.run.node && stored.started == self.run.started;
            if same {
                self.run.version = stored.version;
            }
            same
        }))
    }

    /// The end of the run.
    pub(super) fn end(&self, state: SyncState, totals: String, message: String) -> Change {
        let now = Node::now();
        Change::Write(Write::SyncRun(Box::new(SyncRun {
            state,
            totals,
            message,
            seen: now,
            ended: Some(now),
            ..self.run.clone()
        })))
    }
}
