//! Percent-encoding (RFC 3986 section 2.1).

use zeroize::Zeroizing;

/// The text of an encoded one; a plus stands for itself. None when a percent sign or the UTF-8 is wrong.
pub(super) fn decode(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            other => other,
        });
    }
    std::str::from_utf8(&bytes)
        .ok()
        .map(|text| Zeroizing::new(text.to_owned()))
}

/// Appends the text; all but letters, digits and `-._~` is encoded, the at sign too, as every reader takes that.
pub(super) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                out.push('%');
                out.extend([other >> 4, other & 0x0f].map(hex_char));
            }
        }
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn hex_char(half: u8) -> char {
    char::from_digit(u32::from(half), 16)
        .unwrap_or('0')
        .to_ascii_uppercase()
}
