//! What a server keeps in its data directory besides the database.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// First administrator and RADIUS secret, kept until an administrator deletes the file.
pub(crate) const FIRST_RUN: &str = "first-run.json";
/// Where the running server listens.
pub(crate) const RUN: &str = "run.json";
/// The self-signed certificate.
pub(crate) const CERTIFICATE: &str = "certificate.pem";
/// Its private key.
pub(crate) const CERTIFICATE_KEY: &str = "certificate.key";
/// Held by the running server.
pub(crate) const LOCK: &str = "lock";
/// Names the root key that was put into escrow.
pub(crate) const ESCROWED: &str = "escrow.json";

/// What the first start made up.
#[derive(Deserialize, Serialize)]
pub(crate) struct FirstRun {
    pub(crate) admin: FirstAdministrator,
    pub(crate) radius: FirstClient,
}

/// The first administrator.
#[derive(Deserialize, Serialize)]
pub(crate) struct FirstAdministrator {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// The RADIUS client at 127.0.0.1 and ::1.
#[derive(Deserialize, Serialize)]
pub(crate) struct FirstClient {
    pub(crate) secret: String,
}

/// Where a running server listens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    /// URL with scheme.
    pub(crate) http: String,
    pub(crate) health: String,
    pub(crate) radius_auth: String,
    pub(crate) radius_acct: String,
}

impl Drop for FirstAdministrator {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

impl Drop for FirstClient {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl FirstRun {
    pub(crate) fn read(data_dir: &Path) -> Result<Self> {
        read(&data_dir.join(FIRST_RUN))
    }

    pub(crate) fn write(&self, data_dir: &Path) -> Result<()> {
        write(&data_dir.join(FIRST_RUN), self)
    }
}

impl Ready {
    pub(crate) fn read(data_dir: &Path) -> Result<Self> {
        read(&data_dir.join(RUN))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        write(path, self)
    }
}

pub(super) fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text =
        Zeroizing::new(std::fs::read(path).with_context(|| format!("read {}", path.display()))?);
    serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))
}

/// Writes a file of mode 0600 that is either there as a whole or not at all, on disk when this returns.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = Zeroizing::new(
        serde_json::to_vec_pretty(value).with_context(|| format!("make {}", path.display()))?,
    );
    write_bytes(path, &text)
}

/// As [`write`], any bytes.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| format!("write {}: it names no file", path.display()))?;
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fill(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| sync_folder(path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside); // nothing is lost: the error is reported below
    }
    written.with_context(|| format!("write {}", path.display()))
}

fn fill(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Makes the data directory, readable by its owner only.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("make the data directory {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_written_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        for text in ["first", "second and longer"] {
            write(&path, &text).unwrap();
            assert_eq!(read::<String>(&path).unwrap(), text);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_file() {
        let error = write(Path::new("/nowhere/x.json"), &1).unwrap_err();
        assert_eq!(error.to_string(), "write /nowhere/x.json");
        assert!(
            read::<u8>(Path::new("/nowhere/x.json"))
                .unwrap_err()
                .to_string()
                .contains("/nowhere/x.json")
        );
    }
}
