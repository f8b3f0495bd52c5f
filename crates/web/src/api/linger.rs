//! Answers that are given before the body was read are still heard.
//!
//! Whoever closes a connection of HTTP/1.1 with bytes unread resets it, and the client, still sending, never sees why
//! it was refused; in HTTP/2 some clients (curl 7.88) take the early end of the stream for an error and lose the answer.
//! So what is left of a body of ordinary size is read and thrown away.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::body::JSON_BYTES;

/// Bytes that are thrown away at most.
const MOST: u64 = 2 * JSON_BYTES;

/// Time that they may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads what the handler left of the body before its answer leaves.
pub(super) async fn linger(request: Request, next: Next) -> Response {
    // A client that waits for "100 Continue" has sent nothing yet, and shall not begin to.
    if request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let body = Shared(Arc::new(Mutex::new(body)));
    let response = next
        .run(Request::from_parts(head, Body::new(body.clone())))
        .await;
    if body.size_hint().lower() <= MOST {
        // Whether it ended, broke off or took too long: the answer leaves now.
        let _ended = timeout(PATIENCE, discard(body)).await;
    }
    response
}

async fn discard(mut body: Shared) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(rest) = left.checked_sub(length) else {
            return;
        };
        left = rest;
    }
}

/// A body that the handler and the one who cleans up after it can both read.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Body) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
