//! One signed POST over HTTPS: no redirect is followed, no proxy asked, and no more read than an answer may have.

use super::Service;
use crate::back_end::{Step, Target, step, trust};
use bytes::Bytes;
use countersign_engine::Secret;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Most octets of an answer (administration.md 16).
const MOST: usize = 64 * 1024;
const SIGNATURE: &str = "Countersign-Signature";
const HTTPS: u16 = 443;

/// Where a service is: a URL taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
    /// Host and port as the Host header has them.
    authority: String,
    /// Path and query.
    path: String,
}

impl Address {
    /// Reads the URL of a record; its port comes second to that of the record.
    pub(super) fn read(url: &str, port: Option<u16>) -> Result<Self, String> {
        let odd = |why: &str| {
            format!("the address of the record {why}; it must be like https://host/path")
        };
        let uri: Uri = url.trim().parse().map_err(|_| odd("is no URL"))?;
        if uri.scheme_str() != Some("https") {
            return Err(odd("does not begin with https://"));
        }
        let named = uri.authority().ok_or_else(|| odd("names no host"))?;
        if named.as_str().contains('@') || named.host().is_empty() {
            return Err(odd("holds an account or no host"));
        }
        let port = port.or(named.port_u16()).unwrap_or(HTTPS);
        let host = named.host().to_owned();
        let authority = match port {
            HTTPS => host.clone(),
            other => format!("{host}:{other}"),
        };
        let path = uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        Ok(Self {
            host,
            port,
            authority,
            path,
        })
    }
}

impl Service {
    /// Sends a body and reads the answer's.
    pub(super) async fn call(&self, target: &Target, body: &[u8]) -> Result<Vec<u8>, String> {
        let stream = target
            .outbound
            .connect(&self.address.host, self.address.port)
            .await?;
        let stream = self.protect(stream).await?;
        self.post(stream, target.secret("hmac_key"), body).await
    }

    async fn protect(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let name = trust::server_name(&self.address.host)?;
        TlsConnector::from(self.tls.clone())
            .connect(name, stream)
            .await
            .map_err(|error| format!("TLS: {error}"))
    }

    async fn post(
        &self,
        stream: TlsStream<TcpStream>,
        key: Option<&Secret>,
        body: &[u8],
    ) -> Result<Vec<u8>, String> {
        let http = |error: hyper::Error| format!("HTTP: {error}");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(http)?;
        let mut driver = JoinSet::new(); // which ends the connection with this call, whatever the service does
        driver.spawn(connection);
        let response = sender
            .send_request(self.request(key, body)?)
            .await
            .map_err(http)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!(
                "HTTP: the service redirects ({status}), which is not followed"
            ));
        }
        if status != StatusCode::OK {
            return Err(format!(
                "HTTP: the service answered {status} instead of 200"
            ));
        }
        let whole = Limited::new(response.into_body(), MOST).collect().await;
        let whole = whole.map_err(|error| {
            format!("HTTP: the answer is not whole or over {MOST} bytes: {error}")
        })?;
        Ok(whole.to_bytes().to_vec())
    }

    fn request(&self, key: Option<&Secret>, body: &[u8]) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::post(&self.address.path)
            .header(HOST, &self.address.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(CONNECTION, "close")
            .header(
                USER_AGENT,
                concat!("countersign/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(key) = key {
            request = request.header(SIGNATURE, signature(key, now(), body)?);
        }
        request
            .body(Full::new(Bytes::copy_from_slice(body)))
            .map_err(|error| format!("HTTP: {error}"))
    }

    /// The steps up to a protected connection; the failed one if there is one.
    pub(super) async fn try_out(&self, target: &Target, steps: &mut Vec<Step>) -> Result<(), Step> {
        let transport = crate::outbound::Transport::Tcp;
        let found = target
            .outbound
            .resolve(transport, &self.address.host, self.address.port)
            .await
            .map_err(|why| step("resolve", Err(why)))?;
        let told = found.iter().map(ToString::to_string).collect::<Vec<_>>();
        steps.push(step("resolve", Ok(told.join(", "))));
        let stream = crate::outbound::dial(&found)
            .await
            .map_err(|why| step("connect", Err(why)))?;
        let peer = stream.peer_addr().map(|peer| peer.to_string());
        steps.push(step("connect", Ok(peer.unwrap_or_default())));
        let stream = self
            .protect(stream)
            .await
            .map_err(|why| step("TLS", Err(why)))?;
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().and_then(|it| it.as_str());
        let version = version
            .unwrap_or_default()
            .replace('v', " ")
            .replace('_', ".");
        steps.push(step(
            "TLS",
            Ok(format!(
                "{version}, certificate verified for {}",
                self.address.host
            )),
        ));
        Ok(())
    }
}

/// `t=UNIX,v1=HEX`: HMAC-SHA-256 over time, a dot and the body.
fn signature(key: &Secret, unix: u64, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose())
        .map_err(|_| "the hmac_key of the record cannot be used".to_owned())?;
    mac.update(unix.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(format!(
        "t={unix},v1={}",
        HEXLOWER.encode(&mac.finalize().into_bytes())
    ))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_another_program_computes() {
        let key = Secret::new(b"secret".to_vec());
        assert_eq!(
            signature(&key, 1_700_000_000, b"{\"a\":1}").unwrap(),
            "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
    }

    #[test]
    fn only_https_urls_are_addresses() {
        let read = |url: &str| {
            let found = Address::read(url, None)?;
            Ok::<_, String>((found.host, found.port, found.authority, found.path))
        };
        let is = |host: &str, port, authority: &str, path: &str| {
            Ok((host.to_owned(), port, authority.to_owned(), path.to_owned()))
        };
        assert_eq!(
            read("https://hook.example.test"),
            is("hook.example.test", 443, "hook.example.test", "/")
        );
        assert_eq!(
            read("https://127.0.0.1:8443/ask?x=1"),
            is("127.0.0.1", 8443, "127.0.0.1:8443", "/ask?x=1")
        );
        assert_eq!(read("https://[::1]/a"), is("[::1]", 443, "[::1]", "/a"));
        let ported = Address::read("https://a:1/", Some(2)).unwrap();
        assert_eq!((ported.port, ported.authority.as_str()), (2, "a:2"));
        for odd in [
            "",
            "http://a/",
            "a",
            "/ask",
            "https://",
            "https://user@a/",
            "ftp://a/",
            "https://a b/",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
