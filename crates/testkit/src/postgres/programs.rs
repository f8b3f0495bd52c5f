//! Where the programs of PostgreSQL lie and which account runs them.

use crate::peer;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions put servers that lie outside the search path.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The server refuses to run as root; distributions make this account for it.
const OWNER: &str = "postgres";
/// Settings of the caller's environment that would lead clients elsewhere.
const FOREIGN: [&str; 8] = [
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGPASSWORD",
    "PGOPTIONS",
    "PGSERVICE",
    "PGSSLMODE",
];

/// The programs of one PostgreSQL version.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
    as_root: bool,
}

impl Programs {
    /// The newest version on this machine; `None` with a word if there is none.
    pub(super) fn find() -> Option<Self> {
        let as_root = is_root();
        if let Some(folder) = newest(Path::new(VERSIONS)) {
            return Some(Self { folder, as_root });
        }
        let initdb = PathBuf::from(peer::find("initdb")?);
        let folder = initdb.parent()?.to_owned();
        Some(Self { folder, as_root })
    }

    /// A program under the account of the server.
    pub(super) fn as_owner(&self, program: &str) -> Command {
        let words = self.owner_words(program);
        let (first, rest) = words.split_first().expect("a program");
        let mut command = Command::new(first);
        command.args(rest);
        clean(command)
    }

    /// The words of a command line that runs a program under the account of the server.
    pub(super) fn owner_words(&self, program: &str) -> Vec<String> {
        let mut words = Vec::new();
        if self.as_root {
            words.extend([
                "setpriv".to_owned(),
                format!("--reuid={OWNER}"),
                format!("--regid={OWNER}"),
                "--init-groups".to_owned(),
                "--".to_owned(),
            ]);
        }
        words.push(self.folder.join(program).display().to_string());
        words
    }

    /// Where they lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client program.
    pub(super) fn client(&self, program: &str) -> Command {
        clean(Command::new(self.folder.join(program)))
    }

    /// Gives a file or a folder with all in it to the account of the server.
    pub(super) fn own(&self, path: &Path) {
        if self.as_root {
            let owner = format!("{OWNER}:");
            let mut command = Command::new("chown");
            run(command.args(["-R", &owner]).arg(path));
        }
    }

    /// Its major version.
    pub(super) fn version(&self) -> String {
        let output = self
            .client("postgres")
            .arg("--version")
            .output()
            .expect("run postgres");
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.split_whitespace().nth(2).unwrap_or("0");
        number.split('.').next().unwrap_or("0").to_owned()
    }
}

/// The account that owns whatever this process makes.
pub(super) fn uid() -> String {
    let output = Command::new("id").arg("-u").output().expect("run id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_root() -> bool {
    uid() == "0"
}

fn newest(versions: &Path) -> Option<PathBuf> {
    let number = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    std::fs::read_dir(versions)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(number)
        .map(|path| path.join("bin"))
}

fn clean(mut command: Command) -> Command {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env("PGCONNECT_TIMEOUT", "10");
    command.current_dir("/");
    command
}

/// Runs a command that must succeed, and answers what it printed.
///
/// # Panics
/// It does not.
pub(super) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("run {command:?}: {error}"));
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        why.get(..1000).unwrap_or(&why)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
