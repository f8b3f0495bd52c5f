//! A process that ends with this one, and a PostgreSQL that it has started.

use std::fs::File;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Ends the process, and the server of a data directory, when standard input ends, which it does with whoever holds the
/// other side: the value is dropped, or this process is dead.
const KEEPER: &str = r#"exec 3<&0
data=$1
shift
"$@" </dev/null 3<&- &
process=$!
read -r _ <&3
kill -KILL $process 2>/dev/null
if [ -f "$data/postmaster.pid" ]; then kill -KILL "$(head -n 1 "$data/postmaster.pid")" 2>/dev/null; fi
wait $process"#;

/// The shell that keeps a process.
#[derive(Debug)]
pub(super) struct Kept {
    keeper: Child,
    hold: Option<ChildStdin>,
}

impl Kept {
    /// Starts the words of a command line; the server whose data lie in `data` ends with it.
    pub(super) fn start(words: &[String], log: &Path, data: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("open a log");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(data)
            .args(words)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .expect("start a shell");
        let hold = keeper.stdin.take();
        Self { keeper, hold }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.hold = None;
        let _ = self.keeper.wait(); // it has killed what it kept
    }
}
