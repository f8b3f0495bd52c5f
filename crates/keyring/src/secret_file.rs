//! Small files that hold secrets: mode 0600, never overwritten, refused when others can read them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

/// Largest secret file that is read, in bytes.
const MAX_LEN: u64 = 16 * 1024;

/// A secret file cannot be used; every text names the file and, where there is one, the remedy.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is no such file.
    #[error("find {0}")]
    Missing(PathBuf),
    /// There is a file of that name already; a secret file is never overwritten.
    #[error("create {0}: it exists already and is never overwritten")]
    Exists(PathBuf),
    /// Group or world may read or write it.
    #[error(
        "use {path}: its mode {mode:04o} opens it to other accounts; run `chmod 600 {path}` and consider the secret in it known"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is larger than any secret file.
    #[error("use {0}: it is larger than 16 KiB and so no file of this kind")]
    TooLarge(PathBuf),
    /// It is no regular file.
    #[error("use {0}: it is not a regular file")]
    NotAFile(PathBuf),
    /// It is not UTF-8 text.
    #[error("use {0}: it is not text")]
    NotText(PathBuf),
    /// The operating system refused.
    #[error("read or write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Reads a secret text file after checking, on the open file, that only its owner can.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let file = File::open(path).map_err(|error| from_io(path, error))?;
    check(path, &file)?;
    let mut text = Zeroizing::new(Vec::with_capacity(1024));
    file.take(MAX_LEN + 1)
        .read_to_end(&mut text)
        .map_err(|error| from_io(path, error))?;
    if text.len() as u64 > MAX_LEN {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    let text = std::str::from_utf8(&text).map_err(|_| FileError::NotText(path.to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn check(path: &Path, file: &File) -> Result<(), FileError> {
    let about = file.metadata().map_err(|error| from_io(path, error))?;
    let mode = about.permissions().mode() & 0o7777;
    match () {
        () if !about.is_file() => Err(FileError::NotAFile(path.to_owned())),
        () if mode & 0o077 != 0 => Err(FileError::Open {
            path: path.to_owned(),
            mode,
        }),
        () if about.len() > MAX_LEN => Err(FileError::TooLarge(path.to_owned())),
        () => Ok(()),
    }
}

/// Writes a new secret file with mode 0600, on disk when this returns; a file that is there already stays as it is.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), FileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| from_io(path, error))?;
    let written = fill(&mut file, path, text);
    if written.is_err() {
        // Half a key helps nobody and would stand in the way of the next try; that this may fail too changes nothing.
        let _ = std::fs::remove_file(path);
    }
    written.map_err(|error| from_io(path, error))
}

fn fill(file: &mut File, path: &Path, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn from_io(path: &Path, source: io::Error) -> FileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => FileError::Missing(path),
        io::ErrorKind::AlreadyExists => FileError::Exists(path),
        _ => FileError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_belongs_to_its_owner_alone_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, "open sesame\n").unwrap();
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_eq!(read(&path).unwrap().as_str(), "open sesame\n");
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, "first").unwrap();
        assert!(matches!(create(&path, "second"), Err(FileError::Exists(_))));
        assert_eq!(read(&path).unwrap().as_str(), "first");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, "x").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, FileError::Open { mode: seen, .. } if seen == mode),
                "{mode:o}"
            );
            assert!(
                error
                    .to_string()
                    .contains(&format!("chmod 600 {}", path.display())),
                "{error}"
            );
        }
        for mode in [0o600, 0o400, 0o700] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(read(&path).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn strange_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(matches!(read(&path), Err(FileError::Missing(_))));
        create(&path, &"x".repeat(16 * 1024 + 1)).unwrap();
        assert!(matches!(read(&path), Err(FileError::TooLarge(_))));
        assert!(matches!(read(folder.path()), Err(FileError::NotAFile(_))));
        let path = folder.path().join("no/such/folder");
        assert!(matches!(create(&path, "x"), Err(FileError::Missing(_))));
    }
}
