//! The OpenAPI document and the page to read it, made once; and the public keys as they are now.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};

use super::Api;
use crate::{docs, openapi};
use countersign_service::auth;

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

/// `/v1/auth/jwks`: the keys that messages may be encrypted to (RFC 7517). They are no secret, so anybody may read them.
pub(super) async fn jwks(State(api): State<Arc<Api>>) -> Response<Body> {
    let mut response = Response::new(Body::from(auth::jwks(&api.node).to_string()));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
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
