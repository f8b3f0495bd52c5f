//! Timings as administrators see them.

use super::{Span, Timing};
use serde_json::{Map, Value, json};

/// A timing without its spans, as a row of `timing/list`.
pub(crate) fn row(timing: &Timing) -> Map<String, Value> {
    let amid = crate::auth::id_text(&timing.id);
    let command = timing
        .command
        .map(|(object, verb)| format!("{object}.{verb}"));
    let fields = json!({
        "time": timing.at.rfc3339(),
        "request_id": timing.request_id.as_ref().unwrap_or(&amid),
        "amid": amid,
        "way": timing.way,
        "command": command,
        "user": timing.user,
        "component": timing.component,
        "status_code": timing.status,
        "took_us": micros(timing.took),
    });
    match fields {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The spans of a timing: each named with those around it, as `commit/store`.
pub(crate) fn spans(timing: &Timing) -> Vec<Value> {
    let rows = timing.spans.iter().map(|span| {
        json!({
            "span": path(&timing.spans, span),
            "start_us": micros(span.start),
            "took_us": micros(span.took),
        })
    });
    rows.collect()
}

fn path(spans: &[Span], span: &Span) -> String {
    let outer = span.parent.and_then(|parent| spans.get(parent));
    match outer {
        // a parent stands before its parts, so this ends
        Some(outer) => format!("{}/{}", path(spans, outer), span.stage.name()),
        None => span.stage.name().to_owned(),
    }
}

fn micros(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
