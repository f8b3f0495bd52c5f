//! `/v1/auth/VERB`: what components ask about users.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use countersign_service::auth::{self, AuthCommand};
use countersign_service::proof::Proof;
use countersign_service::reply::{Problem, Reply};
use serde_json::{Map, Value};

use super::{Api, Refusal, answer, body, caller, parts, query, unknown};
use crate::problem::problem;

/// Runs one of [`auth::COMMANDS`].
pub(super) async fn command(
    State(api): State<Arc<Api>>,
    verb: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    match verb {
        Ok(Path(verb)) => answer(run(&api, &verb, request).await),
        Err(_) => unknown().await,
    }
}

async fn run(api: &Api, verb: &str, request: Request) -> Result<Reply, Refusal> {
    let Opened {
        command,
        source,
        proof,
        fields,
    } = open(verb, request).await?;
    Ok(auth::run(&api.node, command.verb, source, proof, fields).await?)
}

/// A request as the service takes it.
#[derive(Debug)]
struct Opened {
    command: &'static AuthCommand,
    source: IpAddr,
    proof: Proof,
    fields: Map<String, Value>,
}

async fn open(verb: &str, request: Request) -> Result<Opened, Problem> {
    let command = auth::COMMANDS.iter().find(|command| command.verb == verb);
    let command =
        command.ok_or_else(|| problem(404, "There is no such command; /docs lists all."))?;
    let parts = parts(request)?;
    query::refuse(&parts.uri)?;
    let proof = caller::proof(&parts.headers, &parts.peer)?;
    let fields = body::read(&parts.headers, parts.body).await?;
    Ok(Opened {
        command,
        source: parts.peer.source,
        proof,
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Peer;
    use axum::http::request::Builder;

    fn post(path: &str) -> Builder {
        let peer = Peer {
            source: [192, 0, 2, 7].into(),
            certificate_sha256: Some("ab".into()),
        };
        Request::post(path)
            .header("content-type", "application/json")
            .extension(peer)
    }

    async fn refused(verb: &str, request: Builder, body: &str) -> u16 {
        open(verb, request.body(Body::from(body.to_owned())).unwrap())
            .await
            .unwrap_err()
            .http
    }

    #[tokio::test]
    async fn a_request_is_opened_with_its_source_and_proof() {
        let request = post("/v1/auth/authenticate").header("countersign-component-key", "k");
        let body = Body::from(r#"{"user":"anna"}"#);
        let opened = open("authenticate", request.body(body).unwrap())
            .await
            .unwrap();
        assert_eq!(opened.command.verb, "authenticate");
        assert_eq!(opened.source, IpAddr::from([192, 0, 2, 7]));
        assert_eq!(opened.proof.key.as_deref(), Some("k"));
        assert_eq!(opened.proof.certificate_sha256.as_deref(), Some("ab"));
        assert_eq!(opened.fields["user"], "anna");
    }

    #[tokio::test]
    async fn what_is_no_command_is_a_problem() {
        let path = "/v1/auth/authenticate";
        assert_eq!(
            refused("nonsense", post("/v1/auth/nonsense"), "{}").await,
            404
        );
        assert_eq!(
            refused("authenticate", post("/v1/auth/authenticate?user=a"), "{}").await,
            400
        );
        assert_eq!(refused("authenticate", post(path), "{").await, 400);
        assert_eq!(refused("authenticate", post(path), "[]").await, 400);
        assert_eq!(
            refused("authenticate", post(path), r#"{"a":1,"a":2}"#).await,
            400
        );
        let large = format!(r#"{{"user":"{}"}}"#, "a".repeat(1 << 20));
        assert_eq!(refused("authenticate", post(path), &large).await, 413);
        let text = post(path).header("content-type", "text/plain");
        assert_eq!(refused("authenticate", text, "{}").await, 415);
        let nowhere = Request::post(path).header("content-type", "application/json");
        assert_eq!(refused("authenticate", nowhere, "{}").await, 500);
    }
}
