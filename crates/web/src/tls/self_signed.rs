//! The certificate of a first start.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use zeroize::Zeroizing;

use super::TlsError;

/// Ten years: nobody is told when it ends, and whoever trusts it has pinned it.
const LIFETIME: Duration = Duration::from_secs(3650 * 86_400);

/// Clocks of clients may be behind.
const BACKDATED: Duration = Duration::from_secs(86_400);

/// A certificate signed by its own key, both as PEM.
pub struct SelfSigned {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key (PKCS #8, P-256).
    pub key_pem: Zeroizing<String>,
}

/// Makes a certificate for these names: host names or IP addresses, the first also as its common name.
///
/// # Errors
/// If a name is not one that a certificate can hold.
pub fn self_signed(names: &[String]) -> Result<SelfSigned, TlsError> {
    let key = KeyPair::generate()?;
    let certificate = params(names)?.self_signed(&key)?;
    Ok(SelfSigned {
        certificate_pem: certificate.pem(),
        key_pem: Zeroizing::new(key.serialize_pem()),
    })
}

fn params(names: &[String]) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(names)?;
    let now = SystemTime::now();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + LIFETIME).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let common = names.first().map_or("countersign", String::as_str);
    params.distinguished_name.push(DnType::CommonName, common);
    Ok(params)
}
