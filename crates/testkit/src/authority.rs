//! Certificate authorities of tests, and what they sign.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use std::path::{Path, PathBuf};

/// How a server presents itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificate {
    /// As it should be.
    #[default]
    Good,
    /// Its time is over.
    Expired,
    /// It names another host.
    OtherName,
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    own: String,
}

/// Files in the form that servers read.
#[derive(Debug)]
pub struct Files {
    /// The authority's certificate.
    pub authority: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// No key can be made.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("make a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        let own = params.self_signed(&key).expect("sign a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, own }
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> &str {
        &self.own
    }

    /// A certificate for names and addresses, and its key, as PEM.
    ///
    /// # Panics
    /// A name cannot be one.
    pub fn sign(&self, names: &[&str], kind: Certificate) -> (String, String) {
        let names = match kind {
            Certificate::OtherName => vec!["elsewhere.example.test".to_owned()],
            _ => names.iter().map(|&name| name.to_owned()).collect(),
        };
        let common = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if kind == Certificate::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("make a key");
        let signed = params.signed_by(&key, &self.issuer);
        (
            signed.expect("sign a certificate").pem(),
            key.serialize_pem(),
        )
    }

    /// Signs for a server and writes its files into a directory.
    ///
    /// # Panics
    /// They cannot be written.
    pub fn install(&self, dir: &Path, names: &[&str], kind: Certificate) -> Files {
        let (certificate, key) = self.sign(names, kind);
        let files = Files {
            authority: dir.join("ca.pem"),
            certificate: dir.join("cert.pem"),
            key: dir.join("key.pem"),
        };
        std::fs::write(&files.authority, &self.own).expect("write a file");
        std::fs::write(&files.certificate, certificate).expect("write a file");
        crate::process::write_private(files.key.clone(), &key);
        files
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
