//! Keys of a Countersign installation: the root key and the data keys under it, the sealing of secret fields, keyed hashes and
//! random tokens, password verifiers on a bounded pool, and the keys that sign the audit trail.
//!
//! The hierarchy (administration.md 15 and 17): one [`RootKey`], the same on every node, wraps the data keys. A [`Keyring`] holds the
//! data keys in memory and seals every secret field under a key of its own record. The rows of the data keys ([`WrappedKey`]) are
//! stored by the caller.
//!
//! A process that starts others must not hand them its environment: with `env:` sources it holds secrets.

pub mod audit_key;
pub mod data_key;
pub mod escrow;
mod gcm;
pub mod hsm;
pub mod jwe;
pub mod keyring;
mod lines;
pub mod passphrase;
pub mod password;
pub mod pool;
pub mod random;
pub mod recipient;
pub mod root;
pub mod rotation;
pub mod seal;
pub mod sealed_file;
mod secret_file;
pub mod token;

pub use audit_key::{AuditKey, PublicAuditKey};
pub use data_key::{KeyClass, KeyId, KeyState, WrapAlgorithm, WrappedKey};
pub use hsm::{HsmError, HsmUri};
pub use keyring::{Change, Keyring, KeyringError};
pub use password::{PasswordError, PasswordParams};
pub use pool::{PasswordPool, Refused};
pub use random::RandomError;
pub use recipient::{Recipient, RecipientError, RecipientKey};
pub use root::{RootError, RootId, RootKey, RootSource};
pub use seal::{OpenError, Place, ResealError, SealError, Sealed, key_of};
pub use secret_file::FileError;
pub use token::KeyedHash;
