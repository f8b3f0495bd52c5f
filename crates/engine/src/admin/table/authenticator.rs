//! Authenticators.

mod assign;
mod change;
mod create;
mod shown;

use super::domain::none;
use super::field::{
    DESCRIPTION, DOMAIN, QUERY, SERIAL, USER, choice, date, flag, name, number, time,
};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::{Field, Fields, Kind, Query, Stop, key_material as key};
use crate::snapshot::Snapshot;

pub(in crate::admin) use assign::assigned;
pub(in crate::admin) use create::plain;

const ONE: &[Field] = &[SERIAL];
const EXAMPLE: &str = r#"{"serial": "0097123456"}"#;
const BACKUP: &[&str] = &["no", "permitted", "time_limited", "required", "inherit"];
const EXPIRES_AT: Field = date(
    "expires_at",
    "The UTC day from which it is expired; null: never.",
)
.clearable();
const STARTS_AT: Field = time(
    "starts_at",
    "The moment before which it is not used; null: at once.",
)
.clearable();
const RESERVED: Field = flag("reserved", "Whether only an administrator may assign it.");

pub(super) const VERBS: &[Verb] = &[
    rules(
        "authenticator",
        "create",
        "authenticator.create",
        &[
            Field::new("serial", Kind::Serial, "The serial number; absent: made."),
            name("type", 32, "The authenticator type; an unknown one is made; absent: software."),
            DOMAIN,
            DESCRIPTION,
            EXPIRES_AT,
            STARTS_AT,
            RESERVED,
            name("application", 32, "The name of its application; absent: the application type."),
            key::APPLICATION_TYPE,
            key::ALGORITHM,
            key::HASH,
            key::DIGITS,
            key::PERIOD,
            key::SUITE,
            key::COUNTER,
            key::SECRET_HEX,
            key::SECRET_BASE32,
            key::PIN_SUPPORTED,
            key::PIN_CHANGE_ALLOWED,
            key::PIN_MIN_LENGTH,
            key::HOST_CODE,
        ],
        "Makes an authenticator with one application and answers, this once, what the device needs.",
        r#"{"algorithm": "TOTP", "digits": 6, "period": 30}"#,
        create::needs,
        create::create,
    ),
    rules("authenticator", "view", "authenticator.view", ONE, "Shows an authenticator with its applications.", EXAMPLE, owned, shown::view),
    rules(
        "authenticator",
        "update",
        "authenticator.update",
        &[
            SERIAL,
            DESCRIPTION,
            RESERVED,
            date("grace_end", "The UTC day from which the password alone is refused; null: no grace.").clearable(),
            choice("backup_virtual", BACKUP, "Whether a message may stand in for it, instead of the policy's answer.").clearable(),
            date("backup_until", "The UTC day from which no message stands in; null: none set.").clearable(),
            number("backup_uses_left", 0, 9999, "How often a message may still stand in; null: no number.").clearable(),
        ],
        "Changes an authenticator.",
        r#"{"serial": "0097123456", "description": "spare"}"#,
        owned,
        change::update,
    ),
    rules("authenticator", "delete", "authenticator.delete", ONE, "Removes an authenticator with its applications.", EXAMPLE, owned, change::delete),
    rules(
        "authenticator",
        "move",
        "authenticator.move",
        &[
            SERIAL,
            name("to_domain", 255, "The new domain; absent: unchanged."),
            name("to_org_unit", 255, "The new unit; null or another domain: none.").clearable(),
        ],
        "Moves a free authenticator to another domain or unit.",
        r#"{"serial": "0097123456", "to_domain": "master"}"#,
        owned,
        change::relocate,
    ),
    rules("authenticator", "query", "authenticator.view", QUERY, "Lists authenticators.", r#"{"filter": {"serial": "0097123400-0097123499"}}"#, none, query),
    rules(
        "authenticator",
        "assign",
        "authenticator.assign",
        &[SERIAL, USER, DOMAIN, number("grace_period_days", 0, 9999, "Days in which the password alone is still taken; null: none; absent: as the server's policy says.").clearable()],
        "Assigns a free authenticator to a user.",
        r#"{"serial": "0097123456", "user": "alice", "grace_period_days": 0}"#,
        assign::needs,
        assign::assign,
    ),
    rules("authenticator", "unassign", "authenticator.unassign", ONE, "Takes an authenticator from its user.", EXAMPLE, owned, assign::unassign),
    rules("authenticator", "enable", "authenticator.update", ONE, "Lets a disabled authenticator be used again.", EXAMPLE, owned, change::enable),
    rules("authenticator", "disable", "authenticator.update", ONE, "Disables an authenticator.", EXAMPLE, owned, change::disable),
    rules(
        "authenticator",
        "set-expiration",
        "authenticator.set_expiration",
        &[SERIAL, EXPIRES_AT.required()],
        "Sets or clears the day from which an authenticator is expired.",
        r#"{"serial": "0097123456", "expires_at": "2030-01-01"}"#,
        owned,
        change::expire,
    ),
    rules(
        "authenticator",
        "set-start",
        "authenticator.update",
        &[SERIAL, STARTS_AT.required()],
        "Sets or clears the moment before which an authenticator is not used.",
        r#"{"serial": "0097123456", "starts_at": "2027-01-01T00:00:00Z"}"#,
        owned,
        change::start,
    ),
];

fn owned(fields: &Fields, _: &Snapshot) -> Needs {
    Needs::none()
        .authenticator(fields.text("serial"))
        .with_owners()
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("authenticator", context.fields)?))
}
