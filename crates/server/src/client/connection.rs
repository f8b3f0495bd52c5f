use super::answer::Answer;
use super::body::Upload;
use super::login::Endpoint;
use super::trust;
use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT: Duration = Duration::from_secs(10);
/// An import of a large file takes its time.
const ANSWER: Duration = Duration::from_secs(3600);
/// Largest answer that is read.
const ANSWER_BYTES: usize = 1 << 30;

/// One connection to a server, made when it is needed and kept.
pub(super) struct Wire {
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
    open: Option<SendRequest<Upload>>,
}

impl Wire {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self> {
        let (host, port) = split(&endpoint.url)?;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .with_context(|| format!("use the server name {host}"))?;
        Ok(Self {
            tls: trust::connector(&endpoint.trusted)?,
            host,
            port,
            name,
            open: None,
        })
    }

    /// The `Host` header.
    pub(super) fn host(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) async fn send(&mut self, request: Request<Upload>) -> Result<Answer> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender
            .ready()
            .await
            .context("keep the connection to the server")?;
        let response = timeout(ANSWER, sender.send_request(request))
            .await
            .context("wait for the answer of the server")?;
        let response = response.with_context(|| format!("send the request to {}", self.host()))?;
        let http = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body =
            body.map_err(|error| anyhow::anyhow!("read the answer of {}: {error}", self.host()))?;
        self.open = Some(sender);
        Ok(Answer {
            http,
            body: body.to_bytes().into(),
        })
    }

    async fn connect(&self) -> Result<SendRequest<Upload>> {
        let target = (self.host.trim_matches(['[', ']']), self.port);
        let tcp = timeout(CONNECT, TcpStream::connect(target))
            .await
            .with_context(|| format!("connect to {}: no answer", self.host()))?;
        let tcp =
            tcp.with_context(|| format!("connect to {}; is the server running?", self.host()))?;
        tcp.set_nodelay(true).context("set up the connection")?;
        let tls = timeout(CONNECT, self.tls.connect(self.name.clone(), tcp))
            .await
            .with_context(|| format!("agree on TLS with {}: no answer", self.host()))?;
        let tls = tls.with_context(|| {
            format!(
                "trust the certificate of {}; name the right one by --ca FILE",
                self.host()
            )
        })?;
        let (sender, connection) = handshake(TokioIo::new(tls)).await.context("begin HTTP")?;
        tokio::spawn(connection); // its failure shows at the request that waits for it
        Ok(sender)
    }
}

/// Host and port of an `https` URL.
fn split(url: &str) -> Result<(String, u16)> {
    let Some(rest) = url.strip_prefix("https://") else {
        bail!("use the server {url}: it must begin with https://")
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (
            host,
            port.parse()
                .with_context(|| format!("read the port of {url}"))?,
        ),
        _ => (authority, 8888),
    };
    if host.is_empty() || host.contains('@') {
        bail!("use the server {url}: it names no host");
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_and_port() {
        for (url, host, port) in [
            ("https://a.example", "a.example", 8888),
            ("https://127.0.0.1:1/x", "127.0.0.1", 1),
            ("https://[::1]:9", "[::1]", 9),
            ("https://[::1]", "[::1]", 8888),
        ] {
            assert_eq!(split(url).unwrap(), (host.to_owned(), port), "{url}");
        }
        for url in ["http://a", "a:1", "https://", "https://u@h", "https://a:x"] {
            assert!(split(url).is_err(), "{url}");
        }
    }
}
