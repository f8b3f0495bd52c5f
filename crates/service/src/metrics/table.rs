//! The table of all metrics. Their registration, `docs/metrics.md`, and the checks of dashboard and alert rules follow it.

/// What a metric counts like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets; sampled as `_bucket`, `_sum` and `_count`.
    Histogram,
    /// Always 1; its labels tell.
    Info,
}

/// One row: a metric of a node.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name as Prometheus has it.
    pub name: &'static str,
    /// How it counts.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// The unit of its values.
    pub unit: &'static str,
    /// What it says, without a full stop.
    pub meaning: &'static str,
    /// What looks bad, and what to do then.
    pub advice: &'static str,
}

/// All metrics, by what they are about.
pub const METRICS: &[Row] = &[
    row(
        "countersign_ready",
        Kind::Gauge,
        &[],
        "0 or 1",
        "Whether the node serves, as `/health` says",
        "0: `curl localhost:8889/health` names the reasons.",
    ),
    row(
        "countersign_build_info",
        Kind::Info,
        &["version"],
        "1",
        "Version of the program",
        "Two versions for longer than an upgrade takes: one node was forgotten.",
    ),
    row(
        "countersign_start_time_seconds",
        Kind::Gauge,
        &[],
        "Unix seconds",
        "When the process started",
        "Changes without an upgrade: the node died; read its log before the start.",
    ),
    row(
        "countersign_memory_bytes",
        Kind::Gauge,
        &[],
        "bytes",
        "Resident memory of the process",
        "Grows for days: lower the setting `cache.accounts`, and report it.",
    ),
    row(
        "countersign_logons_total",
        Kind::Counter,
        &["via", "status"],
        "attempts",
        "Decided attempts by way and real status code (0 accepted, 3001 challenged)",
        "A rise of one status: `countersign status CODE` says what brings it about. Many 1012 and 1006: guessing, or tokens out of step. -10, -103, -106: the store.",
    ),
    row(
        "countersign_logon_seconds",
        Kind::Histogram,
        &["via"],
        "seconds",
        "Time from the arrival of a request to its durable decision",
        "Compare with `countersign_commit_wait_seconds`: if that is most of it, the store is slow; else see `countersign_password_seconds` and `timing/list`.",
    ),
    row(
        "countersign_commit_wait_seconds",
        Kind::Histogram,
        &["via"],
        "seconds",
        "Part of a logon spent waiting for the commit of its decision",
        "Near the deadline of clients (RADIUS often 3 s): look at the disk or the PostgreSQL replica that confirms commits.",
    ),
    row(
        "countersign_retries_total",
        Kind::Counter,
        &[],
        "decisions",
        "Decisions made again because another one came first",
        "More than a few in a hundred logons: one authenticator is used by a program from many places at once; `audit/query` shows which.",
    ),
    row(
        "countersign_commands_total",
        Kind::Counter,
        &["object", "verb", "status"],
        "commands",
        "Administrative commands by object, verb and status",
        "1005 rising: somebody tries what he may not; see `audit/query`.",
    ),
    row(
        "countersign_command_seconds",
        Kind::Histogram,
        &[],
        "seconds",
        "Time of an administrative command from its arrival to its answer",
        "Seconds are usual for imports only.",
    ),
    row(
        "countersign_store_commit_seconds",
        Kind::Histogram,
        &[],
        "seconds",
        "Time of one group commit, until it is on disk",
        "p99 over 50 ms: a slow disk or replica; logons wait as long.",
    ),
    row(
        "countersign_store_batch_size",
        Kind::Histogram,
        &[],
        "decisions",
        "Decisions in one group commit",
        "Always at the top: the node is at its limit; add a node or make commits faster.",
    ),
    row(
        "countersign_store_conflicts_total",
        Kind::Counter,
        &[],
        "decisions",
        "Decisions whose guard did not hold when they were committed",
        "As `countersign_retries_total`.",
    ),
    row(
        "countersign_store_failures_total",
        Kind::Counter,
        &[],
        "requests",
        "Requests that failed because the store did",
        "Any steady rise: the log has the cause (full disk, lost connection, read-only replica).",
    ),
    row(
        "countersign_store_read_seconds",
        Kind::Histogram,
        &[],
        "seconds",
        "Time to read an account that memory did not have",
        "p99 over 50 ms: the database misses memory or an index; many reads: see `countersign_cache_misses_total`.",
    ),
    row(
        "countersign_store_waiting",
        Kind::Gauge,
        &[],
        "decisions",
        "Decisions that wait for a group commit",
        "Thousands: commits are slower than logons come; at 8192 requests are refused with -104.",
    ),
    row(
        "countersign_cache_accounts",
        Kind::Gauge,
        &[],
        "accounts",
        "Accounts in memory",
        "At the setting `cache.accounts` and many misses: raise it.",
    ),
    row(
        "countersign_cache_hits_total",
        Kind::Counter,
        &[],
        "lookups",
        "Accounts found in memory",
        "Under nine in ten, hours after a start: raise the setting `cache.accounts`.",
    ),
    row(
        "countersign_cache_misses_total",
        Kind::Counter,
        &[],
        "lookups",
        "Accounts read from the database",
        "See `countersign_cache_hits_total`; unknown user names count here, too.",
    ),
    row(
        "countersign_challenges_outstanding",
        Kind::Gauge,
        &[],
        "challenges",
        "Challenges that wait for their answer",
        "Near the setting `challenge.max_outstanding`: a client asks for challenges and never answers; new ones are refused with -104.",
    ),
    row(
        "countersign_audit_unsigned_seconds",
        Kind::Gauge,
        &[],
        "seconds",
        "Age of the oldest audit record that no signed checkpoint covers; 0 none",
        "Over 120: the store takes no writes, or the audit key does not open; see the log.",
    ),
    row(
        "countersign_password_seconds",
        Kind::Histogram,
        &["what"],
        "seconds",
        "Time of a static password on the pool, waiting included, by what was done (verify, hash)",
        "Over 1 s: raise the setting `password.threads` where there are idle cores.",
    ),
    row(
        "countersign_password_waiting",
        Kind::Gauge,
        &[],
        "checks",
        "Password checks that wait for a thread of the pool",
        "At the setting `password.queue` new ones are refused with -104.",
    ),
    row(
        "countersign_password_busy",
        Kind::Gauge,
        &[],
        "threads",
        "Threads of the password pool that are at work",
        "Always all: raise the setting `password.threads`.",
    ),
    row(
        "countersign_radius_pending",
        Kind::Gauge,
        &[],
        "requests",
        "RADIUS requests under way, held answers included",
        "Grows without end: the store hangs; at 8192 a thread new packets are dropped (`busy`).",
    ),
    row(
        "countersign_radius_batch_size",
        Kind::Histogram,
        &[],
        "requests",
        "RADIUS attempts handed to the store together by one thread",
        "No reading is bad by itself: 1 is a quiet node, 64 a full one.",
    ),
    row(
        "countersign_radius_dropped_total",
        Kind::Counter,
        &["reason"],
        "packets",
        "RADIUS packets without an answer, by reason",
        "`unknown_component`: a client is not configured, or spoofed. `message_authenticator…`: a wrong secret. `busy`, `queue_full`, `store`: overload or a store in trouble. `rate`: a client over its `rate_per_s`. `relay`: no back-end took accounting.",
    ),
    row(
        "countersign_radius_duplicates_total",
        Kind::Counter,
        &[],
        "packets",
        "RADIUS retransmissions absorbed or answered from memory",
        "More than one in a hundred requests: answers come later than clients wait, or get lost; compare `countersign_logon_seconds` with the client's timeout.",
    ),
    row(
        "countersign_certificate_expires_seconds",
        Kind::Gauge,
        &[],
        "Unix seconds",
        "When the HTTPS certificate expires; the earliest of its chain",
        "Less than two weeks ahead: renew it, then send SIGHUP.",
    ),
    row(
        "countersign_clock_offset_seconds",
        Kind::Gauge,
        &[],
        "seconds",
        "Clock of the node minus clock of the store; absent where the store has none of its own",
        "Over the setting `clock.warn_s` either way: mend NTP; over `clock.max_skew_s` the node steps aside.",
    ),
    row(
        "countersign_otlp_spans_total",
        Kind::Counter,
        &["outcome"],
        "spans",
        "Spans exported by OTLP: sent, dropped (the queue was full), failed (the collector did not take them)",
        "failed: is the collector up, and `otlp.endpoint` right?",
    ),
    row(
        "countersign_back_end_answers_total",
        Kind::Counter,
        &["server", "answer"],
        "answers",
        "Questions to back-end servers by what they answered; failed: no answer",
        "failed rising: `backend/test` names the step that fails. locked rising: keep `user_lock_threshold` below the directory's own.",
    ),
    row(
        "countersign_back_end_seconds",
        Kind::Histogram,
        &["server"],
        "seconds",
        "Time of a question at one back-end server, its retries included",
        "Near `timeout_s` of the record: the server or the way to it is slow; logons wait as long.",
    ),
    row(
        "countersign_back_end_up",
        Kind::Gauge,
        &["server"],
        "0 or 1",
        "Whether a back-end server is asked in its turn",
        "0: three requests in a row failed, and it is skipped while another answers; `backend/test` names the step that fails.",
    ),
    row(
        "countersign_back_end_in_flight",
        Kind::Gauge,
        &["server"],
        "questions",
        "Questions a back-end server works on",
        "Always at the setting `back_end.max_in_flight`: the server is slower than logons come; give it more, or add a server.",
    ),
    row(
        "countersign_back_end_waiting",
        Kind::Gauge,
        &["server"],
        "questions",
        "Questions that wait for their turn at a back-end server",
        "At the setting `back_end.queue` the next server is asked, or the request is refused with -104.",
    ),
];

const fn row(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    unit: &'static str,
    meaning: &'static str,
    advice: &'static str,
) -> Row {
    Row {
        name,
        kind,
        labels,
        unit,
        meaning,
        advice,
    }
}

impl Kind {
    /// Its word in the text format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    /// What the text format appends to a registered name.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        }
    }
}

impl Row {
    /// The name without what the text format appends.
    pub(super) fn registered(&self) -> &'static str {
        self.name
            .strip_suffix(self.kind.suffix())
            .unwrap_or(self.name)
    }

    /// The names of its samples.
    pub fn samples(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram => ["_bucket", "_sum", "_count"]
                .map(|part| format!("{}{part}", self.name))
                .into(),
            _ => vec![self.name.to_owned()],
        }
    }
}

/// The row of a metric.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    METRICS.iter().find(|row| row.name == name)
}
