//! `/v1/auth/*`: from a JSON body to an attempt, and from its decision to the reply.

mod body;
mod envelope;
mod kept;
mod outcome;
mod table;

pub use table::{AuthCommand, COMMANDS};

pub(crate) use body::Body;
pub(crate) use outcome::{ended, refusal_delay};

use crate::detached::to_its_end;
use crate::node::Node;
use crate::proof::Proof;
use crate::reply::{Problem, Reply};
use countersign_engine::Status;
use countersign_engine::decision::Change;
use countersign_engine::model::Scenario;
use countersign_keyring::jwe::PublicJwk;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::sync::Arc;

/// Runs a command of `/v1/auth`.
///
/// # Errors
/// The command is unknown (404), the component is not admitted (403), its proof is missing (401), the node stops (503).
pub async fn run(
    node: &Arc<Node>,
    verb: &str,
    source: IpAddr,
    proof: Proof,
    fields: Map<String, Value>,
) -> Result<Reply, Problem> {
    let Some(command) = COMMANDS.iter().find(|command| command.verb == verb) else {
        return Err(Problem::new(
            404,
            "Not found",
            format!("There is no command auth/{verb}."),
        ));
    };
    if let Some(shut) = node.gate().shut(Scenario::Auth) {
        return shut.answer();
    }
    let whole = kept::Whole::of(node, command.via, &fields);
    let body = match Body::read(node, command.via, source, &proof, fields)? {
        Ok(body) => body,
        Err(unusable) => return Ok(unusable.answer(node).await),
    };
    let node = node.clone();
    to_its_end(async move {
        let _under_way = node.gate().enter();
        match whole {
            Some(whole) => once(&node, body, whole).await,
            None => {
                let mut logon = body.into_logon();
                let ended = logon.run(&node, |_, _| Ok(())).await;
                outcome::ended(&node, logon, ended).await
            }
        }
    })
    .await
}

/// A request with its own `request_id`: the same one within 30 s gets the stored answer (authentication.md 4.1).
async fn once(node: &Arc<Node>, body: Body, whole: kept::Whole) -> Reply {
    let component_type = body.component.kind.clone();
    let mut logon = body.into_logon();
    if let Some(reply) = kept::find(node, &component_type, &whole) {
        return reply;
    }
    let mut found = None;
    let ended = logon
        .run(node, |logon, decision| {
            found = kept::find(node, &component_type, &whole); // a second copy may have been faster
            if found.is_some() {
                return Err(Status::EXISTS);
            }
            let reply = outcome::reply(logon, decision);
            decision
                .changes
                .push(Change::KeepAnswer(Box::new(kept::answer(
                    &component_type,
                    &whole,
                    &reply,
                    logon.at,
                ))));
            Ok(())
        })
        .await;
    match found {
        Some(reply) => {
            logon.end_timing(node, reply.status.number().into());
            reply
        }
        None => outcome::ended(node, logon, ended).await,
    }
}

/// The keys that changes may be encrypted to, as a JWK set (RFC 7517): every key that is still accepted, the one to be
/// used from now on first.
pub fn jwks(node: &Node) -> Value {
    let keys = node.keyring().public_jwks();
    let keys: Vec<Value> = keys.iter().map(PublicJwk::to_json).collect();
    json!({ "keys": keys })
}

/// A request's identity as text: 32 hexadecimal digits.
pub(crate) fn id_text(id: &[u8; 16]) -> String {
    data_encoding::HEXLOWER.encode(id)
}
