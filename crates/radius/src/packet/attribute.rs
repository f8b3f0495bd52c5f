//! One attribute and its typed values.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Malformed;

/// Type and value of an attribute (RFC 2865 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The attribute's type.
    pub kind: u8,
    /// Its value, at most 253 octets.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Cuts the first attribute off.
    pub(super) fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let [kind, length, ..] = *bytes else {
            return Err(Malformed::AttributeCut);
        };
        match length {
            0 => return Err(Malformed::AttributeLengthZero),
            1 => return Err(Malformed::AttributeLengthOne),
            _ => {}
        }
        let (attribute, rest) = bytes
            .split_at_checked(usize::from(length))
            .ok_or(Malformed::AttributeOverruns)?;
        Ok((
            Self {
                kind,
                value: attribute.get(2..).unwrap_or_default(),
            },
            rest,
        ))
    }

    /// The value as UTF-8 text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok()
    }

    /// The value as a 32-bit number.
    #[must_use]
    pub fn integer(&self) -> Option<u32> {
        integer(self.value)
    }

    /// The value as an IPv4 address.
    #[must_use]
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        integer(self.value).map(Ipv4Addr::from_bits)
    }

    /// The value as an IPv6 address (RFC 3162 section 2.1).
    #[must_use]
    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        <[u8; 16]>::try_from(self.value).ok().map(Ipv6Addr::from)
    }

    /// The value as an interface identifier (RFC 3162 section 2.2).
    #[must_use]
    pub fn interface_id(&self) -> Option<[u8; 8]> {
        self.value.try_into().ok()
    }

    /// The value as an IPv6 prefix (RFC 3162 section 2.3).
    #[must_use]
    pub fn ipv6_prefix(&self) -> Option<Ipv6Prefix> {
        Ipv6Prefix::read(self.value)
    }

    /// Tag and number of a tagged number (RFC 2868 section 3.1).
    #[must_use]
    pub fn tagged_integer(&self) -> Option<(u8, u32)> {
        let [tag, high, middle, low] = *self.value else {
            return None;
        };
        Some((tag, u32::from_be_bytes([0, high, middle, low])))
    }
}

/// The 32-bit number a value of four octets means.
#[must_use]
pub fn integer(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

/// An IPv6 prefix whose bits beyond the length are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6Prefix {
    /// The prefix, padded with zero bits.
    pub address: Ipv6Addr,
    /// Bits that count, 0 to 128.
    pub length: u8,
}

impl Ipv6Prefix {
    /// Reads reserved octet, length and as many octets as the sender deemed needful; bits beyond the length are cleared.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let [_reserved, length, octets @ ..] = value else {
            return None;
        };
        let enough = usize::from(*length).div_ceil(8) <= octets.len();
        if *length > 128 || octets.len() > 16 || !enough {
            return None;
        }
        let mut address = [0; 16];
        address.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self::new(Ipv6Addr::from(address), *length))
    }

    /// The prefix of this length (capped at 128) that holds the address.
    #[must_use]
    pub fn new(address: Ipv6Addr, length: u8) -> Self {
        let length = length.min(128);
        let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
        Self {
            address: Ipv6Addr::from_bits(address.to_bits() & mask),
            length,
        }
    }

    /// The attribute value, with the fewest octets.
    #[must_use]
    pub fn to_value(self) -> Vec<u8> {
        let octets = self.address.octets();
        let mut value = vec![0, self.length];
        value.extend(octets.iter().take(usize::from(self.length).div_ceil(8)));
        value
    }
}

/// Iterator over attributes already found to be well-formed.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Attributes in wire form; ends at the first one that does not fit.
    pub(crate) fn over(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (attribute, rest) = Attribute::split(self.rest).ok()?;
        self.rest = rest;
        Some(attribute)
    }
}
