//! The server over real sockets: versions, certificates, limits, stop.

#[cfg(test)]
mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Files, PATIENCE, Server, exchange, get_once, identity, rest, secure};
use countersign_web::server::{Limits, Transport};
use data_encoding::HEXLOWER;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

const SHORT: Duration = Duration::from_millis(200);

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    HEXLOWER.encode(&Sha256::digest(certificate))
}

#[tokio::test]
async fn plain_http_answers_and_tells_the_source() {
    let server = Server::start(Transport::Plain, Limits::default()).await;
    let answer = exchange(server.connect().await, &get_once("/peer")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("source: 127.0.0.1"), "{answer}");
    assert!(answer.contains("certificate_sha256: None"), "{answer}");
}

#[tokio::test]
async fn headers_cannot_change_the_source() {
    let server = Server::start(Transport::Plain, Limits::default()).await;
    let request = "GET /peer HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\nforwarded: for=192.0.2.1\r\n\
                   x-real-ip: 192.0.2.1\r\nconnection: close\r\n\r\n";
    let answer = exchange(server.connect().await, request).await;
    assert!(answer.contains("source: 127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn https_speaks_http_1_1_without_a_client_certificate() {
    let files = Files::new();
    let server = Server::start(Transport::Tls(files.open()), Limits::default()).await;
    let stream = secure(server.connect().await, &[], None).await.unwrap();
    let answer = exchange(stream, &get_once("/peer")).await;
    assert!(answer.contains("certificate_sha256: None"), "{answer}");
}

#[tokio::test]
async fn https_speaks_http_2_where_the_client_offers_it() {
    let files = Files::new();
    let server = Server::start(Transport::Tls(files.open()), Limits::default()).await;
    let stream = secure(server.connect().await, &[b"h2", b"http/1.1"], None)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::post("https://localhost/echo")
            .body(Body::from("hello"))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
}

#[tokio::test]
async fn any_client_certificate_is_taken_and_its_fingerprint_told() {
    let (files, client) = (Files::new(), Files::new());
    let server = Server::start(Transport::Tls(files.open()), Limits::default()).await;
    let identity = identity(&client, &client);
    let stream = secure(server.connect().await, &[], identity).await.unwrap();
    let answer = exchange(stream, &get_once("/peer")).await;
    assert!(
        answer.contains(&fingerprint(&client.certificate())),
        "{answer}"
    );
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let (files, client, thief) = (Files::new(), Files::new(), Files::new());
    let server = Server::start(Transport::Tls(files.open()), Limits::default()).await;
    let identity = identity(&client, &thief);
    let answer = match secure(server.connect().await, &[], identity).await {
        // TLS 1.3 lets the client finish before the server has looked at its signature.
        Ok(stream) => exchange_quietly(stream, &get_once("/peer")).await,
        Err(_) => String::new(),
    };
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_without_restart() {
    let files = Files::new();
    let certificates = files.open();
    let server = Server::start(Transport::Tls(certificates.clone()), Limits::default()).await;
    for _ in 0..2 {
        let stream = secure(server.connect().await, &[], None).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0]
            .clone()
            .into_owned();
        assert_eq!(fingerprint(&shown), fingerprint(&files.certificate()));
        files.renew();
        certificates.reload().unwrap();
    }
}

#[tokio::test]
async fn a_silent_client_does_not_hold_a_handshake() {
    let files = Files::new();
    let limits = Limits {
        handshake: SHORT,
        ..Limits::default()
    };
    let server = Server::start(Transport::Tls(files.open()), limits).await;
    let mut stream = server.connect().await;
    let start = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(start.elapsed() >= SHORT);
}

#[tokio::test]
async fn plain_text_on_the_tls_port_is_no_request() {
    let files = Files::new();
    let server = Server::start(Transport::Tls(files.open()), Limits::default()).await;
    let answer = exchange(server.connect().await, &get_once("/peer")).await;
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_head_that_drips_without_end_is_cut_off() {
    let limits = Limits {
        header: SHORT,
        ..Limits::default()
    };
    let server = Server::start(Transport::Plain, limits).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /peer HTTP/1.1\r\nhost: x\r\nx: ")
        .await
        .unwrap();
    let start = Instant::now();
    while stream.write_all(b"a").await.is_ok() && !closed(&mut stream).await {
        assert!(start.elapsed() < PATIENCE, "the server waits for the head");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() >= SHORT);
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let files = Files::new();
    let limits = Limits {
        idle: SHORT,
        grace: SHORT,
        ..Limits::default()
    };
    let server = Server::start(Transport::Tls(files.open()), limits).await;
    let stream = secure(server.connect().await, &[b"h2"], None)
        .await
        .unwrap();
    let (_sender, connection) =
        http2::handshake::<_, _, Body>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    timeout(PATIENCE, connection)
        .await
        .expect("the server closes what is not used")
        .ok();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(Transport::Plain, Limits::default()).await;
    let request = format!(
        "GET /peer HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let mut stream = server.connect().await;
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = rest(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many: String = (0..200).map(|n| format!("x{n}: 1\r\n")).collect();
    let request = format!("GET /peer HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let answer = exchange(server.connect().await, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn connections_are_limited_and_wait_their_turn() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = Server::start(Transport::Plain, limits).await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let second = server.connect().await;
    let waiting = tokio::spawn(async { exchange(second, &get_once("/peer")).await });
    sleep(SHORT).await;
    assert!(!waiting.is_finished());
    drop(first);
    let answer = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_stop_lets_a_running_request_end_and_takes_no_new_one() {
    let mut server = Server::start(Transport::Plain, Limits::default()).await;
    let mut running = server.connect().await;
    running
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut idle = server.connect().await;
    sleep(Duration::from_millis(100)).await;
    server.stop();
    assert!(rest(&mut running).await.ends_with("done"));
    assert_eq!(rest(&mut idle).await, "");
    let address = server.address;
    server.ended().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_cuts_off_who_stays_beyond_the_grace() {
    let limits = Limits {
        grace: SHORT,
        ..Limits::default()
    };
    let mut server = Server::start(Transport::Plain, limits).await;
    let mut stuck = server.connect().await;
    stuck
        .write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    server.stop();
    let start = Instant::now();
    server.ended().await;
    assert!(start.elapsed() < PATIENCE / 2);
}

/// Whether the other side has closed, without waiting for it.
async fn closed(stream: &mut tokio::net::TcpStream) -> bool {
    let mut buffer = [0; 64];
    matches!(
        timeout(Duration::from_millis(1), stream.read(&mut buffer)).await,
        Ok(Ok(0) | Err(_))
    )
}

async fn exchange_quietly(
    mut stream: tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
    request: &str,
) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}
