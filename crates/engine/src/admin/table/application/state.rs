use super::found;
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Refusal, Stop, Write, view};
use crate::decision::Change;
use crate::model::{Algorithm, ApplicationState};
use countersign_oath::ocra::MovingFactor;

/// Drift and failures are forgotten, the last accepted step or counter never is (authentication.md 8.1).
pub(super) fn reset(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(restated(context, |state| {
        state.drift = 0;
        state.initial = true;
        state.errors = 0;
        state.signature_errors = 0;
        state.resync = None;
    })?)
}

pub(super) fn forget_errors(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(restated(context, |state| {
        state.errors = 0;
        state.signature_errors = 0;
    })?)
}

/// Never lower, so that no used value becomes valid again (authentication.md 8.2).
pub(super) fn set_counter(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (_, application) = found(context)?;
    let counts = match &application.algorithm {
        Algorithm::Hotp { .. } => true,
        Algorithm::Totp { .. } => false,
        Algorithm::Ocra(suite) => suite.moving_factor() == MovingFactor::Counter,
    };
    if !counts {
        return Err(Refusal::contradiction(format!(
            "application {} has no counter",
            application.name
        ))
        .into());
    }
    let wanted = context
        .fields
        .number("counter")
        .and_then(|counter| u64::try_from(counter).ok())
        .ok_or_else(|| Refusal::missing("counter"))?;
    if wanted < application.state.counter {
        return Err(Refusal::contradiction(format!(
            "counter is lower than the present one, {}",
            application.state.counter
        ))
        .into());
    }
    Ok(restated(context, |state| {
        state.counter = wanted;
        state.resync = None;
        state.restored = false; // whoever sets the counter knows it
    })?)
}

/// The application with a changed state, answered as it will be.
pub(super) fn restated(
    context: &Context<'_>,
    change: impl FnOnce(&mut ApplicationState),
) -> Result<Outcome, Refusal> {
    let (authenticator, application) = found(context)?;
    let mut after = application.clone();
    change(&mut after.state);
    after.state.version = application.state.version.saturating_add(1);
    let write = Write::ApplicationState(application.key, application.state.version, after.state);
    Ok(
        Outcome::answer(view::application(&authenticator.serial, &after))
            .change(Change::Write(write)),
    )
}
