//! Records put by commands: row numbers for place holders, sealing, guard by revision.

use super::{Applying, Stop};
use crate::StoreError;
use crate::ring;
use crate::rows::{
    application, authenticator, component, convert, organisation, policy, user, version,
};
use crate::sql::Tx;
use countersign_engine::Secret;
use countersign_engine::admin::Put;
use countersign_engine::facts::Place;
use countersign_engine::model::{
    Application, ApplicationKey, Authenticator, AuthenticatorKey, AuthenticatorType, Component,
    ComponentKey, Domain, DomainKey, Meta, OrgUnit, PolicyKey, Sealed, StoredPassword, UnitKey,
    User, UserKey,
};
use countersign_engine::policy::Policy;

impl Applying<'_> {
    /// The format in which a record is written: that of the deployment, never an older one than it has.
    pub(super) fn format(&mut self, table: &'static str, meta: Meta) -> Result<u32, StoreError> {
        if version::known(table) == 1 {
            return Ok(meta.record_version.max(1)); // there is nothing to choose, and nothing to be read
        }
        if self.written.is_none() {
            self.written = Some(convert::written(self.tx)?);
        }
        let written = self.written.as_ref().and_then(|written| written.get(table));
        let written = written.copied().unwrap_or(1);
        Ok(written.min(version::known(table)).max(meta.record_version))
    }

    /// A sealed field that the command leaves as it is, bound to the format that the record gets.
    pub(super) fn kept(
        &self,
        table: &'static str,
        id: i64,
        field: &'static str,
        from: Meta,
        format: u32,
        sealed: &mut Sealed,
    ) -> Result<(), StoreError> {
        if from.record_version == 0 || from.record_version == format {
            return Ok(());
        }
        let at = |version| Place {
            table,
            id,
            field,
            version,
        };
        *sealed = ring::renew(self.ring, at(from.record_version), at(format), sealed)?;
        Ok(())
    }

    /// The row a key stands for: a place holder gets a number at its first mention.
    pub(super) fn placed(&mut self, table: &'static str, key: i64) -> Result<i64, StoreError> {
        if key >= 0 {
            return Ok(key);
        }
        if let Some(number) = self.placed.get(&(table, key)) {
            return Ok(*number);
        }
        let number = self.numbers.next(self.tx, table)?;
        self.placed.insert((table, key), number);
        Ok(number)
    }

    fn placed_unit(&mut self, unit: Option<UnitKey>) -> Result<Option<UnitKey>, StoreError> {
        unit.map(|unit| self.placed(organisation::UNIT, unit.0).map(UnitKey))
            .transpose()
    }

    fn placed_user(&mut self, user: Option<UserKey>) -> Result<Option<UserKey>, StoreError> {
        user.map(|user| self.placed(user::TABLE, user.0).map(UserKey))
            .transpose()
    }

    /// Lets nobody remove the domain, the unit and the account that a record stands on before it is written.
    fn stands_on(
        &mut self,
        domain: DomainKey,
        unit: Option<UnitKey>,
        user: Option<UserKey>,
    ) -> Result<(), StoreError> {
        let rows = [
            Some((organisation::DOMAIN, domain.0)),
            unit.map(|unit| (organisation::UNIT, unit.0)),
            user.filter(|user| !self.new_users.contains(user))
                .map(|user| (user::TABLE, user.0)),
        ];
        for (table, key) in rows.into_iter().flatten() {
            if self.kept.insert((table, key)) {
                self.tx.keep(table, key)?;
            }
        }
        Ok(())
    }

    /// Inserts a new record, or changes the one at the revision it was decided on.
    pub(super) fn store<R>(
        &self,
        put: &Put<R>,
        record: &R,
        version: u32,
        insert: impl Fn(Tx<'_>, &R, Meta) -> Result<(), StoreError>,
        update: impl Fn(Tx<'_>, &R, Meta) -> Result<(), StoreError>,
    ) -> Result<(), Stop> {
        let revision = put.guard.unwrap_or(1);
        let meta = Meta {
            created: self.now,
            modified: self.now,
            record_version: version,
            revision,
        };
        let write = if put.guard.is_none() {
            insert(self.tx, record, meta)
        } else {
            update(self.tx, record, meta)
        };
        Ok(write?)
    }

    pub(super) fn put_domain(&mut self, put: &Put<Domain>) -> Result<(), Stop> {
        let key = DomainKey(self.placed(organisation::DOMAIN, put.record.key.0)?);
        let record = Domain {
            key,
            ..put.record.clone()
        };
        let format = self.format(organisation::DOMAIN, record.meta)?;
        self.store(
            put,
            &record,
            format,
            organisation::insert_domain,
            organisation::update_domain,
        )?;
        Ok(self.configured()?)
    }

    pub(super) fn put_unit(&mut self, put: &Put<OrgUnit>) -> Result<(), Stop> {
        let key = UnitKey(self.placed(organisation::UNIT, put.record.key.0)?);
        let domain = DomainKey(self.placed(organisation::DOMAIN, put.record.domain.0)?);
        let parent = self.placed_unit(put.record.parent)?;
        let record = OrgUnit {
            key,
            domain,
            parent,
            ..put.record.clone()
        };
        let format = self.format(organisation::UNIT, record.meta)?;
        self.store(
            put,
            &record,
            format,
            organisation::insert_unit,
            organisation::update_unit,
        )?;
        Ok(self.configured()?)
    }

    pub(super) fn put_type(&mut self, put: &Put<AuthenticatorType>) -> Result<(), Stop> {
        let key = self.placed(organisation::TYPE, put.record.key)?;
        let record = AuthenticatorType {
            key,
            ..put.record.clone()
        };
        let format = self.format(organisation::TYPE, record.meta)?;
        self.store(
            put,
            &record,
            format,
            organisation::insert_type,
            organisation::update_type,
        )?;
        Ok(self.configured()?)
    }

    pub(super) fn put_policy(&mut self, key: PolicyKey, put: &Put<Policy>) -> Result<(), Stop> {
        let key = PolicyKey(self.placed(policy::TABLE, key.0)?);
        let insert = |tx: Tx<'_>, record: &Policy, meta| policy::insert(tx, key, record, meta);
        let update = |tx: Tx<'_>, record: &Policy, meta| policy::update(tx, key, record, meta);
        let format = self.format(policy::TABLE, Meta::default())?;
        self.store(put, &put.record, format, insert, update)?;
        Ok(self.configured()?)
    }

    pub(super) fn put_component(&mut self, put: &Put<Component>) -> Result<(), Stop> {
        let key = self.placed(component::TABLE, put.record.key.0)?;
        let mut record = Component {
            key: ComponentKey(key),
            ..put.record.clone()
        };
        let format = self.format(component::TABLE, record.meta)?;
        let before = record.meta;
        if let Some(sealed) = record.shared_secret.as_mut()
            && put
                .secrets
                .iter()
                .all(|(field, _)| *field != "shared_secret")
        {
            self.kept(
                component::TABLE,
                key,
                "shared_secret",
                before,
                format,
                sealed,
            )?;
        }
        for (field, secret) in &put.secrets {
            let sealed = self.sealed(component::TABLE, key, field, format, secret.as_ref())?;
            match *field {
                "shared_secret" => record.shared_secret = sealed,
                _ => return Err(unknown_field(component::TABLE, field)),
            }
        }
        self.store(put, &record, format, component::insert, component::update)?;
        Ok(self.configured()?)
    }

    pub(super) fn put_user(&mut self, put: &Put<User>) -> Result<UserKey, Stop> {
        let key = UserKey(self.placed(user::TABLE, put.record.key.0)?);
        let mut record = put.record.clone();
        record.key = key;
        record.domain = DomainKey(self.placed(organisation::DOMAIN, record.domain.0)?);
        record.org_unit = self.placed_unit(record.org_unit)?;
        record.linked = self.placed_user(record.linked)?;
        self.stands_on(record.domain, record.org_unit, record.linked)?;
        let format = self.format(user::TABLE, record.meta)?;
        let before = record.meta;
        if let Some(password) = record.password.as_mut() {
            let fields = [
                ("password", Some(&mut password.verifier)),
                ("password_copy", password.copy.as_mut()),
                ("password_history", password.history.as_mut()),
            ];
            for (field, sealed) in fields {
                if let Some(sealed) = sealed
                    && put.secrets.iter().all(|(own, _)| *own != field)
                {
                    self.kept(user::TABLE, key.0, field, before, format, sealed)?;
                }
            }
        }
        for (field, secret) in &put.secrets {
            let sealed = self.sealed(user::TABLE, key.0, field, format, secret.as_ref())?;
            self.set_password_field(&mut record, field, sealed)?;
        }
        if put.guard.is_none() && record.linked.is_none() {
            self.new_users.insert(key);
        }
        self.store(put, &record, format, user::insert, user::update)?;
        Ok(key)
    }

    /// A password without a verifier is none, so its copy and history go with it.
    fn set_password_field(
        &self,
        record: &mut User,
        field: &'static str,
        sealed: Option<Sealed>,
    ) -> Result<(), Stop> {
        match (field, sealed, record.password.as_mut()) {
            ("password", Some(verifier), Some(password)) => password.verifier = verifier,
            ("password", Some(verifier), None) => {
                record.password = Some(StoredPassword {
                    verifier,
                    copy: None,
                    history: None,
                    set_at: self.now,
                });
            }
            ("password", None, _) => record.password = None,
            ("password_copy", copy, Some(password)) => password.copy = copy,
            ("password_history", history, Some(password)) => password.history = history,
            ("password_copy" | "password_history", None, None) => {}
            _ => return Err(unknown_field(user::TABLE, field)),
        }
        Ok(())
    }

    pub(super) fn put_authenticator(
        &mut self,
        put: &Put<Authenticator>,
    ) -> Result<AuthenticatorKey, Stop> {
        let key = AuthenticatorKey(self.placed(authenticator::TABLE, put.record.key.0)?);
        let mut record = put.record.clone();
        record.key = key;
        record.domain = DomainKey(self.placed(organisation::DOMAIN, record.domain.0)?);
        record.org_unit = self.placed_unit(record.org_unit)?;
        record.user = self.placed_user(record.user)?;
        self.stands_on(record.domain, record.org_unit, record.user)?;
        let format = self.format(authenticator::TABLE, record.meta)?;
        self.store(
            put,
            &record,
            format,
            authenticator::insert,
            authenticator::update,
        )?;
        if put.guard.is_none() {
            self.new_authenticators.insert(key, record.user);
        }
        Ok(key)
    }

    pub(super) fn put_application(
        &mut self,
        of: AuthenticatorKey,
        put: &Put<Application>,
    ) -> Result<(), Stop> {
        let key = ApplicationKey(self.placed(application::TABLE, put.record.key.0)?);
        let mut record = put.record.clone();
        record.key = key;
        let format = self.format(application::TABLE, record.meta)?;
        let before = record.meta;
        let is_new = |wanted: &str| put.secrets.iter().any(|(field, _)| *field == wanted);
        if !is_new("secret") {
            self.kept(
                application::TABLE,
                key.0,
                "secret",
                before,
                format,
                &mut record.secret,
            )?;
        }
        if let Some(sealed) = record.sealed_pin.as_mut()
            && !is_new("pin")
        {
            self.kept(application::TABLE, key.0, "pin", before, format, sealed)?;
        }
        for (field, secret) in &put.secrets {
            let sealed = self.sealed(application::TABLE, key.0, field, format, secret.as_ref())?;
            match (*field, sealed) {
                ("secret", Some(secret)) => record.secret = secret,
                ("pin", pin) => record.sealed_pin = pin,
                _ => return Err(unknown_field(application::TABLE, field)),
            }
        }
        let insert =
            |tx: Tx<'_>, record: &Application, meta| application::insert(tx, of, record, meta);
        let update =
            |tx: Tx<'_>, record: &Application, meta| application::update(tx, of, record, meta);
        self.store(put, &record, format, insert, update)
    }

    pub(super) fn sealed(
        &mut self,
        table: &'static str,
        key: i64,
        field: &'static str,
        version: u32,
        secret: Option<&Secret>,
    ) -> Result<Option<Sealed>, Stop> {
        secret
            .map(|secret| self.seal(table, key, field, version, secret))
            .transpose()
    }
}

pub(super) fn unknown_field(table: &str, field: &str) -> Stop {
    Stop::Refused(StoreError::Refused(format!(
        "{table} has no sealed field {field} to be set so"
    )))
}
