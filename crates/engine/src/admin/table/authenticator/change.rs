use super::assign::folded;
use super::shown::changed;
use crate::admin::decide::{Context, Outcome};
use crate::admin::table::org_unit;
use crate::admin::{Refusal, Stop, Write};
use crate::policy::BackupVirtual;

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let authenticator = context.authenticator()?;
    let fields = context.fields;
    if fields.has("grace_end") && authenticator.user.is_none() {
        return Err(Refusal::contradiction("a free authenticator has no grace_end").into());
    }
    Ok(changed(context, authenticator, |one| {
        fields.patch_text("description", &mut one.description);
        fields.patch_flag("reserved", &mut one.reserved);
        fields.patch("grace_end", &mut one.grace_end, |fields| {
            fields.day("grace_end")
        });
        fields.patch("backup_virtual", &mut one.backup_virtual, |fields| {
            fields.text("backup_virtual").and_then(BackupVirtual::parse)
        });
        fields.patch("backup_until", &mut one.backup_until, |fields| {
            fields.day("backup_until")
        });
        fields.patch("backup_uses_left", &mut one.backup_uses_left, |fields| {
            fields
                .number("backup_uses_left")
                .and_then(|n| u32::try_from(n).ok())
        });
    }))
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let authenticator = context.authenticator()?;
    let outcome = folded(context, authenticator, Outcome::default());
    Ok(outcome.write(Write::RemoveAuthenticator(
        authenticator.key,
        authenticator.meta.revision,
    )))
}

/// An assigned authenticator follows its owner and is not moved by itself.
pub(super) fn relocate(context: &Context<'_>) -> Result<Outcome, Stop> {
    let authenticator = context.authenticator()?;
    if authenticator.user.is_some() {
        return Err(Refusal::contradiction(
            "an assigned authenticator follows its user; move the user",
        )
        .into());
    }
    let domain = if context.fields.has("to_domain") {
        context.domain("to_domain")?.key
    } else {
        authenticator.domain
    };
    let unit = if context.fields.sent("to_org_unit") {
        org_unit::named(context, "to_org_unit", domain)?
    } else {
        authenticator
            .org_unit
            .filter(|_| domain == authenticator.domain)
    };
    Ok(changed(context, authenticator, |one| {
        one.domain = domain;
        one.org_unit = unit;
    }))
}

pub(super) fn enable(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, context.authenticator()?, |one| {
        one.disabled_at = None;
    }))
}

pub(super) fn disable(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, context.authenticator()?, |one| {
        one.disabled_at = Some(one.disabled_at.unwrap_or(context.given.at));
    }))
}

pub(super) fn expire(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, context.authenticator()?, |one| {
        one.expires_at = context.fields.day("expires_at");
    }))
}

pub(super) fn start(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, context.authenticator()?, |one| {
        one.starts_at = context.fields.time("starts_at");
    }))
}
