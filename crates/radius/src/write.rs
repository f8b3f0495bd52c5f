//! Writing attributes into a packet that never grows beyond 4096 octets.

use crate::kind;
use crate::packet::{Code, HEADER, MAX_PACKET, MAX_VALUE};

/// The packet being written has no room for what was added; it stays as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overflow {
    /// The packet would exceed 4096 octets.
    #[error("add an attribute: the packet would exceed 4096 octets")]
    Packet,
    /// The value exceeds what one attribute holds.
    #[error("add an attribute: its value exceeds 253 octets")]
    Value,
}

const MESSAGE_AUTHENTICATOR_AT: usize = HEADER + 2;

/// A packet in the making: header first, length and authenticators filled in at the end.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    signed: bool,
}

/// Shows no octets: among them may be hidden passwords and keys.
impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts a packet in `bytes` (cleared, its capacity reused); `signed` puts an empty Message-Authenticator first.
    pub(crate) fn start(
        mut bytes: Vec<u8>,
        code: Code,
        identifier: u8,
        authenticator: &[u8; 16],
        signed: bool,
    ) -> Self {
        bytes.clear();
        bytes.extend_from_slice(&[code.number(), identifier, 0, 0]);
        bytes.extend_from_slice(authenticator);
        if signed {
            bytes.extend_from_slice(&[kind::MESSAGE_AUTHENTICATOR, 18]);
            bytes.extend_from_slice(&[0; 16]);
        }
        Self { bytes, signed }
    }

    /// Appends one attribute.
    pub(crate) fn add(&mut self, kind: u8, value: &[u8]) -> Result<(), Overflow> {
        self.add_parts(kind, &[], value)
    }

    /// Appends one attribute whose value is `head` followed by `tail`.
    pub(crate) fn add_parts(&mut self, kind: u8, head: &[u8], tail: &[u8]) -> Result<(), Overflow> {
        let size = head.len() + tail.len();
        let length = u8::try_from(size + 2).map_err(|_| Overflow::Value)?;
        self.room(size + 2)?;
        self.bytes.extend_from_slice(&[kind, length]);
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(tail);
        Ok(())
    }

    /// Appends whole attributes, already in wire form.
    pub(crate) fn add_encoded(&mut self, attributes: &[u8]) -> Result<(), Overflow> {
        self.room(attributes.len())?;
        self.bytes.extend_from_slice(attributes);
        Ok(())
    }

    /// Appends a value of any length as several attributes of one type; an empty value adds nothing.
    pub(crate) fn add_split(&mut self, kind: u8, value: &[u8]) -> Result<(), Overflow> {
        let pieces = value.len().div_ceil(MAX_VALUE);
        self.room(value.len() + 2 * pieces)?;
        value
            .chunks(MAX_VALUE)
            .try_for_each(|piece| self.add(kind, piece))
    }

    /// Appends one vendor's attribute as a Vendor-Specific of its own.
    pub(crate) fn add_vendor(
        &mut self,
        vendor: u32,
        kind: u8,
        value: &[u8],
    ) -> Result<(), Overflow> {
        let [a, b, c, d] = vendor.to_be_bytes();
        let length = u8::try_from(value.len() + 2).map_err(|_| Overflow::Value)?;
        self.add_parts(kind::VENDOR_SPECIFIC, &[a, b, c, d, kind, length], value)
    }

    pub(crate) fn room(&self, wanted: usize) -> Result<(), Overflow> {
        if self.bytes.len() + wanted > MAX_PACKET {
            return Err(Overflow::Packet);
        }
        Ok(())
    }

    /// Fills the length in; the packet is complete but for its authenticators.
    pub(crate) fn close(&mut self) {
        let length = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        if let Some(field) = self.bytes.get_mut(2..4) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn set_authenticator(&mut self, authenticator: &[u8; 16]) {
        if let Some(field) = self.bytes.get_mut(4..HEADER) {
            field.copy_from_slice(authenticator);
        }
    }

    /// Fills the Message-Authenticator in, if the packet was started with one.
    pub(crate) fn set_message_authenticator(&mut self, tag: &[u8; 16]) {
        let field = self
            .bytes
            .get_mut(MESSAGE_AUTHENTICATOR_AT..MESSAGE_AUTHENTICATOR_AT + 16);
        if let (true, Some(field)) = (self.signed, field) {
            field.copy_from_slice(tag);
        }
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.signed
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
