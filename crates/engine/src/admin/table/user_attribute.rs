//! Attributes of accounts.

use super::domain::none;
use super::field::{DOMAIN, QUERY, USER, choice, name, number, text};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::{Field, Fields, Query, Refusal, Stop, Write, view};
use crate::facts::Account;
use crate::model::UserAttribute;
use crate::snapshot::Snapshot;

const GROUP: Field = name("group", 64, "The group of the attribute.").required();
const NAME: Field = name(
    "name",
    64,
    "The name of the attribute; for usage reply one of the RADIUS dictionary.",
)
.required();
const INDEX: Field = number(
    "index",
    0,
    255,
    "The position among attributes of the same name; absent: 0.",
);
const USAGE: Field = choice(
    "usage",
    &["reply", "custom"],
    "reply: sent in Access-Accept; custom: in JSON answers that ask for the group.",
);
const VALUE: Field = text("value", 1024, "The value.");
const ONE: &[Field] = &[USER, DOMAIN, GROUP, NAME, INDEX];
const EXAMPLE: &str = r#"{"user": "alice", "group": "vpn", "name": "Class"}"#;
const EXAMPLE_VALUE: &str =
    r#"{"user": "alice", "group": "vpn", "name": "Class", "usage": "reply", "value": "staff"}"#;

pub(super) const VERBS: &[Verb] = &[
    rules(
        "user-attribute",
        "create",
        "user_attribute.create",
        &[
            USER,
            DOMAIN,
            GROUP,
            NAME,
            INDEX,
            USAGE.required(),
            VALUE.required(),
        ],
        "Gives an account an attribute.",
        EXAMPLE_VALUE,
        account,
        create,
    ),
    rules(
        "user-attribute",
        "view",
        "user_attribute.view",
        ONE,
        "Shows an attribute.",
        EXAMPLE,
        account,
        show,
    ),
    rules(
        "user-attribute",
        "update",
        "user_attribute.update",
        &[USER, DOMAIN, GROUP, NAME, INDEX, USAGE, VALUE],
        "Changes an attribute.",
        EXAMPLE_VALUE,
        account,
        update,
    ),
    rules(
        "user-attribute",
        "delete",
        "user_attribute.delete",
        ONE,
        "Takes an attribute from an account.",
        EXAMPLE,
        account,
        delete,
    ),
    rules(
        "user-attribute",
        "query",
        "user_attribute.view",
        QUERY,
        "Lists attributes.",
        r#"{"filter": {"group": "vpn"}}"#,
        none,
        query,
    ),
];

fn account(fields: &Fields, snapshot: &Snapshot) -> Needs {
    Needs::none().account(snapshot, fields.text("domain"), fields.text("user"))
}

fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let wanted = wanted(context)?;
    if found(account, &wanted).is_some() {
        return Err(Refusal::exists(format_args!(
            "attribute {} of group {}",
            wanted.name, wanted.group
        ))
        .into());
    }
    Ok(put(context, account, wanted))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let attribute = existing(context, account)?;
    Ok(Outcome::answer(view::attribute(
        &account.user,
        context.given.snapshot,
        attribute,
    )))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let mut attribute = existing(context, account)?.clone();
    context.fields.patch_text("usage", &mut attribute.usage);
    context.fields.patch_text("value", &mut attribute.value);
    Ok(put(context, account, attribute))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let UserAttribute {
        group, name, index, ..
    } = existing(context, account)?.clone();
    Ok(Outcome::default().write(Write::RemoveAttribute(account.user.key, group, name, index)))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read(
        "user-attribute",
        context.fields,
    )?))
}

fn put(context: &Context<'_>, account: &Account, attribute: UserAttribute) -> Outcome {
    let view = view::attribute(&account.user, context.given.snapshot, &attribute);
    Outcome::answer(view).write(Write::Attribute(account.user.key, attribute))
}

fn wanted(context: &Context<'_>) -> Result<UserAttribute, Refusal> {
    let fields = context.fields;
    Ok(UserAttribute {
        group: fields.need("group")?.to_owned(),
        name: fields.need("name")?.to_owned(),
        index: fields
            .number("index")
            .and_then(|index| u32::try_from(index).ok())
            .unwrap_or(0),
        usage: fields.text("usage").unwrap_or("custom").to_owned(),
        value: fields.text("value").unwrap_or_default().to_owned(),
    })
}

fn existing<'a>(context: &Context<'a>, account: &'a Account) -> Result<&'a UserAttribute, Refusal> {
    let wanted = wanted(context)?;
    found(account, &wanted).ok_or_else(|| {
        Refusal::not_found(format_args!(
            "attribute {} of group {}",
            wanted.name, wanted.group
        ))
    })
}

fn found<'a>(account: &'a Account, wanted: &UserAttribute) -> Option<&'a UserAttribute> {
    account.attributes.iter().find(|own| {
        own.group == wanted.group && own.name == wanted.name && own.index == wanted.index
    })
}
