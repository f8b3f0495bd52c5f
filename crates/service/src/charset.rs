//! Texts in the character sets that RADIUS clients and servers are said to use.

use countersign_engine::attempt::Unreadable;
use countersign_engine::model::Charset;
use countersign_engine::text::has_control;

/// The text of an attribute in a component's character set, without control characters.
pub(crate) fn decode(charset: Charset, bytes: &[u8]) -> Result<String, Unreadable> {
    let text = match charset {
        Charset::Utf8 => std::str::from_utf8(bytes)
            .map_err(|_| Unreadable)?
            .to_owned(),
        Charset::Ascii if bytes.is_ascii() => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Charset::Ascii => return Err(Unreadable),
        Charset::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Charset::Cp1252 => bytes
            .iter()
            .map(|byte| cp1252(*byte))
            .collect::<Option<String>>()
            .ok_or(Unreadable)?,
    };
    if has_control(&text) {
        Err(Unreadable)
    } else {
        Ok(text)
    }
}

/// A text in a character set; none where it has a character that the set lacks.
pub(crate) fn encode(charset: Charset, text: &str) -> Option<Vec<u8>> {
    match charset {
        Charset::Utf8 => Some(text.as_bytes().to_vec()),
        Charset::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
        Charset::Latin1 => text.chars().map(|c| u8::try_from(c).ok()).collect(),
        Charset::Cp1252 => text.chars().map(to_cp1252).collect(),
    }
}

/// 0x80–0x9f of Windows code page 1252, which is ISO 8859-1 besides; five are undefined.
const HIGH: [char; 32] = [
    '\u{20ac}', '\0', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\0', '\u{17d}', '\0', '\0',
    '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}',
    '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\0', '\u{17e}', '\u{178}',
];

fn cp1252(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => HIGH
            .get(usize::from(byte) - 0x80)
            .copied()
            .filter(|c| *c != '\0'),
        _ => Some(char::from(byte)),
    }
}

fn to_cp1252(c: char) -> Option<u8> {
    let high = || HIGH.iter().position(|high| *high == c && c != '\0');
    match u8::try_from(c) {
        Ok(0x80..=0x9f) | Err(_) => u8::try_from(high()? + 0x80).ok(),
        Ok(byte) => Some(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_character_set_of_the_component() {
        assert_eq!(
            decode(Charset::Utf8, "M\u{fc}ller".as_bytes()).as_deref(),
            Ok("M\u{fc}ller")
        );
        assert_eq!(
            decode(Charset::Latin1, b"M\xfcller").as_deref(),
            Ok("M\u{fc}ller")
        );
        assert_eq!(
            decode(Charset::Cp1252, b"\x80uro").as_deref(),
            Ok("\u{20ac}uro")
        );
        for (charset, bytes) in [
            (Charset::Utf8, &b"M\xfcller"[..]),
            (Charset::Ascii, b"M\xfc"),
            (Charset::Cp1252, b"\x81"),
            (Charset::Utf8, b"a\0b"),
            (Charset::Latin1, b"\x85"),
        ] {
            assert_eq!(decode(charset, bytes), Err(Unreadable), "{charset:?}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for charset in [
            Charset::Utf8,
            Charset::Latin1,
            Charset::Cp1252,
            Charset::Ascii,
        ] {
            for byte in 0x20..=0xff_u8 {
                let Ok(text) = decode(charset, &[byte]) else {
                    continue;
                };
                assert_eq!(
                    encode(charset, &text),
                    Some(vec![byte]),
                    "{charset:?} {byte:#x}"
                );
            }
        }
        for (charset, text) in [
            (Charset::Latin1, "\u{20ac}"),
            (Charset::Cp1252, "\u{81}"),
            (Charset::Cp1252, "\u{3b1}"),
            (Charset::Ascii, "\u{e4}"),
        ] {
            assert_eq!(encode(charset, text), None, "{charset:?}");
        }
    }
}
