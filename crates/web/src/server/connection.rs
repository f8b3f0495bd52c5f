//! One connection from its handshake to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{Limits, Peer, Shared, Transport, stopped};
use crate::tls::Certificates;

/// Bytes of a request head; larger ones are refused (431).
const HEAD_BYTES: usize = 32 << 10;

/// Header fields of a request.
const HEADERS: usize = 64;

/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 64;

/// Interval at which a silent HTTP/2 peer is asked whether it lives.
const PING: Duration = Duration::from_secs(20);

/// HTTP versions, settled before the first byte of HTTP: nothing is guessed from what a client sends.
#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

/// Serves one accepted connection to its end.
pub(super) async fn run(stream: TcpStream, from: SocketAddr, shared: &Shared) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its small packets back");
    }
    match &shared.transport {
        Transport::Plain => drive(stream, Version::Http1, Peer::new(from, None), shared).await,
        Transport::Tls(certificates) => secure(stream, from, certificates, shared).await,
    }
}

async fn secure(stream: TcpStream, from: SocketAddr, certificates: &Certificates, shared: &Shared) {
    let handshake = TlsAcceptor::from(certificates.current()).accept(stream);
    let stream = match timeout(shared.limits.handshake, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%from, %error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!(%from, "a TLS handshake took too long"),
    };
    let (_, session) = stream.get_ref();
    let version = match session.alpn_protocol() {
        Some(b"h2") => Version::Http2,
        _ => Version::Http1,
    };
    let peer = Peer::new(from, session.peer_certificates());
    drive(stream, version, peer, shared).await;
}

async fn drive<S>(stream: S, version: Version, peer: Peer, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let used = Arc::new(Use::default());
    let end = Arc::new(End {
        peer,
        router: shared.router.clone(),
        used: Arc::clone(&used),
    });
    let service = service_fn(move |request| answer(request, Arc::clone(&end)));
    let builder = builder(version, &shared.limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return ended.unwrap_or_else(|error| report(&*error)),
        () = used.ends(shared.limits.idle) => {}
        () = stopped(&shared.stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => ended.unwrap_or_else(|error| report(&*error)),
        () = used.lapses(shared.limits.grace) => {}
    }
}

fn report(error: &(dyn std::error::Error + 'static)) {
    tracing::debug!(error, "a connection broke off");
}

fn builder(version: Version, limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.header)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32);
    match version {
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_only(),
    }
}

/// What the requests of one connection share.
struct End {
    peer: Peer,
    router: Router,
    used: Arc<Use>,
}

async fn answer(request: Request<Incoming>, end: Arc<End>) -> Result<Response<Body>, Infallible> {
    let _running = end.used.begin();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(end.peer.clone());
    end.router.clone().oneshot(request).await
}

/// How a connection is used: requests begun, requests ended.
#[derive(Default)]
struct Use {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// One request in work.
struct Running<'a>(&'a Use);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Use {
    fn begin(&self) -> Running<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }

    /// Completes when nothing ran for between one and two idle times.
    async fn ends(&self, idle: Duration) {
        let mut ticks = interval(idle);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut before = None;
        loop {
            ticks.tick().await;
            let ended = self.ended.load(Ordering::Relaxed);
            let quiet = self.begun.load(Ordering::Relaxed) == ended;
            if quiet && before == Some(ended) {
                return;
            }
            before = Some(ended);
        }
    }

    /// Completes when a whole grace period has passed with nothing in work at its end.
    async fn lapses(&self, grace: Duration) {
        loop {
            sleep(grace).await;
            if self.begun.load(Ordering::Relaxed) == self.ended.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    const IDLE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn an_unused_connection_ends_and_a_used_one_does_not() {
        let used = Use::default();
        let start = Instant::now();
        used.ends(IDLE).await;
        assert!(start.elapsed() >= IDLE);
        let running = used.begin();
        assert!(timeout(IDLE * 5, used.ends(IDLE)).await.is_err());
        drop(running);
        assert!(timeout(IDLE * 50, used.ends(IDLE)).await.is_ok());
    }

    #[tokio::test]
    async fn a_request_in_work_outlives_the_grace() {
        let used = Use::default();
        let running = used.begin();
        assert!(timeout(IDLE * 5, used.lapses(IDLE)).await.is_err());
        drop(running);
        assert!(timeout(IDLE * 50, used.lapses(IDLE)).await.is_ok());
    }
}
