//! The OpenAPI document and the page to read it, made once.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};

use crate::{docs, openapi};

static DOCUMENT: LazyLock<String> = LazyLock::new(openapi::text);
static PAGE: LazyLock<String> = LazyLock::new(docs::page);

/// `/v1/openapi.json`.
pub(super) async fn openapi() -> Response<Body> {
    let mut response = Response::new(Body::from(DOCUMENT.as_str()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `/docs`: text and one style, which the policy admits by its hash; nothing else loads or runs.
pub(super) async fn page() -> Response<Body> {
    let mut response = Response::new(Body::from(PAGE.as_str()));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Ok(policy) = HeaderValue::from_str(&docs::policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
