//! Directories asked by LDAP: Active Directory and others.
//!
//! Searches go over connections bound as the account of the record, passwords over others. The protocol is written
//! here and not taken from a library: of those there are, one ends the process on certain answers and bounds none, and
//! neither wipes the passwords it sends.

mod connection;
mod dn;
mod endpoint;
mod fault;
mod groups;
mod info;
mod pages;
mod password;
mod pool;
mod profile;
mod report;
mod resolve;
mod service;
mod user;
mod verdict;
mod wire;

pub(super) use info::fitting;
pub(crate) use wire::{Entry, Scope};

use super::{Target, Tried};
use countersign_engine::back_end::{Ask, Password, Said, Wanted};
use countersign_engine::model::{Directory, Profile};
use fault::Fault;
use pool::{Lease, Pool, Pools, Purpose};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use user::Person;

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct Connector {
    pools: Pools,
}

/// One question at one server.
struct Work<'a> {
    target: &'a Target,
    own: &'a Directory,
    pool: &'a Arc<Pool>,
    deadline: Instant,
}

/// Which entries are read for a synchronisation.
#[derive(Debug)]
pub(crate) struct Wide<'a> {
    /// Where.
    pub(crate) base: &'a str,
    /// How far below.
    pub(crate) scope: Scope,
    /// Which, as RFC 4515 writes it; empty: the users of the record.
    pub(crate) filter: &'a str,
    /// What of them.
    pub(crate) attributes: &'a [String],
}

impl Connector {
    /// One try at one server.
    pub(super) async fn ask(&self, target: &Target, own: &Directory, ask: &Ask) -> Tried {
        if !could_be_known(&ask.user) {
            return Ok((none_such(&ask.wanted), "no user has such a name".to_owned()));
        }
        let pool = self.pools.of(target, own)?;
        let work = Work {
            target,
            own,
            pool: &pool,
            deadline: deadline(target),
        };
        match &ask.wanted {
            Wanted::Authenticate(Password::Known(password)) => {
                password::prove(&work, &ask.user, password).await
            }
            Wanted::Authenticate(Password::AsReceived) => Ok((Said::HashRefused, String::new())),
            Wanted::Change { old, new } => password::change(&work, &ask.user, old, new).await,
            Wanted::Groups(names) => groups::member(&work, &ask.user, names).await,
            Wanted::UserInfo => info::read(&work, &ask.user).await,
            Wanted::Resolve => resolve::resolve(&work, &ask.user).await,
            Wanted::Respond { .. } => Ok((
                Said::Unsupported,
                "a directory asks no questions".to_owned(),
            )),
        }
    }

    /// Passes all entries that match on, page by page, on a connection of their own; each page has the time of the
    /// record. What lies in another naming context of Active Directory is no part of the answer; any other reference makes
    /// it incomplete.
    ///
    /// # Errors
    /// The directory, the filter, or whoever takes the entries: in words.
    pub(crate) async fn entries(
        &self,
        target: &Target,
        own: &Directory,
        wide: &Wide<'_>,
        each: impl FnMut(Entry) -> Result<(), String>,
    ) -> Result<(), String> {
        let search = wire::Search {
            base: wide.base.to_owned(),
            scope: wide.scope,
            filter: match wide.filter {
                "" => user::all(own)?,
                filter => wire::Filter::parse(filter)?,
            },
            attributes: wide.attributes.to_vec(),
            most: 0,
        };
        let pool = Pool::new(target, own)?;
        let deadline = Instant::now() + patience(target);
        let mut lease = pool.lease(Purpose::Service, deadline).await?;
        let beyond = pages::read(&mut lease, &search, Some(patience(target)), each).await?;
        match beyond.filter(|_| own.profile != Profile::Ad) {
            Some(to) => Err(format!(
                "search: the directory refers to {to} for a part of the entries, and referrals are not followed"
            )),
            None => Ok(()),
        }
    }
}

impl Work<'_> {
    /// A connection that is ready for its purpose.
    async fn lease(&self, purpose: Purpose) -> Result<Lease<'_>, Fault> {
        self.pool.lease(purpose, self.deadline).await
    }

    /// The entry of a user, with attributes.
    async fn find(&self, user: &str, attributes: &[&str]) -> Result<Person, String> {
        let mut lease = self.lease(Purpose::Service).await?;
        user::find(&mut lease, self.own, user, attributes).await
    }
}

/// How long one try, or one page of entries, may take.
fn patience(target: &Target) -> Duration {
    Duration::from_secs(u64::from(target.record.timeout_s.max(1)))
}

/// When a try that begins now is given up.
fn deadline(target: &Target) -> Instant {
    (Instant::now() + patience(target)).min(target.until.into())
}

/// Whether a directory could know such a name at all.
fn could_be_known(user: &str) -> bool {
    !user.is_empty() && user.len() <= 1024 && !countersign_engine::text::has_control(user)
}

/// The answer for a user who cannot be there.
fn none_such(wanted: &Wanted) -> Said {
    match wanted {
        Wanted::Groups(_) => Said::Member(false),
        Wanted::Resolve => Said::Resolved(None),
        _ => Said::Rejected,
    }
}

#[cfg(test)]
mod tests;
