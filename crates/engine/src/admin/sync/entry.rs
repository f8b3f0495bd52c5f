//! An entry as it is read, and what of it concerns an account.

use super::Names;
use super::names::IDENTITIES;
use super::value;
use crate::model::Contact;
use crate::text::fold;
use crate::time::Timestamp;
use serde_json::{Map, Value as Json, json};

/// An entry as a directory answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Distinguished name.
    pub dn: String,
    /// Attributes with their values.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// A text about the person that is taken over.
pub(super) struct TextField {
    pub(super) name: &'static str,
    max: usize,
    pub(super) at: fn(&mut Contact) -> &mut String,
}

pub(super) const TEXTS: [TextField; 5] = [
    TextField {
        name: "name",
        max: 1024,
        at: |contact| &mut contact.name,
    },
    TextField {
        name: "description",
        max: 1024,
        at: |contact| &mut contact.description,
    },
    TextField {
        name: "email",
        max: 255,
        at: |contact| &mut contact.email,
    },
    TextField {
        name: "phone",
        max: 64,
        at: |contact| &mut contact.phone,
    },
    TextField {
        name: "mobile",
        max: 64,
        at: |contact| &mut contact.mobile,
    },
];

const USER_MAX: usize = 255;
const UNIT_MAX: usize = 255;
const CUSTOM_MAX: usize = 1024;
/// Most values of one custom attribute.
const MOST_VALUES: usize = 100;

/// What an entry says about an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// Its identity: unique, and the same after a move.
    pub entry: String,
    /// Distinguished name.
    pub dn: String,
    /// The user ID; none where the entry has none that an account can have.
    pub user: Option<String>,
    /// Texts by their place in the table; one that cannot be taken over is not here, an absent one is empty.
    pub(super) texts: Vec<(usize, String)>,
    /// Whether the account is disabled, where that is taken over.
    pub(super) disabled: Option<bool>,
    /// When it ends, where that is taken over.
    pub(super) expires: Option<Option<Timestamp>>,
    /// Name of its unit, where that is taken over; `Some(None)` where the entry names none.
    pub(super) org_unit: Option<Option<String>>,
    /// Custom attributes: group, name and all values.
    pub(super) custom: Vec<(String, String, Vec<String>)>,
    /// What could not be taken over, and why.
    pub warnings: Vec<String>,
}

impl Names {
    /// What an entry says, by these names.
    pub fn map(&self, entry: &Entry) -> Mapped {
        let mut mapped = Mapped {
            entry: identity(entry),
            dn: entry
                .dn
                .chars()
                .filter(|c| !c.is_control())
                .take(1024)
                .collect(),
            ..Mapped::default()
        };
        mapped.user = self.user_of(entry, &mut mapped.warnings);
        for (place, (field, name)) in TEXTS.iter().zip(&self.texts).enumerate() {
            if !name.is_empty() {
                let text = first(entry, name, field.max, &mut mapped.warnings);
                mapped.texts.extend(text.map(|text| (place, text)));
            }
        }
        if !self.org_unit.is_empty() {
            mapped.org_unit = first(entry, &self.org_unit, UNIT_MAX, &mut mapped.warnings)
                .map(|name| Some(name).filter(|name| !name.is_empty()));
        }
        self.map_state(entry, &mut mapped);
        for (attribute, group, name) in &self.custom {
            if let Some(values) = all(entry, attribute, &mut mapped.warnings) {
                mapped.custom.push((group.clone(), name.clone(), values));
            }
        }
        mapped
    }

    fn user_of(&self, entry: &Entry, warnings: &mut Vec<String>) -> Option<String> {
        let found = values(entry, &self.user).next().map(value::text);
        let usable = |text: &String| !text.is_empty() && text.chars().count() <= USER_MAX;
        match found {
            Some(Some(text)) if usable(&text) => Some(text),
            Some(_) => {
                warnings.push(format!(
                    "{} is no user ID that an account can have",
                    self.user
                ));
                None
            }
            None => {
                warnings.push(format!("the entry has no {}", self.user));
                None
            }
        }
    }

    fn map_state(&self, entry: &Entry, mapped: &mut Mapped) {
        mapped.disabled = state(
            entry,
            &self.disabled,
            false,
            value::disabled,
            &mut mapped.warnings,
        );
        mapped.expires = state(
            entry,
            &self.expires,
            None,
            value::expires,
            &mut mapped.warnings,
        );
    }
}

impl Mapped {
    /// What is shown of it by `validate`.
    pub fn to_json(&self) -> Map<String, Json> {
        let mut shown = Map::new();
        shown.insert("dn".to_owned(), json!(self.dn));
        shown.insert("entry".to_owned(), json!(self.entry));
        shown.insert("user".to_owned(), json!(self.user));
        for (place, text) in &self.texts {
            if let Some(field) = TEXTS.get(*place) {
                shown.insert(field.name.to_owned(), json!(text));
            }
        }
        if let Some(unit) = &self.org_unit {
            shown.insert("org_unit".to_owned(), json!(unit));
        }
        if let Some(disabled) = self.disabled {
            shown.insert("disabled".to_owned(), json!(disabled));
        }
        if let Some(expires) = self.expires {
            let expires = expires.map(Timestamp::rfc3339);
            shown.insert("expires_at".to_owned(), json!(expires));
        }
        let custom: Vec<Json> = self
            .custom
            .iter()
            .map(|(group, name, values)| json!({"group": group, "name": name, "values": values}))
            .collect();
        if !custom.is_empty() {
            shown.insert("attributes".to_owned(), json!(custom));
        }
        shown.insert("warnings".to_owned(), json!(self.warnings));
        shown
    }
}

/// The identity of an entry; its folded name where the directory gives it none.
fn identity(entry: &Entry) -> String {
    IDENTITIES
        .iter()
        .find_map(|name| value::identity(name, values(entry, name).next()?))
        .unwrap_or_else(|| fold(&entry.dn))
}

/// The values of an attribute in any case; options such as `;lang-en` do not count.
fn values<'e>(entry: &'e Entry, name: &str) -> impl Iterator<Item = &'e [u8]> + use<'e> {
    let is = |own: &str| {
        own.split(';')
            .next()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    entry
        .attributes
        .iter()
        .find(|(own, _)| is(own))
        .into_iter()
        .flat_map(|(_, values)| values.iter().map(Vec::as_slice))
}

/// The first value of an attribute, empty where there is none; nothing, with a warning, where it does not fit.
fn first(entry: &Entry, name: &str, max: usize, warnings: &mut Vec<String>) -> Option<String> {
    let Some(found) = values(entry, name).next() else {
        return Some(String::new());
    };
    fitting(found, name, max, warnings)
}

fn fitting(found: &[u8], name: &str, max: usize, warnings: &mut Vec<String>) -> Option<String> {
    let Some(text) = value::text(found) else {
        warnings.push(format!("{name} cannot be read as text and is left"));
        return None;
    };
    if text.chars().count() > max {
        warnings.push(format!(
            "{name} is longer than {max} characters and is left"
        ));
        return None;
    }
    Some(text)
}

/// All values of an attribute in an order of their own; nothing, with a warning, where one does not fit.
fn all(entry: &Entry, name: &str, warnings: &mut Vec<String>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for value in values(entry, name) {
        found.push(fitting(value, name, CUSTOM_MAX, warnings)?);
    }
    if found.len() > MOST_VALUES {
        warnings.push(format!(
            "{name} has more than {MOST_VALUES} values and is left"
        ));
        return None;
    }
    found.retain(|text| !text.is_empty());
    found.sort();
    found.dedup();
    Some(found)
}

/// A state by an attribute, `absent` where it has no value; nothing where it is not taken over or does not say.
fn state<T>(
    entry: &Entry,
    name: &str,
    absent: T,
    read: fn(&str, &str) -> Option<T>,
    warnings: &mut Vec<String>,
) -> Option<T> {
    if name.is_empty() {
        return None;
    }
    let Some(found) = values(entry, name).next() else {
        return Some(absent);
    };
    let state = value::text(found).and_then(|text| read(name, &text));
    if state.is_none() {
        warnings.push(format!(
            "{name} has a value that does not say what it should and is left"
        ));
    }
    state
}
