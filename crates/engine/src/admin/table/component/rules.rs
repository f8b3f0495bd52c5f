//! What a component's record may say (authentication.md 2, radius.md 4).

use super::location::width;
use crate::admin::Refusal;
use crate::model::{Component, Location};
use crate::snapshot::{LOGON_AGENT, RADIUS_CLIENT};
use std::net::IpAddr;

/// Component type of the server's own nodes: no requests come from it.
const SERVER: &str = "server";

/// Refuses (-2) what does not go together.
pub(super) fn check(component: &Component, sets_secret: bool) -> Result<(), Refusal> {
    let radius = component.kind == RADIUS_CLIENT;
    let json = !radius && component.kind != SERVER;
    let proven = component.api_key.is_some() || component.client_certificate.is_some();
    let rules = [
        (
            component.location == Location::Default && !radius && component.kind != LOGON_AGENT,
            "location default is for RADIUS clients and log-on agents only",
        ),
        (
            !component.nas_id.is_empty() && !radius,
            "nas_id is for RADIUS clients only",
        ),
        (
            sets_secret && !radius,
            "a shared secret is for RADIUS clients only",
        ),
        (
            radius && proven,
            "an API key or client certificate is for JSON components only",
        ),
        (
            radius && !component.require_message_authenticator && is_wide(&component.location),
            "require_message_authenticator cannot be given up for location default or a range wider than /16 (IPv6 /48)",
        ),
        (
            json && !proven && !component.address_only && !is_loopback(&component.location),
            "outside loopback the component needs an API key or a client certificate, or address_only = true",
        ),
        (
            json && !proven && (component.return_static_password || component.trusted_forwarder),
            "return_static_password and trusted_forwarder need an API key or a client certificate",
        ),
    ];
    match rules.into_iter().find(|(broken, _)| *broken) {
        Some((_, rule)) => Err(Refusal::contradiction(rule)),
        None => Ok(()),
    }
}

fn is_wide(location: &Location) -> bool {
    match location {
        Location::Network { address, prefix } => *prefix < if address.is_ipv4() { 16 } else { 48 },
        Location::Host(_) => false,
        Location::Default => true,
    }
}

fn is_loopback(location: &Location) -> bool {
    match location {
        Location::Network {
            address: IpAddr::V4(address),
            prefix,
        } => address.is_loopback() && *prefix >= 8,
        Location::Network { address, prefix } => {
            address.is_loopback() && *prefix == width(*address)
        }
        Location::Host(name) => name == "localhost",
        Location::Default => false,
    }
}
