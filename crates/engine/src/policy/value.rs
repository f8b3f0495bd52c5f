//! Values of attributes: reading them from JSON with errors that name the attribute, and writing them.

use serde_json::Value as Json;
use thiserror::Error;

use super::attribute::{Attribute, Items, Kind};
use super::{
    ApplicationTypeFilter, AssignmentMode, BackEndAuth, BackupVirtual, DeliveryMethod, GroupCheck,
    LocalAuth, OneStep, OtpWarning, ReactivationProof, RequestMethod, SecureChannel,
};

/// A set value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A name among the attribute's choices.
    Choice(&'static str),
    /// A whole number within the attribute's bounds.
    Number(i64),
    /// A text; blank is a value.
    Text(String),
    /// A list; empty is a value.
    List(Vec<String>),
}

/// A value that the attribute does not take (-101).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{attribute} must be {allowed}")]
pub struct ValueError {
    /// The attribute.
    pub attribute: &'static str,
    /// What it takes.
    pub allowed: String,
}

impl Value {
    /// Reads a value for an attribute; `None` means that it is inherited: `"inherit"` for choices, null for the rest.
    ///
    /// # Errors
    /// The value is of another type, out of bounds or not among the choices.
    pub fn read(attribute: &Attribute, json: &Json) -> Result<Option<Self>, ValueError> {
        let value = match (attribute.kind, json) {
            (Kind::Choice(_), Json::String(text)) if text == "inherit" => return Ok(None),
            (_, Json::Null) => return Ok(None),
            (Kind::Choice(names), Json::String(text)) => names
                .iter()
                .find(|name| *name == text)
                .map(|name| Self::Choice(name)),
            (Kind::Number { min, max }, Json::Number(number)) => number
                .as_i64()
                .filter(|number| (min..=max).contains(number))
                .map(Self::Number),
            (Kind::Text { max }, Json::String(text)) => {
                is_text(text, max).then(|| Self::Text(text.clone()))
            }
            (Kind::List { items, max_total }, Json::Array(entries)) => {
                read_list(items, max_total, entries).map(Self::List)
            }
            _ => None,
        };
        value.map(Some).ok_or_else(|| ValueError {
            attribute: attribute.name,
            allowed: allowed(attribute.kind),
        })
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Choice(name) => Json::from(*name),
            Self::Number(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::List(items) => Json::from(items.as_slice()),
        }
    }
}

/// As a person reads it: the name, the number, the text, or the items with commas.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Choice(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

fn allowed(kind: Kind) -> String {
    match kind {
        Kind::Choice(names) => format!("one of {}, or inherit", names.join(", ")),
        _ => format!("{kind}, or null"),
    }
}

fn is_text(text: &str, max: usize) -> bool {
    text.len() <= max.saturating_mul(4)
        && text.chars().count() <= max
        && !text.chars().any(char::is_control)
}

fn read_list(items: Items, max_total: usize, entries: &[Json]) -> Option<Vec<String>> {
    let mut left = max_total;
    entries
        .iter()
        .map(|entry| {
            let text = entry
                .as_str()
                .filter(|text| is_text(text, left) && is_item(items, text))?;
            left = left.saturating_sub(text.chars().count());
            Some(text.to_owned())
        })
        .collect()
}

fn is_item(items: Items, text: &str) -> bool {
    match items {
        Items::Names(_) => !text.trim().is_empty(),
        Items::Among(names) => names.contains(&text),
        Items::Limits => limit(text).is_some(),
    }
}

/// Reads `type:number` of `type_limits`.
pub(super) fn limit(text: &str) -> Option<(&str, u32)> {
    let (name, number) = text.rsplit_once(':')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits)?;
    (!name.trim().is_empty()).then_some((name, number))
}

/// A type that a resolved value becomes in the typed view. Values were checked when they were read, so a value that
/// does not fit cannot occur; the fallback only keeps the reading total.
pub(super) trait Field {
    fn of(value: Option<&Value>) -> Self;
}

macro_rules! choice_fields {
    ($($type:ident or $fallback:ident,)+) => {$(
        impl Field for $type {
            fn of(value: Option<&Value>) -> Self {
                match value {
                    Some(Value::Choice(name)) => Self::parse(name).unwrap_or(Self::$fallback),
                    _ => Self::$fallback,
                }
            }
        }
    )+};
}

choice_fields! {
    LocalAuth or None,
    BackEndAuth or None,
    GroupCheck or Off,
    AssignmentMode or Neither,
    ApplicationTypeFilter or Any,
    OneStep or No,
    RequestMethod or None,
    BackupVirtual or No,
    DeliveryMethod or Sms,
    OtpWarning or Ignore,
    SecureChannel or No,
    ReactivationProof or Otp,
}

macro_rules! number_fields {
    ($($type:ident)+) => {$(
        impl Field for $type {
            fn of(value: Option<&Value>) -> Self {
                Option::<$type>::of(value).unwrap_or_default()
            }
        }

        impl Field for Option<$type> {
            fn of(value: Option<&Value>) -> Self {
                match value {
                    Some(Value::Number(number)) => $type::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )+};
}

number_fields!(u8 u16 u32);

impl Field for bool {
    fn of(value: Option<&Value>) -> Self {
        matches!(value, Some(Value::Choice("yes")))
    }
}

impl Field for String {
    fn of(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Text(text)) => text.clone(),
            _ => Self::new(),
        }
    }
}

impl Field for Vec<String> {
    fn of(value: Option<&Value>) -> Self {
        match value {
            Some(Value::List(items)) => items.clone(),
            _ => Self::new(),
        }
    }
}
