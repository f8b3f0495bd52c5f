//! Tries a record out, step by step, and says how each step went.

use super::connection::Connection;
use super::pool::{Lease, Pool, Purpose};
use super::user::Person;
use super::{Connector, Work, groups, password};
use crate::back_end::{Step, Target, Trial};
use countersign_engine::back_end::Said;
use countersign_engine::model::Directory;
use std::sync::Arc;
use tokio::time::Instant;

/// The steps so far; the first that fails is the last.
#[derive(Default)]
struct Report(Vec<Step>);

impl Report {
    /// Adds a step and passes on what it gave.
    fn add<T, E: ToString>(
        &mut self,
        name: &'static str,
        result: Result<T, E>,
        told: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let (passed, detail) = match &result {
            Ok(given) => (true, told(given)),
            Err(why) => (false, why.to_string()),
        };
        self.0.push(Step {
            name,
            passed,
            detail,
        });
        result.ok()
    }
}

impl Connector {
    /// Connects anew, whatever connections are kept, and reports each step.
    pub(in crate::back_end) async fn test(
        &self,
        target: &Target,
        own: &Directory,
        trial: &Trial,
    ) -> Vec<Step> {
        let mut report = Report::default();
        let _ = run(&mut report, target, own, trial).await;
        report.0
    }
}

async fn run(report: &mut Report, target: &Target, own: &Directory, trial: &Trial) -> Option<()> {
    let deadline = || super::deadline(target);
    let pool = match Pool::new(target, own) {
        Ok(pool) => Arc::new(pool),
        Err(fault) => return report.add("record", Err(fault), |()| String::new()),
    };
    connect(report, &pool, Purpose::User, deadline()).await?;
    let mut lease = bind(report, &pool, Purpose::Service, own, deadline()).await?;
    search(report, &mut lease, own).await?;
    drop(lease);
    if pool.has_catalog() {
        let bound = pool.lease(Purpose::Catalog, deadline()).await;
        let name = pool
            .endpoint(Purpose::Catalog)
            .map(super::endpoint::Endpoint::name)
            .unwrap_or_default();
        report.add("global catalog", bound.map(drop), |()| name)?;
    }
    let work = Work {
        target,
        own,
        pool: &pool,
        deadline: deadline(),
    };
    with_user(report, &work, trial).await
}

async fn connect(
    report: &mut Report,
    pool: &Pool,
    purpose: Purpose,
    deadline: Instant,
) -> Option<Connection> {
    let place = match pool.endpoint(purpose) {
        Ok(place) => place,
        Err(fault) => return report.add("record", Err(fault), |_| String::new()),
    };
    let found = place
        .resolve(deadline)
        .await
        .map_err(|fault| fault.why().to_owned());
    let addresses = report.add("resolve", found, |all| {
        let all: Vec<_> = all.iter().map(|one| one.ip().to_string()).collect();
        all.join(", ")
    })?;
    let dialled = place
        .dial(&addresses, deadline)
        .await
        .map_err(|fault| fault.why().to_owned());
    let stream = report.add("connect", dialled, |stream| {
        stream
            .peer_addr()
            .map_or_else(|_| place.name(), |address| address.to_string())
    })?;
    let protected = place.protect(stream, deadline).await;
    let protected = protected.map_err(|fault| fault.why().to_owned());
    let (connection, _) = report.add("tls", protected, |(_, told)| told.clone())?;
    Some(connection)
}

async fn bind<'a>(
    report: &mut Report,
    pool: &'a Pool,
    purpose: Purpose,
    own: &Directory,
    deadline: Instant,
) -> Option<Lease<'a>> {
    let bound = pool
        .lease(purpose, deadline)
        .await
        .map_err(|fault| fault.why().to_owned());
    report.add("bind", bound, |_| match &own.bind_dn {
        Some(dn) => format!("as {dn}"),
        None => "anonymously".to_owned(),
    })
}

/// Whether the base is there and may be searched.
async fn search(report: &mut Report, lease: &mut Lease<'_>, own: &Directory) -> Option<()> {
    let base = super::wire::Search {
        base: own.base_dn.clone(),
        scope: super::wire::Scope::Base,
        filter: super::wire::Filter::any(),
        attributes: super::user::named(&[]),
        most: 1,
    };
    let found = match lease.search(&base).await {
        Err(fault) => Err(fault.why().to_owned()),
        Ok(found) if found.end.outcome.is_success() && !found.entries.is_empty() => Ok(()),
        Ok(found) if found.end.outcome.is_success() => {
            Err(format!("{} is not there for this account", own.base_dn))
        }
        Ok(found) => Err(found.end.outcome.to_string()),
    };
    report.add("search", found, |()| own.base_dn.clone())
}

async fn with_user(report: &mut Report, work: &Work<'_>, trial: &Trial) -> Option<()> {
    let user = trial.user.as_deref()?;
    let found = match work.find(user, &[]).await {
        Ok(Person::Is(entry)) => Ok(entry.dn),
        Ok(Person::Nobody(why)) | Err(why) => Err(why),
    };
    report.add("user", found, String::clone)?;
    if let Some(password) = &trial.password {
        let proven = match password::prove(work, user, password).await {
            Ok((Said::Accepted(_), note)) => Ok(note),
            Ok((said, note)) => Err(format!("{}: {note}", word(&said))),
            Err(why) => Err(why),
        };
        report.add("password", proven, String::clone)?;
    }
    if !trial.groups.is_empty() {
        let found = groups::member(work, user, &trial.groups).await;
        let found = found.map(|(said, note)| (matches!(said, Said::Member(true)), note));
        report.add("groups", found, |(_, note)| note.clone())?;
    }
    Some(())
}

fn word(said: &Said) -> &'static str {
    match said {
        Said::Locked => "locked in the directory",
        Said::Expired => "the password has expired or must be changed",
        Said::Disabled => "disabled in the directory",
        _ => "rejected",
    }
}
