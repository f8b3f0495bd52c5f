//! Who is at the other end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

/// The other end of a connection, put into the extensions of each of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address as the socket knows it; no header can change it.
    pub source: IpAddr,
    /// SHA-256 of the client certificate whose key it proved to hold, hexadecimal.
    pub certificate_sha256: Option<Arc<str>>,
}

impl Peer {
    /// The peer of a connection. An IPv4 address seen through an IPv6 socket is an IPv4 address.
    pub(super) fn new(from: SocketAddr, chain: Option<&[CertificateDer<'_>]>) -> Self {
        Self {
            source: from.ip().to_canonical(),
            certificate_sha256: chain.and_then(<[_]>::first).map(fingerprint),
        }
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Arc<str> {
    HEXLOWER.encode(&Sha256::digest(certificate)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let peer = Peer::new("[::ffff:192.0.2.7]:1000".parse().unwrap(), None);
        assert_eq!(peer.source, IpAddr::from([192, 0, 2, 7]));
        assert_eq!(peer.certificate_sha256, None);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_first_certificate() {
        let chain = [
            CertificateDer::from_slice(b"abc"),
            CertificateDer::from_slice(b"d"),
        ];
        let peer = Peer::new("192.0.2.7:1000".parse().unwrap(), Some(&chain));
        assert_eq!(
            peer.certificate_sha256.as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
    }
}
