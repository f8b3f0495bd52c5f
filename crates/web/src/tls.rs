//! The server's certificate: made, read, checked and exchanged while serving.

mod anyone;
mod expiry;
mod self_signed;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use countersign_engine::time::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use anyone::Anyone;
pub use self_signed::{SelfSigned, self_signed};

/// Application protocols offered, the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used; fits "failed to {error}".
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("read {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no usable PEM section of the needed kind.
    #[error("use {}: {what}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Certificate and key cannot serve together.
    #[error("serve {} with the key in {}: {source}", chain.display(), key.display())]
    Mismatch {
        /// File of the certificate chain.
        chain: PathBuf,
        /// File of the private key.
        key: PathBuf,
        /// What the TLS library said.
        source: rustls::Error,
    },
    /// A self-signed certificate cannot be made.
    #[error("make a self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// The certificate that new connections get; [`Certificates::reload`] changes it without a restart.
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
    expires: ArcSwapOption<Timestamp>,
}

impl Certificates {
    /// Reads chain (leaf first) and private key from PEM files.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (chain, key) = (chain.into(), key.into());
        let (config, expires) = load(&chain, &key)?;
        Ok(Self {
            chain,
            key,
            config: ArcSwap::from(config),
            expires: ArcSwapOption::from_pointee(expires),
        })
    }

    /// Reads the files again; connections made before keep what they have.
    ///
    /// # Errors
    /// Names the file and what is wrong with it; the former certificate goes on serving.
    pub fn reload(&self) -> Result<(), TlsError> {
        let (config, expires) = load(&self.chain, &self.key)?;
        self.config.store(config);
        self.expires.store(expires.map(Arc::new));
        Ok(())
    }

    /// When the chain ends: the earliest end of its certificates; none where no certificate tells.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires.load().as_deref().copied()
    }

    /// The configuration for a new connection.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

/// The provider of all TLS cryptography, passed explicitly; no process default is installed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

type Loaded = (Arc<ServerConfig>, Option<Timestamp>);

fn load(chain: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let certificates = certificates(chain)?;
    let ends = certificates.iter().map(|one| expiry::not_after(one));
    let expires = ends.flatten().min();
    let private = private_key(key)?;
    let provider = provider();
    let mismatch = |source| TlsError::Mismatch {
        chain: chain.into(),
        key: key.into(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(mismatch)?
        .with_client_cert_verifier(Arc::new(Anyone::new(&provider)))
        .with_single_cert(certificates, private)
        .map_err(mismatch)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok((Arc::new(config), expires))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(file, &error, ""))?;
    if chain.is_empty() {
        return Err(unusable(file, &pem::Error::NoItemsFound, "a CERTIFICATE"));
    }
    Ok(chain)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = String::from_utf8_lossy(&text).contains("ENCRYPTED");
        let wanted = if encrypted {
            "a PRIVATE KEY without passphrase"
        } else {
            "a PRIVATE KEY"
        };
        unusable(file, &error, wanted)
    })
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    std::fs::read(file)
        .map(Zeroizing::new)
        .map_err(|source| TlsError::Unreadable {
            file: file.into(),
            source,
        })
}

/// What is wrong with a PEM file, without repeating any of it: it may be a key.
fn unusable(file: &Path, error: &pem::Error, wanted: &str) -> TlsError {
    let what = match error {
        pem::Error::NoItemsFound => format!("it holds no PEM section with {wanted}"),
        pem::Error::MissingSectionEnd { .. } => "a PEM section does not end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => {
            "a PEM section begins with a malformed line".to_owned()
        }
        pem::Error::Base64Decode(_) => "a PEM section is not base64".to_owned(),
        _ => "it is not a usable PEM file".to_owned(),
    };
    TlsError::Unusable {
        file: file.into(),
        what,
    }
}

#[cfg(test)]
mod tests;
