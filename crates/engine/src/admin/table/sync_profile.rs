//! Synchronisation profiles: what is taken over from a directory, and where to (administration.md 11).

mod change;
mod order;

use super::domain::none;
use super::field::{DOMAIN, QUERY, choice, flag, name, number};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Count;
use crate::admin::{Field, Fields, Kind, Needs, Query, Refusal, Stop, view};
use crate::model::{SyncGone, SyncProfile, SyncScope};
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// Most custom attributes of a profile.
const MOST_CUSTOM: usize = 50;

const NAME: Field = name("name", 80, "The name of the profile.").required();
const ONE: &[Field] = &[NAME];
const EXAMPLE: &str = r#"{"name": "people"}"#;

const ALL: &[Field] = &[
    NAME,
    flag("enabled", "A disabled profile does not run."),
    name(
        "source",
        80,
        "The back-end, an active_directory, ldap or windows with base_dn; mandatory.",
    ),
    name(
        "base",
        1024,
        "Where entries are searched; null: the base_dn of the back-end.",
    )
    .clearable(),
    choice(
        "scope",
        SyncScope::WORDS,
        "How deep: subtree (absent), one or base.",
    ),
    name(
        "filter",
        1024,
        "Which entries, an RFC 4515 filter; null: the users of the back-end.",
    )
    .clearable(),
    DOMAIN,
    name(
        "org_unit",
        255,
        "The unit of the accounts, unless an attribute names one; null: none.",
    )
    .clearable(),
    name(
        "successor",
        255,
        "The administrator who gets what a deleted account leaves behind.",
    )
    .clearable(),
    Field::new(
        "mapping",
        Kind::Map {
            entries: 9,
            max: 64,
        },
        "Attributes by field: user, name, description, email, phone, mobile, disabled, org_unit, expires; empty: not taken over, absent: the usual one of the directory. Replaces the one before.",
    )
    .clearable(),
    Field::new(
        "custom",
        Kind::List {
            items: MOST_CUSTOM,
            max: 200,
        },
        "Custom attributes, each ATTRIBUTE=GROUP:NAME.",
    )
    .clearable(),
    flag("create", "Makes accounts; absent: true."),
    flag(
        "enable_created",
        "New accounts are enabled where nothing is mapped to disabled; absent: true.",
    ),
    flag(
        "update",
        "Changes accounts, and takes over those that are there already; absent: true.",
    ),
    flag(
        "move_accounts",
        "Renames and moves accounts after their entries; absent: true.",
    ),
    flag(
        "create_units",
        "Makes units that an attribute names; absent: false.",
    ),
    choice(
        "gone",
        SyncGone::WORDS,
        "What happens to accounts whose entry is gone: keep (absent), disable or delete.",
    ),
    number(
        "max_delete_percent",
        0,
        100,
        "A run that would delete or disable more of its accounts stops before; absent: 10.",
    ),
];

pub(super) const VERBS: &[Verb] = &[
    rules(
        "sync-profile",
        "create",
        "sync_profile.create",
        ALL,
        "Makes a synchronisation profile.",
        r#"{"name": "people", "source": "dc1", "gone": "disable", "mapping": {"mobile": "mobile"}}"#,
        none,
        change::create,
    ),
    rules(
        "sync-profile",
        "view",
        "sync_profile.view",
        ONE,
        "Shows a synchronisation profile, how many accounts it owns and its last run.",
        EXAMPLE,
        about,
        show,
    ),
    rules(
        "sync-profile",
        "update",
        "sync_profile.update",
        ALL,
        "Changes a synchronisation profile.",
        r#"{"name": "people", "max_delete_percent": 5}"#,
        none,
        change::update,
    ),
    rules(
        "sync-profile",
        "delete",
        "sync_profile.delete",
        ONE,
        "Removes a synchronisation profile; its accounts stay and are owned by nobody.",
        EXAMPLE,
        about,
        change::delete,
    ),
    rules(
        "sync-profile",
        "query",
        "sync_profile.view",
        QUERY,
        "Lists synchronisation profiles.",
        r#"{"filter": {"source": "dc1"}}"#,
        none,
        query,
    ),
    rules(
        "sync-profile",
        "validate",
        "sync_profile.run",
        ONE,
        "Reads the directory and shows what becomes of its first entries, and what is wrong with any.",
        EXAMPLE,
        none,
        order::validate,
    ),
    rules(
        "sync-profile",
        "dry-run",
        "sync_profile.run",
        ONE,
        "Lists what a synchronisation would change, and changes nothing.",
        EXAMPLE,
        none,
        order::dry_run,
    ),
    rules(
        "sync-profile",
        "run",
        "sync_profile.run",
        &[
            NAME,
            flag(
                "confirm_deletes",
                "Deletes and disables although it is more than max_delete_percent.",
            ),
        ],
        "Synchronises accounts with a directory.",
        EXAMPLE,
        none,
        order::run,
    ),
];

fn about(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let profile = fields
        .text("name")
        .and_then(|name| snapshot.sync_profile(name));
    match profile {
        Some(profile) => Needs {
            sync_run: Some(profile.key),
            ..Needs::none().count(Count::OwnedBy(profile.key))
        },
        None => Needs::none(),
    }
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let profile = found(context)?;
    let facts = context.given.facts;
    let mut shown = view::sync_profile(profile, context.given.snapshot);
    let owned = facts.count(&Count::OwnedBy(profile.key));
    shown.insert("accounts".to_owned(), owned.into());
    if let Some(run) = &facts.sync_run {
        shown.insert("last_run".to_owned(), view::sync_run(run).into());
    }
    Ok(Outcome::answer(shown))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("sync-profile", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a Arc<SyncProfile>, Refusal> {
    let name = context.fields.need("name")?;
    context
        .given
        .snapshot
        .sync_profile(name)
        .ok_or_else(|| Refusal::not_found(format_args!("synchronisation profile {name}")))
}

/// Refuses (-2) to take away what a profile names.
pub(super) fn unnamed(
    snapshot: &Snapshot,
    names: impl Fn(&SyncProfile) -> bool,
) -> Result<(), Refusal> {
    match snapshot.sync_profiles.iter().find(|profile| names(profile)) {
        Some(profile) => Err(Refusal::contradiction(format!(
            "synchronisation profile {} names it; change or delete the profile first",
            profile.name
        ))),
        None => Ok(()),
    }
}
