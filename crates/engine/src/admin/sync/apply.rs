//! An account made or changed by what an entry says; only what differs is written.

use super::entry::TEXTS;
use super::{Act, Mapped, Row, Run};
use crate::admin::meta::{fresh, touched};
use crate::admin::table::org_unit;
use crate::admin::table::user::{account_of, moved};
use crate::admin::{Put, Write};
use crate::decision::Change;
use crate::facts::Account;
use crate::model::{DomainKey, LdapOwner, OrgUnit, UnitKey, User, UserAttribute, UserKey};
use crate::snapshot::Snapshot;
use crate::text::fold;
use crate::time::Timestamp;
use serde_json::{Value as Json, json};

/// Units that a batch makes.
#[derive(Debug, Default)]
pub(super) struct Units {
    pub(super) new: Vec<OrgUnit>,
}

impl Units {
    pub(super) fn writes(&self) -> Vec<Change> {
        self.new
            .iter()
            .map(|unit| Change::Write(Write::Unit(Put::new(unit.clone()))))
            .collect()
    }

    /// The unit of this name, made where the profile may; else none.
    fn named(&mut self, run: &Run<'_>, name: &str) -> Option<UnitKey> {
        let domain = run.profile.domain;
        if let Some(unit) = org_unit::unit(run.snapshot, domain, name) {
            return Some(unit.key);
        }
        let folded = fold(name);
        if let Some(unit) = self.new.iter().find(|unit| unit.folded == folded) {
            return Some(unit.key);
        }
        if !run.profile.options.create_units {
            return None;
        }
        let key = UnitKey(-1 - i64::try_from(self.new.len()).unwrap_or(0));
        self.new.push(OrgUnit {
            key,
            domain,
            name: name.to_owned(),
            folded,
            parent: None,
            description: String::new(),
            meta: fresh(run.at),
        });
        Some(key)
    }

    fn name<'u>(&'u self, snapshot: &'u Snapshot, unit: Option<UnitKey>) -> Option<&'u str> {
        let new = self.new.iter().find(|new| Some(new.key) == unit);
        new.map(|new| new.name.as_str())
            .or_else(|| snapshot.unit_name(unit))
    }
}

/// A user ID in the case that the setting `user_id_case` wants.
pub(super) fn cased(snapshot: &Snapshot, id: &str) -> String {
    account_of(snapshot, DomainKey::default(), id, Timestamp::default())
        .user
        .id
}

/// A new account with its attributes.
pub(super) struct Made {
    pub(super) user: User,
    pub(super) attributes: Vec<Write>,
}

pub(super) fn created(
    run: &Run<'_>,
    units: &mut Units,
    entry: &Mapped,
    id: &str,
    key: UserKey,
    row: &mut Row,
) -> Made {
    let domain = run.profile.domain;
    let mut user = account_of(run.snapshot, domain, id, run.at).user;
    user.key = key;
    row.changes
        .push(("user".to_owned(), Json::Null, json!(user.id)));
    let domain_name = json!(run.snapshot.domains.name(domain));
    row.changes
        .push(("domain".to_owned(), Json::Null, domain_name));
    user.org_unit = unit(run, units, entry, row).unwrap_or(run.profile.org_unit);
    if let Some(name) = units.name(run.snapshot, user.org_unit) {
        row.changes
            .push(("org_unit".to_owned(), Json::Null, json!(name)));
    }
    texts(entry, &mut user, row);
    if let Some(Some(end)) = entry.expires {
        user.expires_at = Some(end);
        row.changes
            .push(("expires_at".to_owned(), Json::Null, json!(end.rfc3339())));
    }
    user.disabled = entry
        .disabled
        .unwrap_or(!run.profile.options.enable_created);
    row.changes
        .push(("disabled".to_owned(), Json::Null, json!(user.disabled)));
    user.ldap_owner = Some(Box::new(mark(run, entry)));
    let attributes = attributes(entry, key, &[], row);
    Made { user, attributes }
}

/// What changes an account; nothing where it is as the entry says. `id`: the user ID it is to have, where it may get it.
pub(super) fn changed(
    run: &Run<'_>,
    units: &mut Units,
    entry: &Mapped,
    account: &Account,
    id: Option<&str>,
    take: bool,
    row: &mut Row,
) -> Vec<Write> {
    let options = run.profile.options;
    let mut after = account.user.clone();
    let mut writes = Vec::new();
    if options.update {
        texts(entry, &mut after, row);
        expiry(entry, &mut after, row);
        writes = attributes(entry, after.key, &account.attributes, row);
        if !row.changes.is_empty() {
            row.acts.push(Act::Updated);
        }
        state(entry, &mut after, row);
    }
    place(run, units, entry, id, &mut after, row);
    own(run, entry, take, &mut after, row);
    if row.acts.is_empty() {
        return Vec::new();
    }
    row.acts.sort_unstable();
    let ended = after.disabled && !account.user.disabled;
    after.meta = touched(after.meta, run.at);
    let mut all = moved(run.snapshot, account, after);
    all.append(&mut writes);
    if ended {
        all.push(Write::RemoveSessionsOf(account.user.key));
    }
    all
}

fn texts(entry: &Mapped, user: &mut User, row: &mut Row) {
    let mut contact = user.contact.as_deref().cloned().unwrap_or_default();
    for (place, text) in &entry.texts {
        let Some(field) = TEXTS.get(*place) else {
            continue;
        };
        let own = (field.at)(&mut contact);
        if own != text {
            let from = std::mem::replace(own, text.clone());
            let shown = |text: &str| {
                if text.is_empty() {
                    Json::Null
                } else {
                    json!(text)
                }
            };
            row.changes
                .push((field.name.to_owned(), shown(&from), shown(text)));
        }
    }
    user.contact = (contact != crate::model::Contact::default()).then(|| Box::new(contact));
}

fn expiry(entry: &Mapped, user: &mut User, row: &mut Row) {
    let Some(end) = entry.expires.filter(|end| *end != user.expires_at) else {
        return;
    };
    let shown = |end: Option<Timestamp>| json!(end.map(Timestamp::rfc3339));
    row.changes
        .push(("expires_at".to_owned(), shown(user.expires_at), shown(end)));
    user.expires_at = end;
}

fn state(entry: &Mapped, user: &mut User, row: &mut Row) {
    let Some(disabled) = entry.disabled.filter(|wanted| *wanted != user.disabled) else {
        return;
    };
    row.changes
        .push(("disabled".to_owned(), json!(user.disabled), json!(disabled)));
    row.acts.push(if disabled {
        Act::Disabled
    } else {
        Act::Enabled
    });
    user.disabled = disabled;
}

/// User ID, domain and unit.
fn place(
    run: &Run<'_>,
    units: &mut Units,
    entry: &Mapped,
    id: Option<&str>,
    user: &mut User,
    row: &mut Row,
) {
    let Some(id) = id else {
        return;
    };
    let domain = run.profile.domain;
    if !run.profile.options.move_accounts {
        if fold(id) != user.folded {
            row.warnings.push(format!(
                "the user ID in the directory is {id}; with move_accounts the account would be renamed"
            ));
        }
        return;
    }
    let before = row.changes.len();
    if user.id != id {
        row.changes
            .push(("user".to_owned(), json!(user.id), json!(id)));
        id.clone_into(&mut user.id);
        user.folded = fold(id);
    }
    if user.domain != domain {
        let name = |key| json!(run.snapshot.domains.name(key));
        row.changes
            .push(("domain".to_owned(), name(user.domain), name(domain)));
        user.domain = domain;
        let from = json!(run.snapshot.unit_name(user.org_unit.take()));
        if from != Json::Null {
            row.changes.push(("org_unit".to_owned(), from, Json::Null));
        }
    }
    let wanted = unit(run, units, entry, row);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != user.org_unit) {
        let from = json!(run.snapshot.unit_name(user.org_unit));
        let to = json!(units.name(run.snapshot, wanted));
        row.changes.push(("org_unit".to_owned(), from, to));
        user.org_unit = wanted;
    }
    if row.changes.len() > before {
        row.acts.push(Act::Moved);
    }
}

/// The unit an account is to be in; none where that is left as it is.
fn unit(
    run: &Run<'_>,
    units: &mut Units,
    entry: &Mapped,
    row: &mut Row,
) -> Option<Option<UnitKey>> {
    let default = run.profile.org_unit;
    match &entry.org_unit {
        Some(Some(name)) => {
            let found = units.named(run, name);
            if found.is_none() {
                row.warnings.push(format!(
                    "there is no unit {name}; with create_units it would be made"
                ));
            }
            found.map(Some)
        }
        Some(None) => Some(default),
        None => default.map(Some),
    }
}

/// The mark of the profile, with the name under which the entry was seen.
fn own(run: &Run<'_>, entry: &Mapped, take: bool, user: &mut User, row: &mut Row) {
    let options = run.profile.options;
    let mark = mark(run, entry);
    let from = user.ldap_owner.as_deref();
    if from == Some(&mark) || !(options.update || options.move_accounts) {
        return;
    }
    let dn = json!(from.map(|from| from.dn.as_str()));
    row.changes
        .push(("ldap_owner".to_owned(), dn, json!(mark.dn)));
    if take {
        row.acts.push(Act::TakenOver);
    } else if !row.acts.contains(&Act::Updated) {
        row.acts.push(Act::Updated);
    }
    user.ldap_owner = Some(Box::new(mark));
}

fn mark(run: &Run<'_>, entry: &Mapped) -> LdapOwner {
    LdapOwner {
        profile: run.profile.key,
        entry: entry.entry.clone(),
        dn: entry.dn.clone(),
    }
}

/// What makes the custom attributes of an account those of the entry.
fn attributes(
    entry: &Mapped,
    key: UserKey,
    present: &[UserAttribute],
    row: &mut Row,
) -> Vec<Write> {
    let mut writes = Vec::new();
    for (group, name, values) in &entry.custom {
        let own: Vec<&UserAttribute> = present
            .iter()
            .filter(|one| one.group == *group && one.name == *name)
            .collect();
        let before: Vec<&str> = own.iter().map(|one| one.value.as_str()).collect();
        let numbered = own
            .iter()
            .zip(0_u32..)
            .all(|(one, index)| one.index == index);
        if numbered && before == *values {
            continue;
        }
        row.changes
            .push((format!("{group}.{name}"), json!(before), json!(values)));
        let usage = own.first().map_or("custom", |one| one.usage.as_str());
        for (value, index) in values.iter().zip(0_u32..) {
            let attribute = UserAttribute {
                group: group.clone(),
                name: name.clone(),
                index,
                usage: usage.to_owned(),
                value: value.clone(),
            };
            if !own.contains(&&attribute) {
                writes.push(Write::Attribute(key, attribute));
            }
        }
        let kept = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let gone = own.iter().filter(|one| one.index >= kept);
        writes.extend(
            gone.map(|one| Write::RemoveAttribute(key, group.clone(), name.clone(), one.index)),
        );
    }
    writes
}
