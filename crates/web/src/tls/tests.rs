use super::*;
use std::fs;
use tempfile::TempDir;

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: TempDir::new().unwrap(),
        };
        files.renew();
        files
    }

    fn renew(&self) {
        let made = self_signed(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        fs::write(self.chain(), &made.certificate_pem).unwrap();
        fs::write(self.key(), made.key_pem.as_bytes()).unwrap();
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    fn error(&self) -> String {
        Certificates::open(self.chain(), self.key())
            .err()
            .unwrap()
            .to_string()
    }
}

#[test]
fn a_self_signed_certificate_serves() {
    let files = Files::new();
    let certificates = Certificates::open(files.chain(), files.key()).unwrap();
    assert_eq!(
        certificates.current().alpn_protocols,
        [b"h2".to_vec(), b"http/1.1".to_vec()]
    );
}

#[test]
fn a_name_that_no_certificate_can_hold_is_refused() {
    assert!(self_signed(&["müller".to_owned()]).is_err());
}

#[test]
fn reload_takes_the_new_certificate_and_keeps_the_old_one_on_error() {
    let files = Files::new();
    let certificates = Certificates::open(files.chain(), files.key()).unwrap();
    let first = certificates.current();
    fs::write(files.chain(), "spoilt").unwrap();
    assert!(certificates.reload().is_err());
    assert!(Arc::ptr_eq(&first, &certificates.current()));
    files.renew();
    certificates.reload().unwrap();
    assert!(!Arc::ptr_eq(&first, &certificates.current()));
}

#[test]
fn errors_name_the_file_and_what_is_wrong() {
    let files = Files::new();
    fs::remove_file(files.chain()).unwrap();
    assert!(files.error().contains("server.crt"), "{}", files.error());
    fs::write(files.chain(), "no pem").unwrap();
    assert!(
        files
            .error()
            .contains("server.crt: it holds no PEM section with a CERTIFICATE")
    );
    fs::write(files.chain(), "-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap();
    assert!(
        files
            .error()
            .contains("server.crt: a PEM section does not end"),
        "{}",
        files.error()
    );
    files.renew();
    fs::write(files.key(), "").unwrap();
    assert!(
        files
            .error()
            .contains("server.key: it holds no PEM section with a PRIVATE KEY")
    );
    let sealed =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    fs::write(files.key(), sealed).unwrap();
    assert!(
        files.error().contains("without passphrase"),
        "{}",
        files.error()
    );
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (one, other) = (Files::new(), Files::new());
    let error = Certificates::open(one.chain(), other.key()).err().unwrap();
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
}
