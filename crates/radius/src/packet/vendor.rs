//! Vendor-Specific in the format RFC 2865 section 5.26 recommends: one octet type, one octet length.

/// One sub-attribute of a Vendor-Specific attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorAttribute<'a> {
    /// The vendor's enterprise number.
    pub vendor: u32,
    /// The vendor's type.
    pub kind: u8,
    /// The value, at most 247 octets.
    pub value: &'a [u8],
}

/// Iterator over the sub-attributes of one Vendor-Specific attribute.
///
/// Ends at the first one that does not fit: RFC 2865 leaves the content to the vendor, so other formats are
/// unknown rather than malformed.
#[derive(Debug, Clone, Copy)]
pub struct VendorAttributes<'a> {
    vendor: u32,
    rest: &'a [u8],
}

impl<'a> VendorAttributes<'a> {
    /// Reads the value of a Vendor-Specific attribute; a value below four octets has no sub-attributes.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Self {
        match value.split_first_chunk() {
            Some((vendor, rest)) => Self {
                vendor: u32::from_be_bytes(*vendor),
                rest,
            },
            None => Self {
                vendor: 0,
                rest: &[],
            },
        }
    }
}

impl<'a> Iterator for VendorAttributes<'a> {
    type Item = VendorAttribute<'a>;

    fn next(&mut self) -> Option<VendorAttribute<'a>> {
        let [kind, length, ..] = *self.rest else {
            return None;
        };
        let (attribute, rest) = self.rest.split_at_checked(usize::from(length))?;
        let value = attribute.get(2..)?;
        self.rest = rest;
        Some(VendorAttribute {
            vendor: self.vendor,
            kind,
            value,
        })
    }
}
