//! Finds the entry of a user.

use super::connection::Found;
use super::dn::Dn;
use super::pool::Lease;
use super::profile::{Habits, habits};
use super::wire::{Entry, Filter, Scope, Search, code};
use countersign_engine::model::{Directory, Profile};

/// What a search for one entry came to.
#[derive(Debug)]
pub(super) enum Person {
    /// This entry.
    Is(Box<Entry>),
    /// None, or more than one; why.
    Nobody(String),
}

/// The entry of a user, with attributes.
pub(super) async fn find(
    lease: &mut Lease<'_>,
    own: &Directory,
    user: &str,
    attributes: &[&str],
) -> Result<Person, String> {
    let search = Search {
        base: own.base_dn.clone(),
        scope: Scope::Subtree,
        filter: filter(own, user)?,
        attributes: named(attributes),
        most: 2,
    };
    one(lease.search(&search).await?, own)
}

/// The one entry that a search has found.
pub(super) fn one(mut found: Found, own: &Directory) -> Result<Person, String> {
    let outcome = &found.end.outcome;
    match (found.entries.len(), outcome.code) {
        (2.., _) | (1, code::SIZE_LIMIT_EXCEEDED) => Ok(Person::Nobody(
            "more than one entry matches the user".to_owned(),
        )),
        (1, code::SUCCESS) => Ok(found
            .entries
            .pop()
            .map_or_else(|| nobody(None), |entry| Person::Is(Box::new(entry)))),
        (_, code::SUCCESS) => Ok(nobody(
            found
                .references
                .first()
                .filter(|_| own.profile != Profile::Ad),
        )),
        (_, code::REFERRAL) => Ok(nobody(outcome.referral.first())),
        (_, code::NO_SUCH_OBJECT) => Err(format!(
            "search: the base_dn {} of the record is not there, or its account may not see it ({outcome})",
            own.base_dn
        )),
        _ => Err(format!("search: {outcome}")),
    }
}

fn nobody(reference: Option<&String>) -> Person {
    Person::Nobody(match reference {
        Some(to) => {
            format!(
                "no such user here: the directory refers to {to}, and referrals are not followed"
            )
        }
        None => "no such user".to_owned(),
    })
}

/// Names of attributes as a search wants them; none at all = only whether the entry is there (RFC 4511 4.5.1.8).
pub(super) fn named(attributes: &[&str]) -> Vec<String> {
    if attributes.is_empty() {
        return vec!["1.1".to_owned()];
    }
    attributes.iter().map(|&name| name.to_owned()).collect()
}

/// All users of a record.
pub(super) fn all(own: &Directory) -> Result<Filter, String> {
    let mut all = classes(own, habits(own.profile));
    all.extend(extra(own)?);
    Ok(Filter::And(all))
}

/// Which entry a user ID means.
pub(super) fn filter(own: &Directory, user: &str) -> Result<Filter, String> {
    let habits = habits(own.profile);
    let mut all = classes(own, habits);
    all.push(by_id(own, habits, user));
    all.extend(extra(own)?);
    Ok(Filter::And(all))
}

/// The further condition of the record, if it has one.
fn extra(own: &Directory) -> Result<Option<Filter>, String> {
    let wrong = |why| format!("search: the field user_filter of the record cannot be used: {why}");
    let set = |text: &&str| !text.trim().is_empty();
    let text = own.user_filter.as_deref().filter(set);
    text.map(|text| Filter::parse(text).map_err(wrong))
        .transpose()
}

fn classes(own: &Directory, habits: &Habits) -> Vec<Filter> {
    let class = |name: &str| Filter::equal("objectClass", name);
    let set = |text: &&String| !text.trim().is_empty();
    match (own.object_class.as_ref().filter(set), own.profile) {
        (Some(name), _) => vec![class(name.trim())],
        // computers are of the class user too
        (None, Profile::Ad) => people_of_windows(),
        (None, _) => vec![Filter::Or(
            habits.user_classes.iter().map(|name| class(name)).collect(),
        )],
    }
}

/// Persons of a Windows domain.
pub(super) fn people_of_windows() -> Vec<Filter> {
    vec![
        Filter::equal("objectCategory", "person"),
        Filter::equal("objectClass", "user"),
    ]
}

fn by_id(own: &Directory, habits: &Habits, user: &str) -> Filter {
    let set = |text: &&String| !text.trim().is_empty();
    match own.user_id_attribute.as_ref().filter(set) {
        Some(name) => Filter::equal(name.trim(), user),
        None if own.profile == Profile::Ad => by_windows_name(own, user),
        None => Filter::equal(habits.user_id, user),
    }
}

/// A SAM name, a UPN, or the UPN that every account has without saying so: SAM name at DNS name of the domain
/// (MS-ADTS 5.1.1.1.1).
fn by_windows_name(own: &Directory, user: &str) -> Filter {
    let mut any = vec![
        Filter::equal("sAMAccountName", user),
        Filter::equal("userPrincipalName", user),
    ];
    if let Some((name, suffix)) = user.rsplit_once('@') {
        let domain = Dn::parse(&own.base_dn).and_then(|base| base.domain());
        if domain.is_some_and(|domain| domain.eq_ignore_ascii_case(suffix)) {
            any.push(Filter::equal("sAMAccountName", name));
        }
    }
    Filter::Or(any)
}

/// The attribute that holds the user ID in the directory of a record.
pub(super) fn id_attribute(own: &Directory) -> &str {
    let set = own
        .user_id_attribute
        .as_deref()
        .map(str::trim)
        .filter(|name| !name.is_empty());
    set.unwrap_or(habits(own.profile).user_id)
}
