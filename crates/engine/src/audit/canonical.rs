//! Canonical JSON (RFC 8785): sorted keys, shortest numbers, no spaces, only the escapes that must be.

use serde_json::{Number, Value as Json};

/// The largest whole number that every reader of JSON keeps exactly.
const EXACT: u64 = (1 << 53) - 1;

/// Appends a value in canonical form. A number that no double keeps exactly becomes its text.
pub fn write(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Json::Number(number) => write_number(number, out),
        Json::String(text) => write_text(text, out),
        Json::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Json::Object(fields) => {
            let mut sorted: Vec<(&String, &Json)> = fields.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push(b'{');
            for (place, (name, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// A value in canonical form.
pub fn bytes(json: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    write(json, &mut out);
    out
}

/// Appends a text with its quotes.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(from..place).unwrap_or_default());
        write_escape(*byte, out);
        from = place + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            return write_hex(&[byte], out);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends bytes as lower case hexadecimal digits, without quotes.
pub fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |half: u8| {
        if half < 10 {
            b'0' + half
        } else {
            b'a' + half - 10
        }
    };
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
}

/// Appends a whole number, as text where a double would not keep it.
pub fn write_integer(number: i64, out: &mut Vec<u8>) {
    let exact = number.unsigned_abs() <= EXACT;
    if !exact {
        out.push(b'"');
    }
    if number < 0 {
        out.push(b'-');
    }
    write_digits(number.unsigned_abs(), out);
    if !exact {
        out.push(b'"');
    }
}

/// Appends the decimal digits of a number.
pub(super) fn write_digits(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(whole) = number.as_i64() {
        return write_integer(whole, out);
    }
    let value = number.as_f64().unwrap_or_default();
    let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
    if number.is_u64() || !plain {
        return write_text(&number.to_string(), out);
    }
    // Between these bounds the shortest form of ECMAScript has no exponent and is the one Rust prints; minus zero is 0.
    let text = if value == 0.0 {
        "0".to_owned()
    } else {
        value.to_string()
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn canonical(json: &Json) -> String {
        String::from_utf8(bytes(json)).unwrap()
    }

    /// RFC 8785 section 3.2.3, keys in the order of UTF-16 code units.
    #[test]
    fn keys_are_sorted_as_utf16() {
        let json = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(
            canonical(&json),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
    }

    /// RFC 8785 section 3.2.2, texts.
    #[test]
    fn texts_have_the_least_escapes() {
        let text = "\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/\u{7f}";
        assert_eq!(
            canonical(&json!(text)),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\""
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            canonical(&json!([0, -1, 56.0, 1e3, 4.50, 0.002, -0.0, 0.000_001])),
            "[0,-1,56,1000,4.5,0.002,0,0.000001]"
        );
        assert_eq!(
            canonical(&json!([
                9_007_199_254_740_991_i64,
                9_007_199_254_740_992_i64
            ])),
            "[9007199254740991,\"9007199254740992\"]"
        );
        assert_eq!(
            canonical(&json!([u64::MAX, i64::MIN])),
            "[\"18446744073709551615\",\"-9223372036854775808\"]"
        );
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i32>().prop_map(Json::from),
            ".{0,12}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                proptest::collection::hash_map(".{0,6}", inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_leads_back(json in values()) {
            let written = bytes(&json);
            let read: Json = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!(&read, &json);
            prop_assert_eq!(bytes(&read), written);
        }
    }
}
