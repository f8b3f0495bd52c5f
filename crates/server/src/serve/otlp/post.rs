use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use std::str::FromStr;
use std::time::Duration;
use tokio::net::TcpStream;

/// A collector that does not answer within this time has failed.
const WITHIN: Duration = Duration::from_secs(10);

/// Where a collector takes spans.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    authority: String,
    path: String,
}

/// Plain HTTP only: the collector runs on the host or beside it, and speaks TLS to whoever is farther away.
impl FromStr for Endpoint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let uri: Uri = text
            .parse()
            .with_context(|| format!("read otlp.endpoint {text:?}"))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(
                "otlp.endpoint must be http://HOST:PORT/v1/traces, not {text:?}; for TLS let a collector beside the server pass the spans on"
            );
        };
        let port = authority.port_u16().unwrap_or(4318);
        let path = match uri.path() {
            "" | "/" => "/v1/traces",
            path => path,
        };
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            path: path.to_owned(),
        })
    }
}

impl Endpoint {
    /// Sends an encoded message.
    pub(super) async fn send(&self, message: Vec<u8>) -> Result<()> {
        tokio::time::timeout(WITHIN, self.post(message))
            .await
            .with_context(|| format!("wait for the collector {}", self.authority))?
    }

    async fn post(&self, message: Vec<u8>) -> Result<()> {
        let to = || format!("send spans to {}", self.authority);
        let stream = TcpStream::connect(&self.authority).await.with_context(to)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.with_context(to)?;
        let connection = tokio::spawn(connection);
        let request = Request::post(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(Bytes::from(message)))?;
        let response = sender.send_request(request).await.with_context(to)?;
        let status = response.status();
        let _ = response.into_body().collect().await; // what it says besides is not of interest
        connection.abort();
        if !status.is_success() {
            bail!("the collector {} answered {status}", self.authority);
        }
        Ok(())
    }
}
