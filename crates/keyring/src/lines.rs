//! The text form of key files: a header line, then `name: value` lines in fixed order; empty lines and `#` comments are skipped.

/// The values of the named lines, when the text is the header and exactly these lines.
pub(crate) fn read<'a, const N: usize>(
    text: &'a str,
    header: &str,
    names: [&str; N],
) -> Option<[&'a str; N]> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines.next() != Some(header) {
        return None;
    }
    let mut values = [""; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = lines.next()?.strip_prefix(name)?.strip_prefix(':')?.trim();
    }
    lines.next().is_none().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_lines_are_exact() {
        let parse = |text| read(text, "thing 1", ["id", "key"]);
        assert_eq!(parse("thing 1\nid: a\nkey: b\n"), Some(["a", "b"]));
        assert_eq!(
            parse("# hello\r\n\r\nthing 1\r\nid:a\r\n  key: b c \r\n"),
            Some(["a", "b c"])
        );
        for text in [
            "",
            "thing 2\nid: a\nkey: b",
            "thing 1\nid: a",
            "thing 1\nkey: b\nid: a",
            "thing 1\nid: a\nkey: b\nkey: b",
            "thing 1\nid a\nkey: b",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_lines_may_be_asked_for() {
        assert_eq!(read("x", "x", []), Some([]));
    }
}
