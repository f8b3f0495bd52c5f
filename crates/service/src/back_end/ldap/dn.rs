//! Distinguished names as they are compared (RFC 4514).

/// A distinguished name: each part in the form in which it is compared, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Dn(Vec<Part>);

/// A relative name: attribute and value pairs in order.
type Part = Vec<(String, String)>;

impl Dn {
    /// Reads a text; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut part = Vec::new();
        for (piece, end) in pieces(text)? {
            let (name, value) = piece.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            if name.is_empty() || !name.chars().all(allowed) {
                return None;
            }
            part.push((name, folded(value)?));
            if end != '+' {
                part.sort();
                parts.push(std::mem::take(&mut part));
            }
        }
        Some(Self(parts))
    }

    /// Whether it lies in `other` or is it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.ends_with(&other.0)
    }

    /// How many parts it has.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The value of its own part, if that has the attribute `cn`.
    pub(super) fn common_name(&self) -> Option<&str> {
        let own = self.0.first()?;
        let pair = own.iter().find(|(name, _)| name == "cn")?;
        Some(&pair.1)
    }

    /// The DNS name of the domain it lies in, by its parts `dc` at the end (RFC 2247).
    pub(super) fn domain(&self) -> Option<String> {
        let label = |part: &Part| match part.as_slice() {
            [(name, value)] if name == "dc" => Some(value.clone()),
            _ => None,
        };
        let mut labels: Vec<_> = self.0.iter().rev().map_while(label).collect();
        labels.reverse();
        (!labels.is_empty()).then(|| labels.join("."))
    }
}

/// Text as directories compare it: any case, inner spaces as one.
pub(super) fn fold(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    countersign_engine::text::fold(&words.join(" "))
}

/// The domain part of a base: what its last parts `dc` say as a name.
pub(super) fn domain_base(base: &str) -> Option<String> {
    let domain = Dn::parse(base)?.domain()?;
    let labels: Vec<_> = domain
        .split('.')
        .map(|label| format!("DC={label}"))
        .collect();
    Some(labels.join(","))
}

/// The text between the separators that no `\` takes the meaning of, each with the separator after it.
fn pieces(text: &str) -> Option<Vec<(&str, char)>> {
    let mut all = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' | ';' | '+' => {
                all.push((text.get(start..at)?, c));
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push((text.get(start..)?, ','));
    (!escaped).then_some(all)
}

/// A value without its escapes, in the form in which it is compared.
fn folded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.trim_start().as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'\\', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
                rest = after;
            }
            (b'\\', [next, after @ ..]) => {
                bytes.push(*next);
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    Some(fold(std::str::from_utf8(&bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_whatever_their_spelling() {
        let dn = |text: &str| Dn::parse(text).unwrap();
        assert_eq!(
            dn("CN=Staff, OU=Groups,DC=example"),
            dn("cn=staff,ou=groups,dc=EXAMPLE")
        );
        assert_eq!(dn(r"cn=Doe\, Jane,dc=a"), dn(r"cn=doe\2c  jane,dc=a"));
        assert_eq!(dn("cn=a+uid=b,dc=a"), dn("uid=b+cn=a,dc=a"));
        assert_ne!(dn(r"cn=a\,dc=a"), dn("cn=a,dc=a"));
        assert_eq!(dn("cn=J\u{dc}rgen,dc=a"), dn("cn=j\u{fc}rgen,dc=a"));
        for text in ["", "staff", "cn", "=x", "cn=a,", r"cn=a\", "c n=a"] {
            assert_eq!(Dn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_tells_its_domain_and_what_it_lies_in() {
        let dn = Dn::parse("CN=a,OU=b.c,DC=ad,DC=Example,DC=test").unwrap();
        assert_eq!(dn.domain().as_deref(), Some("ad.example.test"));
        assert!(dn.is_within(&Dn::parse("dc=example,dc=test").unwrap()));
        assert!(!dn.is_within(&Dn::parse("dc=other,dc=test").unwrap()));
        assert_eq!(dn.common_name(), Some("a"));
        assert_eq!(Dn::parse("o=x").unwrap().domain(), None);
        let base = domain_base("OU=People,DC=ad,DC=example,DC=test");
        assert_eq!(base.as_deref(), Some("DC=ad,DC=example,DC=test"));
    }
}
