//! Timings as OTLP messages.

use countersign_service::timing::{Span, Timing};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as trace, ResourceSpans, ScopeSpans};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;

/// A message with the spans of some requests of a node, encoded.
pub(super) fn message(timings: &[Arc<Timing>], node: &str) -> Vec<u8> {
    let scope = InstrumentationScope {
        name: "countersign".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: vec![
            text("service.name", "countersign"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", node),
        ],
        ..Resource::default()
    };
    let of_scope = ScopeSpans {
        scope: Some(scope),
        spans: timings.iter().flat_map(|timing| of(timing)).collect(),
        ..ScopeSpans::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![of_scope],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

/// Spans in that message: one for each request, and its stages.
pub(super) fn number(timings: &[Arc<Timing>]) -> usize {
    timings.iter().map(|timing| 1 + timing.spans.len()).sum()
}

/// The span of a request and those of its stages. The trace has the id of the request and of its audit record.
fn of(timing: &Timing) -> Vec<trace::Span> {
    let root = trace::Span {
        name: name(timing),
        kind: SpanKind::Server.into(),
        attributes: about(timing),
        status: Some(trace::Status {
            // a refusal is an answer; what is below zero is a failure of ours
            code: if timing.status < 0 {
                StatusCode::Error
            } else {
                StatusCode::Ok
            }
            .into(),
            ..trace::Status::default()
        }),
        ..span(timing, 0, Duration::ZERO, timing.took)
    };
    let stages = (1..).zip(&timing.spans).map(|(number, stage)| trace::Span {
        name: stage.stage.name().to_owned(),
        kind: SpanKind::Internal.into(),
        parent_span_id: id(timing, parent(stage)),
        ..span(timing, number, stage.start, stage.took)
    });
    std::iter::once(root).chain(stages).collect()
}

fn span(timing: &Timing, number: u64, start: Duration, took: Duration) -> trace::Span {
    let began = u64::try_from(timing.at.0).unwrap_or(0).saturating_mul(1000);
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let start = began.saturating_add(nanos(start));
    trace::Span {
        trace_id: timing.id.to_vec(),
        span_id: id(timing, number),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(nanos(took)),
        ..trace::Span::default()
    }
}

fn parent(stage: &Span) -> u64 {
    stage
        .parent
        .and_then(|parent| u64::try_from(parent + 1).ok())
        .unwrap_or(0)
}

/// The random half of the request's id, told apart by the place of the span.
fn id(timing: &Timing, number: u64) -> Vec<u8> {
    let [.., a, b, c, d, e, f, g, h] = timing.id;
    (u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ number)
        .to_be_bytes()
        .to_vec()
}

fn name(timing: &Timing) -> String {
    match timing.command {
        Some((object, verb)) => format!("{object}/{verb}"),
        None => timing.way.to_owned(),
    }
}

/// What is told of a request: never its user.
fn about(timing: &Timing) -> Vec<KeyValue> {
    let mut all = vec![
        text("countersign.way", timing.way),
        pair(
            "countersign.status_code",
            any_value::Value::IntValue(timing.status.into()),
        ),
    ];
    let optional = [
        ("countersign.component", &timing.component),
        ("countersign.request_id", &timing.request_id),
    ];
    all.extend(
        optional
            .into_iter()
            .filter_map(|(key, value)| Some(text(key, value.as_deref()?))),
    );
    all
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(value.to_owned()))
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
