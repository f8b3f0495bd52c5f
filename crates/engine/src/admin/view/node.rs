use super::{View, view};
use crate::model::{NodeRecord, NodeReport, Scenario};
use serde_json::json;
use std::collections::BTreeSet;

/// A server with its newest report.
pub fn node(node: &NodeRecord) -> View {
    let report = node.report.as_ref();
    let of_report = |read: fn(&NodeReport) -> serde_json::Value| report.map(read);
    view(json!({
        "name": node.name,
        "version": node.version,
        "state": node.state_word(),
        "reasons": of_report(|report| json!(report.reasons)),
        "host": of_report(|report| json!(report.addresses.get("host"))),
        "addresses": of_report(|report| json!(report.addresses)),
        "scenarios": of_report(|report| words(&report.scenarios)),
        "drain_wanted": node.wish.drained,
        "scenarios_wanted": node.wish.scenarios.as_ref().map(words),
        "schema_version": of_report(|report| json!(report.schema)),
        "record_versions": of_report(|report| json!(report.records)),
        "clock_offset_ms": of_report(|report| json!(report.clock_offset.map(|us| us / 1000))),
        "started": node.started.rfc3339(),
        "last_seen": of_report(|report| json!(report.seen.rfc3339())),
    }))
}

fn words(scenarios: &BTreeSet<Scenario>) -> serde_json::Value {
    scenarios.iter().map(|scenario| scenario.word()).collect()
}
