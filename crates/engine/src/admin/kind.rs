//! What a field of a command takes: reading it from JSON and from text, and telling it as a JSON schema.

use super::{Refusal, Value};
use crate::Secret;
use crate::policy::attribute::{Attribute, Kind as AttributeKind};
use crate::time::{Day, Timestamp};
use serde_json::{Map, Value as Json, json};

/// One field of a command.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in JSON; on the command line with `-` or `_`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether the command is refused without it (-102).
    pub required: bool,
    /// Whether null is taken: it clears the value.
    pub clearable: bool,
    /// One sentence about it.
    pub doc: &'static str,
}

/// The values a field takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text without control characters, in characters.
    Text {
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
    /// A whole number, ends included.
    Number {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// true or false.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `YYYY-MM-DD`, or RFC 3339 of which the UTC date counts.
    Date,
    /// A moment in RFC 3339.
    Time,
    /// A serial number: letters, digits and `-`, at most 46; kept in upper case.
    Serial,
    /// A value that is neither shown nor logged, in characters.
    Secret {
        /// Most.
        max: usize,
    },
    /// A file as text or base64, in bytes; neither shown nor logged.
    Data {
        /// Most.
        max: usize,
    },
    /// Certificates in PEM, in bytes.
    Pem {
        /// Most.
        max: usize,
    },
    /// A list of texts without control characters.
    List {
        /// Most items.
        items: usize,
        /// Most characters of one.
        max: usize,
    },
    /// Texts by name.
    Map {
        /// Most entries.
        entries: usize,
        /// Most characters of one text.
        max: usize,
    },
    /// The conditions of a query.
    Filter,
    /// A value of a policy attribute.
    Attribute(&'static Attribute),
    /// Any value; the setting's own rule decides.
    Any,
}

impl Field {
    /// An optional field.
    pub const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            clearable: false,
            doc,
        }
    }

    /// The same field, without which the command is refused.
    #[must_use]
    pub const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same field, which takes null.
    #[must_use]
    pub const fn clearable(self) -> Self {
        Self {
            clearable: true,
            ..self
        }
    }

    /// The field of a policy attribute.
    pub const fn attribute(attribute: &'static Attribute) -> Self {
        Self {
            name: attribute.name,
            kind: Kind::Attribute(attribute),
            required: false,
            clearable: true,
            doc: attribute.doc,
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// -101, naming the field and what it takes.
    pub fn read(&self, json: &Json) -> Result<Value, Refusal> {
        if json.is_null() && self.clearable {
            return Ok(Value::Null);
        }
        self.kind.read(json).ok_or_else(|| self.refused())
    }

    /// Reads a value typed on a command line; an empty text clears what can be cleared.
    ///
    /// # Errors
    /// -101, naming the field and what it takes.
    pub fn read_text(&self, text: &str) -> Result<Json, Refusal> {
        if text.is_empty() && self.clearable {
            return Ok(Json::Null);
        }
        self.kind.json_of(text).ok_or_else(|| self.refused())
    }

    /// The schema of the field, with its sentence.
    pub fn schema(&self) -> Json {
        let mut schema = self.kind.schema();
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".to_owned(), Json::from(self.doc));
            if self.clearable {
                if let Some(Json::String(kind)) = map.remove("type") {
                    map.insert("type".to_owned(), json!([kind, "null"]));
                }
                if let Some(words) = map.get_mut("enum").and_then(Json::as_array_mut) {
                    words.push(Json::Null);
                }
            }
        }
        schema
    }

    fn refused(&self) -> Refusal {
        let or_null = if self.clearable { ", or null" } else { "" };
        Refusal::invalid(self.name, format_args!("{}{or_null}", self.kind))
    }
}

impl Kind {
    /// Whether values of the field may never be shown or logged.
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Secret { .. } | Self::Data { .. })
    }

    fn read(&self, json: &Json) -> Option<Value> {
        match (self, json) {
            (Self::Text { min, max }, Json::String(text)) => {
                fits(text, *min, *max).then(|| Value::Text(text.clone()))
            }
            (Self::Number { min, max }, Json::Number(number)) => number
                .as_i64()
                .filter(|number| (min..=max).contains(&number))
                .map(Value::Number),
            (Self::Bool, Json::Bool(flag)) => Some(Value::Bool(*flag)),
            (Self::Choice(words), Json::String(text)) => words
                .contains(&text.as_str())
                .then(|| Value::Text(text.clone())),
            (Self::Date, Json::String(text)) => Day::parse_date_or_time(text).map(Value::Day),
            (Self::Time, Json::String(text)) => Timestamp::parse(text)
                .or_else(|| Day::parse(text).map(Day::start))
                .map(Value::Time),
            (Self::Serial, Json::String(text)) => serial(text).map(Value::Text),
            (Self::Secret { max }, Json::String(text)) => (text.chars().count() <= *max
                && !text.contains('\0'))
            .then(|| Value::Secret(Secret::new(text.as_bytes()))),
            (Self::Data { max }, Json::String(text)) => {
                (text.len() <= *max).then(|| Value::Secret(Secret::new(text.as_bytes())))
            }
            (Self::Pem { max }, Json::String(text)) => {
                let plain =
                    |byte: u8| byte == b'\n' || byte == b'\r' || (b' '..=b'~').contains(&byte);
                (text.len() <= *max && text.bytes().all(plain)).then(|| Value::Text(text.clone()))
            }
            (Self::List { items, max }, Json::Array(entries)) => read_list(entries, *items, *max),
            (Self::Map { entries, max }, Json::Object(map)) => {
                let good = map.len() <= *entries
                    && map
                        .values()
                        .all(|v| v.as_str().is_some_and(|text| fits(text, 0, *max)));
                good.then(|| Value::Json(json.clone()))
            }
            (Self::Filter, Json::Object(_)) => Some(Value::Json(json.clone())),
            (Self::Attribute(attribute), _) => crate::policy::Value::read(attribute, json)
                .ok()
                .map(|_| Value::Json(json.clone())),
            (Self::Any, Json::String(_) | Json::Number(_) | Json::Bool(_) | Json::Array(_)) => {
                Some(Value::Json(json.clone()))
            }
            _ => None,
        }
    }

    fn json_of(&self, text: &str) -> Option<Json> {
        match self {
            Self::Number { .. } => text.parse::<i64>().ok().map(Json::from),
            Self::Bool => flag(text).map(Json::from),
            Self::List { .. } => Some(split(text)),
            Self::Map { .. } | Self::Filter => serde_json::from_str::<Map<String, Json>>(text)
                .ok()
                .map(Json::Object),
            Self::Attribute(attribute) => match attribute.kind {
                AttributeKind::Number { .. } => text.parse::<i64>().ok().map(Json::from),
                AttributeKind::List { .. } => Some(split(text)),
                AttributeKind::Choice(_) | AttributeKind::Text { .. } => Some(Json::from(text)),
            },
            _ => Some(Json::from(text)),
        }
    }

    fn schema(&self) -> Json {
        match self {
            Self::Text { min, max } => {
                json!({"type": "string", "minLength": min, "maxLength": max})
            }
            Self::Number { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::Bool => json!({"type": "boolean"}),
            Self::Choice(words) => json!({"type": "string", "enum": words}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Time => json!({"type": "string", "format": "date-time"}),
            Self::Serial => {
                json!({"type": "string", "maxLength": 46, "pattern": "^[A-Za-z0-9-]+$"})
            }
            Self::Secret { max } => {
                json!({"type": "string", "format": "password", "writeOnly": true, "maxLength": max})
            }
            Self::Data { max } => json!({"type": "string", "writeOnly": true, "maxLength": max}),
            Self::Pem { max } => json!({"type": "string", "maxLength": max}),
            Self::List { items, max } => {
                json!({"type": "array", "maxItems": items, "items": {"type": "string", "maxLength": max}})
            }
            Self::Map { entries, max } => {
                json!({"type": "object", "maxProperties": entries, "additionalProperties": {"type": "string", "maxLength": max}})
            }
            Self::Filter => json!({"type": "object"}),
            Self::Attribute(attribute) => match attribute.kind {
                AttributeKind::Choice(names) => {
                    json!({"type": "string", "enum": names.iter().chain(&["inherit"]).collect::<Vec<_>>()})
                }
                AttributeKind::Number { min, max } => {
                    json!({"type": "integer", "minimum": min, "maximum": max})
                }
                AttributeKind::Text { max } => json!({"type": "string", "maxLength": max}),
                AttributeKind::List { .. } => json!({"type": "array", "items": {"type": "string"}}),
            },
            Self::Any => json!({}),
        }
    }
}

/// What is allowed, as it is said in refusals and documents.
impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text { min: 0, max } => write!(
                f,
                "text of at most {max} characters without control characters"
            ),
            Self::Text { min, max } => write!(
                f,
                "text of {min} to {max} characters without control characters"
            ),
            Self::Number { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Date => f.write_str("a date (YYYY-MM-DD or RFC 3339)"),
            Self::Time => f.write_str("a time (RFC 3339, or YYYY-MM-DD for its first moment)"),
            Self::Serial => f.write_str("a serial number: letters, digits and -, at most 46"),
            Self::Secret { max } => write!(f, "text of at most {max} characters without NUL"),
            Self::Data { max } => write!(f, "text or base64 of at most {max} bytes"),
            Self::Pem { max } => write!(f, "certificates in PEM of at most {max} bytes"),
            Self::List { items, max } => write!(
                f,
                "a list of at most {items} texts of at most {max} characters"
            ),
            Self::Map { entries, max } => write!(
                f,
                "an object of at most {entries} texts of at most {max} characters"
            ),
            Self::Filter => f.write_str("an object of conditions by field"),
            Self::Attribute(attribute) => write!(f, "{}, or inherit", attribute.kind),
            Self::Any => f.write_str("a text, a number, true or false, or a list"),
        }
    }
}

fn fits(text: &str, min: usize, max: usize) -> bool {
    let size = text.chars().count();
    size >= min && size <= max && !crate::text::has_control(text)
}

/// The stored form of a serial number, or nothing if it is none.
pub(super) fn serial(text: &str) -> Option<String> {
    let good = (1..=46).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then(|| text.to_ascii_uppercase())
}

fn read_list(entries: &[Json], items: usize, max: usize) -> Option<Value> {
    if entries.len() > items {
        return None;
    }
    let texts = entries.iter().map(|entry| {
        entry
            .as_str()
            .filter(|text| fits(text, 1, max))
            .map(str::to_owned)
    });
    texts.collect::<Option<_>>().map(Value::List)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn split(text: &str) -> Json {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}
