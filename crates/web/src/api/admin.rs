//! `/v1/admin/OBJECT/VERB`: every administrative command, by one route.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use countersign_service::admin;
use countersign_service::reply::Reply;
use countersign_service::session::{self, Caller};

use super::{Api, Parts, Refusal, answer, body, caller, parts, query, unknown};

/// Object whose commands also take the file itself as the body.
pub(super) const IMPORT: &str = "import";

/// Runs a command for its caller.
pub(super) async fn command(
    State(api): State<Arc<Api>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response<Body> {
    match path {
        Ok(Path((object, verb))) => answer(run(&api, &object, &verb, request).await),
        Err(_) => unknown().await,
    }
}

/// Starts a session; the one command that needs no caller.
pub(super) async fn logon(State(api): State<Arc<Api>>, request: Request) -> Response<Body> {
    answer(begin(&api, request).await)
}

async fn run(api: &Api, object: &str, verb: &str, request: Request) -> Result<Reply, Refusal> {
    let parts = parts(request)?;
    // Before the body is read: who is nobody cannot make the server hold a file.
    let caller = caller::caller(&api.node, &parts.headers, parts.peer.source).await?;
    if object == IMPORT && !body::is_json(&parts.headers) {
        return import(api, caller, verb, parts).await;
    }
    query::refuse(&parts.uri)?;
    let fields = body::read(&parts.headers, parts.body).await?;
    Ok(admin::execute(&api.node, caller, object, verb, fields).await?)
}

/// An import whose body is the file and whose options stand in the query string (spec/administration.md 10).
async fn import(api: &Api, caller: Caller, verb: &str, parts: Parts) -> Result<Reply, Refusal> {
    let options = query::options(verb, &parts.uri)?;
    let limit = api.node.snapshot().settings.number("import.max_bytes");
    let _room = api.load.import()?;
    let mut file = body::receive(&parts.headers, parts.body, limit.try_into().unwrap_or(0)).await?;
    Ok(admin::import(&api.node, caller, verb, options, std::mem::take(&mut *file)).await?)
}

async fn begin(api: &Api, request: Request) -> Result<Reply, Refusal> {
    let parts = parts(request)?;
    query::refuse(&parts.uri)?;
    let proof = caller::proof(&parts.headers, &parts.peer)?;
    let fields = body::read(&parts.headers, parts.body).await?;
    Ok(session::logon(&api.node, parts.peer.source, proof, fields).await?)
}
