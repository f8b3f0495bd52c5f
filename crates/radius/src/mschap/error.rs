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

/// What an MS-CHAP-Error says, as far as anybody acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadError<'a> {
    /// The Windows error: 646 hours, 647 disabled, 648 expired, 649 no permission, 691 refused, 709 change refused.
    pub error: u16,
    /// Text for the user; empty if there is none.
    pub message: &'a str,
}

impl<'a> ReadError<'a> {
    /// Reads the value of the attribute; `None` if it holds no error number.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Option<Self> {
        // The identifier in front may be any octet, `E` too.
        let text = std::str::from_utf8(value.get(1..)?).ok()?;
        let digits = text.trim_start().strip_prefix("E=")?;
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let error = digits.get(..end.unwrap_or(digits.len()))?.parse().ok()?;
        let message = text.split_once(" M=").map_or("", |(_, message)| message);
        Some(Self { error, message })
    }
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

    #[test]
    fn what_is_written_is_read() {
        let read = |text: &str| {
            ReadError::read(&error_value(b'E', text)).map(|it| (it.error, it.message.to_owned()))
        };
        let said = |error, message: &str| Some((error, message.to_owned()));
        assert_eq!(
            read(&error_text(648, true, &[7; 16], "Password expired")),
            said(648, "Password expired")
        );
        assert_eq!(
            read("E=691 R=1 C=00 V=3 M=Authentication rejected"),
            said(691, "Authentication rejected")
        );
        assert_eq!(read("E=647"), said(647, ""));
        for odd in ["", "E=", "E=x", "691", "E=99999", "R=0 E=691"] {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(ReadError::read(&[]), None);
        assert_eq!(ReadError::read(&[1, 0xff, 0xfe]), None);
    }
}
