//! Ids of audit records and requests: 128 bits, the time in front, so that a record is found by its id.

use countersign_engine::time::Timestamp;

/// An id made of a moment (48 bits of milliseconds, as in UUID version 7) and ten random bytes.
pub fn new(at: Timestamp, random: [u8; 10]) -> [u8; 16] {
    let millis = u64::try_from(at.0.div_euclid(1000))
        .unwrap_or(0)
        .to_be_bytes();
    let mut id = [0; 16];
    let (time, rest) = id.split_at_mut(6);
    time.copy_from_slice(millis.get(2..).unwrap_or(&[0; 6]));
    rest.copy_from_slice(&random);
    id
}

/// The moment in an id, to the millisecond.
pub fn time(id: &[u8; 16]) -> Timestamp {
    let millis = id
        .iter()
        .take(6)
        .fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
    Timestamp(millis.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_moment() {
        let at = Timestamp(1_700_000_010_123_000);
        assert_eq!(time(&new(at, [0xff; 10])), at);
        assert!(new(at, [0xff; 10]) < new(Timestamp(at.0 + 1000), [0; 10]));
    }
}
