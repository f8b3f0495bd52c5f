//! MS-CHAPv1 (RFC 2433) and MS-CHAPv2 (RFC 2759), and the keys that follow from them (RFC 3079).

mod answer;
mod error;
mod hash;
mod keys;
mod v1;
mod v2;

pub use error::{ReadError, error_text, error_value};
pub use hash::{NtHash, challenge_hash, without_domain};
pub use keys::{MppeKeys, master_key_v1};
pub(crate) use v1::respond as respond_v1;
pub use v1::{MsChap, mppe_keys};
pub use v2::MsChapV2;
pub(crate) use v2::respond as respond_v2;

/// Octets of MS-CHAP-Response and MS-CHAP2-Response alike.
pub(crate) const RESPONSE_VALUE: usize = 50;
