//! An authority and a certificate for `localhost`.

use super::programs::Programs;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What an authority made: its own certificate, and one with key for a server.
#[derive(Debug)]
pub(super) struct Authority {
    own: String,
    certificate: String,
    key: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("make a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        let own = params.self_signed(&key).expect("sign a certificate").pem();
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().expect("make a key");
        let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = server
            .signed_by(&server_key, &issuer)
            .expect("sign a certificate");
        Self {
            own,
            certificate: certificate.pem(),
            key: server_key.serialize_pem(),
        }
    }

    /// The file with the authority's certificate.
    pub(super) fn file(&self, dir: &Path) -> PathBuf {
        dir.join("authority.pem")
    }

    /// Writes the files and who may connect; the settings that name them.
    pub(super) fn install(&self, programs: &Programs, dir: &Path, data: &Path) -> String {
        let write = |path: PathBuf, text: &str| {
            std::fs::write(&path, text).expect("write a file");
            path
        };
        write(self.file(dir), &self.own);
        let certificate = write(dir.join("server.pem"), &self.certificate);
        let key = write(dir.join("server.key"), &self.key);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))
            .expect("make the key private");
        programs.own(&key);
        // the superuser of the tests comes without TLS
        let who = "host all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust\n";
        write(data.join("pg_hba.conf"), who);
        format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            certificate.display(),
            key.display()
        )
    }
}
