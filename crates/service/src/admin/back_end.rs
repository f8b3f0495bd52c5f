//! Back-ends as administrators see them from this node: how they are, and what a test of one finds.

use crate::back_end::{ServerHealth, Step, Trial};
use crate::node::Node;
use countersign_engine::admin::{BackEndTest, Refusal, view};
use countersign_engine::model::BackEndKey;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a test may take in all.
const TEST: Duration = Duration::from_secs(60);
/// What is told of a step, in characters (administration.md 16).
const DETAIL: usize = 200;

/// Tests a record, with a user where one is given.
pub(super) async fn test(
    node: &Arc<Node>,
    test: &BackEndTest,
) -> Result<Map<String, Value>, Refusal> {
    let snapshot = node.snapshot();
    let record = snapshot
        .back_ends
        .get(test.server)
        .ok_or_else(|| Refusal::not_found("the back-end"))?;
    let trial = Trial {
        user: test.user.clone(),
        password: test.password.clone(),
        groups: test.groups.clone(),
        domain: test.domain.or(record.domain),
    };
    let until = Instant::now() + TEST;
    let steps = node.test_back_end(record.clone(), trial, until).await;
    let passed = !steps.is_empty() && steps.iter().all(|step| step.passed);
    Ok(Map::from_iter([
        ("name".to_owned(), Value::from(record.name.as_str())),
        ("protocol".to_owned(), record.protocol.word().into()),
        ("passed".to_owned(), passed.into()),
        ("steps".to_owned(), steps.iter().map(told).collect()),
    ]))
}

fn told(step: &Step) -> Value {
    let printable = step.detail.chars().filter(|letter| !letter.is_control());
    let detail: String = printable.take(DETAIL).collect();
    json!({"step": step.name, "passed": step.passed, "detail": detail})
}

/// All records, each with how it is.
pub(super) fn all(node: &Node) -> Vec<Map<String, Value>> {
    let snapshot = node.snapshot();
    let health = node.back_end_health();
    let records = snapshot.back_ends.records().iter().map(|record| {
        let mut view = view::back_end(record, &snapshot);
        view.insert("health".to_owned(), of(&health, &record.name));
        view
    });
    records.collect()
}

/// How one is.
pub(super) fn health(node: &Node, key: BackEndKey) -> Value {
    let snapshot = node.snapshot();
    let record = snapshot.back_ends.get(key);
    record.map_or(Value::Null, |record| {
        of(&node.back_end_health(), &record.name)
    })
}

/// Null for one that was not asked yet.
fn of(health: &[ServerHealth], name: &str) -> Value {
    let own = health.iter().find(|own| own.name == name);
    own.map_or(Value::Null, |own| {
        let error = own.last_error.as_ref();
        json!({
            "up": own.up,
            "skipped_for_s": own.skipped_for.map(|left| left.as_secs()),
            "failures": own.failures,
            "last_error": error.map(|(_, why)| why),
            "last_error_at": error.map(|(at, _)| at.rfc3339()),
            "latency_ms": own.latency.map(|latency| latency.as_secs_f64() * 1000.0),
            "in_flight": own.in_flight,
            "waiting": own.waiting,
        })
    })
}
