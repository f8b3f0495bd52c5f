//! Administrative sessions.

use super::domain::none;
use super::field::{DOMAIN, QUERY, USER, name, secret};
use super::{Run, Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::record::Event;
use crate::admin::{Field, Fields, Query, Refusal, Stop, Write, view};
use crate::audit::Code;
use crate::model::SessionKey;
use crate::snapshot::Snapshot;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::{Map, json};

const LOGON: &[Field] = &[
    USER,
    DOMAIN,
    secret("password", 255, "Everything concatenated in one field."),
    secret("static_password", 1024, "The static password alone."),
    secret("otp", 16, "The one-time password alone."),
    secret("pin", 8, "The server PIN alone."),
    secret("new_pin", 8, "A new server PIN."),
    secret("confirm_new_pin", 8, "The new server PIN again."),
    name(
        "challenge_key",
        64,
        "The key of the challenge that is answered.",
    ),
    secret("response", 255, "The answer to the challenge."),
    name(
        "component",
        60,
        "The type of the component; absent: admin_program.",
    ),
    name(
        "request_id",
        64,
        "Identity of the request, for the answer and the audit.",
    ),
];

pub(super) const VERBS: &[Verb] = &[
    Verb {
        object: "session",
        verb: "logon",
        privilege: "",
        doc: "Logs an administrator on and answers the token of the session, this once.",
        own: LOGON,
        attributes: false,
        example: r#"{"user": "admin", "password": "..."}"#,
        run: Run::Logon,
    },
    rules(
        "session",
        "logoff",
        "",
        &[],
        "Ends the caller's session.",
        "{}",
        none,
        logoff,
    ),
    rules(
        "session",
        "alive",
        "",
        &[],
        "Tells whether the session lives and keeps it from falling idle.",
        "{}",
        none,
        alive,
    ),
    rules(
        "session",
        "list",
        "session.view",
        QUERY,
        "Lists the sessions.",
        r#"{"filter": {"user": "admin"}}"#,
        none,
        list,
    ),
    rules(
        "session",
        "stop",
        "session.stop",
        &[name("id", 64, "The session, as the list names it.").required()],
        "Ends a session.",
        r#"{"id": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
        one,
        stop,
    ),
];

fn one(fields: &Fields, _: &Snapshot) -> Needs {
    Needs {
        sessions: fields.text("id").and_then(key).into_iter().collect(),
        ..Needs::none()
    }
}

fn logoff(context: &Context<'_>) -> Result<Outcome, Stop> {
    let session = context
        .caller
        .session
        .ok_or_else(|| Refusal::contradiction("the command came by no session"))?;
    Ok(Outcome::default()
        .write(Write::RemoveSession(session))
        .event(Event::new(Code::ADMIN_LOGGED_OFF, &context.caller.id)))
}

fn alive(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut result = Map::new();
    result.insert("user".to_owned(), json!(context.caller.id));
    result.insert("domain".to_owned(), json!(context.caller.domain));
    result.insert("privileges".to_owned(), json!(context.caller.privileges));
    Ok(Outcome::answer(result))
}

fn list(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("session", context.fields)?))
}

fn stop(context: &Context<'_>) -> Result<Outcome, Stop> {
    let id = context.fields.need("id")?;
    let key = key(id).ok_or_else(|| Refusal::invalid("id", "64 hexadecimal digits"))?;
    if !context
        .given
        .facts
        .sessions
        .iter()
        .any(|session| session.key == key)
    {
        return Err(Refusal::not_found("the session").into());
    }
    let ended =
        Event::new(Code::SESSION_ENDED, &view::session_id(key)).with(json!({"reason": "stopped"}));
    Ok(Outcome::default()
        .write(Write::RemoveSession(key))
        .event(ended))
}

fn key(id: &str) -> Option<SessionKey> {
    let bytes = HEXLOWER_PERMISSIVE.decode(id.as_bytes()).ok()?;
    bytes.try_into().ok().map(SessionKey)
}
