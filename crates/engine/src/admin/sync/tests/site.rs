//! A store of accounts that keeps the guards, and the loop around the decisions.

use super::directory::{Person, entries};
use crate::admin::sync::*;
use crate::admin::tests::world::{NOW, World, device, hotp};
use crate::admin::{Put, Write};
use crate::audit::{Code, Record};
use crate::decision::Change;
use crate::facts::Account;
use crate::model::*;
use std::sync::Arc;

pub(super) struct Site {
    world: World,
    pub(super) profile: SyncProfile,
    pub(super) source: BackEnd,
    pub(super) accounts: Vec<Account>,
    pub(super) devices: Vec<Authenticator>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) sessions_ended: Vec<UserKey>,
    pub(super) confirmed: bool,
    pub(super) page: usize,
    next: i64,
}

/// What a run told.
pub(super) struct Told {
    pub(super) rows: Vec<Row>,
    pub(super) tally: Tally,
    pub(super) stopped: Option<Refusal>,
    pub(super) records: Vec<Record>,
    pub(super) warnings_on_record: usize,
    pub(super) changes: usize,
}

pub(super) fn options() -> SyncOptions {
    SyncOptions {
        create: true,
        enable_created: true,
        update: true,
        gone: SyncGone::Keep,
        create_units: true,
        move_accounts: true,
    }
}

fn directory(profile: Profile) -> Directory {
    Directory {
        base_dn: "dc=example,dc=org".into(),
        bind_dn: None,
        bind_password: None,
        tls: Tls::default(),
        ca: None,
        user_filter: None,
        user_id_attribute: None,
        object_class: None,
        global_catalog: None,
        profile,
    }
}

fn source(protocol: Protocol) -> BackEnd {
    BackEnd {
        key: BackEndKey(1),
        name: "corp".into(),
        domain: None,
        priority: 100,
        enabled: true,
        address: "ldap.example.org".into(),
        port: None,
        timeout_s: 5,
        retries: 0,
        protocol,
        map: AttributeMap::default(),
        meta: Meta::default(),
    }
}

pub(super) fn active_directory() -> BackEnd {
    source(Protocol::ActiveDirectory(directory(Profile::OpenLdap)))
}

impl Site {
    pub(super) fn new(options: SyncOptions) -> Self {
        let world = World::new();
        let profile = SyncProfile {
            key: 5,
            name: "people".into(),
            enabled: true,
            source: BackEndKey(1),
            base: None,
            scope: SyncScope::Subtree,
            filter: None,
            domain: DomainKey(1),
            org_unit: None,
            successor: None,
            mapping: SyncMapping::default(),
            options,
            max_delete_percent: 10,
            meta: Meta::default(),
        };
        Self {
            accounts: world.accounts.clone(),
            world,
            profile,
            source: source(Protocol::Ldap(directory(Profile::OpenLdap))),
            devices: Vec::new(),
            unreadable: Vec::new(),
            sessions_ended: Vec::new(),
            confirmed: false,
            page: 2,
            next: 1000,
        }
    }

    /// Another profile that is there.
    pub(super) fn other_profile(&mut self, key: i64) {
        let other = SyncProfile {
            key,
            ..self.profile.clone()
        };
        self.world.snapshot.sync_profiles.push(Arc::new(other));
    }

    pub(super) fn find(&self, id: &str) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|one| one.user.folded == id && one.user.domain == DomainKey(1))
    }

    pub(super) fn account(&self, id: &str) -> &Account {
        self.find(id).unwrap_or_else(|| panic!("there is no {id}"))
    }

    pub(super) fn account_mut(&mut self, id: &str) -> &mut Account {
        self.accounts
            .iter_mut()
            .find(|one| one.user.folded == id)
            .unwrap()
    }

    pub(super) fn assign(&mut self, id: &str, serial: &str) {
        let user = self.account(id).user.clone();
        let mut one = device(self.next, serial, Some(user.key.0), hotp());
        one.org_unit = user.org_unit;
        self.next += 1;
        self.devices.push(one);
        self.settle();
    }

    fn settle(&mut self) {
        for account in &mut self.accounts {
            account.authenticators = self
                .devices
                .iter()
                .filter(|one| one.user == Some(account.user.key))
                .cloned()
                .collect();
        }
    }

    /// A run must find nothing, and no revision must rise.
    pub(super) fn changes_nothing(&mut self, people: &[Person]) {
        let before = format!("{:?}", self.accounts);
        let told = self.run(people);
        assert_eq!(
            (
                told.changes,
                told.acts().iter().filter(|act| !act.ends_with(' ')).count()
            ),
            (0, 0),
            "{:?}",
            told.rows
        );
        assert_eq!(before, format!("{:?}", self.accounts));
    }

    pub(super) fn run(&mut self, people: &[Person]) -> Told {
        let names = Names::new(&self.profile, &self.source).unwrap();
        let mapped: Vec<Mapped> = entries(people)
            .iter()
            .map(|entry| names.map(entry))
            .collect();
        let mut course = Course::default();
        let mut told = Told {
            rows: Vec::new(),
            tally: Tally::default(),
            stopped: None,
            records: Vec::new(),
            warnings_on_record: 0,
            changes: 0,
        };
        for page in mapped.chunks(self.page) {
            course.read(page);
            self.batch(&mut course, &names, page, &mut told);
        }
        loop {
            match course.advance() {
                Next::Entries(entries) => {
                    for page in entries.chunks(self.page) {
                        self.batch(&mut course, &names, page, &mut told);
                    }
                }
                Next::Gone => self.gone(&mut course, &names, &mut told),
                Next::End => break,
            }
        }
        told.tally = *course.tally();
        told
    }

    fn gone(&mut self, course: &mut Course, names: &Names, told: &mut Told) {
        let owned: Vec<Owned> = self
            .accounts
            .iter()
            .filter_map(|one| {
                let owner = one.user.ldap_owner.as_deref()?;
                (owner.profile == self.profile.key).then(|| Owned {
                    key: one.user.key,
                    entry: owner.entry.clone(),
                    disabled: one.user.disabled,
                })
            })
            .collect();
        let keys = match course.gone(&self.profile, &owned, self.confirmed) {
            Ok(keys) => keys,
            Err(refusal) => {
                told.stopped = Some(refusal);
                return;
            }
        };
        let facts = self.facts(|one| keys.contains(&one.user.key));
        let decided = gone(&self.ordered(course, names), &facts, course.warnings_left());
        self.take(course, &[], decided, told);
    }

    fn ordered<'a>(&'a self, course: &Course, names: &'a Names) -> Run<'a> {
        Run {
            caller: &self.world.caller,
            at: NOW,
            snapshot: &self.world.snapshot,
            profile: &self.profile,
            names,
            place: course.place(),
        }
    }

    fn facts(&self, wanted: impl Fn(&Account) -> bool) -> Facts {
        let accounts = self.accounts.iter().filter(|one| wanted(one));
        Facts {
            accounts: accounts.map(|one| Arc::new(one.clone())).collect(),
            unreadable: self.unreadable.clone(),
            lenders: self
                .accounts
                .iter()
                .filter_map(|one| one.user.linked)
                .collect(),
        }
    }

    fn batch(&mut self, course: &mut Course, names: &Names, page: &[Mapped], told: &mut Told) {
        let run = self.ordered(course, names);
        let needs = needs(&run, page);
        let facts = self.facts(|one| {
            let owned = one.user.ldap_owner.as_ref().is_some_and(|owner| {
                owner.profile == needs.profile && needs.entries.contains(&owner.entry)
            });
            owned || (one.user.domain == needs.domain && needs.names.contains(&one.user.folded))
        });
        let decided = decide(
            &run,
            course.phase(),
            course.seen(),
            page,
            &facts,
            course.warnings_left(),
        );
        self.take(course, page, decided, told);
    }

    fn take(&mut self, course: &mut Course, page: &[Mapped], decided: Decided, told: &mut Told) {
        told.changes += decided.changes.len();
        let writes = decided.changes.iter().map(|change| match change {
            Change::Write(write) => write.clone(),
            other => panic!("{other:?}"),
        });
        for write in writes.collect::<Vec<_>>() {
            self.apply(write);
        }
        self.place();
        self.settle();
        told.warnings_on_record += decided
            .records
            .iter()
            .filter(|record| record.code == Code::USER_NOT_SYNCHRONISED)
            .count();
        told.records.extend(decided.records.iter().cloned());
        told.rows.extend(course.done(page, decided));
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::User(put) => self.put_user(*put),
            Write::Unit(put) => {
                let unit = put.record;
                assert!(unit.key.0 < 0);
                self.world.snapshot.units.insert(unit.key, unit);
            }
            Write::Authenticator(put) => {
                let own = self
                    .devices
                    .iter_mut()
                    .find(|one| one.key == put.record.key)
                    .unwrap();
                assert_eq!(Some(own.meta.revision), put.guard);
                *own = put.record;
                own.meta.revision += 1;
            }
            Write::RemoveSessionsOf(user) => self.sessions_ended.push(user),
            Write::RemoveUser(key, revision) => {
                let before = self.accounts.len();
                self.accounts
                    .retain(|one| one.user.key != key || one.user.meta.revision != revision);
                assert_eq!(self.accounts.len() + 1, before);
            }
            Write::Attribute(key, attribute) => {
                let own = &mut self.by_key(key).attributes;
                own.retain(|one| {
                    (&one.group, &one.name, one.index)
                        != (&attribute.group, &attribute.name, attribute.index)
                });
                own.push(attribute);
                own.sort_by(|a, b| (&a.group, &a.name, a.index).cmp(&(&b.group, &b.name, b.index)));
            }
            Write::RemoveAttribute(key, group, name, index) => {
                let own = &mut self.by_key(key).attributes;
                own.retain(|one| (&one.group, &one.name, one.index) != (&group, &name, index));
            }
            other => panic!("{other:?}"),
        }
    }

    fn by_key(&mut self, key: UserKey) -> &mut Account {
        self.accounts
            .iter_mut()
            .find(|one| one.user.key == key)
            .unwrap()
    }

    fn put_user(&mut self, put: Put<User>) {
        let mut user = put.record;
        let taken = self.accounts.iter().any(|one| {
            one.user.key != user.key
                && one.user.domain == user.domain
                && one.user.folded == user.folded
        });
        assert!(!taken, "{} is there twice", user.folded);
        match put.guard {
            None => {
                assert!(user.key.0 < 0 && user.privileges.is_empty());
                user.meta.revision = 1;
                let (key, state) = (user.key, UserState::default());
                self.accounts.push(Account {
                    user,
                    state,
                    authenticators: Vec::new(),
                    attributes: Vec::new(),
                    owner: key,
                });
            }
            Some(revision) => {
                let own = self.by_key(user.key);
                assert_eq!(own.user.meta.revision, revision);
                assert_eq!(user.meta.revision, revision + 1);
                assert!(own.user.privileges.is_empty());
                own.user = user;
            }
        }
    }

    /// Gives place holders their numbers.
    fn place(&mut self) {
        let held: Vec<UnitKey> = self
            .world
            .snapshot
            .units
            .keys()
            .copied()
            .filter(|key| key.0 < 0)
            .collect();
        for held in held {
            self.next += 1;
            let key = UnitKey(self.next);
            let mut unit = self.world.snapshot.units.remove(&held).unwrap();
            unit.key = key;
            self.world.snapshot.units.insert(key, unit);
            for account in &mut self.accounts {
                if account.user.org_unit == Some(held) {
                    account.user.org_unit = Some(key);
                }
            }
            for one in self
                .devices
                .iter_mut()
                .filter(|one| one.org_unit == Some(held))
            {
                one.org_unit = Some(key);
            }
        }
        for account in self.accounts.iter_mut().filter(|one| one.user.key.0 < 0) {
            self.next += 1;
            account.user.key = UserKey(self.next);
            account.owner = account.user.key;
        }
    }
}

impl Told {
    pub(super) fn acts(&self) -> Vec<String> {
        self.rows
            .iter()
            .map(|row| {
                let acts: Vec<&str> = row.acts.iter().map(|act| act.word()).collect();
                format!("{} {}", row.user, acts.join("+"))
            })
            .collect()
    }

    pub(super) fn statuses(&self) -> Vec<i16> {
        self.rows
            .iter()
            .map(|row| {
                row.refused
                    .as_ref()
                    .map_or(0, |(status, _)| status.number())
            })
            .collect()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        let of = |record: &Record| {
            let command = record.command.as_deref().unwrap_or_default();
            format!(
                "{command} {}",
                record.target_user.as_deref().unwrap_or_default()
            )
        };
        self.records.iter().map(of).collect()
    }
}
