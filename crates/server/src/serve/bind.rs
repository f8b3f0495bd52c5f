use crate::config::Config;
use crate::listen::radius::Socket;
use anyhow::{Context, Result, bail};
use countersign_service::outbound::{Listening, Transport};
use countersign_service::radius::Port;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// All sockets of a server, bound before anything is served.
pub(super) struct Bound {
    pub(super) http: Vec<TcpListener>,
    pub(super) health: Vec<TcpListener>,
    pub(super) radius: Vec<Socket>,
}

impl Bound {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let mut radius = Vec::new();
        if config
            .words("scenarios")
            .iter()
            .any(|word| word == "radius")
        {
            radius.extend(udp(config, "radius.listen", Port::Authentication)?);
            radius.extend(udp(config, "radius.accounting", Port::Accounting)?);
        }
        Ok(Self {
            http: tcp(config, "http.listen")?,
            health: tcp(config, "health.listen")?,
            radius,
        })
    }

    /// Where it listens.
    pub(super) fn listening(&self) -> Result<Vec<Listening>> {
        let at = |transport, address| Listening { transport, address };
        let mut all = Vec::new();
        for listener in self.http.iter().chain(&self.health) {
            let address = listener
                .local_addr()
                .context("read the address of a listener")?;
            all.push(at(Transport::Tcp, address));
        }
        all.extend(
            self.radius
                .iter()
                .map(|socket| at(Transport::Udp, socket.local())),
        );
        Ok(all)
    }
}

/// Where clients on this host reach a listener: loopback instead of "any address".
pub(super) fn reach(local: SocketAddr) -> SocketAddr {
    let ip = match local.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, local.port())
}

fn tcp(config: &Config, name: &str) -> Result<Vec<TcpListener>> {
    all(config, name, |address| {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    })
}

fn udp(config: &Config, name: &str, port: Port) -> Result<Vec<Socket>> {
    all(config, name, |address| Socket::bind(address, port))
}

/// Binds every address of a key. A host without IPv6 does without the default's IPv6 addresses; an address that
/// somebody wrote down must work.
fn all<T>(
    config: &Config,
    name: &str,
    bind: impl Fn(SocketAddr) -> std::io::Result<T>,
) -> Result<Vec<T>> {
    let mut bound = Vec::new();
    for address in config.addresses(name) {
        match bind(*address) {
            Ok(socket) => bound.push(socket),
            Err(error) if !config.is_explicit(name) && lacks_family(&error) => {
                tracing::warn!(
                    "this host has no address family for {address} ({name}); the server does without"
                );
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(error).with_context(|| format!("listen on {address} ({name}{}): another program uses the port; stop it, or choose another address", code(name)));
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("listen on {address} ({name}{})", code(name)));
            }
        }
    }
    if bound.is_empty() && !config.addresses(name).is_empty() {
        bail!("listen on any address of {name}{}", code(name));
    }
    Ok(bound)
}

fn code(name: &str) -> &'static str {
    if name.starts_with("radius.") {
        ", E-002004"
    } else {
        ""
    }
}

fn lacks_family(error: &std::io::Error) -> bool {
    let errno = error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    matches!(
        errno,
        Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL)
    )
}
