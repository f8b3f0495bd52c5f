use super::{found, location, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::record::Event;
use crate::admin::{Fields, Put, Refusal, Stop, Value, Write, view};
use crate::audit::Code;
use crate::dice::Purpose;
use crate::model::{Charset, Component, ComponentKey, NotHandled};
use crate::snapshot::RADIUS_CLIENT;
use crate::{Secret, Status};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let mut component = plain(context)?;
    patch(context, &mut component)?;
    policy_exists(context, &component)?;
    stored(context, None, component)
}

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let old = found(context)?;
    let mut component = old.as_ref().clone();
    patch(context, &mut component)?;
    if context.fields.has("policy") {
        policy_exists(context, &component)?;
    }
    component.meta = touched(component.meta, context.given.at);
    stored(context, Some(old), component)
}

pub(super) fn set_policy(context: &Context<'_>) -> Result<Outcome, Stop> {
    let old = found(context)?;
    let mut component = old.as_ref().clone();
    context.fields.patch_text("policy", &mut component.policy);
    policy_exists(context, &component)?;
    component.meta = touched(component.meta, context.given.at);
    stored(context, Some(old), component)
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let component = found(context)?;
    let event = Event::new(Code::COMPONENT_CHANGED, &named(component))
        .with(json!({"change": "deleted", "old": view::component(component)}));
    Ok(Outcome::default()
        .write(Write::RemoveComponent(
            component.key,
            component.meta.revision,
        ))
        .event(event))
}

/// A new component with every default, unless there is one of its key.
fn plain(context: &Context<'_>) -> Result<Component, Refusal> {
    let fields = context.fields;
    let location = location::read(fields.need("location")?)?;
    let component = Component {
        key: ComponentKey(-1),
        kind: fields.need("type")?.to_owned(),
        location,
        nas_id: fields.text("nas_id").unwrap_or_default().to_owned(),
        policy: fields.need("policy")?.to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::default(),
        require_message_authenticator: true,
        not_handled: NotHandled::default(),
        status_in_reply: false,
        reply_texts: BTreeMap::new(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: fresh(context.given.at),
    };
    match found(context) {
        Err(_) => Ok(component),
        Ok(_) => Err(Refusal::exists(format_args!(
            "component {}",
            named(&component)
        ))),
    }
}

fn policy_exists(context: &Context<'_>, component: &Component) -> Result<(), Refusal> {
    let known = context.given.snapshot.policies.get(&component.policy);
    known
        .map(|_| ())
        .ok_or_else(|| Refusal::not_found(format_args!("policy {}", component.policy)))
}

fn patch(context: &Context<'_>, component: &mut Component) -> Result<(), Refusal> {
    let fields = context.fields;
    fields.patch_text("policy", &mut component.policy);
    fields.patch_text("description", &mut component.description);
    for (name, target) in [
        ("enabled", &mut component.enabled),
        (
            "require_message_authenticator",
            &mut component.require_message_authenticator,
        ),
        ("status_in_reply", &mut component.status_in_reply),
        ("challenges", &mut component.challenges),
        ("trusted_forwarder", &mut component.trusted_forwarder),
        (
            "return_static_password",
            &mut component.return_static_password,
        ),
        ("address_only", &mut component.address_only),
    ] {
        fields.patch_flag(name, target);
    }
    words(fields, component);
    fields.patch("rate_per_s", &mut component.rate_per_s, |fields| {
        fields
            .number("rate_per_s")
            .and_then(|n| u32::try_from(n).ok())
    });
    if fields.sent("client_certificate") {
        component.client_certificate = fields
            .text("client_certificate")
            .map(fingerprint)
            .transpose()?;
    }
    if fields.sent("reply_texts") {
        component.reply_texts = fields
            .json("reply_texts")
            .map(texts)
            .transpose()?
            .unwrap_or_default();
    }
    Ok(())
}

fn words(fields: &Fields, component: &mut Component) {
    if let Some(charset) = fields.text("charset").and_then(Charset::of) {
        component.charset = charset;
    }
    match fields.text("not_handled") {
        Some("reject") => component.not_handled = NotHandled::Reject,
        Some("silent") => component.not_handled = NotHandled::Silent,
        _ => {}
    }
}

/// Hexadecimal with or without colons.
fn fingerprint(text: &str) -> Result<String, Refusal> {
    let bytes = HEXLOWER_PERMISSIVE
        .decode(text.replace(':', "").as_bytes())
        .ok()
        .filter(|bytes| bytes.len() == 32);
    bytes
        .map(|bytes| HEXLOWER.encode(&bytes))
        .ok_or_else(|| Refusal::invalid("client_certificate", "64 hexadecimal digits"))
}

fn texts(json: &Json) -> Result<BTreeMap<i16, String>, Refusal> {
    let entries = json.as_object().into_iter().flatten();
    let read = entries.map(|(number, text)| {
        let status = number.parse().ok().and_then(Status::from_number);
        let status = status
            .ok_or_else(|| Refusal::invalid("reply_texts", "texts by numbers of status codes"))?;
        Ok((
            status.number(),
            text.as_str().unwrap_or_default().to_owned(),
        ))
    });
    read.collect()
}

/// What a command does to the two secrets of a component, and what it tells of them, this once.
#[derive(Default)]
struct Secrets {
    writes: Vec<(&'static str, Option<Secret>)>,
    told: Vec<(&'static str, String)>,
}

fn secrets(context: &Context<'_>, component: &mut Component) -> Result<Secrets, Refusal> {
    let fields = context.fields;
    let mut secrets = Secrets::default();
    if fields.flag("generate_secret") == Some(true) {
        if fields.has("shared_secret") {
            return Err(Refusal::contradiction(
                "shared_secret and generate_secret exclude each other",
            ));
        }
        let secret = BASE64URL_NOPAD.encode(&context.given.dice.bytes::<24>(Purpose::Key));
        secrets
            .writes
            .push(("shared_secret", Some(Secret::new(secret.as_bytes()))));
        secrets.told.push(("shared_secret", secret));
    } else if let Some(value) = fields.value("shared_secret") {
        let secret = fields
            .secret("shared_secret")
            .filter(|secret| !secret.is_empty());
        if *value != Value::Null && secret.is_none() {
            return Err(Refusal::invalid("shared_secret", "not empty, or null"));
        }
        secrets.writes.push(("shared_secret", secret.cloned()));
    }
    if fields.flag("generate_api_key") == Some(true) {
        let key = BASE64URL_NOPAD.encode(&context.given.dice.bytes::<32>(Purpose::Token));
        component.api_key = Some(Box::default()); // the store keeps its keyed hash
        secrets
            .writes
            .push(("api_key", Some(Secret::new(key.as_bytes()))));
        secrets.told.push(("api_key", key));
    } else if fields.flag("remove_api_key") == Some(true) {
        component.api_key = None;
        secrets.writes.push(("api_key", None));
    }
    Ok(secrets)
}

fn stored(
    context: &Context<'_>,
    old: Option<&std::sync::Arc<Component>>,
    component: Component,
) -> Result<Outcome, Stop> {
    let mut component = component;
    let secrets = secrets(context, &mut component)?;
    let secret = secrets
        .writes
        .iter()
        .find(|(field, _)| *field == "shared_secret")
        .map(|(_, secret)| secret.is_some());
    rules::check(&component, secret == Some(true))?;
    let mut view = view::component(&component);
    let has_secret = secret.unwrap_or(component.shared_secret.is_some());
    view.insert("has_shared_secret".to_owned(), Json::from(has_secret));
    let change = if old.is_some() { "changed" } else { "created" };
    let output = json!({"change": change, "old": old.map(|old| view::component(old)), "new": view});
    let mut outcome = Outcome::answer(view)
        .event(Event::new(Code::COMPONENT_CHANGED, &named(&component)).with(output));
    for (field, value) in secrets.told {
        outcome.result.insert(field.to_owned(), Json::from(value));
    }
    let radius = component.kind == RADIUS_CLIENT;
    if radius && !component.require_message_authenticator {
        outcome = outcome.event(Event::new(
            Code::UNAUTHENTICATED_COMPONENT,
            &named(&component),
        ));
    }
    if radius && !has_secret && component.nas_id.is_empty() {
        outcome = outcome.warn(
            Status::CONFIG,
            "without a shared secret the packets of this component are dropped",
        );
    }
    let mut put = match old {
        Some(old) => Put::over(old.meta.revision, component),
        None => Put::new(component),
    };
    put.secrets = secrets.writes;
    Ok(outcome.write(Write::Component(Box::new(put))))
}

fn named(component: &Component) -> String {
    format!(
        "{} at {}",
        component.kind,
        view::location(&component.location)
    )
}
