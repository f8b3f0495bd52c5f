//! Search filters: built as values, or read from the text of a record (RFC 4515).

use super::ber::Writer;

/// The longest text of a filter.
const TEXT_MAX: usize = 4096;
/// How deep filters may lie in each other.
const DEPTH_MAX: usize = 20;

/// Which entries are wanted. Values are bytes and leave as bytes: nothing in them can end or widen a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    /// First part, parts between, last part.
    Like(String, Option<Vec<u8>>, Vec<Vec<u8>>, Option<Vec<u8>>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    About(String, Vec<u8>),
    Present(String),
    /// Matching rule, attribute, value, attributes of the DN too.
    Rule(Option<String>, Option<String>, Vec<u8>, bool),
}

impl Filter {
    /// The attribute has this value.
    pub(in super::super) fn equal(attribute: &str, value: impl AsRef<[u8]>) -> Self {
        Self::Equal(attribute.to_owned(), value.as_ref().to_vec())
    }

    /// The attribute matches the value by a rule.
    pub(in super::super) fn rule(rule: &str, attribute: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        Self::Rule(
            Some(rule.to_owned()),
            Some(attribute.to_owned()),
            value,
            false,
        )
    }

    /// Every entry.
    pub(in super::super) fn any() -> Self {
        Self::Present("objectClass".to_owned())
    }

    /// Reads the text of a record.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(in super::super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_MAX {
            return Err(format!("the filter is longer than {TEXT_MAX} bytes"));
        }
        let mut parser = Parser {
            text: text.trim(),
            at: 0,
        };
        let filter = parser.filter(0)?;
        match parser.rest() {
            "" => Ok(filter),
            _ => Err(parser.wrong("nothing more is expected")),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::And(all) => writer.constructed(0xa0, |w| all.iter().for_each(|one| one.write(w))),
            Self::Or(all) => writer.constructed(0xa1, |w| all.iter().for_each(|one| one.write(w))),
            Self::Not(one) => writer.constructed(0xa2, |w| one.write(w)),
            Self::Equal(attribute, value) => assertion(writer, 0xa3, attribute, value),
            Self::AtLeast(attribute, value) => assertion(writer, 0xa5, attribute, value),
            Self::AtMost(attribute, value) => assertion(writer, 0xa6, attribute, value),
            Self::About(attribute, value) => assertion(writer, 0xa8, attribute, value),
            Self::Present(attribute) => writer.primitive(0x87, attribute.as_bytes()),
            Self::Like(attribute, first, between, last) => writer.constructed(0xa4, |w| {
                w.octets(attribute.as_bytes());
                w.constructed(super::ber::SEQUENCE, |w| {
                    first.iter().for_each(|part| w.primitive(0x80, part));
                    between.iter().for_each(|part| w.primitive(0x81, part));
                    last.iter().for_each(|part| w.primitive(0x82, part));
                });
            }),
            Self::Rule(rule, attribute, value, dn) => writer.constructed(0xa9, |w| {
                rule.iter()
                    .for_each(|rule| w.primitive(0x81, rule.as_bytes()));
                attribute
                    .iter()
                    .for_each(|name| w.primitive(0x82, name.as_bytes()));
                w.primitive(0x83, value);
                if *dn {
                    w.boolean(0x84, true);
                }
            }),
        }
    }
}

fn assertion(writer: &mut Writer, tag: u8, attribute: &str, value: &[u8]) {
    writer.constructed(tag, |w| {
        w.octets(attribute.as_bytes());
        w.octets(value);
    });
}

/// Makes a filter that compares an attribute with a value.
type Compare = fn(String, Vec<u8>) -> Filter;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn wrong(&self, what: &str) -> String {
        format!("the filter is wrong at character {}: {what}", self.at + 1)
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("too many filters lie in each other"));
        }
        if !self.skip("(") {
            return Err(self.wrong("( is expected"));
        }
        let filter = if self.skip("&") {
            Filter::And(self.list(depth)?)
        } else if self.skip("|") {
            Filter::Or(self.list(depth)?)
        } else if self.skip("!") {
            Filter::Not(Box::new(self.filter(depth + 1)?))
        } else {
            self.item()?
        };
        if !self.skip(")") {
            return Err(self.wrong(") is expected"));
        }
        Ok(filter)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, String> {
        let mut all = Vec::new();
        while self.rest().starts_with('(') {
            all.push(self.filter(depth + 1)?);
        }
        if all.is_empty() {
            return Err(self.wrong("( is expected"));
        }
        Ok(all)
    }

    fn item(&mut self) -> Result<Filter, String> {
        let rest = self.rest();
        let Some(equals) = rest.find('=') else {
            return Err(self.wrong("= is expected"));
        };
        let Some((left, right)) = rest.split_at_checked(equals) else {
            return Err(self.wrong("= is expected"));
        };
        let value = right.get(1..).unwrap_or("");
        let value = value.split([')', '(']).next().unwrap_or("");
        let filter = self.assertion(left, value)?;
        self.at += equals + 1 + value.len();
        Ok(filter)
    }

    fn assertion(&self, left: &str, value: &str) -> Result<Filter, String> {
        let comparisons: [(char, Compare); 3] = [
            ('>', Filter::AtLeast),
            ('<', Filter::AtMost),
            ('~', Filter::About),
        ];
        for (sign, make) in comparisons {
            if let Some(name) = left.strip_suffix(sign) {
                return Ok(make(self.attribute(name)?, self.value(value)?));
            }
        }
        if let Some(left) = left.strip_suffix(':') {
            return self.rule(left, value);
        }
        let attribute = self.attribute(left)?;
        if value == "*" {
            return Ok(Filter::Present(attribute));
        }
        let parts: Vec<_> = value
            .split('*')
            .map(|part| self.value(part))
            .collect::<Result<_, _>>()?;
        match parts.as_slice() {
            [whole] => Ok(Filter::Equal(attribute, whole.clone())),
            [first, between @ .., last] => {
                let some = |part: &Vec<u8>| (!part.is_empty()).then(|| part.clone());
                let between = between.iter().filter_map(some).collect();
                Ok(Filter::Like(attribute, some(first), between, some(last)))
            }
            [] => Err(self.wrong("a value is expected")),
        }
    }

    /// `attribute:dn:rule`, each of which may be missing, but not both attribute and rule.
    fn rule(&self, left: &str, value: &str) -> Result<Filter, String> {
        let mut parts = left.split(':');
        let attribute = parts.next().unwrap_or("");
        let mut rest: Vec<_> = parts.collect();
        let dn = rest
            .first()
            .is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            rest.remove(0);
        }
        let rule = match rest.as_slice() {
            [] => None,
            [rule] => Some(self.attribute(rule)?),
            _ => return Err(self.wrong("a matching rule is expected")),
        };
        let attribute = match attribute {
            "" if rule.is_some() => None,
            name => Some(self.attribute(name)?),
        };
        Ok(Filter::Rule(rule, attribute, self.value(value)?, dn))
    }

    fn attribute(&self, name: &str) -> Result<String, String> {
        if is_attribute(name) {
            return Ok(name.to_owned());
        }
        Err(self.wrong("the name of an attribute is expected"))
    }

    fn value(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            match (first, after) {
                (b'\\', [high, low, after @ ..]) => {
                    let byte = hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low);
                    bytes.push(byte.ok_or_else(|| self.wrong("\\ needs two hexadecimal digits"))?);
                    rest = after;
                }
                (b'\\' | 0, _) => return Err(self.wrong("\\ needs two hexadecimal digits")),
                (byte, _) => bytes.push(*byte),
            }
        }
        Ok(bytes)
    }
}

/// Whether a text can name an attribute, with options, or a matching rule (RFC 4512 section 2.5).
pub(super) fn is_attribute(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | '_');
    !name.is_empty() && name.len() <= 200 && name.chars().all(allowed)
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}
