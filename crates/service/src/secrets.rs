//! Random bytes and keyed hashes for the shell.

use crate::node::Node;

/// Fills `bytes` from the operating system's random source.
///
/// Without random numbers nothing safe can be done, so their failure ends the process.
pub(crate) fn fill(bytes: &mut [u8]) {
    if let Err(error) = countersign_keyring::random::fill(bytes) {
        tracing::error!(%error, "the operating system gives no random numbers; the server ends");
        std::process::abort();
    }
}

/// A token of 256 random bits as base64url.
pub(crate) fn token() -> String {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

impl Node {
    /// The keyed hash under which a value is stored; `None` where the key ring has no token key (-105).
    pub(crate) fn keyed_hash(&self, label: &str, value: &[u8]) -> Option<[u8; 32]> {
        self.keyring()
            .keyed_hash(label, value)
            .ok()
            .map(|keyed| keyed.hash)
    }

    /// The keyed hashes under which a value may have been stored, newest first.
    pub(crate) fn keyed_hashes(&self, label: &str, value: &[u8]) -> Vec<[u8; 32]> {
        self.keyring()
            .keyed_hashes(label, value)
            .into_iter()
            .map(|keyed| keyed.hash)
            .collect()
    }
}
