//! LDAP search filters as texts (RFC 4515).

use super::dn::is_attribute;

/// Longest filter.
pub(super) const MOST_CHARACTERS: usize = 1024;
/// Deepest nesting of a filter.
const MOST_DEEP: usize = 16;

/// Whether a text is one whole filter, of bounded depth.
pub(in crate::admin::table) fn is_filter(text: &str) -> bool {
    text.len() <= 4 * MOST_CHARACTERS && filter(text, MOST_DEEP) == Some("")
}

/// Reads one filter and answers what stands after it.
fn filter(text: &str, deep: usize) -> Option<&str> {
    let inner = text.strip_prefix('(')?;
    let deep = deep.checked_sub(1)?;
    let rest = match inner.chars().next()? {
        '&' | '|' => list(inner.get(1..)?, deep)?,
        '!' => filter(inner.get(1..)?, deep)?,
        _ => item(inner)?,
    };
    rest.strip_prefix(')')
}

fn list(text: &str, deep: usize) -> Option<&str> {
    let mut rest = filter(text, deep)?;
    while rest.starts_with('(') {
        rest = filter(rest, deep)?;
    }
    Some(rest)
}

/// `attribute OP value`, up to the bracket that closes it.
fn item(text: &str) -> Option<&str> {
    let end = text.find(')')?;
    let (item, rest) = text.split_at(end);
    let (left, value) = item.split_once('=')?;
    let (name, starred) = match left.strip_suffix(['~', '>', '<']) {
        Some(name) => (name, false),
        None => (left, true),
    };
    let known = match name.strip_suffix(':') {
        Some(extended) => is_extended(extended),
        None => is_attribute(name),
    };
    (known && is_value(value, starred)).then_some(rest)
}

/// `attribute`, `attribute:dn`, `attribute:rule`, `attribute:dn:rule`, `:rule` or `:dn:rule`.
fn is_extended(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return false;
    }
    let attribute = parts.remove(0);
    let named_dn = parts.first() == Some(&"dn");
    let rule = parts.get(usize::from(named_dn)..).unwrap_or_default();
    (attribute.is_empty() || is_attribute(attribute))
        && rule.len() <= 1
        && rule.iter().all(|rule| is_attribute(rule))
        && (!attribute.is_empty() || !rule.is_empty())
}

/// A backslash begins two hexadecimal digits; a bracket or NUL needs one, and so does a star outside substrings.
fn is_value(text: &str, starred: bool) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let good = match letter {
            '\\' => {
                let mut digit = || {
                    letters
                        .next()
                        .is_some_and(|digit| digit.is_ascii_hexdigit())
                };
                digit() && digit()
            }
            '(' | '\0' => false,
            '*' => starred,
            _ => true,
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        for text in [
            "(cn=a)",
            "(cn=)",
            "(cn=*)",
            "(cn=a*b*c)",
            "(cn~=a)",
            "(age>=5)",
            "(age<=5)",
            "(&(a=b)(c=d))",
            "(|(a=b)(!(c=d)))",
            "(memberOf:1.2.840.113556.1.4.1941:=cn=x,dc=y)",
            "(cn:dn:2.4.6.8.10:=a)",
            "(:dn:2.4.6.8.10:=a)",
            "(:caseExactMatch:=a)",
            "(cn:dn:=a)",
            "(cn=a\\28b\\29)",
            "(userAccountControl:1.2.840.113556.1.4.803:=2)",
            "(cn=\u{e4})",
        ] {
            assert!(is_filter(text), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "cn=a",
            "(cn=a",
            "(cn=a))",
            "(cn=a)(b=c)",
            "(&)",
            "(cn)",
            "(=a)",
            "(cn=(a)",
            "(cn=\\2)",
            "(cn=\\zz)",
            "(age>=*)",
            "(!)",
            "(!(a=b)(c=d))",
            "(c n=a)",
            "(::=a)",
            "(&(a=b)c=d)",
            " (a=b)",
        ] {
            assert!(!is_filter(text), "{text}");
        }
        let deep = |levels: usize| format!("{}(a=b){}", "(!".repeat(levels), ")".repeat(levels));
        assert!(is_filter(&deep(MOST_DEEP - 1)) && !is_filter(&deep(MOST_DEEP)));
        assert!(!is_filter(&"(".repeat(100_000)));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[()&|!=~<>:*\\\\a2.;\u{e4} -]{0,80}") {
            let _ = is_filter(&text);
        }
    }
}
