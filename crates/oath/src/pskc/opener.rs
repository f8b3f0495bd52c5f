//! Opens encrypted values: which key the file names, how it is derived, and the MAC that is checked first (RFC 6030 section 6).

use roxmltree::Node;
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::mac::Prf;
use super::{Cause, MAX_ITERATIONS, Options, xml};
use crate::Secret;

/// Longest salt in bytes.
const MAX_SALT: usize = 1024;

/// Holds what the container says about encryption, and the keys derived so far.
pub(super) struct Opener<'a> {
    options: &'a Options,
    scheme: Scheme,
    mac: Option<MacMethod<'a>>,
    /// Derived keys by length: deriving costs seconds, files may hold thousands of keys.
    derived: Vec<Secret>,
    mac_key: Option<Result<Secret, Cause>>,
}

enum Scheme {
    PreShared,
    Derived(Result<Derivation, Cause>),
    Asymmetric,
}

struct Derivation {
    prf: Prf,
    salt: Zeroizing<Vec<u8>>,
    iterations: u32,
    key_len: Option<usize>,
}

struct MacMethod<'a> {
    prf: Option<Prf>,
    /// The encrypted MAC key; without one the encryption key serves.
    key: Option<Node<'a, 'a>>,
}

impl<'a> Opener<'a> {
    pub(super) fn new(root: Node<'a, 'a>, options: &'a Options) -> Self {
        let mac = xml::child(root, "MACMethod").map(|node| MacMethod {
            prf: node.attribute("Algorithm").and_then(Prf::named),
            key: xml::child(node, "MACKey"),
        });
        Self {
            options,
            scheme: scheme(root),
            mac,
            derived: Vec::new(),
            mac_key: None,
        }
    }

    /// Whether unprotected secrets are accepted.
    pub(super) fn allows_plain(&self) -> bool {
        self.options.allow_plain
    }

    /// The plain bytes of an `EncryptedValue`; `mac` is its `ValueMAC`.
    pub(super) fn open(
        &mut self,
        value: Node<'a, 'a>,
        mac: Option<Node<'a, 'a>>,
    ) -> Result<Zeroizing<Vec<u8>>, Cause> {
        let (cipher, body) = encrypted(value)?;
        let key = self.key(cipher)?;
        match mac {
            Some(mac) => self.check_mac(&key, &body, &xml::base64(mac, "ValueMAC")?)?,
            None if cipher.needs_mac() => return Err(Cause::NoMac),
            None => {}
        }
        cipher.decrypt(key.expose(), &body)
    }

    fn check_mac(&mut self, key: &Secret, body: &[u8], tag: &[u8]) -> Result<(), Cause> {
        let method = self.mac.as_ref().ok_or(Cause::Missing("MACMethod"))?;
        let prf = method.prf.ok_or(Cause::MacAlgorithm)?;
        let mac_key = match method.key {
            None => key.clone(),
            Some(node) => self.mac_key(node)?,
        };
        if prf.verify(mac_key.expose(), body, tag) {
            Ok(())
        } else {
            Err(Cause::Mac)
        }
    }

    fn mac_key(&mut self, node: Node<'a, 'a>) -> Result<Secret, Cause> {
        if let Some(known) = &self.mac_key {
            return known.clone();
        }
        let opened = self.open_mac_key(node);
        self.mac_key = Some(opened.clone());
        opened
    }

    fn open_mac_key(&mut self, node: Node<'a, 'a>) -> Result<Secret, Cause> {
        let (cipher, body) = encrypted(node)?;
        let key = self.key(cipher)?;
        let plain = cipher
            .decrypt(key.expose(), &body)
            .map_err(|_| Cause::MacKey)?;
        if plain.is_empty() {
            Err(Cause::MacKey)
        } else {
            Ok(Secret::from(plain))
        }
    }

    /// The encryption key for a cipher.
    fn key(&mut self, cipher: Cipher) -> Result<Secret, Cause> {
        let expected = cipher.key_len();
        let key = match &self.scheme {
            Scheme::Asymmetric => return Err(Cause::Asymmetric),
            Scheme::PreShared => self.options.key.clone().ok_or(Cause::KeyNeeded)?,
            Scheme::Derived(derivation) => {
                let passphrase = self
                    .options
                    .passphrase
                    .as_ref()
                    .ok_or(Cause::PassphraseNeeded)?;
                let derivation = derivation.as_ref().map_err(|cause| *cause)?;
                let len = derivation.key_len.unwrap_or(expected);
                match self.derived.iter().find(|key| key.len() == len) {
                    Some(known) => known.clone(),
                    None => {
                        let key =
                            derivation.derive(passphrase, len, self.options.max_iterations)?;
                        self.derived.push(key.clone());
                        key
                    }
                }
            }
        };
        if key.len() == expected {
            Ok(key)
        } else {
            Err(Cause::KeyLength { expected })
        }
    }
}

impl Derivation {
    fn derive(
        &self,
        passphrase: &Secret,
        len: usize,
        max_iterations: u32,
    ) -> Result<Secret, Cause> {
        if self.iterations == 0 || self.iterations > max_iterations.min(MAX_ITERATIONS) {
            return Err(Cause::Iterations);
        }
        let mut key = Zeroizing::new(vec![0; len]);
        self.prf
            .pbkdf2(passphrase.expose(), &self.salt, self.iterations, &mut key);
        Ok(Secret::from(key))
    }
}

/// Without any statement a pre-shared key is meant.
fn scheme(root: Node<'_, '_>) -> Scheme {
    let Some(node) = xml::child(root, "EncryptionKey") else {
        return Scheme::PreShared;
    };
    if let Some(derived) = xml::child(node, "DerivedKey") {
        return Scheme::Derived(derivation(derived));
    }
    match ["X509Data", "KeyValue", "PGPData"]
        .iter()
        .any(|name| xml::child(node, name).is_some())
    {
        true => Scheme::Asymmetric,
        false => Scheme::PreShared,
    }
}

fn derivation(node: Node<'_, '_>) -> Result<Derivation, Cause> {
    let method =
        xml::child(node, "KeyDerivationMethod").ok_or(Cause::Missing("KeyDerivationMethod"))?;
    let algorithm = method
        .attribute("Algorithm")
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let parameters = xml::child(method, "PBKDF2-params")
        .filter(|_| algorithm.ends_with("#pbkdf2"))
        .ok_or(Cause::Derivation)?;
    let salt = xml::descend(parameters, &["Salt", "Specified"]).ok_or(Cause::Derivation)?;
    let salt = xml::base64(salt, "Salt")?;
    if salt.len() > MAX_SALT {
        return Err(Cause::Invalid("Salt"));
    }
    Ok(Derivation {
        prf: prf(xml::child(parameters, "PRF"))?,
        salt,
        iterations: iterations(
            xml::child(parameters, "IterationCount").ok_or(Cause::Missing("IterationCount"))?,
        )?,
        key_len: xml::child(parameters, "KeyLength")
            .map(key_len)
            .transpose()?,
    })
}

/// HMAC-SHA1 unless stated otherwise (RFC 8018 appendix A.2).
fn prf(node: Option<Node<'_, '_>>) -> Result<Prf, Cause> {
    match node.and_then(|node| node.attribute("Algorithm")) {
        None | Some("") => Ok(Prf::Sha1),
        Some(uri) => Prf::named(uri).ok_or(Cause::Derivation),
    }
}

fn iterations(node: Node<'_, '_>) -> Result<u32, Cause> {
    let text = xml::content(node).ok_or(Cause::Iterations)?;
    text.parse().map_err(|_| Cause::Iterations)
}

fn key_len(node: Node<'_, '_>) -> Result<usize, Cause> {
    let text = xml::content(node).ok_or(Cause::Invalid("KeyLength"))?;
    text.parse()
        .ok()
        .filter(|len| matches!(len, 16 | 24 | 32))
        .ok_or(Cause::Invalid("KeyLength"))
}

/// Cipher and bytes of an element of the type `EncryptedDataType`.
fn encrypted(node: Node<'_, '_>) -> Result<(Cipher, Zeroizing<Vec<u8>>), Cause> {
    let method = xml::child(node, "EncryptionMethod").ok_or(Cause::Missing("EncryptionMethod"))?;
    let cipher = Cipher::named(method.attribute("Algorithm").unwrap_or_default())?;
    let value =
        xml::descend(node, &["CipherData", "CipherValue"]).ok_or(Cause::Missing("CipherValue"))?;
    Ok((cipher, xml::base64(value, "CipherValue")?))
}
