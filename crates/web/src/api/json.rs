//! JSON bodies, read strictly: one object, no key twice at any depth, at most 128 levels.

use std::fmt;

use countersign_service::reply::Problem;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problem::problem;

/// Characters of a key that an error shows.
const SHOWN: usize = 64;

/// The object that a body holds.
///
/// # Errors
/// 400 if it is not JSON, not an object, or has a key twice; no value of the body is repeated in it.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match value(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(problem(400, "The body must be a JSON object.")),
        Err(error) => Err(problem(
            400,
            format!("The body is not usable JSON: {error}."),
        )),
    }
}

fn value(body: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a value, refusing a key that stands twice: two readers of such a body may see two different requests.
#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                let key: String = key.chars().take(SHOWN).collect();
                return Err(A::Error::custom(format_args!(
                    "the key {key:?} stands twice"
                )));
            }
            let value = members.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        let problem = object(body.as_bytes()).unwrap_err();
        assert_eq!(problem.http, 400, "{body}");
        problem.detail
    }

    #[test]
    fn an_object_keeps_every_kind_of_value() {
        let body = r#"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1.5,"f":"ü\n","g":[1,{"h":[]}]}"#;
        let expected: Map<String, Value> = serde_json::from_str(body).unwrap();
        assert_eq!(object(body.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_key_twice_is_refused_at_any_depth() {
        assert!(refusal(r#"{"user":"a","user":"b"}"#).contains(r#""user" stands twice"#));
        assert!(refusal(r#"{"x":[{"y":{"z":1,"z":1}}]}"#).contains(r#""z" stands twice"#));
        // The same key written with an escape is still the same key.
        assert!(refusal(r#"{"user":"a","\u0075ser":"b"}"#).contains("stands twice"));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["[]", "null", "1", r#""x""#, "true"] {
            assert!(refusal(body).contains("must be a JSON object"), "{body}");
        }
    }

    #[test]
    fn malformed_text_is_refused_without_repeating_it() {
        for body in [
            "",
            " ",
            "{",
            r#"{"a":1}}"#,
            r#"{"a":1} x"#,
            "{'a':1}",
            r#"{"a":01}"#,
            r#"{"a":1e999}"#,
        ] {
            assert!(refusal(body).contains("not usable JSON"), "{body}");
        }
        assert!(!refusal(r#"{"otp":"123456" "#).contains("123456"));
        assert_eq!(object(b"{\"a\":\"\xff\"}").unwrap_err().http, 400);
        assert_eq!(object(br#"{"a":"\ud800"}"#).unwrap_err().http, 400);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(refusal(&deep).contains("recursion limit"));
    }

    #[test]
    fn a_long_key_is_cut_in_the_error() {
        let key = "k".repeat(500);
        assert!(refusal(&format!(r#"{{"{key}":1,"{key}":2}}"#)).len() < 200);
    }
}
