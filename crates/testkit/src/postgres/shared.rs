//! The server that all test processes of a run share. The first one starts it, each holds a lock as long as it lives,
//! and a shell ends the server some seconds after the last lock is gone.

use super::database::Access;
use super::process::{alive, free_port, pid_file, ready, server_words};
use super::programs::Programs;
use super::template::{common, lock_file};
use super::{account, append, template, text};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Ends the server when nobody has used it for some looks in a row: between two tests nobody does for a moment.
const KEEPER: &str = r#"folder=$1; shift
"$@" </dev/null &
server=$!
idle=0
while kill -0 $server 2>/dev/null; do
  sleep 2
  exec 8>>"$folder/start.lock" 9>>"$folder/users.lock"
  if flock -n 8 && flock -n 9; then
    idle=$((idle + 1))
    if [ $idle -ge 10 ]; then
      kill -QUIT $server
      wait $server
      rm -rf "$folder/server"
      exit
    fi
  else
    idle=0
  fi
  exec 8>&- 9>&-
done"#;

/// A use of the shared server; it stays as long as somebody uses it.
#[derive(Debug)]
pub(super) struct Use {
    _lock: File,
    databases: AtomicU32,
}

static USE: Mutex<Weak<Use>> = Mutex::new(Weak::new());

impl Use {
    /// A name that no other database of the server has.
    pub(super) fn unique(&self) -> String {
        static STARTED: Mutex<Option<u128>> = Mutex::new(None);
        let started = *STARTED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(now);
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        // process numbers come again
        format!("test_{}_{started:x}_{number}", std::process::id())
    }
}

fn now() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_micros())
}

/// Uses the server, which is started if need be; its port.
pub(super) fn enter(programs: &Programs) -> (Arc<Use>, u16) {
    let mut known = USE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = common();
    let server = folder.join("server");
    if let Some(uses) = known.upgrade() {
        return (uses, port(&server));
    }
    let start = lock_file(&folder.join("start.lock"));
    start.lock().expect("lock a file");
    let users = lock_file(&folder.join("users.lock"));
    users.lock_shared().expect("share a lock");
    if !runs(&server) {
        begin(programs, &folder, &server);
    }
    let uses = Arc::new(Use {
        _lock: users,
        databases: AtomicU32::new(0),
    });
    *known = Arc::downgrade(&uses);
    (uses, port(&server))
}

fn runs(server: &Path) -> bool {
    pid_file(&server.join("data")).is_some_and(|(pid, state)| state == "ready" && alive(pid))
}

fn port(server: &Path) -> u16 {
    let text = std::fs::read_to_string(server.join("port")).unwrap_or_default();
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("{}: no port", server.display()))
}

fn begin(programs: &Programs, folder: &Path, server: &Path) {
    let _ = std::fs::remove_dir_all(server); // left over by one who was killed
    std::fs::create_dir(server).expect("make a directory");
    let data = server.join("data");
    template::copy(programs, &data);
    append(&data.join("postgresql.conf"), &text(&[]));
    for _ in 0..5 {
        let port = free_port();
        std::fs::write(server.join("port"), port.to_string()).expect("keep the port");
        if try_begin(programs, folder, server, port) {
            Access::new(programs, port, "postgres").run(&account());
            return;
        }
    }
    let log = std::fs::read_to_string(server.join("log")).unwrap_or_default();
    panic!("PostgreSQL does not start:\n{log}");
}

fn try_begin(programs: &Programs, folder: &Path, server: &Path, port: u16) -> bool {
    let data = server.join("data");
    let log = lock_file(&server.join("log"));
    let old = pid_file(&data).map(|(pid, _)| pid);
    // a session of its own: it outlives the test that starts it
    let started = Command::new("setsid")
        .args(["--fork", "sh", "-c", KEEPER, "keeper"])
        .arg(folder)
        .args(server_words(programs, &data, port))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("share the log"))
        .stderr(log)
        .status()
        .expect("run setsid");
    assert!(started.success(), "setsid: {started}");
    ready(&data, old, || false).is_ok()
}
