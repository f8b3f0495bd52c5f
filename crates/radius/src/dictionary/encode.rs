//! Text to attribute.

/// One or more whole attributes in wire form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeBytes(pub(super) Vec<u8>);

impl AttributeBytes {
    /// The octets as they stand in a packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
