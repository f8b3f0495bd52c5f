//! Where a directory listens, and how a protected connection to it comes about.

use super::connection::{Connection, Stream, in_time};
use super::fault::Fault;
use super::wire::Request;
use crate::back_end::{Target, trust};
use crate::outbound::{Outbound, Transport, dial};
use countersign_engine::model::{Directory, Profile, Protocol, Tls};
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// A place where a directory listens.
#[derive(Debug)]
pub(super) struct Endpoint {
    host: String,
    port: u16,
    tls: Tls,
    ca: Option<String>,
    outbound: Outbound,
    /// What it trusts, made when it is first needed: it also remembers sessions.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Endpoint {
    /// That of a record.
    ///
    /// # Errors
    /// The record would send passwords of a Windows domain readable.
    pub(super) fn of(target: &Target, own: &Directory) -> Result<Self, Fault> {
        let windows = own.profile == Profile::Ad
            || matches!(
                target.record.protocol,
                Protocol::ActiveDirectory(_) | Protocol::Windows(_)
            );
        if own.tls == Tls::None && windows {
            return Err(Fault::new(
                "connect",
                "the record has no tls; a directory of Windows is asked over ldaps or starttls alone",
            ));
        }
        let usual = if own.tls == Tls::Ldaps { 636 } else { 389 };
        let port = target.record.port.unwrap_or(usual);
        Ok(Self::new(target, &target.record.address, port, own))
    }

    /// That of the record's global catalog, if it has one.
    pub(super) fn of_catalog(target: &Target, own: &Directory) -> Option<Self> {
        let text = own
            .global_catalog
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())?;
        let usual = if own.tls == Tls::Ldaps { 3269 } else { 3268 };
        let (host, port) = split(text);
        Some(Self::new(target, host, port.unwrap_or(usual), own))
    }

    fn new(target: &Target, host: &str, port: u16, own: &Directory) -> Self {
        Self {
            host: host.trim().to_owned(),
            port,
            tls: own.tls,
            ca: own.ca.clone(),
            outbound: target.outbound.clone(),
            config: OnceLock::new(),
        }
    }

    /// Whether it was made under these rules for connections.
    pub(super) fn obeys(&self, outbound: &Outbound) -> bool {
        self.outbound == *outbound
    }

    /// Host and port, as a record names them.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Its addresses.
    pub(super) async fn resolve(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Fault> {
        let found = self.outbound.resolve(Transport::Tcp, &self.host, self.port);
        let found = in_time("resolve", deadline, found).await?;
        found.map_err(|why| Fault::new("resolve", why))
    }

    /// A connection without protection yet.
    pub(super) async fn dial(
        &self,
        to: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, Fault> {
        let dialled = in_time("connect", deadline, dial(to)).await?;
        dialled.map_err(|why| Fault::new("connect", why))
    }

    /// Protects a connection as the record says, and tells how.
    pub(super) async fn protect(
        &self,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<(Connection, String), Fault> {
        let stream = match self.tls {
            Tls::None => {
                let told = "none: passwords cross the network readable".to_owned();
                return Ok((boxed(stream, deadline), told));
            }
            Tls::Ldaps => stream,
            Tls::StartTls => start_tls(stream, deadline).await?,
        };
        let name = trust::server_name(&self.host).map_err(|why| Fault::new("TLS", why))?;
        let connector = TlsConnector::from(self.config()?);
        let stream = in_time("TLS", deadline, connector.connect(name, stream))
            .await?
            .map_err(|error| Fault::new("TLS", error))?;
        let told = self.told(stream.get_ref().1.protocol_version());
        Ok((boxed(stream, deadline), told))
    }

    /// A protected connection.
    pub(super) async fn open(&self, deadline: Instant) -> Result<Connection, Fault> {
        let addresses = self.resolve(deadline).await?;
        let stream = self.dial(&addresses, deadline).await?;
        Ok(self.protect(stream, deadline).await?.0)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Fault> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config =
            trust::client(self.ca.as_deref(), None).map_err(|why| Fault::new("TLS", why))?;
        Ok(self.config.get_or_init(|| config).clone())
    }

    fn told(&self, version: Option<rustls::ProtocolVersion>) -> String {
        let version = match version {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let by = match self.ca {
            Some(_) => "the authorities of the record",
            None => "the authorities of the system",
        };
        format!("{version}, certificate verified for {} by {by}", self.host)
    }
}

fn boxed(stream: impl Stream + 'static, deadline: Instant) -> Connection {
    Connection::new(Box::new(stream), deadline)
}

async fn start_tls(stream: TcpStream, deadline: Instant) -> Result<TcpStream, Fault> {
    let mut plain = Connection::new(stream, deadline);
    let answer = plain.call("StartTLS", &Request::StartTls, &[]).await?;
    if !answer.outcome.is_success() {
        return Err(Fault::new("StartTLS", answer.outcome));
    }
    plain.into_stream()
}

/// Host and port of `host`, `host:port`, `[address]:port` or a bare IPv6 address.
fn split(text: &str) -> (&str, Option<u16>) {
    let bare = text.matches(':').count() > 1 && !text.contains(']');
    match text.rsplit_once(':') {
        Some((host, port)) if !bare => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_port_is_told_from_the_end_of_an_address() {
        for (text, expected) in [
            ("gc.example.test", ("gc.example.test", None)),
            ("gc.example.test:3268", ("gc.example.test", Some(3268))),
            ("2001:db8::1", ("2001:db8::1", None)),
            ("[2001:db8::1]", ("[2001:db8::1]", None)),
            ("[2001:db8::1]:3269", ("[2001:db8::1]", Some(3269))),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
