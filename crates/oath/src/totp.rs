//! TOTP: HOTP over time steps (RFC 6238).

/// Shortest and longest step in seconds that authentication.md 8 allows.
pub const PERIODS: std::ops::RangeInclusive<u32> = 1..=3600;

/// Time step of a moment in seconds since 1970, with T0 = 0; a period of 0 counts as 1 second.
#[must_use]
pub fn step(unix_seconds: u64, period: u32) -> u64 {
    unix_seconds / u64::from(period.max(1))
}

/// First moment of a step in seconds since 1970; saturates.
#[must_use]
pub fn start(step: u64, period: u32) -> u64 {
    step.saturating_mul(u64::from(period.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, hotp};

    #[test]
    fn rfc_6238_values() {
        let rows = include_str!("../vectors/rfc6238.txt")
            .lines()
            .filter(|row| !row.starts_with('#'));
        let mut count = 0;
        for row in rows {
            let [hash, moment, otp] = row.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("bad row {row}")
            };
            let hash: Hash = hash.parse().unwrap();
            let key: Vec<u8> = b"1234567890"
                .iter()
                .copied()
                .cycle()
                .take(hash.output_len())
                .collect();
            let computed = hotp(&key, step(moment.parse().unwrap(), 30), hash, 8);
            assert_eq!(computed.as_str(), otp, "{hash} at {moment}");
            count += 1;
        }
        assert_eq!(count, 18);
    }

    #[test]
    fn steps_of_the_worked_example() {
        assert_eq!(step(1_700_000_010, 30), 56_666_667);
        assert_eq!(start(56_666_667, 30), 1_700_000_010);
        assert_eq!(step(59, 0), 59);
    }
}
