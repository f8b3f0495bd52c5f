use super::{MOST_CUSTOM, found};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::{fresh, touched};
use crate::admin::record::Event;
use crate::admin::sync::Names;
use crate::admin::table::back_end;
use crate::admin::table::org_unit;
use crate::admin::{Put, Refusal, Stop, Write, view};
use crate::audit::Code;
use crate::model::{
    BackEndKey, DomainKey, SyncGone, SyncMapping, SyncOptions, SyncProfile, SyncScope,
};
use serde_json::json;

type Custom = (String, String, String);

/// Where a mapping keeps the attribute of a field.
type Place = fn(&mut SyncMapping) -> &mut Option<String>;

/// The fields of a mapping.
const FIELDS: [(&str, Place); 9] = [
    ("user", |map| &mut map.user),
    ("name", |map| &mut map.name),
    ("description", |map| &mut map.description),
    ("email", |map| &mut map.email),
    ("phone", |map| &mut map.phone),
    ("mobile", |map| &mut map.mobile),
    ("disabled", |map| &mut map.disabled),
    ("org_unit", |map| &mut map.org_unit),
    ("expires", |map| &mut map.expires),
];

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let name = context.fields.need("name")?;
    if context.given.snapshot.sync_profile(name).is_some() {
        return Err(Refusal::exists(format_args!("synchronisation profile {name}")).into());
    }
    let mut profile = SyncProfile {
        key: -1,
        name: name.to_owned(),
        enabled: true,
        source: BackEndKey::default(),
        base: None,
        scope: SyncScope::Subtree,
        filter: None,
        domain: DomainKey::default(),
        org_unit: None,
        successor: None,
        mapping: SyncMapping::default(),
        options: SyncOptions {
            create: true,
            enable_created: true,
            update: true,
            gone: SyncGone::Keep,
            create_units: false,
            move_accounts: true,
        },
        max_delete_percent: 10,
        meta: fresh(context.given.at),
    };
    if !context.fields.has("source") {
        return Err(Refusal::missing("source").into());
    }
    profile.domain = context.domain("domain")?.key;
    patch(context, &mut profile)?;
    Ok(stored(context, None, profile))
}

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let old = found(context)?;
    let mut profile = old.as_ref().clone();
    if context.fields.has("domain") {
        let domain = context.domain("domain")?.key;
        if domain != profile.domain && !context.fields.sent("org_unit") {
            profile.org_unit = None;
        }
        profile.domain = domain;
    }
    patch(context, &mut profile)?;
    profile.meta = touched(profile.meta, context.given.at);
    Ok(stored(context, Some(old), profile))
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let profile = found(context)?;
    let run = context.given.facts.sync_run.as_ref();
    if let Some(run) = run.filter(|run| run.holds(context.given.at)) {
        return Err(Refusal::contradiction(format!(
            "a run of profile {} is under way on node {}",
            profile.name, run.node
        ))
        .into());
    }
    let shown = view::sync_profile(profile, context.given.snapshot);
    let event = Event::new(Code::COMPONENT_CHANGED, &target(profile))
        .with(json!({"change": "deleted", "old": shown}));
    Ok(Outcome::default()
        .write(Write::RemoveSyncProfile(profile.key, profile.meta.revision))
        .event(event))
}

/// Takes over what was sent.
fn patch(context: &Context<'_>, profile: &mut SyncProfile) -> Result<(), Refusal> {
    let fields = context.fields;
    fields.patch_flag("enabled", &mut profile.enabled);
    if let Some(name) = fields.text("source") {
        profile.source = back_end::named(context, name)?.key;
    }
    patch_search(context, profile)?;
    if fields.sent("org_unit") {
        profile.org_unit = org_unit::named(context, "org_unit", profile.domain)?;
    }
    fields.patch("successor", &mut profile.successor, |fields| {
        fields.text("successor").map(str::to_owned)
    });
    patch_mapping(context, &mut profile.mapping)?;
    let options = &mut profile.options;
    fields.patch_flag("create", &mut options.create);
    fields.patch_flag("enable_created", &mut options.enable_created);
    fields.patch_flag("update", &mut options.update);
    fields.patch_flag("move_accounts", &mut options.move_accounts);
    fields.patch_flag("create_units", &mut options.create_units);
    if let Some(gone) = fields.text("gone").and_then(SyncGone::of) {
        options.gone = gone;
    }
    let most = fields.number("max_delete_percent");
    if let Some(most) = most.and_then(|most| u8::try_from(most).ok()) {
        profile.max_delete_percent = most;
    }
    let source = context.given.snapshot.back_ends.get(profile.source);
    match source.and_then(|source| Names::new(profile, source)) {
        Some(names) if names.has_user() => Ok(()),
        Some(_) => Err(Refusal::contradiction(
            "mapping must name the attribute of the user ID",
        )),
        None => Err(Refusal::contradiction(
            "source must be a directory: active_directory, ldap, or windows with base_dn",
        )),
    }
}

fn patch_search(context: &Context<'_>, profile: &mut SyncProfile) -> Result<(), Refusal> {
    let fields = context.fields;
    if fields
        .text("base")
        .is_some_and(|base| !back_end::is_dn(base))
    {
        return Err(Refusal::invalid("base", "a distinguished name"));
    }
    if fields
        .text("filter")
        .is_some_and(|text| !back_end::is_filter(text))
    {
        return Err(Refusal::invalid("filter", "an RFC 4515 filter"));
    }
    let text = |name: &'static str| {
        move |fields: &crate::admin::Fields| fields.text(name).map(str::to_owned)
    };
    fields.patch("base", &mut profile.base, text("base"));
    fields.patch("filter", &mut profile.filter, text("filter"));
    if let Some(scope) = fields.text("scope").and_then(SyncScope::of) {
        profile.scope = scope;
    }
    Ok(())
}

fn patch_mapping(context: &Context<'_>, mapping: &mut SyncMapping) -> Result<(), Refusal> {
    let fields = context.fields;
    if fields.sent("mapping") {
        let custom = std::mem::take(&mut mapping.custom);
        *mapping = SyncMapping {
            custom,
            ..SyncMapping::default()
        };
        let sent = fields
            .json("mapping")
            .and_then(serde_json::Value::as_object);
        for (field, attribute) in sent.into_iter().flatten() {
            let Some((_, place)) = FIELDS.iter().find(|(own, _)| own == field) else {
                let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
                return Err(Refusal::invalid(
                    "mapping",
                    format_args!("attributes by {}", names.join(", ")),
                ));
            };
            let attribute = attribute.as_str().unwrap_or_default().trim();
            if !attribute.is_empty() && !back_end::is_attribute(attribute) {
                return Err(no_attribute("mapping", attribute));
            }
            *place(mapping) = Some(attribute.to_owned());
        }
    }
    if fields.sent("custom") {
        mapping.custom = fields
            .list("custom")
            .unwrap_or_default()
            .iter()
            .map(|text| custom(text))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn no_attribute(field: &str, name: &str) -> Refusal {
    Refusal::new(
        crate::Status::INVDATA,
        format!("{field}: {name} is no name of an attribute"),
    )
}

/// `ATTRIBUTE=GROUP:NAME`.
fn custom(text: &str) -> Result<Custom, Refusal> {
    let parts = text
        .split_once('=')
        .and_then(|(attribute, to)| Some((attribute.trim(), to.split_once(':')?)));
    let fits = |part: &str| (1..=64).contains(&part.trim().chars().count());
    match parts {
        Some((attribute, _)) if !back_end::is_attribute(attribute) => {
            Err(no_attribute("custom", attribute))
        }
        Some((attribute, (group, name))) if fits(group) && fits(name) => Ok((
            attribute.to_owned(),
            group.trim().to_owned(),
            name.trim().to_owned(),
        )),
        _ => Err(Refusal::invalid(
            "custom",
            format_args!("at most {MOST_CUSTOM} of ATTRIBUTE=GROUP:NAME"),
        )),
    }
}

fn stored(context: &Context<'_>, old: Option<&SyncProfile>, profile: SyncProfile) -> Outcome {
    let snapshot = context.given.snapshot;
    let shown = view::sync_profile(&profile, snapshot);
    let change = if old.is_some() { "changed" } else { "created" };
    let before = old.map(|old| view::sync_profile(old, snapshot));
    let event = Event::new(Code::COMPONENT_CHANGED, &target(&profile))
        .with(json!({"change": change, "old": before, "new": shown}));
    let put = match old {
        Some(old) => Put::over(old.meta.revision, profile),
        None => Put::new(profile),
    };
    Outcome::answer(shown)
        .write(Write::SyncProfile(Box::new(put)))
        .event(event)
}

fn target(profile: &SyncProfile) -> String {
    format!("synchronisation profile {}", profile.name)
}
