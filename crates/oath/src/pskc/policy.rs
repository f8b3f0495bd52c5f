//! The policy of a key (RFC 6030 section 5): what it may be used for, and when. An element that is not understood forbids every use.

use roxmltree::Node;

use super::{Algorithm, Cause, xml};
use crate::date;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// One-time passwords.
    Otp,
    /// Challenge-response.
    Cr,
    /// Encryption.
    Encrypt,
    /// Keyed digests and signatures.
    Integrity,
    /// Verification of keyed digests.
    Verify,
    /// Inverse challenge-response, to unlock.
    Unlock,
    /// Decryption.
    Decrypt,
    /// Wrapping of keys.
    KeyWrap,
    /// Unwrapping of keys.
    Unwrap,
    /// Derivation of keys.
    Derive,
    /// Generation of keys.
    Generate,
}

const USAGES: [(&str, Usage); 11] = [
    ("OTP", Usage::Otp),
    ("CR", Usage::Cr),
    ("Encrypt", Usage::Encrypt),
    ("Integrity", Usage::Integrity),
    ("Verify", Usage::Verify),
    ("Unlock", Usage::Unlock),
    ("Decrypt", Usage::Decrypt),
    ("KeyWrap", Usage::KeyWrap),
    ("Unwrap", Usage::Unwrap),
    ("Derive", Usage::Derive),
    ("Generate", Usage::Generate),
];

impl Usage {
    /// The word in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        USAGES
            .iter()
            .find(|(_, usage)| *usage == self)
            .map_or("", |(name, _)| name)
    }
}

/// Rules about the PIN of a key; the words are kept as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PinPolicy {
    /// `Id` of the key that holds the PIN.
    pub key_id: Option<String>,
    /// `Local`, `Prepend`, `Append` or `Algorithmic`.
    pub usage_mode: Option<String>,
    /// Failures after which the PIN is blocked.
    pub max_failed_attempts: Option<u32>,
    /// Shortest PIN in characters.
    pub min_length: Option<u32>,
    /// Longest PIN in characters.
    pub max_length: Option<u32>,
    /// `DECIMAL`, `HEXADECIMAL`, `ALPHANUMERIC`, `BASE64` or `BINARY`.
    pub encoding: Option<String>,
}

/// What a `Policy` element says.
#[derive(Default)]
pub(super) struct Policy {
    pub(super) starts: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) pin: Option<PinPolicy>,
    pub(super) usages: Vec<Usage>,
    pub(super) transactions: Option<u64>,
}

impl Policy {
    pub(super) fn read(key: Node<'_, '_>) -> Result<Self, Cause> {
        let mut policy = Self::default();
        let Some(node) = xml::child(key, "Policy") else {
            return Ok(policy);
        };
        for element in node.children().filter(Node::is_element) {
            policy.add(element)?;
        }
        Ok(policy)
    }

    fn add(&mut self, element: Node<'_, '_>) -> Result<(), Cause> {
        match element.tag_name().name() {
            "StartDate" => self.starts = Some(moment(element, "StartDate")?),
            "ExpiryDate" => self.expires = Some(moment(element, "ExpiryDate")?),
            "PINPolicy" => self.pin = Some(pin_policy(element)?),
            "KeyUsage" => self.add_usage(element)?,
            "NumberOfTransactions" => {
                self.transactions = Some(number(element, "NumberOfTransactions")?);
            }
            _ => return Err(Cause::Policy),
        }
        Ok(())
    }

    fn add_usage(&mut self, element: Node<'_, '_>) -> Result<(), Cause> {
        let text = xml::content(element).ok_or(Cause::Policy)?;
        let usage = USAGES
            .iter()
            .find(|(name, _)| *name == text.as_str())
            .map(|(_, usage)| *usage)
            .ok_or(Cause::Policy)?;
        if !self.usages.contains(&usage) {
            self.usages.push(usage);
        }
        Ok(())
    }

    /// Whether the algorithm is among the uses.
    pub(super) fn check(&self, algorithm: &Algorithm) -> Result<(), Cause> {
        let wanted: &[Usage] = match algorithm {
            Algorithm::Hotp | Algorithm::Totp => &[Usage::Otp],
            Algorithm::Ocra(_) => &[
                Usage::Otp,
                Usage::Cr,
                Usage::Integrity,
                Usage::Verify,
                Usage::Unlock,
            ],
            Algorithm::Pin => return Ok(()),
        };
        match self.usages.is_empty() || self.usages.iter().any(|usage| wanted.contains(usage)) {
            true => Ok(()),
            false => Err(Cause::Usage),
        }
    }
}

/// A date as seconds since 1970.
pub(super) fn moment(node: Node<'_, '_>, element: &'static str) -> Result<i64, Cause> {
    xml::content(node)
        .and_then(|text| date::parse(&text))
        .ok_or(Cause::Invalid(element))
}

fn number(node: Node<'_, '_>, element: &'static str) -> Result<u64, Cause> {
    xml::content(node)
        .and_then(|text| text.parse().ok())
        .ok_or(Cause::Invalid(element))
}

fn pin_policy(node: Node<'_, '_>) -> Result<PinPolicy, Cause> {
    let mut policy = PinPolicy::default();
    for attribute in node.attributes() {
        let value = attribute.value();
        match attribute.name() {
            "PINKeyId" => policy.key_id = xml::checked_name(value, "PINKeyId")?,
            "PINUsageMode" => policy.usage_mode = xml::checked_name(value, "PINUsageMode")?,
            "PINEncoding" => policy.encoding = xml::checked_name(value, "PINEncoding")?,
            "MaxFailedAttempts" => {
                policy.max_failed_attempts = Some(
                    value
                        .parse()
                        .map_err(|_| Cause::Invalid("MaxFailedAttempts"))?,
                );
            }
            "MinLength" => {
                policy.min_length = Some(value.parse().map_err(|_| Cause::Invalid("MinLength"))?);
            }
            "MaxLength" => {
                policy.max_length = Some(value.parse().map_err(|_| Cause::Invalid("MaxLength"))?);
            }
            _ => return Err(Cause::Policy),
        }
    }
    match node.children().any(|child| child.is_element()) {
        true => Err(Cause::Policy),
        false => Ok(policy),
    }
}
