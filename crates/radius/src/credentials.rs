//! What a request offers as proof of the user's password.

use crate::SharedSecret;
use crate::chap::Chap;
use crate::kind::{self, MICROSOFT};
use crate::mschap::{MsChap, MsChapV2};
use crate::packet::Packet;
use crate::password::{Password, reveal};

/// The proof, one variant per protocol (RADIUS specification section 1).
#[derive(Debug, Clone)]
pub enum Credentials<'a> {
    /// The password itself.
    Pap(Password),
    /// An MD5 sum over a challenge.
    Chap(Chap<'a>),
    /// An NT response.
    MsChap(MsChap<'a>),
    /// An NT response that binds user name and both challenges.
    MsChapV2(MsChapV2<'a>),
    /// EAP-Message is present; see [`crate::eap`].
    Eap,
    /// Nothing of the kind.
    None,
}

impl Credentials<'_> {
    /// Whether the proof was made with this plaintext; `false` for `Eap` and `None`. Constant-time comparisons.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        match self {
            Self::Pap(password) => {
                subtle::ConstantTimeEq::ct_eq(password.as_bytes(), candidate).into()
            }
            Self::Chap(proof) => proof.matches(candidate),
            Self::MsChap(proof) => proof.matches(candidate),
            Self::MsChapV2(proof) => proof.matches(candidate),
            Self::Eap | Self::None => false,
        }
    }

    /// The cleartext, where the protocol carries it.
    #[must_use]
    pub fn cleartext(&self) -> Option<&[u8]> {
        match self {
            Self::Pap(password) => Some(password.as_bytes()),
            _ => None,
        }
    }

    /// The protocol's name in records and policies.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Pap(_) => "pap",
            Self::Chap(_) => "chap",
            Self::MsChap(_) => "mschap",
            Self::MsChapV2(_) => "mschapv2",
            Self::Eap => "eap",
            Self::None => "none",
        }
    }
}

/// Why a request's credentials cannot be used; the request is dropped as malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CredentialsFault {
    /// More than one protocol's proof (RFC 2865 section 4.1, RFC 3579 section 2.6).
    #[error("read credentials of several protocols in one request")]
    SeveralKinds,
    /// User-Password is not made of one to eight blocks.
    #[error("read a User-Password of a wrong length")]
    UserPasswordLength,
    /// CHAP-Password is not 17 octets long, or CHAP-Challenge is empty.
    #[error("read a CHAP-Password or CHAP-Challenge of a wrong length")]
    ChapLength,
    /// MS-CHAP-Response or -Challenge is absent or of a wrong length.
    #[error("read an MS-CHAP-Response or MS-CHAP-Challenge of a wrong length")]
    MsChapLength,
    /// MS-CHAP2-Response or its challenge is absent or of a wrong length.
    #[error("read an MS-CHAP2-Response or MS-CHAP-Challenge of a wrong length")]
    MsChapV2Length,
}

impl CredentialsFault {
    /// Every cause, for registering metrics.
    pub const ALL: [Self; 5] = [
        Self::SeveralKinds,
        Self::UserPasswordLength,
        Self::ChapLength,
        Self::MsChapLength,
        Self::MsChapV2Length,
    ];

    /// The label of the cause in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SeveralKinds => "several_credentials",
            Self::UserPasswordLength => "user_password_length",
            Self::ChapLength => "chap_length",
            Self::MsChapLength => "mschap_length",
            Self::MsChapV2Length => "mschapv2_length",
        }
    }
}

#[derive(Default)]
struct Found<'a> {
    user: Option<&'a [u8]>,
    pap: Option<&'a [u8]>,
    chap: Option<&'a [u8]>,
    chap_challenge: Option<&'a [u8]>,
    mschap: Option<&'a [u8]>,
    mschapv2: Option<&'a [u8]>,
    mschap_challenge: Option<&'a [u8]>,
    eap: bool,
}

/// Extracts the proof from an Access-Request.
///
/// # Errors
/// [`CredentialsFault`] if attributes contradict one another or have impossible lengths.
pub fn credentials<'a>(
    request: &Packet<'a>,
    secret: &SharedSecret,
) -> Result<Credentials<'a>, CredentialsFault> {
    let found = Found::collect(request);
    if found.kinds() > 1 {
        return Err(CredentialsFault::SeveralKinds);
    }
    if let Some(value) = found.pap {
        let password = reveal(value, request.authenticator(), secret)
            .ok_or(CredentialsFault::UserPasswordLength)?;
        return Ok(Credentials::Pap(password));
    }
    if let Some(value) = found.chap {
        let challenge = found.chap_challenge.unwrap_or(request.authenticator());
        return chap(value, challenge)
            .map(Credentials::Chap)
            .ok_or(CredentialsFault::ChapLength);
    }
    let challenge = found.mschap_challenge.unwrap_or_default();
    if let Some(value) = found.mschap {
        return MsChap::read(value, challenge)
            .map(Credentials::MsChap)
            .ok_or(CredentialsFault::MsChapLength);
    }
    if let Some(value) = found.mschapv2 {
        let user = found.user.unwrap_or_default();
        let proof =
            MsChapV2::read(value, challenge, user).ok_or(CredentialsFault::MsChapV2Length)?;
        return Ok(Credentials::MsChapV2(proof));
    }
    Ok(if found.eap {
        Credentials::Eap
    } else {
        Credentials::None
    })
}

fn chap<'a>(value: &'a [u8], challenge: &'a [u8]) -> Option<Chap<'a>> {
    let (identifier, response) = value.split_first()?;
    let response = response.try_into().ok()?;
    (!challenge.is_empty()).then_some(Chap {
        identifier: *identifier,
        response,
        challenge,
    })
}

impl<'a> Found<'a> {
    /// One walk over the attributes; of repeated ones the first counts.
    fn collect(request: &Packet<'a>) -> Self {
        let mut found = Self::default();
        for attribute in request.attributes() {
            let slot = match attribute.kind {
                kind::USER_NAME => &mut found.user,
                kind::USER_PASSWORD => &mut found.pap,
                kind::CHAP_PASSWORD => &mut found.chap,
                kind::CHAP_CHALLENGE => &mut found.chap_challenge,
                kind::EAP_MESSAGE => {
                    found.eap = true;
                    continue;
                }
                kind::VENDOR_SPECIFIC => {
                    found.collect_microsoft(attribute.value);
                    continue;
                }
                _ => continue,
            };
            slot.get_or_insert(attribute.value);
        }
        found
    }

    fn collect_microsoft(&mut self, value: &'a [u8]) {
        for attribute in
            crate::packet::VendorAttributes::read(value).filter(|it| it.vendor == MICROSOFT)
        {
            let slot = match attribute.kind {
                kind::MS_CHAP_RESPONSE => &mut self.mschap,
                kind::MS_CHAP2_RESPONSE => &mut self.mschapv2,
                kind::MS_CHAP_CHALLENGE => &mut self.mschap_challenge,
                _ => continue,
            };
            slot.get_or_insert(attribute.value);
        }
    }

    fn kinds(&self) -> usize {
        let present = [
            self.pap.is_some(),
            self.chap.is_some(),
            self.mschap.is_some(),
            self.mschapv2.is_some(),
            self.eap,
        ];
        present.into_iter().filter(|present| *present).count()
    }
}

#[cfg(test)]
mod tests;
