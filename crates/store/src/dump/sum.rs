use super::Value;
use sha2::{Digest, Sha256};

/// The sum of the hashes of rows: equal for the same rows in any order. It finds accidents; against intent a backup is
/// sealed as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    lanes: [u64; 4],
}

impl Sum {
    pub(crate) fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            match value {
                Value::Null => hash.update([0]),
                Value::Int(number) => {
                    hash.update([1]);
                    hash.update(number.to_be_bytes());
                }
                Value::Text(text) => bytes(&mut hash, 2, text.as_bytes()),
                Value::Blob(blob) => bytes(&mut hash, 3, blob),
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        for (lane, part) in self.lanes.iter_mut().zip(digest.as_chunks::<8>().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*part));
        }
        self.rows += 1;
    }

    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut all = [0; 32];
        for (part, lane) in all.as_chunks_mut::<8>().0.iter_mut().zip(self.lanes) {
            *part = lane.to_be_bytes();
        }
        all
    }
}

fn bytes(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}
