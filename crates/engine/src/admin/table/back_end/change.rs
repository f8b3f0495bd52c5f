use super::address::{is_address, is_https};
use super::pem::is_private_key;
use super::{found, named, own, protocol_missing, rules};
use crate::Secret;
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::record::Event;
use crate::admin::table::back_end_group;
use crate::admin::table::sync_profile::unnamed;
use crate::admin::{Put, Refusal, Stop, Value, Write, view};
use crate::audit::Code;
use crate::dice::Purpose;
use crate::model::{AttributeMap, BackEnd, BackEndGroup, BackEndKey, Directory, Protocol, Sealed};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value as Json, json};

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let name = context.fields.need("name")?;
    let protocol = context.fields.text("protocol").and_then(own::plain);
    let protocol = protocol.ok_or_else(protocol_missing)?;
    if named(context, name).is_ok() {
        return Err(Refusal::exists(format_args!("back-end {name}")).into());
    }
    let mut record = BackEnd {
        key: BackEndKey(-1),
        name: name.to_owned(),
        domain: None,
        priority: 100,
        enabled: true,
        address: String::new(),
        port: None,
        timeout_s: 3,
        retries: 1,
        protocol,
        map: AttributeMap::default(),
        meta: fresh(context.given.at),
    };
    patch(context, &mut record)?;
    stored(context, None, record)
}

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let old = found(context)?;
    let mut record = old.as_ref().clone();
    match context.fields.value("protocol") {
        Some(Value::Text(word)) if word != old.protocol.word() => {
            return Err(Refusal::contradiction(format!(
                "back-end {} has protocol {}; make another record for {word}",
                old.name,
                old.protocol.word()
            ))
            .into());
        }
        Some(Value::Null) => return Err(protocol_missing().into()),
        _ => {}
    }
    patch(context, &mut record)?;
    record.meta = touched(record.meta, context.given.at);
    stored(context, Some(old), record)
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let record = found(context)?;
    let snapshot = context.given.snapshot;
    let groups = groups_of(snapshot.back_ends.groups(), record.key);
    if let Some(group) = groups.first() {
        return Err(Refusal::contradiction(format!(
            "back-end {} is a member of group {}; take it out first",
            record.name, group.name
        ))
        .into());
    }
    unnamed(snapshot, |profile| profile.source == record.key)?;
    let event = Event::new(Code::COMPONENT_CHANGED, &target(record))
        .with(json!({"change": "deleted", "old": view::back_end(record, snapshot)}));
    Ok(Outcome::default()
        .write(Write::RemoveBackEnd(record.key, record.meta.revision))
        .event(event))
}

fn patch(context: &Context<'_>, record: &mut BackEnd) -> Result<(), Refusal> {
    let fields = context.fields;
    own::check_fields(fields, record.protocol.word())?;
    if fields.sent("domain") {
        let domain = fields.has("domain").then(|| context.domain("domain"));
        record.domain = domain.transpose()?.map(|domain| domain.key);
    }
    fields.patch_flag("enabled", &mut record.enabled);
    number(context, "priority", &mut record.priority);
    number(context, "timeout_s", &mut record.timeout_s);
    number(context, "retries", &mut record.retries);
    fields.patch("port", &mut record.port, |fields| {
        fields
            .number("port")
            .and_then(|port| u16::try_from(port).ok())
    });
    own::patch(fields, record)?;
    patch_address(context, record)
}

fn number<T: TryFrom<i64>>(context: &Context<'_>, name: &str, target: &mut T) {
    let sent = context.fields.number(name);
    if let Some(number) = sent.and_then(|number| T::try_from(number).ok()) {
        *target = number;
    }
}

fn patch_address(context: &Context<'_>, record: &mut BackEnd) -> Result<(), Refusal> {
    let fields = context.fields;
    if fields.sent("url") && fields.sent("address") {
        return Err(Refusal::contradiction("url and address are the same"));
    }
    let name = if fields.sent("url") { "url" } else { "address" };
    let webhook = matches!(record.protocol, Protocol::Webhook(_));
    if let Some(text) = fields.text(name) {
        if webhook && !is_https(text) {
            return Err(Refusal::invalid(
                name,
                "a URL as https://host/path without user and fragment",
            ));
        }
        if !webhook && !is_address(text) {
            return Err(Refusal::invalid(name, "a host name or an address"));
        }
    }
    fields.patch_text(name, &mut record.address);
    Ok(())
}

/// What a command does to the secrets of a back-end, and what it tells of them, this once.
#[derive(Default)]
pub(super) struct Secrets {
    writes: Vec<(&'static str, Option<Secret>)>,
    told: Option<(&'static str, String)>,
}

impl Secrets {
    /// Whether a secret is set once the command is done.
    pub(super) fn has(&self, field: &str, before: Option<&Sealed>) -> bool {
        let written = self.writes.iter().rev().find(|(name, _)| *name == field);
        written.map_or(before.is_some(), |(_, secret)| secret.is_some())
    }

    fn read(&mut self, context: &Context<'_>, field: &'static str) -> Result<(), Refusal> {
        let Some(value) = context.fields.value(field) else {
            return Ok(());
        };
        let secret = context.fields.secret(field);
        if *value != Value::Null && secret.is_none_or(Secret::is_empty) {
            return Err(Refusal::invalid(field, "not empty"));
        }
        self.writes.push((field, secret.cloned()));
        Ok(())
    }

    /// A secret that may be generated instead of given.
    fn make(&mut self, context: &Context<'_>, field: &'static str) -> Result<(), Refusal> {
        if context.fields.flag("generate_secret") != Some(true) {
            return self.read(context, field);
        }
        if context.fields.sent(field) {
            return Err(Refusal::contradiction(format!(
                "{field} and generate_secret exclude each other"
            )));
        }
        let secret = BASE64URL_NOPAD.encode(&context.given.dice.bytes::<24>(Purpose::Key));
        let sealed = Secret::new(secret.as_bytes());
        self.writes.push((field, Some(sealed)));
        self.told = Some((field, secret));
        Ok(())
    }

    /// What belongs to something that is gone goes with it.
    fn drop_with(&mut self, field: &'static str, gone: bool, before: Option<&Sealed>) {
        if gone && before.is_some() && self.writes.iter().all(|(name, _)| *name != field) {
            self.writes.push((field, None));
        }
    }
}

fn secrets(context: &Context<'_>, record: &BackEnd) -> Result<Secrets, Refusal> {
    let mut secrets = Secrets::default();
    match &record.protocol {
        Protocol::Radius(_) => secrets.make(context, "shared_secret")?,
        Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => {
            of_directory(context, own, &mut secrets)?;
        }
        Protocol::Windows(own) => {
            if let Some(directory) = &own.directory {
                of_directory(context, directory, &mut secrets)?;
            }
        }
        Protocol::Webhook(own) => {
            secrets.make(context, "hmac_key")?;
            if context.fields.secret("hmac_key").is_some_and(is_short) {
                return Err(Refusal::invalid("hmac_key", "of at least 16 characters"));
            }
            let key = context.fields.secret("client_key");
            if key.is_some_and(|key| !key.is_empty() && !is_private_key(key.expose())) {
                return Err(Refusal::invalid(
                    "client_key",
                    "a private key in PEM without passphrase, or null",
                ));
            }
            secrets.read(context, "client_key")?;
            let gone = own.client_certificate.is_none();
            secrets.drop_with("client_key", gone, own.client_key.as_ref());
        }
    }
    Ok(secrets)
}

fn of_directory(
    context: &Context<'_>,
    own: &Directory,
    secrets: &mut Secrets,
) -> Result<(), Refusal> {
    secrets.read(context, "bind_password")?;
    secrets.drop_with(
        "bind_password",
        own.bind_dn.is_none(),
        own.bind_password.as_ref(),
    );
    Ok(())
}

fn is_short(key: &Secret) -> bool {
    std::str::from_utf8(key.expose()).is_ok_and(|key| key.chars().count() < 16)
}

fn stored(
    context: &Context<'_>,
    old: Option<&std::sync::Arc<BackEnd>>,
    record: BackEnd,
) -> Result<Outcome, Stop> {
    let snapshot = context.given.snapshot;
    let secrets = secrets(context, &record)?;
    rules::check(&record, &secrets)?;
    let groups = regrouped(context, &record)?;
    let mut shown = view::back_end(&record, snapshot);
    for (field, secret) in &secrets.writes {
        shown.insert(format!("has_{field}"), Json::from(secret.is_some()));
    }
    let names: Vec<&str> = groups_after(context, &groups, record.key);
    shown.insert("groups".to_owned(), Json::from(names));
    let change = if old.is_some() { "changed" } else { "created" };
    let before = old.map(|old| view::back_end(old, snapshot));
    let output = json!({"change": change, "old": before, "new": shown});
    let mut outcome = Outcome::answer(shown)
        .event(Event::new(Code::COMPONENT_CHANGED, &target(&record)).with(output));
    if let Some((field, value)) = secrets.told {
        outcome.result.insert(field.to_owned(), Json::from(value));
    }
    let mut put = match old {
        Some(old) => Put::over(old.meta.revision, record),
        None => Put::new(record),
    };
    put.secrets = secrets.writes;
    outcome = outcome.write(Write::BackEnd(Box::new(put)));
    for (revision, group) in groups {
        outcome = outcome.write(Write::BackEndGroup(Put::over(revision, group)));
    }
    Ok(outcome)
}

/// The groups that the field `group` changes, each with the revision it was decided on.
fn regrouped(context: &Context<'_>, record: &BackEnd) -> Result<Vec<(i64, BackEndGroup)>, Refusal> {
    let groups = context.given.snapshot.back_ends.groups();
    let changed = |group: &BackEndGroup, members| {
        let meta = touched(group.meta, context.given.at);
        let changed = BackEndGroup {
            members,
            meta,
            ..group.clone()
        };
        (group.meta.revision, changed)
    };
    let without = |group: &BackEndGroup| {
        let members = group.members.iter().filter(|key| **key != record.key);
        changed(group, members.copied().collect())
    };
    match context.fields.value("group") {
        Some(Value::Null) => Ok(groups_of(groups, record.key)
            .into_iter()
            .map(without)
            .collect()),
        Some(Value::Text(name)) => {
            let group = back_end_group::named(context, name)?;
            back_end_group::fits(group, record)?;
            if group.members.contains(&record.key) {
                return Ok(Vec::new());
            }
            let members: Vec<_> = group.members.iter().copied().chain([record.key]).collect();
            back_end_group::check_size(members.len())?;
            Ok(vec![changed(group, members)])
        }
        _ => Ok(Vec::new()),
    }
}

fn groups_of(groups: &[BackEndGroup], key: BackEndKey) -> Vec<&BackEndGroup> {
    groups
        .iter()
        .filter(|group| group.members.contains(&key))
        .collect()
}

fn groups_after<'a>(
    context: &Context<'a>,
    changed: &'a [(i64, BackEndGroup)],
    key: BackEndKey,
) -> Vec<&'a str> {
    let now = |group: &'a BackEndGroup| {
        let new = changed.iter().find(|(_, new)| new.key == group.key);
        new.map_or(group, |(_, new)| new)
    };
    let groups = context.given.snapshot.back_ends.groups().iter();
    let named = groups
        .map(now)
        .filter(|group| group.members.contains(&key))
        .map(|group| group.name.as_str());
    named.collect()
}

fn target(record: &BackEnd) -> String {
    format!("back-end {}", record.name)
}
