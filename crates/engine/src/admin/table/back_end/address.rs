//! Where servers are reached.

use crate::admin::table::component::location::is_host;
use std::net::{IpAddr, Ipv6Addr};

/// A host name or an address.
pub(super) fn is_address(text: &str) -> bool {
    is_host(text) || text.parse::<IpAddr>().is_ok()
}

/// A host name or an address, with or without a port; an IPv6 address before a port stands in brackets.
pub(super) fn is_address_with_port(text: &str) -> bool {
    is_address(text) || split_port(text).is_some()
}

fn split_port(text: &str) -> Option<()> {
    let (host, port) = text.rsplit_once(':')?;
    let known = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => !host.contains(':') && is_address(host),
    };
    (known && is_port(port)).then_some(())
}

fn is_port(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A URL of HTTPS with a host: no user, no fragment, nothing outside printable ASCII.
pub(super) fn is_https(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()),
        None => is_address(authority) && !authority.contains(':'),
    };
    (host || split_port(authority).is_some())
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_other_texts() {
        for text in ["dc1", "dc1.example.org", "192.0.2.1", "2001:db8::1"] {
            assert!(is_address(text) && is_address_with_port(text), "{text}");
        }
        for text in ["dc1:3268", "192.0.2.1:3268", "[2001:db8::1]:3268"] {
            assert!(!is_address(text) && is_address_with_port(text), "{text}");
        }
        for text in [
            "",
            "a b",
            "ldap://dc1",
            "dc1:",
            "dc1:0",
            "dc1:65536",
            "dc1:+5",
            "[dc1]:5",
            "a:b:5",
            "192.0.2.300",
            "dc1/x",
        ] {
            assert!(!is_address_with_port(text), "{text}");
        }
    }

    #[test]
    fn a_url_is_one_of_https_with_a_host() {
        for text in [
            "https://h",
            "https://h.example.org/a/b?c=d&e",
            "https://192.0.2.1:8443/x",
            "https://[2001:db8::1]/",
            "https://[::1]:8443/x",
            "https://h?x",
        ] {
            assert!(is_https(text), "{text}");
        }
        for text in [
            "",
            "http://h/",
            "https://",
            "https:///x",
            "https://user@h/",
            "https://h:0/",
            "https://h:99999/",
            "https://h/#x",
            "https://h/ x",
            "https://h/\u{e4}",
            "https://2001:db8::1/",
            "HTTPS://h/",
            "https://h\\x/",
        ] {
            assert!(!is_https(text), "{text}");
        }
    }
}
