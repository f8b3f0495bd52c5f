//! An initialised data directory, made once on this machine and copied for each server: copying is ten times faster.

use super::programs::{self, Programs, run};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory that all test processes of this account share.
pub(super) fn common() -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("countersign-test-postgres-{}", programs::uid()));
    std::fs::create_dir_all(&folder).expect("make a directory");
    open_to_all(&folder);
    folder
}

/// Opens a file for locking.
pub(super) fn lock_file(path: &Path) -> File {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap_or_else(|error| panic!("open {}: {error}", path.display()))
}

/// Puts a new data directory at `to`.
///
/// # Panics
/// It cannot be made.
pub(super) fn copy(programs: &Programs, to: &Path) {
    let template = made(programs);
    run(Command::new("cp").arg("-a").arg(template).arg(to));
}

fn made(programs: &Programs) -> PathBuf {
    let common = common();
    let template = common.join(format!("data-{}", programs.version()));
    let lock = lock_file(&common.join("data.lock"));
    lock.lock().expect("lock a file");
    if !template.join("PG_VERSION").exists() {
        let half = common.join("data.half");
        let _ = std::fs::remove_dir_all(&half); // left over by one who was killed
        std::fs::create_dir(&half).expect("make a directory");
        programs.own(&half);
        run(programs.as_owner("initdb").arg("-D").arg(&half).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--no-locale",
        ]));
        std::fs::rename(&half, &template).expect("keep the data directory");
    }
    template
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // another account of the same name has a folder of its own; a failure shows when the server starts
    let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755));
}
