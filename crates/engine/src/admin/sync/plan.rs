//! What becomes of each entry among the accounts that are there.

use super::apply::{Units, cased};
use super::row::{of_change, of_warning};
use super::{Act, Mapped, Row, Run, apply};
use crate::Status;
use crate::admin::{Put, Write};
use crate::audit::Record;
use crate::decision::Change;
use crate::facts::Account;
use crate::model::{DomainKey, LdapOwner, UserKey};
use crate::text::fold;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The accounts that entries can concern: owned by the profile for one of these entries, or of one of these user IDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The profile.
    pub profile: i64,
    /// Identities of entries.
    pub entries: Vec<String>,
    /// The domain of the user IDs.
    pub domain: DomainKey,
    /// Folded user IDs.
    pub names: Vec<String>,
}

/// The accounts that were found.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Those that can be read, each with the authenticators it owns.
    pub accounts: Vec<Arc<Account>>,
    /// Those that cannot.
    pub unreadable: Vec<Unreadable>,
    /// Those whose authenticators others use.
    pub lenders: BTreeSet<UserKey>,
}

/// An account whose record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its domain.
    pub domain: DomainKey,
    /// Its folded user ID.
    pub folded: String,
    /// Its owner: profile and entry.
    pub owner: Option<(i64, String)>,
    /// 1123 or 1124.
    pub status: Status,
    /// Which record.
    pub which: String,
}

/// The entries that were read in a run.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashSet<[u8; 16]>);

impl Seen {
    /// Notes an entry.
    pub fn add(&mut self, entry: &str) {
        self.0.insert(short(entry));
    }

    /// Whether it was read.
    pub fn has(&self, entry: &str) -> bool {
        self.0.contains(&short(entry))
    }
}

fn short(entry: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short
        .iter_mut()
        .zip(Sha256::digest(entry))
        .for_each(|(to, from)| *to = from);
    short
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Entries are still to come.
    Reading,
    /// All entries are known; those that waited are decided again.
    Settling,
    /// Nothing moves any more: what waits is told now.
    Last,
}

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This.
    Row(Row),
    /// It depends on another entry; this is what is told if nothing changes that.
    Later(Row),
}

/// What becomes of entries.
#[derive(Debug, Default)]
pub struct Decided {
    /// In the order of the entries.
    pub verdicts: Vec<Verdict>,
    /// What changes.
    pub changes: Vec<Change>,
    /// The records of the changes and warnings.
    pub records: Vec<Record>,
    /// Units that are made.
    pub units: u64,
}

/// What must be loaded for entries.
pub fn needs(run: &Run<'_>, entries: &[Mapped]) -> Needs {
    let names = entries.iter().filter_map(|entry| entry.user.as_deref());
    Needs {
        profile: run.profile.key,
        entries: entries.iter().map(|entry| entry.entry.clone()).collect(),
        domain: run.profile.domain,
        names: names.map(fold).collect(),
    }
}

/// Decides entries: each by itself, those before it taken into account. `warn`: how many warnings may still be put
/// on record.
pub fn decide(
    run: &Run<'_>,
    phase: Phase,
    seen: &Seen,
    entries: &[Mapped],
    facts: &Facts,
    warn: u64,
) -> Decided {
    let mut batch = Batch::new(run, phase, seen, facts);
    let verdicts: Vec<Verdict> = entries.iter().map(|entry| batch.entry(entry)).collect();
    let rows = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Row(row) => Some(row),
        Verdict::Later(_) => None,
    });
    let mut records = batch.records;
    let mut place = run.place + records.len() as u64;
    let mut left = warn;
    for row in rows.filter(|row| row.refused.is_some() || !row.warnings.is_empty()) {
        if left == 0 {
            break;
        }
        (left, place) = (left - 1, place + 1);
        records.extend(of_warning(run, place, row));
    }
    let units = batch.units.new.len() as u64;
    let mut changes = batch.units.writes();
    changes.extend(batch.changes);
    Decided {
        verdicts,
        changes,
        records,
        units,
    }
}

struct Batch<'a> {
    run: &'a Run<'a>,
    phase: Phase,
    seen: &'a Seen,
    by_entry: HashMap<&'a str, &'a Arc<Account>>,
    by_name: HashMap<(DomainKey, &'a str), &'a Arc<Account>>,
    unreadable: &'a [Unreadable],
    /// Accounts and user IDs that an entry of this batch has changed.
    touched: HashSet<UserKey>,
    taken: HashSet<String>,
    units: Units,
    made: i64,
    changes: Vec<Change>,
    records: Vec<Record>,
}

impl<'a> Batch<'a> {
    fn new(run: &'a Run<'a>, phase: Phase, seen: &'a Seen, facts: &'a Facts) -> Self {
        let mut batch = Self {
            run,
            phase,
            seen,
            by_entry: HashMap::new(),
            by_name: HashMap::new(),
            unreadable: &facts.unreadable,
            touched: HashSet::new(),
            taken: HashSet::new(),
            units: Units::default(),
            made: 0,
            changes: Vec::new(),
            records: Vec::new(),
        };
        for account in &facts.accounts {
            let user = &account.user;
            if let Some(owner) = owner(account).filter(|owner| owner.profile == run.profile.key) {
                batch.by_entry.insert(&owner.entry, account);
            }
            batch.by_name.insert((user.domain, &user.folded), account);
        }
        batch
    }

    fn entry(&mut self, entry: &Mapped) -> Verdict {
        let mut row = Row {
            dn: entry.dn.clone(),
            ..Row::default()
        };
        let Some(user) = &entry.user else {
            row.user = String::new();
            return told(row, Status::USER_SYNC_FAILED, entry.warnings.join("; "));
        };
        let id = cased(self.run.snapshot, user);
        row.user.clone_from(&id);
        row.warnings.clone_from(&entry.warnings);
        let folded = fold(&id);
        if let Some(account) = self.by_entry.get(entry.entry.as_str()).copied() {
            return self.owned(entry, account, &id, &folded, row);
        }
        if let Some(one) = self.unreadable(&entry.entry, &folded) {
            return told(row, one.status, one.which.clone());
        }
        if self.taken.contains(&folded) {
            return later(row, "another entry has the same user ID");
        }
        match self.named(&folded) {
            Some(account) => self.known(entry, account, &id, &folded, row),
            None => self.unknown(entry, &id, folded, row),
        }
    }

    /// An entry whose account is known by its mark.
    fn owned(
        &mut self,
        entry: &Mapped,
        account: &Account,
        id: &str,
        folded: &str,
        mut row: Row,
    ) -> Verdict {
        if self.touched.contains(&account.user.key) {
            return later(row, "another entry concerns the same account");
        }
        if !account.user.privileges.is_empty() {
            return told(row, Status::USER_SYNC_FAILED, ADMINISTRATOR);
        }
        let target = self.run.profile.domain;
        let stays = account.user.folded == folded && account.user.domain == target;
        let mut rename = true;
        if !stays && self.run.profile.options.move_accounts {
            match self.obstacle(account, folded) {
                Obstacle::None => {}
                Obstacle::Passing(why) if self.phase != Phase::Last => return later(row, &why),
                Obstacle::Passing(why) | Obstacle::Standing(why) => {
                    row.warnings
                        .push(format!("{why}; the account is not renamed"));
                    rename = false;
                }
            }
        }
        self.change(entry, account, id, rename, false, row)
    }

    /// Who has the user ID that an account is to get.
    fn obstacle(&self, account: &Account, folded: &str) -> Obstacle {
        if self.taken.contains(folded) {
            return Obstacle::Passing("another entry has the same user ID".to_owned());
        }
        if let Some(one) = self.unreadable("", folded) {
            return Obstacle::Standing(one.which.clone());
        }
        match self.named(folded) {
            Some(other) if other.user.key != account.user.key => {
                let own = |owner: &&LdapOwner| owner.profile == self.run.profile.key;
                match owner(other).filter(own) {
                    Some(owner) => Obstacle::Passing(format!(
                        "the user ID is that of the account of {}",
                        owner.dn
                    )),
                    None => Obstacle::Standing(
                        "the user ID is that of an account that the profile does not own"
                            .to_owned(),
                    ),
                }
            }
            _ => Obstacle::None,
        }
    }

    /// An entry without an account of its own, whose user ID an account has.
    fn known(
        &mut self,
        entry: &Mapped,
        account: &Account,
        id: &str,
        folded: &str,
        row: Row,
    ) -> Verdict {
        if !account.user.privileges.is_empty() {
            return told(row, Status::USER_SYNC_FAILED, ADMINISTRATOR);
        }
        match owner(account) {
            Some(owner) if self.is_anothers(owner) => {
                return told(
                    row,
                    Status::EXISTS,
                    format!(
                        "the account is owned by another synchronisation profile, for {}",
                        owner.dn
                    ),
                );
            }
            Some(owner)
                if owner.profile == self.run.profile.key
                    && (self.phase == Phase::Reading
                        || self.seen.has(&owner.entry)
                        || !self.run.profile.options.update) =>
            {
                let why = format!("the user ID is that of the account of {}", owner.dn);
                return later(row, &why);
            }
            _ => {}
        }
        if self.touched.contains(&account.user.key) {
            return later(row, "another entry concerns the same account");
        }
        if !self.run.profile.options.update {
            let why = "an account of this user ID exists; with update it would be taken over";
            return told(row, Status::EXISTS, why);
        }
        let rename = account.user.folded == folded;
        self.change(entry, account, id, rename, true, row)
    }

    fn unknown(&mut self, entry: &Mapped, id: &str, folded: String, mut row: Row) -> Verdict {
        if !self.run.profile.options.create {
            row.warnings.clear();
            return Verdict::Row(row);
        }
        self.made += 1;
        let key = UserKey(-self.made);
        let made = apply::created(self.run, &mut self.units, entry, id, key, &mut row);
        row.acts.push(Act::Created);
        self.changes
            .push(Change::Write(Write::User(Box::new(Put::new(made.user)))));
        self.changes
            .extend(made.attributes.into_iter().map(Change::Write));
        self.taken.insert(folded);
        self.tell(id, self.run.profile.domain, &row);
        Verdict::Row(row)
    }

    fn change(
        &mut self,
        entry: &Mapped,
        account: &Account,
        id: &str,
        rename: bool,
        take: bool,
        mut row: Row,
    ) -> Verdict {
        let id = rename.then_some(id);
        let writes = apply::changed(
            self.run,
            &mut self.units,
            entry,
            account,
            id,
            take,
            &mut row,
        );
        if writes.is_empty() {
            return Verdict::Row(row);
        }
        self.touched.insert(account.user.key);
        if let Some(id) = id {
            self.taken.insert(fold(id));
        }
        self.changes.extend(writes.into_iter().map(Change::Write));
        self.tell(&account.user.id, account.user.domain, &row);
        Verdict::Row(row)
    }

    /// Leaves the records of the commands that would have done the same.
    fn tell(&mut self, user: &str, domain: DomainKey, row: &Row) {
        let domain = self.run.snapshot.domains.name(domain);
        for (verb, input) in commands(user, domain, row) {
            let place = self.run.place + self.records.len() as u64 + 1;
            self.records.extend(of_change(self.run, place, verb, input));
        }
    }

    /// Whether a mark is that of another profile that is still there.
    fn is_anothers(&self, owner: &LdapOwner) -> bool {
        let profiles = &self.run.snapshot.sync_profiles;
        owner.profile != self.run.profile.key
            && profiles.iter().any(|profile| profile.key == owner.profile)
    }

    fn named(&self, folded: &str) -> Option<&'a Arc<Account>> {
        self.by_name
            .get(&(self.run.profile.domain, folded))
            .copied()
    }

    fn unreadable(&self, entry: &str, folded: &str) -> Option<&'a Unreadable> {
        self.unreadable.iter().find(|one| {
            let owned = one
                .owner
                .as_ref()
                .is_some_and(|(profile, own)| *profile == self.run.profile.key && own == entry);
            owned || (one.domain == self.run.profile.domain && one.folded == folded)
        })
    }
}

enum Obstacle {
    None,
    /// Another entry of the profile has it, which may change.
    Passing(String),
    Standing(String),
}

pub(super) const ADMINISTRATOR: &str =
    "the account has administrative privileges; synchronisation leaves it alone";

pub(super) fn owner(account: &Account) -> Option<&LdapOwner> {
    account.user.ldap_owner.as_deref()
}

fn told(mut row: Row, status: Status, why: impl Into<String>) -> Verdict {
    row.warnings.clear();
    row.refused = Some((status, why.into()));
    Verdict::Row(row)
}

fn later(mut row: Row, why: &str) -> Verdict {
    row.refused = Some((Status::EXISTS, why.to_owned()));
    Verdict::Later(row)
}

/// A verb, and what it would have been sent.
pub(super) type Told = ((&'static str, &'static str), Map<String, Json>);

/// The commands that do what a row tells, with what they would have been sent.
pub(super) fn commands(user: &str, domain: &str, row: &Row) -> Vec<Told> {
    let about = || -> Map<String, Json> {
        [("user", json!(user)), ("domain", json!(domain))]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    };
    if row.acts.contains(&Act::Created) {
        let mut input = about();
        let fields = row.changes.iter().filter(|(name, ..)| !name.contains('.'));
        for (name, _, to) in fields.filter(|(name, ..)| name != "user" && name != "domain") {
            input.insert(name.clone(), to.clone());
        }
        return vec![(("user", "create"), input)];
    }
    let mut told: Vec<Told> = Vec::new();
    for (field, _, to) in &row.changes {
        let (verb, name) = command(field, to);
        let place = told.iter().position(|(own, _)| *own == verb);
        let input = match place.and_then(|place| told.get_mut(place)) {
            Some((_, input)) => input,
            None => {
                told.push((verb, about()));
                match told.last_mut() {
                    Some((_, input)) => input,
                    None => continue,
                }
            }
        };
        if let Some(name) = name {
            input.insert(name.to_owned(), to.clone());
        }
    }
    told
}

/// The verb that changes a field, and how it names it.
fn command<'f>(field: &'f str, to: &Json) -> ((&'static str, &'static str), Option<&'f str>) {
    match field {
        "disabled" if *to == Json::Bool(true) => (("user", "disable"), None),
        "disabled" => (("user", "enable"), None),
        "expires_at" => (("user", "set-expiration"), Some(field)),
        "user" => (("user", "move"), Some("to_user")),
        "domain" => (("user", "move"), Some("to_domain")),
        "org_unit" => (("user", "move"), Some("to_org_unit")),
        custom if custom.contains('.') => (("user-attribute", "update"), Some(custom)),
        _ => (("user", "update"), Some(field)),
    }
}
