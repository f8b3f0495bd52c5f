//! The node state file: the newest checkpoint, kept outside the store, so that a store put back shows (audit.md 5).

use countersign_engine::audit::chain::Head;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Reads the state file; none at a first start.
///
/// # Errors
/// Why it cannot be read. A spoilt file is not taken for a missing one.
pub(crate) fn read(path: &Path) -> Result<Option<Head>, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let json = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    Head::from_json(&json)
        .map(Some)
        .ok_or_else(|| "it holds no epoch, seq and hash".to_owned())
}

/// Replaces the state file in one step.
///
/// # Errors
/// What the file system says; the old file stands then.
pub(crate) fn write(path: &Path, head: &Head) -> io::Result<()> {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let json = json!({ "epoch": hex(&head.epoch), "seq": head.seq, "hash": hex(&head.hash) });
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(format!("{json}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Writes the state file in the background; of several points that wait only the newest is written.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    slot: Mutex<Slot>,
    wake: Condvar,
}

#[derive(Default)]
struct Slot {
    next: Option<Head>,
    stop: bool,
}

impl Keeper {
    pub(crate) fn start(path: PathBuf) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            path,
            slot: Mutex::default(),
            wake: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("state-file".to_owned())
            .spawn(move || own.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Has a committed point written soon.
    pub(crate) fn remember(&self, head: Head) {
        self.shared.slot().next = Some(head);
        self.shared.wake.notify_one();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.slot().stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it cannot panic, and a drop could not report it
        }
    }
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(head) = self.next() {
            if let Err(error) = write(&self.path, &head) {
                tracing::error!(path = %self.path.display(), "the node state file could not be written: {error}");
            }
        }
    }

    fn next(&self) -> Option<Head> {
        let mut slot = self.slot();
        loop {
            if let Some(head) = slot.next.take() {
                return Some(head);
            }
            if slot.stop {
                return None;
            }
            slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64) -> Head {
        Head {
            epoch: [1; 16],
            seq,
            hash: [2; 32],
        }
    }

    #[test]
    fn what_is_written_is_read_and_a_missing_file_is_a_first_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node-state.json");
        assert_eq!(read(&path), Ok(None));
        write(&path, &head(7)).unwrap();
        assert_eq!(read(&path), Ok(Some(head(7))));
        fs::write(&path, "{}").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn the_newest_point_is_on_disk_after_the_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node-state.json");
        let keeper = Keeper::start(path.clone()).unwrap();
        (1..=50).for_each(|seq| keeper.remember(head(seq)));
        drop(keeper);
        assert_eq!(read(&path), Ok(Some(head(50))));
    }
}
