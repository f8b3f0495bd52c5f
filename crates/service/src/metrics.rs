//! Figures of a node, in Prometheus text (`GET /metrics`).

mod process;
mod table;

pub use table::{Kind, METRICS, Row};

use crate::back_end::ServerHealth;
use countersign_engine::attempt::Via;
use countersign_engine::decision::{Decision, Verdict};
use countersign_store::{Batch, Observer, Readings};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type Figure = Gauge<f64, AtomicU64>;
/// A gauge that is not there until something is known.
type Perhaps = Family<Vec<(String, String)>, Figure>;

/// The figures; cheap to touch from any thread.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    logons: Family<LogonLabels, Counter>,
    logon_seconds: ByWay,
    commit_wait: ByWay,
    retries: Counter,
    commands: Family<CommandLabels, Counter>,
    command_seconds: Histogram,
    commit_seconds: Histogram,
    batch_size: Histogram,
    conflicts: Counter,
    store_failures: Counter,
    read_seconds: Histogram,
    waiting: Gauge,
    cached: Gauge,
    hits: Counter,
    misses: Counter,
    challenges: Gauge,
    unsigned: Figure,
    verify_seconds: Histogram,
    hash_seconds: Histogram,
    password_waiting: Gauge,
    password_busy: Gauge,
    pending: Gauge,
    radius_batch: Histogram,
    dropped: Family<DropLabels, Counter>,
    duplicates: Counter,
    ready: Gauge,
    memory: Gauge,
    certificate: Perhaps,
    clock_offset: Perhaps,
    spans: Family<OutcomeLabels, Counter>,
    back_end_answers: Family<AnswerLabels, Counter>,
    back_end_seconds: Family<ServerLabels, Histogram, fn() -> Histogram>,
    back_end_up: Family<ServerLabels, Gauge>,
    back_end_in_flight: Family<ServerLabels, Gauge>,
    back_end_waiting: Family<ServerLabels, Gauge>,
}

/// What is read at the moment of a scrape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    pub(crate) store: Readings,
    pub(crate) password_waiting: usize,
    pub(crate) password_busy: usize,
    pub(crate) back_ends: Vec<ServerHealth>,
}

/// A histogram for each way of an attempt, found without a lookup.
#[derive(Debug)]
struct ByWay {
    family: Family<ViaLabels, Histogram, fn() -> Histogram>,
    ways: [Histogram; WAYS.len()],
}

const WAYS: [Via; 7] = [
    Via::Radius,
    Via::Authenticate,
    Via::Challenge,
    Via::UpdatePassword,
    Via::AdminLogon,
    Via::ChangeBackEndPassword,
    Via::ChangeEncryptedPassword,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ViaLabels {
    via: &'static str,
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
struct WhatLabels {
    what: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServerLabels {
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnswerLabels {
    server: String,
    answer: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CommandLabels {
    object: &'static str,
    verb: &'static str,
    status: i32,
}

const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn sizes() -> Histogram {
    Histogram::new(SIZES)
}

impl Default for ByWay {
    fn default() -> Self {
        let family = Family::new_with_constructor(seconds as fn() -> Histogram);
        let ways = WAYS.map(|via| family.get_or_create_owned(&ViaLabels { via: way_name(via) }));
        Self { family, ways }
    }
}

impl ByWay {
    fn observe(&self, via: Via, took: Duration) {
        let place = match via {
            Via::Radius => 0,
            Via::Authenticate => 1,
            Via::Challenge => 2,
            Via::UpdatePassword => 3,
            Via::AdminLogon => 4,
            Via::ChangeBackEndPassword => 5,
            Via::ChangeEncryptedPassword => 6,
        };
        if let Some(histogram) = self.ways.get(place) {
            histogram.observe(took.as_secs_f64());
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let passwords: Family<WhatLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(seconds);
        let password = |what| passwords.get_or_create_owned(&WhatLabels { what });
        let mut metrics = Self {
            registry: Registry::default(),
            logons: Family::default(),
            logon_seconds: ByWay::default(),
            commit_wait: ByWay::default(),
            retries: Counter::default(),
            commands: Family::default(),
            command_seconds: seconds(),
            commit_seconds: seconds(),
            batch_size: sizes(),
            conflicts: Counter::default(),
            store_failures: Counter::default(),
            read_seconds: seconds(),
            waiting: Gauge::default(),
            cached: Gauge::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            challenges: Gauge::default(),
            unsigned: Figure::default(),
            verify_seconds: password("verify"),
            hash_seconds: password("hash"),
            password_waiting: Gauge::default(),
            password_busy: Gauge::default(),
            pending: Gauge::default(),
            radius_batch: sizes(),
            dropped: Family::default(),
            duplicates: Counter::default(),
            ready: Gauge::default(),
            memory: Gauge::default(),
            certificate: Perhaps::default(),
            clock_offset: Perhaps::default(),
            spans: Family::default(),
            back_end_answers: Family::default(),
            back_end_seconds: Family::new_with_constructor(seconds),
            back_end_up: Family::default(),
            back_end_in_flight: Family::default(),
            back_end_waiting: Family::default(),
        };
        metrics.register(passwords);
        metrics
    }
}

impl Metrics {
    fn register(&mut self, passwords: Family<WhatLabels, Histogram, fn() -> Histogram>) {
        let start = Figure::default();
        start.set(process::started());
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let mut put = Put(&mut self.registry);
        put.put("ready", self.ready.clone());
        put.put("build_info", version);
        put.put("start_time_seconds", start);
        put.put("memory_bytes", self.memory.clone());
        put.put("logons_total", self.logons.clone());
        put.put("logon_seconds", self.logon_seconds.family.clone());
        put.put("commit_wait_seconds", self.commit_wait.family.clone());
        put.put("retries_total", self.retries.clone());
        put.put("commands_total", self.commands.clone());
        put.put("command_seconds", self.command_seconds.clone());
        put.put("store_commit_seconds", self.commit_seconds.clone());
        put.put("store_batch_size", self.batch_size.clone());
        put.put("store_conflicts_total", self.conflicts.clone());
        put.put("store_failures_total", self.store_failures.clone());
        put.put("store_read_seconds", self.read_seconds.clone());
        put.put("store_waiting", self.waiting.clone());
        put.put("cache_accounts", self.cached.clone());
        put.put("cache_hits_total", self.hits.clone());
        put.put("cache_misses_total", self.misses.clone());
        put.put("challenges_outstanding", self.challenges.clone());
        put.put("audit_unsigned_seconds", self.unsigned.clone());
        put.put("password_seconds", passwords);
        put.put("password_waiting", self.password_waiting.clone());
        put.put("password_busy", self.password_busy.clone());
        put.put("radius_pending", self.pending.clone());
        put.put("radius_batch_size", self.radius_batch.clone());
        put.put("radius_dropped_total", self.dropped.clone());
        put.put("radius_duplicates_total", self.duplicates.clone());
        put.put("certificate_expires_seconds", self.certificate.clone());
        put.put("clock_offset_seconds", self.clock_offset.clone());
        put.put("otlp_spans_total", self.spans.clone());
        put.put("back_end_answers_total", self.back_end_answers.clone());
        put.put("back_end_seconds", self.back_end_seconds.clone());
        put.put("back_end_up", self.back_end_up.clone());
        put.put("back_end_in_flight", self.back_end_in_flight.clone());
        put.put("back_end_waiting", self.back_end_waiting.clone());
    }

    /// All figures as Prometheus text.
    pub(crate) fn encode(&self, levels: &Levels) -> String {
        self.read(levels);
        let mut out = String::new();
        // writing to a String cannot fail
        let _ = encode(&mut out, &self.registry);
        out
    }

    fn read(&self, levels: &Levels) {
        let store = &levels.store;
        self.memory.set(process::memory().unwrap_or(0));
        self.waiting.set(signed(store.waiting));
        self.cached.set(signed(store.cached));
        self.hits.inner().store(store.hits, Ordering::Relaxed);
        self.misses.inner().store(store.misses, Ordering::Relaxed);
        self.challenges.set(store.challenges);
        self.unsigned.set(store.unsigned.as_secs_f64());
        self.password_waiting.set(signed(levels.password_waiting));
        self.password_busy.set(signed(levels.password_busy));
        self.read_back_ends(&levels.back_ends);
    }

    /// Records come, go and change their names, so that what is no longer there must not stay.
    fn read_back_ends(&self, servers: &[ServerHealth]) {
        let families = [
            &self.back_end_up,
            &self.back_end_in_flight,
            &self.back_end_waiting,
        ];
        families.iter().for_each(|family| family.clear());
        for one in servers {
            let levels = [
                i64::from(one.up),
                signed(one.in_flight),
                signed(one.waiting),
            ];
            let labels = ServerLabels {
                server: one.name.clone(),
            };
            for (family, level) in families.iter().zip(levels) {
                family.get_or_create(&labels).set(level);
            }
        }
    }

    /// Counts what a back-end server answered, and how long it took.
    pub(crate) fn back_end(&self, server: &str, answer: &'static str, took: Duration) {
        let server = server.to_owned();
        self.back_end_seconds
            .get_or_create(&ServerLabels {
                server: server.clone(),
            })
            .observe(took.as_secs_f64());
        self.back_end_answers
            .get_or_create(&AnswerLabels { server, answer })
            .inc();
    }

    /// Counts a decided attempt: how long it took, and how much of that it waited for its commit.
    pub(crate) fn decided(
        &self,
        via: Via,
        decision: &Decision,
        took: Duration,
        committing: Duration,
    ) {
        self.logons
            .get_or_create(&LogonLabels {
                via: way_name(via),
                status: status_number(decision),
            })
            .inc();
        self.logon_seconds.observe(via, took);
        self.commit_wait.observe(via, committing);
    }

    /// Counts a dropped packet.
    pub(crate) fn dropped(&self, reason: &'static str) {
        self.dropped.get_or_create(&DropLabels { reason }).inc();
    }

    /// Counts a retransmission.
    pub(crate) fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// Counts a decision that is made again.
    pub(crate) fn conflict(&self) {
        self.retries.inc();
    }

    /// Counts a failure of the store.
    pub(crate) fn store_failure(&self) {
        self.store_failures.inc();
    }

    /// Counts a RADIUS batch handed over.
    pub(crate) fn batch(&self, size: usize) {
        self.radius_batch.observe(float(size));
    }

    /// Notes by how many the RADIUS requests under way have become more or fewer.
    pub(crate) fn pending(&self, change: i64) {
        self.pending.inc_by(change);
    }

    /// Counts a password that was checked.
    pub(crate) fn verified(&self, took: Duration) {
        self.verify_seconds.observe(took.as_secs_f64());
    }

    /// Counts a password that was hashed.
    pub(crate) fn hashed(&self, took: Duration) {
        self.hash_seconds.observe(took.as_secs_f64());
    }

    /// Counts an administrative command.
    pub(crate) fn command(
        &self,
        object: &'static str,
        verb: &'static str,
        status: i16,
        took: Duration,
    ) {
        self.commands
            .get_or_create(&CommandLabels {
                object,
                verb,
                status: status.into(),
            })
            .inc();
        self.command_seconds.observe(took.as_secs_f64());
    }

    /// Notes whether the node serves.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// Notes when the certificate expires, in Unix seconds.
    pub fn set_certificate_expiry(&self, unix: i64) {
        let unix = i32::try_from(unix / 60).map_or(f64::MAX, |minutes| f64::from(minutes) * 60.0);
        self.certificate.get_or_create(&Vec::new()).set(unix);
    }

    /// Notes how far the node's clock is ahead of the store's, in seconds; none where that is not known.
    pub fn set_clock_offset(&self, seconds: Option<f64>) {
        match seconds {
            Some(seconds) => {
                self.clock_offset.get_or_create(&Vec::new()).set(seconds);
            }
            None => self.clock_offset.clear(),
        }
    }

    /// Counts spans that were exported, or were not: `sent`, `dropped`, `failed`.
    pub fn exported(&self, outcome: &'static str, spans: usize) {
        self.spans
            .get_or_create(&OutcomeLabels { outcome })
            .inc_by(u64::try_from(spans).unwrap_or(0));
    }
}

impl Observer for Metrics {
    fn committed(&self, batch: &Batch) {
        self.commit_seconds.observe(batch.took.as_secs_f64());
        self.batch_size.observe(float(batch.works));
        self.conflicts
            .inc_by(u64::try_from(batch.conflicts).unwrap_or(0));
    }

    fn read(&self, took: Duration) {
        self.read_seconds.observe(took.as_secs_f64());
    }
}

/// Registers metrics under the words of their rows.
struct Put<'r>(&'r mut Registry);

impl Put<'_> {
    fn put(&mut self, name: &str, metric: impl Metric) {
        let row = table::find(&format!("countersign_{name}"));
        debug_assert!(row.is_some(), "{name} stands in no row of the table");
        debug_assert!(
            row.is_none_or(|row| is_kind(row.kind, metric.metric_type())),
            "{name} is of another kind"
        );
        if let Some(row) = row {
            self.0.register(row.registered(), row.meaning, metric);
        }
    }
}

fn is_kind(kind: Kind, metric: MetricType) -> bool {
    matches!(
        (kind, metric),
        (Kind::Counter, MetricType::Counter)
            | (Kind::Gauge, MetricType::Gauge)
            | (Kind::Histogram, MetricType::Histogram)
            | (Kind::Info, MetricType::Info)
    )
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn float(size: usize) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX))
}

/// The real status of a decision.
pub(crate) fn status_number(decision: &Decision) -> i32 {
    match &decision.verdict {
        Verdict::Accept(_) => 0,
        Verdict::Challenge(asked) => i32::from(asked.status.number()),
        Verdict::Refuse { status, .. } => i32::from(status.number()),
    }
}

/// How metrics and timings name the way of an attempt.
pub(crate) fn way_name(via: Via) -> &'static str {
    match via {
        Via::Radius => "radius",
        Via::Authenticate => "authenticate",
        Via::Challenge => "challenge",
        Via::UpdatePassword => "update_password",
        Via::ChangeBackEndPassword => "change_backend_password",
        Via::ChangeEncryptedPassword => "change_encrypted_password",
        Via::AdminLogon => "admin_logon",
    }
}

#[cfg(test)]
mod tests;
