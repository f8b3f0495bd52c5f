use super::files;
use crate::config::{Config, Overrides};
use anyhow::{Context, Result, bail};
use countersign_keyring::{RootKey, RootSource};
use countersign_service::NextRoot;
use countersign_store::{OpenError, StoreUrl};
use std::path::Path;
use std::sync::Arc;

/// Loads the root key of an existing store.
pub(crate) fn load(source: &str) -> Result<RootKey> {
    let source: RootSource = source.parse()?;
    source
        .load()
        .with_context(|| format!("load the root key from {source}"))
}

/// Loads the root key, or makes it where the store is not there yet.
///
/// # Errors
/// It cannot be loaded, or it is gone although there is a store: a new key would open nothing.
pub(super) fn load_or_create(source: &str, store: &StoreUrl) -> Result<RootKey> {
    let source: RootSource = source.parse()?;
    let error = match source.load() {
        Ok(root) => {
            for fault in root.standby_faults() {
                tracing::warn!(
                    "one address of the root key does not stand in for the others: failed to {fault}"
                );
            }
            return Ok(root);
        }
        Err(error) => error,
    };
    if !error.is_missing() {
        return Err(error).with_context(|| format!("load the root key from {source}"));
    }
    if countersign_store::is_made(store)? {
        bail!(
            "load the root key from {source}: {error}, but the store {store} was made with one; bring the key back from another node or from its escrow"
        );
    }
    // Another node that starts at the same time may have made it in this moment.
    source
        .create()
        .or_else(|error| source.load().map_err(|_| error))
        .with_context(|| format!("make the root key at {source}"))
}

/// Opens something that needs the root key: with `root_key`, or, where the data keys are under it by now or the old one is gone, with
/// `next_root_key`. So a move from one to the other may be interrupted anywhere.
pub(crate) fn with_keys<T>(
    config: &Config,
    root: impl Fn(&str) -> Result<RootKey>,
    open: impl Fn(Arc<RootKey>) -> Result<T, OpenError>,
) -> Result<T> {
    let first = root(&config.root_key()).and_then(|root| Ok(open(Arc::new(root))?));
    let (Err(error), Some(next)) = (&first, config.next_root_key()) else {
        return first;
    };
    let is_other = matches!(error.downcast_ref(), None | Some(OpenError::Keys(_)));
    match load(next).and_then(|root| Ok(open(Arc::new(root))?)) {
        Ok(opened) if is_other => {
            tracing::warn!(
                "the data keys are under next_root_key; make it root_key, and take next_root_key out"
            );
            Ok(opened)
        }
        _ => first,
    }
}

/// How a node loads the next root key: from the configuration as it is then.
pub(super) fn next(overrides: Overrides) -> NextRoot {
    Box::new(move || {
        let load = || {
            let config = Config::load(&overrides)?;
            config.next_root_key().map(load).transpose()
        };
        load().map_err(|error| format!("{error:#}"))
    })
}

/// Whether `key escrow` was run for this root key.
pub(super) fn is_escrowed(data_dir: &Path, root: &str) -> bool {
    files::read::<String>(&data_dir.join(files::ESCROWED)).is_ok_and(|noted| noted == root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_key_is_made_once_and_never_for_an_old_store() {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = (folder.path().join("root.key"), folder.path().join("db"));
        let store = StoreUrl::from(file.as_path());
        let source = format!("file:{}", key.display());
        let made = load_or_create(&source, &store).unwrap().id();
        std::fs::write(&file, "x").unwrap();
        assert_eq!(load_or_create(&source, &store).unwrap().id(), made);
        std::fs::remove_file(&key).unwrap();
        let error = format!("{:#}", load_or_create(&source, &store).unwrap_err());
        assert!(error.contains("bring the key back"), "{error}");
        assert!(!key.exists());
    }

    #[test]
    fn an_escrow_counts_for_its_own_key() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_escrowed(folder.path(), "a"));
        files::write(&folder.path().join(files::ESCROWED), &"a").unwrap();
        assert!(is_escrowed(folder.path(), "a") && !is_escrowed(folder.path(), "b"));
    }
}
