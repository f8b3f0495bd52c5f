//! Writing PSKC: elements in the order of the schema of RFC 6030, secrets under AES-CBC with HMAC-SHA256 over each.

mod xml;

use data_encoding::BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::mac::{Prf, hmac_sha256};
use super::{Algorithm, Key, MAX_ITERATIONS, PinPolicy};
use crate::{Hash, Secret, date};
use xml::Xml;

const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";
const URN: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
/// Key length under a passphrase: AES-256.
const DERIVED_LEN: usize = 32;

/// What protects the secrets in the file.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Nothing.
    Plain,
    /// A key of 16, 24 or 32 bytes that both sides have, and its name.
    PreSharedKey {
        /// Name in the file.
        name: String,
        /// The key.
        key: Secret,
    },
    /// A passphrase, stretched by PBKDF2 with HMAC-SHA256.
    Passphrase {
        /// Name in the file.
        name: String,
        /// The passphrase.
        passphrase: Secret,
        /// Iterations, 1 to [`MAX_ITERATIONS`].
        iterations: u32,
    },
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// Nothing to write: a container holds one package at least.
    #[error("there is no key to write")]
    Empty,
    /// A pre-shared key of another length.
    #[error("the pre-shared key must have 16, 24 or 32 bytes")]
    KeyLength,
    /// An empty passphrase.
    #[error("the passphrase is empty")]
    Passphrase,
    /// No iterations or too many.
    #[error("the iterations must be 1 to {MAX_ITERATIONS}")]
    Iterations,
}

/// Writes the keys; `random` fills its argument with random bytes (a vector for each value, the MAC key, the salt).
pub fn write(
    keys: &[Key],
    protection: &Protection,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<Zeroizing<String>, WriteError> {
    if keys.is_empty() {
        return Err(WriteError::Empty);
    }
    let mut out = Xml::new(2048 * (keys.len() + 1));
    out.open("KeyContainer", &container_attributes(protection));
    let sealer = Sealer::new(protection, random, &mut out)?;
    for key in keys {
        write_package(&mut out, key, sealer.as_ref(), random)?;
    }
    out.close("KeyContainer");
    Ok(out.finish())
}

fn container_attributes(protection: &Protection) -> Vec<(&'static str, &'static str)> {
    let mut attributes = vec![("Version", "1.0"), ("xmlns", URN)];
    if !matches!(protection, Protection::Plain) {
        attributes.push(("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#"));
    }
    match protection {
        Protection::Plain => {}
        Protection::PreSharedKey { .. } => {
            attributes.push(("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"));
        }
        Protection::Passphrase { .. } => {
            attributes.push(("xmlns:xenc11", "http://www.w3.org/2009/xmlenc11#"));
            attributes.push((
                "xmlns:pkcs5",
                "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#",
            ));
        }
    }
    attributes
}

/// Encrypts values under one key and MACs them under another.
struct Sealer {
    cipher: Cipher,
    uri: &'static str,
    key: Secret,
    mac_key: Secret,
}

impl Sealer {
    /// The sealer of a protection, after its `EncryptionKey` and `MACMethod` were written; none for no protection.
    fn new(
        protection: &Protection,
        random: &mut dyn FnMut(&mut [u8]),
        out: &mut Xml,
    ) -> Result<Option<Self>, WriteError> {
        let key = match protection {
            Protection::Plain => return Ok(None),
            Protection::PreSharedKey { name, key } => {
                write_key_name(out, name);
                key.clone()
            }
            Protection::Passphrase {
                name,
                passphrase,
                iterations,
            } => derive_and_write(out, name, passphrase, *iterations, random)?,
        };
        let (cipher, uri) = Cipher::cbc_of(key.len()).ok_or(WriteError::KeyLength)?;
        let mut mac_key = Zeroizing::new(vec![0; 32]);
        random(&mut mac_key);
        let sealer = Self {
            cipher,
            uri,
            key,
            mac_key: Secret::from(mac_key),
        };
        sealer.write_mac_method(out, random)?;
        Ok(Some(sealer))
    }

    fn write_mac_method(
        &self,
        out: &mut Xml,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), WriteError> {
        let value = self.encrypt(self.mac_key.expose(), random)?;
        out.open("MACMethod", &[("Algorithm", HMAC_SHA256)]);
        out.open("MACKey", &[]);
        self.write_value(out, &value);
        out.close("MACKey");
        out.close("MACMethod");
        Ok(())
    }

    fn write_sealed(
        &self,
        out: &mut Xml,
        plain: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), WriteError> {
        let value = self.encrypt(plain, random)?;
        let mac = hmac_sha256(self.mac_key.expose(), &value).ok_or(WriteError::KeyLength)?;
        out.open("EncryptedValue", &[]);
        self.write_value(out, &value);
        out.close("EncryptedValue");
        out.leaf("ValueMAC", &BASE64.encode(&mac));
        Ok(())
    }

    fn write_value(&self, out: &mut Xml, value: &[u8]) {
        out.empty("xenc:EncryptionMethod", &[("Algorithm", self.uri)]);
        out.open("xenc:CipherData", &[]);
        out.leaf("xenc:CipherValue", &BASE64.encode(value));
        out.close("xenc:CipherData");
    }

    fn encrypt(
        &self,
        plain: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, WriteError> {
        let mut iv = [0; 16];
        random(&mut iv);
        self.cipher
            .encrypt(self.key.expose(), &iv, plain)
            .ok_or(WriteError::KeyLength)
    }
}

fn write_key_name(out: &mut Xml, name: &str) {
    out.open("EncryptionKey", &[]);
    out.leaf("ds:KeyName", name);
    out.close("EncryptionKey");
}

fn derive_and_write(
    out: &mut Xml,
    name: &str,
    passphrase: &Secret,
    iterations: u32,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<Secret, WriteError> {
    if passphrase.is_empty() {
        return Err(WriteError::Passphrase);
    }
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Err(WriteError::Iterations);
    }
    let mut salt = [0; 16];
    random(&mut salt);
    write_derivation(out, name, &salt, iterations);
    let mut key = Zeroizing::new(vec![0; DERIVED_LEN]);
    Prf::Sha256.pbkdf2(passphrase.expose(), &salt, iterations, &mut key);
    Ok(Secret::from(key))
}

/// The parameters stand in no namespace, as in the figures of RFC 6030.
fn write_derivation(out: &mut Xml, name: &str, salt: &[u8], iterations: u32) {
    out.open("EncryptionKey", &[]);
    out.open("xenc11:DerivedKey", &[]);
    out.open("xenc11:KeyDerivationMethod", &[("Algorithm", PBKDF2)]);
    out.open("pkcs5:PBKDF2-params", &[("xmlns", "")]);
    out.open("Salt", &[]);
    out.leaf("Specified", &BASE64.encode(salt));
    out.close("Salt");
    out.leaf("IterationCount", &iterations.to_string());
    out.leaf("KeyLength", &DERIVED_LEN.to_string());
    out.empty("PRF", &[("Algorithm", HMAC_SHA256)]);
    out.close("pkcs5:PBKDF2-params");
    out.close("xenc11:KeyDerivationMethod");
    out.leaf("xenc11:MasterKeyName", name);
    out.close("xenc11:DerivedKey");
    out.close("EncryptionKey");
}

fn write_package(
    out: &mut Xml,
    key: &Key,
    sealer: Option<&Sealer>,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<(), WriteError> {
    out.open("KeyPackage", &[]);
    if key.manufacturer.is_some() || key.serial.is_some() || key.model.is_some() {
        out.open("DeviceInfo", &[]);
        out.optional("Manufacturer", key.manufacturer.as_deref());
        out.optional("SerialNo", key.serial.as_deref());
        out.optional("Model", key.model.as_deref());
        out.close("DeviceInfo");
    }
    // The schema demands an Id; the serial number serves where there is none.
    let id = key.id.as_deref().or(key.serial.as_deref()).unwrap_or("1");
    out.open("Key", &[("Id", id), ("Algorithm", &algorithm_uri(key))]);
    out.optional("Issuer", key.issuer.as_deref());
    write_parameters(out, key);
    out.optional("FriendlyName", key.friendly_name.as_deref());
    write_data(out, key, sealer, random)?;
    out.optional("UserId", key.user_id.as_deref());
    write_policy(out, key);
    out.close("Key");
    out.close("KeyPackage");
    Ok(())
}

fn algorithm_uri(key: &Key) -> String {
    let name = match key.algorithm {
        Algorithm::Hotp => "hotp",
        Algorithm::Totp => "totp",
        Algorithm::Ocra(_) => "ocra",
        Algorithm::Pin => "pin",
    };
    format!("{URN}:{name}")
}

fn write_parameters(out: &mut Xml, key: &Key) {
    out.open("AlgorithmParameters", &[]);
    match &key.algorithm {
        Algorithm::Ocra(suite) => out.leaf("Suite", suite.as_str()),
        _ if key.hash != Hash::Sha1 => out.leaf("Suite", &format!("HMAC-{}", key.hash)),
        _ => {}
    }
    out.empty(
        "ResponseFormat",
        &[("Encoding", "DECIMAL"), ("Length", &key.digits.to_string())],
    );
    out.close("AlgorithmParameters");
}

fn write_data(
    out: &mut Xml,
    key: &Key,
    sealer: Option<&Sealer>,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<(), WriteError> {
    out.open("Data", &[]);
    out.open("Secret", &[]);
    match sealer {
        Some(sealer) => sealer.write_sealed(out, key.secret.expose(), random)?,
        None => out.leaf(
            "PlainValue",
            &Zeroizing::new(BASE64.encode(key.secret.expose())),
        ),
    }
    out.close("Secret");
    let timed = key.algorithm == Algorithm::Totp;
    if key.counter > 0 || matches!(key.algorithm, Algorithm::Hotp | Algorithm::Ocra(_)) {
        out.plain("Counter", &key.counter.to_string());
    }
    if timed {
        out.plain("Time", "0");
        out.plain("TimeInterval", &key.period.to_string());
    }
    if key.drift != 0 {
        out.plain("TimeDrift", &key.drift.to_string());
    }
    out.close("Data");
    Ok(())
}

fn write_policy(out: &mut Xml, key: &Key) {
    let empty = key.starts.is_none()
        && key.expires.is_none()
        && key.pin_policy.is_none()
        && key.usages.is_empty()
        && key.transactions.is_none();
    if empty {
        return;
    }
    out.open("Policy", &[]);
    out.optional("StartDate", key.starts.map(date::format).as_deref());
    out.optional("ExpiryDate", key.expires.map(date::format).as_deref());
    if let Some(pin) = &key.pin_policy {
        write_pin_policy(out, pin);
    }
    for usage in &key.usages {
        out.leaf("KeyUsage", usage.name());
    }
    out.optional(
        "NumberOfTransactions",
        key.transactions.map(|count| count.to_string()).as_deref(),
    );
    out.close("Policy");
}

fn write_pin_policy(out: &mut Xml, pin: &PinPolicy) {
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let attributes = [
        ("PINKeyId", pin.key_id.clone()),
        ("PINUsageMode", pin.usage_mode.clone()),
        ("MaxFailedAttempts", number(pin.max_failed_attempts)),
        ("MinLength", number(pin.min_length)),
        ("MaxLength", number(pin.max_length)),
        ("PINEncoding", pin.encoding.clone()),
    ];
    let attributes: Vec<(&str, &str)> = attributes
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
        .collect();
    out.empty("PINPolicy", &attributes);
}
