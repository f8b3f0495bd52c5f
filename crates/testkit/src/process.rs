//! Servers of others as processes that end with the test, whatever becomes of the test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Ends the server when standard input ends, which it does with whoever holds the other side.
const KEEPER: &str = r#"exec 3<&0
log=$1; shift
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo $server
read -r _ <&3
kill -KILL $server 2>/dev/null
wait $server"#;

/// A running server and the shell that ends it when this process dies.
#[derive(Debug)]
pub struct Process {
    keeper: Child,
    hold: Option<ChildStdin>,
    server: u32,
}

impl Process {
    /// Starts a command line; what it prints is appended to the log.
    ///
    /// # Panics
    /// There is no shell.
    pub fn start(words: &[OsString], log: &Path) -> Self {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(log)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // the shell tells that it was killed
            .spawn()
            .expect("start a shell");
        let hold = keeper.stdin.take();
        let mut number = String::new();
        BufReader::new(keeper.stdout.take().expect("a pipe"))
            .read_line(&mut number)
            .expect("read from the shell");
        let server = number.trim().parse().expect("the number of a process");
        Self {
            keeper,
            hold,
            server,
        }
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        running().contains_key(&self.server)
    }

    /// Stops all processes of it where they are: connections are still taken, and nobody answers.
    pub fn freeze(&self) {
        self.send("STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.send("CONT");
    }

    /// Kills all processes of it.
    pub fn kill(self) {
        self.freeze(); // so that none of them does anything more while the others die
        self.send("KILL");
    }

    fn send(&self, signal: &str) {
        let all = self.all();
        if all.is_empty() {
            return;
        }
        let _ = Command::new("kill")
            .arg(format!("-{signal}"))
            .args(all.iter().map(u32::to_string))
            .stderr(Stdio::null())
            .status(); // gone already is as good
    }

    /// The server and everything that it started.
    fn all(&self) -> Vec<u32> {
        let parents = running();
        let mut all = vec![self.keeper.id()];
        let mut at = 0;
        while let Some(parent) = all.get(at).copied() {
            let below = parents.iter().filter(|(_, its)| **its == parent);
            all.extend(below.map(|(pid, _)| *pid));
            at += 1;
        }
        all.remove(0);
        all
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.send("KILL");
        self.hold = None;
        let _ = self.keeper.wait(); // it reaps the server, whose number may then be used again
    }
}

/// The processes that run, and their parents.
fn running() -> BTreeMap<u32, u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            Some((pid, parent(&path)?))
        })
        .collect()
}

/// The parent of a process; none where it only waits to be reaped.
fn parent(process: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.next()?.parse().ok()
}

/// Runs a command that must succeed, and answers what it printed.
///
/// # Panics
/// It does not.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("run {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Words of a command line.
pub(crate) fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Writes a file that nobody else may read.
pub(crate) fn write_private(path: PathBuf, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(&path, text).expect("write a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .expect("make a file private");
    path
}
