//! Files of any size, sealed in chunks: for whoever knows a passphrase, for the holder of a private key, or only guarded
//! against accidents. What is read is what was written, to its end, or an error.
//!
//! ```text
//! countersign backup 1            the kind, chosen by the caller
//! for: passphrase                 passphrase, recipient or anyone
//! …                               how the file key is wrapped
//!                                 an empty line
//! chunks                          64 KiB each, the last one shorter, a tag of 16 bytes after each
//! ```
//!
//! The chunks are the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM under a key of this
//! file alone: nonces are a counter and a mark on the last chunk, so that none can be changed, moved, left out or added.
//! Every chunk is bound to the whole header.

mod chunks;
mod header;

pub use chunks::{Reader, Writer};
pub use header::{Header, Opener, Whom};

use crate::passphrase::PassphraseError;
use crate::random::RandomError;
use crate::recipient::RecipientError;
use std::io;
use thiserror::Error;

/// A sealed file cannot be written or opened.
#[derive(Debug, Error)]
pub enum SealedFileError {
    /// It is something else, of a newer format, or its header is damaged.
    #[error("read its header: it is not such a file, or one of a newer format")]
    Malformed,
    /// It was sealed for somebody else.
    #[error("open it: it is sealed for {wanted}, and {given} was given")]
    Other {
        /// What opens it.
        wanted: String,
        /// What was tried.
        given: String,
    },
    /// The passphrase or private key is not the right one, or the header was changed.
    #[error("open it: the {0} does not open it")]
    Wrong(&'static str),
    /// The passphrase cannot be used.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The public key cannot be used.
    #[error(transparent)]
    Recipient(#[from] RecipientError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The file system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests;
