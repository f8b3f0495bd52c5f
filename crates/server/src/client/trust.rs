use anyhow::{Context, Result};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// A connector that trusts the certificates of these PEM files and nothing else.
pub(super) fn connector(files: &[PathBuf]) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for file in files {
        let certificates = CertificateDer::pem_file_iter(file)
            .with_context(|| format!("read the certificates in {}", file.display()))?;
        let certificates: Result<Vec<_>, _> = certificates.collect();
        let certificates =
            certificates.with_context(|| format!("read the certificates in {}", file.display()))?;
        roots.add_parsable_certificates(certificates);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
