//! A server on free ports with a small router, and clients that speak to it byte by byte.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::routing::{get, post};
use countersign_web::server::{Limits, Peer, Transport, serve};
use countersign_web::tls::{Certificates, self_signed};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Long enough for any step of a healthy server on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(transport: Transport, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(serve(vec![listener], transport, router(), limits, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop: Some(stop),
            running,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Rings the bell without waiting.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has ended after the bell.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }
}

fn router() -> Router {
    Router::new()
        .route(
            "/peer",
            get(async |Extension(peer): Extension<Peer>| format!("{peer:?}")),
        )
        .route(
            "/slow",
            get(async || {
                sleep(Duration::from_millis(300)).await;
                "done"
            }),
        )
        .route("/echo", post(async |request: Request| request.into_body()))
}

/// Certificate and key of a server or client in a folder of their own.
pub(crate) struct Files {
    folder: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self {
            folder: TempDir::new().unwrap(),
        };
        files.renew();
        files
    }

    pub(crate) fn renew(&self) {
        let made = self_signed(&["localhost".to_owned()]).unwrap();
        fs::write(self.path("crt"), &made.certificate_pem).unwrap();
        fs::write(self.path("key"), made.key_pem.as_bytes()).unwrap();
    }

    pub(crate) fn open(&self) -> Arc<Certificates> {
        Arc::new(Certificates::open(self.path("crt"), self.path("key")).unwrap())
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("crt")).unwrap()
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(self.path("key")).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What a client shows: a certificate, and a key to sign with that need not belong to it.
pub(crate) fn identity(certificate: &Files, key: &Files) -> Option<CertifiedKey> {
    let key = aws_lc_rs::sign::any_supported_type(&key.key()).unwrap();
    Some(CertifiedKey::new(vec![certificate.certificate()], key))
}

/// A TLS connection that speaks these protocols and shows this certificate.
pub(crate) async fn secure(
    stream: TcpStream,
    protocols: &[&[u8]],
    identity: Option<CertifiedKey>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Sends a request of HTTP/1.1 and reads to the end of the connection.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(&mut stream).await
}

/// Everything until the other side closes; a reset counts as the end.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .expect("the server closes in time");
    String::from_utf8_lossy(&text).into_owned()
}

/// A `GET` after which the server closes.
pub(crate) fn get_once(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            leaf,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            leaf,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
