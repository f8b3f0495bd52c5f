use crate::charset::decode;
use crate::logon::{Given, Logon, OwnAnswered};
use crate::node::Node;
use countersign_engine::Secret;
use countersign_engine::attempt::{Proof, Unreadable, Via};
use countersign_engine::model::{ChallengeKey, Charset, Component};
use countersign_engine::snapshot::{RadiusClient, Snapshot};
use countersign_radius::{Credentials, Demand, Packet, SharedSecret, admit, credentials, kind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A packet of a known component whose authenticity was checked.
pub(super) struct Known<'a> {
    pub(super) packet: Packet<'a>,
    pub(super) client: RadiusClient,
    pub(super) secret: Arc<SharedSecret>,
}

/// Why a packet is dropped, as the metrics name it, and whether it is audited (W-101002).
pub(super) struct Dropped {
    pub(super) reason: &'static str,
    pub(super) audited: bool,
}

pub(super) fn unaudited(reason: &'static str) -> Dropped {
    Dropped {
        reason,
        audited: false,
    }
}

fn audited(reason: &'static str) -> Dropped {
    Dropped {
        reason,
        audited: true,
    }
}

/// Reads a datagram and checks where it comes from (radius.md 3, 4).
pub(super) fn known<'a>(
    node: &Node,
    snapshot: &Snapshot,
    bytes: &'a [u8],
    source: SocketAddr,
) -> Result<Known<'a>, Dropped> {
    let packet = Packet::read(bytes).map_err(|malformed| unaudited(malformed.name()))?;
    let nas = packet
        .first(kind::NAS_IDENTIFIER)
        .and_then(|value| std::str::from_utf8(value).ok());
    let client = snapshot
        .components
        .radius(source.ip(), nas, nas_ip(&packet))
        .ok_or_else(|| audited("unknown_component"))?;
    let secret = node
        .shared_secret(snapshot, client.by_source.key)
        .ok_or_else(|| audited("no_shared_secret"))?;
    let required = client.by_source.require_message_authenticator
        || client.narrowed.require_message_authenticator;
    admit(&packet, &secret, Demand::require(required))
        .map_err(|refused| audited(refused.name()))?;
    Ok(Known {
        packet,
        client,
        secret,
    })
}

fn nas_ip(packet: &Packet<'_>) -> Option<IpAddr> {
    let v4 = packet
        .first(kind::NAS_IP_ADDRESS)
        .and_then(|value| <[u8; 4]>::try_from(value).ok());
    let v6 = packet
        .first(kind::NAS_IPV6_ADDRESS)
        .and_then(|value| <[u8; 16]>::try_from(value).ok());
    v4.map(IpAddr::from).or_else(|| v6.map(IpAddr::from))
}

/// The attempt that an Access-Request asks for.
pub(super) fn attempt(known: &Known<'_>, source: SocketAddr) -> Result<Logon, Dropped> {
    let packet = &known.packet;
    let component = &known.client.narrowed;
    let user = packet
        .first(kind::USER_NAME)
        .ok_or_else(|| unaudited("user_name_missing"))?;
    let proof = credentials(packet, &known.secret).map_err(|fault| unaudited(fault.name()))?;
    let given = match &proof {
        Credentials::Pap(password) => {
            Given::Combined(decode_secret(component.charset, password.as_bytes()))
        }
        Credentials::Eap => return Err(unaudited("eap_not_offered")),
        // What changes a password is for a server behind: here it proves none.
        Credentials::None if !changes_password(packet) => Given::None,
        hashed => Given::Hashed {
            protocol: match hashed {
                Credentials::None => "mschapv2",
                hashed => hashed.protocol(),
            },
            proof: Box::new(Hash {
                packet: packet.bytes().into(),
                secret: known.secret.clone(),
            }),
        },
    };
    let user = decode(component.charset, user);
    let mut logon = Logon::new(
        Node::arrival(),
        Via::Radius,
        component.clone(),
        source.ip().to_canonical(),
        user,
        given,
    );
    logon.nas = packet
        .first(kind::NAS_IDENTIFIER)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .or_else(|| nas_ip(packet).map(|ip| ip.to_string()));
    logon.call_check = packet
        .first(kind::SERVICE_TYPE)
        .and_then(countersign_radius::packet::integer)
        == Some(kind::SERVICE_TYPE_CALL_CHECK);
    logon.answered = answered(packet);
    Ok(logon)
}

fn changes_password(packet: &Packet<'_>) -> bool {
    packet.vendor(kind::MICROSOFT, kind::MS_CHAP2_CPW).is_some()
}

fn answered(packet: &Packet<'_>) -> OwnAnswered {
    let key = packet
        .first(kind::STATE)
        .map(|state| state.try_into().map(ChallengeKey).map_err(|_| Unreadable));
    OwnAnswered {
        key,
        challenge: None,
        response: None,
    }
}

fn decode_secret(charset: Charset, bytes: &[u8]) -> Result<Secret, Unreadable> {
    decode(charset, bytes).map(|text| Secret::new(text.into_bytes()))
}

/// A CHAP or MS-CHAP answer with the packet it came in.
#[derive(Debug)]
struct Hash {
    packet: Box<[u8]>,
    secret: Arc<SharedSecret>,
}

impl Proof for Hash {
    fn matches(&self, candidate: &[u8]) -> bool {
        let Ok(packet) = Packet::read(&self.packet) else {
            return false;
        };
        credentials(&packet, &self.secret).is_ok_and(|proof| proof.matches(candidate))
    }
}

/// Whether a component has not used up its requests of this second.
pub(super) fn within_rate(shared: &super::Shared, component: &Component) -> bool {
    let Some(limit) = component.rate_per_s else {
        return true;
    };
    let mut rates = shared
        .rates
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    rates.admit(component.key, limit, shared.clock() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::back_end::tests::component;
    use countersign_radius::{Code, RequestBuilder};

    /// What the attempt of a request with these attributes is given.
    fn given(attributes: &[(u8, &[u8])]) -> Given {
        let secret = Arc::new(SharedSecret::new(b"secret of the client"));
        let start = RequestBuilder::new(Code::AccessRequest, 7, [9; 16])
            .add(kind::USER_NAME, b"alice")
            .unwrap();
        let built = attributes.iter().fold(start, |it, (kind, value)| {
            it.add_vendor(kind::MICROSOFT, *kind, value).unwrap()
        });
        let bytes = built.sign(&secret);
        let component = Arc::new(component());
        let known = Known {
            packet: Packet::read(&bytes).unwrap(),
            client: RadiusClient {
                by_source: component.clone(),
                narrowed: component,
            },
            secret,
        };
        let source = SocketAddr::from(([127, 0, 0, 1], 1024));
        let Ok(logon) = attempt(&known, source) else {
            panic!("it is an attempt");
        };
        logon.given
    }

    #[test]
    fn a_change_of_a_password_is_a_hash_that_nothing_here_matches() {
        let Given::Hashed { protocol, proof } = given(&[(kind::MS_CHAP2_CPW, &[7; 68])]) else {
            panic!("it is for a server behind");
        };
        assert_eq!(protocol, "mschapv2");
        assert!(!proof.matches(b"") && !proof.matches(b"755224"));
        assert!(matches!(given(&[]), Given::None));
    }
}
