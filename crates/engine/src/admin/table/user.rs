//! User accounts.

mod access;
mod create;
mod delete;
mod link;
mod overrides;
mod password;
mod privileges;
mod relocate;
mod sync;
mod update;

use super::domain::none;
use super::field::{
    DESCRIPTION, DOMAIN, QUERY, USER, choice, flag, name, number, secret, text, time,
};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::{AccountRef, Count, Needs};
use crate::admin::{Field, Fields, Kind, Query, Stop, account};
use crate::snapshot::Snapshot;

pub(crate) use create::account_of;
pub(in crate::admin) use delete::{freed, removed};
pub(in crate::admin) use relocate::moved;

const ONE: &[Field] = &[USER, DOMAIN];
const ORG_UNIT: Field = name("org_unit", 255, "The organizational unit; null: none.").clearable();
const NAME: Field = text("name", 1024, "The name of the person.").clearable();
const EMAIL: Field = text("email", 255, "The mail address.").clearable();
const PHONE: Field = text("phone", 64, "The telephone number.").clearable();
const MOBILE: Field = text("mobile", 64, "The mobile number.").clearable();
const LOCALE: Field = text("locale", 16, "The locale of messages.").clearable();
const MAX_SESSIONS: Field = number(
    "max_sessions",
    1,
    999,
    "Most administrative sessions at a time; null: no cap of its own.",
)
.clearable();
const EXPIRES_AT: Field = time(
    "expires_at",
    "The moment from which the account is refused; null: never.",
)
.clearable();
const PASSWORD: Field = secret("password", 128, "The static password.");
const CONFIRM: Field = secret("confirm", 128, "The static password again.");

const ALICE: &str = r#"{"user": "alice"}"#;

pub(super) const VERBS: &[Verb] = &[
    rules(
        "user",
        "create",
        "user.create",
        &[
            USER,
            DOMAIN,
            ORG_UNIT,
            NAME,
            DESCRIPTION,
            EMAIL,
            PHONE,
            MOBILE,
            LOCALE,
            PASSWORD,
            CONFIRM,
            flag("disabled", "Whether the account is made disabled."),
            EXPIRES_AT,
            MAX_SESSIONS,
        ],
        "Makes a user account.",
        r#"{"user": "alice", "name": "Alice Liddell", "password": "..."}"#,
        named,
        create::create,
    ),
    rules(
        "user",
        "view",
        "user.view",
        ONE,
        "Shows an account.",
        ALICE,
        with_linked,
        show,
    ),
    rules(
        "user",
        "update",
        "user.update",
        &[
            USER,
            DOMAIN,
            NAME,
            DESCRIPTION,
            EMAIL,
            PHONE,
            MOBILE,
            LOCALE,
            MAX_SESSIONS,
        ],
        "Changes what is known of a person.",
        r#"{"user": "alice", "mobile": "+15550100"}"#,
        with_linked,
        update::update,
    ),
    rules(
        "user",
        "delete",
        "user.delete",
        ONE,
        "Removes an account; its authenticators become free.",
        ALICE,
        with_administrators_and_links,
        delete::delete,
    ),
    rules(
        "user",
        "move",
        "user.move",
        &[
            USER,
            DOMAIN,
            name("to_user", 255, "The new user ID; absent: unchanged."),
            name("to_domain", 255, "The new domain; absent: unchanged."),
            name(
                "to_org_unit",
                255,
                "The new unit; null: none; absent: unchanged, none in another domain.",
            )
            .clearable(),
        ],
        "Renames an account, or moves it with its authenticators to another domain or unit.",
        r#"{"user": "alice", "to_user": "alice.l"}"#,
        relocate::needs,
        relocate::relocate,
    ),
    rules(
        "user",
        "query",
        "user.view",
        QUERY,
        "Lists accounts.",
        r#"{"filter": {"user": "ali"}}"#,
        none,
        query,
    ),
    rules(
        "user",
        "enable",
        "user.enable",
        ONE,
        "Lets a disabled account be used again.",
        ALICE,
        with_linked,
        access::enable,
    ),
    rules(
        "user",
        "disable",
        "user.enable",
        ONE,
        "Disables an account and ends its sessions.",
        ALICE,
        with_administrators,
        access::disable,
    ),
    rules(
        "user",
        "lock",
        "user.unlock",
        ONE,
        "Locks an account until an administrator unlocks it.",
        ALICE,
        with_administrators,
        access::lock,
    ),
    rules(
        "user",
        "unlock",
        "user.unlock",
        ONE,
        "Unlocks an account and forgets its failures.",
        ALICE,
        with_linked,
        access::unlock,
    ),
    rules(
        "user",
        "set-password",
        "user.set_password",
        &[USER, DOMAIN, PASSWORD.required(), CONFIRM],
        "Sets the static password and ends the sessions of the account.",
        r#"{"user": "alice", "password": "...", "confirm": "..."}"#,
        with_linked,
        password::set,
    ),
    rules(
        "user",
        "reset-password",
        "user.set_password",
        ONE,
        "Forgets the static password; the account has none until one is set.",
        ALICE,
        with_linked,
        password::reset,
    ),
    rules(
        "user",
        "sync",
        "user.sync",
        ONE,
        "Copies name, phone, mobile and mail address of a person from the directory.",
        ALICE,
        with_linked,
        sync::sync,
    ),
    rules(
        "user",
        "set-expiration",
        "user.set_expiration",
        &[USER, DOMAIN, EXPIRES_AT.required()],
        "Sets or clears the end of an account.",
        r#"{"user": "alice", "expires_at": "2027-12-31T00:00:00Z"}"#,
        with_administrators,
        access::expire,
    ),
    rules(
        "user",
        "reset-last-auth",
        "user.reset_last_auth",
        ONE,
        "Revives an account that was suspended for disuse.",
        ALICE,
        with_linked,
        access::revive,
    ),
    rules(
        "user",
        "link",
        "user.link",
        &[
            USER,
            DOMAIN,
            name(
                "linked_user",
                255,
                "The account whose authenticators are used.",
            )
            .required(),
            name(
                "linked_domain",
                255,
                "Its domain; absent: the master domain.",
            ),
        ],
        "Lets an account use the authenticators of another.",
        r#"{"user": "alice-admin", "linked_user": "alice"}"#,
        link::needs,
        link::link,
    ),
    rules(
        "user",
        "unlink",
        "user.link",
        ONE,
        "Ends the use of another account's authenticators.",
        r#"{"user": "alice-admin"}"#,
        with_linked,
        link::unlink,
    ),
    rules(
        "user",
        "set-overrides",
        "user.set_overrides",
        &[
            USER,
            DOMAIN,
            choice(
                "local_auth",
                overrides::LOCAL_AUTH,
                "Local authentication instead of the policy's; inherit: the policy's.",
            )
            .clearable(),
            choice(
                "back_end_auth",
                overrides::BACK_END_AUTH,
                "Back-end authentication instead of the policy's.",
            )
            .clearable(),
            choice(
                "group_check",
                overrides::GROUP_CHECK,
                "Group check instead of the policy's.",
            )
            .clearable(),
            choice(
                "offline_auth",
                overrides::YES_NO,
                "Whether offline data is handed out.",
            )
            .clearable(),
            number(
                "max_days_between_authentications",
                0,
                9999,
                "Days without logon until suspension; 0: never.",
            )
            .clearable(),
            choice(
                "delivery_method",
                overrides::DELIVERY,
                "How one-time passwords are sent.",
            )
            .clearable(),
            text("delivery_profile", 80, "The gateway that sends them.").clearable(),
            choice(
                "signature_delivery_method",
                overrides::DELIVERY,
                "How virtual signatures are sent.",
            )
            .clearable(),
            text(
                "signature_delivery_profile",
                80,
                "The gateway that sends them.",
            )
            .clearable(),
        ],
        "Sets what beats the policy for an account; null or inherit goes back to the policy.",
        r#"{"user": "alice", "local_auth": "authenticator_only"}"#,
        with_linked,
        overrides::set,
    ),
    rules(
        "user",
        "get-privileges",
        "user.view",
        ONE,
        "Lists the privileges of an account.",
        ALICE,
        named,
        privileges::list,
    ),
    rules(
        "user",
        "set-privileges",
        "user.grant",
        &[
            USER,
            DOMAIN,
            Field::new(
                "privileges",
                Kind::List {
                    items: 300,
                    max: 64,
                },
                "All privileges the account shall have; admin.logon makes an administrator.",
            )
            .required(),
        ],
        "Sets the privileges of an account and ends its sessions.",
        r#"{"user": "alice", "privileges": ["admin.logon"]}"#,
        with_administrators,
        privileges::set,
    ),
];

fn named(fields: &Fields, snapshot: &Snapshot) -> Needs {
    Needs::none().account(snapshot, fields.text("domain"), fields.text("user"))
}

/// The account and the one whose authenticators it uses, for the view.
fn with_linked(fields: &Fields, snapshot: &Snapshot) -> Needs {
    Needs {
        linked: true,
        ..named(fields, snapshot)
    }
}

fn with_administrators(fields: &Fields, snapshot: &Snapshot) -> Needs {
    with_linked(fields, snapshot).count(Count::Administrators)
}

fn with_administrators_and_links(fields: &Fields, snapshot: &Snapshot) -> Needs {
    let needs = with_administrators(fields, snapshot);
    links(needs, fields, snapshot)
}

fn links(needs: Needs, fields: &Fields, snapshot: &Snapshot) -> Needs {
    match AccountRef::of(snapshot, fields.text("domain"), fields.text("user")) {
        Some(account) => needs.count(Count::LinkedTo(account)),
        None => needs,
    }
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    Ok(Outcome::answer(account::shown(context, account)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("user", context.fields)?))
}
