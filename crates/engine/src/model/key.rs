use crate::time::Timestamp;

/// A wrapped data key as stored (administration.md 17); what it means is the key ring's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Id of the key.
    pub id: String,
    /// storage, sensitive, transport, audit or token.
    pub class: String,
    /// Algorithm, such as `aes-256-gcm`.
    pub algorithm: String,
    /// active, decrypt_only or retired.
    pub state: String,
    /// When it was made.
    pub created: Timestamp,
    /// The key, wrapped under the root key.
    pub wrapped: Vec<u8>,
    /// Id of the root key that wraps it.
    pub root: String,
}
