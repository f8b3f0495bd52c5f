//! Back-ends and their groups put by commands.

use super::put::unknown_field;
use super::{Applying, Stop};
use crate::rows::{back_end, organisation};
use countersign_engine::admin::Put;
use countersign_engine::model::{BackEnd, BackEndGroup, BackEndKey, DomainKey};

impl Applying<'_> {
    pub(super) fn put_back_end(&mut self, put: &Put<BackEnd>) -> Result<(), Stop> {
        let key = self.placed(back_end::TABLE, put.record.key.0)?;
        let mut record = put.record.clone();
        record.key = BackEndKey(key);
        if let Some(domain) = record.domain {
            let domain = self.placed(organisation::DOMAIN, domain.0)?;
            record.domain = Some(DomainKey(domain));
        }
        let format = self.format(back_end::TABLE, record.meta)?;
        let before = record.meta;
        for (field, sealed) in back_end::sealed_fields(&mut record.protocol) {
            if let Some(sealed) = sealed
                && put.secrets.iter().all(|(own, _)| *own != field)
            {
                self.kept(back_end::TABLE, key, field, before, format, sealed)?;
            }
        }
        for (field, secret) in &put.secrets {
            let sealed = self.sealed(back_end::TABLE, key, field, format, secret.as_ref())?;
            let mut fields = back_end::sealed_fields(&mut record.protocol);
            let Some((_, target)) = fields.iter_mut().find(|(own, _)| own == field) else {
                return Err(unknown_field(back_end::TABLE, field));
            };
            **target = sealed;
        }
        self.store(put, &record, format, back_end::insert, back_end::update)?;
        Ok(self.configured()?)
    }

    pub(super) fn put_back_end_group(&mut self, put: &Put<BackEndGroup>) -> Result<(), Stop> {
        let mut record = put.record.clone();
        record.key = self.placed(back_end::GROUP, record.key)?;
        for member in &mut record.members {
            *member = BackEndKey(self.placed(back_end::TABLE, member.0)?);
        }
        let format = self.format(back_end::GROUP, record.meta)?;
        self.store(
            put,
            &record,
            format,
            back_end::insert_group,
            back_end::update_group,
        )?;
        Ok(self.configured()?)
    }
}
