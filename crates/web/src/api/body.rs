//! Bodies: bounded in size, in time and in kind before anything looks into them.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use countersign_service::reply::Problem;
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::json;
use crate::problem::problem;

/// Largest JSON body in bytes (spec/administration.md 1).
pub(crate) const JSON_BYTES: u64 = 1 << 20;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(10);

/// Time that every body gets, beyond what its size takes at [`BYTES_PER_S`].
const HEAD_START: Duration = Duration::from_secs(30);

/// Slowest acceptable average of a body, so that nobody holds a request open by dripping bytes.
const BYTES_PER_S: u64 = 16 << 10;

/// Reads a JSON body into its object.
///
/// # Errors
/// 415 for another kind of body, 413, 408 and 400 as [`receive`] and the reader say.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    if !is_json(headers) {
        return Err(problem(415, "The body must be application/json in UTF-8."));
    }
    json::object(&receive(headers, body, JSON_BYTES).await?)
}

/// Whether the body says that it is JSON in UTF-8 (RFC 8259 8.1).
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut stated = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (stated.next(), stated.next()) else {
        return false;
    };
    let Ok(kind) = kind.to_str() else {
        return false;
    };
    let mut parts = kind.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(is_utf8)
}

/// Whether a parameter of the media type is harmless: only a charset matters, and only one is spoken.
fn is_utf8(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => charset
            .trim()
            .trim_matches('"')
            .eq_ignore_ascii_case("utf-8"),
        _ => true,
    }
}

/// Reads a whole body of at most `limit` bytes, wiped from memory when dropped.
///
/// # Errors
/// 413 if it is longer, by its own statement or in fact; 408 if it comes too slowly; 415 if it is compressed;
/// 400 if it breaks off.
pub(super) async fn receive(
    headers: &HeaderMap,
    mut body: Body,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    refuse_compressed(headers)?;
    let stated = body.size_hint().lower();
    if stated > limit {
        return Err(too_large(limit));
    }
    let room = usize::try_from(stated.min(JSON_BYTES)).unwrap_or(0);
    let mut received = Zeroizing::new(Vec::with_capacity(room));
    let start = Instant::now();
    while let Some(frame) = timeout(SILENCE, body.frame())
        .await
        .map_err(|_| too_slow())?
    {
        let frame = frame.map_err(|_| problem(400, "The body broke off."))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        let length = received.len().saturating_add(piece.len()) as u64;
        if length > limit {
            return Err(too_large(limit));
        }
        if start.elapsed() > allowance(length) {
            return Err(too_slow());
        }
        received.extend_from_slice(&piece);
    }
    Ok(received)
}

fn allowance(bytes: u64) -> Duration {
    HEAD_START.saturating_add(Duration::from_secs(bytes / BYTES_PER_S))
}

/// Compressed bodies are refused: a few bytes could unfold to gigabytes.
fn refuse_compressed(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if plain {
        Ok(())
    } else {
        Err(problem(415, "The body must not be compressed."))
    }
}

fn too_large(limit: u64) -> Problem {
    problem(413, format!("The body is larger than {limit} bytes."))
}

fn too_slow() -> Problem {
    problem(408, "The body did not arrive in time.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use axum::http::HeaderValue;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};
    use tokio::time::{Interval, interval};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json; profile=x", true),
            ("application/json; charset=latin1", false),
            ("application/jsonl", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(
                is_json(&headers(&[("content-type", kind)])),
                expected,
                "{kind}"
            );
        }
        assert!(!is_json(&HeaderMap::new()));
        let twice = headers(&[
            ("content-type", "application/json"),
            ("content-type", "text/plain"),
        ]);
        assert!(!is_json(&twice));
    }

    #[tokio::test]
    async fn a_body_may_fill_its_limit_but_not_pass_it() {
        let none = HeaderMap::new();
        let full = receive(&none, Body::from(vec![7; 100]), 100).await.unwrap();
        assert_eq!(*full, vec![7; 100]);
        assert_eq!(
            receive(&none, Body::from(vec![7; 101]), 100)
                .await
                .unwrap_err()
                .http,
            413
        );
    }

    /// A body without end that gives one byte at each tick.
    struct Drip(Interval);

    impl HttpBody for Drip {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            ready!(self.0.poll_tick(context));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a")))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_or_drips_is_given_up() {
        for (pause, at_most) in [
            (Duration::from_secs(3600), SILENCE),
            (Duration::from_secs(1), HEAD_START),
        ] {
            let mut ticks = interval(pause);
            ticks.tick().await;
            let start = Instant::now();
            let refused = receive(&HeaderMap::new(), Body::new(Drip(ticks)), JSON_BYTES).await;
            assert_eq!(refused.unwrap_err().http, 408);
            assert!(
                start.elapsed() <= at_most + Duration::from_secs(2),
                "{pause:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_compressed_body_is_refused() {
        let gzip = headers(&[("content-encoding", "gzip")]);
        assert_eq!(
            receive(&gzip, Body::empty(), 100).await.unwrap_err().http,
            415
        );
        let plain = headers(&[("content-encoding", "identity")]);
        assert!(
            receive(&plain, Body::empty(), 100)
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn a_json_body_must_say_so() {
        let form = headers(&[("content-type", "application/x-www-form-urlencoded")]);
        assert_eq!(read(&form, Body::from("{}")).await.unwrap_err().http, 415);
        let json = headers(&[("content-type", "application/json")]);
        assert_eq!(read(&json, Body::from("{}")).await, Ok(Map::new()));
    }

    #[test]
    fn a_large_file_gets_the_time_it_needs() {
        assert_eq!(allowance(0), HEAD_START);
        assert_eq!(
            allowance(512 << 20),
            HEAD_START + Duration::from_secs(32_768)
        );
    }
}
