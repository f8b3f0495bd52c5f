//! Extended and long extended attributes (RFC 6929).

use std::borrow::Cow;

use super::{Attribute, Attributes};

const SHORT: std::ops::RangeInclusive<u8> = 241..=244;
const LONG: std::ops::RangeInclusive<u8> = 245..=246;
const MORE: u8 = 0x80;
const FULL_FRAGMENT: usize = 251;
const VENDOR_SPECIFIC: u8 = 26;

/// An extended attribute, joined from its fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended<'a> {
    /// 241 to 246.
    pub kind: u8,
    /// The extended type.
    pub extended: u8,
    /// The value; borrowed unless it came in fragments.
    pub value: Cow<'a, [u8]>,
}

/// The content of an Extended-Vendor-Specific attribute (RFC 6929 section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedVendor<'v> {
    /// The vendor's enterprise number.
    pub vendor: u32,
    /// The vendor's type.
    pub kind: u8,
    /// The value.
    pub value: &'v [u8],
}

impl Extended<'_> {
    /// The vendor's part, when the extended type is 26.
    #[must_use]
    pub fn vendor(&self) -> Option<ExtendedVendor<'_>> {
        if self.extended != VENDOR_SPECIFIC {
            return None;
        }
        let (vendor, rest) = self.value.split_first_chunk()?;
        let (kind, value) = rest.split_first()?;
        Some(ExtendedVendor {
            vendor: u32::from_be_bytes(*vendor),
            kind: *kind,
            value,
        })
    }
}

/// Why an extended attribute counts as invalid; the packet around it stays good (RFC 6929 section 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExtended {
    /// No room for the extended type or the flags.
    #[error("read an extended attribute that is too short")]
    TooShort,
    /// The next fragment is missing or of another type.
    #[error("read an extended attribute that lacks a fragment")]
    FragmentMissing,
    /// A fragment that others follow is not full.
    #[error("read an extended attribute with a fragment that is not full")]
    FragmentNotFull,
}

/// Iterator over the extended attributes of a packet.
#[derive(Debug, Clone, Copy)]
pub struct ExtendedAttributes<'a> {
    attributes: Attributes<'a>,
}

struct Fragment<'a> {
    extended: u8,
    more: bool,
    value: &'a [u8],
}

impl<'a> ExtendedAttributes<'a> {
    pub(super) fn over(attributes: Attributes<'a>) -> Self {
        Self { attributes }
    }

    fn join(&mut self, kind: u8, first: &Fragment<'a>) -> Result<Extended<'a>, InvalidExtended> {
        if !first.more {
            return Ok(Extended {
                kind,
                extended: first.extended,
                value: Cow::Borrowed(first.value),
            });
        }
        let mut value = first.value.to_vec();
        let (mut more, mut size) = (true, first.value.len());
        while more {
            if size != FULL_FRAGMENT {
                return Err(InvalidExtended::FragmentNotFull);
            }
            let next = self
                .next_fragment(kind, first.extended)
                .ok_or(InvalidExtended::FragmentMissing)?;
            value.extend_from_slice(next.value);
            (more, size) = (next.more, next.value.len());
        }
        Ok(Extended {
            kind,
            extended: first.extended,
            value: Cow::Owned(value),
        })
    }

    /// Takes the following attribute only if it continues the one being read.
    fn next_fragment(&mut self, kind: u8, extended: u8) -> Option<Fragment<'a>> {
        let mut ahead = self.attributes;
        let attribute = ahead.next().filter(|it| it.kind == kind)?;
        let fragment = Fragment::read(attribute)
            .ok()
            .filter(|it| it.extended == extended)?;
        self.attributes = ahead;
        Some(fragment)
    }
}

impl<'a> Fragment<'a> {
    fn read(attribute: Attribute<'a>) -> Result<Self, InvalidExtended> {
        match *attribute.value {
            [extended, ref value @ ..] if SHORT.contains(&attribute.kind) => Ok(Self {
                extended,
                more: false,
                value,
            }),
            [extended, flags, ref value @ ..] if LONG.contains(&attribute.kind) => Ok(Self {
                extended,
                more: flags & MORE != 0,
                value,
            }),
            _ => Err(InvalidExtended::TooShort),
        }
    }
}

impl<'a> Iterator for ExtendedAttributes<'a> {
    type Item = Result<Extended<'a>, InvalidExtended>;

    fn next(&mut self) -> Option<Self::Item> {
        let attribute = self
            .attributes
            .find(|it| SHORT.contains(&it.kind) || LONG.contains(&it.kind))?;
        Some(Fragment::read(attribute).and_then(|first| self.join(attribute.kind, &first)))
    }
}
