//! Authenticators that a logon looks for: the nearest free one, or one by its serial number.

use crate::rows::authenticator;
use crate::{Store, StoreError};
use countersign_engine::decision::Free;
use countersign_engine::model::{Authenticator, AuthenticatorKey, DomainKey};

impl Store {
    /// The nearest free authenticator of those wanted; of several equally near ones [`Free::pick`] chooses.
    ///
    /// # Errors
    /// The database cannot be read, or the record is of an unknown format.
    pub fn free(&self, wanted: &Free) -> Result<Option<Authenticator>, StoreError> {
        let mut wanted = wanted.clone();
        if wanted.types.is_empty() {
            let snapshot = self.snapshot();
            wanted.types = snapshot.types.iter().map(|one| one.name.clone()).collect();
        }
        self.shared.read(|tx| {
            for unit in &wanted.units {
                let near = authenticator::free(tx, &wanted, *unit)?;
                let pick = usize::try_from(wanted.pick).unwrap_or(0);
                if let Some(key) = near.get(pick.checked_rem(near.len()).unwrap_or(0)) {
                    return Ok(authenticator::by_key(tx, AuthenticatorKey(*key))?);
                }
            }
            Ok(None)
        })
    }

    /// The authenticator with this serial number in a domain.
    ///
    /// # Errors
    /// As [`Store::free`].
    pub fn with_serial(
        &self,
        domain: DomainKey,
        serial: &str,
    ) -> Result<Option<Authenticator>, StoreError> {
        let found = self
            .shared
            .read(|tx| Ok(authenticator::by_serial(tx, serial)?))?;
        Ok(found.filter(|one| one.domain == domain))
    }
}
