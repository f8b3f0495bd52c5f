//! Names of entries (RFC 4514) and of their attributes (RFC 4512), as far as a mistake can be told before a directory
//! is asked.

/// Most parts of a name.
const MOST_PARTS: usize = 64;

/// A distinguished name of at least one part: `type=value`, with `,` between and `\` before what would end a value.
pub(in crate::admin::table) fn is_dn(text: &str) -> bool {
    let parts = parts(text);
    parts.len() <= MOST_PARTS && parts.iter().all(|part| is_part(part))
}

/// Splits at commas and plus signs that no backslash stands before.
fn parts(text: &str) -> Vec<&str> {
    let mut escaped = false;
    text.split(|letter| {
        let ends = !escaped && matches!(letter, ',' | '+');
        escaped = !escaped && letter == '\\';
        ends
    })
    .collect()
}

fn is_part(part: &str) -> bool {
    part.split_once('=').is_some_and(|(kind, value)| {
        is_attribute(kind.trim()) && !value.trim().is_empty() && escapes_are_whole(value)
    })
}

/// After a backslash stands one special letter or two hexadecimal digits; what is special stands nowhere else.
fn escapes_are_whole(value: &str) -> bool {
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(special) if " \"#+,;<=>\\".contains(special) => {}
                Some(first) if first.is_ascii_hexdigit() => {
                    if !letters
                        .next()
                        .is_some_and(|second| second.is_ascii_hexdigit())
                    {
                        return false;
                    }
                }
                _ => return false,
            },
            '"' | ';' | '<' | '>' | '\0' => return false,
            _ => {}
        }
    }
    true
}

/// The name of an attribute with its options, or an object identifier.
pub(in crate::admin::table) fn is_attribute(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let mut options = text.split(';');
    let name = options.next().unwrap_or_default();
    let dotted = |name: &str| {
        name.split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let named =
        name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(plain);
    text.len() <= 64
        && (named || dotted(name))
        && options.all(|option| !option.is_empty() && option.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries_are_told_from_other_texts() {
        for text in [
            "dc=example,dc=org",
            "CN=Smith\\, John,OU=Sales + OU=x,DC=example",
            "cn=a\\2cb, o=c",
            "2.5.4.3=x",
            "o=\u{dc}bung",
        ] {
            assert!(is_dn(text), "{text}");
        }
        for text in [
            "",
            "example.org",
            "dc=",
            "dc=a,,dc=b",
            "=a",
            "cn=a\\",
            "cn=a\\zz",
            "c n=a",
            "cn=a;b=c",
            "cn=<a>",
            "dc=a,",
        ] {
            assert!(!is_dn(text), "{text}");
        }
        assert!(!is_dn(&vec!["dc=a"; MOST_PARTS + 1].join(",")));
    }

    #[test]
    fn names_of_attributes_are_told_from_other_texts() {
        for text in [
            "sAMAccountName",
            "cn;lang-de",
            "1.2.840.113556.1.4.221",
            "x-1",
        ] {
            assert!(is_attribute(text), "{text}");
        }
        for text in ["", "a b", "1a", "a;", "1..2", "a)(b", "-a", "a*"] {
            assert!(!is_attribute(text), "{text}");
        }
    }
}
