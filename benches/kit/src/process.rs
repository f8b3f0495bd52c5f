//! Child processes that end with their owner, and the folder everything lies in.

use anyhow::{Context, Result, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A folder for the data of a run.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// The folder at `path`, or a temporary one whose name begins with `name`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(path: Option<&Path>, name: &str) -> Result<Self> {
        let temporary = path.is_none();
        let path = path.map_or_else(
            || std::env::temp_dir().join(format!("{name}-{}", std::process::id())),
            Path::to_owned,
        );
        std::fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self {
            path: path.canonicalize()?,
            temporary,
        })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path); // a folder left behind harms nothing
        }
    }
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Asks it to stop.
    signal: Signal,
}

impl Process {
    /// Starts a child.
    ///
    /// # Errors
    /// There is no such program.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::start_with(command, Signal::TERM)
    }

    /// The same for one that is asked to stop by another signal.
    ///
    /// # Errors
    /// There is no such program.
    pub fn start_with(command: &mut Command, signal: Signal) -> Result<Self> {
        command
            .spawn()
            .map(|child| Self { child, signal })
            .with_context(|| format!("start {}", command.get_program().display()))
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` answers something.
    ///
    /// # Errors
    /// It ended, or was not ready in time.
    pub fn wait_until<T>(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(value) = ready() {
                return Ok(value);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if start.elapsed() > patience {
                bail!("it was not ready after {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to stop and waits for its end.
    ///
    /// # Errors
    /// Its end cannot be waited for.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.terminate();
        Ok(self.child.wait()?)
    }

    fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, self.signal); // gone already is as good
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}
