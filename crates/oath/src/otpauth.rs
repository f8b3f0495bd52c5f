//! `otpauth://` URIs, by which phones learn their keys.

mod percent;
#[cfg(test)]
mod tests;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Digits, Hash, Secret, base32, totp};

/// Longest URI that is read, in bytes.
pub const MAX_LEN: usize = 4096;
/// Longest issuer or account in characters.
const MAX_NAME: usize = 255;

/// Which kind of password the key makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// RFC 4226, with the next counter.
    Hotp {
        /// The next counter.
        counter: u64,
    },
    /// RFC 6238, with the step.
    Totp {
        /// Step in seconds, 1 to 3600.
        period: u32,
    },
}

/// A key as a URI carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Kind of password.
    pub kind: Kind,
    /// Who issued the key.
    pub issuer: Option<String>,
    /// Name of the account; may be empty.
    pub account: String,
    /// The key.
    pub secret: Secret,
    /// Hash function under the HMAC.
    pub hash: Hash,
    /// Digits of a value.
    pub digits: Digits,
}

/// Why a text is no such URI; holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OtpauthError {
    /// Longer than [`MAX_LEN`].
    #[error("the URI is longer than {MAX_LEN} bytes")]
    TooLong,
    /// Another scheme.
    #[error("the URI does not begin with otpauth://")]
    Scheme,
    /// Neither hotp nor totp.
    #[error("the URI is neither for hotp nor for totp")]
    Kind,
    /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the URI is not percent-encoded UTF-8")]
    Encoding,
    /// Issuer or account too long or with control characters.
    #[error("issuer or account are longer than {MAX_NAME} characters or hold control characters")]
    Name,
    /// A parameter stands twice.
    #[error("parameter {0} stands twice")]
    Twice(&'static str),
    /// No secret.
    #[error("parameter secret is missing")]
    NoSecret,
    /// A secret that is no base32, empty or longer than 512 bytes.
    #[error("parameter secret is not 1 to 512 bytes in base32")]
    Secret,
    /// An unknown hash function.
    #[error("parameter algorithm is not SHA1, SHA256 or SHA512")]
    Algorithm,
    /// Digits outside 6 to 10.
    #[error("parameter digits is not 6 to 10")]
    Digits,
    /// A step outside 1 to 3600 seconds.
    #[error("parameter period is not 1 to 3600")]
    Period,
    /// A counter that is no number.
    #[error("parameter counter is not a number")]
    Counter,
}

/// Reads a URI; parameters that are not known are passed over, those left out take the usual defaults (SHA1, 6, 30, 0).
pub fn parse(text: &str) -> Result<Account, OtpauthError> {
    let text = text.trim();
    if text.len() > MAX_LEN {
        return Err(OtpauthError::TooLong);
    }
    let rest = strip_scheme(text).ok_or(OtpauthError::Scheme)?;
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, label) = path.split_once('/').unwrap_or((path, ""));
    let parameters = Parameters::read(query)?;
    let (of_label, account) = split_label(label)?;
    Ok(Account {
        kind: parameters.kind(kind)?,
        issuer: parameters.issuer()?.or(of_label),
        account,
        secret: parameters.secret()?,
        hash: parameters.hash()?,
        digits: parameters.digits()?,
    })
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("otpauth://".len())?;
    scheme.eq_ignore_ascii_case("otpauth://").then_some(rest)
}

/// Issuer and account, divided by the first colon that is not encoded, or else by an encoded one; spaces may follow it.
fn split_label(label: &str) -> Result<(Option<String>, String), OtpauthError> {
    let decode = |text| percent::decode(text).ok_or(OtpauthError::Encoding);
    let (issuer, account) = match label.split_once(':') {
        Some((issuer, account)) => (decode(issuer)?, decode(account)?),
        None => {
            let label = decode(label)?;
            let (issuer, account) = label.split_once(':').unwrap_or(("", &label));
            (issuer.to_owned().into(), account.to_owned().into())
        }
    };
    let issuer = checked_name(&issuer)?;
    Ok((
        (!issuer.is_empty()).then_some(issuer),
        checked_name(&account)?,
    ))
}

fn checked_name(name: &str) -> Result<String, OtpauthError> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(OtpauthError::Name);
    }
    Ok(name.to_owned())
}

const NAMES: [&str; 6] = [
    "secret",
    "issuer",
    "algorithm",
    "digits",
    "period",
    "counter",
];

/// The known parameters, decoded, in the order of [`NAMES`].
#[derive(Default)]
struct Parameters([Option<Zeroizing<String>>; NAMES.len()]);

impl Parameters {
    fn read(query: &str) -> Result<Self, OtpauthError> {
        let mut parameters = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = NAMES
                .iter()
                .zip(&mut parameters.0)
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((known, slot)) = known else { continue };
            let value = percent::decode(value).ok_or(OtpauthError::Encoding)?;
            if slot.replace(value).is_some() {
                return Err(OtpauthError::Twice(known));
            }
        }
        Ok(parameters)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = NAMES.iter().zip(&self.0).find(|(known, _)| **known == name);
        found
            .and_then(|(_, value)| value.as_ref())
            .map(|value| value.as_str())
    }

    fn kind(&self, kind: &str) -> Result<Kind, OtpauthError> {
        match kind.to_ascii_lowercase().as_str() {
            "hotp" => Ok(Kind::Hotp {
                counter: self.counter()?,
            }),
            "totp" => Ok(Kind::Totp {
                period: self.period()?,
            }),
            _ => Err(OtpauthError::Kind),
        }
    }

    fn counter(&self) -> Result<u64, OtpauthError> {
        self.value("counter")
            .map_or(Ok(0), |text| number(text).ok_or(OtpauthError::Counter))
    }

    fn period(&self) -> Result<u32, OtpauthError> {
        let Some(text) = self.value("period") else {
            return Ok(30);
        };
        let period = number(text).and_then(|period| u32::try_from(period).ok());
        period
            .filter(|period| totp::PERIODS.contains(period))
            .ok_or(OtpauthError::Period)
    }

    fn issuer(&self) -> Result<Option<String>, OtpauthError> {
        let issuer = self.value("issuer").map(checked_name).transpose()?;
        Ok(issuer.filter(|issuer| !issuer.is_empty()))
    }

    fn secret(&self) -> Result<Secret, OtpauthError> {
        base32::decode(self.value("secret").ok_or(OtpauthError::NoSecret)?)
            .ok_or(OtpauthError::Secret)
    }

    fn hash(&self) -> Result<Hash, OtpauthError> {
        self.value("algorithm").map_or(Ok(Hash::Sha1), |text| {
            text.parse().map_err(|_| OtpauthError::Algorithm)
        })
    }

    fn digits(&self) -> Result<Digits, OtpauthError> {
        let Some(text) = self.value("digits") else {
            return Ok(Digits::SIX);
        };
        let digits = number(text).and_then(|digits| u8::try_from(digits).ok());
        digits.and_then(Digits::new).ok_or(OtpauthError::Digits)
    }
}

/// Digits only: the standard parser takes a sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

impl Account {
    /// The URI, which holds the secret; every parameter is written out.
    #[must_use]
    pub fn to_uri(&self) -> Zeroizing<String> {
        // Room for all of it, so that no copy of the secret is left behind by a growing text.
        let names = self.account.len() + 2 * self.issuer.as_ref().map_or(0, String::len);
        let mut uri = Zeroizing::new(String::with_capacity(
            160 + 3 * names + 2 * self.secret.len(),
        ));
        uri.push_str("otpauth://");
        uri.push_str(match self.kind {
            Kind::Hotp { .. } => "hotp/",
            Kind::Totp { .. } => "totp/",
        });
        // An account with a colon needs the colon before it too, or its first part would be read as the issuer.
        if self.issuer.is_some() || self.account.contains(':') {
            percent::encode(self.issuer.as_deref().unwrap_or_default(), &mut uri);
            uri.push(':');
        }
        percent::encode(&self.account, &mut uri);
        uri.push_str("?secret=");
        uri.push_str(&base32::encode(&self.secret));
        if let Some(issuer) = &self.issuer {
            uri.push_str("&issuer=");
            percent::encode(issuer, &mut uri);
        }
        uri.push_str(&format!("&algorithm={}&digits={}", self.hash, self.digits));
        uri.push_str(&match self.kind {
            Kind::Hotp { counter } => format!("&counter={counter}"),
            Kind::Totp { period } => format!("&period={period}"),
        });
        uri
    }
}
