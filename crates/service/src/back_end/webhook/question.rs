//! What a web service is asked: one JSON object.

use crate::back_end::{Asking, Received, Target};
use countersign_engine::Secret;
use countersign_engine::back_end::{Ask, Password, Wanted};
use countersign_radius::{Packet, kind};
use data_encoding::HEXLOWER;
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The version of the contract.
const VERSION: u32 = 1;
/// More than any question needs, so that no password is left behind in a smaller buffer.
const ROOM: usize = 16 * 1024;

/// Attributes of the RADIUS request that are told as text.
const TEXTS: [(&str, u8); 3] = [
    ("NAS-Identifier", kind::NAS_IDENTIFIER),
    ("Called-Station-Id", kind::CALLED_STATION_ID),
    ("Calling-Station-Id", kind::CALLING_STATION_ID),
];

#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    request_id: String,
    operation: &'static str,
    user: &'a str,
    domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_password: Option<&'a str>,
    /// What came with the challenge that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    attributes: BTreeMap<&'static str, String>,
}

/// The question as JSON; none where a web service is not asked such a thing.
pub(super) fn body(target: &Target, ask: &Ask, asking: &Asking) -> Option<Zeroizing<Vec<u8>>> {
    let (mut password, mut new_password, mut state) = (None, None, None);
    let operation = match &ask.wanted {
        Wanted::Authenticate(Password::Known(known)) => {
            password = Some(text(known)?);
            "authenticate"
        }
        Wanted::Respond {
            state: theirs,
            response,
            ..
        } => {
            password = Some(text(response)?);
            state = Some(std::str::from_utf8(theirs).ok()?);
            "authenticate"
        }
        Wanted::Change { old, new } => {
            password = Some(text(old)?);
            new_password = Some(text(new)?);
            "change_password"
        }
        Wanted::Groups(_) => "groups",
        Wanted::UserInfo => "user_info",
        Wanted::Authenticate(Password::AsReceived) | Wanted::Resolve => return None,
    };
    let body = Body {
        version: VERSION,
        request_id: HEXLOWER.encode(&asking.id),
        operation,
        user: &ask.user,
        domain: &target.domain,
        password,
        new_password,
        state,
        attributes: asking
            .received
            .as_deref()
            .map(attributes)
            .unwrap_or_default(),
    };
    let mut out = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *out, &body).ok()?;
    Some(out)
}

fn text(secret: &Secret) -> Option<&str> {
    std::str::from_utf8(secret.expose()).ok()
}

/// Where the user comes from, as the RADIUS client told it.
fn attributes(received: &Received) -> BTreeMap<&'static str, String> {
    let Ok(packet) = Packet::read(&received.packet) else {
        return BTreeMap::new();
    };
    let texts = TEXTS.iter().filter_map(|(name, kind)| {
        let text = std::str::from_utf8(packet.first(*kind)?).ok()?;
        Some((*name, text.to_owned()))
    });
    let mut all: BTreeMap<_, _> = texts.collect();
    let address = packet
        .attributes()
        .find(|attribute| attribute.kind == kind::NAS_IP_ADDRESS);
    if let Some(ip) = address.and_then(|attribute| attribute.ipv4()) {
        all.insert("NAS-IP-Address", ip.to_string());
    }
    all
}
