use super::files;
use crate::config::Config;
use anyhow::{Context, Result};
use countersign_web::tls::{Certificates, self_signed};
use std::path::PathBuf;
use std::sync::Arc;

/// The configured certificate, or a self-signed one that is made when it is missing.
pub(super) fn open(config: &Config, host: &str) -> Result<Arc<Certificates>> {
    let (chain, key) = places(config);
    if config.text("http.certificate").is_empty() && !(chain.exists() && key.exists()) {
        make(config, host)?;
    }
    let opened = Certificates::open(&chain, &key)
        .with_context(|| format!("use the certificate {}", chain.display()))?;
    Ok(Arc::new(opened))
}

fn places(config: &Config) -> (PathBuf, PathBuf) {
    match (config.text("http.certificate"), config.text("http.key")) {
        ("", _) => (
            config.data_dir().join(files::CERTIFICATE),
            config.data_dir().join(files::CERTIFICATE_KEY),
        ),
        (chain, key) => (chain.into(), key.into()),
    }
}

fn make(config: &Config, host: &str) -> Result<()> {
    let made = self_signed(&names(config, host))?;
    let (chain, key) = places(config);
    files::write_bytes(&key, made.key_pem.as_bytes())?;
    files::write_bytes(&chain, made.certificate_pem.as_bytes())
}

/// What clients may call this server: the host's name, loopback, and the addresses it listens on.
fn names(config: &Config, host: &str) -> Vec<String> {
    let mut names = vec![
        host.to_owned(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    for address in config.addresses("http.listen") {
        let ip = address.ip();
        if !ip.is_unspecified() && !names.contains(&ip.to_string()) {
            names.push(ip.to_string());
        }
    }
    names
}
