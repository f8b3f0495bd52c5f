//! Counters of a node, in Prometheus text.

use countersign_engine::attempt::Via;
use countersign_engine::decision::{Decision, Verdict};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The counters; cheap to touch from any thread.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    logons: Family<LogonLabels, Counter>,
    seconds: Histogram,
    dropped: Family<DropLabels, Counter>,
    duplicates: Counter,
    conflicts: Counter,
    store_failures: Counter,
    commands: Family<CommandLabels, Counter>,
    ready: Gauge<i64>,
    batches: Counter<u64, AtomicU64>,
    batched: Counter<u64, AtomicU64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LogonLabels {
    via: &'static str,
    status: i32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DropLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CommandLabels {
    object: String,
    verb: String,
    status: i32,
}

const LATENCY_BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("countersign"),
            logons: Family::default(),
            seconds: Histogram::new(LATENCY_BUCKETS),
            dropped: Family::default(),
            duplicates: Counter::default(),
            conflicts: Counter::default(),
            store_failures: Counter::default(),
            commands: Family::default(),
            ready: Gauge::default(),
            batches: Counter::default(),
            batched: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "logons",
            "Decided attempts by interface and real status",
            self.logons.clone(),
        );
        r.register(
            "logon_seconds",
            "Time from the arrival of a request to its durable decision",
            self.seconds.clone(),
        );
        r.register(
            "radius_dropped",
            "RADIUS packets dropped without answer, by reason",
            self.dropped.clone(),
        );
        r.register(
            "radius_duplicates",
            "RADIUS retransmissions absorbed or answered from memory",
            self.duplicates.clone(),
        );
        r.register(
            "conflicts",
            "Decisions made again because another one came first",
            self.conflicts.clone(),
        );
        r.register(
            "store_failures",
            "Requests that failed because the store did",
            self.store_failures.clone(),
        );
        r.register(
            "commands",
            "Administrative commands by object, verb and status",
            self.commands.clone(),
        );
        r.register("ready", "Whether the node serves", self.ready.clone());
        r.register(
            "radius_batches",
            "Batches of RADIUS attempts handed to the store",
            self.batches.clone(),
        );
        r.register(
            "radius_batched",
            "RADIUS attempts in those batches",
            self.batched.clone(),
        );
    }

    /// All counters as Prometheus text.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // writing to a String cannot fail
        let _ = encode(&mut out, &self.registry);
        out
    }

    /// Counts a decided attempt.
    pub(crate) fn decided(&self, via: Via, decision: &Decision, took: Duration) {
        let status = match &decision.verdict {
            Verdict::Accept(_) => 0,
            Verdict::Challenge(_) => 3001,
            Verdict::Refuse { status, .. } => i32::from(status.number()),
        };
        self.logons
            .get_or_create(&LogonLabels {
                via: via_name(via),
                status,
            })
            .inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a dropped packet.
    pub(crate) fn dropped(&self, reason: &'static str) {
        self.dropped.get_or_create(&DropLabels { reason }).inc();
    }

    /// Counts a retransmission.
    pub(crate) fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// Counts a conflict.
    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    /// Counts a failure of the store.
    pub(crate) fn store_failure(&self) {
        self.store_failures.inc();
    }

    /// Counts a batch handed over.
    pub(crate) fn batch(&self, size: usize) {
        self.batches.inc();
        self.batched.inc_by(u64::try_from(size).unwrap_or(0));
    }

    /// Counts an administrative command.
    pub(crate) fn command(&self, object: &str, verb: &str, status: i16) {
        self.commands
            .get_or_create(&CommandLabels {
                object: object.to_owned(),
                verb: verb.to_owned(),
                status: status.into(),
            })
            .inc();
    }

    /// Notes whether the node serves.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }
}

fn via_name(via: Via) -> &'static str {
    match via {
        Via::Radius => "radius",
        Via::Authenticate => "authenticate",
        Via::Challenge => "challenge",
        Via::UpdatePassword => "update_password",
        Via::AdminLogon => "admin_logon",
    }
}
