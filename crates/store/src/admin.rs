//! What commands are decided on, and numbers of rows.

mod query;

pub use query::Rows;

use crate::rows::{RowError, authenticator, node, session, sync};
use crate::sql::{Arg, Tx, args};
use crate::{Counts, StoreError, account};
use countersign_engine::admin::has_everything;
use countersign_engine::admin::needs::{AccountRef, AdminFacts, Count, Device, Needs};
use countersign_engine::facts::Found;
use countersign_engine::model::DomainKey;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

/// Records that are looked for one by one.
const FEW: usize = 3;
/// Names that one statement looks for; always as many, so that it is prepared once.
const TOGETHER: usize = 50;

/// Everything a command needs, as one state of the database.
pub(crate) fn facts(tx: Tx<'_>, needs: &Needs) -> Result<AdminFacts, StoreError> {
    let mut facts = AdminFacts::default();
    let known = known_names(tx, &needs.accounts)?;
    for wanted in &needs.accounts {
        let found = match wanted {
            AccountRef::Named(domain, folded) if !known.holds(&(*domain, folded.as_str())) => {
                Found::Nobody
            }
            _ => find_account(tx, wanted)?,
        };
        facts.accounts.push((wanted.clone(), found));
    }
    if needs.linked {
        add_linked(tx, &mut facts)?;
    }
    let known = known_serials(tx, &needs.authenticators)?;
    for serial in &needs.authenticators {
        let found = if known.holds(&serial.as_str()) {
            device(tx, serial)?
        } else {
            Device::Nobody
        };
        facts.authenticators.push((serial.clone(), found));
    }
    if needs.owners {
        add_owners(tx, &mut facts)?;
    }
    for key in &needs.sessions {
        facts.sessions.extend(session::one(tx, *key)?);
    }
    for wanted in &needs.counts {
        facts.counts.push((wanted.clone(), count(tx, wanted)?));
    }
    if needs.nodes {
        facts.nodes = node::all(tx)?;
    }
    if let Some(profile) = needs.sync_run {
        facts.sync_run = sync::run(tx, profile)?;
    }
    Ok(facts)
}

/// Which of many names there are.
enum Known<T> {
    /// Few are asked for, one by one.
    Unasked,
    These(HashSet<T>),
}

impl<T: Eq + Hash> Known<T> {
    /// Whether there may be such a record.
    fn holds(&self, name: &T) -> bool {
        match self {
            Self::Unasked => true,
            Self::These(known) => known.contains(name),
        }
    }
}

/// Those of the serial numbers that exist: most that an import names do not, and a question about each would take it
/// longer than all else.
fn known_serials<'n>(tx: Tx<'_>, wanted: &'n [String]) -> Result<Known<&'n str>, StoreError> {
    if wanted.len() <= FEW {
        return Ok(Known::Unasked);
    }
    let sql = format!(
        "SELECT serial FROM authenticator WHERE serial IN ({})",
        places(1)
    );
    let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut known = HashSet::new();
    for part in names.chunks(TOGETHER) {
        among(tx, &sql, Vec::new(), part, |name| known.insert(name))?;
    }
    Ok(Known::These(known))
}

/// The same for accounts that are named.
fn known_names<'n>(
    tx: Tx<'_>,
    wanted: &'n [AccountRef],
) -> Result<Known<(DomainKey, &'n str)>, StoreError> {
    if wanted.len() <= FEW {
        return Ok(Known::Unasked);
    }
    let mut of_domain: BTreeMap<DomainKey, Vec<&'n str>> = BTreeMap::new();
    for account in wanted {
        if let AccountRef::Named(domain, folded) = account {
            of_domain.entry(*domain).or_default().push(folded);
        }
    }
    let sql = format!(
        "SELECT folded FROM \"user\" WHERE domain_key = $1 AND folded IN ({})",
        places(2)
    );
    let mut known = HashSet::new();
    for (domain, names) in of_domain {
        for part in names.chunks(TOGETHER) {
            among(tx, &sql, vec![domain.0.into()], part, |name| {
                known.insert((domain, name))
            })?;
        }
    }
    Ok(Known::These(known))
}

/// Calls `each` with those of the names that a statement answers, which takes [`TOGETHER`] of them.
fn among<'n>(
    tx: Tx<'_>,
    sql: &str,
    mut args: Vec<Arg<'n>>,
    names: &[&'n str],
    mut each: impl FnMut(&'n str) -> bool,
) -> Result<(), StoreError> {
    let last = names.last().copied().unwrap_or_default();
    let filled = names.iter().copied().chain(std::iter::repeat(last));
    args.extend(filled.take(TOGETHER).map(Arg::from));
    let found: HashSet<String> = tx
        .all(sql, &args, |row| row.columns().string())?
        .into_iter()
        .collect();
    for name in names.iter().filter(|name| found.contains(**name)) {
        each(name);
    }
    Ok(())
}

/// The places of [`TOGETHER`] parameters from a number on.
fn places(first: usize) -> String {
    let places: Vec<String> = (first..first + TOGETHER)
        .map(|number| format!("${number}"))
        .collect();
    places.join(", ")
}

fn find_account(tx: Tx<'_>, wanted: &AccountRef) -> Result<Found, StoreError> {
    match wanted {
        AccountRef::Named(domain, folded) => account::by_name(tx, *domain, folded),
        AccountRef::Key(key) => account::by_key(tx, *key),
    }
}

fn device(tx: Tx<'_>, serial: &str) -> Result<Device, StoreError> {
    match authenticator::by_serial(tx, serial) {
        Ok(found) => Ok(found.map_or(Device::Nobody, |authenticator| {
            Device::Found(Arc::new(authenticator))
        })),
        Err(RowError::Unreadable(unreadable)) => {
            Ok(Device::Unreadable(unreadable.status, unreadable.which))
        }
        Err(RowError::Store(error)) => Err(error),
    }
}

fn add_linked(tx: Tx<'_>, facts: &mut AdminFacts) -> Result<(), StoreError> {
    let linked = |(_, found): &(AccountRef, Found)| match found {
        Found::Account(account) => account.user.linked,
        _ => None,
    };
    for user in facts.accounts.iter().filter_map(linked).collect::<Vec<_>>() {
        let wanted = AccountRef::Key(user);
        let found = find_account(tx, &wanted)?;
        facts.accounts.push((wanted, found));
    }
    Ok(())
}

fn add_owners(tx: Tx<'_>, facts: &mut AdminFacts) -> Result<(), StoreError> {
    let owner = |(_, device): &(String, Device)| match device {
        Device::Found(authenticator) => authenticator.user,
        _ => None,
    };
    for user in facts
        .authenticators
        .iter()
        .filter_map(owner)
        .collect::<Vec<_>>()
    {
        let wanted = AccountRef::Key(user);
        if !facts.accounts.iter().any(|(asked, _)| *asked == wanted) {
            let found = find_account(tx, &wanted)?;
            facts.accounts.push((wanted, found));
        }
    }
    Ok(())
}

pub(crate) fn count(tx: Tx<'_>, wanted: &Count) -> Result<i64, StoreError> {
    match wanted {
        Count::UsersOfDomain(key) => number(
            tx,
            "SELECT COUNT(*) FROM \"user\" WHERE domain_key = $1",
            key.0,
        ),
        Count::AuthenticatorsOfDomain(key) => number(
            tx,
            "SELECT COUNT(*) FROM authenticator WHERE domain_key = $1",
            key.0,
        ),
        Count::UsersOfUnit(key) => number(
            tx,
            "SELECT COUNT(*) FROM \"user\" WHERE unit_key = $1",
            key.0,
        ),
        Count::AuthenticatorsOfUnit(key) => number(
            tx,
            "SELECT COUNT(*) FROM authenticator WHERE unit_key = $1",
            key.0,
        ),
        Count::AuthenticatorsOfType(name) => {
            let sql = "SELECT COUNT(*) FROM authenticator WHERE type_name = $1";
            Ok(tx
                .first(sql, args![name], |row| row.columns().int())?
                .unwrap_or(0))
        }
        Count::LinkedTo(who) => match find_account(tx, who)? {
            Found::Account(account) => number(
                tx,
                "SELECT COUNT(*) FROM \"user\" WHERE linked_key = $1",
                account.user.key.0,
            ),
            Found::Nobody | Found::Unreadable(..) => Ok(0),
        },
        Count::OwnedBy(profile) => number(
            tx,
            "SELECT COUNT(*) FROM \"user\" WHERE ldap_profile = $1",
            *profile,
        ),
        Count::Administrators => administrators(tx),
        Count::Sessions => Ok(tx
            .first("SELECT COUNT(*) FROM session", &[], |row| {
                row.columns().int()
            })?
            .unwrap_or(0)),
        Count::SessionsOf(key) => number(
            tx,
            "SELECT COUNT(*) FROM session WHERE user_key = $1",
            key.0,
        ),
    }
}

fn number(tx: Tx<'_>, sql: &str, key: i64) -> Result<i64, StoreError> {
    Ok(tx
        .first(sql, args![key], |row| row.columns().int())?
        .unwrap_or(0))
}

/// Enabled, unlocked accounts that have every privilege; administrators are few.
fn administrators(tx: Tx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT u.privileges FROM \"user\" u JOIN user_state s ON s.user_key = u.key
        WHERE u.privileges IS NOT NULL AND u.disabled = 0 AND s.locked = 0";
    let mut count = 0;
    tx.each(sql, &[], |row| {
        let privileges = serde_json::from_str(row.columns().text()?).unwrap_or_default();
        count += i64::from(has_everything(&privileges));
        Ok(true)
    })?;
    Ok(count)
}

/// Numbers of rows.
pub(crate) fn counts(tx: Tx<'_>) -> Result<Counts, StoreError> {
    let of = |sql: &str| {
        tx.first(sql, &[], |row| row.columns().int())
            .map(Option::unwrap_or_default)
    };
    Ok(Counts {
        users: of("SELECT COUNT(*) FROM user_state")?,
        authenticators: of("SELECT COUNT(*) FROM authenticator")?,
        applications: of("SELECT COUNT(*) FROM application_state")?,
        challenges: of("SELECT COUNT(*) FROM challenge")?,
        sessions: of("SELECT COUNT(*) FROM session")?,
        ..Counts::default()
    })
}
