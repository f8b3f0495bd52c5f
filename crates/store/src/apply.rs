//! One work inside the transaction of a batch.

mod back_end;
mod put;
mod sync;
mod write;

use crate::StoreError;
use crate::numbers::Numbers;
use crate::ring::seal;
use crate::rows::{application, authenticator, challenge, user, version};
use crate::sql::Tx;
use crate::sqlite::TAKEN;
use countersign_engine::Secret;
use countersign_engine::admin::Write;
use countersign_engine::decision::{Change, KeptAnswer, NewPassword};
use countersign_engine::facts::Place;
use countersign_engine::model::{
    ApplicationKey, ApplicationState, AuthenticatorKey, Sealed, StoredPassword, UserKey, UserState,
};
use countersign_engine::time::Timestamp;
use countersign_keyring::Keyring;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Why a work was not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A guard did not hold.
    Conflict,
    /// This work cannot be done, the others can.
    Refused(StoreError),
    /// The database failed: nothing of the batch can be done.
    Broken(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotHeld => Self::Conflict,
            StoreError::Refused(reason) if reason == TAKEN => Self::Conflict,
            StoreError::Refused(_)
            | StoreError::Corrupt(_)
            | StoreError::Sealing(_)
            | StoreError::Audit(_) => Self::Refused(error),
            StoreError::Busy
            | StoreError::Contended
            | StoreError::Unreachable(_)
            | StoreError::Unknown(_)
            | StoreError::Lost
            | StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Disk(_)
            | StoreError::Crowded
            | StoreError::Closed => Self::Broken(error),
        }
    }
}

/// What a work changes outside the database once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) touched: Vec<Touch>,
    /// The configuration changed.
    pub(crate) configuration: bool,
    /// The key ring changed.
    pub(crate) keys: bool,
    /// Challenges more (or less) than before.
    pub(crate) challenges: i64,
}

/// An account in memory that changes.
#[derive(Debug)]
pub(crate) enum Touch {
    Application(ApplicationKey, i64, ApplicationState),
    User(UserKey, i64, UserState),
    Evict(UserKey),
    EvictApplication(ApplicationKey),
}

impl Effects {
    pub(crate) fn add(&mut self, other: Self) {
        self.touched.extend(other.touched);
        self.configuration |= other.configuration;
        self.keys |= other.keys;
        self.challenges += other.challenges;
    }
}

/// The changes of one work.
pub(crate) struct Applying<'a> {
    tx: Tx<'a>,
    ring: &'a Keyring,
    now: Timestamp,
    numbers: &'a mut Numbers,
    effects: Effects,
    /// The formats that are written, once they are known.
    written: Option<BTreeMap<String, u32>>,
    /// Numbers given to place holders, by table.
    placed: HashMap<(&'static str, i64), i64>,
    /// Accounts and authenticators whose versions rise when all guards have held.
    raise: BTreeSet<UserKey>,
    raise_authenticators: BTreeSet<AuthenticatorKey>,
    /// Records made by this work, which nobody has decided on yet; authenticators with their owners.
    new_users: HashSet<UserKey>,
    new_authenticators: HashMap<AuthenticatorKey, Option<UserKey>>,
    /// Rows that what is written stands on, and that nobody removes meanwhile.
    kept: HashSet<(&'static str, i64)>,
}

/// Makes the changes of a work; what was written before an error is for the caller to undo.
pub(crate) fn apply(
    tx: Tx<'_>,
    ring: &Keyring,
    now: Timestamp,
    numbers: &mut Numbers,
    changes: &[Change],
) -> Result<Effects, Stop> {
    let mut applying = Applying {
        tx,
        ring,
        now,
        numbers,
        effects: Effects::default(),
        written: None,
        placed: HashMap::new(),
        raise: BTreeSet::new(),
        raise_authenticators: BTreeSet::new(),
        new_users: HashSet::new(),
        new_authenticators: HashMap::new(),
        kept: HashSet::new(),
    };
    for turn in TURNS {
        for change in changes.iter().filter(|change| turn_of(change) == turn) {
            applying.change(change)?;
        }
    }
    applying.raise_versions()?;
    for change in changes {
        if let Change::Write(Write::Within(bounds)) = change {
            applying.within(bounds)?;
        }
    }
    tx.settle()?;
    Ok(applying.effects)
}

/// When a change of a work is made.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    /// Moving states: records written later raise the very versions that were decided on.
    States,
    /// Records, each guarded by the revision it was decided on.
    Records,
    /// What else changes in these records, which raises their revisions; states of accounts that this work makes, too.
    Rest,
}

const TURNS: [Turn; 3] = [Turn::States, Turn::Records, Turn::Rest];

fn turn_of(change: &Change) -> Turn {
    match change {
        Change::User { key, .. } if key.0 < 0 => Turn::Rest,
        Change::Application { .. }
        | Change::User { .. }
        | Change::Write(Write::UserState(..) | Write::ApplicationState(..)) => Turn::States,
        Change::Write(_) => Turn::Records,
        _ => Turn::Rest,
    }
}

impl Applying<'_> {
    fn change(&mut self, change: &Change) -> Result<(), Stop> {
        match change {
            Change::Application { key, guard, to } => self.application_state(*key, *guard, to),
            Change::User { key, guard, to } => self.user_state(*key, *guard, to),
            Change::Pin { key, pin } => self.pin(*key, pin),
            Change::Password { key, password } => self.password(*key, password),
            Change::EndGrace { key, day } => {
                authenticator::end_grace(self.tx, *key, *day, self.now)?;
                self.touch_authenticator(*key)
            }
            Change::PutChallenge(new) => {
                self.effects.challenges += 1;
                let gone = challenge::put(self.tx, new)?;
                self.fewer_challenges(gone);
                Ok(())
            }
            Change::TakeChallenge { key, guard } => {
                self.fewer_challenges(1);
                Ok(challenge::take(self.tx, *key, *guard)?)
            }
            Change::WrongAnswer { key, guard } => Ok(challenge::wrong(self.tx, *key, *guard)?),
            Change::KeepAnswer(answer) => self.keep(answer),
            Change::Write(write) => self.write(write),
        }
    }

    fn fewer_challenges(&mut self, count: usize) {
        self.effects.challenges -= i64::try_from(count).unwrap_or(0);
    }

    fn application_state(
        &mut self,
        key: ApplicationKey,
        guard: i64,
        to: &ApplicationState,
    ) -> Result<(), Stop> {
        self.effects
            .touched
            .push(Touch::Application(key, guard, *to));
        Ok(application::set_state(self.tx, key, guard, to)?)
    }

    fn user_state(&mut self, key: UserKey, guard: i64, to: &UserState) -> Result<(), Stop> {
        let key = UserKey(self.placed(user::TABLE, key.0)?);
        user::set_state(self.tx, key, guard, to)?;
        // A plain logon guards only its application, so a lock must be seen there too.
        if to.locked.is_some() {
            return self.touch_user(key);
        }
        self.effects.touched.push(Touch::User(key, guard, *to));
        Ok(())
    }

    fn pin(&mut self, key: ApplicationKey, pin: &Secret) -> Result<(), Stop> {
        let (authenticator, version) =
            application::authenticator(self.tx, key)?.ok_or(Stop::Conflict)?;
        let sealed = self.seal(application::TABLE, key.0, "pin", version, pin)?;
        application::set_pin(self.tx, key, &sealed, self.now)?;
        self.touch_authenticator(authenticator)
    }

    fn password(&mut self, key: UserKey, new: &NewPassword) -> Result<(), Stop> {
        let key = UserKey(self.placed(user::TABLE, key.0)?);
        let version = user::record_version(self.tx, key)?.ok_or(Stop::Conflict)?;
        let history = (!new.history.is_empty())
            .then(|| history_json(&new.history))
            .transpose()?;
        let mut seal = |field, plain: &Secret| self.seal(user::TABLE, key.0, field, version, plain);
        let stored = StoredPassword {
            verifier: seal("password", &new.verifier)?,
            copy: new
                .copy
                .as_ref()
                .map(|copy| seal("password_copy", copy))
                .transpose()?,
            history: history
                .as_ref()
                .map(|history| seal("password_history", history))
                .transpose()?,
            set_at: new.set_at,
        };
        user::set_password(self.tx, key, &stored, self.now)?;
        self.touch_user(key)
    }

    fn keep(&mut self, answer: &KeptAnswer) -> Result<(), Stop> {
        let key = self.numbers.next(self.tx, KEPT_ANSWER)?;
        let sealed = self.seal(
            KEPT_ANSWER,
            key,
            "answer",
            version::KEPT_ANSWER,
            &answer.answer,
        )?;
        Ok(challenge::keep(self.tx, key, answer, &sealed.0, self.now)?)
    }

    fn seal(
        &mut self,
        table: &'static str,
        id: i64,
        field: &'static str,
        version: u32,
        plain: &Secret,
    ) -> Result<Sealed, Stop> {
        Ok(seal(
            self.ring,
            Place {
                table,
                id,
                field,
                version,
            },
            plain,
        )?)
    }

    /// The account changes: every version it is guarded by rises, and memory forgets it.
    fn touch_user(&mut self, key: UserKey) -> Result<(), Stop> {
        if self.new_users.contains(&key) {
            return Ok(());
        }
        let linked = user::linked(self.tx, key)?;
        self.effects
            .touched
            .extend([Some(key), linked].into_iter().flatten().map(Touch::Evict));
        self.raise.insert(key);
        Ok(())
    }

    fn touch_authenticator(&mut self, key: AuthenticatorKey) -> Result<(), Stop> {
        if let Some(owner) = self.new_authenticators.get(&key) {
            return owner.map_or(Ok(()), |owner| self.touch_user(owner));
        }
        self.raise_authenticators.insert(key);
        authenticator::owner(self.tx, key)?.map_or(Ok(()), |owner| self.touch_user(owner))
    }

    fn raise_versions(&self) -> Result<(), Stop> {
        for key in &self.raise_authenticators {
            authenticator::raise_versions(self.tx, *key)?;
        }
        for key in &self.raise {
            user::raise_versions(self.tx, *key)?;
        }
        Ok(())
    }
}

/// Table of kept answers.
pub(crate) const KEPT_ANSWER: &str = "kept_answer";

fn held(guard: bool) -> Result<(), Stop> {
    if guard { Ok(()) } else { Err(Stop::Conflict) }
}

/// Earlier verifiers as the JSON array that is sealed.
fn history_json(verifiers: &[Secret]) -> Result<Secret, StoreError> {
    let texts: Option<Vec<&str>> = verifiers
        .iter()
        .map(|verifier| std::str::from_utf8(verifier.expose()).ok())
        .collect();
    let texts =
        texts.ok_or_else(|| StoreError::Refused("a password verifier is no text".to_owned()))?;
    serde_json::to_vec(&texts)
        .map(Secret::new)
        .map_err(|error| StoreError::Refused(error.to_string()))
}
