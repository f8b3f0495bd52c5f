use crate::back_end::{Relay, is_relayed};
use crate::charset::decode;
use crate::node::Node;
use countersign_engine::audit::{Category, Code, Record};
use countersign_engine::model::{Component, DomainKey};
use countersign_engine::snapshot::Snapshot;
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

/// What is passed on of an Accounting-Request, if a back-end takes it (radius.md 7).
pub(super) fn relay(
    snapshot: &Snapshot,
    component: &Component,
    packet: &Packet<'_>,
) -> Option<Relay> {
    if snapshot.back_ends.records().is_empty() {
        return None;
    }
    let typed = packet
        .first(kind::USER_NAME)
        .and_then(|name| decode(component.charset, name).ok());
    let (user, domain) = if tells_of_its_nas(packet) {
        (None, None)
    } else {
        let (user, domain) = named(snapshot, component, typed.as_deref().unwrap_or_default());
        (typed.is_some().then(|| user.to_owned()), domain)
    };
    is_relayed(snapshot, domain).then(|| Relay {
        packet: packet.bytes().into(),
        user,
        domain,
    })
}

/// Accounting-On and -Off, which end all sessions of a NAS.
fn tells_of_its_nas(packet: &Packet<'_>) -> bool {
    const ON: u32 = 7;
    const OFF: u32 = 8;
    let kind = packet.first(kind::ACCT_STATUS_TYPE);
    matches!(
        kind.and_then(countersign_radius::packet::integer),
        Some(ON | OFF)
    )
}

/// User and domain of a name as a NAS tells it: in a domain that is named in front or behind, or the default one.
fn named<'a>(
    snapshot: &Snapshot,
    component: &Component,
    typed: &'a str,
) -> (&'a str, Option<DomainKey>) {
    let domains = &snapshot.domains;
    let split = typed.rsplit_once('@');
    let split = split.or_else(|| typed.split_once('\\').map(|(domain, user)| (user, domain)));
    if let Some((user, name)) = split
        && !user.is_empty()
        && let Some(domain) = domains.named(name)
    {
        return (user, Some(domain.key));
    }
    let policy = snapshot.policy(&component.policy).ok();
    let default = policy.filter(|policy| !policy.default_domain.is_empty());
    let domain = match default {
        Some(policy) => domains.named(&policy.default_domain),
        None => domains.master(),
    };
    (typed, domain.map(|domain| domain.key))
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
