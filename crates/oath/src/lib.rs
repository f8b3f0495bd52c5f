//! One-time passwords and their files, as pure functions: HOTP (RFC 4226), TOTP (RFC 6238), OCRA (RFC 6287), the windows in which
//! a server accepts them, and the files that carry their keys: PSKC (RFC 6030), `otpauth://` and CSV.
//!
//! Nothing here reads a clock, a file or a random source: moments and random bytes come in as parameters.

pub mod base32;
pub mod confirm;
pub mod csv;
mod date;
pub mod hash;
pub mod hotp;
mod keyed;
pub mod ocra;
pub mod otpauth;
pub mod pskc;
pub mod secret;
pub mod signature;
pub mod totp;
pub mod window;

pub use hash::{Digits, Hash};
pub use hotp::{HotpKey, Otp, hotp};
pub use secret::Secret;
