//! The router of the JSON API: which path reaches which part of the service.

mod admin;
mod auth;
pub(crate) mod body;
pub(crate) mod caller;
mod documents;
mod json;
mod linger;
mod load;
mod query;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, Uri};
use axum::middleware;
use axum::routing::{get, post};
use countersign_service::Node;
use countersign_service::reply::{Problem, Reply};

use crate::server::Peer;
use crate::{envelope, headers, problem};
use load::Load;

/// The API of a node: `/v1/auth/…`, `/v1/admin/…`, `/v1/openapi.json` and `/docs`.
///
/// Requests must come through [`crate::server::serve`], which tells their source.
pub fn router(node: Arc<Node>) -> Router {
    let api = Arc::new(Api {
        node,
        load: Load::default(),
    });
    let commands = Router::new()
        .route("/v1/auth/{verb}", post(auth::command))
        .route("/v1/admin/session/logon", post(admin::logon))
        .route("/v1/admin/{object}/{verb}", post(admin::command))
        .method_not_allowed_fallback(async || problem::wrong_method("POST"))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            load::limit,
        ))
        .with_state(Arc::clone(&api));
    let keys = Router::new()
        .route("/v1/auth/jwks", get(documents::jwks))
        .method_not_allowed_fallback(async || problem::wrong_method("GET, HEAD"))
        .with_state(api);
    dress(commands.merge(keys).merge(reading()))
}

/// The documents, which need no node.
fn reading() -> Router {
    Router::new()
        .route("/v1/openapi.json", get(documents::openapi))
        .route("/v1/docs", get(documents::page))
        .route("/docs", get(documents::page))
        .method_not_allowed_fallback(async || problem::wrong_method("GET, HEAD"))
}

/// Gives a router what every answer has: problems for unknown routes, the protecting headers, and the patience to be heard.
fn dress(router: Router) -> Router {
    router
        .fallback(unknown)
        .layer(middleware::from_fn(linger::linger))
        .layer(middleware::from_fn(headers::protect))
}

async fn unknown() -> Response<Body> {
    problem::answer(&problem::problem(
        404,
        "There is no such route; /docs lists all.",
    ))
}

/// What the handlers share.
struct Api {
    node: Arc<Node>,
    load: Load,
}

/// Why a request brought no reply of the command itself.
enum Refusal {
    /// It was not carried out as a command.
    Problem(Problem),
    /// It was refused before the command was looked at.
    Reply(Reply),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The HTTP answer to whatever came out.
fn answer(outcome: Result<Reply, Refusal>) -> Response<Body> {
    match outcome {
        Ok(reply) | Err(Refusal::Reply(reply)) => envelope::answer(&reply),
        Err(Refusal::Problem(problem)) => problem::answer(&problem),
    }
}

/// A request taken apart, with the peer that the server found out.
struct Parts {
    peer: Peer,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
}

/// Takes a request apart.
///
/// # Errors
/// 500 if no server told the peer: without a source nobody is admitted.
fn parts(request: Request) -> Result<Parts, Problem> {
    let (head, body) = request.into_parts();
    let Some(peer) = head.extensions.get::<Peer>().cloned() else {
        return Err(problem::problem(
            500,
            "The source of the request is unknown.",
        ));
    };
    Ok(Parts {
        peer,
        headers: head.headers,
        uri: head.uri,
        body,
    })
}

#[cfg(test)]
mod tests;
