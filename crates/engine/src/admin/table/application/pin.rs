use super::state::restated;
use super::{changed, found};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::touched;
use crate::admin::{Put, Refusal, Stop, Write, view};
use crate::decision::Change;
use crate::model::Application;
use crate::{Secret, Status};
use serde_json::Value as Json;

pub(super) fn enable(context: &Context<'_>) -> Result<Outcome, Stop> {
    supported(context)?;
    Ok(changed(context, |application| {
        application.pin.enabled = true;
    })?)
}

pub(super) fn disable(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(changed(context, |application| {
        application.pin.enabled = false;
    })?)
}

pub(super) fn set(context: &Context<'_>) -> Result<Outcome, Stop> {
    let application = supported(context)?;
    let pin = context
        .fields
        .secret("pin")
        .ok_or_else(|| Refusal::missing("pin"))?;
    if context
        .fields
        .secret("confirm")
        .is_some_and(|again| again != pin)
    {
        return Err(
            Refusal::new(Status::CONFIRM_PASSWORD_MISMATCH, "pin and confirm differ").into(),
        );
    }
    let least = usize::from(application.pin.min_length);
    if !is_pin(pin, least) {
        return Err(Refusal::invalid("pin", format_args!("{least} to 8 digits")).into());
    }
    let (authenticator, _) = found(context)?;
    let mut view = view::application(&authenticator.serial, application);
    view.insert("pin_set".to_owned(), Json::from(true));
    Ok(Outcome::answer(view).change(Change::Pin {
        key: application.key,
        pin: pin.clone(),
    }))
}

pub(super) fn reset(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (authenticator, application) = found(context)?;
    let mut after = application.clone();
    after.sealed_pin = None;
    after.meta = touched(after.meta, context.given.at);
    let view = view::application(&authenticator.serial, &after);
    let put = Put::over(application.meta.revision, after).with("pin", None);
    Ok(Outcome::answer(view).write(Write::Application(authenticator.key, Box::new(put))))
}

pub(super) fn force(context: &Context<'_>) -> Result<Outcome, Stop> {
    supported(context)?;
    Ok(restated(context, |state| state.pin_change_forced = true)?)
}

fn supported<'a>(context: &Context<'a>) -> Result<&'a Application, Refusal> {
    let (_, application) = found(context)?;
    if application.pin.supported {
        return Ok(application);
    }
    Err(Refusal::contradiction(format!(
        "application {} has no server PIN (pin_supported)",
        application.name
    )))
}

fn is_pin(pin: &Secret, least: usize) -> bool {
    (least..=8).contains(&pin.len()) && pin.expose().iter().all(u8::is_ascii_digit)
}
