//! PSKC: files of keys (RFC 6030), read with suspicion and written in one canonical form.
//!
//! Elements are found by their local names, whatever the namespace, so that the drafts before RFC 6030 and the dialects of vendors are
//! read too. A digital signature is reported, not verified. An encrypted value is authenticated before it is decrypted.

mod cipher;
mod error;
mod mac;
mod opener;
mod package;
mod policy;
#[cfg(test)]
mod tests;
mod write;
mod xml;

use roxmltree::Node;

pub use error::{Cause, PackageError, PskcError};
pub use policy::{PinPolicy, Usage};
pub use write::{Protection, WriteError, write};

use crate::ocra::Suite;
use crate::{Hash, Secret};

/// Most iterations of PBKDF2 that a file may ask for.
pub const MAX_ITERATIONS: u32 = 10_000_000;

/// Keys shorter than this many bytes are weak (RFC 4226 section 4, R6: 128 bits).
const STRONG_KEY_LEN: usize = 16;

/// Fewest bytes of a package: a key that is read takes some hundreds of bytes of memory, whatever its text.
const BYTES_PER_PACKAGE: usize = 64;

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The pre-shared key of files that name one.
    pub key: Option<Secret>,
    /// The passphrase of files whose key is derived.
    pub passphrase: Option<Secret>,
    /// Whether secrets that stand unprotected in the file are accepted.
    pub allow_plain: bool,
    /// Largest file in bytes.
    pub max_len: usize,
    /// Most iterations of PBKDF2; [`MAX_ITERATIONS`] at most.
    pub max_iterations: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key: None,
            passphrase: None,
            allow_plain: false,
            max_len: 32 * 1024 * 1024,
            max_iterations: MAX_ITERATIONS,
        }
    }
}

/// What a file holds: one entry per key, readable or not, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The keys.
    pub packages: Vec<Result<Key, PackageError>>,
    /// Whether the file carries a digital signature, which was not verified.
    pub signed: bool,
}

impl Container {
    /// The PIN that a key's policy refers to, when the file holds it as a key of its own (RFC 6030 section 5.2).
    #[must_use]
    pub fn pin_of(&self, key: &Key) -> Option<&Secret> {
        let id = key.pin_policy.as_ref()?.key_id.as_deref()?;
        let mut readable = self.packages.iter().flatten();
        readable
            .find(|pin| pin.algorithm == Algorithm::Pin && pin.id.as_deref() == Some(id))
            .map(|pin| &pin.secret)
    }
}

/// What a key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 4226.
    Hotp,
    /// RFC 6238.
    Totp,
    /// RFC 6287.
    Ocra(Suite),
    /// No key but the PIN of another one.
    Pin,
}

/// One key with what the file says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `Id` of the key.
    pub id: Option<String>,
    /// Serial number of the device; the importer falls back to `id`.
    pub serial: Option<String>,
    /// Manufacturer of the device.
    pub manufacturer: Option<String>,
    /// Model of the device.
    pub model: Option<String>,
    /// Who issued the key.
    pub issuer: Option<String>,
    /// Name that a person knows the key by.
    pub friendly_name: Option<String>,
    /// Distinguished name of the user of the key, or else of the device.
    pub user_id: Option<String>,
    /// What the key is for.
    pub algorithm: Algorithm,
    /// Hash function under the HMAC; the suite's for OCRA.
    pub hash: Hash,
    /// Digits of a value: 6 to 10, for OCRA 4 to 10, for a PIN its length.
    pub digits: u8,
    /// Time step in seconds, 1 to 3600; 30 where the algorithm has none.
    pub period: u32,
    /// The next counter.
    pub counter: u64,
    /// Known drift of the device's clock in steps.
    pub drift: i64,
    /// The key itself.
    pub secret: Secret,
    /// Not usable before, in seconds since 1970: the later date of key and device.
    pub starts: Option<i64>,
    /// Not usable after, in seconds since 1970: the earlier date of key and device.
    pub expires: Option<i64>,
    /// Rules about a PIN.
    pub pin_policy: Option<PinPolicy>,
    /// What the key may be used for; empty is anything.
    pub usages: Vec<Usage>,
    /// How often the key may be used.
    pub transactions: Option<u64>,
}

impl Key {
    /// A key with the defaults of every format: SHA-1, six digits, steps of 30 seconds; those of the suite for OCRA.
    #[must_use]
    pub fn new(algorithm: Algorithm, secret: Secret) -> Self {
        let (hash, digits, period) = match &algorithm {
            Algorithm::Ocra(suite) => (
                suite.hash(),
                suite.digits(),
                suite.time().map_or(30, crate::ocra::TimeStep::seconds),
            ),
            _ => (Hash::Sha1, 6, 30),
        };
        Self {
            id: None,
            serial: None,
            manufacturer: None,
            model: None,
            issuer: None,
            friendly_name: None,
            user_id: None,
            algorithm,
            hash,
            digits,
            period,
            counter: 0,
            drift: 0,
            secret,
            starts: None,
            expires: None,
            pin_policy: None,
            usages: Vec::new(),
            transactions: None,
        }
    }

    /// Whether the key is shorter than the 128 bits that RFC 4226 demands; a PIN never is.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.algorithm != Algorithm::Pin && self.secret.len() < STRONG_KEY_LEN
    }
}

/// Reads a file; an error of one package leaves the others readable.
pub fn read(bytes: &[u8], options: &Options) -> Result<Container, PskcError> {
    let text = xml::text(bytes, options.max_len)?;
    let document = xml::parse(text)?;
    let root = document.root_element();
    check_root(root)?;
    let mut opener = opener::Opener::new(root, options);
    if package_elements(root).count() > text.len() / BYTES_PER_PACKAGE + 16 {
        return Err(PskcError::TooComplex);
    }
    let elements = package_elements(root).enumerate();
    let packages: Vec<_> = elements
        .map(|(index, (package, key))| package::read(index + 1, package, key, &mut opener))
        .collect();
    match packages.is_empty() {
        true => Err(PskcError::Empty),
        false => Ok(Container {
            packages,
            signed: xml::child(root, "Signature").is_some(),
        }),
    }
}

fn check_root(root: Node<'_, '_>) -> Result<(), PskcError> {
    let namespace = root
        .tag_name()
        .namespace()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if root.tag_name().name() != "KeyContainer"
        || !(namespace.is_empty() || namespace.contains("keyprov"))
    {
        return Err(PskcError::NotPskc);
    }
    match root.attribute("Version") {
        None | Some("1" | "1.0") => Ok(()),
        Some(_) => Err(PskcError::Version),
    }
}

/// Each key with its package; a package of the drafts may hold several, an empty one is kept so that its error is told.
fn package_elements<'a>(
    root: Node<'a, 'a>,
) -> impl Iterator<Item = (Node<'a, 'a>, Option<Node<'a, 'a>>)> {
    let packages = root.children().filter(|node| {
        node.is_element() && matches!(node.tag_name().name(), "KeyPackage" | "Device")
    });
    packages.flat_map(|package| {
        let keys: Vec<_> = xml::children(package, "Key").map(Some).collect();
        let keys = if keys.is_empty() { vec![None] } else { keys };
        keys.into_iter().map(move |key| (package, key))
    })
}
