//! Client and server components.

mod change;
pub(super) mod location;
mod rules;

use super::Verb;
use super::domain::none;
use super::field::{QUERY, choice, flag, name, number, secret, text};
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Field, Kind, Query, Refusal, Stop, view};
use crate::model::{Charset, Component};
use std::sync::Arc;

const TYPE: Field = name(
    "type",
    60,
    "The type, such as radius_client or admin_program.",
)
.required();
const LOCATION: Field = name(
    "location",
    255,
    "Where its requests come from: an address, a CIDR range, a host name, or default.",
)
.required();
const NAS_ID: Field = text("nas_id", 253, "RADIUS: the NAS-Identifier or NAS-IP-Address that narrows the choice; absent: the plain record.").clearable();
const POLICY: Field = name("policy", 60, "The policy its requests are decided by.");
const ONE: &[Field] = &[TYPE, LOCATION, NAS_ID];
const EXAMPLE: &str = r#"{"type": "radius_client", "location": "192.0.2.1"}"#;

const ENABLED: Field = flag("enabled", "A disabled component counts as absent.");
const DESCRIPTION: Field = super::field::DESCRIPTION;
const SHARED_SECRET: Field = secret(
    "shared_secret",
    128,
    "RADIUS: the shared secret; null: none, so that its packets are dropped.",
)
.clearable();
const GENERATE_SECRET: Field = flag(
    "generate_secret",
    "RADIUS: makes a shared secret and answers it, this once.",
);
const CHARSET: Field = choice(
    "charset",
    Charset::WORDS,
    "RADIUS: the character set of names and passwords.",
);
const MESSAGE_AUTHENTICATOR: Field = flag(
    "require_message_authenticator",
    "RADIUS: refuses requests without Message-Authenticator; absent: true.",
);
const NOT_HANDLED: Field = choice(
    "not_handled",
    &["reject", "silent"],
    "RADIUS: the answer to requests that are not handled here.",
);
const STATUS_IN_REPLY: Field = flag(
    "status_in_reply",
    "RADIUS: appends the status number to Reply-Message.",
);
const REPLY_TEXTS: Field = Field::new(
    "reply_texts",
    Kind::Map {
        entries: 200,
        max: 253,
    },
    "RADIUS: Reply-Message by status number.",
)
.clearable();
const CHALLENGES: Field = flag(
    "challenges",
    "Whether the client can carry a challenge; absent: true.",
);
const TRUSTED_FORWARDER: Field = flag(
    "trusted_forwarder",
    "Whether it may state the address of its client.",
);
const RETURN_PASSWORD: Field = flag(
    "return_static_password",
    "Whether it gets the static password back.",
);
const GENERATE_API_KEY: Field = flag(
    "generate_api_key",
    "JSON: makes an API key and answers it, this once.",
);
const REMOVE_API_KEY: Field = flag("remove_api_key", "JSON: takes the API key away.");
const CERTIFICATE: Field = name(
    "client_certificate",
    95,
    "JSON: SHA-256 fingerprint of the client certificate, hexadecimal.",
)
.clearable();
const ADDRESS_ONLY: Field = flag("address_only", "JSON: admits it by its address alone.");
const RATE: Field = number(
    "rate_per_s",
    1,
    1_000_000,
    "RADIUS: most requests a second; null: no limit.",
)
.clearable();

macro_rules! all {
    ($policy:expr) => {
        &[
            TYPE,
            LOCATION,
            NAS_ID,
            $policy,
            ENABLED,
            DESCRIPTION,
            SHARED_SECRET,
            GENERATE_SECRET,
            CHARSET,
            MESSAGE_AUTHENTICATOR,
            NOT_HANDLED,
            STATUS_IN_REPLY,
            REPLY_TEXTS,
            CHALLENGES,
            TRUSTED_FORWARDER,
            RETURN_PASSWORD,
            GENERATE_API_KEY,
            REMOVE_API_KEY,
            CERTIFICATE,
            ADDRESS_ONLY,
            RATE,
        ]
    };
}

pub(super) const VERBS: &[Verb] = &[
    super::rules(
        "component",
        "create",
        "component.create",
        all!(POLICY.required()),
        "Registers a system that sends requests.",
        r#"{"type": "radius_client", "location": "192.0.2.1", "policy": "local", "generate_secret": true}"#,
        none,
        change::create,
    ),
    super::rules(
        "component",
        "view",
        "component.view",
        ONE,
        "Shows a component.",
        EXAMPLE,
        none,
        show,
    ),
    super::rules(
        "component",
        "update",
        "component.update",
        all!(POLICY),
        "Changes a component on all nodes.",
        r#"{"type": "radius_client", "location": "192.0.2.1", "status_in_reply": true}"#,
        none,
        change::update,
    ),
    super::rules(
        "component",
        "delete",
        "component.delete",
        ONE,
        "Removes a component.",
        EXAMPLE,
        none,
        change::delete,
    ),
    super::rules(
        "component",
        "query",
        "component.view",
        QUERY,
        "Lists components, with remarks on what weakens them.",
        r#"{"filter": {"type": "radius_client"}}"#,
        none,
        query,
    ),
    super::rules(
        "component",
        "set-policy",
        "component.update",
        &[TYPE, LOCATION, NAS_ID, POLICY.required()],
        "Puts a component on another policy.",
        r#"{"type": "radius_client", "location": "192.0.2.1", "policy": "local_only"}"#,
        none,
        change::set_policy,
    ),
];

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::component(found(context)?)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("component", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a Arc<Component>, Refusal> {
    let kind = context.fields.need("type")?;
    let location = location::read(context.fields.need("location")?)?;
    let nas_id = context.fields.text("nas_id").unwrap_or_default();
    let all = context.given.snapshot.components.all();
    let found = all
        .iter()
        .find(|one| one.kind == kind && one.location == location && one.nas_id == nas_id);
    found.ok_or_else(|| {
        Refusal::not_found(format_args!(
            "component {kind} at {}",
            view::location(&location)
        ))
    })
}
