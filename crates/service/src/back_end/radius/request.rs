//! What is sent to a RADIUS server.

use crate::back_end::{Received, Target};
use crate::charset::{decode, encode};
use countersign_engine::Secret;
use countersign_engine::back_end::{Ask, Password, Wanted};
use countersign_engine::model::{PasswordProtocol, RadiusBackEnd, RealmRule};
use countersign_radius::packet::{MAX_PASSWORD, MAX_VALUE};
use countersign_radius::{
    Code, Credentials, Overflow, Packet, RequestBuilder, SharedSecret, credentials, forward, kind,
};

/// NAS-Identifier of requests that came from no NAS.
const OWN_NAME: &[u8] = b"countersign";

/// An Access-Request to be; the same one for each identifier.
pub(super) struct Asked<'a> {
    name: Vec<u8>,
    authenticator: [u8; 16],
    proof: Proof<'a>,
    received: Option<Packet<'a>>,
    state: &'a [u8],
}

/// Why nothing is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unasked {
    /// There is no password attribute to pass on.
    Hash,
    /// No server could accept it.
    Rejected(&'static str),
}

/// How the password is sent.
enum Proof<'a> {
    Pap(Secret),
    Chap {
        password: Secret,
        identifier: u8,
        challenge: [u8; 16],
    },
    Mschap {
        password: String,
        identifier: u8,
        challenge: [u8; 8],
    },
    Mschapv2 {
        password: String,
        identifier: u8,
        challenge: [u8; 16],
        peer: [u8; 16],
    },
    Same(&'a Received),
}

impl Drop for Proof<'_> {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        if let Self::Mschap { password, .. } | Self::Mschapv2 { password, .. } = self {
            password.zeroize();
        }
    }
}

impl<'a> Asked<'a> {
    /// What a question becomes.
    pub(super) fn new(
        target: &Target,
        own: &RadiusBackEnd,
        ask: &'a Ask,
        received: Option<&'a Received>,
    ) -> Result<Self, Unasked> {
        let (proof, state) = match &ask.wanted {
            Wanted::Authenticate(Password::Known(password)) => (known(own, password)?, &[][..]),
            Wanted::Authenticate(Password::AsReceived) => {
                (same(own, received.ok_or(Unasked::Hash)?)?, &[][..])
            }
            Wanted::Respond {
                state, response, ..
            } => (Proof::Pap(clear(own, response)?), state.as_slice()),
            _ => return Err(Unasked::Hash),
        };
        let packet = received.and_then(|received| Packet::read(&received.packet).ok());
        let name = match (&proof, packet) {
            (Proof::Same(_), Some(packet)) if is_bound_to_its_name(own, &packet) => {
                packet.first(kind::USER_NAME).unwrap_or_default().to_vec()
            }
            _ => name(own, &target.domain, &ask.user)?,
        };
        let asked = Self {
            name,
            authenticator: random(),
            proof,
            received: packet,
            state,
        };
        match asked.packet(0, &SharedSecret::new(&[0])) {
            Ok(_) => Ok(asked),
            Err(_) => Err(Unasked::Rejected(
                "name or password is longer than RADIUS carries",
            )),
        }
    }

    /// The signed packet.
    pub(super) fn packet(
        &self,
        identifier: u8,
        secret: &SharedSecret,
    ) -> Result<Vec<u8>, Overflow> {
        let builder = RequestBuilder::new(Code::AccessRequest, identifier, self.authenticator)
            .add(kind::USER_NAME, &self.name)?;
        let mut builder = self.prove(builder, secret)?;
        if !self.state.is_empty() {
            builder = builder.add(kind::STATE, self.state)?;
        }
        let Some(received) = &self.received else {
            return Ok(builder.add(kind::NAS_IDENTIFIER, OWN_NAME)?.sign(secret));
        };
        if !names_its_nas(received) {
            builder = builder.add(kind::NAS_IDENTIFIER, OWN_NAME)?;
        }
        for attribute in forward::request_attributes(received) {
            builder = builder.add_if_it_fits(attribute.kind, attribute.value);
        }
        Ok(builder.sign(secret))
    }

    fn prove(
        &self,
        builder: RequestBuilder,
        secret: &SharedSecret,
    ) -> Result<RequestBuilder, Overflow> {
        match &self.proof {
            Proof::Pap(password) => builder.pap(password.expose(), secret),
            Proof::Chap {
                password,
                identifier,
                challenge,
            } => builder.chap(*identifier, password.expose(), challenge),
            Proof::Mschap {
                password,
                identifier,
                challenge,
            } => builder.mschap(*identifier, password, challenge),
            Proof::Mschapv2 {
                password,
                identifier,
                challenge,
                peer,
            } => builder.mschapv2(*identifier, &self.name, password, challenge, peer),
            Proof::Same(received) => match &self.received {
                Some(packet) => builder.same_password(packet, &received.secret, secret),
                None => Ok(builder),
            },
        }
    }
}

/// A password that is known, by the protocol of the record.
fn known(own: &RadiusBackEnd, password: &Secret) -> Result<Proof<'static>, Unasked> {
    let text = || {
        std::str::from_utf8(password.expose())
            .map(str::to_owned)
            .map_err(|_| Unasked::Rejected("the password is no text"))
    };
    let [identifier] = random();
    Ok(match own.password_protocol {
        PasswordProtocol::Pap => Proof::Pap(clear(own, password)?),
        PasswordProtocol::Chap => Proof::Chap {
            password: clear(own, password)?,
            identifier,
            challenge: random(),
        },
        PasswordProtocol::Mschap => Proof::Mschap {
            password: text()?,
            identifier,
            challenge: random(),
        },
        PasswordProtocol::Mschapv2 => Proof::Mschapv2 {
            password: text()?,
            identifier,
            challenge: random(),
            peer: random(),
        },
    })
}

/// The password of a request, unmodified: hidden anew where it was clear, otherwise octet by octet.
fn same<'a>(own: &RadiusBackEnd, received: &'a Received) -> Result<Proof<'a>, Unasked> {
    let packet = Packet::read(&received.packet).map_err(|_| Unasked::Hash)?;
    match credentials(&packet, &received.secret) {
        Ok(Credentials::Pap(password)) if received.component.charset == own.charset => {
            pap(password.as_bytes().to_vec())
        }
        Ok(Credentials::Pap(password)) => {
            let text = decode(received.component.charset, password.as_bytes());
            let text = text.map_err(|_| Unasked::Rejected("the password is no text"))?;
            Ok(Proof::Pap(clear(own, &Secret::new(text.into_bytes()))?))
        }
        Ok(Credentials::Chap(_) | Credentials::MsChap(_) | Credentials::MsChapV2(_)) => {
            Ok(Proof::Same(received))
        }
        Ok(Credentials::None) if changes_password(&packet) => Ok(Proof::Same(received)),
        Ok(Credentials::None | Credentials::Eap) | Err(_) => Err(Unasked::Hash),
    }
}

fn changes_password(packet: &Packet<'_>) -> bool {
    packet.vendor(kind::MICROSOFT, kind::MS_CHAP2_CPW).is_some()
}

/// A password in the character set of the server.
fn clear(own: &RadiusBackEnd, password: &Secret) -> Result<Secret, Unasked> {
    let text = std::str::from_utf8(password.expose())
        .map_err(|_| Unasked::Rejected("the password is no text"))?;
    let octets = encode(own.charset, text).ok_or(Unasked::Rejected(
        "the password has characters that the character set of the record lacks",
    ))?;
    check(octets)
}

fn pap(octets: Vec<u8>) -> Result<Proof<'static>, Unasked> {
    check(octets).map(Proof::Pap)
}

fn check(octets: Vec<u8>) -> Result<Secret, Unasked> {
    let octets = Secret::new(octets);
    match octets.len() {
        0 => Err(Unasked::Rejected("an empty password is never sent")),
        1..=MAX_PASSWORD => Ok(octets),
        _ => Err(Unasked::Rejected(
            "the password is longer than RADIUS carries",
        )),
    }
}

/// User-Name by the realm rule of the record (radius.md 6).
fn name(own: &RadiusBackEnd, domain: &str, user: &str) -> Result<Vec<u8>, Unasked> {
    let realm = own.realm.as_deref().unwrap_or(domain);
    let name = match own.realm_rule {
        RealmRule::None => user.to_owned(),
        RealmRule::Prefix => format!("{realm}\\{user}"),
        RealmRule::Postfix => format!("{user}@{realm}"),
    };
    let octets = encode(own.charset, &name).ok_or(Unasked::Rejected(
        "the user name has characters that the character set of the record lacks",
    ))?;
    if octets.len() > MAX_VALUE {
        return Err(Unasked::Rejected(
            "the user name is longer than RADIUS carries",
        ));
    }
    Ok(octets)
}

/// Whether the proof was made with a name in its `user@realm` form, so that it holds with no other (RFC 2759 8.2; a
/// `REALM\` in front does not count).
fn is_bound_to_its_name(own: &RadiusBackEnd, packet: &Packet<'_>) -> bool {
    let proof = [kind::MS_CHAP2_RESPONSE, kind::MS_CHAP2_CPW]
        .iter()
        .any(|kind| packet.vendor(kind::MICROSOFT, *kind).is_some());
    let name = packet.first(kind::USER_NAME).unwrap_or_default();
    proof && own.realm_rule == RealmRule::None && name.contains(&b'@')
}

fn names_its_nas(packet: &Packet<'_>) -> bool {
    [
        kind::NAS_IP_ADDRESS,
        kind::NAS_IPV6_ADDRESS,
        kind::NAS_IDENTIFIER,
    ]
    .iter()
    .any(|kind| packet.first(*kind).is_some())
}

/// An Accounting-Request with its name by the realm rule and everything else as it came.
pub(super) fn accounting(
    target: &Target,
    own: &RadiusBackEnd,
    user: Option<&str>,
    received: &Packet<'_>,
    identifier: u8,
    secret: &SharedSecret,
) -> Result<Vec<u8>, Overflow> {
    let mut builder = RequestBuilder::new(Code::AccountingRequest, identifier, [0; 16]);
    let as_it_came = received.first(kind::USER_NAME);
    let made = user.and_then(|user| name(own, &target.domain, user).ok());
    if let Some(name) = made.as_deref().or(as_it_came) {
        builder = builder.add(kind::USER_NAME, name)?;
    }
    for attribute in forward::request_attributes(received) {
        builder = builder.add_if_it_fits(attribute.kind, attribute.value);
    }
    Ok(builder.sign(secret))
}

/// A question whether the server is there (RFC 5997).
pub(super) fn status_server(identifier: u8, secret: &SharedSecret) -> Result<Vec<u8>, Overflow> {
    let builder = RequestBuilder::new(Code::StatusServer, identifier, random());
    Ok(builder.add(kind::NAS_IDENTIFIER, OWN_NAME)?.sign(secret))
}

fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    crate::secrets::fill(&mut octets);
    octets
}
