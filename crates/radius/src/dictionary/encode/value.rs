//! From text to the octets of a value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dictionary::{DataType, Definition, Dictionary};
use crate::packet::Ipv6Prefix;

/// The value's octets; `None` if the text does not fit the type.
pub(super) fn octets(
    dictionary: &Dictionary,
    definition: &Definition,
    text: &str,
) -> Option<Vec<u8>> {
    let number = || number(dictionary, definition, text);
    Some(match definition.data {
        DataType::Text => text.as_bytes().to_vec(),
        DataType::Octets => match hexadecimal(text) {
            Some(octets) => octets,
            None => text.as_bytes().to_vec(),
        },
        DataType::Byte => vec![u8::try_from(number()?).ok()?],
        DataType::Short => u16::try_from(number()?).ok()?.to_be_bytes().to_vec(),
        DataType::Integer | DataType::Date => u32::try_from(number()?).ok()?.to_be_bytes().to_vec(),
        DataType::Integer64 => number()?.to_be_bytes().to_vec(),
        DataType::Signed => text.parse::<i32>().ok()?.to_be_bytes().to_vec(),
        DataType::Ipv4 => text.parse::<Ipv4Addr>().ok()?.octets().to_vec(),
        DataType::Ipv6 => text.parse::<Ipv6Addr>().ok()?.octets().to_vec(),
        DataType::Ip => match text.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        },
        DataType::Ipv4Prefix => ipv4_prefix(text)?,
        DataType::Ipv6Prefix => ipv6_prefix(text)?,
        DataType::InterfaceId => groups::<4, 2>(text, &[':'])?,
        DataType::Ether => groups::<6, 1>(text, &[':', '-'])?,
        DataType::Tlv | DataType::Vsa | DataType::Extended => hexadecimal(text)?,
    })
}

/// Puts the tag where the type wants it (RFC 2868 section 3): in the highest octet of a number, before anything else.
pub(super) fn with_tag(
    definition: &Definition,
    tag: Option<u8>,
    mut value: Vec<u8>,
) -> Option<Vec<u8>> {
    if !definition.tagged {
        return Some(value);
    }
    if definition.data == DataType::Integer {
        let high = value.first_mut().filter(|high| **high == 0)?;
        *high = tag.unwrap_or(0);
        return Some(value);
    }
    if let Some(tag) = tag {
        value.insert(0, tag);
    }
    Some(value)
}

fn number(dictionary: &Dictionary, definition: &Definition, text: &str) -> Option<u64> {
    if let Some(number) = dictionary.value(&definition.name, text) {
        return Some(number);
    }
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `0x` and an even number of hexadecimal digits.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?))
        .collect()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|nibble| u8::try_from(nibble).ok())
}

fn ipv4_prefix(text: &str) -> Option<Vec<u8>> {
    let (address, length) = prefix::<Ipv4Addr>(text, 32)?;
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    let mut value = vec![0, length];
    value.extend_from_slice(&(address.to_bits() & mask).to_be_bytes());
    Some(value)
}

fn ipv6_prefix(text: &str) -> Option<Vec<u8>> {
    let (address, length) = prefix::<Ipv6Addr>(text, 128)?;
    Some(Ipv6Prefix::new(address, length).to_value())
}

/// An address and, behind a slash, a length; without one the whole address.
fn prefix<A: std::str::FromStr>(text: &str, longest: u8) -> Option<(A, u8)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, length.parse().ok()?),
        None => (text, longest),
    };
    (length <= longest).then_some(())?;
    Some((address.parse().ok()?, length))
}

/// Exactly `N` groups of hexadecimal digits, `OCTETS` octets each.
fn groups<const N: usize, const OCTETS: usize>(text: &str, separators: &[char]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(N * OCTETS);
    let mut count = 0;
    for group in text.split(separators) {
        let fits = (1..=2 * OCTETS).contains(&group.len())
            && group.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u16::from_str_radix(group, 16).ok().filter(|_| fits)?;
        octets.extend(number.to_be_bytes().get(2 - OCTETS..)?);
        count += 1;
    }
    (count == N).then_some(octets)
}
