use super::files;
use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::Path;

/// Held while a server runs on a data directory; the system lets go of it whatever ends the program.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the data directory.
    ///
    /// # Errors
    /// Another server runs on it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(files::LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => bail!(
                "use the data directory {}: another server runs on it; stop that one, or give another --data-dir",
                data_dir.display()
            ),
            Err(error) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(error.contains("another server runs on it"), "{error}");
        drop(first);
        assert!(Lock::take(folder.path()).is_ok());
    }
}
