use crate::node::Node;
use countersign_engine::audit::{Category, Code, Record};
use countersign_engine::model::Component;
use countersign_engine::status::Status;
use countersign_radius::{Code as PacketCode, Packet, Reply, SharedSecret, kind};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use std::net::SocketAddr;

/// Attributes of an Accounting-Request that the audit keeps: name and number.
const NUMBERS: [(&str, u8); 6] = [
    ("acct_status_type", kind::ACCT_STATUS_TYPE),
    ("acct_input_octets", kind::ACCT_INPUT_OCTETS),
    ("acct_output_octets", kind::ACCT_OUTPUT_OCTETS),
    ("acct_session_time", kind::ACCT_SESSION_TIME),
    ("acct_input_gigawords", kind::ACCT_INPUT_GIGAWORDS),
    ("acct_output_gigawords", kind::ACCT_OUTPUT_GIGAWORDS),
];

/// Characters of a text attribute that the audit keeps.
const MOST_TEXT: usize = 64;

/// The record of an Accounting-Request (radius.md 7).
pub(super) fn records(
    packet: &Packet<'_>,
    component: &Component,
    source: SocketAddr,
    local: SocketAddr,
) -> Vec<Record> {
    let mut record = Record::new(Code::ACCOUNTING_RECEIVED, Node::arrival().id, Node::now());
    record.category = Category::Accounting;
    record.status = Some(Status::SUCCESS);
    record.user = text(packet, kind::USER_NAME).map(Into::into);
    record.component_type = Some(component.kind.clone().into());
    record.client_location = Some(source.ip().to_canonical().to_string().into());
    record.server_location = Some(local.to_string().into());
    record.nas = text(packet, kind::NAS_IDENTIFIER).map(Into::into);
    record.session = text(packet, kind::ACCT_SESSION_ID).map(Into::into);
    record.correlation_id = class(packet).map(Into::into);
    record.input = Some(Value::Object(numbers(packet)));
    vec![record]
}

/// The record of a dropped packet (W-101002).
pub(super) fn dropped_record(
    reason: &'static str,
    source: SocketAddr,
    local: SocketAddr,
) -> Vec<Record> {
    let mut record = Record::new(Code::PACKET_DROPPED, Node::arrival().id, Node::now());
    record.client_location = Some(source.ip().to_canonical().to_string().into());
    record.server_location = Some(local.to_string().into());
    record.reason = Some(reason.into());
    vec![record]
}

/// The signed Accounting-Response.
pub(super) fn reply(request: &Packet<'_>, secret: &SharedSecret) -> Option<Vec<u8>> {
    Some(
        Reply::new(PacketCode::AccountingResponse, request)
            .ok()?
            .sign(secret),
    )
}

fn text(packet: &Packet<'_>, kind: u8) -> Option<String> {
    packet.first(kind).map(|value| {
        String::from_utf8_lossy(value)
            .chars()
            .take(MOST_TEXT)
            .collect()
    })
}

/// Class as we give it out: the identity of the authentication, by which the records of a session are found.
fn class(packet: &Packet<'_>) -> Option<String> {
    packet
        .first(kind::CLASS)
        .filter(|value| value.len() == 16)
        .map(|value| HEXLOWER.encode(value))
}

fn numbers(packet: &Packet<'_>) -> Map<String, Value> {
    let present = NUMBERS.iter().filter_map(|(name, kind)| {
        let number = countersign_radius::packet::integer(packet.first(*kind)?)?;
        Some(((*name).to_owned(), number.into()))
    });
    present.collect()
}
