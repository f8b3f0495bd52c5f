use super::*;
use crate::server::{Limits, Transport, serve};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http_body_util::BodyExt;
use serde_json::Value;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tower::ServiceExt;

async fn ask(method: &str, path: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    dress(reading()).oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn the_document_and_the_page_are_served() {
    let document = ask("GET", "/v1/openapi.json").await;
    assert_eq!(document.headers()[CONTENT_TYPE], "application/json");
    let document: Value = serde_json::from_str(&text(document).await).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for path in ["/docs", "/v1/docs"] {
        let page = ask("GET", path).await;
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = page.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.contains("style-src 'sha256-"), "{policy}");
        assert!(text(page).await.starts_with("<!doctype html>"));
    }
}

#[tokio::test]
async fn an_unknown_route_is_a_problem_with_all_headers() {
    let response = ask("GET", "/v2/nothing").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["status"], 404);
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let response = ask("DELETE", "/v1/openapi.json").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[ALLOW], "GET, HEAD");
}

#[test]
fn a_request_without_a_source_goes_nowhere() {
    assert_eq!(parts(Request::new(Body::empty())).err().unwrap().http, 500);
}

#[tokio::test]
async fn a_refusal_is_heard_although_the_body_was_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let router = dress(reading());
    let served = serve(
        vec![listener],
        Transport::Plain,
        router,
        Limits::default(),
        pending(),
    );
    let serving = tokio::spawn(served);
    let head = "POST /v2/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..100 {
        stream.write_all(&[b'a'; 10_000]).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    serving.abort();
}
