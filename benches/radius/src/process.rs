//! Child processes that end with their owner, and the folder everything lies in.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A folder for the data of a run.
pub(crate) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    pub(crate) fn new(path: Option<&Path>) -> Result<Self> {
        let temporary = path.is_none();
        let path = path.map_or_else(
            || std::env::temp_dir().join(format!("bench-radius-{}", std::process::id())),
            Path::to_owned,
        );
        std::fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(Self {
            path: path.canonicalize()?,
            temporary,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
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
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command
            .spawn()
            .map(Self)
            .with_context(|| format!("start {}", command.get_program().display()))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until `ready` answers something.
    pub(crate) fn wait_until<T>(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(value) = ready() {
                return Ok(value);
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("it ended at once: {status}");
            }
            if start.elapsed() > patience {
                bail!("it was not ready after {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to stop and waits for its end.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        self.terminate();
        Ok(self.0.wait()?)
    }

    fn terminate(&self) {
        let pid = i32::try_from(self.0.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM); // gone already is as good
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.0.wait();
        }
    }
}
