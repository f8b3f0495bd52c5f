//! The result envelope: ONE place where a completed command becomes an HTTP answer (spec/status-codes.md 3).

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use countersign_engine::Status;
use countersign_service::reply::Reply;
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Envelope<'a> {
    return_code: &'static str,
    status_code: Status,
    status: &'static str,
    message: &'a str,
    request_id: &'a str,
    result: &'a Map<String, Value>,
    warnings: Vec<Warning<'a>>,
    errors: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Warning<'a> {
    status_code: Status,
    status: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Cause<'a> {
    code: i64,
    name: &'a str,
    message: &'a str,
}

/// The HTTP 200 answer of a completed command, refusals included.
pub(crate) fn answer(reply: &Reply) -> Response<Body> {
    let text = serde_json::to_vec(&envelope(reply)).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn envelope(reply: &Reply) -> Envelope<'_> {
    Envelope {
        return_code: reply.status.return_code().name(),
        status_code: reply.status,
        status: reply.status.name(),
        message: &reply.message,
        request_id: &reply.request_id,
        result: &reply.result,
        warnings: reply.warnings.iter().map(warning).collect(),
        errors: reply.errors.iter().map(cause).collect(),
    }
}

fn warning((status, message): &(Status, String)) -> Warning<'_> {
    Warning {
        status_code: *status,
        status: status.name(),
        message,
    }
}

fn cause((code, name, message): &(i64, String, String)) -> Cause<'_> {
    Cause {
        code: *code,
        name,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> String {
        serde_json::to_string(&envelope(reply)).unwrap()
    }

    fn reply(status: i64) -> Reply {
        Reply {
            status: Status::from_number(status).unwrap(),
            message: "m".into(),
            result: Map::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            request_id: "r".into(),
        }
    }

    #[test]
    fn the_members_stand_in_the_order_of_the_contract() {
        let mut reply = reply(1013);
        reply.result.insert("user".into(), "anna".into());
        reply
            .warnings
            .push((Status::from_number(1121).unwrap(), "w".into()));
        reply.errors.push((-10, "STAT_COMMS".into(), "e".into()));
        assert_eq!(
            text(&reply),
            concat!(
                r#"{"return_code":"RET_FAILURE","status_code":1013,"status":"STAT_CHALLENGE_INVALID","message":"m","#,
                r#""request_id":"r","result":{"user":"anna"},"#,
                r#""warnings":[{"status_code":1121,"status":"STAT_USER_SYNC_FAILED","message":"w"}],"#,
                r#""errors":[{"code":-10,"name":"STAT_COMMS","message":"e"}]}"#
            )
        );
    }

    #[test]
    fn empty_parts_are_present_and_the_class_follows_the_status() {
        for (status, class) in [
            (0, "RET_SUCCESS"),
            (1006, "RET_DECLINED"),
            (3001, "RET_CHALLENGE"),
            (3002, "RET_FAILURE"),
            (-101, "RET_ERROR"),
        ] {
            let text = text(&reply(status));
            assert!(
                text.contains(&format!(r#""return_code":"{class}""#)),
                "{text}"
            );
            assert!(
                text.ends_with(r#""result":{},"warnings":[],"errors":[]}"#),
                "{text}"
            );
        }
    }

    #[test]
    fn a_completed_command_is_http_200_whatever_its_status() {
        let response = answer(&reply(-106));
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    }
}
