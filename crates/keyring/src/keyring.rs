//! The set of data keys that a node works with: an immutable value; every change gives a new one and the rows to store.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::data_key::{DataKey, KeyClass, KeyId, KeyState, WrappedKey};
use crate::hsm::HsmError;
use crate::random::{self, RandomError};
use crate::root::{RootId, RootKey};

/// The key ring cannot be opened or changed.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A stored key is wrapped under another root key than the one at hand.
    #[error(
        "open data key {key}: it is wrapped under root key {named}, but root key {present} is configured"
    )]
    OtherRoot {
        /// The data key.
        key: KeyId,
        /// The root key its row names.
        named: RootId,
        /// The root key at hand.
        present: RootId,
    },
    /// A stored key is not what was wrapped under its name, class and root key.
    #[error("open data key {0}: its row was changed or belongs to another installation")]
    Broken(KeyId),
    /// Two rows have one name.
    #[error("open data key {0}: it is there twice")]
    Twice(KeyId),
    /// No such key.
    #[error("find data key {0}")]
    UnknownKey(KeyId),
    /// The key still seals new values; make another one first.
    #[error("retire or delete data key {0}: it is the active key of its class")]
    StillActive(KeyId),
    /// The class has no active key.
    #[error("find an active key of class {0}")]
    NoKey(KeyClass),
    /// The master key in the HSM did not do its part.
    #[error("use the master key in the HSM: failed to {0}")]
    Hsm(#[from] HsmError),
    /// The data keys are wrapped under another root key by now than the one this node has.
    #[error(
        "make a data key under root key {present}: the others are under {named} by now; set root_key to it on this node and start it anew"
    )]
    RootMoved {
        /// The root key the rows name.
        named: RootId,
        /// The root key at hand.
        present: RootId,
    },
}

/// The data keys of an installation, unwrapped in memory; share it as `Arc<Keyring>`.
#[derive(Clone)]
pub struct Keyring {
    root: Arc<RootKey>,
    /// Ascending by id.
    keys: Vec<Arc<DataKey>>,
}

/// What a change of the key ring leaves: the ring to use from now on, and what the store must write for it to be true.
#[derive(Debug)]
pub struct Change {
    /// The ring after the change.
    pub keyring: Keyring,
    /// Rows to insert or replace, by id.
    pub rows: Vec<WrappedKey>,
    /// Row to delete.
    pub removed: Option<KeyId>,
}

impl Change {
    /// The key that became active, if one did.
    #[must_use]
    pub fn active(&self) -> Option<KeyId> {
        self.rows
            .iter()
            .find(|row| row.state == KeyState::Active)
            .map(|row| row.id)
    }
}

impl Keyring {
    /// The key ring of a first start: one active key of each class, made at `created` (µs since 1970).
    pub fn first(root: Arc<RootKey>, created: i64) -> Result<Change, KeyringError> {
        let mut keyring = Self {
            root,
            keys: Vec::new(),
        };
        for class in KeyClass::ALL {
            keyring = keyring.create(*class, created)?.keyring;
        }
        let rows = keyring.rows();
        Ok(Change {
            keyring,
            rows,
            removed: None,
        })
    }

    /// Unwraps the stored rows under the root key.
    pub fn load(root: Arc<RootKey>, rows: Vec<WrappedKey>) -> Result<Self, KeyringError> {
        let keys: Result<Vec<_>, _> = rows
            .into_iter()
            .map(|row| DataKey::unwrap(&root, row).map(Arc::new))
            .collect();
        let mut keys = keys?;
        keys.sort_by_key(|key| key.row.id);
        let twice = keys.windows(2).find_map(|pair| match pair {
            [one, other] if one.row.id == other.row.id => Some(one.row.id),
            _ => None,
        });
        twice.map_or(Ok(Self { root, keys }), |id| Err(KeyringError::Twice(id)))
    }

    /// The ring as its rows say now. What is in memory already is not unwrapped again, so that a change of states, or keys wrapped
    /// anew elsewhere, need neither the root key nor its HSM.
    pub fn follow(&self, rows: Vec<WrappedKey>) -> Result<Self, KeyringError> {
        let key = |row: WrappedKey| match self.find(row.id) {
            Some(known) if known.row.class == row.class => Ok(known.with_row(row)),
            _ => DataKey::unwrap(&self.root, row),
        };
        let keys: Result<Vec<_>, _> = rows.into_iter().map(|row| key(row).map(Arc::new)).collect();
        let mut keys = keys?;
        keys.sort_by_key(|key| key.row.id);
        Ok(Self {
            root: Arc::clone(&self.root),
            keys,
        })
    }

    /// The root key that the rows name, where it is not the one at hand.
    #[must_use]
    pub fn moved_to(&self) -> Option<RootId> {
        let other = |key: &&Arc<DataKey>| key.row.root != self.root.id();
        self.keys.iter().find(other).map(|key| key.row.root)
    }

    /// The same ring with the root key that its rows name; every row is opened with it and compared.
    pub fn under(&self, root: Arc<RootKey>) -> Result<Self, KeyringError> {
        for key in &self.keys {
            if !key.is_wrapped_in(&root, &key.row)? {
                return Err(KeyringError::Broken(key.row.id));
            }
        }
        Ok(Self {
            root,
            keys: self.keys.clone(),
        })
    }

    /// A new key of the class, active at once; the keys that were active before only open from now on.
    pub fn create(&self, class: KeyClass, created: i64) -> Result<Change, KeyringError> {
        if let Some(named) = self.moved_to() {
            let present = self.root.id();
            return Err(KeyringError::RootMoved { named, present });
        }
        let new = DataKey::generate(&self.root, self.free_id()?, class, created)?;
        let of_class =
            |key: &&Arc<DataKey>| key.row.class == class && key.row.state == KeyState::Active;
        let mut changed: Vec<DataKey> = self
            .keys
            .iter()
            .filter(of_class)
            .map(|key| key.with_state(KeyState::DecryptOnly))
            .collect();
        changed.push(new);
        Ok(self.with(changed))
    }

    /// [`create`](Self::create) for a class that has an active key; what [`needs_reseal`](Self::needs_reseal) is to be resealed after it.
    pub fn rotate(&self, class: KeyClass, created: i64) -> Result<Change, KeyringError> {
        self.active(class).ok_or(KeyringError::NoKey(class))?;
        self.create(class, created)
    }

    /// The key neither seals nor opens from now on; not while it is active.
    pub fn retire(&self, id: KeyId) -> Result<Change, KeyringError> {
        let key = self.idle(id)?;
        Ok(self.with(vec![key.with_state(KeyState::Retired)]))
    }

    /// Forgets the key: what it sealed never opens again. Never the active key; whether something is still sealed under it is for
    /// [`rotation::deletable`](crate::rotation::deletable) to say.
    pub fn delete(&self, id: KeyId) -> Result<Change, KeyringError> {
        self.idle(id)?;
        let keys = self
            .keys
            .iter()
            .filter(|key| key.row.id != id)
            .cloned()
            .collect();
        let keyring = Self {
            root: Arc::clone(&self.root),
            keys,
        };
        Ok(Change {
            keyring,
            rows: Vec::new(),
            removed: Some(id),
        })
    }

    /// Wraps every key anew, under another root key; no sealed value changes.
    pub fn rewrap(&self, root: Arc<RootKey>) -> Result<Change, KeyringError> {
        let keys: Result<Vec<_>, _> = self
            .keys
            .iter()
            .map(|key| key.rewrap(&root).map(Arc::new))
            .collect();
        let keyring = Self { root, keys: keys? }.verified()?;
        let rows = keyring.rows();
        Ok(Change {
            keyring,
            rows,
            removed: None,
        })
    }

    /// This ring, if every row opens again to the key in memory.
    fn verified(self) -> Result<Self, KeyringError> {
        self.under(Arc::clone(&self.root))
    }

    /// The rows of all keys, ascending by id, as the store should hold them.
    #[must_use]
    pub fn rows(&self) -> Vec<WrappedKey> {
        self.keys.iter().map(|key| key.row.clone()).collect()
    }

    /// The key that new values of the class go under.
    #[must_use]
    pub fn active(&self, class: KeyClass) -> Option<KeyId> {
        self.writer(class).map(|key| key.row.id)
    }

    /// Class and state of a key.
    #[must_use]
    pub fn about(&self, id: KeyId) -> Option<(KeyClass, KeyState)> {
        self.find(id).map(|key| (key.row.class, key.row.state))
    }

    /// The root key's name.
    #[must_use]
    pub fn root(&self) -> RootId {
        self.root.id()
    }

    /// The root key itself, to be shared.
    #[must_use]
    pub fn root_arc(&self) -> Arc<RootKey> {
        Arc::clone(&self.root)
    }

    /// The root key itself, for escrow.
    #[must_use]
    pub fn root_key(&self) -> &RootKey {
        &self.root
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&DataKey> {
        let at = self.keys.binary_search_by_key(&id, |key| key.row.id).ok()?;
        self.keys.get(at).map(Arc::as_ref)
    }

    /// Two nodes that rotate at once may leave two active keys; the newer one is used.
    pub(crate) fn writer(&self, class: KeyClass) -> Option<&DataKey> {
        let usable =
            |key: &&Arc<DataKey>| key.row.class == class && key.row.state == KeyState::Active;
        self.keys
            .iter()
            .filter(usable)
            .max_by_key(|key| (key.row.created, key.row.id))
            .map(Arc::as_ref)
    }

    /// The keys of the class that may open, newest first.
    pub(crate) fn readers(&self, class: KeyClass) -> Vec<&DataKey> {
        let usable =
            |key: &&Arc<DataKey>| key.row.class == class && key.row.state != KeyState::Retired;
        let mut keys: Vec<&DataKey> = self.keys.iter().filter(usable).map(Arc::as_ref).collect();
        keys.sort_by_key(|key| (key.row.state, Reverse((key.row.created, key.row.id))));
        keys
    }

    fn idle(&self, id: KeyId) -> Result<&DataKey, KeyringError> {
        let key = self.find(id).ok_or(KeyringError::UnknownKey(id))?;
        // A second active key of the class, left by two rotations at once, may go; the one in use may not.
        if self.active(key.row.class) == Some(id) {
            Err(KeyringError::StillActive(id))
        } else {
            Ok(key)
        }
    }

    fn free_id(&self) -> Result<KeyId, KeyringError> {
        loop {
            let id = KeyId::from_bytes(random::random()?);
            if let Some(id) = id.filter(|id| self.find(*id).is_none()) {
                return Ok(id);
            }
        }
    }

    /// This ring with some keys new or replaced.
    fn with(&self, changed: Vec<DataKey>) -> Change {
        let rows: Vec<WrappedKey> = changed.iter().map(|key| key.row.clone()).collect();
        let untouched = |key: &&Arc<DataKey>| !rows.iter().any(|row| row.id == key.row.id);
        let mut keys: Vec<_> = self.keys.iter().filter(untouched).cloned().collect();
        keys.extend(changed.into_iter().map(Arc::new));
        keys.sort_by_key(|key| key.row.id);
        Change {
            keyring: Self {
                root: Arc::clone(&self.root),
                keys,
            },
            rows,
            removed: None,
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self
            .keys
            .iter()
            .map(|key| (key.row.id.to_string(), (key.row.class, key.row.state)));
        f.debug_map().entries(keys).finish()
    }
}

#[cfg(test)]
mod tests;
