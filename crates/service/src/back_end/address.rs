//! Where a back-end is: its name is resolved at each connect, and some addresses are never connected to whatever a
//! record or a name server says (administration.md 16).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// Addresses of one name that are tried.
const MOST: usize = 8;
/// How long one of several addresses may stay silent before the next is tried.
const SILENT: Duration = Duration::from_secs(2);

/// The addresses of a host name or the address itself, IPv6 with or without brackets; never empty.
///
/// # Errors
/// The name is unknown, or every address of it is one that is never connected to.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup_host((host, port))
        .await
        .map_err(|error| format!("{host} cannot be resolved: {error}"))?;
    let mut refused = None;
    let mut usable = Vec::new();
    for address in found.take(MOST) {
        match never(address.ip()) {
            Some(why) => refused = Some(format!("{} is {why}: never connected to", address.ip())),
            None => usable.push(address),
        }
    }
    if usable.is_empty() {
        return Err(refused.unwrap_or_else(|| format!("{host} has no address")));
    }
    Ok(usable)
}

/// Connects to the first address that answers.
///
/// # Errors
/// None does.
pub(super) async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut last = String::from("no address");
    for (at, address) in addresses.iter().enumerate() {
        let connect = TcpStream::connect(address);
        let tried = if at + 1 < addresses.len() {
            timeout(SILENT, connect)
                .await
                .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        } else {
            connect.await
        };
        match tried {
            Ok(stream) => {
                // a small request waits for nothing that could be sent along with it
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

/// Why no connection is ever made to an address, if so.
pub(super) fn never(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_link_local() => Some("a link-local address"),
        IpAddr::V4(v4) if v4.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(v6) if is_link_local(v6) => Some("a link-local address"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("a multicast address"),
        other if other.is_unspecified() => Some("the unspecified address"),
        _ => None,
    }
}

fn is_link_local(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    first & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_multicast_and_unspecified_addresses_are_never_connected_to() {
        for text in [
            "169.254.169.254",
            "::ffff:169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::",
        ] {
            assert!(never(text.parse().unwrap()).is_some(), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.0.0.1",
            "192.0.2.1",
            "::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(never(text.parse().unwrap()).is_none(), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_in_brackets_resolves_and_a_refused_one_names_its_reason() {
        let found = resolve("[::1]", 389).await.unwrap();
        assert_eq!(found, ["[::1]:389".parse().unwrap()]);
        let why = resolve("169.254.169.254", 80).await.unwrap_err();
        assert!(why.contains("link-local"), "{why}");
    }
}
