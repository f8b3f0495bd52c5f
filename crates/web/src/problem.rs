//! Transport problems: the request was not carried out as a command at all (RFC 9457, spec/status-codes.md 3).

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use countersign_service::reply::Problem;
use data_encoding::HEXLOWER;
use serde::Serialize;

/// Media type of every problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Page whose fragments explain the problem types.
const TYPES: &str = "/docs#problem-";

/// One kind of transport problem.
pub(crate) struct Kind {
    /// HTTP status.
    pub(crate) http: u16,
    /// Short title.
    pub(crate) title: &'static str,
    /// When it is answered.
    pub(crate) doc: &'static str,
}

/// All kinds that the API answers.
pub(crate) const KINDS: &[Kind] = &[
    kind(
        400,
        "Malformed request",
        "The body is not a JSON object, names a key twice, is not UTF-8, or a header or query string cannot be read.",
    ),
    kind(
        401,
        "Credentials required",
        "No administrative credentials were sent, or the key or certificate of the component is missing or wrong.",
    ),
    kind(
        403,
        "Component not admitted",
        "No component of this type is registered for the source address of the request.",
    ),
    kind(404, "Not found", "There is no such route or command."),
    kind(
        405,
        "Method not allowed",
        "Commands are sent with POST, documents are read with GET.",
    ),
    kind(408, "Request too slow", "The body did not arrive in time."),
    kind(
        413,
        "Request too large",
        "A JSON body is over 1 MiB, or an import file is over the setting import.max_bytes.",
    ),
    kind(
        415,
        "Unsupported media type",
        "The body is not application/json in UTF-8, or it is compressed.",
    ),
    kind(
        429,
        "Too many requests",
        "Too many failed attempts came from this source; Retry-After says when to try again.",
    ),
    kind(
        500,
        "Internal error",
        "The request could not be processed; the log of the node says why.",
    ),
    kind(
        503,
        "Unavailable",
        "The node is overloaded or stopping; ask another one, or this one later.",
    ),
];

const fn kind(http: u16, title: &'static str, doc: &'static str) -> Kind {
    Kind { http, title, doc }
}

/// A problem of one of the [`KINDS`] with what happened this time.
pub(crate) fn problem(http: u16, detail: impl Into<String>) -> Problem {
    let title = KINDS
        .iter()
        .find(|kind| kind.http == http)
        .map_or("Problem", |kind| kind.title);
    Problem {
        http,
        title,
        detail: detail.into(),
        retry_after_s: None,
    }
}

/// The node has too much to do; the client may try again in a second.
pub(crate) fn overloaded(detail: &str) -> Problem {
    Problem {
        retry_after_s: Some(1),
        ..problem(503, detail)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

/// The answer that carries a problem; its identity is logged with it, at a level that a flood of bad requests does not fill disks with.
pub(crate) fn answer(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = request_id();
    tracing::debug!(
        request_id,
        status = status.as_u16(),
        title = problem.title,
        "request not carried out"
    );
    let document = Document {
        r#type: format!("{TYPES}{}", status.as_u16()),
        title: problem.title,
        status: status.as_u16(),
        detail: &problem.detail,
        request_id: &request_id,
    };
    let mut response = Response::new(Body::from(
        serde_json::to_vec(&document).unwrap_or_default(),
    ));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 11.6.1: a 401 names the schemes that would be heard.
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, ApiKey"));
    }
    response
}

/// The answer to a method that the route does not take (RFC 9110 15.5.6: it names those that it takes).
pub(crate) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let mut response = answer(&problem(405, format!("This route takes {allowed}.")));
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Identity of a request that never became a command: 128 random bits in hexadecimal, zeros if there is no randomness.
fn request_id() -> String {
    let mut bits = [0; 16];
    if getrandom::fill(&mut bits).is_err() {
        bits = [0; 16];
    }
    HEXLOWER.encode(&bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn document(response: Response<Body>) -> serde_json::Value {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_has_the_members_of_rfc_9457_and_an_identity() {
        let response = answer(&problem(413, "Too big."));
        assert_eq!(response.status(), 413);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let document = document(response).await;
        assert_eq!(document["type"], "/docs#problem-413");
        assert_eq!(document["title"], "Request too large");
        assert_eq!(document["status"], 413);
        assert_eq!(document["detail"], "Too big.");
        assert_eq!(document["request_id"].as_str().unwrap().len(), 32);
    }

    #[tokio::test]
    async fn two_problems_have_two_identities() {
        let first = document(answer(&problem(404, ""))).await;
        let second = document(answer(&problem(404, ""))).await;
        assert_ne!(first["request_id"], second["request_id"]);
    }

    #[test]
    fn a_401_names_the_schemes_and_a_429_the_time() {
        assert!(
            answer(&problem(401, ""))
                .headers()
                .contains_key(WWW_AUTHENTICATE)
        );
        let throttled = Problem {
            retry_after_s: Some(30),
            ..problem(429, "")
        };
        assert_eq!(answer(&throttled).headers()[RETRY_AFTER], "30");
        assert_eq!(wrong_method("POST").headers()[ALLOW], "POST");
    }

    #[test]
    fn an_impossible_status_becomes_500() {
        assert_eq!(answer(&problem(7, "")).status(), 500);
    }
}
