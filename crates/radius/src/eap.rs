//! EAP inside RADIUS: joining EAP-Message and reading the header (RFC 3748 section 4, RFC 3579 section 3.1).

use crate::kind;
use crate::packet::Packet;

/// EAP code Request.
pub const REQUEST: u8 = 1;
/// EAP code Response.
pub const RESPONSE: u8 = 2;
/// EAP code Success.
pub const SUCCESS: u8 = 3;
/// EAP code Failure.
pub const FAILURE: u8 = 4;
/// EAP type Identity.
pub const IDENTITY: u8 = 1;
/// EAP type Nak.
pub const NAK: u8 = 3;

/// The EAP packet of a RADIUS packet: the values of all EAP-Message attributes in their order.
///
/// `None` if there is no such attribute; an empty one (EAP-Start, RFC 3579 section 2.1) gives no octets.
#[must_use]
pub fn message(packet: &Packet<'_>) -> Option<Vec<u8>> {
    let mut pieces = packet.all(kind::EAP_MESSAGE);
    let mut joined = pieces.next()?.to_vec();
    pieces.for_each(|piece| joined.extend_from_slice(piece));
    Some(joined)
}

/// An EAP packet taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eap<'a> {
    /// Request, Response, Success or Failure.
    pub code: u8,
    /// Matches responses to requests.
    pub identifier: u8,
    /// The method; `None` in Success and Failure.
    pub method: Option<u8>,
    /// What the method carries.
    pub data: &'a [u8],
}

impl<'a> Eap<'a> {
    /// Reads one EAP packet; octets after its length are ignored, anything shorter is `None`.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let [code, identifier, high, low, ..] = *bytes else {
            return None;
        };
        let body = bytes.get(4..usize::from(u16::from_be_bytes([high, low])))?;
        match (code, body) {
            (REQUEST | RESPONSE, [method, data @ ..]) => Some(Self {
                code,
                identifier,
                method: Some(*method),
                data,
            }),
            (SUCCESS | FAILURE, []) => Some(Self {
                code,
                identifier,
                method: None,
                data: &[],
            }),
            _ => None,
        }
    }

    /// The identity, in a Response of that type. A peer may put a NUL and options behind it; they are no part of it.
    #[must_use]
    pub fn identity(&self) -> Option<&'a [u8]> {
        if self.code != RESPONSE || self.method != Some(IDENTITY) {
            return None;
        }
        self.data.split(|octet| *octet == 0).next()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identity_is_read() {
        let eap = Eap::read(b"\x02\x07\x00\x09\x01nemo").unwrap();
        assert_eq!((eap.identifier, eap.identity()), (7, Some(&b"nemo"[..])));
        assert_eq!(
            Eap::read(b"\x02\x07\x00\x0d\x01nemo\0NAS")
                .unwrap()
                .identity(),
            Some(&b"nemo"[..])
        );
        assert_eq!(
            Eap::read(b"\x01\x07\x00\x09\x01nemo").unwrap().identity(),
            None
        );
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(Eap::read(b"\x02\x07\x00\x0a\x01nemo"), None);
        assert_eq!(Eap::read(b"\x02\x07\x00\x03\x01"), None);
        assert_eq!(Eap::read(b"\x02\x07\x00\x04"), None);
        assert_eq!(Eap::read(b"\x03\x07\x00\x04").unwrap().method, None);
        assert_eq!(Eap::read(b"\x03\x07\x00\x05\x01"), None);
        assert_eq!(Eap::read(b"\x09\x07\x00\x04"), None);
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(bytes: Vec<u8>) {
            let _ = Eap::read(&bytes).map(|eap| eap.identity());
        }
    }
}
