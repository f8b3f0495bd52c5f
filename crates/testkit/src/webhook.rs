//! A web service that users are asked of: HTTPS, answers by a function of the test, and what came is kept.

use crate::authority::{Authority, Certificate};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::Sha256;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a request was answered with.
#[derive(Debug, Clone)]
pub enum Reply {
    /// 200 and this body.
    Json(Value),
    /// This status and no body.
    Status(u16),
    /// A redirect to another address.
    Redirect(String),
    /// 200 and bytes that are no JSON.
    Garbage,
    /// 200 and a body without end.
    Endless,
    /// Nothing; the connection stays open.
    Silence,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// Path and query.
    pub path: String,
    /// Header lines without the first, as sent.
    pub headers: Vec<String>,
    /// The body, null where it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// Whether a client certificate was shown that the authority signed.
    pub certified: bool,
}

impl Call {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Seconds since 1970 of a right signature over this body, by a key.
    pub fn signed_at(&self, key: &[u8]) -> Option<u64> {
        let (time, signature) = self.header("Countersign-Signature")?.split_once(',')?;
        let time = time.trim().strip_prefix("t=")?;
        let signature = HEXLOWER
            .decode(signature.trim().strip_prefix("v1=")?.as_bytes())
            .ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(&self.bytes);
        mac.verify_slice(&signature).ok()?;
        time.parse().ok()
    }
}

/// How a service decides.
type Answering = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

/// A running service.
pub struct Webhook {
    port: u16,
    authority: Authority,
    shared: Arc<Shared>,
}

struct Shared {
    answering: Mutex<Answering>,
    calls: Mutex<Vec<Call>>,
    ended: AtomicBool,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("port", &self.port).finish()
    }
}

impl Webhook {
    /// A service with such a certificate that answers by a function.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start(
        certificate: Certificate,
        answering: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::new();
        let config = Arc::new(config(&authority, certificate));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen on a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            answering: Mutex::new(Box::new(answering)),
            calls: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if own.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, config) = (Arc::clone(&own), Arc::clone(&config));
                if let Ok(stream) = stream {
                    thread::spawn(move || shared.serve(stream, config));
                }
            }
        });
        Self {
            port,
            authority,
            shared,
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that signed for it and whose client certificates it takes.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/ask", self.port)
    }

    /// Decides by another function from now on.
    pub fn answer(&self, answering: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *held(&self.shared.answering) = Box::new(answering);
    }

    /// What came so far.
    pub fn calls(&self) -> Vec<Call> {
        held(&self.shared.calls).clone()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)); // nobody waits there any more: as good
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        let Ok(connection) = ServerConnection::new(config) else {
            return;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60))); // without limit at worst
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        while let Some(call) = read(&mut stream) {
            held(&self.calls).push(call.clone());
            let reply = held(&self.answering)(&call);
            if self.write(stream.get_mut(), &reply).is_none() {
                return;
            }
        }
    }

    /// Whether the connection stays.
    fn write(&self, to: &mut impl Write, reply: &Reply) -> Option<()> {
        let text = match reply {
            Reply::Json(body) => {
                let body = body.to_string();
                let length = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
            Reply::Status(status) => {
                format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n")
            }
            Reply::Redirect(to) => {
                format!("HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
            }
            Reply::Garbage => {
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\u{1}{\"res\"".to_owned()
            }
            Reply::Endless => {
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"x\":\"".to_owned()
            }
            Reply::Silence => String::new(),
        };
        to.write_all(text.as_bytes()).ok()?;
        to.flush().ok()?;
        match reply {
            Reply::Endless => {
                while !self.ended.load(Ordering::Relaxed) {
                    to.write_all(&[b'x'; 4096]).ok()?;
                }
                None
            }
            Reply::Silence => {
                while !self.ended.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(50)); // being silent is what it is for
                }
                None
            }
            _ => Some(()),
        }
    }
}

fn read(from: &mut BufReader<StreamOwned<ServerConnection, TcpStream>>) -> Option<Call> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let certified = from.get_ref().conn.peer_certificates().is_some();
    let first = lines.first()?.clone();
    let mut call = Call {
        path: first.split_whitespace().nth(1)?.to_owned(),
        headers: lines.split_off(1),
        body: Value::Null,
        bytes: Vec::new(),
        certified,
    };
    let length = call.header("Content-Length").unwrap_or("0").parse().ok()?;
    call.bytes = vec![0; length];
    from.read_exact(&mut call.bytes).ok()?;
    call.body = serde_json::from_slice(&call.bytes).unwrap_or_default();
    Some(call)
}

fn config(authority: &Authority, certificate: Certificate) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("a certificate");
    roots.add(own).expect("an authority");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .expect("a verifier");
    let (pem, key) = authority.sign(&["localhost", "127.0.0.1"], certificate);
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .expect("a certificate with its key")
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curl;
    use serde_json::json;

    #[test]
    fn calls_are_kept_and_answered_by_the_function_of_the_moment() {
        let service = Webhook::start(Certificate::Good, |call| {
            Reply::Json(json!({"seen": call.body["user"]}))
        });
        let answer = curl::post(&service.url(), &json!({"user": "paul"}), &[]);
        assert_eq!((answer.http, &answer.body["seen"]), (200, &json!("paul")));
        service.answer(|_| Reply::Status(503));
        assert_eq!(curl::post(&service.url(), &json!({}), &[]).http, 503);
        let calls = service.calls();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].path, "/ask");
        assert_eq!(calls[0].signed_at(b"key"), None);

        // an example computed by another program
        let signature =
            "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        let call = Call {
            path: String::new(),
            headers: vec![format!("countersign-signature: {signature}")],
            body: Value::Null,
            bytes: b"{\"a\":1}".to_vec(),
            certified: false,
        };
        assert_eq!(call.signed_at(b"secret"), Some(1_700_000_000));
        assert_eq!(call.signed_at(b"another"), None);
    }
}
