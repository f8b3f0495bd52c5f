//! What a JSON client shows besides its address.

/// The extra proof of a JSON component (authentication.md 2).
#[derive(Clone, Default)]
pub struct Proof {
    /// Header `Countersign-Component-Key`.
    pub key: Option<String>,
    /// SHA-256 fingerprint of the TLS client certificate, hexadecimal.
    pub certificate_sha256: Option<String>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof")
            .field("key", &self.key.is_some())
            .field("certificate_sha256", &self.certificate_sha256)
            .finish()
    }
}
