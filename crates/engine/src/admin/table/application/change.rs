use super::{changed, found};
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Refusal, Stop, Write, key_material as key};

pub(super) fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (_, application) = found(context)?;
    if context.fields.flag("pin_supported") == Some(false) && application.pin.enabled {
        return Err(Refusal::contradiction("the PIN is enabled; disable it first").into());
    }
    Ok(changed(context, |application| {
        key::patch_flags(context.fields, application);
    })?)
}

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (authenticator, application) = found(context)?;
    if authenticator.applications.len() == 1 {
        return Err(Refusal::contradiction(
            "the last application cannot be removed; delete the authenticator",
        )
        .into());
    }
    Ok(Outcome::default().write(Write::RemoveApplication(
        application.key,
        application.meta.revision,
    )))
}

pub(super) fn activate(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, |application| application.active = true)?)
}

pub(super) fn deactivate(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, |application| application.active = false)?)
}
