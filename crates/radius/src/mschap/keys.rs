//! MPPE session keys of 128 bits (RFC 3079).

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::NtHash;

const MASTER: &[u8] = b"This is the MPPE Master Key";
const CLIENT_SENDS: &[u8] =
    b"On the client side, this is the send key; on the server side, it is the receive key.";
const SERVER_SENDS: &[u8] =
    b"On the client side, this is the receive key; on the server side, it is the send key.";
const PAD_1: [u8; 40] = [0; 40];
const PAD_2: [u8; 40] = [0xf2; 40];

/// The two keys of MS-CHAPv2, named from the server's side; wiped when dropped.
#[derive(Clone)]
pub struct MppeKeys {
    /// MS-MPPE-Send-Key.
    pub send: Zeroizing<[u8; 16]>,
    /// MS-MPPE-Recv-Key.
    pub receive: Zeroizing<[u8; 16]>,
}

impl MppeKeys {
    pub(super) fn derive(hash: &NtHash, response: &[u8; 24]) -> Self {
        let master = cut(Sha1::new()
            .chain_update(hash.again().as_bytes())
            .chain_update(response)
            .chain_update(MASTER));
        Self {
            send: start_key(&master, SERVER_SENDS),
            receive: start_key(&master, CLIENT_SENDS),
        }
    }
}

impl std::fmt::Debug for MppeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MppeKeys(..)")
    }
}

/// The NT key of MS-CHAPv1: the hash of the NT hash (RFC 3079 section 2).
#[must_use]
pub fn master_key_v1(password: &str) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(*NtHash::of(password).again().as_bytes())
}

fn start_key(master: &[u8; 16], magic: &[u8]) -> Zeroizing<[u8; 16]> {
    cut(Sha1::new()
        .chain_update(master)
        .chain_update(PAD_1)
        .chain_update(magic)
        .chain_update(PAD_2))
}

fn cut(digest: Sha1) -> Zeroizing<[u8; 16]> {
    let full: Zeroizing<[u8; 20]> = Zeroizing::new(digest.finalize().into());
    let mut key = Zeroizing::new([0; 16]);
    key.iter_mut()
        .zip(full.iter())
        .for_each(|(slot, octet)| *slot = *octet);
    key
}
