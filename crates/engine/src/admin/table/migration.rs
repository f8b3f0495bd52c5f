//! The conversion of records of older formats, once no older program serves any more.

use super::domain::none;
use super::{Verb, rules};
use crate::admin::Stop;
use crate::admin::decide::{Action, Context, MigrationAction, Outcome};

pub(super) const VERBS: &[Verb] = &[
    rules(
        "migration",
        "start",
        "node.run",
        &[],
        "Has records written in the newest formats from now on and converts the old ones in the background; going back to an older version ends here.",
        "{}",
        none,
        start,
    ),
    rules(
        "migration",
        "status",
        "node.view",
        &[],
        "Shows for each table the format that is known and the one that is written, and how many records still wait.",
        "{}",
        none,
        status,
    ),
];

fn start(_: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::action(Action::Migration(MigrationAction::Start)))
}

fn status(_: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::action(Action::Migration(MigrationAction::Status)))
}
