//! The health listener: whether this node should get requests, and its figures. Names no user.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware;
use axum::routing::get;
use countersign_service::Node;
use serde::Serialize;

use crate::{headers, problem};

/// The text format of `/metrics`.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /health` and `GET /metrics` of a node.
pub fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(async || problem::wrong_method("GET, HEAD"))
        .fallback(async || problem::answer(&problem::problem(404, "Ask for /health or /metrics.")))
        .with_state(node)
        .layer(middleware::from_fn(headers::protect))
}

async fn health(State(node): State<Arc<Node>>) -> Response<Body> {
    let readiness = node.readiness();
    state(readiness.ready, readiness.state.word(), &readiness.reasons)
}

async fn metrics(State(node): State<Arc<Node>>) -> Response<Body> {
    let mut response = Response::new(Body::from(node.figures()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
    response
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    state: &'static str,
    reasons: &'a [String],
}

/// 200 when the node is ready, else 503 with the reasons.
fn state(ready: bool, state: &'static str, reasons: &[String]) -> Response<Body> {
    let (status, word) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let text = serde_json::to_vec(&Health {
        status: word,
        state,
        reasons,
    })
    .unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text(response: Response<Body>) -> String {
        String::from_utf8(
            response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn readiness_decides_the_status() {
        let ready = state(true, "serving", &[]);
        assert_eq!(ready.status(), 200);
        assert_eq!(
            text(ready).await,
            r#"{"status":"ready","state":"serving","reasons":[]}"#
        );
        let sick = state(false, "not_ready", &["the store is read-only".to_owned()]);
        assert_eq!(sick.status(), 503);
        assert_eq!(
            text(sick).await,
            r#"{"status":"not ready","state":"not_ready","reasons":["the store is read-only"]}"#
        );
    }
}
