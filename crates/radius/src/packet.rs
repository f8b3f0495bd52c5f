//! Reading a packet without copying it (RFC 2865 section 3).

mod attribute;
mod code;
mod extended;
mod malformed;
mod vendor;

pub use attribute::{Attribute, Attributes, Ipv6Prefix, integer};
pub use code::Code;
pub use extended::{Extended, ExtendedAttributes, ExtendedVendor, InvalidExtended};
pub use malformed::Malformed;
pub use vendor::{VendorAttribute, VendorAttributes};

use std::fmt;

use crate::kind;

/// Octets before the first attribute.
pub const HEADER: usize = 20;
/// Most octets a packet may have.
pub const MAX_PACKET: usize = 4096;
/// Most octets an attribute's value may have.
pub const MAX_VALUE: usize = 253;
/// Most octets of a User-Password (RFC 2865 section 5.2).
pub const MAX_PASSWORD: usize = 128;

/// A packet whose lengths are consistent; borrows the datagram.
///
/// Only the form has been checked: who sent it is shown by [`crate::admit`].
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    code: Code,
    identifier: u8,
    authenticator: &'a [u8; 16],
    /// Where the value of the only Message-Authenticator begins.
    signed_at: Option<usize>,
}

impl<'a> Packet<'a> {
    /// Reads one datagram; octets after the Length field's end are padding and ignored.
    ///
    /// # Errors
    /// One [`Malformed`] per cause; such a packet is dropped.
    pub fn read(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let (header, _) = datagram
            .split_first_chunk::<HEADER>()
            .ok_or(Malformed::TooShort)?;
        let [code, identifier, high, low, ..] = *header;
        let bytes = within_length(datagram, usize::from(u16::from_be_bytes([high, low])))?;
        let authenticator = bytes
            .get(4..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(Malformed::TooShort)?;
        let signed_at = check_attributes(bytes)?;
        Ok(Self {
            bytes,
            code: Code::from(code),
            identifier,
            authenticator,
            signed_at,
        })
    }

    /// What kind of packet it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The identifier that matches answers to requests.
    #[must_use]
    pub fn identifier(&self) -> u8 {
        self.identifier
    }

    /// The authenticator field.
    #[must_use]
    pub fn authenticator(&self) -> &'a [u8; 16] {
        self.authenticator
    }

    /// The whole packet, without padding.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// All attributes in their order.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::over(self.bytes.get(HEADER..).unwrap_or_default())
    }

    /// The value of the first attribute of this type.
    #[must_use]
    pub fn first(&self, kind: u8) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    /// The values of all attributes of this type, in order.
    pub fn all(&self, kind: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.attributes()
            .filter(move |attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// The value of the first vendor-specific attribute of this vendor and vendor type.
    #[must_use]
    pub fn vendor(&self, vendor: u32, kind: u8) -> Option<&'a [u8]> {
        self.vendor_all(vendor, kind).next()
    }

    /// The values of all vendor-specific attributes of this vendor and vendor type, in order.
    pub fn vendor_all(&self, vendor: u32, kind: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.vendor_attributes()
            .filter(move |it| it.vendor == vendor && it.kind == kind)
            .map(|it| it.value)
    }

    /// All vendor-specific attributes in the format RFC 2865 section 5.26 recommends.
    pub fn vendor_attributes(&self) -> impl Iterator<Item = VendorAttribute<'a>> + use<'a> {
        self.all(kind::VENDOR_SPECIFIC)
            .flat_map(VendorAttributes::read)
    }

    /// All extended attributes (RFC 6929), fragments joined.
    #[must_use]
    pub fn extended(&self) -> ExtendedAttributes<'a> {
        ExtendedAttributes::over(self.attributes())
    }

    /// The value of the Message-Authenticator and what stands before and after it.
    pub(crate) fn around_message_authenticator(
        &self,
    ) -> Option<(&'a [u8], &'a [u8; 16], &'a [u8])> {
        let (before, rest) = self.bytes.split_at_checked(self.signed_at?)?;
        let (value, after) = rest.split_first_chunk()?;
        Some((before, value, after))
    }
}

/// Shows the header only: attributes hold what passwords can be guessed from.
impl fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("code", &self.code)
            .field("identifier", &self.identifier)
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

fn within_length(datagram: &[u8], length: usize) -> Result<&[u8], Malformed> {
    if length < HEADER {
        return Err(Malformed::LengthBelowHeader);
    }
    if length > MAX_PACKET {
        return Err(Malformed::LengthAboveMaximum);
    }
    datagram
        .get(..length)
        .ok_or(Malformed::LengthBeyondDatagram)
}

/// Walks the attributes once, so that every later walk cannot fail; finds the Message-Authenticator on the way.
fn check_attributes(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    let mut signed_at = None;
    let mut password = false;
    while !rest.is_empty() {
        let (attribute, after) = Attribute::split(rest)?;
        match attribute.kind {
            kind::MESSAGE_AUTHENTICATOR => {
                check_message_authenticator(attribute.value, signed_at.is_some())?;
                signed_at = Some(bytes.len() - rest.len() + 2);
            }
            kind::USER_PASSWORD => {
                check_password(attribute.value, password)?;
                password = true;
            }
            _ => {}
        }
        rest = after;
    }
    Ok(signed_at)
}

fn check_message_authenticator(value: &[u8], seen: bool) -> Result<(), Malformed> {
    if seen {
        return Err(Malformed::SeveralMessageAuthenticators);
    }
    if value.len() != 16 {
        return Err(Malformed::MessageAuthenticatorLength);
    }
    Ok(())
}

fn check_password(value: &[u8], seen: bool) -> Result<(), Malformed> {
    if seen {
        return Err(Malformed::SeveralUserPasswords);
    }
    if value.len() > MAX_PASSWORD {
        return Err(Malformed::UserPasswordTooLong);
    }
    if value.is_empty() || !value.len().is_multiple_of(16) {
        return Err(Malformed::UserPasswordUneven);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
