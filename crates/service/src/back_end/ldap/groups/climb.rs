//! Groups that list their members: from the user upwards, level by level.

use super::super::Work;
use super::super::dn::Dn;
use super::super::pool::Purpose;
use super::super::profile::habits;
use super::super::user::{id_attribute, named};
use super::super::wire::{Entry, Filter, Scope, Search};
use super::{LEVELS, MOST, Wanted, base};
use std::collections::HashSet;

/// Members whose groups are asked for in one search.
const AT_ONCE: usize = 50;

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
    for depth in 0..LEVELS {
        for members in below.chunks(AT_ONCE) {
            let filter = holding(members, id.filter(|_| depth == 0));
            for group in search(work, &base, filter).await? {
                let names = group.values("cn");
                if let Some(found) = reach(&group.dn, names, wanted, &mut seen, &mut level)? {
                    return Ok(Some(found));
                }
            }
        }
        below = std::mem::take(&mut level);
        if below.is_empty() {
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

/// Groups that list one of the members; the user also by his ID (RFC 2307).
fn holding(members: &[String], id: Option<&str>) -> Filter {
    let listed = members
        .iter()
        .flat_map(|dn| ["member", "uniqueMember"].map(|attribute| Filter::equal(attribute, dn)));
    Filter::Or(
        listed
            .chain(id.map(|id| Filter::equal("memberUid", id)))
            .collect(),
    )
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
