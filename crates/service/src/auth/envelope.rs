//! A change that came encrypted, opened (authentication.md 12). What is wrong with it the engine answers, once it knows
//! the user.

use crate::logon::{OwnEnvelope, OwnSeparate};
use countersign_engine::Secret;
use countersign_engine::time::Timestamp;
use countersign_keyring::Keyring;
use serde::Deserialize;

/// Longest user ID, domain and identity, in characters.
const MOST_NAME: usize = 255;

/// The content of a message. Nothing else may be in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    user: String,
    domain: Option<String>,
    iat: f64,
    jti: String,
    #[serde(default, deserialize_with = "hidden")]
    old_password: Option<Secret>,
    #[serde(default, deserialize_with = "hidden")]
    new_password: Option<Secret>,
    #[serde(default, deserialize_with = "hidden")]
    confirm_password: Option<Secret>,
    #[serde(default, deserialize_with = "hidden")]
    pin: Option<Secret>,
    #[serde(default, deserialize_with = "hidden")]
    new_pin: Option<Secret>,
}

fn hidden<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

/// The parts of the change that a message holds, or why it cannot be read.
pub(super) fn open(ring: &Keyring, message: &Secret) -> OwnSeparate {
    match opened(ring, message) {
        Ok((envelope, content)) => OwnSeparate {
            static_password: content.old_password,
            new_password: content.new_password,
            confirm_new_password: content.confirm_password,
            pin: content.pin,
            new_pin: content.new_pin,
            envelope: Some(Ok(envelope)),
            ..OwnSeparate::default()
        },
        Err(why) => OwnSeparate {
            envelope: Some(Err(why)),
            ..OwnSeparate::default()
        },
    }
}

fn opened(ring: &Keyring, message: &Secret) -> Result<(OwnEnvelope, Content), String> {
    let text = std::str::from_utf8(message.expose()).unwrap_or_default();
    let plain = ring.open_jwe(text).map_err(|error| error.to_string())?;
    read(plain.expose())
        .ok_or_else(|| "the content of the message is not what it must be".to_owned())
}

/// Reads the content: one of the two pairs must be there, whole and alone.
fn read(plain: &[u8]) -> Option<(OwnEnvelope, Content)> {
    let mut content: Content = serde_json::from_slice(plain).ok()?;
    let passwords = [&content.old_password, &content.new_password].map(Option::is_some);
    let pins = [&content.pin, &content.new_pin].map(Option::is_some);
    let (passwords, pins) = match (passwords, pins) {
        ([true, true], [false, false]) => (true, false),
        ([false, false], [true, true]) => (false, true),
        _ => return None,
    };
    let digits = |pin: &Option<Secret>| {
        pin.as_ref()
            .is_none_or(|pin| pin.expose().iter().all(u8::is_ascii_digit))
    };
    let named = |text: &str| !text.is_empty() && text.chars().count() <= MOST_NAME;
    let right = named(&content.user)
        && named(&content.jti)
        && content.domain.as_deref().is_none_or(named)
        && (passwords || content.confirm_password.is_none())
        && (!pins || digits(&content.pin) && digits(&content.new_pin));
    let envelope = OwnEnvelope {
        user: std::mem::take(&mut content.user),
        domain: content.domain.take(),
        made: moment(content.iat)?,
        id: std::mem::take(&mut content.jti),
    };
    right.then_some((envelope, content))
}

/// A NumericDate (RFC 7519): seconds since 1970, perhaps with a fraction.
fn moment(seconds: f64) -> Option<Timestamp> {
    const MOST: f64 = 1e11;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range saturates and is not used; a fraction of a microsecond is nothing"
    )]
    (0.0..MOST)
        .contains(&seconds)
        .then_some(Timestamp((seconds * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn content(change: impl Fn(&mut Value)) -> Option<(OwnEnvelope, Content)> {
        let mut content = json!({"user": "anna", "domain": "sales", "iat": 1_700_000_000, "jti": "1",
            "old_password": "Secret", "new_password": "Sesame"});
        change(&mut content);
        read(content.to_string().as_bytes())
    }

    #[test]
    fn what_a_message_must_hold() {
        let (envelope, own) = content(|_| ()).unwrap();
        assert_eq!(
            (envelope.user.as_str(), envelope.id.as_str()),
            ("anna", "1")
        );
        assert_eq!(envelope.made, Timestamp::from_seconds(1_700_000_000));
        assert_eq!(own.old_password.unwrap().expose(), b"Secret");
        let pins = |content: &mut Value| {
            *content = json!({"user": "anna", "iat": 1_700_000_000.25, "jti": "1", "pin": "1234", "new_pin": "5678"});
        };
        let (envelope, own) = content(pins).unwrap();
        assert_eq!(envelope.made, Timestamp(1_700_000_000_250_000));
        assert_eq!(
            (envelope.domain, own.new_pin.unwrap().expose()),
            (None, &b"5678"[..])
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let bad: [fn(&mut Value); 14] = [
            |content| content["user"] = "".into(),
            |content| content["user"] = 7.into(),
            |content| content["user"] = "u".repeat(256).into(),
            |content| content["jti"] = "".into(),
            |content| content["jti"] = Value::Null,
            |content| content["domain"] = "".into(),
            |content| content["iat"] = "1700000000".into(),
            |content| content["iat"] = (-1).into(),
            |content| content["iat"] = 1e300.into(),
            |content| content["pin"] = "1234".into(),
            |content| content["new_password"] = Value::Null,
            |content| content["admin"] = true.into(),
            |content| *content = json!([]),
            |content| {
                *content =
                    json!({"user": "anna", "iat": 1, "jti": "1", "pin": "1234", "new_pin": "56a8"});
            },
        ];
        for change in bad {
            assert!(content(change).is_none());
        }
        assert!(read(b"").is_none() && read(&[0xff, 0xfe]).is_none());
    }

    #[test]
    fn a_message_for_another_server_is_a_fault_of_the_envelope() {
        let root = std::sync::Arc::new(countersign_keyring::RootKey::generate().unwrap());
        let ring = Keyring::first(root, 1).unwrap().keyring;
        let own = open(&ring, &Secret::new("a.b.c.d.e"));
        assert_eq!(
            own.envelope.unwrap().unwrap_err(),
            "the message is no JWE in compact form"
        );
        assert!(own.static_password.is_none() && own.new_password.is_none());
    }
}
