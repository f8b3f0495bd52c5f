//! TLS towards back-ends: whom a record trusts, and what it shows of itself.

use countersign_engine::Secret;
use rustls::client::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{RootCertStore, crypto::aws_lc_rs};
use std::path::Path;
use std::sync::Arc;

/// Where Linux distributions keep the authorities a machine trusts.
const SYSTEM: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// TLS 1.2 or 1.3 that trusts the authorities of a PEM text, or those of the system, and shows a certificate chain
/// with its key, both PEM, if they are given.
///
/// # Errors
/// A text or the system's file holds nothing of use.
pub(super) fn client(
    ca: Option<&str>,
    identity: Option<(&str, &Secret)>,
) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(ca)?);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some((chain, key)) => config
            .with_client_auth_cert(certificates(chain.as_bytes())?, private_key(key)?)
            .map_err(|error| format!("the client certificate of the record: {error}"))?,
    };
    Ok(Arc::new(config))
}

/// The name that a certificate must be valid for: a host name, or an address with or without brackets.
///
/// # Errors
/// It is neither.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host} is no name that a certificate could be valid for"))
}

fn roots(ca: Option<&str>) -> Result<RootCertStore, String> {
    let found = match ca {
        Some(pem) => certificates(pem.as_bytes())?,
        None => of_system()?,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(found);
    if added == 0 {
        return Err(match ca {
            Some(_) => "the field ca of the record holds no certificate of an authority".to_owned(),
            None => "this system trusts no authority; give the record a ca".to_owned(),
        });
    }
    Ok(store)
}

fn of_system() -> Result<Vec<CertificateDer<'static>>, String> {
    let path = SYSTEM.iter().map(Path::new).find(|path| path.exists());
    let path =
        path.ok_or("this system has no list of trusted authorities; give the record a ca")?;
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    certificates(&bytes)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("a certificate of the record cannot be read: {error}"))
}

fn private_key(pem: &Secret) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem.expose())
        .map_err(|error| format!("the client key of the record cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_a_certificate_in_its_ca_is_refused() {
        let why = client(Some("no pem at all"), None).unwrap_err();
        assert!(why.contains("ca"), "{why}");
        let why = client(Some("-----BEGIN CERTIFICATE-----\nAAAA\n"), None).unwrap_err();
        assert!(why.contains("certificate"), "{why}");
    }

    #[test]
    fn names_and_addresses_can_be_verified_and_other_text_cannot() {
        for host in ["dc1.example.test", "127.0.0.1", "[2001:db8::1]", "::1"] {
            assert!(server_name(host).is_ok(), "{host}");
        }
        for host in ["", "a b", "-", "http://x/"] {
            assert!(server_name(host).is_err(), "{host}");
        }
    }
}
