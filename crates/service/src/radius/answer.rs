use super::front::{Pending, Port};
use crate::logon::Logon;
use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::decision::{Asked, Decision, Grant, Verdict};
use countersign_engine::model::{Component, NotHandled};
use countersign_engine::policy::Effective;
use countersign_engine::status::Packet as Answer;
use countersign_radius::mschap::{MppeKeys, NtHash, error_text, error_value, mppe_keys};
use countersign_radius::{
    Code, Credentials, Dictionary, Overflow, Packet, Reply, SharedSecret, credentials, kind,
};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Prompt (RFC 2869 5.10): what the user types is not to be shown.
const NO_ECHO: u32 = 0;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::built_in);

/// When an answer may leave: refusals under generic codes wait for the floor, and the watch may delay refusals.
pub(super) fn due(node: &Node, logon: &Logon, decision: &Decision) -> Option<Instant> {
    if !matches!(decision.verdict, Verdict::Refuse { .. }) {
        return None;
    }
    crate::auth::refusal_delay(node, logon, decision).map(|delay: Duration| logon.arrived + delay)
}

/// The signed answer to a decided request, or none where the client is to ask the next server.
pub(super) fn packet(
    request: &Packet<'_>,
    pending: &Pending,
    logon: &Logon,
    decision: &Decision,
) -> Option<Vec<u8>> {
    let made = match &decision.verdict {
        Verdict::Accept(grant) => accept(request, pending, logon, decision, grant),
        Verdict::Challenge(asked) if pending.component.challenges => {
            challenge(request, &pending.component, asked)
        }
        Verdict::Challenge(asked) => reject(request, pending, asked.status, Some(&asked.message)),
        Verdict::Refuse {
            status, identified, ..
        } => {
            let client = if decision.generic {
                Status::INVCREDENTIALS
            } else {
                *status
            };
            if is_silent(client, &pending.component, *identified) {
                return None;
            }
            reject(request, pending, client, None)
        }
    };
    match made {
        Ok(reply) => Some(reply.sign(&pending.secret)),
        Err(overflow) => {
            tracing::warn!(%overflow, component = pending.component.key.0, "an answer does not fit into a RADIUS packet; a bare rejection is sent instead");
            Some(
                Reply::new(Code::AccessReject, request)
                    .ok()?
                    .sign(&pending.secret),
            )
        }
    }
}

/// The answer to Status-Server (RFC 5997).
pub(super) fn status_server(
    request: &Packet<'_>,
    secret: &SharedSecret,
    port: Port,
) -> Option<Vec<u8>> {
    let code = match port {
        Port::Authentication => Code::AccessAccept,
        Port::Accounting => Code::AccountingResponse,
    };
    Some(Reply::new(code, request).ok()?.sign(secret))
}

fn is_silent(status: Status, component: &Component, identified: bool) -> bool {
    match status.packet() {
        Answer::Silence => true,
        Answer::RejectUnlessSilent => component.not_handled == NotHandled::Silent,
        Answer::RejectOnceIdentified => !identified,
        Answer::Accept | Answer::Challenge | Answer::Reject => false,
    }
}

fn accept(
    request: &Packet<'_>,
    pending: &Pending,
    logon: &Logon,
    decision: &Decision,
    grant: &Grant,
) -> Result<Reply, Overflow> {
    let mut reply = Reply::new(Code::AccessAccept, request)?;
    if let Some(policy) = &decision.policy {
        add_user_attributes(&mut reply, policy, grant)?;
    }
    reply.add_passed_on(&grant.back_end_attributes)?;
    if let Some(keys) = &grant.back_end_keys {
        let mut salts = salts().into_iter().cycle();
        let salt = move || salts.next().unwrap_or_default();
        reply.add_passed_on_keys(keys.expose(), salt, &pending.secret)?;
    }
    if let Some(matched) = &grant.matched {
        add_keys(&mut reply, request, &pending.secret, matched.expose())?;
    }
    reply.add(kind::CLASS, &logon.id)?;
    if let Some(text) = pending.component.reply_texts.get(&0) {
        reply.add_text(kind::REPLY_MESSAGE, text)?;
    }
    if let Some(end) = grant.password_expires_at {
        reply.add_text(
            kind::REPLY_MESSAGE,
            &format!("Your password expires on {}.", end.day()),
        )?;
    }
    Ok(reply)
}

fn add_user_attributes(
    reply: &mut Reply,
    policy: &Effective,
    grant: &Grant,
) -> Result<(), Overflow> {
    if !policy.reply_attributes {
        return Ok(());
    }
    let wanted = |group: &str| {
        policy
            .reply_attribute_groups
            .iter()
            .any(|wanted| wanted == group)
    };
    for (group, name, usage, value) in &grant.attributes {
        if usage != "reply" || !wanted(group) {
            continue;
        }
        match DICTIONARY.encode(name, value) {
            Ok(attribute) => reply.add_encoded(&attribute)?,
            Err(error) => {
                tracing::warn!(attribute = name, %error, "a user attribute cannot be sent and is left out");
            }
        }
    }
    Ok(())
}

/// MS-CHAP2-Success and MPPE keys, made from the plaintext that matched (RFC 2548, RFC 3079).
fn add_keys(
    reply: &mut Reply,
    request: &Packet<'_>,
    secret: &SharedSecret,
    plain: &[u8],
) -> Result<(), Overflow> {
    let Ok(plain) = std::str::from_utf8(plain) else {
        return Ok(());
    };
    match credentials(request, secret) {
        Ok(Credentials::MsChapV2(proof)) => {
            let hash = NtHash::of(plain);
            reply.add_vendor(
                kind::MICROSOFT,
                kind::MS_CHAP2_SUCCESS,
                &proof.success_value(&hash),
            )?;
            let MppeKeys { send, receive } = proof.keys(&hash);
            let [send_salt, receive_salt] = salts();
            reply.add_mppe_key(kind::MS_MPPE_SEND_KEY, &*send, send_salt, secret)?;
            reply.add_mppe_key(kind::MS_MPPE_RECV_KEY, &*receive, receive_salt, secret)
        }
        Ok(Credentials::MsChap(_)) => {
            let keys = mppe_keys(plain, request.authenticator(), secret);
            reply.add_vendor(kind::MICROSOFT, kind::MS_CHAP_MPPE_KEYS, &keys)
        }
        _ => Ok(()),
    }
}

/// Two different salts with the high bit set (RFC 2548 2.4.2).
fn salts() -> [[u8; 2]; 2] {
    let mut random = [0; 4];
    crate::secrets::fill(&mut random);
    let [a, b, c, d] = random;
    let (first, second) = ([a | 0x80, b], [c | 0x80, d]);
    if first == second {
        [first, [c | 0x80, d ^ 1]]
    } else {
        [first, second]
    }
}

fn challenge(
    request: &Packet<'_>,
    component: &Component,
    asked: &Asked,
) -> Result<Reply, Overflow> {
    let mut reply = Reply::new(Code::AccessChallenge, request)?;
    reply.add(kind::STATE, &asked.key.0)?;
    reply.add_text(
        kind::REPLY_MESSAGE,
        &with_status(component, asked.status, asked.message.clone()),
    )?;
    reply.add_integer(kind::PROMPT, NO_ECHO)?;
    reply.add_integer(
        kind::SESSION_TIMEOUT,
        u32::try_from(asked.max_age_s).unwrap_or(60),
    )?;
    Ok(reply)
}

fn reject(
    request: &Packet<'_>,
    pending: &Pending,
    status: Status,
    text: Option<&str>,
) -> Result<Reply, Overflow> {
    let mut reply = Reply::new(Code::AccessReject, request)?;
    let configured = pending
        .component
        .reply_texts
        .get(&status.number())
        .map(String::as_str);
    let text = text
        .or(configured)
        .unwrap_or(Status::INVCREDENTIALS.message());
    let text = with_status(&pending.component, status, text.to_owned());
    reply.add_text(kind::REPLY_MESSAGE, &text)?;
    if let Some(identifier) = mschap_identifier(request, &pending.secret) {
        let mut challenge = [0; 16];
        crate::secrets::fill(&mut challenge);
        let expired = status == Status::PASSWORD_EXPIRED || status == Status::BACKEND_PWD_EXPIRED;
        let error = error_text(if expired { 648 } else { 691 }, false, &challenge, "");
        reply.add_vendor(
            kind::MICROSOFT,
            kind::MS_CHAP_ERROR,
            &error_value(identifier, &error),
        )?;
    }
    Ok(reply)
}

fn mschap_identifier(request: &Packet<'_>, secret: &SharedSecret) -> Option<u8> {
    match credentials(request, secret).ok()? {
        Credentials::MsChap(proof) => Some(proof.identifier),
        Credentials::MsChapV2(proof) => Some(proof.identifier),
        _ => None,
    }
}

fn with_status(component: &Component, status: Status, text: String) -> String {
    if component.status_in_reply {
        format!("{text} ({})", status.number())
    } else {
        text
    }
}
