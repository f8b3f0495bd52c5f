//! Groups that list their members: from the user upwards, level by level.

use super::super::Work;
use super::super::dn::Dn;
use super::super::pool::Purpose;
use super::super::profile::habits;
use super::super::user::{id_attribute, named};
use super::super::wire::{Entry, Filter, Scope, Search, code};
use super::{LEVELS, MOST, Wanted, base};
use std::collections::HashSet;

/// Members whose groups are asked for in one search.
const AT_ONCE: usize = 100;

/// Attributes in which groups list their members by DN.
const LISTS: [&str; 2] = ["member", "uniqueMember"];

/// What of the user's entry is needed.
pub(super) fn attributes<'a>(work: &'a Work<'_>) -> Vec<&'a str> {
    let mut all = vec![id_attribute(work.own)];
    all.extend_from_slice(habits(work.own.profile).groups_of_user);
    all
}

/// The first of the wanted groups that the user is in.
pub(super) async fn member(
    work: &Work<'_>,
    user: &Entry,
    wanted: &Wanted<'_>,
) -> Result<Option<String>, String> {
    let mut seen = HashSet::new();
    let mut level = Vec::new();
    for name in habits(work.own.profile).groups_of_user {
        for text in user
            .values(name)
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
        {
            if let Some(found) = reach(text, &[], wanted, &mut seen, &mut level)? {
                return Ok(Some(found));
            }
        }
    }
    let base = base(work).await?;
    let id = user.text(id_attribute(work.own));
    let mut below = vec![user.dn.clone()];
    let mut attributes = LISTS.to_vec();
    for depth in 0..LEVELS {
        for members in below.chunks(AT_ONCE) {
            let filter = holding(members, &attributes, id.filter(|_| depth == 0));
            for group in search(work, &base, filter).await? {
                let names = group.values("cn");
                if let Some(found) = reach(&group.dn, names, wanted, &mut seen, &mut level)? {
                    return Ok(Some(found));
                }
            }
        }
        below = std::mem::take(&mut level);
        if depth == 0 && !below.is_empty() {
            attributes = used(work, &base).await?;
        }
        if below.is_empty() || attributes.is_empty() {
            break;
        }
    }
    Ok(None)
}

/// Takes a group in; its name if it is wanted. One seen before is not gone through again: groups may lie in a circle.
fn reach(
    text: &str,
    names: &[Vec<u8>],
    wanted: &Wanted<'_>,
    seen: &mut HashSet<Dn>,
    level: &mut Vec<String>,
) -> Result<Option<String>, String> {
    let Some(dn) = Dn::parse(text) else {
        return Ok(None);
    };
    let mut texts = names
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok());
    if wanted.has(&dn) || texts.any(|name| wanted.has_name(name)) {
        return Ok(Some(text.to_owned()));
    }
    if seen.insert(dn) {
        level.push(text.to_owned());
    }
    if seen.len() > MOST {
        return Err(format!("groups: the user is in more than {MOST} groups"));
    }
    Ok(None)
}

/// Groups that list one of the members in one of the attributes; the user also by his ID (RFC 2307).
fn holding(members: &[String], attributes: &[&str], id: Option<&str>) -> Filter {
    let listed = members.iter().flat_map(|dn| {
        let lists = attributes.iter();
        lists.map(move |attribute| Filter::equal(attribute, dn))
    });
    let by_id = id.map(|id| Filter::equal("memberUid", id));
    Filter::Or(listed.chain(by_id).collect())
}

/// Those of [`LISTS`] that any group has. One that none has is often without an index, and each question about it would
/// go through the whole directory.
async fn used(work: &Work<'_>, base: &str) -> Result<Vec<&'static str>, String> {
    let mut all = Vec::new();
    let mut lease = work.lease(Purpose::Service).await?;
    for attribute in LISTS {
        let search = Search {
            base: base.to_owned(),
            scope: Scope::Subtree,
            filter: Filter::Present(attribute.to_owned()),
            attributes: named(&[]),
            most: 1,
        };
        let found = lease.search(&search).await?;
        match found.end.outcome.code {
            code::SUCCESS if found.entries.is_empty() => {}
            code::SUCCESS | code::SIZE_LIMIT_EXCEEDED => all.push(attribute),
            _ => return Err(format!("groups: {}", found.end.outcome)),
        }
    }
    Ok(all)
}

async fn search(work: &Work<'_>, base: &str, filter: Filter) -> Result<Vec<Entry>, String> {
    let search = Search {
        base: base.to_owned(),
        scope: Scope::Subtree,
        filter,
        attributes: named(&["cn"]),
        most: 0,
    };
    let mut lease = work.lease(Purpose::Service).await?;
    let mut all = Vec::new();
    super::super::pages::read(&mut lease, &search, None, |entry| {
        all.push(entry);
        if all.len() > MOST {
            return Err(format!("groups: the user is in more than {MOST} groups"));
        }
        Ok(())
    })
    .await?;
    Ok(all)
}
