//! Synchronisation profiles put by commands.

use super::{Applying, Stop};
use crate::rows::{back_end, organisation, sync};
use countersign_engine::admin::Put;
use countersign_engine::model::{BackEndKey, DomainKey, SyncProfile, UnitKey};

impl Applying<'_> {
    pub(super) fn put_sync_profile(&mut self, put: &Put<SyncProfile>) -> Result<(), Stop> {
        let mut record = put.record.clone();
        record.key = self.placed(sync::TABLE, record.key)?;
        record.source = BackEndKey(self.placed(back_end::TABLE, record.source.0)?);
        record.domain = DomainKey(self.placed(organisation::DOMAIN, record.domain.0)?);
        if let Some(unit) = record.org_unit {
            record.org_unit = Some(UnitKey(self.placed(organisation::UNIT, unit.0)?));
        }
        let format = self.format(sync::TABLE, record.meta)?;
        self.store(put, &record, format, sync::insert, sync::update)?;
        Ok(self.configured()?)
    }

    pub(super) fn remove_sync_profile(&mut self, key: i64, revision: i64) -> Result<(), Stop> {
        self.remove(sync::DELETE, key, revision)?;
        Ok(sync::forget(self.tx, key)?)
    }
}
