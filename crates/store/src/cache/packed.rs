//! Accounts of the usual shape in some two hundred bytes: a cache of a million is bounded by memory, and unpacking is
//! far cheaper than reading.
//!
//! Every structure is taken apart field by field, so that a new field cannot be forgotten here.

use countersign_engine::facts::Account;
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, DomainKey, LockReason, Meta, PinSettings, Sealed, StoredPassword, UnitKey,
    User, UserKey, UserState,
};
use countersign_engine::time::{Day, Timestamp};
use countersign_oath::Hash;
use std::collections::BTreeSet;

/// The account in few bytes; `None` for one of an unusual shape.
pub(super) fn pack(account: &Account) -> Option<Box<[u8]>> {
    let Account {
        user,
        state,
        authenticators,
        attributes,
        owner,
    } = account;
    if !attributes.is_empty() || *owner != user.key {
        return None;
    }
    let mut out = Out(Vec::with_capacity(256));
    out.user(user)?;
    out.user_state(state);
    out.number(authenticators.len());
    for authenticator in authenticators {
        out.authenticator(authenticator)?;
    }
    Some(out.0.into())
}

/// The account that was packed.
pub(super) fn unpack(bytes: &[u8]) -> Option<Account> {
    let mut from = In(bytes);
    let user = from.user()?;
    let state = from.user_state()?;
    let count = from.number()?;
    let mut authenticators = Vec::with_capacity(count);
    for _ in 0..count {
        authenticators.push(from.authenticator()?);
    }
    let owner = user.key;
    Some(Account {
        user,
        state,
        authenticators,
        attributes: Vec::new(),
        owner,
    })
}

struct Out(Vec<u8>);

impl Out {
    /// Seven bits a byte, the sign in the lowest: most integers here are small.
    fn int(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest > 0x7f {
            self.0.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        self.0.push(rest.to_le_bytes()[0]);
    }

    fn unsigned(&mut self, value: u64) {
        self.int(value.cast_signed());
    }

    fn number(&mut self, value: usize) {
        self.unsigned(value as u64);
    }

    fn flag(&mut self, value: bool) {
        self.0.push(value.into());
    }

    fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }

    fn time(&mut self, value: Option<Timestamp>) {
        self.option(value, |out, value| out.int(value.0));
    }

    fn day(&mut self, value: Option<Day>) {
        self.option(value, |out, value| out.int(value.0.into()));
    }

    fn bytes(&mut self, value: &[u8]) {
        self.number(value.len());
        self.0.extend_from_slice(value);
    }

    fn meta(&mut self, meta: Meta) {
        let Meta {
            created,
            modified,
            record_version,
            revision,
        } = meta;
        self.int(created.0);
        self.int(modified.0.wrapping_sub(created.0));
        self.int(record_version.into());
        self.int(revision);
    }

    fn user(&mut self, user: &User) -> Option<()> {
        let User {
            key,
            domain,
            id,
            folded,
            org_unit,
            contact: None,
            password,
            overrides: None,
            linked: None,
            disabled,
            expires_at,
            privileges,
            last_logon: None,
            max_sessions: None,
            ldap_owner: None,
            meta,
        } = user
        else {
            return None;
        };
        if !privileges.is_empty() {
            return None;
        }
        self.int(key.0);
        self.int(domain.0);
        self.bytes(id.as_bytes());
        self.option((folded != id).then_some(folded), |out, folded| {
            out.bytes(folded.as_bytes());
        });
        self.option(*org_unit, |out, unit| out.int(unit.0));
        self.option(password.as_ref(), Self::password);
        self.flag(*disabled);
        self.time(*expires_at);
        self.meta(*meta);
        Some(())
    }

    fn password(&mut self, password: &StoredPassword) {
        let StoredPassword {
            verifier,
            copy,
            history,
            set_at,
        } = password;
        self.bytes(&verifier.0);
        for sealed in [copy, history] {
            self.option(sealed.as_ref(), |out, sealed| out.bytes(&sealed.0));
        }
        self.int(set_at.0);
    }

    fn user_state(&mut self, state: &UserState) {
        let UserState {
            version,
            lock_count,
            locked,
            unlock_attempts_used,
            lock_duration_min,
            last_auth_at,
            last_auth_request_at,
            last_failure_at,
        } = *state;
        self.int(version);
        self.int(lock_count.into());
        self.option(locked, |out, reason| {
            out.flag(reason == LockReason::Administrator);
        });
        self.int(unlock_attempts_used.into());
        self.int(lock_duration_min.into());
        self.time(last_auth_at);
        self.time(last_auth_request_at);
        self.time(last_failure_at);
    }

    fn authenticator(&mut self, authenticator: &Authenticator) -> Option<()> {
        let Authenticator {
            key,
            serial,
            domain,
            org_unit,
            type_name,
            user,
            assigned_at,
            reserved,
            grace_end,
            expires_at,
            starts_at,
            disabled_at,
            description,
            backup_virtual: None,
            backup_until: None,
            backup_uses_left: None,
            applications,
            meta,
        } = authenticator
        else {
            return None;
        };
        self.int(key.0);
        self.bytes(serial.as_bytes());
        self.int(domain.0);
        self.option(*org_unit, |out, unit| out.int(unit.0));
        self.bytes(type_name.as_bytes());
        self.option(*user, |out, user| out.int(user.0));
        self.time(*assigned_at);
        self.flag(*reserved);
        self.day(*grace_end);
        self.day(*expires_at);
        self.time(*starts_at);
        self.time(*disabled_at);
        self.bytes(description.as_bytes());
        self.meta(*meta);
        self.number(applications.len());
        applications
            .iter()
            .try_for_each(|application| self.application(application))
    }

    fn application(&mut self, application: &Application) -> Option<()> {
        let Application {
            key,
            name,
            index,
            kind,
            active,
            secure_channel,
            host_code,
            confirm,
            algorithm,
            pin,
            secret,
            sealed_pin,
            state,
            meta,
        } = application;
        self.int(key.0);
        self.bytes(name.as_bytes());
        self.0.push(*index);
        let place = ApplicationKind::ALL
            .iter()
            .position(|(one, ..)| one == kind)?;
        self.number(place);
        for flag in [active, secure_channel, host_code, confirm] {
            self.flag(*flag);
        }
        self.algorithm(algorithm)?;
        let PinSettings {
            supported,
            enabled,
            change_allowed,
            min_length,
        } = *pin;
        for flag in [supported, enabled, change_allowed] {
            self.flag(flag);
        }
        self.0.push(min_length);
        self.bytes(&secret.0);
        self.option(sealed_pin.as_ref(), |out, pin| out.bytes(&pin.0));
        self.application_state(state);
        self.meta(*meta);
        Some(())
    }

    /// The suite of a challenge application is large: such accounts stay as they are.
    fn algorithm(&mut self, algorithm: &Algorithm) -> Option<()> {
        let (hash, digits, period) = match algorithm {
            Algorithm::Hotp { hash, digits } => (hash, digits, None),
            Algorithm::Totp {
                hash,
                digits,
                period,
            } => (hash, digits, Some(*period)),
            Algorithm::Ocra(_) => return None,
        };
        self.number(Hash::ALL.iter().position(|one| one == hash)?);
        self.0.push(*digits);
        self.option(period, |out, period| out.int(period.into()));
        Some(())
    }

    fn application_state(&mut self, state: &ApplicationState) {
        let ApplicationState {
            version,
            counter,
            drift,
            last_step,
            initial,
            restored,
            pin_change_forced,
            errors,
            signature_errors,
            last_success,
            challenges,
            checked_step,
            resync,
        } = *state;
        self.int(version);
        self.unsigned(counter);
        self.int(drift);
        self.option(last_step, Self::unsigned);
        self.flag(initial);
        self.flag(restored);
        self.flag(pin_change_forced);
        self.int(errors.into());
        self.int(signature_errors.into());
        self.time(last_success);
        self.int(challenges);
        self.option(checked_step, Self::unsigned);
        self.option(resync, |out, (moving, at)| {
            out.unsigned(moving);
            out.int(at.0);
        });
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn int(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.int().map(i64::cast_unsigned)
    }

    fn narrow<T: TryFrom<i64>>(&mut self) -> Option<T> {
        T::try_from(self.int()?).ok()
    }

    fn number(&mut self) -> Option<usize> {
        self.narrow()
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Some(None)
        }
    }

    fn time(&mut self) -> Option<Option<Timestamp>> {
        self.option(|from| from.int().map(Timestamp))
    }

    fn day(&mut self) -> Option<Option<Day>> {
        self.option(|from| from.narrow().map(Day))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn sealed(&mut self) -> Option<Sealed> {
        self.bytes().map(|bytes| Sealed(bytes.into()))
    }

    fn meta(&mut self) -> Option<Meta> {
        let created = self.int()?;
        Some(Meta {
            created: Timestamp(created),
            modified: Timestamp(self.int()?.wrapping_add(created)),
            record_version: self.narrow()?,
            revision: self.int()?,
        })
    }

    fn user(&mut self) -> Option<User> {
        let (key, domain, id) = (UserKey(self.int()?), DomainKey(self.int()?), self.text()?);
        Some(User {
            key,
            domain,
            folded: self.option(Self::text)?.unwrap_or_else(|| id.clone()),
            id,
            org_unit: self.option(|from| from.int().map(UnitKey))?,
            contact: None,
            password: self.option(Self::password)?,
            overrides: None,
            linked: None,
            disabled: self.flag()?,
            expires_at: self.time()?,
            privileges: BTreeSet::new(),
            last_logon: None,
            max_sessions: None,
            ldap_owner: None,
            meta: self.meta()?,
        })
    }

    fn password(&mut self) -> Option<StoredPassword> {
        Some(StoredPassword {
            verifier: self.sealed()?,
            copy: self.option(Self::sealed)?,
            history: self.option(Self::sealed)?,
            set_at: Timestamp(self.int()?),
        })
    }

    fn user_state(&mut self) -> Option<UserState> {
        let reason = |administrator: bool| {
            if administrator {
                LockReason::Administrator
            } else {
                LockReason::Failures
            }
        };
        Some(UserState {
            version: self.int()?,
            lock_count: self.narrow()?,
            locked: self.option(|from| from.flag().map(reason))?,
            unlock_attempts_used: self.narrow()?,
            lock_duration_min: self.narrow()?,
            last_auth_at: self.time()?,
            last_auth_request_at: self.time()?,
            last_failure_at: self.time()?,
        })
    }

    fn authenticator(&mut self) -> Option<Authenticator> {
        let mut authenticator = Authenticator {
            key: AuthenticatorKey(self.int()?),
            serial: self.text()?,
            domain: DomainKey(self.int()?),
            org_unit: self.option(|from| from.int().map(UnitKey))?,
            type_name: self.text()?,
            user: self.option(|from| from.int().map(UserKey))?,
            assigned_at: self.time()?,
            reserved: self.flag()?,
            grace_end: self.day()?,
            expires_at: self.day()?,
            starts_at: self.time()?,
            disabled_at: self.time()?,
            description: self.text()?,
            backup_virtual: None,
            backup_until: None,
            backup_uses_left: None,
            applications: Vec::new(),
            meta: self.meta()?,
        };
        let count = self.number()?;
        authenticator.applications.reserve_exact(count);
        for _ in 0..count {
            authenticator.applications.push(self.application()?);
        }
        Some(authenticator)
    }

    fn application(&mut self) -> Option<Application> {
        Some(Application {
            key: ApplicationKey(self.int()?),
            name: self.text()?,
            index: self.byte()?,
            kind: ApplicationKind::ALL.get(self.number()?)?.0,
            active: self.flag()?,
            secure_channel: self.flag()?,
            host_code: self.flag()?,
            confirm: self.flag()?,
            algorithm: self.algorithm()?,
            pin: PinSettings {
                supported: self.flag()?,
                enabled: self.flag()?,
                change_allowed: self.flag()?,
                min_length: self.byte()?,
            },
            secret: self.sealed()?,
            sealed_pin: self.option(Self::sealed)?,
            state: self.application_state()?,
            meta: self.meta()?,
        })
    }

    fn algorithm(&mut self) -> Option<Algorithm> {
        let (hash, digits) = (*Hash::ALL.get(self.number()?)?, self.byte()?);
        Some(match self.option(Self::narrow)? {
            None => Algorithm::Hotp { hash, digits },
            Some(period) => Algorithm::Totp {
                hash,
                digits,
                period,
            },
        })
    }

    fn application_state(&mut self) -> Option<ApplicationState> {
        Some(ApplicationState {
            version: self.int()?,
            counter: self.unsigned()?,
            drift: self.int()?,
            last_step: self.option(Self::unsigned)?,
            initial: self.flag()?,
            restored: self.flag()?,
            pin_change_forced: self.flag()?,
            errors: self.narrow()?,
            signature_errors: self.narrow()?,
            last_success: self.time()?,
            challenges: self.int()?,
            checked_step: self.option(Self::unsigned)?,
            resync: self.option(|from| Some((from.unsigned()?, Timestamp(from.int()?))))?,
        })
    }
}

#[cfg(test)]
mod tests;
