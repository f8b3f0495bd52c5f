//! From name and text to the octets of an attribute.

mod value;

use super::{Definition, Dictionary, Hidden, Space};
use crate::kind;
use crate::packet::MAX_VALUE;

/// One whole attribute in wire form; several where a long extended one comes in fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeBytes(Vec<u8>);

impl AttributeBytes {
    /// The octets as they stand in a packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why text cannot be made an attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The dictionary has no attribute of this name.
    #[error("find attribute {0} in the dictionary")]
    UnknownName(String),
    /// The server writes this attribute itself.
    #[error("set {0}: the server writes it itself")]
    Reserved(String),
    /// The attribute is hidden with the client's secret, which is not at hand.
    #[error("set {0}: it is encrypted for one client only")]
    Hidden(String),
    /// A tag other than 0 to 31, or on an attribute that has none.
    #[error("read the tag of {0}")]
    Tag(String),
    /// The text is no value of the attribute's type.
    #[error("read the value of {name} as {wanted}")]
    Value {
        /// The attribute.
        name: String,
        /// The type's name.
        wanted: &'static str,
    },
    /// The value is empty or exceeds what the attribute holds.
    #[error("fit the value of {0} into one attribute")]
    Length(String),
}

/// What the server alone writes into a packet.
const RESERVED: [u8; 9] = [
    kind::USER_PASSWORD,
    kind::CHAP_PASSWORD,
    kind::STATE,
    kind::VENDOR_SPECIFIC,
    kind::PROXY_STATE,
    kind::CHAP_CHALLENGE,
    kind::EAP_MESSAGE,
    kind::MESSAGE_AUTHENTICATOR,
    kind::ACCT_STATUS_TYPE,
];

const MORE: u8 = 0x80;
const LONG_FRAGMENT: usize = 251;

impl Dictionary {
    /// Makes an attribute for a reply from name and text.
    ///
    /// `name` may end in `:` and a tag. Numbers may be named values, decimal or `0x` hexadecimal; dates are seconds
    /// since 1970; octets are `0x` hexadecimal or plain text.
    ///
    /// # Errors
    /// [`EncodeError`], one variant per cause.
    pub fn encode(&self, name: &str, text: &str) -> Result<AttributeBytes, EncodeError> {
        let (bare, tag) = split_tag(name)?;
        let definition = self
            .by_name(bare)
            .ok_or_else(|| EncodeError::UnknownName(bare.to_owned()))?;
        check_allowed(definition)?;
        if tag.is_some() && !definition.tagged {
            return Err(EncodeError::Tag(name.to_owned()));
        }
        let value = value::octets(self, definition, text).ok_or_else(|| EncodeError::Value {
            name: bare.to_owned(),
            wanted: definition.data.name(),
        })?;
        let value = value::with_tag(definition, tag, value)
            .ok_or_else(|| EncodeError::Length(bare.to_owned()))?;
        wrap(definition, &value)
            .map(AttributeBytes)
            .ok_or_else(|| EncodeError::Length(bare.to_owned()))
    }
}

fn split_tag(name: &str) -> Result<(&str, Option<u8>), EncodeError> {
    let Some((bare, tag)) = name.rsplit_once(':') else {
        return Ok((name, None));
    };
    match tag.parse() {
        Ok(tag @ 0..=31) => Ok((bare, Some(tag))),
        _ => Err(EncodeError::Tag(name.to_owned())),
    }
}

fn check_allowed(definition: &Definition) -> Result<(), EncodeError> {
    if definition.space == Space::Standard && RESERVED.contains(&definition.number) {
        return Err(EncodeError::Reserved(definition.name.to_string()));
    }
    if definition.hidden != Hidden::No {
        return Err(EncodeError::Hidden(definition.name.to_string()));
    }
    Ok(())
}

/// Puts type, length and what its space asks for before the value.
fn wrap(definition: &Definition, value: &[u8]) -> Option<Vec<u8>> {
    if value.is_empty() {
        return None;
    }
    let number = definition.number;
    match definition.space {
        Space::Standard => attribute(number, &[], value),
        Space::Vendor(vendor) => {
            let [a, b, c, d] = vendor.to_be_bytes();
            let length = u8::try_from(value.len() + 2).ok()?;
            attribute(kind::VENDOR_SPECIFIC, &[a, b, c, d, number, length], value)
        }
        Space::Extended(outer) => extended(outer, number, value),
        Space::ExtendedVendor(outer, vendor) => {
            let mut inner = vendor.to_be_bytes().to_vec();
            inner.push(number);
            inner.extend_from_slice(value);
            extended(outer, kind::VENDOR_SPECIFIC, &inner)
        }
    }
}

fn attribute(kind: u8, head: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let size = head.len() + value.len();
    if size > MAX_VALUE {
        return None;
    }
    let mut bytes = vec![kind, u8::try_from(size + 2).ok()?];
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(value);
    Some(bytes)
}

fn extended(outer: u8, number: u8, value: &[u8]) -> Option<Vec<u8>> {
    if outer < 245 {
        return attribute(outer, &[number], value);
    }
    let last = value.len().div_ceil(LONG_FRAGMENT) - 1;
    let mut bytes = Vec::new();
    for (at, piece) in value.chunks(LONG_FRAGMENT).enumerate() {
        let flags = if at < last { MORE } else { 0 };
        bytes.extend(attribute(outer, &[number, flags], piece)?);
    }
    Some(bytes)
}
