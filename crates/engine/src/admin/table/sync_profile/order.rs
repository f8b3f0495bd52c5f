//! Synchronisations that the shell carries out.

use super::found;
use crate::admin::decide::{Action, Context, Outcome};
use crate::admin::record::Event;
use crate::admin::sync::{self, Mode, Names, Order};
use crate::admin::{Refusal, Stop};
use crate::audit::Code;

pub(super) fn validate(context: &Context<'_>) -> Result<Outcome, Stop> {
    ordered(context, Mode::Validate)
}

pub(super) fn dry_run(context: &Context<'_>) -> Result<Outcome, Stop> {
    ordered(context, Mode::DryRun)
}

pub(super) fn run(context: &Context<'_>) -> Result<Outcome, Stop> {
    ordered(context, Mode::Run)
}

fn ordered(context: &Context<'_>, mode: Mode) -> Result<Outcome, Stop> {
    let profile = found(context)?;
    let source = context.given.snapshot.back_ends.get(profile.source);
    let names = source.and_then(|source| Names::new(profile, source));
    let Some(names) = names else {
        return Err(Refusal::contradiction(format!(
            "the source of profile {} is no directory any more",
            profile.name
        ))
        .into());
    };
    if mode == Mode::Run {
        if !profile.enabled {
            return Err(Refusal::contradiction(format!(
                "profile {} is disabled; sync-profile/update with enabled lets it run",
                profile.name
            ))
            .into());
        }
        sync::permitted(context.caller, profile, &names)?;
    }
    let outcome = Outcome::action(Action::Sync(Box::new(Order {
        profile: profile.clone(),
        names,
        mode,
        confirm_deletes: context.fields.flag("confirm_deletes").unwrap_or(false),
    })));
    if mode != Mode::Run {
        return Ok(outcome);
    }
    Ok(outcome.event(Event::new(Code::TASK_FINISHED, &profile.name)))
}
