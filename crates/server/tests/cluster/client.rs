//! A client that logs on over one interface or the other and takes every answer for what it is.

use countersign_radius::{Code, Packet, kind};
use countersign_testkit::{Https, Raw, Server, radius};
use serde_json::json;
use std::time::{Duration, Instant};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Accepted, under this identity of the request.
    Accepted(String),
    /// Refused with this status; 0 where a packet does not say which.
    Refused(i16),
    /// Nothing, or the connection broke.
    Nothing,
}

/// A line to one node.
pub(crate) enum Line {
    Radius(Box<Raw>),
    Json(Box<Https>),
    /// There was no connection to be had.
    Broken,
}

impl Line {
    pub(crate) fn radius(node: &Server, patience: Duration) -> Self {
        Self::Radius(Box::new(Raw::to(
            &node.ready("radius_auth"),
            &node.radius_secret(),
            patience,
        )))
    }

    pub(crate) fn json(node: &Server) -> Self {
        let certificate = node.data_dir().join("certificate.pem");
        Https::connect(&node.ready("http"), &certificate)
            .map_or(Self::Broken, |https| Self::Json(Box::new(https)))
    }

    /// Logs on with a one-time password.
    pub(crate) fn log_on(&mut self, user: &str, otp: &str) -> Said {
        match self {
            Self::Radius(raw) => over_radius(raw, user, otp),
            Self::Json(https) => over_json(https, user, otp),
            Self::Broken => Said::Nothing,
        }
    }
}

fn over_radius(raw: &mut Raw, user: &str, otp: &str) -> Said {
    let request = raw.pap(user, otp);
    raw.send_if_heard(&request.bytes);
    let begun = Instant::now();
    while begun.elapsed() < raw.patience() {
        let Some(answer) = raw.receive() else {
            return Said::Nothing;
        };
        if !raw.verify(&request, &answer) {
            continue; // the late answer to an earlier request
        }
        let packet = Packet::read(&answer).expect("a packet");
        return match radius::code(&answer) {
            Code::AccessAccept => Said::Accepted(hexadecimal(
                packet.first(kind::CLASS).expect("a Class attribute"),
            )),
            Code::AccessReject => Said::Refused(status(&packet)),
            other => panic!("{other:?}"),
        };
    }
    Said::Nothing
}

/// The number at the end of the Reply-Message.
fn status(packet: &Packet<'_>) -> i16 {
    let text = packet
        .first(kind::REPLY_MESSAGE)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .unwrap_or_default();
    let number = text.rsplit_once('(').map_or("", |(_, number)| number);
    number.trim_end_matches(')').parse().unwrap_or(0)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn over_json(https: &mut Https, user: &str, otp: &str) -> Said {
    let body = json!({"component": "app", "user": user, "otp": otp});
    let Ok(answer) = https.post("/v1/auth/authenticate", &[], &body) else {
        return Said::Nothing;
    };
    match answer.status() {
        0 => Said::Accepted(
            answer.body["request_id"]
                .as_str()
                .expect("a request id")
                .to_owned(),
        ),
        status => Said::Refused(status as i16),
    }
}
