//! The document of the metrics, compared with their table and rewritten with `UPDATE=1`; and what monitoring is made of:
//! no file names a metric that does not exist.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use countersign_service::metrics::{METRICS, Row};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

fn document() -> String {
    let mut out = String::from(
        "# Metrics\n\n`GET /metrics` of the health listener (`health.listen`, 127.0.0.1:8889) answers these in the OpenMetrics text format. A histogram `x` is sampled as `x_bucket`, `x_sum` and `x_count`. No sample names a user. What is not known is not there. Made from the program's tables; do not edit.\n\n| metric | kind | labels | unit | what it says | what looks bad, what to do |\n|---|---|---|---|---|---|\n",
    );
    for row in METRICS {
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} |",
            row.name,
            row.kind.word(),
            row.labels.join(", "),
            row.unit,
            row.meaning,
            row.advice.replace('|', "\\|")
        )
        .unwrap();
    }
    out
}

#[test]
fn metrics() {
    let (path, wanted) = (file("docs/metrics.md"), document());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/metrics.md differs from the table; run UPDATE=1 ./test"
    );
}

/// The names of ours that a text holds.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("countersign_"))
        .collect()
}

/// Whether a text names metrics, and only those there are: by their samples, and in prose by the names of the table.
fn check_names(name: &str, prose: bool) {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let mut known: BTreeSet<String> = METRICS.iter().flat_map(Row::samples).collect();
    if prose {
        known.extend(METRICS.iter().map(|row| row.name.to_owned()));
    }
    let names = named(&text);
    assert!(names.len() > 5, "{name} names metrics: {names:?}");
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| !known.contains(**name))
        .collect();
    assert!(
        unknown.is_empty(),
        "{name} names what is no metric: {unknown:?}"
    );
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let name = "packaging/grafana/countersign.json";
    let text = std::fs::read_to_string(file(name)).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{panel} has an id of its own"
        );
        let place = &panel["gridPos"];
        assert!(
            place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24,
            "{place}"
        );
        let asks = |target: &serde_json::Value| {
            target["expr"]
                .as_str()
                .is_some_and(|text| text.contains("countersign_"))
        };
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(
            panel["type"] == "row" || targets.iter().any(asks),
            "{}",
            panel["title"]
        );
    }
    check_names(name, false);
}

#[test]
fn the_alert_rules_watch_metrics_that_exist() {
    check_names("packaging/prometheus/countersign.rules.yaml", false);
}

#[test]
fn the_manual_of_operation_speaks_of_metrics_that_exist() {
    check_names("docs/operations.md", true);
}
