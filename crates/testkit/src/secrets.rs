//! Every secret that went through the clients of this process, and the search for them in what a server left behind.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a secret is; says where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Typed as a whole: a password, a PIN, a one-time password or a mixture.
    Typed,
    /// A key, a shared secret, a token.
    Key,
    /// The reference of a challenge (State, `challenge_key`): the store needs it, audit, traces and logs do not.
    Challenge,
}

/// Shorter values are found by chance in any file (six digits in a hash).
pub const SHORTEST_BY_CHANCE: usize = 8;

/// Keywords of the predefined policies.
const KEYWORDS: [&str; 3] = ["challenge", "otp", "push"];

static SEEN: Mutex<BTreeMap<String, Kind>> = Mutex::new(BTreeMap::new());
static PUBLIC: Mutex<Vec<String>> = Mutex::new(Vec::new());

const TYPED: [&str; 14] = [
    "password",
    "static_password",
    "old_password",
    "new_password",
    "confirm_password",
    "confirm",
    "otp",
    "pin",
    "new_pin",
    "confirm_new_pin",
    "confirm_pin",
    "response",
    "host_code_value",
    "passphrase",
];
const KEYS: [&str; 10] = [
    "secret_hex",
    "secret_base32",
    "shared_secret",
    "bind_password",
    "hmac_key",
    "client_key",
    "token",
    "api_key",
    "key_hex",
    "otpauth",
];

fn locked<T>(of: &'static Mutex<T>) -> MutexGuard<'static, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a secret.
pub fn note(kind: Kind, value: &str) {
    if !value.is_empty() {
        locked(&SEEN).insert(value.to_owned(), kind);
    }
}

/// A word that is typed but no secret, such as the keyword of a policy.
pub fn is_public(word: &str) {
    locked(&PUBLIC).push(word.to_owned());
}

/// Remembers the secrets in a JSON body.
pub fn note_json(body: &Value) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if TYPED.contains(&name.as_str()) => {
                        note(Kind::Typed, text)
                    }
                    Value::String(text) if KEYS.contains(&name.as_str()) => note(Kind::Key, text),
                    Value::String(text) if name == "challenge_key" => note(Kind::Challenge, text),
                    nested => note_json(nested),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(note_json),
        _ => {}
    }
}

/// Remembers the secrets in an answer; the audit answers masked and shortened ones only, which are none.
pub fn note_answer(path: &str, body: &Value) {
    if !path.contains("/audit/") {
        note_json(body);
    }
}

/// All secrets so far.
pub fn seen() -> Vec<(String, Kind)> {
    let mut public = locked(&PUBLIC).clone();
    public.extend(KEYWORDS.map(str::to_owned));
    locked(&SEEN)
        .iter()
        .filter(|(value, _)| !public.contains(value))
        .map(|(value, kind)| (value.clone(), *kind))
        .collect()
}

/// The secrets that stand in `text` as a word of their own.
pub fn found_in_text(text: &str) -> Vec<String> {
    seen()
        .into_iter()
        .map(|(value, _)| value)
        .filter(|value| stands_alone(text, value))
        .collect()
}

fn stands_alone(text: &str, value: &str) -> bool {
    let joins = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '.' || letter == '-')
    };
    text.match_indices(value).any(|(at, _)| {
        let before = text.get(..at).and_then(|front| front.chars().next_back());
        let after = text
            .get(at + value.len()..)
            .and_then(|rest| rest.chars().next());
        value.len() >= SHORTEST_BY_CHANCE || !joins(before) && !joins(after)
    })
}

/// The secrets of at least eight characters that stand in bytes; references of challenges excepted. `place` names them.
pub fn found_in_bytes(place: &str, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    seen()
        .into_iter()
        .filter(|(value, kind)| *kind != Kind::Challenge && value.len() >= SHORTEST_BY_CHANCE)
        .filter(|(value, _)| text.contains(value.as_str()))
        .map(|(value, _)| format!("{value} in {place}"))
        .collect()
}

/// The files of a database.
pub fn database_files(database: &Path) -> Vec<PathBuf> {
    ["", "-wal", "-shm", "-journal"]
        .iter()
        .map(|end| {
            let mut name = database.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        })
        .filter(|path| path.exists())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_noted_is_found_where_it_stands() {
        note_json(
            &json!({"user": "paul", "nested": [{"otp": "490154"}], "secret_hex": "c0ffee00c0ffee00"}),
        );
        note_answer(
            "/v1/admin/audit/query",
            &json!({"password": "only-masked-here"}),
        );
        is_public("keyword-of-a-policy");
        note(Kind::Typed, "keyword-of-a-policy");
        assert_eq!(found_in_text(r#"{"value":"490154"}"#), ["490154"]);
        assert_eq!(
            found_in_text("a490154b 0.490154 keyword-of-a-policy only-masked-here"),
            Vec::<String>::new(),
            "six digits within a number"
        );

        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        std::fs::write(&database, b"\xff\x00c0ffee00c0ffee00\xfe").unwrap();
        let files = database_files(&database);
        assert_eq!(files, [database.as_path()]);
        let found = found_in_bytes("the store", &std::fs::read(&files[0]).unwrap());
        assert!(
            found.len() == 1 && found[0].starts_with("c0ffee00c0ffee00 in "),
            "{found:?}"
        );
    }
}
