//! Which account of a Windows forest a name means (authentication.md 3.1).

use super::Work;
use super::dn::{Dn, domain_base};
use super::pool::Purpose;
use super::user::{Person, named, one, people_of_windows};
use super::wire::{Entry, Filter, Scope, Search};
use crate::back_end::Tried;
use countersign_engine::back_end::{Resolved, Said};
use countersign_engine::model::Profile;

/// A domain of the forest.
#[derive(Debug)]
struct Domain {
    dn: String,
    dns: String,
}

/// The account that a whole name means: `DOMAIN\user`, a UPN, or a bare SAM name.
pub(super) async fn resolve(work: &Work<'_>, name: &str) -> Tried {
    if work.own.profile != Profile::Ad {
        return Ok((
            Said::Unsupported,
            "only Active Directory resolves names".to_owned(),
        ));
    }
    if let Some((domain, user)) = name.split_once('\\') {
        return by_domain(work, domain, user).await;
    }
    let Some((user, suffix)) = name.rsplit_once('@') else {
        return by_name(work, Purpose::Service, &root(work), "sAMAccountName", name).await;
    };
    let everywhere = if work.pool.has_catalog() {
        Purpose::Catalog
    } else {
        Purpose::Service
    };
    let base = if work.pool.has_catalog() {
        String::new()
    } else {
        root(work)
    };
    match by_name(work, everywhere, &base, "userPrincipalName", name).await? {
        // the UPN that every account has without saying so
        (Said::Resolved(None), note) if !note.contains("more than one") => {
            by_domain(work, suffix, user).await
        }
        found => Ok(found),
    }
}

/// A SAM name in a domain, by the short or the DNS name of that.
async fn by_domain(work: &Work<'_>, name: &str, user: &str) -> Tried {
    let Some(domain) = domain(work, name).await? else {
        return Ok((
            Said::Resolved(None),
            format!("the forest has no domain {name}"),
        ));
    };
    let own = Dn::parse(&root(work)) == Dn::parse(&domain.dn);
    let purpose = match (own, work.pool.has_catalog()) {
        (true, _) => Purpose::Service,
        (false, true) => Purpose::Catalog,
        (false, false) => {
            let told = format!(
                "{} is another domain, and the record names no global catalog",
                domain.dns
            );
            return Ok((Said::Resolved(None), told));
        }
    };
    by_name(work, purpose, &domain.dn, "sAMAccountName", user).await
}

/// The domain with a short or DNS name, from the configuration of the forest (MS-ADTS 6.1.1.2.1.1.4).
async fn domain(work: &Work<'_>, name: &str) -> Result<Option<Domain>, String> {
    let top = Search {
        base: String::new(),
        scope: Scope::Base,
        filter: Filter::any(),
        attributes: named(&["configurationNamingContext"]),
        most: 1,
    };
    let mut lease = work.lease(Purpose::Service).await?;
    let top = lease.search(&top).await?;
    let configuration = top
        .entries
        .first()
        .and_then(|top| top.text("configurationNamingContext"));
    let Some(configuration) = configuration else {
        return Err(
            "resolve name: the directory does not say where its configuration is".to_owned(),
        );
    };
    let named_so = ["nETBIOSName", "dnsRoot"].map(|attribute| Filter::equal(attribute, name));
    let search = Search {
        base: format!("CN=Partitions,{configuration}"),
        scope: Scope::One,
        filter: Filter::And(vec![
            Filter::equal("objectClass", "crossRef"),
            Filter::Present("nETBIOSName".to_owned()),
            Filter::Or(named_so.to_vec()),
        ]),
        attributes: named(&["nCName", "dnsRoot"]),
        most: 10,
    };
    let found = lease.search(&search).await?;
    if !found.end.outcome.is_success() {
        return Err(format!("resolve name: {}", found.end.outcome));
    }
    Ok(match found.entries.as_slice() {
        [one] => of_reference(one),
        _ => None,
    })
}

fn of_reference(entry: &Entry) -> Option<Domain> {
    Some(Domain {
        dn: entry.text("nCName")?.to_owned(),
        dns: entry.text("dnsRoot")?.to_ascii_lowercase(),
    })
}

/// The one person below a base with such a name.
async fn by_name(
    work: &Work<'_>,
    purpose: Purpose,
    base: &str,
    attribute: &str,
    name: &str,
) -> Tried {
    let mut all = people_of_windows();
    all.push(Filter::equal(attribute, name));
    let search = Search {
        base: base.to_owned(),
        scope: Scope::Subtree,
        filter: Filter::And(all),
        attributes: named(&["sAMAccountName"]),
        most: 2,
    };
    let found = work.lease(purpose).await?.search(&search).await?;
    let entry = match one(found, work.own)? {
        Person::Nobody(why) => return Ok((Said::Resolved(None), why)),
        Person::Is(entry) => entry,
    };
    let account = entry.text("sAMAccountName").map(str::to_owned);
    let domain = Dn::parse(&entry.dn).and_then(|dn| dn.domain());
    let Some((user, domain)) = account.zip(domain) else {
        return Ok((
            Said::Resolved(None),
            format!("{} tells no SAM name or domain", entry.dn),
        ));
    };
    Ok((
        Said::Resolved(Some(Resolved { user, domain })),
        String::new(),
    ))
}

/// The domain of the record.
fn root(work: &Work<'_>) -> String {
    domain_base(&work.own.base_dn).unwrap_or_else(|| work.own.base_dn.clone())
}
