//! The attribute table as a page of documentation.

use std::fmt::Write;

use super::attribute::{ATTRIBUTES, Attribute, Kind};
use super::value::Value;

/// All attributes as Markdown: one heading and table for each group.
pub fn markdown() -> String {
    let mut page = String::new();
    let mut group = "";
    for attribute in ATTRIBUTES {
        if attribute.group != group {
            group = attribute.group;
            let _ = write!(
                page,
                "\n## {group}\n\n| name | values | base | if unset everywhere | effect |\n|---|---|---|---|---|\n"
            );
        }
        let _ = writeln!(page, "{}", row(attribute));
    }
    page.trim_start().to_owned()
}

fn row(attribute: &Attribute) -> String {
    let base = attribute
        .base()
        .map_or("–".to_owned(), |value| shown(&value));
    let built_in = match (attribute.kind, attribute.built_in()) {
        (Kind::Choice(_), _) => "1030".to_owned(),
        (_, Some(value)) => shown(&value),
        (_, None) => "–".to_owned(),
    };
    let values = values(attribute);
    format!(
        "| `{}` | {values} | {base} | {built_in} | {} |",
        attribute.name, attribute.doc
    )
}

fn values(attribute: &Attribute) -> String {
    let kind = match attribute.kind {
        Kind::Number { min, max } => format!("{min}–{max}"),
        Kind::Text { max } => format!("text, at most {max} characters"),
        kind => kind.to_string(),
    };
    if attribute.unit.is_empty() {
        kind
    } else {
        format!("{kind} {}", attribute.unit)
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) if text.is_empty() => "blank".to_owned(),
        Value::List(items) if items.is_empty() => "empty".to_owned(),
        Value::Text(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}
