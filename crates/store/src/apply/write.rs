//! The writes of commands.

use super::{Applying, Stop, Touch, held};
use crate::StoreError;
use crate::admin::count;
use crate::rows::{
    application, authenticator, back_end, component, key, node, organisation, policy, session,
    setting, sync, user,
};
use countersign_engine::admin::needs::Count;
use countersign_engine::admin::{Put, Write};
use countersign_engine::model::{
    Application, ApplicationKey, ApplicationState, Authenticator, AuthenticatorKey, KeyRecord,
    Session, User, UserAttribute, UserKey, UserState,
};
use std::ops::RangeInclusive;

impl Applying<'_> {
    pub(super) fn write(&mut self, write: &Write) -> Result<(), Stop> {
        match write {
            Write::Domain(put) => self.put_domain(put)?,
            Write::Unit(put) => self.put_unit(put)?,
            Write::Type(put) => self.put_type(put)?,
            Write::Policy(key, put) => self.put_policy(*key, put)?,
            Write::Component(put) => self.put_component(put)?,
            Write::RemoveDomain(key, revision) => {
                self.remove(organisation::DELETE_DOMAIN, key.0, *revision)?;
            }
            Write::RemoveUnit(key, revision) => {
                self.remove(organisation::DELETE_UNIT, key.0, *revision)?;
            }
            Write::RemoveType(key, revision) => {
                self.remove(organisation::DELETE_TYPE, *key, *revision)?;
            }
            Write::RemovePolicy(key, revision) => self.remove(policy::DELETE, key.0, *revision)?,
            Write::RemoveComponent(key, revision) => {
                self.remove(component::DELETE, key.0, *revision)?;
            }
            Write::BackEnd(put) => self.put_back_end(put)?,
            Write::RemoveBackEnd(key, revision) => {
                self.remove(back_end::DELETE, key.0, *revision)?;
            }
            Write::BackEndGroup(put) => self.put_back_end_group(put)?,
            Write::RemoveBackEndGroup(key, revision) => {
                self.remove(back_end::DELETE_GROUP, *key, *revision)?;
            }
            Write::Setting(name, value) => {
                setting::put(self.tx, name, value.as_deref(), self.now)?;
                self.configured()?;
            }
            Write::User(put) => self.write_user(put)?,
            Write::UserState(key, guard, to) => self.write_user_state(*key, *guard, to)?,
            Write::RemoveUser(key, revision) => self.remove_user(*key, *revision)?,
            Write::Attribute(key, attribute) => self.put_attribute(*key, attribute)?,
            Write::RemoveAttribute(key, group, name, index) => {
                user::delete_attribute(self.tx, *key, group, name, *index)?;
                self.touch_user(*key)?;
            }
            Write::Authenticator(put) => self.write_authenticator(put)?,
            Write::RemoveAuthenticator(key, revision) => {
                self.touch_authenticator(*key)?;
                held(authenticator::delete(self.tx, *key, *revision)?)?;
            }
            Write::Application(of, put) => self.write_application(*of, put)?,
            Write::ApplicationState(key, guard, to) => {
                self.write_application_state(*key, *guard, to)?;
            }
            Write::RemoveApplication(key, revision) => {
                self.touch_application(*key)?;
                held(application::delete(self.tx, *key, *revision)?)?;
            }
            Write::Session(new) => self.put_session(new)?,
            Write::SessionUse(key, at) => session::used(self.tx, *key, *at)?,
            Write::RemoveSession(key) => session::delete(self.tx, *key)?,
            Write::RemoveSessionsOf(user) => session::delete_of(self.tx, *user)?,
            Write::Key(record) => {
                self.same_root(record)?;
                key::put(self.tx, record)?;
                self.keys_changed()?;
            }
            Write::Rewrap(keys, from) => self.rewrap(keys, from)?,
            Write::Rotation(rotation) => held(key::put_rotation(self.tx, rotation)?)?,
            Write::RemoveKey(id) => {
                key::delete(self.tx, id)?;
                self.keys_changed()?;
            }
            Write::LastLogon(key, at, from) => {
                user::set_last_logon(self.tx, *key, *at, from)?;
                self.effects.touched.push(Touch::Evict(*key));
            }
            Write::SyncProfile(put) => self.put_sync_profile(put)?,
            Write::RemoveSyncProfile(key, revision) => {
                self.remove_sync_profile(*key, *revision)?;
            }
            Write::SyncRun(run) => sync::put_run(self.tx, run)?,
            Write::NodeReport(report) => node::report(self.tx, report)?,
            Write::NodeWish(name, wish) => node::wish(self.tx, name, wish, self.now)?,
            Write::RemoveNode(name) => node::delete(self.tx, name)?,
            Write::Within(_) => {} // when all else is written
        }
        Ok(())
    }

    /// Counts again, while no other node does.
    pub(super) fn within(&self, bounds: &[(Count, RangeInclusive<i64>)]) -> Result<(), Stop> {
        setting::lock(self.tx)?;
        for (wanted, bounds) in bounds {
            held(bounds.contains(&count(self.tx, wanted)?))?;
        }
        Ok(())
    }

    /// Either all data keys go under the other root key or none.
    fn rewrap(&mut self, keys: &[KeyRecord], from: &str) -> Result<(), Stop> {
        held(key::all(self.tx)?.len() == keys.len())?;
        for new in keys {
            held(key::rewrap(self.tx, new, from)?)?;
        }
        self.keys_changed()?;
        Ok(())
    }

    /// A node that has not heard that the data keys went under another root key must not add one under the old.
    fn same_root(&self, new: &KeyRecord) -> Result<(), Stop> {
        let all = key::all(self.tx)?;
        let moved = all
            .iter()
            .find(|row| row.root != new.root && all.iter().all(|known| known.id != new.id));
        moved.map_or(Ok(()), |row| {
            Err(Stop::Refused(StoreError::Sealing(format!(
                "the data keys are under root key {} by now",
                row.root
            ))))
        })
    }

    /// The configuration changed: its generation rises.
    pub(super) fn configured(&mut self) -> Result<(), StoreError> {
        self.effects.configuration = true;
        setting::next_generation(self.tx)
    }

    /// The key ring changed: other nodes see it by the generation, as any configuration.
    fn keys_changed(&mut self) -> Result<(), StoreError> {
        self.effects.keys = true;
        self.configured()
    }

    pub(super) fn remove(&mut self, sql: &str, key: i64, revision: i64) -> Result<(), Stop> {
        self.tx.one(sql, crate::sql::args![key, revision])?;
        Ok(self.configured()?)
    }

    fn write_user(&mut self, put: &Put<User>) -> Result<(), Stop> {
        let known = put.record.key;
        if known.0 >= 0 {
            self.touch_user(known)?; // with the link as it was
        }
        let key = self.put_user(put)?;
        self.touch_user(key)
    }

    fn write_user_state(&mut self, key: UserKey, guard: i64, to: &UserState) -> Result<(), Stop> {
        user::set_state(self.tx, key, guard, to)?;
        self.touch_user(key)
    }

    fn remove_user(&mut self, key: UserKey, revision: i64) -> Result<(), Stop> {
        self.touch_user(key)?;
        self.tx.seize(user::TABLE, key.0)?; // whoever assigns an authenticator to the account comes before or not at all
        for authenticator in authenticator::keys_of_user(self.tx, key)? {
            self.raise_authenticators.insert(authenticator);
        }
        held(user::delete(self.tx, key, revision)?)?;
        Ok(session::delete_of(self.tx, key)?)
    }

    fn put_attribute(&mut self, key: UserKey, attribute: &UserAttribute) -> Result<(), Stop> {
        let key = UserKey(self.placed(user::TABLE, key.0)?);
        user::put_attribute(self.tx, key, attribute)?;
        self.touch_user(key)
    }

    fn write_authenticator(&mut self, put: &Put<Authenticator>) -> Result<(), Stop> {
        let known = put.record.key;
        if known.0 >= 0 {
            self.touch_authenticator(known)?; // with the owner as he was
        }
        let key = self.put_authenticator(put)?;
        self.touch_authenticator(key)
    }

    fn write_application(
        &mut self,
        of: AuthenticatorKey,
        put: &Put<Application>,
    ) -> Result<(), Stop> {
        let of = AuthenticatorKey(self.placed(authenticator::TABLE, of.0)?);
        self.put_application(of, put)?;
        self.touch_authenticator(of)
    }

    fn write_application_state(
        &mut self,
        key: ApplicationKey,
        guard: i64,
        to: &ApplicationState,
    ) -> Result<(), Stop> {
        application::set_state(self.tx, key, guard, to)?;
        self.touch_application(key)
    }

    fn touch_application(&mut self, key: ApplicationKey) -> Result<(), Stop> {
        self.effects.touched.push(Touch::EvictApplication(key));
        let (authenticator, _) = application::authenticator(self.tx, key)?.ok_or(Stop::Conflict)?;
        self.touch_authenticator(authenticator)
    }

    fn put_session(&mut self, new: &Session) -> Result<(), Stop> {
        let user = UserKey(self.placed(user::TABLE, new.user.0)?);
        Ok(session::put(
            self.tx,
            &Session {
                user,
                ..new.clone()
            },
        )?)
    }
}
