//! Connections that this server makes to others: where it never connects to, whoever wrote the record
//! (administration.md 16). Names are resolved here, and what they mean is checked before each connection.

use crate::node::Node;
use countersign_engine::network::Network;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;
/// How long one of several addresses may stay silent before the next is tried.
const SILENT: Duration = Duration::from_secs(2);

/// To whom connections may be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outbound {
    /// The setting `outbound.allow`; empty: everybody who is not forbidden.
    allow: Vec<Network>,
    /// The listeners of this server.
    own: Vec<Listening>,
}

/// Where this server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// How it is reached.
    pub transport: Transport,
    /// The bound address.
    pub address: SocketAddr,
}

/// How a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Outbound {
    /// The rules of a node as they are now.
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            allow: node.snapshot().settings.networks("outbound.allow"),
            own: node.listening().to_vec(),
        }
    }

    /// The addresses of a host to which connections may be made, in the order in which they are tried.
    pub(crate) async fn resolve(
        &self,
        transport: Transport,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => tokio::net::lookup_host((bare, port))
                .await
                .map_err(|error| format!("resolve {bare}: {error}"))?
                .take(MOST_ADDRESSES)
                .collect(),
        };
        let mut refused = format!("resolve {bare}: the name has no address");
        let mut allowed = Vec::new();
        for address in found {
            match self.check(transport, address) {
                Ok(()) => allowed.push(address),
                Err(why) => refused = why,
            }
        }
        if allowed.is_empty() {
            return Err(refused);
        }
        Ok(allowed)
    }

    /// A connection to the first address of a host that takes one.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        dial(&self.resolve(Transport::Tcp, host, port).await?).await
    }

    /// Whether a connection to an address may be made; else why not.
    pub(crate) fn check(&self, transport: Transport, to: SocketAddr) -> Result<(), String> {
        let ip = to.ip().to_canonical();
        if let Some(what) = forbidden(ip) {
            return Err(format!("connect to {to}: {what} addresses are never used"));
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|range| range.contains(ip)) {
            return Err(format!(
                "connect to {to}: the setting outbound.allow does not name it"
            ));
        }
        if self.is_own(transport, ip, to.port()) {
            return Err(format!("connect to {to}: this server itself listens there"));
        }
        Ok(())
    }

    fn is_own(&self, transport: Transport, ip: IpAddr, port: u16) -> bool {
        self.own
            .iter()
            .filter(|own| own.transport == transport && own.address.port() == port)
            .any(|own| match own.address.ip().to_canonical() {
                any if any.is_unspecified() => is_of_this_host(ip),
                one => one == ip,
            })
    }
}

/// A connection to the first of some addresses that takes one.
///
/// # Errors
/// None does.
pub(crate) async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut last = String::from("there is no address to connect to");
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
                let _ = stream.set_nodelay(true); // slower without it, no more
                return Ok(stream);
            }
            Err(error) => last = format!("connect to {address}: {error}"),
        }
    }
    Err(last)
}

/// What kind of address it is, if nobody is asked there.
fn forbidden(ip: IpAddr) -> Option<&'static str> {
    const LINK_LOCAL: u16 = 0xfe80;
    if ip.is_unspecified() {
        return Some("unspecified");
    }
    if ip.is_multicast() {
        return Some("multicast");
    }
    match ip {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("broadcast"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("link-local"),
        IpAddr::V6(v6) if first_segment(v6) & 0xffc0 == LINK_LOCAL => Some("link-local"),
        _ => None,
    }
}

fn first_segment(v6: Ipv6Addr) -> u16 {
    let [first, ..] = v6.segments();
    first
}

/// Only addresses of this host can be bound.
fn is_of_this_host(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn forbidden_addresses_are_never_used() {
        let rules = Outbound::default();
        for forbidden in [
            "169.254.169.254:80",
            "[fe80::1]:80",
            "[febf::1]:80",
            "[::ffff:169.254.169.254]:80",
            "224.0.0.1:80",
            "[ff02::1]:80",
            "0.0.0.0:80",
            "[::]:80",
            "255.255.255.255:80",
        ] {
            assert!(
                rules.check(Transport::Tcp, address(forbidden)).is_err(),
                "{forbidden}"
            );
        }
        for usual in [
            "127.0.0.1:1812",
            "10.0.0.1:636",
            "[2001:db8::1]:443",
            "[fec0::1]:1",
        ] {
            assert_eq!(
                rules.check(Transport::Tcp, address(usual)),
                Ok(()),
                "{usual}"
            );
        }
    }

    #[test]
    fn a_list_of_allowed_addresses_excludes_all_others() {
        let rules = Outbound {
            allow: vec![Network::read("10.0.0.0/8").unwrap()],
            own: Vec::new(),
        };
        assert_eq!(
            rules.check(Transport::Tcp, address("10.1.2.3:1812")),
            Ok(())
        );
        assert_eq!(
            rules.check(Transport::Tcp, address("[::ffff:10.1.2.3]:1812")),
            Ok(())
        );
        assert!(
            rules
                .check(Transport::Tcp, address("192.0.2.1:1812"))
                .is_err()
        );
    }

    #[test]
    fn the_server_does_not_ask_itself() {
        let rules = Outbound {
            allow: Vec::new(),
            own: ["127.0.0.1:8888", "0.0.0.0:1812"]
                .map(|own| Listening {
                    transport: Transport::Tcp,
                    address: address(own),
                })
                .into(),
        };
        assert!(
            rules
                .check(Transport::Tcp, address("127.0.0.1:8888"))
                .is_err()
        );
        assert!(
            rules
                .check(Transport::Tcp, address("[::ffff:127.0.0.1]:8888"))
                .is_err()
        );
        assert!(
            rules
                .check(Transport::Tcp, address("127.0.0.1:1812"))
                .is_err()
        );
        assert_eq!(
            rules.check(Transport::Tcp, address("127.0.0.2:8888")),
            Ok(())
        );
        assert_eq!(
            rules.check(Transport::Udp, address("127.0.0.1:8888")),
            Ok(())
        );
        assert_eq!(
            rules.check(Transport::Tcp, address("192.0.2.1:1812")),
            Ok(())
        );
    }

    #[tokio::test]
    async fn names_are_checked_by_what_they_mean() {
        let rules = Outbound {
            allow: vec![Network::read("192.0.2.0/24").unwrap()],
            own: Vec::new(),
        };
        let error = rules
            .resolve(Transport::Tcp, "localhost", 1)
            .await
            .unwrap_err();
        assert!(error.contains("outbound.allow"), "{error}");
        let found = Outbound::default()
            .resolve(Transport::Tcp, "[::1]", 1)
            .await;
        assert_eq!(found, Ok(vec![address("[::1]:1")]));
        let error = Outbound::default()
            .resolve(Transport::Tcp, "no-such-name.invalid", 1)
            .await;
        assert!(
            error
                .unwrap_err()
                .starts_with("resolve no-such-name.invalid")
        );
    }
}
