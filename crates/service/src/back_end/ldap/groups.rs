//! Whether a user is in a group, directly or through other groups (authentication.md 3.2).

mod climb;
mod windows;

use super::Work;
use super::dn::{Dn, fold};
use super::pool::Purpose;
use super::user::{Person, named};
use super::wire::{Entry, Filter, Scope, Search};
use crate::back_end::Tried;
use countersign_engine::back_end::Said;
use countersign_engine::model::Profile;

/// The most groups of a user that are looked at.
const MOST: usize = 10_000;
/// How deep groups in groups are followed.
const LEVELS: usize = 10;

/// The groups asked for.
#[derive(Debug)]
struct Wanted<'a> {
    /// As the policy names them.
    names: &'a [String],
    by_dn: Vec<Dn>,
    by_name: Vec<String>,
}

/// Is the user in at least one of these groups?
pub(super) async fn member(work: &Work<'_>, user: &str, names: &[String]) -> Tried {
    let wanted = Wanted::of(names);
    if names.is_empty() {
        return Ok((Said::Member(false), "no group is asked for".to_owned()));
    }
    let windows = work.own.profile == Profile::Ad;
    let attributes = if windows {
        windows::ATTRIBUTES.to_vec()
    } else {
        climb::attributes(work)
    };
    let entry = match work.find(user, &attributes).await? {
        Person::Nobody(why) => return Ok((Said::Member(false), why)),
        Person::Is(entry) => entry,
    };
    let found = if windows {
        windows::member(work, &entry, &wanted).await?
    } else {
        climb::member(work, &entry, &wanted).await?
    };
    Ok(match found {
        Some(group) => (Said::Member(true), format!("member of {group}")),
        None => (
            Said::Member(false),
            format!("{} is in none of the groups", entry.dn),
        ),
    })
}

impl<'a> Wanted<'a> {
    fn of(names: &'a [String]) -> Self {
        let by_dn = names.iter().filter_map(|name| Dn::parse(name)).collect();
        let plain = names.iter().filter(|name| Dn::parse(name).is_none());
        Self {
            names,
            by_dn,
            by_name: plain.map(|name| fold(name)).collect(),
        }
    }

    /// Whether a group of this DN is one of them.
    fn has(&self, dn: &Dn) -> bool {
        let named = dn
            .common_name()
            .is_some_and(|name| self.by_name.iter().any(|own| own == name));
        named || self.by_dn.contains(dn)
    }

    /// Whether a group of this further name is one of them.
    fn has_name(&self, name: &str) -> bool {
        self.by_name.contains(&fold(name))
    }
}

/// Where groups are searched: the part of the directory that the users lie in, since groups often lie beside them.
async fn base(work: &Work<'_>) -> Result<String, String> {
    let base = work.pool.groups_base.get_or_try_init(|| async {
        let top = Search {
            base: String::new(),
            scope: Scope::Base,
            filter: Filter::any(),
            attributes: named(&["namingContexts"]),
            most: 1,
        };
        let found = work.lease(Purpose::Service).await?.search(&top).await?;
        Ok::<_, String>(holding(&work.own.base_dn, found.entries.first()))
    });
    base.await.cloned()
}

/// The naming context that holds a base, or the base itself where none is told.
fn holding(base: &str, top: Option<&Entry>) -> String {
    let Some((own, top)) = Dn::parse(base).zip(top) else {
        return base.to_owned();
    };
    let contexts = top.values("namingContexts").iter();
    let texts = contexts.filter_map(|value| std::str::from_utf8(value).ok());
    let holds = |text: &&str| Dn::parse(text).is_some_and(|context| own.is_within(&context));
    let depth = |text: &&str| Dn::parse(text).map_or(0, |context| context.depth());
    texts
        .filter(holds)
        .max_by_key(depth)
        .unwrap_or(base)
        .to_owned()
}
