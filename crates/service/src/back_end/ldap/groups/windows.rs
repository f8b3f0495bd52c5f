//! Groups of a Windows domain: the directory itself follows groups in groups (MS-ADTS 3.1.1.3.4.4.3).

use super::super::Work;
use super::super::dn::{Dn, domain_base};
use super::super::pool::{Lease, Purpose};
use super::super::user::named;
use super::super::wire::{Entry, Filter, Scope, Search};
use super::{MOST, Wanted};

const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What of the user's entry is needed.
pub(super) const ATTRIBUTES: [&str; 2] = ["objectSid", "primaryGroupID"];

/// One of the wanted groups that the user is in.
pub(super) async fn member(
    work: &Work<'_>,
    user: &Entry,
    wanted: &Wanted<'_>,
) -> Result<Option<String>, String> {
    let mut lease = work.lease(Purpose::Service).await?;
    let root = domain_base(&work.own.base_dn).unwrap_or_else(|| work.own.base_dn.clone());
    let groups = groups(&mut lease, &root, wanted).await?;
    if groups.is_empty() {
        return Ok(None);
    }
    if is_in(&mut lease, &user.dn, &groups).await? {
        return Ok(Some(one_of(&groups)));
    }
    // the primary group does not stand among its members
    let Some(primary) = primary(&mut lease, &root, user).await? else {
        return Ok(None);
    };
    let itself = Dn::parse(&primary);
    if groups
        .iter()
        .any(|group| itself.is_some() && Dn::parse(group) == itself)
    {
        return Ok(Some(primary));
    }
    let through = is_in(&mut lease, &primary, &groups).await?;
    Ok(through.then(|| one_of(&groups)))
}

fn one_of(groups: &[String]) -> String {
    match groups {
        [one] => one.clone(),
        more => format!("one of {}", more.join("; ")),
    }
}

/// DNs of the wanted groups: as they are named, or by common name or SAM name.
async fn groups(
    lease: &mut Lease<'_>,
    root: &str,
    wanted: &Wanted<'_>,
) -> Result<Vec<String>, String> {
    let (mut all, plain): (Vec<String>, Vec<_>) = wanted
        .names
        .iter()
        .cloned()
        .partition(|name| Dn::parse(name).is_some());
    if plain.is_empty() {
        return Ok(all);
    }
    let by_name = plain.iter().flat_map(|name| {
        ["cn", "sAMAccountName"].map(|attribute| Filter::equal(attribute, name.trim()))
    });
    let filter = Filter::And(vec![
        Filter::equal("objectClass", "group"),
        Filter::Or(by_name.collect()),
    ]);
    let search = below(root, filter);
    super::super::pages::read(lease, &search, None, |entry| {
        all.push(entry.dn);
        if all.len() > MOST {
            return Err(format!(
                "groups: more than {MOST} groups have one of the names"
            ));
        }
        Ok(())
    })
    .await?;
    Ok(all)
}

/// Whether an entry is in one of the groups or in groups within them.
async fn is_in(lease: &mut Lease<'_>, dn: &str, groups: &[String]) -> Result<bool, String> {
    for some in groups.chunks(50) {
        let any = some
            .iter()
            .map(|group| Filter::rule(IN_CHAIN, "memberOf", group));
        let search = Search {
            base: dn.to_owned(),
            scope: Scope::Base,
            filter: Filter::Or(any.collect()),
            attributes: named(&[]),
            most: 1,
        };
        let found = lease.search(&search).await?;
        if !found.end.outcome.is_success() {
            return Err(format!("groups: {}", found.end.outcome));
        }
        if !found.entries.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The DN of the user's primary group, which the user's entry names by the last number of its SID.
async fn primary(
    lease: &mut Lease<'_>,
    root: &str,
    user: &Entry,
) -> Result<Option<String>, String> {
    let number = user
        .text("primaryGroupID")
        .and_then(|text| text.parse::<u32>().ok());
    let Some((sid, number)) = user.first("objectSid").zip(number) else {
        return Ok(None);
    };
    let Some(domain) = sid.len().checked_sub(4).and_then(|end| sid.get(..end)) else {
        return Ok(None);
    };
    let sid = [domain, &number.to_le_bytes()].concat();
    let found = lease
        .search(&below(root, Filter::equal("objectSid", sid)))
        .await?;
    Ok(found.entries.into_iter().next().map(|entry| entry.dn))
}

fn below(root: &str, filter: Filter) -> Search {
    Search {
        base: root.to_owned(),
        scope: Scope::Subtree,
        filter,
        attributes: named(&[]),
        most: 0,
    }
}
