//! MS-CHAP-Error (RFC 2433 section 6, RFC 2759 section 6).

use std::fmt::Write;

/// The text of MS-CHAP-Error: `E=691 R=0 C=… V=3 M=…`.
///
/// `error` is the Windows error (691 refused, 648 password expired), `challenge` the new challenge (8 octets in
/// version 1, 16 in version 2); an empty message leaves `M=` out.
#[must_use]
pub fn error_text(error: u16, retry: bool, challenge: &[u8], message: &str) -> String {
    let mut text = format!("E={error} R={} C=", u8::from(retry));
    for octet in challenge {
        // Writing into a String cannot fail.
        let _ = write!(text, "{octet:02X}");
    }
    text.push_str(" V=3");
    if !message.is_empty() {
        text.push_str(" M=");
        text.push_str(message);
    }
    text
}

/// The value of the attribute: the identifier of the response, then the text.
#[must_use]
pub fn error_value(identifier: u8, text: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(text.len() + 1);
    value.push(identifier);
    value.extend_from_slice(text.as_bytes());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_as_the_rfc_writes_it() {
        let text = error_text(691, false, &[0xab; 16], "Refused");
        assert_eq!(
            text,
            "E=691 R=0 C=ABABABABABABABABABABABABABABABAB V=3 M=Refused"
        );
        assert_eq!(
            error_text(648, true, &[1; 8], ""),
            "E=648 R=1 C=0101010101010101 V=3"
        );
        assert_eq!(error_value(7, "E=691")[..3], [7, b'E', b'=']);
    }
}
