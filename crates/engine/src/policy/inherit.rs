//! A policy as it is written, and how a chain of them becomes one view.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use thiserror::Error;

use super::attribute::{ATTRIBUTES, Attribute};
use super::effective::{Effective, Settled};
use super::value::{Value, ValueError};
use super::{GroupCheck, set::fold};
use crate::Status;

/// Longest policy id in characters.
const ID_MAX: usize = 60;
/// Longest description in characters.
const DESCRIPTION_MAX: usize = 255;

/// A policy: what it sets itself; everything else is inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The key, 1–60 characters as spelled; compared without regard to case.
    pub id: String,
    /// Free text, at most 255 characters.
    pub description: String,
    /// The policy it inherits from.
    pub parent: Option<String>,
    /// The values it sets itself, by attribute.
    pub values: BTreeMap<&'static str, Value>,
}

/// Why a policy cannot be used (1030, spec/policy.md 2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Invalid {
    /// A choice is inherited up to the top.
    #[error("{attribute} is inherited up to the top of the chain, policy {policy}")]
    Inherits {
        /// The choice.
        attribute: &'static str,
        /// The top of the chain.
        policy: String,
    },
    /// The chain of parents comes back to itself.
    #[error("the chain of parents comes back to policy {policy}")]
    Loop {
        /// Where it comes back to.
        policy: String,
    },
    /// A policy of the chain does not exist.
    #[error("policy {policy} does not exist")]
    Missing {
        /// The policy.
        policy: String,
    },
    /// A policy of the chain cannot be read.
    #[error("policy {policy} cannot be read: {reason}")]
    Unreadable {
        /// The policy.
        policy: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A group check is on and has no groups.
    #[error("{check} is on in policy {policy} but {list} is empty")]
    NoGroups {
        /// The check.
        check: &'static str,
        /// The empty list.
        list: &'static str,
        /// The policy whose view it is.
        policy: String,
    },
}

/// Why a policy's JSON is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Not an object.
    #[error("a policy must be an object")]
    NotAnObject,
    /// No `policy_id`.
    #[error("policy_id is missing")]
    NoId,
    /// A field that is no attribute.
    #[error("{name} is no policy attribute{}", suggestion.map_or(String::new(), |close| format!("; did you mean {close}?")))]
    Unknown {
        /// The field.
        name: String,
        /// The closest attribute.
        suggestion: Option<&'static str>,
    },
    /// A value that the attribute does not take.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl PolicyError {
    /// The status it answers.
    pub fn status(&self) -> Status {
        match self {
            Self::NoId => Status::MISSINGFLD,
            _ => Status::INVDATA,
        }
    }

    /// The field it is about, where there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::NotAnObject => None,
            Self::NoId => Some("policy_id"),
            Self::Unknown { name, .. } => Some(name),
            Self::Value(error) => Some(error.attribute),
        }
    }
}

impl Invalid {
    /// Always 1030.
    pub fn status(&self) -> Status {
        Status::INVALID_POLICY
    }
}

impl Policy {
    /// A policy that sets nothing.
    ///
    /// # Errors
    /// The id is not 1–60 characters without control characters.
    pub fn new(id: &str, parent: Option<&str>) -> Result<Self, PolicyError> {
        let parent = parent
            .map(|parent| checked_id("parent", parent))
            .transpose()?;
        Ok(Self {
            id: checked_id("policy_id", id)?,
            parent,
            ..Self::default()
        })
    }

    /// Sets one field from JSON; `"inherit"` (choices) and null (others) take the value away.
    ///
    /// # Errors
    /// The field is unknown or does not take the value; the policy stays as it was.
    pub fn set(&mut self, name: &str, json: &Json) -> Result<(), PolicyError> {
        match name {
            "policy_id" => self.id = checked_id("policy_id", text("policy_id", json)?)?,
            "description" => self.description = checked_description(json)?,
            "parent" if json.is_null() => self.parent = None,
            "parent" => self.parent = Some(checked_id("parent", text("parent", json)?)?),
            _ => self.set_attribute(name, json)?,
        }
        Ok(())
    }

    fn set_attribute(&mut self, name: &str, json: &Json) -> Result<(), PolicyError> {
        let attribute = Attribute::named(name).ok_or_else(|| unknown(name))?;
        match Value::read(attribute, json)? {
            Some(value) => self.values.insert(attribute.name, value),
            None => self.values.remove(attribute.name),
        };
        Ok(())
    }

    /// Sets all fields of an object, or none of them.
    ///
    /// # Errors
    /// The first field that is refused.
    pub fn apply(&mut self, fields: &Map<String, Json>) -> Result<(), PolicyError> {
        let mut changed = self.clone();
        for (name, json) in fields {
            changed.set(name, json)?;
        }
        *self = changed;
        Ok(())
    }

    /// Reads a whole policy from its export form.
    ///
    /// # Errors
    /// It is no object, has no `policy_id`, or a field is refused.
    pub fn from_json(json: &Json) -> Result<Self, PolicyError> {
        let fields = json.as_object().ok_or(PolicyError::NotAnObject)?;
        if !fields.contains_key("policy_id") {
            return Err(PolicyError::NoId);
        }
        let mut policy = Self::default();
        policy.apply(fields)?;
        Ok(policy)
    }

    /// The export form: id, description, parent and the values it sets itself. What is inherited is left out.
    pub fn to_json(&self) -> Json {
        let mut fields = Map::new();
        fields.insert("policy_id".to_owned(), Json::from(self.id.as_str()));
        fields.insert(
            "description".to_owned(),
            Json::from(self.description.as_str()),
        );
        fields.insert(
            "parent".to_owned(),
            self.parent.as_deref().map_or(Json::Null, Json::from),
        );
        for (name, value) in &self.values {
            fields.insert((*name).to_owned(), value.to_json());
        }
        Json::Object(fields)
    }

    /// The form of views and editors: as the export form, and every inherited attribute as `"inherit"` or null.
    pub fn to_full_json(&self) -> Json {
        let mut json = self.to_json();
        if let Some(fields) = json.as_object_mut() {
            for attribute in ATTRIBUTES {
                let inherited = if attribute.kind.is_choice() {
                    Json::from("inherit")
                } else {
                    Json::Null
                };
                fields.entry(attribute.name).or_insert(inherited);
            }
        }
        json
    }
}

fn text<'a>(field: &'static str, json: &'a Json) -> Result<&'a str, ValueError> {
    json.as_str().ok_or_else(|| ValueError {
        attribute: field,
        allowed: "text".to_owned(),
    })
}

fn checked_id(field: &'static str, id: &str) -> Result<String, ValueError> {
    let size = id.chars().count();
    if size == 0 || size > ID_MAX || id.trim() != id || id.chars().any(char::is_control) {
        let allowed =
            format!("1 to {ID_MAX} characters without control characters or outer spaces");
        return Err(ValueError {
            attribute: field,
            allowed,
        });
    }
    Ok(id.to_owned())
}

fn checked_description(json: &Json) -> Result<String, ValueError> {
    if json.is_null() {
        return Ok(String::new());
    }
    let description = text("description", json)?;
    if description.chars().count() > DESCRIPTION_MAX || description.contains('\0') {
        let allowed = format!("text of at most {DESCRIPTION_MAX} characters");
        return Err(ValueError {
            attribute: "description",
            allowed,
        });
    }
    Ok(description.to_owned())
}

fn unknown(name: &str) -> PolicyError {
    let shown = name.chars().take(64).collect::<String>();
    let suggestion = ATTRIBUTES
        .iter()
        .map(|attribute| (distance(&shown, attribute.name), attribute.name))
        .min()
        .filter(|(distance, close)| *distance <= close.len() / 3)
        .map(|(_, close)| close);
    PolicyError::Unknown {
        name: shown,
        suggestion,
    }
}

/// How many single letters have to be changed, added or taken away.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, against) in row.iter().skip(1).zip(&other) {
            let change = diagonal + usize::from(letter != *against);
            diagonal = *above;
            left = change.min(left + 1).min(*above + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Computes the view of the first policy of a chain; the chain goes from the policy to its top.
///
/// # Errors
/// The chain is empty, repeats a policy or breaks off, a choice is inherited at the top, or an active group check has
/// no groups.
pub fn resolve(chain: &[&Policy]) -> Result<Effective, Invalid> {
    check_links(chain)?;
    let settled = ATTRIBUTES
        .iter()
        .map(|attribute| settle(attribute, chain))
        .collect::<Result<_, _>>()?;
    let view = Effective::new(
        chain.iter().map(|policy| policy.id.clone()).collect(),
        settled,
    );
    check_groups(
        &view,
        "group_check",
        view.group_check,
        "groups",
        &view.groups,
    )?;
    check_groups(
        &view,
        "client_group_check",
        view.client_group_check,
        "client_groups",
        &view.client_groups,
    )?;
    Ok(view)
}

fn check_links(chain: &[&Policy]) -> Result<(), Invalid> {
    let mut links = chain.iter();
    let mut expected = links.next().map(|policy| policy.parent.as_deref());
    if expected.is_none() {
        return Err(Invalid::Missing {
            policy: String::new(),
        });
    }
    for (place, policy) in links.enumerate() {
        let id = fold(&policy.id);
        if chain
            .iter()
            .take(place + 1)
            .any(|earlier| fold(&earlier.id) == id)
        {
            return Err(Invalid::Loop {
                policy: policy.id.clone(),
            });
        }
        match expected.flatten() {
            Some(parent) if fold(parent) == id => expected = Some(policy.parent.as_deref()),
            parent => {
                return Err(Invalid::Missing {
                    policy: parent.unwrap_or_default().to_owned(),
                });
            }
        }
    }
    match expected.flatten() {
        Some(parent) if chain.iter().any(|policy| fold(&policy.id) == fold(parent)) => {
            Err(Invalid::Loop {
                policy: parent.to_owned(),
            })
        }
        Some(parent) => Err(Invalid::Missing {
            policy: parent.to_owned(),
        }),
        None => Ok(()),
    }
}

fn settle(attribute: &'static Attribute, chain: &[&Policy]) -> Result<Settled, Invalid> {
    let found = chain
        .iter()
        .enumerate()
        .find_map(|(place, policy)| Some((place, policy.values.get(attribute.name)?)));
    match (found, chain.last()) {
        (Some((place, value)), _) => Ok(Settled {
            value: Some(value.clone()),
            place: Some(place),
        }),
        (None, Some(top)) if attribute.kind.is_choice() => Err(Invalid::Inherits {
            attribute: attribute.name,
            policy: top.id.clone(),
        }),
        _ => Ok(Settled {
            value: attribute.built_in(),
            place: None,
        }),
    }
}

fn check_groups(
    view: &Effective,
    check: &'static str,
    mode: GroupCheck,
    list: &'static str,
    groups: &[String],
) -> Result<(), Invalid> {
    if mode != GroupCheck::Off && groups.is_empty() {
        return Err(Invalid::NoGroups {
            check,
            list,
            policy: view.policy().to_owned(),
        });
    }
    Ok(())
}
