//! The accounts that a synchronisation is decided on, many in one read.

use crate::rows::authenticator::{self, Joined};
use crate::rows::{RowError, sync, user};
use crate::sql::{Arg, Tx, args};
use crate::{Store, StoreError, account};
use countersign_engine::admin::sync::{Facts, Needs, Owned, Unreadable};
use countersign_engine::facts::{Account, Found};
use countersign_engine::model::{Authenticator, SyncRun, UserAttribute, UserKey};
use std::collections::HashMap;
use std::sync::Arc;

/// Lists are filled up to a multiple of this, so that few statements serve all of them.
const STEP: usize = 100;

const OWNED: &str =
    "SELECT key, ldap_entry, disabled FROM \"user\" WHERE ldap_profile = $1 ORDER BY key";

impl Store {
    /// The accounts that entries can concern, as one state of the database.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sync_facts(&self, needs: &Needs) -> Result<Facts, StoreError> {
        self.shared.read(|tx| matching(tx, needs))
    }

    /// The accounts of these rows.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sync_accounts(&self, keys: &[UserKey]) -> Result<Facts, StoreError> {
        let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
        self.shared.read(|tx| of_keys(tx, &keys))
    }

    /// All accounts that a profile owns.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sync_owned(&self, profile: i64) -> Result<Vec<Owned>, StoreError> {
        self.shared.read(|tx| {
            tx.all(OWNED, args![profile], |row| {
                let mut c = row.columns();
                Ok(Owned {
                    key: UserKey(c.int()?),
                    entry: c.opt_string()?.unwrap_or_default(),
                    disabled: c.flag()?,
                })
            })
        })
    }

    /// The newest run of a profile.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sync_run(&self, profile: i64) -> Result<Option<SyncRun>, StoreError> {
        self.shared.read(|tx| sync::run(tx, profile))
    }
}

/// `VALUES ($from), … ($to)` for a list that is filled up with its last value: as a table it is joined with the other one,
/// where a server compares a plain list with every row.
fn places(from: usize, values: usize, place: impl Fn(usize) -> String) -> (String, usize) {
    let size = values.max(1).next_multiple_of(STEP);
    let list: Vec<String> = (from..from + size).map(place).collect();
    (format!("VALUES {}", list.join(", ")), size)
}

fn text(place: usize) -> String {
    format!("(CAST(${place} AS TEXT))")
}

fn number(place: usize) -> String {
    format!("(CAST(${place} AS BIGINT))")
}

fn filled<'a, T>(values: &'a [T], size: usize, arg: impl Fn(&'a T) -> Arg<'a>) -> Vec<Arg<'a>> {
    let mut args: Vec<Arg<'a>> = values.iter().map(arg).collect();
    args.resize(size, args.last().copied().unwrap_or(Arg::Null));
    args
}

fn matching(tx: Tx<'_>, needs: &Needs) -> Result<Facts, StoreError> {
    let (entries, size) = places(2, needs.entries.len(), text);
    let (names, more) = places(3 + size, needs.names.len(), text);
    let domain = 2 + size;
    let sql = format!(
        "SELECT key FROM \"user\" WHERE ldap_profile = $1 AND ldap_entry IN ({entries})
    UNION SELECT key FROM \"user\" WHERE domain_key = ${domain} AND folded IN ({names})"
    );
    let mut args = args![needs.profile].to_vec();
    args.extend(filled(&needs.entries, size, Arg::from));
    args.push(needs.domain.0.into());
    args.extend(filled(&needs.names, more, Arg::from));
    let keys = tx.all(&sql, &args, |row| row.columns().int())?;
    of_keys(tx, &keys)
}

fn of_keys(tx: Tx<'_>, keys: &[i64]) -> Result<Facts, StoreError> {
    let mut facts = Facts::default();
    if keys.is_empty() {
        return Ok(facts);
    }
    let (list, size) = places(1, keys.len(), number);
    let args = filled(keys, size, |key| Arg::Int(*key));
    let sql = user::of(&format!("WHERE u.key IN ({list}) ORDER BY u.key"));
    let mut users = Vec::new();
    tx.each(&sql, &args, |row| {
        match user::read(row) {
            Ok(read) => users.push(read),
            Err(RowError::Store(error)) => return Err(error),
            Err(RowError::Unreadable(unreadable)) => {
                let (domain, folded, owner) = user::identity(row)?;
                facts.unreadable.push(Unreadable {
                    domain,
                    folded,
                    owner,
                    status: unreadable.status,
                    which: unreadable.which,
                });
            }
        }
        Ok(true)
    })?;
    let Some(mut owned) = authenticators(tx, &list, &args)? else {
        return one_by_one(tx, keys, facts);
    };
    let mut attributes = attributes(tx, &list, &args)?;
    facts.accounts.reserve(users.len());
    for (user, state) in users {
        facts.accounts.push(Arc::new(Account {
            state,
            authenticators: owned.remove(&user.key).unwrap_or_default(),
            attributes: attributes.remove(&user.key).unwrap_or_default(),
            owner: user.linked.unwrap_or(user.key),
            user,
        }));
    }
    let sql = format!("SELECT linked_key FROM \"user\" WHERE linked_key IN ({list})");
    let lenders = tx.all(&sql, &args, |row| row.columns().int().map(UserKey))?;
    facts.lenders.extend(lenders);
    Ok(facts)
}

/// The authenticators by owner; none where one of them cannot be read.
fn authenticators(
    tx: Tx<'_>,
    list: &str,
    args: &[Arg<'_>],
) -> Result<Option<HashMap<UserKey, Vec<Authenticator>>>, StoreError> {
    let sql = authenticator::of(&format!(
        "WHERE a.user_key IN ({list}) ORDER BY a.key, p.position"
    ));
    let mut joined = Joined::default();
    tx.each(&sql, args, |row| joined.add(row).map(|()| true))?;
    let all = match joined.finish() {
        Ok(all) => all,
        Err(RowError::Unreadable(_)) => return Ok(None),
        Err(RowError::Store(error)) => return Err(error),
    };
    let mut by_owner: HashMap<UserKey, Vec<Authenticator>> = HashMap::new();
    for one in all {
        if let Some(owner) = one.user {
            by_owner.entry(owner).or_default().push(one);
        }
    }
    Ok(Some(by_owner))
}

fn attributes(
    tx: Tx<'_>,
    list: &str,
    args: &[Arg<'_>],
) -> Result<HashMap<UserKey, Vec<UserAttribute>>, StoreError> {
    let sql = format!(
        "SELECT group_name, name, position, usage, value, user_key FROM user_attribute WHERE user_key IN ({list})
    ORDER BY user_key, group_name, name, position"
    );
    let mut by_owner: HashMap<UserKey, Vec<UserAttribute>> = HashMap::new();
    tx.each(&sql, args, |row| {
        let owner = UserKey(row.columns_from(5).int()?);
        by_owner
            .entry(owner)
            .or_default()
            .push(user::attribute(row)?);
        Ok(true)
    })?;
    Ok(by_owner)
}

/// The slow way, which tells whose authenticator cannot be read.
fn one_by_one(tx: Tx<'_>, keys: &[i64], mut facts: Facts) -> Result<Facts, StoreError> {
    for key in keys {
        match account::by_key(tx, UserKey(*key))? {
            Found::Account(account) => facts.accounts.push(account),
            Found::Nobody => {}
            Found::Unreadable(status, which) => {
                let sql = user::of("WHERE u.key = $1");
                let named = tx.first(&sql, args![*key], user::identity)?;
                let known = facts.unreadable.iter().any(|one| one.which == which);
                let named = named.filter(|_| !known);
                facts
                    .unreadable
                    .extend(named.map(|(domain, folded, owner)| Unreadable {
                        domain,
                        folded,
                        owner,
                        status,
                        which,
                    }));
            }
        }
    }
    Ok(facts)
}
