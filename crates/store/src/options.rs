//! How a store is opened.

use countersign_engine::time::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// The database file.
    pub path: PathBuf,
    /// The node state file, outside the store.
    pub state_file: PathBuf,
    /// Name of the node.
    pub node: String,
    /// Version of the program, for the start record.
    pub version: String,
    /// Accounts kept in memory; `None`: as many as the setting `cache.accounts` says.
    pub cache_accounts: Option<usize>,
    /// Works that may wait for the writer.
    pub queue: usize,
    /// How long a locked database is waited for.
    pub wait: Duration,
    /// The clock.
    pub clock: Clock,
}

impl Options {
    /// The usual options for a database file, a state file, a node and a version.
    pub fn new(
        path: impl Into<PathBuf>,
        state_file: impl Into<PathBuf>,
        node: &str,
        version: &str,
    ) -> Self {
        Self {
            path: path.into(),
            state_file: state_file.into(),
            node: node.to_owned(),
            version: version.to_owned(),
            cache_accounts: None,
            queue: 8192,
            wait: Duration::from_secs(2),
            clock: Arc::new(system_time),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("path", &self.path)
            .field("state_file", &self.state_file)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// The time of the operating system.
pub fn system_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The database file of a store URL such as `sqlite:PATH`; a relative path counts from `folder`. None for another kind
/// of store.
pub fn path_of_url(url: &str, folder: &Path) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file() {
        let folder = Path::new("/srv/data");
        for (url, path) in [
            ("sqlite:db", Some("/srv/data/db")),
            ("sqlite:/var/db", Some("/var/db")),
            ("sqlite:///var/db", Some("/var/db")),
            ("sqlite:", None),
            ("postgres://host/db", None),
        ] {
            assert_eq!(
                path_of_url(url, folder).as_deref(),
                path.map(Path::new),
                "{url}"
            );
        }
    }
}
