//! The API of a real node on an empty store: who gets in, and how refusals look.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use countersign_keyring::RootKey;
use countersign_service::{Node, NodeOptions};
use countersign_store::{Options, Store};
use countersign_web::catalogue::{Guard, operations};
use countersign_web::server::Peer;
use countersign_web::{api, health};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

struct World {
    node: Arc<Node>,
    _folder: TempDir,
}

#[cfg(test)]
impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name| folder.path().join(name);
        let options = Options::new(path("store.db"), path("state.json"), "node", "0");
        let root = Arc::new(RootKey::generate().unwrap());
        let store = Store::open(&options, root).unwrap();
        let node = Node::start(NodeOptions::new(store, "node")).unwrap();
        node.set_running();
        Self {
            node,
            _folder: folder,
        }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let peer = Peer {
            source: [192, 0, 2, 7].into(),
            certificate_sha256: None,
        };
        let mut request = Request::post(path).extension(peer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(
            api::router(Arc::clone(&self.node)),
            request.body(body.into()).unwrap(),
        )
        .await
    }

    async fn read(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        ask(api::router(Arc::clone(&self.node)), request).await
    }

    async fn look(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        ask(health::router(Arc::clone(&self.node)), request).await
    }
}

struct Answer {
    status: u16,
    kind: String,
    text: String,
}

#[cfg(test)]
impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn is_problem(&self, status: u16) -> bool {
        self.status == status
            && self.kind == "application/problem+json"
            && self.json()["status"] == status
            && self.json()["request_id"].is_string()
    }

    fn is_status(&self, code: i64) -> bool {
        self.status == 200 && self.kind == "application/json" && self.json()["status_code"] == code
    }
}

async fn ask(router: Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.oneshot(request).await;
    let status = response.status().as_u16();
    let kind = kind_of(&response);
    let bytes = response
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    Answer {
        status,
        kind,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn kind_of(response: &Response<Body>) -> String {
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    kind.unwrap_or_default().to_owned()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const TOKEN: (&str, &str) = (
    "authorization",
    "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
);

#[tokio::test]
async fn no_command_of_administrators_runs_without_credentials() {
    let world = World::new();
    let guarded: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.guard == Guard::Session)
        .collect();
    assert!(guarded.len() > 50);
    for operation in guarded {
        for headers in [
            &[JSON][..],
            &[JSON, ("cookie", "__Host-countersign=x")],
            &[JSON, ("authorization", "Basic YTpi")],
        ] {
            let answer = world.post(&operation.path, headers, "{}").await;
            assert!(
                answer.is_problem(401),
                "{}: {}",
                operation.path,
                answer.text
            );
        }
        let answer = world.post(&operation.path, &[JSON, TOKEN], "{}").await;
        assert!(
            answer.is_status(1039),
            "{}: {}",
            operation.path,
            answer.text
        );
    }
}

#[tokio::test]
async fn who_is_nobody_is_told_so_before_his_body_is_read() {
    let world = World::new();
    let large = vec![b'a'; 2 << 20];
    let answer = world
        .post("/v1/admin/user/view", &[JSON], large.clone())
        .await;
    assert!(answer.is_problem(401), "{}", answer.text);
    let answer = world.post("/v1/admin/import/pskc", &[], large).await;
    assert!(answer.is_problem(401), "{}", answer.text);
}

#[tokio::test]
async fn a_component_must_be_stated_and_admitted() {
    let world = World::new();
    let answer = world
        .post(
            "/v1/auth/authenticate",
            &[JSON],
            r#"{"user":"anna","password":"x"}"#,
        )
        .await;
    assert!(answer.is_status(-102), "{}", answer.text);
    let body = r#"{"component":"portal","user":"anna","password":"x"}"#;
    let answer = world.post("/v1/auth/authenticate", &[JSON], body).await;
    assert!(answer.is_problem(403), "{}", answer.text);
    let body = r#"{"user":"anna","password":"x"}"#;
    let answer = world.post("/v1/admin/session/logon", &[JSON], body).await;
    assert!(answer.is_problem(403), "{}", answer.text);
}

#[tokio::test]
async fn what_is_no_request_is_a_problem() {
    let world = World::new();
    let path = "/v1/auth/authenticate";
    assert!(
        world
            .post("/v1/auth/nonsense", &[JSON], "{}")
            .await
            .is_problem(404)
    );
    assert!(
        world
            .post("/v1/auth/%ff", &[JSON], "{}")
            .await
            .is_problem(404)
    );
    assert!(
        world
            .post("/v1/nonsense", &[JSON], "{}")
            .await
            .is_problem(404)
    );
    assert!(
        world
            .post("/v1/openapi.json", &[JSON], "{}")
            .await
            .is_problem(405)
    );
    assert!(world.post(path, &[JSON], "{").await.is_problem(400));
    assert!(world.post(path, &[JSON], "[]").await.is_problem(400));
    assert!(
        world
            .post(path, &[JSON], r#"{"user":1,"user":2}"#)
            .await
            .is_problem(400)
    );
    assert!(
        world
            .post("/v1/auth/authenticate?user=a", &[JSON], "{}")
            .await
            .is_problem(400)
    );
    assert!(world.post(path, &[], "{}").await.is_problem(415));
    assert!(
        world
            .post(path, &[JSON], vec![b' '; (1 << 20) + 1])
            .await
            .is_problem(413)
    );
    let twice = [
        JSON,
        ("countersign-component-key", "a"),
        ("countersign-component-key", "b"),
    ];
    assert!(world.post(path, &twice, "{}").await.is_problem(400));
}

#[tokio::test]
async fn health_follows_the_node() {
    let world = World::new();
    let answer = world.look("/health").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, r#"{"status":"ready","state":"serving","reasons":[]}"#)
    );
    assert!(world.look("/metrics").await.text.contains("# TYPE"));
    world.node.stop_accepting();
    let answer = world.look("/health").await;
    assert_eq!(answer.status, 503);
    assert!(
        !answer.json()["reasons"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "{}",
        answer.text
    );
    let body = r#"{"component":"portal","user":"anna","password":"x"}"#;
    assert!(
        world
            .post("/v1/auth/authenticate", &[JSON], body)
            .await
            .is_problem(503)
    );
}

#[tokio::test]
async fn anybody_may_read_the_public_keys() {
    let world = World::new();
    let answer = world.read("/v1/auth/jwks").await;
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (200, "application/jwk-set+json")
    );
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    let curves: Vec<_> = keys
        .iter()
        .map(|key| key["crv"].as_str().unwrap())
        .collect();
    assert_eq!(curves, ["P-256", "X25519"]);
    for key in &keys {
        assert_eq!(
            (&key["use"], &key["alg"]),
            (&"enc".into(), &"ECDH-ES+A256KW".into())
        );
        assert!(key["d"].is_null() && key["kid"].is_string() && key["x"].is_string());
        assert_eq!(key["y"].is_string(), key["crv"] == "P-256");
    }
    let wrong = world.post("/v1/auth/jwks", &[JSON], "{}").await;
    assert!(wrong.is_problem(405), "{}", wrong.text);
}
