//! Ranges of network addresses.

use std::net::IpAddr;

/// Addresses that begin alike; an IPv4 address in IPv6 clothes counts as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
    v4: bool,
}

impl Network {
    /// Reads an address or a range, such as `192.0.2.0/24`; `None` if it is neither.
    pub fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (bits, width, v4) = bits(address.trim().parse().ok()?);
        let prefix = prefix.unwrap_or(width);
        let mask = u128::MAX
            .checked_shl(width.checked_sub(prefix)?)
            .unwrap_or(0);
        Some(Self {
            bits: bits & mask,
            mask,
            v4,
        })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, _, v4) = bits(address);
        v4 == self.v4 && bits & self.mask == self.bits
    }
}

fn bits(address: IpAddr) -> (u128, u32, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u32::from(v4).into(), 32, true),
        IpAddr::V6(v6) => (v6.into(), 128, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_their_ranges_only() {
        for (range, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.77/24", "::ffff:192.0.2.1", "::192.0.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            let network = Network::read(range).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{range}");
            assert!(!network.contains(outside.parse().unwrap()), "{range}");
        }
        for odd in [
            "",
            "192.0.2.0/33",
            "192.0.2.0/",
            "::/129",
            "host",
            "192.0.2.0/-1",
            "1/2/3",
        ] {
            assert_eq!(Network::read(odd), None, "{odd}");
        }
    }
}
