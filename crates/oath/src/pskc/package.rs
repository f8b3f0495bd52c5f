//! One key package: device, key, algorithm, data.

use roxmltree::Node;
use zeroize::Zeroizing;

use super::opener::Opener;
use super::policy::{Policy, moment};
use super::{Algorithm, Cause, Key, PackageError, xml};
use crate::ocra::Suite;
use crate::{Digits, Hash, Secret, totp};

/// Longest secret in bytes.
const MAX_SECRET: usize = 512;

type Element<'a> = Node<'a, 'a>;

/// Reads a key, or says which one cannot be read and why.
pub(super) fn read<'a>(
    index: usize,
    package: Element<'a>,
    key: Option<Element<'a>>,
    opener: &mut Opener<'a>,
) -> Result<Key, PackageError> {
    let named = |cause| PackageError {
        index,
        key_id: key.and_then(|key| key_id(key).ok().flatten()),
        serial: serial(package).ok().flatten(),
        cause,
    };
    let key = key.ok_or_else(|| named(Cause::NoKey))?;
    read_key(package, key, opener).map_err(named)
}

fn read_key<'a>(
    package: Element<'a>,
    node: Element<'a>,
    opener: &mut Opener<'a>,
) -> Result<Key, Cause> {
    let algorithm = algorithm(node)?;
    let policy = Policy::read(node)?;
    policy.check(&algorithm)?;
    let format = ResponseFormat::read(node)?;
    let data = Data { key: node };
    let device = xml::child(package, "DeviceInfo");
    let mut key = Key::new(algorithm, Secret::default());
    key.hash = hash(node, &key.algorithm)?;
    key.digits = format.digits(&key)?;
    key.period = data.period(&key, opener)?;
    key.counter = data.counter(opener)?;
    key.drift = data.drift(opener)?;
    key.secret = data.secret(opener)?;
    key.id = key_id(node)?;
    key.serial = serial(package)?;
    key.manufacturer = xml::name(
        device.and_then(|device| xml::child(device, "Manufacturer")),
        "Manufacturer",
    )?;
    key.model = xml::name(
        device.and_then(|device| xml::child(device, "Model")),
        "Model",
    )?;
    key.issuer = xml::name(xml::child(node, "Issuer"), "Issuer")?;
    key.friendly_name = xml::name(xml::child(node, "FriendlyName"), "FriendlyName")?;
    key.user_id = user_id(node, device)?;
    key.starts = later(policy.starts, date_of(device, "StartDate")?);
    key.expires = earlier(policy.expires, date_of(device, "ExpiryDate")?);
    key.pin_policy = policy.pin;
    key.usages = policy.usages;
    key.transactions = policy.transactions;
    Ok(key)
}

fn key_id(key: Element<'_>) -> Result<Option<String>, Cause> {
    xml::checked_name(
        key.attribute("Id")
            .or_else(|| key.attribute("KeyId"))
            .unwrap_or_default()
            .trim(),
        "Id",
    )
}

/// `SerialNo` of RFC 6030, `SerialNumber` of the drafts.
fn serial(package: Element<'_>) -> Result<Option<String>, Cause> {
    let device = xml::child(package, "DeviceInfo").or_else(|| xml::child(package, "DeviceId"));
    let node = device.and_then(|device| {
        xml::child(device, "SerialNo").or_else(|| xml::child(device, "SerialNumber"))
    });
    xml::name(node, "SerialNo")
}

fn user_id(key: Element<'_>, device: Option<Element<'_>>) -> Result<Option<String>, Cause> {
    match xml::name(xml::child(key, "UserId"), "UserId")? {
        None => xml::name(
            device.and_then(|device| xml::child(device, "UserId")),
            "UserId",
        ),
        known => Ok(known),
    }
}

fn date_of(device: Option<Element<'_>>, name: &'static str) -> Result<Option<i64>, Cause> {
    device
        .and_then(|device| xml::child(device, name))
        .map(|node| moment(node, name))
        .transpose()
}

fn later(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.max(other)
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().min()
}

/// Algorithm of the URI: `urn:ietf:params:xml:ns:keyprov:pskc:hotp`, with `#` for the last colon, those of the drafts, or the bare name.
fn algorithm(key: Element<'_>) -> Result<Algorithm, Cause> {
    let uri = key
        .attribute("Algorithm")
        .or_else(|| key.attribute("KeyAlgorithm"))
        .ok_or(Cause::Missing("Algorithm"))?
        .trim();
    if let Some(suite) = uri.find("OCRA-1:").and_then(|at| uri.get(at..)) {
        return ocra(suite);
    }
    match algorithm_name(uri).as_str() {
        "ocra" | "ocra-1" => ocra(&suite_text(key)?.ok_or(Cause::Missing("Suite"))?),
        "pin" => Ok(Algorithm::Pin),
        name if name == "hotp" || name.starts_with("hotp-") => Ok(Algorithm::Hotp),
        name if name == "totp" || name.starts_with("totp-") => Ok(Algorithm::Totp),
        _ => Err(Cause::Algorithm),
    }
}

fn algorithm_name(uri: &str) -> String {
    uri.rsplit(['#', ':', '/'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn ocra(text: &str) -> Result<Algorithm, Cause> {
    let suite: Suite = text.parse().map_err(Cause::Suite)?;
    match suite.digits() {
        0 => Err(Cause::Untruncated),
        _ => Ok(Algorithm::Ocra(suite)),
    }
}

/// Hash of the suite; for HOTP and TOTP of `Suite` (`HMAC-SHA256`), or of the end of the URI (`totp-sha256`), or SHA-1.
fn hash(key: Element<'_>, algorithm: &Algorithm) -> Result<Hash, Cause> {
    if let Algorithm::Ocra(suite) = algorithm {
        return Ok(suite.hash());
    }
    if let Some(text) = suite_text(key)? {
        return text.parse().map_err(|_| Cause::Hash);
    }
    let name = algorithm_name(
        key.attribute("Algorithm")
            .or_else(|| key.attribute("KeyAlgorithm"))
            .unwrap_or_default()
            .trim(),
    );
    match name.split_once('-') {
        Some((_, hash)) => hash.parse().map_err(|_| Cause::Hash),
        None => Ok(Hash::Sha1),
    }
}

fn suite_text(key: Element<'_>) -> Result<Option<String>, Cause> {
    let parameters = xml::child(key, "AlgorithmParameters");
    xml::name(
        parameters.and_then(|node| xml::child(node, "Suite")),
        "Suite",
    )
}

/// What a value looks like.
struct ResponseFormat {
    len: Option<u8>,
}

impl ResponseFormat {
    /// In `AlgorithmParameters`; the drafts have it in `Usage`, with `Format` for `Encoding`.
    fn read(key: Element<'_>) -> Result<Self, Cause> {
        let parameters =
            xml::child(key, "AlgorithmParameters").or_else(|| xml::child(key, "Usage"));
        let Some(node) = parameters.and_then(|node| xml::child(node, "ResponseFormat")) else {
            return Ok(Self { len: None });
        };
        let encoding = node
            .attribute("Encoding")
            .or_else(|| node.attribute("Format"));
        if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("DECIMAL")) {
            return Err(Cause::Encoding);
        }
        let check = node
            .attribute("CheckDigits")
            .or_else(|| node.attribute("CheckDigit"));
        if check.is_some_and(|check| !matches!(check, "false" | "0")) {
            return Err(Cause::CheckDigits);
        }
        let len = node
            .attribute("Length")
            .map(|len| len.trim().parse().map_err(|_| Cause::Digits))
            .transpose()?;
        Ok(Self { len })
    }

    fn digits(&self, key: &Key) -> Result<u8, Cause> {
        let Some(len) = self.len else {
            return Ok(key.digits);
        };
        let fits = match &key.algorithm {
            Algorithm::Hotp | Algorithm::Totp => Digits::new(len).is_some(),
            Algorithm::Ocra(suite) => suite.digits() == len,
            Algorithm::Pin => true,
        };
        if fits { Ok(len) } else { Err(Cause::Digits) }
    }
}

/// The `Data` of a key: children by name in RFC 6030, several `Data` with a `Name` in the drafts.
struct Data<'a> {
    key: Element<'a>,
}

impl<'a> Data<'a> {
    fn field(&self, name: &'static str) -> Option<Element<'a>> {
        xml::children(self.key, "Data").find_map(|data| match data.attribute("Name") {
            Some(own) => is_name(own, name).then_some(data),
            None => xml::child(data, name),
        })
    }

    fn secret(&self, opener: &mut Opener<'a>) -> Result<Secret, Cause> {
        let field = self.field("Secret").ok_or(Cause::NoSecret)?;
        let secret = match encrypted_value(field, opener)? {
            Some(opened) => opened,
            None if !opener.allows_plain() => return Err(Cause::Plain),
            None => xml::base64(plain_value(field).ok_or(Cause::NoSecret)?, "Secret")?,
        };
        match secret.len() {
            1..=MAX_SECRET => Ok(Secret::from(secret)),
            _ => Err(Cause::SecretLength),
        }
    }

    fn counter(&self, opener: &mut Opener<'a>) -> Result<u64, Cause> {
        let value = self.integer("Counter", opener)?.unwrap_or(0);
        u64::try_from(value).map_err(|_| Cause::Invalid("Counter"))
    }

    fn drift(&self, opener: &mut Opener<'a>) -> Result<i64, Cause> {
        let value = self.integer("TimeDrift", opener)?.unwrap_or(0);
        // Beyond 32 bits no clock drifts; sums with steps cannot overflow then.
        i32::try_from(value)
            .map(i64::from)
            .map_err(|_| Cause::Invalid("TimeDrift"))
    }

    fn period(&self, key: &Key, opener: &mut Opener<'a>) -> Result<u32, Cause> {
        let stated = self.integer("TimeInterval", opener)?;
        match (&key.algorithm, stated) {
            (Algorithm::Totp, Some(seconds)) => u32::try_from(seconds)
                .ok()
                .filter(|seconds| totp::PERIODS.contains(seconds))
                .ok_or(Cause::Period),
            _ => Ok(key.period),
        }
    }

    /// A number: decimal, or four or eight bytes big endian, in base64 or encrypted.
    fn integer(&self, name: &'static str, opener: &mut Opener<'a>) -> Result<Option<i128>, Cause> {
        let Some(field) = self.field(name) else {
            return Ok(None);
        };
        let value = match encrypted_value(field, opener)? {
            Some(opened) => integer_of_bytes(&opened),
            None => integer_of_text(
                &xml::content(plain_value(field).ok_or(Cause::Invalid(name))?)
                    .ok_or(Cause::Invalid(name))?,
            ),
        };
        value.map(Some).ok_or(Cause::Invalid(name))
    }
}

/// Names of the drafts are in capitals, with other words for two of them.
fn is_name(own: &str, name: &str) -> bool {
    let other = match name {
        "TimeInterval" => "TIME_INTERVAL",
        "TimeDrift" => "TIME_DRIFT",
        same => same,
    };
    own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(other)
}

fn encrypted_value<'a>(
    field: Element<'a>,
    opener: &mut Opener<'a>,
) -> Result<Option<Zeroizing<Vec<u8>>>, Cause> {
    let Some(value) = xml::child(field, "EncryptedValue") else {
        return Ok(None);
    };
    if plain_value(field).is_some() {
        return Err(Cause::Invalid("Data"));
    }
    opener.open(value, xml::child(field, "ValueMAC")).map(Some)
}

fn plain_value(field: Element<'_>) -> Option<Element<'_>> {
    xml::child(field, "PlainValue").or_else(|| xml::child(field, "Value"))
}

fn integer_of_text(text: &str) -> Option<i128> {
    decimal(text).or_else(|| xml::decode_base64(text).and_then(|bytes| binary(&bytes)))
}

/// Decimal first: as binary, eight digits would be a counter that no device reaches.
fn integer_of_bytes(bytes: &[u8]) -> Option<i128> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| decimal(text.trim()))
        .or_else(|| binary(bytes))
}

fn decimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn binary(bytes: &[u8]) -> Option<i128> {
    match *bytes {
        [a, b, c, d] => Some(i128::from(i32::from_be_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Some(i128::from(i64::from_be_bytes([a, b, c, d, e, f, g, h]))),
        _ => None,
    }
}
