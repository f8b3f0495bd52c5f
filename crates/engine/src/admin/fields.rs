//! The typed values of a command.

use super::Refusal;
use crate::Secret;
use crate::time::{Day, Timestamp};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A typed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null: clears.
    Null,
    /// Text, a choice or a serial number.
    Text(String),
    /// A whole number.
    Number(i64),
    /// true or false.
    Bool(bool),
    /// A UTC day.
    Day(Day),
    /// A moment.
    Time(Timestamp),
    /// A value that is never shown.
    Secret(Secret),
    /// A list of texts.
    List(Vec<String>),
    /// A filter, a map, a policy attribute or a setting as it was sent.
    Json(Json),
}

/// The fields that were sent, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    /// Sets a field.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.0.insert(name, value);
    }

    /// A field as it was sent; null is a value.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether a field was sent with a value.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| *value != Value::Null)
    }

    /// Whether a field was sent, with null too.
    pub fn sent(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All fields that were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// A text, choice or serial number.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text that the table says is required.
    ///
    /// # Errors
    /// -102 if it is not there all the same.
    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A flag.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A day.
    pub fn day(&self, name: &str) -> Option<Day> {
        match self.value(name) {
            Some(Value::Day(day)) => Some(*day),
            _ => None,
        }
    }

    /// A moment.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.value(name) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// A secret or a file.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.value(name) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// A list.
    pub fn list(&self, name: &str) -> Option<&[String]> {
        match self.value(name) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// A filter, map, policy attribute or setting.
    pub fn json(&self, name: &str) -> Option<&Json> {
        match self.value(name) {
            Some(Value::Json(json)) => Some(json),
            _ => None,
        }
    }

    /// Changes a text: absent leaves it, null empties it.
    pub fn patch_text(&self, name: &str, target: &mut String) {
        match self.value(name) {
            Some(Value::Text(text)) => target.clone_from(text),
            Some(Value::Null) => target.clear(),
            _ => {}
        }
    }

    /// Changes a flag where one was sent.
    pub fn patch_flag(&self, name: &str, target: &mut bool) {
        if let Some(flag) = self.flag(name) {
            *target = flag;
        }
    }

    /// Changes an optional value: absent leaves it, null clears it, else `read` makes the new one.
    pub fn patch<T>(
        &self,
        name: &str,
        target: &mut Option<T>,
        read: impl FnOnce(&Self) -> Option<T>,
    ) {
        if self.sent(name) {
            *target = read(self);
        }
    }

    /// The fields as they may be shown and logged: secrets masked.
    pub fn masked(&self) -> Map<String, Json> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.masked()))
            .collect()
    }
}

impl Value {
    fn masked(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Text(text) => Json::from(text.as_str()),
            Self::Number(number) => Json::from(*number),
            Self::Bool(flag) => Json::from(*flag),
            Self::Day(day) => Json::from(day.to_string()),
            Self::Time(time) => Json::from(time.rfc3339()),
            Self::Secret(_) => Json::from(super::MASK),
            Self::List(list) => Json::from(list.as_slice()),
            Self::Json(json) => json.clone(),
        }
    }
}
