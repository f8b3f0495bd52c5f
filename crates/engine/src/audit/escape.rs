//! Values are data, never format: how they enter tables, lines and terminals.

use std::borrow::Cow;
use std::fmt::Write;

/// A cell of a CSV file (RFC 4180). A cell that a spreadsheet would take for a formula gets a leading apostrophe.
pub fn csv_cell(value: &str) -> Cow<'_, str> {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = value.contains(['"', ',', ';', '\r', '\n']);
    if !formula && !quoted {
        return Cow::Borrowed(value);
    }
    let mut cell = String::with_capacity(value.len() + 3);
    if quoted {
        cell.push('"');
    }
    if formula {
        cell.push('\'');
    }
    cell.push_str(&value.replace('"', "\"\""));
    if quoted {
        cell.push('"');
    }
    Cow::Owned(cell)
}

/// A value within one line of text or on a terminal: control characters, line ends of any kind and characters that turn
/// the writing direction become `\n`, `\r`, `\t` or `\u{…}`.
pub fn one_line(value: &str) -> Cow<'_, str> {
    if !value.contains(is_unruly) {
        return Cow::Borrowed(value);
    }
    let mut line = String::with_capacity(value.len() + 8);
    for letter in value.chars() {
        match letter {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            letter if is_unruly(letter) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    Cow::Owned(line)
}

/// A parameter value of RFC 5424 structured data, without its quotes: controls as in [`one_line`], and a backslash before
/// `"`, `\` and `]`.
pub fn syslog_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for letter in one_line(value).chars() {
        if matches!(letter, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn is_unruly(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_get_an_apostrophe() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("+49 151"), "'+49 151");
        assert_eq!(csv_cell("-2"), "'-2");
        assert_eq!(csv_cell("@x"), "'@x");
        assert_eq!(csv_cell("\tx"), "'\tx");
        assert_eq!(csv_cell("\rx"), "\"'\rx\"");
        assert_eq!(csv_cell("=a,\"b\""), "\"'=a,\"\"b\"\"\"");
    }

    #[test]
    fn cells_are_quoted_where_they_must() {
        assert_eq!(csv_cell("plain text"), "plain text");
        assert_eq!(csv_cell(""), "");
        assert_eq!(csv_cell("a,b"), "\"a,b\"");
        assert_eq!(csv_cell("a\nb"), "\"a\nb\"");
        assert_eq!(csv_cell("say \"x\""), "\"say \"\"x\"\"\"");
    }

    #[test]
    fn terminals_get_no_orders() {
        assert_eq!(one_line("M\u{fc}ller"), "M\u{fc}ller");
        assert_eq!(one_line("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(one_line("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(
            one_line("\u{9b}2J\u{202e}\u{2028}"),
            "\\u{9b}2J\\u{202e}\\u{2028}"
        );
        assert_eq!(syslog_value("a\"]\\\n"), "a\\\"\\]\\\\\\\\n");
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_its_line(value in any::<String>()) {
            prop_assert!(!one_line(&value).chars().any(is_unruly));
            let cell = csv_cell(&value);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            if cell.contains(['\n', '\r', ',']) {
                prop_assert!(cell.starts_with('"') && cell.ends_with('"'));
            }
        }
    }
}
