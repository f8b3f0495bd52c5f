//! A process that ends with this one, and a PostgreSQL that it has started.

use std::fs::File;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Ends the process with all that it has started when standard input ends, which it does with whoever holds the other
/// side: the value is dropped, or this process is dead. A server in the middle of its start is no child any more and has
/// written no file yet: it gets a second to do so.
const KEEPER: &str = r#"exec 3<&0
data=$1
shift
"$@" </dev/null 3<&- &
process=$!
read -r _ <&3
tree() {
  for child in $(ps -o pid= --ppid "$1"); do tree "$child"; done
  echo "$1"
}
kill -STOP $process 2>/dev/null
kill -KILL $(tree $process) 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  if [ -z "$data" ]; then break; fi
  if kill -KILL "$(head -n 1 "$data/postmaster.pid" 2>/dev/null)" 2>/dev/null; then break; fi
  sleep 0.1
done
wait $process"#;

/// The shell that keeps a process.
#[derive(Debug)]
pub(super) struct Kept {
    keeper: Child,
    hold: Option<ChildStdin>,
}

impl Kept {
    /// Starts the words of a command line; the PostgreSQL whose data lie in `data`, if that is given, ends with it.
    pub(super) fn start(words: &[String], log: &Path, data: Option<&Path>) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("open a log");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(data.unwrap_or(Path::new("")))
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
