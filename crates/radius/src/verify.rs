//! Who sent it: Message-Authenticator and the authenticators (RFC 2865, 2866, 3579, 5997).

use hmac::Mac;
use md5::Digest;
use subtle::ConstantTimeEq;

use crate::SharedSecret;
use crate::kind;
use crate::packet::{Code, HEADER, Packet};

const ZERO: [u8; 16] = [0; 16];

/// What a packet's Message-Authenticator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAuthenticator {
    /// The packet has none.
    Absent,
    /// Made by a holder of the shared secret.
    Right,
    /// Made by somebody else, or the packet was altered.
    Wrong,
}

/// Checks the Message-Authenticator of a request (RFC 3579 section 3.2).
#[must_use]
pub fn message_authenticator(request: &Packet<'_>, secret: &SharedSecret) -> MessageAuthenticator {
    let authenticator = if request.code().is_self_authenticated() {
        &ZERO
    } else {
        request.authenticator()
    };
    check(request, authenticator, secret)
}

/// Checks the Message-Authenticator of an answer, which is computed with the request's authenticator.
#[must_use]
pub fn reply_message_authenticator(
    reply: &Packet<'_>,
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> MessageAuthenticator {
    check(reply, request_authenticator, secret)
}

fn check(
    packet: &Packet<'_>,
    authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> MessageAuthenticator {
    let Some((before, value, after)) = packet.around_message_authenticator() else {
        return MessageAuthenticator::Absent;
    };
    let mut mac = secret.mac();
    mac.update(before.get(..4).unwrap_or_default());
    mac.update(authenticator);
    mac.update(before.get(HEADER..).unwrap_or_default());
    mac.update(&ZERO);
    mac.update(after);
    match mac.verify_slice(value) {
        Ok(()) => MessageAuthenticator::Right,
        Err(_) => MessageAuthenticator::Wrong,
    }
}

/// How much proof a component must give (RADIUS specification section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Rule 1: every request needs a right Message-Authenticator.
    Required,
    /// Rule 3: the component has opted out; EAP and Proxy-State still need one.
    OptedOut,
    /// Rule 6: inside TLS; EAP still needs one.
    InsideTls,
}

impl Demand {
    /// The demand on a UDP client with this value of `require_message_authenticator`.
    #[must_use]
    pub fn require(require: bool) -> Self {
        if require {
            Self::Required
        } else {
            Self::OptedOut
        }
    }
}

/// Why a request or an answer is dropped for lack of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// A Message-Authenticator is demanded and absent.
    #[error("verify a packet without Message-Authenticator")]
    Absent,
    /// The Message-Authenticator is wrong.
    #[error("verify a packet with a wrong Message-Authenticator")]
    Wrong,
    /// EAP-Message without Message-Authenticator (RFC 3579 section 3.1).
    #[error("verify a packet with EAP-Message but without Message-Authenticator")]
    AbsentWithEap,
    /// Proxy-State without Message-Authenticator: the shape of a Blast-RADIUS attack.
    #[error("verify a packet with Proxy-State but without Message-Authenticator")]
    AbsentWithProxyState,
    /// The request or response authenticator is wrong.
    #[error("verify a packet with a wrong authenticator")]
    Authenticator,
    /// The answer's identifier is not the request's.
    #[error("match an answer to the request by its identifier")]
    Identifier,
}

impl Refused {
    /// Every cause, for registering metrics.
    pub const ALL: [Self; 6] = [
        Self::Absent,
        Self::Wrong,
        Self::AbsentWithEap,
        Self::AbsentWithProxyState,
        Self::Authenticator,
        Self::Identifier,
    ];

    /// The label of the cause in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "message_authenticator_absent",
            Self::Wrong => "message_authenticator_wrong",
            Self::AbsentWithEap => "eap_without_message_authenticator",
            Self::AbsentWithProxyState => "proxy_state_without_message_authenticator",
            Self::Authenticator => "authenticator_wrong",
            Self::Identifier => "identifier_unexpected",
        }
    }
}

/// Decides whether a request has given enough proof to be looked at.
///
/// Access-Request by `demand`; Status-Server always needs a right Message-Authenticator (RFC 5997 section 2);
/// Accounting-Request and the other self-authenticated requests need a right request authenticator (RFC 2866
/// section 3), and a Message-Authenticator, where present, must be right too.
///
/// # Errors
/// [`Refused`], one per cause; the request is dropped.
pub fn admit(request: &Packet<'_>, secret: &SharedSecret, demand: Demand) -> Result<(), Refused> {
    let found = message_authenticator(request, secret);
    if found == MessageAuthenticator::Wrong {
        return Err(Refused::Wrong);
    }
    if request.code().is_self_authenticated() {
        return if request_authenticator(request, secret) {
            Ok(())
        } else {
            Err(Refused::Authenticator)
        };
    }
    match found {
        MessageAuthenticator::Right => Ok(()),
        _ if request.code() == Code::StatusServer => Err(Refused::Absent),
        _ => without_message_authenticator(request, demand),
    }
}

fn without_message_authenticator(packet: &Packet<'_>, demand: Demand) -> Result<(), Refused> {
    if demand == Demand::Required {
        return Err(Refused::Absent);
    }
    if packet.first(kind::EAP_MESSAGE).is_some() {
        return Err(Refused::AbsentWithEap);
    }
    if demand == Demand::OptedOut && packet.first(kind::PROXY_STATE).is_some() {
        return Err(Refused::AbsentWithProxyState);
    }
    Ok(())
}

/// Checks the request authenticator of an Accounting-Request (RFC 2866 section 3); constant time.
#[must_use]
pub fn request_authenticator(request: &Packet<'_>, secret: &SharedSecret) -> bool {
    digest(request, &ZERO, secret)
        .ct_eq(request.authenticator())
        .into()
}

/// Decides whether an answer came from the server that was asked, unaltered.
///
/// # Errors
/// [`Refused`], one per cause; the answer is ignored and the wait goes on.
pub fn verify_response(
    response: &Packet<'_>,
    request_identifier: u8,
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
    demand: Demand,
) -> Result<(), Refused> {
    if response.identifier() != request_identifier {
        return Err(Refused::Identifier);
    }
    if !bool::from(digest(response, request_authenticator, secret).ct_eq(response.authenticator()))
    {
        return Err(Refused::Authenticator);
    }
    match check(response, request_authenticator, secret) {
        MessageAuthenticator::Right => Ok(()),
        MessageAuthenticator::Wrong => Err(Refused::Wrong),
        MessageAuthenticator::Absent if response.code() == Code::AccountingResponse => Ok(()),
        MessageAuthenticator::Absent => without_message_authenticator(response, demand),
    }
}

/// MD5 over the packet with `authenticator` in its place, then the secret.
fn digest(packet: &Packet<'_>, authenticator: &[u8; 16], secret: &SharedSecret) -> [u8; 16] {
    let bytes = packet.bytes();
    md5::Md5::new()
        .chain_update(bytes.get(..4).unwrap_or_default())
        .chain_update(authenticator)
        .chain_update(bytes.get(HEADER..).unwrap_or_default())
        .chain_update(secret.bytes())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests;
