//! How a store is opened.

use crate::StoreUrl;
use countersign_engine::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Where the store lies.
    pub url: StoreUrl,
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
    /// How long a locked database, or one answer of a server, is waited for.
    pub wait: Duration,
    /// The clock.
    pub clock: Clock,
}

impl Options {
    /// The usual options for a database file, a state file, a node and a version.
    pub fn new(
        url: impl Into<StoreUrl>,
        state_file: impl Into<PathBuf>,
        node: &str,
        version: &str,
    ) -> Self {
        Self {
            url: url.into(),
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
            .field("url", &self.url)
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
