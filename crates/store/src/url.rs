//! Where a store lies, as `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.

use crate::postgres::Address;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a store lies.
#[derive(Clone)]
pub enum StoreUrl {
    /// An SQLite file, for one node.
    File(PathBuf),
    /// A PostgreSQL server, for any number of nodes.
    Server(Arc<Address>),
}

/// Why a text names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use {url:?} as a store: {reason}")]
pub struct UrlError {
    url: String,
    reason: String,
}

impl StoreUrl {
    /// Reads `sqlite:PATH` (a relative path counts from `folder`) or `postgres://…`.
    ///
    /// # Errors
    /// What is wrong with it. A password in it is not repeated.
    pub fn parse(url: &str, folder: &Path) -> Result<Self, UrlError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(refused(url, "it names no file"))
            } else {
                Ok(Self::File(folder.join(path)))
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Address::parse(url)
                .map(|address| Self::Server(Arc::new(address)))
                .map_err(|reason| refused("postgres://…", &reason));
        }
        Err(refused(
            url,
            "it must be sqlite:PATH or postgres://USER@HOST/DATABASE",
        ))
    }

    /// The file of a store that has one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

fn refused(url: &str, reason: &str) -> UrlError {
    UrlError {
        url: url.to_owned(),
        reason: reason.to_owned(),
    }
}

impl From<PathBuf> for StoreUrl {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for StoreUrl {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// As a person reads it, without password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_a_server() {
        let folder = Path::new("/srv/data");
        for (url, shown) in [
            ("sqlite:db", Some("/srv/data/db")),
            ("sqlite:/var/db", Some("/var/db")),
            ("sqlite:///var/db", Some("/var/db")),
            ("sqlite:", None),
            ("mysql://host/db", None),
            (
                "postgres://u:hidden@a,b:5433/db?target_session_attrs=read-write&sslmode=disable",
                Some("postgres://u@a:5432,b:5433/db"),
            ),
            (
                "postgresql://u@[::1]:6000/db",
                Some("postgres://u@[::1]:6000/db"),
            ),
            (
                "postgres:///db?host=/run/postgresql",
                Some("postgres:///run/postgresql/db"),
            ),
            ("postgres://u@a/db?sslmode=require", None),
            ("postgres://u@a/db?no_such_option=1", None),
            ("postgres://u@a", None),
        ] {
            let parsed = StoreUrl::parse(url, folder);
            let text = parsed.as_ref().ok().map(ToString::to_string);
            assert_eq!(text.as_deref(), shown, "{url}: {parsed:?}");
        }
        let wrong = StoreUrl::parse("postgres://u:hidden@a/db?sslmode=x", folder);
        assert!(!format!("{wrong:?}").contains("hidden"));
    }
}
