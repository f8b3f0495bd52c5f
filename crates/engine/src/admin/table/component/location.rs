//! Locations as they are typed.

use crate::admin::Refusal;
use crate::model::Location;
use std::net::IpAddr;

/// Reads an address, a CIDR range without host bits, a host name, or `default`.
///
/// # Errors
/// -101.
pub(super) fn read(text: &str) -> Result<Location, Refusal> {
    let location = if text == "default" {
        Some(Location::Default)
    } else if let Some((address, prefix)) = text.split_once('/') {
        network(address, prefix)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        let address = address.to_canonical();
        Some(Location::Network {
            address,
            prefix: width(address),
        })
    } else {
        is_host(text).then(|| Location::Host(text.to_ascii_lowercase()))
    };
    location.ok_or_else(|| {
        Refusal::invalid(
            "location",
            "an address, a CIDR range without host bits, a host name, or default",
        )
    })
}

fn network(address: &str, prefix: &str) -> Option<Location> {
    let address: IpAddr = address.parse().ok()?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u8 = prefix
        .parse()
        .ok()
        .filter(|prefix| digits && *prefix <= width(address))?;
    let host_bits = match address {
        IpAddr::V4(address) => address.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
        IpAddr::V6(address) => address.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
    };
    (!host_bits).then_some(Location::Network { address, prefix })
}

/// Width of an address of this family in bits.
pub(super) fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// RFC 1123 names; what looks like an address must be one.
pub(in crate::admin::table) fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inner = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for text in [
            "192.0.2.1",
            "192.0.2.0/24",
            "0.0.0.0/0",
            "2001:db8::/32",
            "::1",
            "vpn.example.org",
            "localhost",
            "default",
        ] {
            assert_eq!(crate::admin::view::location(&read(text).unwrap()), text);
        }
        assert_eq!(read("::ffff:192.0.2.1"), read("192.0.2.1"));
        assert_eq!(read("192.0.2.1/32"), read("192.0.2.1"));
        assert_eq!(read("VPN.example.org"), read("vpn.example.org"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.1/24",
            "192.0.2.0/33",
            "192.0.2.0/+8",
            "192.0.2.0/",
            "-a.org",
            "a..b",
            "a b",
            "256.1.1.1",
            "host/8",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
