//! Settings of the deployment.

use super::domain::none;
use super::field::{QUERY, name};
use super::{Verb, rules};
use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::record::Event;
use crate::admin::{Field, Kind, Query, Refusal, Stop, Value, Write, view};
use crate::audit::Code;
use crate::settings::{self, SETTINGS, Setting, Settings};
use serde_json::{Value as Json, json};

const NAME: Field = name("name", 64, "The name of the setting.").required();

pub(super) const VERBS: &[Verb] = &[
    rules(
        "setting",
        "view",
        "setting.view",
        &[NAME],
        "Shows a setting with its default.",
        r#"{"name": "session.idle_s"}"#,
        none,
        show,
    ),
    rules(
        "setting",
        "update",
        "setting.update",
        &[
            NAME,
            Field::new(
                "value",
                Kind::Any,
                "The new value; null: back to the default.",
            )
            .clearable()
            .required(),
        ],
        "Changes a setting on all nodes.",
        r#"{"name": "session.idle_s", "value": 600}"#,
        none,
        update,
    ),
    rules(
        "setting",
        "query",
        "setting.view",
        QUERY,
        "Lists settings.",
        r#"{"filter": {"changed": true}}"#,
        none,
        query,
    ),
];

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::setting(
        found(context)?,
        &context.given.snapshot.settings,
    )))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let setting = found(context)?;
    let settings = &context.given.snapshot.settings;
    let old = settings.text(setting.name).to_owned();
    let new = match context.fields.value("value") {
        Some(Value::Json(json)) => Some(text(json).ok_or_else(|| {
            Refusal::invalid(
                "value",
                "a text, a number, true or false, or a list of texts",
            )
        })?),
        _ => None,
    };
    if let Some(new) = &new {
        setting
            .check(new)
            .map_err(|allowed| Refusal::new(Status::INVDATA, format!("value: {allowed}")))?;
    }
    let now = new.clone().unwrap_or_else(|| setting.default.to_owned());
    let event = Event::new(Code::SETTING_CHANGED, setting.name)
        .with(json!({"setting": setting.name, "old": old, "new": now}));
    let after = Settings::new(
        new.iter()
            .map(|value| (setting.name.to_owned(), value.clone()))
            .collect(),
    );
    Ok(Outcome::answer(view::setting(setting, &after))
        .write(Write::Setting(setting.name, new))
        .event(event))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("setting", context.fields)?))
}

fn found(context: &Context<'_>) -> Result<&'static Setting, Refusal> {
    let name = context.fields.need("name")?;
    settings::find(name).ok_or_else(|| {
        let hint = crate::text::closest(name, SETTINGS.iter().map(|setting| setting.name));
        let hint = hint.map_or(String::new(), |close| format!("; did you mean {close}?"));
        Refusal::new(
            Status::NOT_FOUND,
            format!("setting {name} does not exist{hint}"),
        )
    })
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(true) => Some("on".to_owned()),
        Json::Bool(false) => Some("off".to_owned()),
        Json::Array(items) => items
            .iter()
            .map(Json::as_str)
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        _ => None,
    }
}
