use anyhow::{Context, Result, bail};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Where the data of a demo lies; a temporary one goes with it.
pub(super) struct Home {
    path: PathBuf,
    temporary: bool,
}

impl Home {
    /// The named directory, which must be new or empty, or a temporary one.
    pub(super) fn new(named: Option<&Path>) -> Result<Self> {
        let Some(named) = named else {
            let path =
                std::env::temp_dir().join(format!("countersign-demo-{}", std::process::id()));
            DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .with_context(|| format!("make {}", path.display()))?;
            return Ok(Self {
                path,
                temporary: true,
            });
        };
        if std::fs::read_dir(named).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!(
                "use {}: the demo wants a new or empty directory",
                named.display()
            );
        }
        let path =
            std::path::absolute(named).with_context(|| format!("use {}", named.display()))?;
        Ok(Self {
            path,
            temporary: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path); // what cannot be removed the system's own cleaning takes
        }
    }
}
