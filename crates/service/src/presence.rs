//! This node among the others: a thread of its own looks at the store again and again, says that the node lives and how
//! it is, learns what administrators want of it, and compares the clocks. Health is what it found, so that a probe
//! costs nothing, and it goes on while everything else waits.

use crate::clock::{self, Limits, Reading, Trust};
use crate::gate::Shut;
use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::Write;
use countersign_engine::audit::Record;
use countersign_engine::decision::Change;
use countersign_engine::model::{NodeRecord, NodeReport, Scenario};
use countersign_engine::time::Timestamp;
use countersign_store::{Outcome, StoreError, Work, known_versions};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pause between two looks at the store.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while the store fails, so that service returns at once.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often the node says that it lives; each time proves that the store takes writes.
const REPORT_EVERY: Duration = Duration::from_secs(3);
/// How often clocks are compared, and the state file with the store.
const COMPARE_EVERY: Duration = Duration::from_secs(10);
/// How long the last report may take.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What the thread shares with the node.
#[derive(Debug)]
pub(crate) struct Presence {
    addresses: Mutex<BTreeMap<String, String>>,
    state_file: Option<PathBuf>,
    bell: Arc<Bell>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Wakes the thread.
#[derive(Debug, Default)]
struct Bell {
    state: Mutex<Rung>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    look: bool,
    stop: bool,
}

/// What the thread remembers between two looks.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    reported: Option<(NodeReport, Instant)>,
    compared: Option<Instant>,
}

impl Presence {
    pub(crate) fn new(state_file: Option<PathBuf>) -> Self {
        Self {
            addresses: Mutex::default(),
            state_file,
            bell: Arc::default(),
            thread: Mutex::default(),
        }
    }

    /// Starts the thread, which lives as long as the node.
    pub(crate) fn start(&self, node: &Arc<Node>, mut memory: Memory) -> std::io::Result<()> {
        let (node, bell) = (Arc::downgrade(node), self.bell.clone());
        let thread = std::thread::Builder::new()
            .name("presence".to_owned())
            .spawn(move || {
                while let Some(node) = next(&node, &bell) {
                    node.look(&mut memory);
                }
            })?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    fn stop(&self) {
        self.ring(|rung| rung.stop = true);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) =
            thread.filter(|thread| thread.thread().id() != std::thread::current().id())
        {
            let _ = thread.join(); // a panic has been reported already
        }
    }

    fn ring(&self, set: impl FnOnce(&mut Rung)) {
        set(&mut self
            .bell
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner));
        self.bell.wake.notify_all();
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.ring(|rung| rung.stop = true);
    }
}

/// Waits for the time of the next look; none when there is none.
fn next(node: &Weak<Node>, bell: &Bell) -> Option<Arc<Node>> {
    let fails = node.upgrade()?.gate().store_fails();
    let pause = if fails { LOOK_AGAIN } else { LOOK_EVERY };
    let rung = bell.state.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut rung, _) = bell
        .wake
        .wait_timeout_while(rung, pause, |rung| !rung.look && !rung.stop)
        .unwrap_or_else(PoisonError::into_inner);
    rung.look = false;
    if rung.stop { None } else { node.upgrade() }
}

impl Node {
    /// Where this node is reached: `host`, and by listener `http`, `health`, `radius_auth`, `radius_acct`.
    pub fn set_addresses(&self, addresses: BTreeMap<String, String>) {
        *self
            .presence()
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// All nodes, each with the time since it was heard of.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn nodes(&self) -> Result<Vec<NodeRecord>, StoreError> {
        let mut nodes = self.store().nodes()?;
        self.measure_silence(&mut nodes);
        Ok(nodes)
    }

    /// Notes at each node how long it has been silent, by the store's clock.
    pub(crate) fn measure_silence(&self, nodes: &mut [NodeRecord]) {
        let now = self.store_now();
        for node in nodes {
            let seen = node
                .report
                .as_ref()
                .map_or(node.started, |report| report.seen);
            node.silent_us = now.micros_since(seen);
        }
    }

    /// Looks at the store now instead of in a moment.
    pub(crate) fn look_soon(&self) {
        self.presence().ring(|rung| rung.look = true);
    }

    /// One look at the store; everything found goes to the gate.
    pub(crate) fn look(&self, memory: &mut Memory) {
        let began = Instant::now();
        self.gate().looking(began);
        let found = self.follow(memory);
        if let Err(error) = &found {
            memory.reported = None;
            let hangs = began.elapsed() >= self.snapshot().settings.deadline();
            self.note_failure(error, hangs);
        }
        self.gate().looked(found.is_ok());
        self.metrics().set_ready(self.readiness().ready);
    }

    /// A request met a failure of the store: where it cannot be reached health says so at once, and a look follows soon.
    pub(crate) fn suspect_store(&self, error: &StoreError) {
        if self.gate().store_fails() {
            return; // known, and looked at again and again
        }
        if error.status() == Status::COMMS || *error == StoreError::Lost {
            self.note_failure(error, false);
        }
        self.look_soon();
    }

    /// A request waited for a commit until its deadline: the store hangs.
    pub(crate) fn store_hangs(&self) {
        if !self.gate().store_fails() {
            self.note_failure(&crate::commit::late(), true);
            self.look_soon();
        }
    }

    /// The store failed: health says so until a look finds otherwise.
    pub(crate) fn note_failure(&self, error: &StoreError, hangs: bool) {
        if *error == StoreError::Lost {
            self.lose_trust();
        }
        let silent = hangs || error.status() == Status::COMMS;
        self.gate()
            .store_failed(format!("failed to {error}"), silent);
    }

    /// Writes the last report and ends the thread.
    pub(crate) fn take_leave(&self) {
        self.presence().stop();
        self.gate().end();
        if let Err(error) = self.say(self.report(), LAST_WORD) {
            tracing::warn!("failed to {error}: the other nodes will think that this one is lost");
        }
    }

    fn follow(&self, memory: &mut Memory) -> Result<(), StoreError> {
        if self.store().has_lost_commits() {
            return Err(StoreError::Lost);
        }
        self.gate().set_wish(self.store().node_wish(self.name())?);
        let due = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() >= COMPARE_EVERY);
        let untrusted = self.clock_watch().state().0 == Trust::Untrusted;
        if untrusted || due(memory.compared) {
            self.compare_clocks(memory.compared.is_none())?;
            self.compare_memories()?;
            memory.compared = Some(Instant::now());
        }
        let report = self.report();
        let told = memory.reported.as_ref();
        if told.is_none_or(|(told, at)| differs(told, &report) || at.elapsed() >= REPORT_EVERY) {
            self.say(report.clone(), self.snapshot().settings.deadline())?;
            memory.reported = Some((report, Instant::now()));
        }
        Ok(())
    }

    /// Compares this clock with the store's, or with itself, and reports a change (W-111002, E-111001).
    fn compare_clocks(&self, first: bool) -> Result<(), StoreError> {
        let before = Self::now();
        let store = self.store().clock()?;
        let newest = match store {
            None if first => self.store().newest_record()?,
            _ => None,
        };
        let reading = Reading {
            before,
            store,
            after: Self::now(),
            monotonic: Instant::now(),
            newest,
        };
        let found = self
            .clock_watch()
            .take(reading, Limits::of(&self.snapshot().settings));
        let (trust, offset) = self.clock_watch().state();
        self.gate()
            .set_trust(trust, offset.map_or_else(String::new, clock::difference));
        if let Some(finding) = found {
            let mut record = Record::new(finding.code, Self::arrival().id, Self::now());
            tracing::warn!(code = %finding.code, "{}", finding.reason);
            record.reason = Some(finding.reason.into());
            crate::commit::note(self.store(), record);
        }
        Ok(())
    }

    /// Whether the store still holds what this node remembers of it (audit.md 5).
    fn compare_memories(&self) -> Result<(), StoreError> {
        let Some(file) = &self.presence().state_file else {
            return Ok(());
        };
        if self.store().holds_what_is_remembered(file)? {
            return Ok(());
        }
        Err(StoreError::Lost)
    }

    /// The store was put back, or a replica took over that lacks commits: they must not be built upon.
    fn lose_trust(&self) {
        if self.gate().shut(Scenario::Admin) != Some(Shut::RolledBack) {
            tracing::error!(
                code = "E-115003",
                "the store lacks what this node has seen there; it does not serve until `countersign audit accept-rollback` and a new start"
            );
        }
        self.gate().roll_back();
    }

    /// Now by the store's clock, as far as it is known.
    fn store_now(&self) -> Timestamp {
        let ahead = self.clock_watch().state().1.unwrap_or(0);
        Timestamp(Self::now().0.saturating_sub(ahead))
    }

    fn report(&self) -> NodeReport {
        let (state, reasons) = self.gate().state(Instant::now());
        let (schema, records) = known_versions();
        NodeReport {
            name: self.name().to_owned(),
            state,
            reasons,
            addresses: self
                .presence()
                .addresses
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            scenarios: self.gate().offered(),
            schema,
            records,
            clock_offset: self.clock_watch().state().1,
            seen: self.store_now(),
        }
    }

    /// Writes a report and waits for it.
    fn say(&self, report: NodeReport, patience: Duration) -> Result<(), StoreError> {
        let (tell, told) = sync_channel(1);
        let work = Work {
            token: 0,
            changes: vec![Change::Write(Write::NodeReport(Box::new(report)))],
            records: Vec::new(),
            trace: Vec::new(),
        };
        self.store()
            .commit_then(work, move |_, outcome| {
                let _ = tell.send(outcome); // nobody may wait any more
            })
            .map_err(|_| StoreError::Crowded)?;
        match told.recv_timeout(patience) {
            Ok(Outcome::Committed) => Ok(()),
            Ok(Outcome::Conflict) => Err(StoreError::Busy),
            Ok(Outcome::Failed(error)) => Err(error),
            Err(_) => Err(crate::commit::late()),
        }
    }
}

/// Whether a report says something new.
fn differs(told: &NodeReport, now: &NodeReport) -> bool {
    told.state != now.state
        || told.reasons != now.reasons
        || told.scenarios != now.scenarios
        || told.addresses != now.addresses
}
