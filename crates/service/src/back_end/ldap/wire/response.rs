//! Answers from bytes.

use super::Control;
use super::ber::{ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET};

/// Characters of a server's text that are kept.
const TEXT_MAX: usize = 300;
/// References of one answer that are kept.
const REFERENCES_MAX: usize = 16;
/// Controls of one answer that are read.
const CONTROLS_MAX: usize = 16;

/// Result codes (RFC 4511 appendix A) that are told apart here.
pub(in super::super) mod code {
    pub(in super::super::super) const SUCCESS: i64 = 0;
    pub(in super::super::super) const SIZE_LIMIT_EXCEEDED: i64 = 4;
    pub(in super::super::super) const REFERRAL: i64 = 10;
    pub(in super::super::super) const NO_SUCH_ATTRIBUTE: i64 = 16;
    pub(in super::super::super) const CONSTRAINT_VIOLATION: i64 = 19;
    pub(in super::super::super) const NO_SUCH_OBJECT: i64 = 32;
    pub(in super::super::super) const INAPPROPRIATE_AUTHENTICATION: i64 = 48;
    pub(in super::super::super) const INVALID_CREDENTIALS: i64 = 49;
    pub(in super::super::super) const INSUFFICIENT_ACCESS_RIGHTS: i64 = 50;
    pub(in super::super::super) const UNWILLING_TO_PERFORM: i64 = 53;
}

const NAMES: [(i64, &str); 26] = [
    (0, "success"),
    (1, "operationsError"),
    (2, "protocolError"),
    (3, "timeLimitExceeded"),
    (4, "sizeLimitExceeded"),
    (7, "authMethodNotSupported"),
    (8, "strongerAuthRequired"),
    (10, "referral"),
    (11, "adminLimitExceeded"),
    (12, "unavailableCriticalExtension"),
    (13, "confidentialityRequired"),
    (16, "noSuchAttribute"),
    (17, "undefinedAttributeType"),
    (18, "inappropriateMatching"),
    (19, "constraintViolation"),
    (20, "attributeOrValueExists"),
    (21, "invalidAttributeSyntax"),
    (32, "noSuchObject"),
    (34, "invalidDNSyntax"),
    (48, "inappropriateAuthentication"),
    (49, "invalidCredentials"),
    (50, "insufficientAccessRights"),
    (51, "busy"),
    (52, "unavailable"),
    (53, "unwillingToPerform"),
    (80, "other"),
];

/// One message of a server.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Message {
    /// The number of the request; 0 = none.
    pub(in super::super) id: i64,
    pub(in super::super) operation: Operation,
    pub(in super::super) controls: Vec<Control>,
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Operation {
    Bound(Outcome),
    Entry(Entry),
    /// Where more entries are.
    Reference(Vec<String>),
    Searched(Outcome),
    Modified(Outcome),
    Extended(Outcome),
    /// Of no interest here.
    Other,
}

/// How a request ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Outcome {
    /// The result code.
    pub(in super::super) code: i64,
    /// The server's words, shortened, without control characters.
    pub(in super::super) text: String,
    /// Where the server would be asked instead.
    pub(in super::super) referral: Vec<String>,
}

/// An entry of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it lies.
    pub(crate) dn: String,
    attributes: Vec<Attribute>,
}

/// An attribute with its values.
pub(crate) type Attribute = (String, Vec<Vec<u8>>);

impl Entry {
    /// An entry made here.
    #[cfg(test)]
    pub(in super::super) fn new(dn: &str, attributes: &[(&str, &str)]) -> Self {
        let owned =
            |(name, value): &(&str, &str)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]);
        Self {
            dn: dn.to_owned(),
            attributes: attributes.iter().map(owned).collect(),
        }
    }

    /// Its name and all attributes with their values.
    pub(crate) fn into_parts(self) -> (String, Vec<Attribute>) {
        (self.dn, self.attributes)
    }

    /// All values of an attribute, whose name counts in any case.
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        let own = self
            .attributes
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map_or(&[], |(_, values)| values)
    }

    /// The first value of an attribute.
    pub(crate) fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).first().map(Vec::as_slice)
    }

    /// The first value of an attribute, if it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.first(name)?).ok()
    }
}

impl Outcome {
    /// Whether the server did what it was asked.
    pub(in super::super) fn is_success(&self) -> bool {
        self.code == code::SUCCESS
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = NAMES.iter().find(|(code, _)| *code == self.code);
        match name {
            Some((code, name)) => write!(f, "{name} ({code})")?,
            None => write!(f, "result {}", self.code)?,
        }
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// It is none.
    pub(in super::super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        read(bytes).ok_or("a message of the answer cannot be read")
    }
}

fn read(bytes: &[u8]) -> Option<Message> {
    let mut fields = Reader::new(bytes).within(SEQUENCE)?;
    let id = fields.integer(INTEGER)?;
    let (tag, content) = fields.next()?;
    let operation = operation(tag, Reader::new(content))?;
    let mut controls = Vec::new();
    if let Some(all) = fields.optional(0xa0) {
        let mut all = Reader::new(all);
        while !all.is_empty() && controls.len() < CONTROLS_MAX {
            controls.push(Control::read(&mut all)?);
        }
    }
    Some(Message {
        id,
        operation,
        controls,
    })
}

fn operation(tag: u8, mut content: Reader<'_>) -> Option<Operation> {
    Some(match tag {
        0x61 => Operation::Bound(outcome(&mut content)?),
        0x64 => Operation::Entry(entry(&mut content)?),
        0x65 => Operation::Searched(outcome(&mut content)?),
        0x67 => Operation::Modified(outcome(&mut content)?),
        0x73 => Operation::Reference(references(content)?),
        0x78 => Operation::Extended(outcome(&mut content)?),
        _ => Operation::Other,
    })
}

fn outcome(fields: &mut Reader<'_>) -> Option<Outcome> {
    let code = fields.integer(ENUMERATED)?;
    let _matched = fields.take(OCTETS)?;
    let text = readable(fields.take(OCTETS)?);
    let referral = match fields.optional(0xa3) {
        Some(all) => references(Reader::new(all))?,
        None => Vec::new(),
    };
    Some(Outcome {
        code,
        text,
        referral,
    })
}

fn entry(fields: &mut Reader<'_>) -> Option<Entry> {
    let dn = std::str::from_utf8(fields.take(OCTETS)?).ok()?.to_owned();
    let mut rest = fields.within(SEQUENCE)?;
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let mut own = rest.within(SEQUENCE)?;
        let name = std::str::from_utf8(own.take(OCTETS)?).ok()?.to_owned();
        let mut set = own.within(SET)?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.take(OCTETS)?.to_vec());
        }
        attributes.push((name, values));
    }
    Some(Entry { dn, attributes })
}

fn references(mut all: Reader<'_>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    while !all.is_empty() {
        let one = readable(all.take(OCTETS)?);
        if found.len() < REFERENCES_MAX {
            found.push(one);
        }
    }
    Some(found)
}

/// A server's words as they can stand in a record.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let clean = text.trim_end_matches(['\0', '\n', '\r']).chars();
    let clean = clean.map(|c| if c.is_control() { ' ' } else { c });
    clean.take(TEXT_MAX).collect()
}
