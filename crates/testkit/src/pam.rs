//! `pam_radius` for servers that log their users on by PAM, without a trace outside of the test: they run in a mount
//! namespace where `/etc/pam.d` and the users of this machine are files of the test.

use crate::peer;
use crate::process::{words, write_private};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Puts the files of the test over those of the machine.
const NAMESPACE: &str = r#"mount --bind "$0/pam.d" /etc/pam.d &&
mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/shadow" /etc/shadow &&
mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@""#;

/// Files of a PAM service that asks a RADIUS server.
#[derive(Debug)]
pub(crate) struct PamRadius {
    dir: TempDir,
}

impl PamRadius {
    /// The service asks the RADIUS server at `host:port`; these users exist. `None` with a word on standard error where
    /// the module is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be.
    pub(crate) fn new(service: &str, server: &str, secret: &str, users: &[&str]) -> Option<Self> {
        if !installed() {
            peer::missing("pam_radius_auth.so");
            return None;
        }
        let pam = Self {
            dir: tempfile::tempdir().expect("make a directory"),
        };
        open_to_all(pam.dir());
        let radius = write_private(pam.path("radius.conf"), &format!("{server} {secret} 10\n"));
        std::fs::create_dir(pam.path("pam.d")).expect("make a directory");
        let text = format!(
            "auth required pam_radius_auth.so conf={}\naccount required pam_permit.so\nsession required pam_permit.so\n",
            radius.display()
        );
        std::fs::write(pam.path("pam.d").join(service), text).expect("write a file");
        pam.add_users(users);
        Some(pam)
    }

    fn add_users(&self, users: &[&str]) {
        let mut passwd = std::fs::read_to_string("/etc/passwd").expect("read /etc/passwd");
        let mut shadow = std::fs::read_to_string("/etc/shadow").expect("read /etc/shadow");
        for (user, id) in users.iter().zip(54_000..) {
            // into strings, which take everything
            let _ = writeln!(passwd, "{user}:x:{id}:65534::/:/bin/sh");
            let _ = writeln!(shadow, "{user}:*:19000:0:99999:7:::");
        }
        std::fs::write(self.path("passwd"), passwd).expect("write a file");
        write_private(self.path("shadow"), &shadow);
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The words in front of the server that uses it.
    pub(crate) fn before(&self) -> Vec<OsString> {
        let mut all = words(["unshare", "-m", "bash", "-c", NAMESPACE]);
        all.push(self.dir().into());
        all
    }
}

fn installed() -> bool {
    let Ok(folders) = std::fs::read_dir("/lib") else {
        return false;
    };
    folders
        .flatten()
        .any(|folder| folder.path().join("security/pam_radius_auth.so").exists())
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
        .expect("open a directory");
}
