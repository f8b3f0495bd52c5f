//! The figures of a run as a table and as JSON.

use crate::Options;
use countersign_bench_kit::runs::Runs;
use serde_json::{Map, Value, json};

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Server,
    ServerAtRate,
    NoCheckpoint,
    Sink,
    Group,
    Single,
    Peer,
    PeerAtRate,
}

/// All rows in their order: key in the JSON, text in the table.
const ROWS: [(Row, &str, &str); 8] = [
    (Row::Server, "countersign", "countersign, saturated"),
    (
        Row::ServerAtRate,
        "countersign_1000",
        "countersign, 1,000/s",
    ),
    (Row::NoCheckpoint, "no_checkpoints", "    no checkpoints"),
    (Row::Sink, "no_op", "(a) no-op answerer"),
    (Row::Group, "group_commit", "(b) bare group commit"),
    (Row::Single, "single_commit", "(c) one commit a logon"),
    (Row::Peer, "freeradius", "(d) FreeRADIUS rlm_totp"),
    (Row::PeerAtRate, "freeradius_1000", "    the same, 1,000/s"),
];

#[derive(Debug, Default)]
pub(crate) struct Report {
    sections: Vec<Section>,
}

#[derive(Debug)]
pub(crate) struct Section {
    count: usize,
    runs: Runs<Row>,
}

impl Report {
    pub(crate) fn section(&mut self, count: usize) -> &mut Section {
        self.sections.push(Section {
            count,
            runs: Runs::default(),
        });
        let last = self.sections.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "pushed in the line before")]
        &mut self.sections[last]
    }

    pub(crate) fn print(&self) {
        for section in &self.sections {
            section.print();
        }
    }

    pub(crate) fn json(&self, options: &Options) -> String {
        let sections: Map<String, Value> = self
            .sections
            .iter()
            .map(|section| (section.count.to_string(), section.json()))
            .collect();
        let all = json!({"sockets": options.sockets, "in_flight": options.in_flight, "authenticators": sections});
        format!("{all:#}\n")
    }
}

impl Section {
    pub(crate) fn add(&mut self, row: Row, figures: Value) {
        self.runs.add(row, figures);
    }

    /// How the server compares with a reference.
    fn ratio(&self, row: Row) -> Option<f64> {
        matches!(row, Row::Sink | Row::Group | Row::Single | Row::Peer)
            .then(|| self.runs.ratio(Row::Server, row))?
    }

    fn print(&self) {
        println!("\n{} authenticators", self.count);
        println!(
            "{:26}{:>10}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}",
            "",
            "per s",
            "cpu us",
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
            let ratio = self.ratio(row);
            println!(
                "{text:26}{rate:>10.0}{:>9}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}",
                cell("/server/cpu_us_per_request", 1.0, 1),
                cell("/latency_us/p50", 1e3, 2),
                cell("/latency_us/p99", 1e3, 2),
                cell("/latency_us/p99.9", 1e3, 1),
                cell("/server/rss_mib", 1.0, 0),
                cell("/others_cores", 1.0, 2),
                cell("/steal_cores", 1.0, 2),
                ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            );
        }
    }

    fn json(&self) -> Value {
        let rows: Map<String, Value> = ROWS
            .into_iter()
            .map(|(row, key, _)| (key.to_owned(), self.runs.json(row, self.ratio(row))))
            .collect();
        Value::Object(rows)
    }
}
