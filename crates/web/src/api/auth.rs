//! `/v1/auth/VERB`: what components ask about users.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use countersign_service::auth;
use countersign_service::reply::Reply;

use super::{Api, Refusal, answer, body, caller, parts, query};
use crate::problem::problem;

/// Runs one of [`auth::COMMANDS`].
pub(super) async fn command(
    State(api): State<Arc<Api>>,
    Path(verb): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(run(&api, &verb, request).await)
}

async fn run(api: &Api, verb: &str, request: Request) -> Result<Reply, Refusal> {
    let Some(command) = auth::COMMANDS.iter().find(|command| command.verb == verb) else {
        return Err(problem(404, "There is no such command; /docs lists all.").into());
    };
    let parts = parts(request)?;
    query::refuse(&parts.uri)?;
    let proof = caller::proof(&parts.headers, &parts.peer)?;
    let fields = body::read(&parts.headers, parts.body).await?;
    Ok(auth::run(&api.node, command.verb, parts.peer.source, proof, fields).await?)
}
