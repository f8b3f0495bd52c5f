//! SoftHSM tokens in a directory of their own, for a process whose environment names them.
//!
//! One process reads one configuration, so a test starts a program of its own with [`SoftHsm::env`].

use crate::peer;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// PIN of every token.
pub const PIN: &str = "8473-1190";
const MODULE: [&str; 2] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];

/// A SoftHSM with tokens.
#[derive(Debug)]
pub struct SoftHsm {
    dir: TempDir,
    module: PathBuf,
}

impl SoftHsm {
    /// An HSM without tokens; `None` with a word on standard error where SoftHSM is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be, or cannot be set up.
    pub fn new() -> Option<Self> {
        peer::find("softhsm2-util")?;
        let module = MODULE.iter().map(PathBuf::from).find(|path| path.exists());
        let hsm = Self {
            dir: tempfile::tempdir().expect("make a directory"),
            module: module.expect("SoftHSM has its module where Debian puts it"),
        };
        std::fs::create_dir(hsm.tokens()).expect("make a directory");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            hsm.tokens().display()
        );
        std::fs::write(hsm.dir.path().join("softhsm2.conf"), text).expect("write a file");
        hsm.set_pin(PIN);
        Some(hsm)
    }

    /// The environment of a program that is to see the tokens.
    pub fn env(&self) -> (String, String) {
        let conf = self.dir.path().join("softhsm2.conf");
        ("SOFTHSM2_CONF".to_owned(), conf.display().to_string())
    }

    /// The directory around it, for files of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn tokens(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// Writes the file that addresses name as their `pin-source`.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn set_pin(&self, pin: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.dir.path().join("pin");
        std::fs::write(&path, pin).expect("write a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .expect("restrict a file");
    }

    fn run(&self, args: &[&str]) {
        let (name, value) = self.env();
        let output = Command::new("softhsm2-util")
            .args(args)
            .env(name, value)
            .output()
            .expect("run softhsm2-util");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "softhsm2-util {args:?}: {text}");
    }

    fn folders(&self) -> BTreeSet<PathBuf> {
        let entries = std::fs::read_dir(self.tokens()).expect("read a directory");
        entries
            .map(|entry| entry.expect("read a directory").path())
            .collect()
    }

    /// Makes a token and answers the directory it lies in.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn token(&self, label: &str) -> PathBuf {
        let before = self.folders();
        self.run(&[
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "12345678",
            "--pin",
            PIN,
        ]);
        let after = self.folders();
        after
            .difference(&before)
            .next()
            .expect("a new token has a directory")
            .clone()
    }

    /// Puts a known AES key onto a token, as the copy that HSMs make of a key.
    ///
    /// # Panics
    /// It cannot be put there.
    pub fn import(&self, token: &str, object: &str, key: &[u8]) {
        let path = self.dir.path().join("key.bin");
        std::fs::write(&path, key).expect("write a file");
        let file = path.display().to_string();
        self.run(&[
            "--import", &file, "--aes", "--token", token, "--pin", PIN, "--label", object, "--id",
            "01",
        ]);
        std::fs::remove_file(path).expect("remove a file");
    }

    /// The address of a key on a token.
    pub fn uri(&self, token: &str, object: &str) -> String {
        format!(
            "pkcs11:token={token};object={object}?module-path={}&pin-source=file:{}",
            self.module.display(),
            self.dir.path().join("pin").display()
        )
    }

    /// Takes all tokens away.
    ///
    /// # Panics
    /// They are away already.
    pub fn remove(&self) {
        std::fs::rename(self.tokens(), self.dir.path().join("away")).expect("move a directory");
    }

    /// Puts them back.
    ///
    /// # Panics
    /// They are there.
    pub fn restore(&self) {
        std::fs::rename(self.dir.path().join("away"), self.tokens()).expect("move a directory");
    }

    /// Takes one token away, by its directory.
    ///
    /// # Panics
    /// It is away already.
    pub fn remove_token(&self, folder: &Path) {
        std::fs::rename(folder, self.aside(folder)).expect("move a directory");
    }

    /// Puts it back.
    ///
    /// # Panics
    /// It is there.
    pub fn restore_token(&self, folder: &Path) {
        std::fs::rename(self.aside(folder), folder).expect("move a directory");
    }

    fn aside(&self, folder: &Path) -> PathBuf {
        self.dir
            .path()
            .join(folder.file_name().expect("a token has a name"))
    }
}
