//! Data keys out of an escrow: the root key is lost, and their wraps under another one take the place of the old ones.

use crate::database::{Access, Source};
use crate::ring::to_record;
use crate::rows::key;
use crate::sql::Tx;
use crate::{OpenError, Options, StoreError, schema};
use countersign_keyring::WrappedKey;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredKeys {
    /// Stored keys whose wraps were replaced.
    pub replaced: usize,
    /// Stored keys that were not among those given: made after the escrow.
    pub lacking: Vec<String>,
    /// Whether the store was changed.
    pub done: bool,
}

/// Replaces the wraps of the stored data keys, in one transaction; the store need not open, for its root key is lost. Where keys are
/// lacking nothing is changed, unless they are to be forgotten: what they sealed does not open again.
///
/// # Errors
/// The store cannot be read or written; nothing is changed.
pub fn recover_keys(
    options: &Options,
    keys: &[WrappedKey],
    forget: bool,
) -> Result<RecoveredKeys, OpenError> {
    schema::check_file(&options.url)?;
    let source = Source::new(options.url.clone(), &options.node, options.wait);
    let failed = |error| OpenError::of(&options.url, error);
    let database = source.open(Access::Write).map_err(failed)?;
    database.begin().map_err(failed)?;
    let done = replace(database.tx(), keys, forget).and_then(|recovered| {
        if recovered.done {
            database.commit()?;
        } else {
            database.rollback();
        }
        Ok(recovered)
    });
    if done.is_err() {
        database.rollback();
    }
    done.map_err(failed)
}

fn replace(tx: Tx<'_>, keys: &[WrappedKey], forget: bool) -> Result<RecoveredKeys, StoreError> {
    let mut recovered = RecoveredKeys {
        replaced: 0,
        lacking: Vec::new(),
        done: true,
    };
    for stored in key::all(tx)? {
        let new = keys.iter().find(|key| key.id.to_string() == stored.id);
        match new {
            Some(new) => {
                recovered.replaced += usize::from(key::rewrap(tx, &to_record(new), &stored.root)?);
            }
            None if forget => {
                key::delete(tx, &stored.id)?;
                recovered.lacking.push(stored.id);
            }
            None => {
                recovered.done = false;
                recovered.lacking.push(stored.id);
            }
        }
    }
    Ok(recovered)
}
