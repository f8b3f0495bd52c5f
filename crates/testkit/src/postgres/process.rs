//! The processes of one server.

use super::programs::Programs;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a start may take: after a crash the log is replayed.
const START: Duration = Duration::from_secs(60);

/// Ends the server when standard input ends, which it does with whoever holds the other side.
const KEEPER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- &
server=$!
read -r _ <&3
kill -QUIT $server 2>/dev/null
wait $server"#;

/// A running server and the shell that ends it when this process dies.
#[derive(Debug)]
pub(super) struct Process {
    keeper: Child,
    hold: Option<ChildStdin>,
    postmaster: u32,
}

impl Process {
    /// Starts the server of `dir/data`; what it logged if it does not come up.
    pub(super) fn start(programs: &Programs, dir: &Path, port: u16) -> Result<Self, String> {
        let log_path = dir.join("log");
        let before = std::fs::metadata(&log_path).map_or(0, |data| data.len());
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .expect("open the log");
        let data = dir.join("data");
        let old = pid_file(&data).map(|(pid, _)| pid);
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(server_words(programs, &data, port))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .expect("start a shell");
        let hold = keeper.stdin.take();
        let started = ready(&data, old, || false);
        match started {
            Ok(postmaster) => Ok(Self {
                keeper,
                hold,
                postmaster,
            }),
            Err(()) => {
                drop(hold);
                let _ = keeper.wait(); // it has printed why
                let all = std::fs::read(&log_path).unwrap_or_default();
                let new = all.get(before as usize..).unwrap_or_default();
                Err(String::from_utf8_lossy(new).into_owned())
            }
        }
    }

    /// Kills all processes of it.
    pub(super) fn kill(mut self) {
        self.freeze(); // so that none of them does anything more while the others die
        for pid in self.all() {
            signal("KILL", pid);
        }
        self.end();
    }

    fn end(&mut self) {
        self.hold = None;
        let _ = self.keeper.wait(); // it reaps the postmaster, whose number may then be used again
    }

    pub(super) fn freeze(&self) {
        signal("STOP", self.postmaster);
        for pid in self.all() {
            signal("STOP", pid);
        }
    }

    pub(super) fn thaw(&self) {
        for pid in self.all() {
            signal("CONT", pid);
        }
    }

    /// The postmaster and its children, which leave its process group.
    fn all(&self) -> Vec<u32> {
        let mut all = children(self.postmaster);
        all.push(self.postmaster);
        all
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.thaw(); // what is stopped does not hear that it shall end
        self.end();
    }
}

/// The command line of a server.
pub(super) fn server_words(programs: &Programs, data: &Path, port: u16) -> Vec<String> {
    let mut words = programs.owner_words("postgres");
    words.extend([
        "-D".to_owned(),
        data.display().to_string(),
        "-p".to_owned(),
        port.to_string(),
    ]);
    words
}

/// Waits until the server of a data directory takes connections; its process.
pub(super) fn ready(data: &Path, old: Option<u32>, ended: impl Fn() -> bool) -> Result<u32, ()> {
    let begun = Instant::now();
    let mut seen = None;
    loop {
        match pid_file(data) {
            Some((pid, state)) if Some(pid) != old && alive(pid) => {
                if state == "ready" || state == "standby" {
                    return Ok(pid);
                }
                seen = Some(pid);
            }
            // it was there, and is no more
            _ if seen.is_some_and(|pid| !alive(pid)) => return Err(()),
            // it ends at once when its port is taken
            _ if seen.is_none() && begun.elapsed() > Duration::from_secs(10) => return Err(()),
            _ => {}
        }
        if ended() || begun.elapsed() > START {
            return Err(());
        }
        std::thread::sleep(Duration::from_millis(10)); // nothing tells when it is ready
    }
}

/// Process and state in the file that the server writes into its data directory.
pub(super) fn pid_file(data: &Path) -> Option<(u32, String)> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some((pid, lines.nth(6).unwrap_or_default().trim().to_owned()))
}

/// Whether a process runs; one that waits to be reaped does not.
pub(super) fn alive(pid: u32) -> bool {
    stat(&PathBuf::from(format!("/proc/{pid}"))).is_some_and(|(state, _)| state != "Z")
}

fn children(of: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            let (_, parent) = stat(&path)?;
            (parent == of).then_some(pid)
        })
        .collect()
}

/// State and parent of a process.
fn stat(process: &Path) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, fields.next()?.parse().ok()?))
}

fn signal(name: &str, pid: u32) {
    let mut command = Command::new("kill");
    command.args([format!("-{name}"), pid.to_string()]);
    let _ = command.stderr(Stdio::null()).status(); // gone already is as good
}

/// A port that is free now, below those that the system gives to clients: a server that is down keeps its own.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id().wrapping_mul(37) as u16;
    for _ in 0..5000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(begin);
        let port = 14_000 + step % 18_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}
