//! HMAC with its key schedule kept, so that many values under one key cost two hash blocks each.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroize;

use crate::Hash;

/// An HMAC key after its first two blocks; wiped on drop by the `zeroize` feature of `hmac`.
#[derive(Clone)]
pub(crate) enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Keyed {
    pub(crate) fn new(key: &[u8], hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1(schedule(key)),
            Hash::Sha256 => Self::Sha256(schedule(key)),
            Hash::Sha512 => Self::Sha512(schedule(key)),
        }
    }

    /// HMAC over the parts, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Tag {
        match self {
            Self::Sha1(key) => finish(key.clone(), parts),
            Self::Sha256(key) => finish(key.clone(), parts),
            Self::Sha512(key) => finish(key.clone(), parts),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes keys of any length, the error never occurs"
)]
fn schedule<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn finish<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Tag {
    for part in parts {
        mac.update(part);
    }
    let output = mac.finalize().into_bytes();
    let mut tag = Tag {
        bytes: [0; 64],
        len: output.len(),
    };
    for (to, from) in tag.bytes.iter_mut().zip(output.iter()) {
        *to = *from;
    }
    tag
}

/// An HMAC value, 20 to 64 bytes, wiped on drop.
pub(crate) struct Tag {
    bytes: [u8; 64],
    len: usize,
}

impl Tag {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Dynamic truncation to 31 bits (RFC 4226 section 5.3).
    pub(crate) fn truncated(&self) -> u32 {
        let bytes = self.as_bytes();
        let offset = usize::from(bytes.last().map_or(0, |last| last & 0x0f));
        let word = bytes
            .get(offset..offset + 4)
            .and_then(|word| word.try_into().ok());
        word.map_or(0, u32::from_be_bytes) & 0x7fff_ffff
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
