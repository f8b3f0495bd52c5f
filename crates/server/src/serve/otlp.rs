//! Timings of requests, sent to an OpenTelemetry collector (OTLP over HTTP, protobuf).
//!
//! A request hands its timing to a bounded queue and goes on: where the collector is slow or away, spans are dropped and
//! counted, and nobody waits.

mod post;
mod spans;

use countersign_service::Node;
use countersign_service::timing::Timing;
use post::Endpoint;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

/// Requests that may wait to be sent.
const QUEUE: usize = 4096;
/// Requests of one message.
const BATCH: usize = 256;
/// What came within this time is sent together.
const EVERY: Duration = Duration::from_secs(1);

/// Sends the timings that the node keeps until `stop`, and what waits then.
///
/// # Errors
/// The endpoint is none.
pub(super) fn exporter(
    node: &Arc<Node>,
    endpoint: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let endpoint: Endpoint = endpoint.parse()?;
    let (sender, receiver) = channel::<Arc<Timing>>(QUEUE);
    let weak = Arc::downgrade(node); // the node holds this closure
    node.follow_timings(move |timing| {
        if sender.try_send(Arc::clone(timing)).is_err() {
            count(&weak, "dropped", std::slice::from_ref(timing));
        }
    });
    Ok(export(
        receiver,
        endpoint,
        Arc::downgrade(node),
        node.name().to_owned(),
        stop,
    ))
}

async fn export(
    mut receiver: Receiver<Arc<Timing>>,
    endpoint: Endpoint,
    node: Weak<Node>,
    name: String,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    let (mut stopping, mut silent) = (false, false);
    while !stopping {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = &mut stop => stopping = true,
        }
        let mut timings = Vec::new();
        while let Ok(timing) = receiver.try_recv() {
            timings.push(timing);
        }
        for batch in timings.chunks(BATCH) {
            let sent = endpoint.send(spans::message(batch, &name)).await;
            count(&node, if sent.is_ok() { "sent" } else { "failed" }, batch);
            match &sent {
                Err(error) if !silent => {
                    tracing::warn!("spans are not exported: {error:#}"); // once, until it works again
                }
                Ok(()) if silent => tracing::info!("spans are exported again"),
                _ => {}
            }
            silent = sent.is_err();
        }
    }
}

fn count(node: &Weak<Node>, outcome: &'static str, timings: &[Arc<Timing>]) {
    if let Some(node) = node.upgrade() {
        node.metrics().exported(outcome, spans::number(timings));
    }
}

#[cfg(test)]
mod tests;
