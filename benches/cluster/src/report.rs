//! The figures of a run as a table and as JSON.

use countersign_bench_kit::runs::Runs;
use serde_json::{Map, Value, json};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    One,
    OneHalf,
    Two,
    TwoHalf,
    TwoRoaming,
    Raw,
    Store,
    Peer,
}

/// All rows in their order: key in the JSON, text in the table.
const ROWS: [(Row, &str, &str); 8] = [
    (Row::One, "one_node", "one node, saturated"),
    (Row::OneHalf, "one_node_half", "    half of that"),
    (Row::Two, "two_nodes", "two nodes, saturated"),
    (Row::TwoHalf, "two_nodes_half", "    half of that"),
    (
        Row::TwoRoaming,
        "two_nodes_roaming",
        "    users move between them",
    ),
    (Row::Raw, "raw", "(a) batched commits"),
    (Row::Store, "store", "    by our store, no RADIUS"),
    (Row::Peer, "freeradius", "(b) FreeRADIUS rlm_sql"),
];

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) authenticators: usize,
    pub(crate) users: usize,
    pub(crate) runs: Runs<Row>,
    /// What was measured once: seconds of filling, bytes.
    pub(crate) once: Map<String, Value>,
}

impl Section {
    pub(crate) fn new(authenticators: usize, users: usize) -> Self {
        Self {
            authenticators,
            users,
            runs: Runs::default(),
            once: Map::new(),
        }
    }

    /// One node beside a reference.
    fn ratio(&self, row: Row) -> Option<f64> {
        matches!(row, Row::Raw | Row::Store | Row::Peer | Row::Two)
            .then(|| self.runs.ratio(Row::One, row))?
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{} authenticators of {} users",
            self.authenticators, self.users
        );
        println!(
            "{:26}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}",
            "",
            "per s",
            "node us",
            "PG us",
            "p50 ms",
            "p99 ms",
            "p99.9",
            "RSS MiB",
            "others",
            "steal",
            "ratio"
        );
        for (row, _, text) in ROWS {
            let Some(rate) = self.runs.median(row, "/per_second") else {
                continue;
            };
            let cell = |pointer: &str, scale: f64, digits: usize| {
                self.runs.cell(row, pointer, scale, digits)
            };
            println!(
                "{text:26}{rate:>9.0}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}",
                cell("/nodes/cpu_us_per_request", 1.0, 1),
                cell("/postgres/cpu_us_per_request", 1.0, 1),
                cell("/latency_us/p50", 1e3, 2),
                cell("/latency_us/p99", 1e3, 2),
                cell("/latency_us/p99.9", 1e3, 1),
                cell("/nodes/rss_mib", 1.0, 0),
                cell("/others_cores", 1.0, 2),
                cell("/steal_cores", 1.0, 2),
                self.ratio(row)
                    .map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            );
        }
        for (name, value) in &self.once {
            println!("    {name}: {value}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut rows: Map<String, Value> = ROWS
            .into_iter()
            .map(|(row, key, _)| (key.to_owned(), self.runs.json(row, self.ratio(row))))
            .collect();
        rows.insert("once".to_owned(), self.once.clone().into());
        json!({"authenticators": self.authenticators, "users": self.users, "rows": rows})
    }
}
