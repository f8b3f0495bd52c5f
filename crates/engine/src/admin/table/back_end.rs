//! Back-ends: what this server asks about users (administration.md 2.5).

mod address;
mod change;
mod dn;
mod filter;
mod own;
mod pem;
mod rules;

use super::domain::none;
use super::field::{QUERY, choice, flag, name, number, secret};
use super::{Verb, rules as row};
use crate::Secret;
use crate::admin::decide::{Action, BackEndTest, Context, Outcome};
use crate::admin::{Field, Kind, Query, Refusal, Stop, view};
use crate::model::{BackEnd, Charset, PROTOCOL_WORDS, PasswordProtocol, Profile, RealmRule, Tls};
use std::sync::Arc;

pub(super) use dn::{is_attribute, is_dn};
pub(super) use filter::is_filter;

const NAME: Field = name("name", 80, "The name of the back-end.").required();
// Neither required nor refused where it is null: the rules answer 1090.
pub(super) const PROTOCOL: Field = choice(
    "protocol",
    &PROTOCOL_WORDS,
    "How it is asked; mandatory, and never changed afterwards.",
)
.clearable();
const ONE: &[Field] = &[NAME];
const EXAMPLE: &str = r#"{"name": "dc1"}"#;

const ALL: &[Field] = &[
    NAME,
    PROTOCOL,
    name(
        "domain",
        255,
        "The domain whose users it knows; null: everybody's, asked after those of the domain.",
    )
    .clearable(),
    number(
        "priority",
        1,
        1000,
        "Higher ones are asked first; absent: 100.",
    ),
    name(
        "group",
        80,
        "Adds it to this group as the last member; null: takes it out of all groups.",
    )
    .clearable(),
    flag("enabled", "A disabled back-end counts as absent."),
    name(
        "address",
        1024,
        "Host name or address of the server; of a webhook the URL.",
    )
    .clearable(),
    name("url", 1024, "webhook: the URL, https only; the same as address."),
    number("port", 1, 65_535, "The port; null: the usual one.").clearable(),
    number(
        "timeout_s",
        1,
        999,
        "Seconds one try may take; absent: 3.",
    ),
    number("retries", 0, 9, "Further tries at the server; absent: 1."),
    secret(
        "shared_secret",
        128,
        "radius: the shared secret; mandatory.",
    ),
    flag(
        "generate_secret",
        "radius, webhook: makes the shared secret or the HMAC key and answers it, this once.",
    ),
    name(
        "accounting_address",
        253,
        "radius: where Accounting-Requests are relayed to; null: nowhere.",
    )
    .clearable(),
    number(
        "accounting_port",
        1,
        65_535,
        "radius: the port of accounting; null: 1813.",
    )
    .clearable(),
    choice(
        "charset",
        Charset::WORDS,
        "radius: the character set of names and passwords.",
    ),
    choice(
        "realm_rule",
        RealmRule::WORDS,
        "radius: how the realm is put to the user ID: not at all, REALM\\user, or user@REALM.",
    ),
    name(
        "realm",
        255,
        "radius: the realm; null: the name of the domain.",
    )
    .clearable(),
    choice(
        "password_protocol",
        PasswordProtocol::WORDS,
        "radius: how a password that this server knows is sent; absent: pap.",
    ),
    flag(
        "require_message_authenticator",
        "radius: refuses answers without Message-Authenticator; absent: true.",
    ),
    name(
        "base_dn",
        1024,
        "Directory: where users are searched. windows: null for no access by LDAP.",
    )
    .clearable(),
    name(
        "bind_dn",
        1024,
        "Directory: the account that searches; null: anonymous.",
    )
    .clearable(),
    secret(
        "bind_password",
        256,
        "Directory: the password of bind_dn.",
    )
    .clearable(),
    choice(
        "tls",
        Tls::WORDS,
        "Directory: how the connection is protected; none is for ldap only. Absent: ldaps.",
    ),
    Field::new(
        "ca",
        Kind::Pem { max: pem::MOST_BYTES },
        "Directory, webhook: certificates that may have issued the server's one, in PEM; null: those of the system.",
    )
    .clearable(),
    name(
        "user_filter",
        filter::MOST_CHARACTERS,
        "Directory: a further condition on users, an RFC 4515 filter.",
    )
    .clearable(),
    name(
        "user_id_attribute",
        64,
        "Directory: the attribute that holds the user ID; null: that of the profile.",
    )
    .clearable(),
    name(
        "object_class",
        64,
        "Directory: the object class of users; null: that of the profile.",
    )
    .clearable(),
    name(
        "global_catalog",
        259,
        "active_directory: address and optional port of a global catalog.",
    )
    .clearable(),
    choice(
        "profile",
        Profile::WORDS,
        "Directory: the product whose attributes and rules it follows; absent: ad for Active Directory, else openldap.",
    ),
    name(
        "netbios_domain",
        15,
        "windows: the NetBIOS name of the domain; null: the one that winbind has joined.",
    )
    .clearable(),
    name(
        "helper",
        255,
        "windows: the path of the program ntlm_auth; null: the one in the search path.",
    )
    .clearable(),
    secret(
        "hmac_key",
        256,
        "webhook: the key that signs requests, at least 16 characters; mandatory.",
    ),
    Field::new(
        "client_certificate",
        Kind::Pem { max: pem::MOST_BYTES },
        "webhook: the certificate that this server shows, with its chain, in PEM; null: none.",
    )
    .clearable(),
    secret(
        "client_key",
        16_384,
        "webhook: the private key of client_certificate, in PEM.",
    )
    .clearable(),
    Field::new(
        "attribute_map",
        Kind::Map {
            entries: 4,
            max: 64,
        },
        "Directory, webhook: which attributes fill name, phone, mobile and email; empty: not taken over, absent: the usual one.",
    )
    .clearable(),
];

const TEST: &[Field] = &[
    NAME,
    name("user", 255, "A user ID that it should know."),
    name(
        "domain",
        255,
        "The domain of the user; absent: that of the record, or the master domain.",
    ),
    secret(
        "password",
        128,
        "His password; a wrong one counts as a failure there.",
    ),
    Field::new(
        "groups",
        Kind::List {
            items: 100,
            max: 1024,
        },
        "Groups of which he should be in one.",
    ),
];

pub(super) const VERBS: &[Verb] = &[
    row(
        "backend",
        "create",
        "backend.create",
        ALL,
        "Makes a back-end record.",
        r#"{"name": "dc1", "protocol": "active_directory", "domain": "example.org", "address": "dc1.example.org", "base_dn": "dc=example,dc=org", "bind_dn": "countersign@example.org", "bind_password": "a long one"}"#,
        none,
        change::create,
    ),
    row(
        "backend",
        "view",
        "backend.view",
        ONE,
        "Shows a back-end record, and how the server is as this node sees it.",
        EXAMPLE,
        none,
        show,
    ),
    row(
        "backend",
        "update",
        "backend.update",
        ALL,
        "Changes a back-end record on all nodes.",
        r#"{"name": "dc1", "priority": 200, "timeout_s": 5}"#,
        none,
        change::update,
    ),
    row(
        "backend",
        "delete",
        "backend.delete",
        ONE,
        "Removes a back-end record that nothing names.",
        EXAMPLE,
        none,
        change::delete,
    ),
    row(
        "backend",
        "query",
        "backend.view",
        QUERY,
        "Lists back-end records.",
        r#"{"filter": {"protocol": "radius"}}"#,
        none,
        query,
    ),
    row(
        "backend",
        "test",
        "backend.update",
        TEST,
        "Tests a back-end step by step, with a user and his password where they are given; nothing of them is kept.",
        r#"{"name": "dc1", "user": "alice"}"#,
        none,
        test,
    ),
];

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let record = found(context)?;
    let shown = view::back_end(record, context.given.snapshot);
    Ok(Outcome {
        action: Some(Action::BackEndHealth(record.key)),
        ..Outcome::answer(shown)
    })
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("backend", context.fields)?))
}

fn test(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (record, fields) = (found(context)?, context.fields);
    let password = fields.secret("password");
    if password.is_some_and(Secret::is_empty) {
        return Err(Refusal::invalid("password", "not empty").into());
    }
    let groups = fields.list("groups").unwrap_or_default();
    if !fields.has("user") && (password.is_some() || !groups.is_empty()) {
        return Err(Refusal::contradiction("password and groups are those of a user").into());
    }
    let domain = fields.has("domain").then(|| context.domain("domain"));
    let test = BackEndTest {
        server: record.key,
        domain: domain.transpose()?.map(|domain| domain.key),
        user: fields.text("user").map(str::to_owned),
        password: password.cloned(),
        groups: groups.to_vec(),
    };
    Ok(Outcome::action(Action::BackEnd(Box::new(test))))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a Arc<BackEnd>, Refusal> {
    named(context, context.fields.need("name")?)
}

/// The back-end of this name.
///
/// # Errors
/// -13.
pub(super) fn named<'a>(context: &Context<'a>, name: &str) -> Result<&'a Arc<BackEnd>, Refusal> {
    let found = context.given.snapshot.back_ends.named(name);
    found.ok_or_else(|| Refusal::not_found(format_args!("back-end {name}")))
}

/// 1090.
pub(super) fn protocol_missing() -> Refusal {
    Refusal::new(
        crate::Status::MISSING_BACKEND_PROTOCOL,
        format!(
            "protocol is missing; it is one of {}",
            PROTOCOL_WORDS.join(", ")
        ),
    )
}
