//! What the dictionary knows of an attribute.

use std::borrow::Cow;

/// Where an attribute's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// The attributes of the RFCs.
    Standard,
    /// Vendor-Specific of this enterprise number (RFC 2865 section 5.26).
    Vendor(u32),
    /// Extended types below this attribute, 241 to 246 (RFC 6929).
    Extended(u8),
    /// Extended-Vendor-Specific below this attribute (RFC 6929 section 2.4).
    ExtendedVendor(u8, u32),
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// UTF-8 text.
    Text,
    /// Any octets.
    Octets,
    /// 8-bit number.
    Byte,
    /// 16-bit number.
    Short,
    /// 32-bit number.
    Integer,
    /// 64-bit number.
    Integer64,
    /// 32-bit number with sign.
    Signed,
    /// Seconds since 1970, 32 bits.
    Date,
    /// IPv4 address.
    Ipv4,
    /// IPv4 prefix (RFC 8044 section 3.11).
    Ipv4Prefix,
    /// IPv6 address.
    Ipv6,
    /// IPv6 prefix (RFC 3162 section 2.3).
    Ipv6Prefix,
    /// IPv4 or IPv6 address.
    Ip,
    /// Interface identifier of 64 bits.
    InterfaceId,
    /// Hardware address of 48 bits.
    Ether,
    /// Type, length and value nested inside; written as hexadecimal octets only.
    Tlv,
    /// Vendor-Specific as a whole; written as hexadecimal octets only.
    Vsa,
    /// Extended or long extended as a whole; written as hexadecimal octets only.
    Extended,
}

/// How a value is hidden on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hidden {
    /// Not at all.
    #[default]
    No,
    /// Like User-Password (RFC 2865 section 5.2).
    Password,
    /// With a salt, like Tunnel-Password (RFC 2868 section 3.5).
    Salted,
    /// By a vendor's own method.
    Other,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Where its number counts.
    pub space: Space,
    /// Its number.
    pub number: u8,
    /// How its value is written.
    pub data: DataType,
    /// Whether a tag stands before the value (RFC 2868 section 3).
    pub tagged: bool,
    /// How its value is hidden.
    pub hidden: Hidden,
}

/// The names FreeRADIUS has for the types.
const TYPE_NAMES: [(&str, DataType); 31] = [
    ("string", DataType::Text),
    ("text", DataType::Text),
    ("octets", DataType::Octets),
    ("abinary", DataType::Octets),
    ("struct", DataType::Octets),
    ("byte", DataType::Byte),
    ("uint8", DataType::Byte),
    ("bool", DataType::Byte),
    ("short", DataType::Short),
    ("uint16", DataType::Short),
    ("integer", DataType::Integer),
    ("uint32", DataType::Integer),
    ("time_delta", DataType::Integer),
    ("integer64", DataType::Integer64),
    ("uint64", DataType::Integer64),
    ("signed", DataType::Signed),
    ("int32", DataType::Signed),
    ("date", DataType::Date),
    ("ipaddr", DataType::Ipv4),
    ("ipv4addr", DataType::Ipv4),
    ("ipv4prefix", DataType::Ipv4Prefix),
    ("ipv6addr", DataType::Ipv6),
    ("ipv6prefix", DataType::Ipv6Prefix),
    ("combo-ip", DataType::Ip),
    ("ifid", DataType::InterfaceId),
    ("ether", DataType::Ether),
    ("tlv", DataType::Tlv),
    ("vsa", DataType::Vsa),
    ("evs", DataType::Vsa),
    ("extended", DataType::Extended),
    ("long-extended", DataType::Extended),
];

impl DataType {
    /// The type of this name in a FreeRADIUS dictionary; a length such as in `octets[16]` is passed over.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let bare = name.split('[').next().unwrap_or(name);
        TYPE_NAMES
            .iter()
            .find(|row| row.0.eq_ignore_ascii_case(bare))
            .map(|row| row.1)
    }

    /// The type's name in a FreeRADIUS dictionary.
    #[must_use]
    pub fn name(self) -> &'static str {
        TYPE_NAMES
            .iter()
            .find(|row| row.1 == self)
            .map_or("octets", |row| row.0)
    }
}
