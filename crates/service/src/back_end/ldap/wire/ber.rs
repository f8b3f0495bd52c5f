//! The part of ASN.1's Basic Encoding Rules that LDAP uses (RFC 4511 section 5.1): one-byte tags, definite lengths.

use zeroize::Zeroizing;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Bytes being written; wiped, also where they had to move to a larger place.
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(1024)))
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// An element that holds others.
    pub(super) fn constructed(&mut self, tag: u8, content: impl FnOnce(&mut Self)) {
        // the long form with four bytes can be filled in afterwards
        self.push(&[tag, 0x84, 0, 0, 0, 0]);
        let start = self.0.len();
        content(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(start - 4..start) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// An element that holds bytes.
    pub(super) fn primitive(&mut self, tag: u8, value: &[u8]) {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
        match value.len() {
            short @ 0..0x80 => self.push(&[tag, u8::try_from(short).unwrap_or(0)]),
            _ => {
                self.push(&[tag, 0x84]);
                self.push(&length);
            }
        }
        self.push(value);
    }

    pub(super) fn octets(&mut self, value: &[u8]) {
        self.primitive(OCTETS, value);
    }

    pub(super) fn boolean(&mut self, tag: u8, value: bool) {
        self.primitive(tag, &[if value { 0xff } else { 0 }]);
    }

    /// An integer or enumeration in the shortest form.
    pub(super) fn integer(&mut self, tag: u8, value: i32) {
        let bytes = value.to_be_bytes();
        let mut rest = bytes.as_slice();
        while let [first, second, ..] = rest {
            let spare =
                (*first == 0 && second & 0x80 == 0) || (*first == 0xff && second & 0x80 != 0);
            if !spare {
                break;
            }
            rest = rest.split_first().map_or(rest, |(_, rest)| rest);
        }
        self.primitive(tag, rest);
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() + bytes.len()) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

/// Elements being read, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and its content.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, header, content) = header(self.0).ok()??;
        let value = self.0.get(header..header.checked_add(content)?)?;
        self.0 = self.0.get(header + content..)?;
        Some((tag, value))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, value) = self.next()?;
        (found == tag).then_some(value)
    }

    /// The content of the next element if it has this tag; otherwise it stays.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.take(tag)
    }

    /// The elements in the next one, which must have this tag.
    pub(super) fn within(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Reader)
    }

    pub(super) fn integer(&mut self, tag: u8) -> Option<i64> {
        integer(self.take(tag)?)
    }
}

/// The value of an integer or enumeration.
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    let (first, _) = bytes.split_first()?;
    if bytes.len() > 8 {
        return None;
    }
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Some(
        bytes
            .iter()
            .fold(start, |sum, byte| (sum << 8) | i64::from(*byte)),
    )
}

/// Tag, length of the header and length of the content of the first element; `None` = more bytes are needed to tell.
pub(super) fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, &'static str> {
    const FORM: &str = "the answer is not in the encoding of LDAP";
    let [tag, length, rest @ ..] = bytes else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err(FORM);
    }
    match length {
        short @ 0..=0x7f => Ok(Some((*tag, 2, usize::from(*short)))),
        0x81..=0x84 => {
            let count = usize::from(length & 0x7f);
            let Some(digits) = rest.get(..count) else {
                return Ok(None);
            };
            let length = digits
                .iter()
                .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            Ok(Some((*tag, 2 + count, length)))
        }
        _ => Err(FORM),
    }
}
