//! What a web service answers. What it should not say is no answer.

use crate::back_end::ldap::fitting;
use crate::back_end::{Target, Tried};
use countersign_engine::back_end::{Given, Question, Said, UserInfo, Wanted};
use countersign_engine::model::AttributeMap;
use countersign_engine::text::{fold, has_control};
use countersign_radius::Dictionary;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Characters of a text for the user.
const MOST_TEXT: usize = 1000;
/// Characters that a test shows of what a service said (administration.md 16).
const MOST_SHOWN: usize = 200;
/// Octets of a state.
const MOST_STATE: usize = 253;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::built_in);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    result: Outcome,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    groups: Option<Vec<String>>,
    #[serde(default)]
    user_info: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, Values>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Accept,
    Reject,
    Expired,
    Disabled,
    Locked,
    Challenge,
    WeakPassword,
    Unavailable,
}

/// One value or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// Translates an answer.
pub(super) fn read(bytes: &[u8], target: &Target, wanted: &Wanted) -> Tried {
    let body: Body = serde_json::from_slice(bytes)
        .map_err(|error| format!("the answer is not as it should be: {error}"))?;
    let message = body.message.as_deref().map(printable).unwrap_or_default();
    let said = match body.result {
        Outcome::Accept => accepted(body, target, wanted, message.clone())?,
        Outcome::Reject => Said::Rejected,
        Outcome::Expired => Said::Expired,
        Outcome::Disabled => Said::Disabled,
        Outcome::Locked => Said::Locked,
        Outcome::WeakPassword => Said::Weak,
        Outcome::Challenge => challenge(body, target, wanted, message.clone())?,
        Outcome::Unavailable => {
            return Err(format!(
                "the service says that it is unavailable: {message}"
            ));
        }
    };
    Ok((said, message))
}

fn accepted(body: Body, target: &Target, wanted: &Wanted, message: String) -> Result<Said, String> {
    match wanted {
        Wanted::Groups(names) => {
            let found = body
                .groups
                .ok_or("the answer holds no groups, which were asked for")?;
            let found: Vec<_> = found.iter().map(|name| fold(name)).collect();
            Ok(Said::Member(
                names.iter().any(|name| found.contains(&fold(name))),
            ))
        }
        Wanted::UserInfo => {
            let found = body
                .user_info
                .ok_or("the answer holds no user_info, which was asked for")?;
            Ok(match info(&found, &target.record.map) {
                Ok(info) => Said::Info(Box::new(info)),
                Err(why) => Said::InfoUnusable(why),
            })
        }
        _ => Ok(Said::Accepted(Box::new(Given {
            attributes: encoded(body.attributes.unwrap_or_default()),
            keys: None,
            message,
        }))),
    }
}

fn challenge(
    body: Body,
    target: &Target,
    wanted: &Wanted,
    message: String,
) -> Result<Said, String> {
    if !matches!(wanted, Wanted::Authenticate(_) | Wanted::Respond { .. }) {
        return Err("the answer is a challenge, but no password was asked about".to_owned());
    }
    let state = body.state.unwrap_or_default();
    if state.is_empty() || state.len() > MOST_STATE {
        return Err(format!(
            "the answer is a challenge without a state of 1 to {MOST_STATE} bytes"
        ));
    }
    Ok(Said::Challenge(Box::new(Question {
        server: target.record.key,
        state: state.into_bytes(),
        message,
    })))
}

/// Attributes for the client; those that cannot be sent are left out, as attributes of an account are.
fn encoded(attributes: BTreeMap<String, Values>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, values) in attributes {
        let values = match values {
            Values::One(value) => vec![value],
            Values::Several(values) => values,
        };
        for value in values {
            match DICTIONARY.encode(&name, &value) {
                Ok(attribute) => out.extend_from_slice(attribute.as_bytes()),
                Err(error) => {
                    tracing::warn!(attribute = name, %error, "an attribute of a web service cannot be sent and is left out");
                }
            }
        }
    }
    out
}

fn info(found: &BTreeMap<String, Option<String>>, map: &AttributeMap) -> Result<UserInfo, String> {
    let value = |field: &str, mapped: &Option<String>| {
        let name = mapped.as_deref().unwrap_or(field);
        match found.get(name) {
            Some(Some(text)) if !name.is_empty() => fitting(field, name, text),
            _ => Ok(String::new()),
        }
    };
    let mut info = UserInfo::default();
    info.contact.name = value("name", &map.name)?;
    info.contact.phone = value("phone", &map.phone)?;
    info.contact.mobile = value("mobile", &map.mobile)?;
    info.contact.email = value("email", &map.email)?;
    Ok(info)
}

fn printable(text: &str) -> String {
    let space = |c: char| has_control(c.encode_utf8(&mut [0; 4]));
    text.chars()
        .map(|c| if space(c) { ' ' } else { c })
        .take(MOST_TEXT)
        .collect()
}

/// What came of a try, for a test of the record.
pub(super) fn in_words(tried: Tried) -> Result<String, String> {
    let (said, note) = tried?;
    let note: String = note.chars().take(MOST_SHOWN).collect();
    let with_note = |text: &str| match note.as_str() {
        "" => text.to_owned(),
        note => format!("{text}: {note}"),
    };
    match said {
        Said::Accepted(_) => Ok(with_note("accepted")),
        Said::Challenge(_) => Ok(with_note("the service asks another question")),
        Said::Member(true) => Ok("a member of one of the groups".to_owned()),
        Said::Member(false) => Err("a member of none of the groups".to_owned()),
        Said::Info(_) => Ok("the user is known".to_owned()),
        Said::InfoUnusable(why) => Err(why),
        Said::Expired => Err(with_note("the password has expired")),
        Said::Disabled => Err(with_note("the account is disabled")),
        Said::Locked => Err(with_note("the account is locked")),
        Said::Unsupported | Said::HashRefused => Err("the service is not asked this".to_owned()),
        _ => Err(with_note("refused")),
    }
}
