use crate::logon::{Ended, Logon};
use crate::metrics::status_number;
use crate::node::Node;
use crate::reply::Reply;
use crate::timing::Stage;
use countersign_engine::Status;
use countersign_engine::decision::{Asked, Decision, Grant, Verdict};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The reply to an attempt that ended; a refusal under generic codes waits for the floor first.
pub(crate) async fn ended(node: &Arc<Node>, mut logon: Logon, ended: Ended) -> Reply {
    match ended {
        Ended::Failed(status) => {
            logon.end_timing(node, status.number().into());
            Reply::bare(status, request_id(&logon))
        }
        Ended::Decided(decision) => {
            if let Some(delay) = refusal_delay(node, &logon, &decision) {
                logon.timer.enter(Stage::Hold);
                tokio::time::sleep_until((logon.arrived + delay).into()).await;
                logon.timer.leave();
            }
            logon.timer.enter(Stage::Reply);
            let reply = reply(&logon, &decision);
            logon.end_timing(node, status_number(&decision));
            reply
        }
    }
}

/// How long after its arrival a refusal may leave at the earliest.
pub(crate) fn refusal_delay(node: &Node, logon: &Logon, decision: &Decision) -> Option<Duration> {
    if !matches!(decision.verdict, Verdict::Refuse { .. }) {
        return None;
    }
    let settings = &node.snapshot().settings;
    let floor = if decision.generic {
        settings.refusal_floor_ms
    } else {
        0
    };
    let watch = settings.number("watch.delay_ms");
    let struck = watch > 0
        && crate::watch::places(logon)
            .iter()
            .any(|place| node.watch().has_struck(place, logon.at));
    let delay = floor.max(if struck { watch } else { 0 });
    u64::try_from(delay)
        .ok()
        .filter(|delay| *delay > 0)
        .map(Duration::from_millis)
}

/// The reply to a decision.
pub(super) fn reply(logon: &Logon, decision: &Decision) -> Reply {
    let id = request_id(logon);
    match &decision.verdict {
        Verdict::Accept(grant) => accepted(logon, grant, id),
        Verdict::Challenge(asked) => {
            let mut reply = Reply::bare(asked.status, id);
            add_challenge(&mut reply, asked);
            reply.set("user", Some(asked.user.as_str()));
            reply.set("domain", Some(asked.domain.as_str()));
            reply.set("serial", asked.serial.as_deref());
            reply
        }
        Verdict::Refuse { .. } if decision.generic => Reply::bare(Status::INVCREDENTIALS, id),
        Verdict::Refuse { status, detail, .. } => {
            Reply::with(*status, detail.as_deref().unwrap_or(status.message()), id)
        }
    }
}

fn accepted(logon: &Logon, grant: &Grant, id: String) -> Reply {
    let mut reply = Reply::bare(Status::SUCCESS, id);
    if let Some(asked) = &grant.challenge {
        add_challenge(&mut reply, asked);
        return reply;
    }
    reply.set("user", Some(grant.user.as_str()));
    reply.set("domain", Some(grant.domain.as_str()));
    reply.set("org_unit", grant.org_unit.as_deref());
    reply.set("serial", grant.serial.as_deref());
    reply.set("application", grant.application.as_deref());
    reply.set("host_code", grant.host_code.as_deref());
    reply.set(
        "password_expires_at",
        grant
            .password_expires_at
            .map(countersign_engine::time::Timestamp::rfc3339),
    );
    if logon.component.return_static_password {
        let password = grant
            .static_password
            .as_ref()
            .map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
        reply.set("static_password", password);
    }
    if !logon.attribute_groups.is_empty() {
        reply.set("attributes", Some(attributes(logon, grant)));
    }
    reply.warnings.clone_from(&grant.warnings);
    reply
}

fn attributes(logon: &Logon, grant: &Grant) -> Vec<Value> {
    let wanted = grant
        .attributes
        .iter()
        .filter(|(group, ..)| logon.attribute_groups.contains(group));
    wanted.map(|(group, name, usage, value)| json!({"group": group, "name": name, "usage": usage, "value": value})).collect()
}

fn add_challenge(reply: &mut Reply, asked: &Asked) {
    reply.set("challenge", asked.challenge.as_deref());
    reply.set("challenge_key", Some(BASE64URL_NOPAD.encode(&asked.key.0)));
    reply.set("challenge_message", Some(asked.message.as_str()));
}

fn request_id(logon: &Logon) -> String {
    logon
        .request_id
        .clone()
        .unwrap_or_else(|| super::id_text(&logon.id))
}
