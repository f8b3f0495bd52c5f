use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::touched;
use crate::admin::{Put, Stop, Write};
use crate::model::Authenticator;
use serde_json::{Map, Value as Json};

pub(super) fn view(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(shown(context, context.authenticator()?)))
}

/// An authenticator as it is answered.
pub(in crate::admin) fn shown(
    context: &Context<'_>,
    authenticator: &Authenticator,
) -> Map<String, Json> {
    let owner = authenticator.user.and_then(|key| context.account_at(key));
    crate::admin::view::authenticator(
        authenticator,
        context.given.snapshot,
        owner.map(|owner| &owner.user),
    )
}

/// The changed authenticator, answered as it will be.
pub(super) fn changed(
    context: &Context<'_>,
    authenticator: &Authenticator,
    change: impl FnOnce(&mut Authenticator),
) -> Outcome {
    let mut after = authenticator.clone();
    change(&mut after);
    after.meta = touched(after.meta, context.given.at);
    Outcome::answer(shown(context, &after)).write(Write::Authenticator(Box::new(Put::over(
        authenticator.meta.revision,
        after,
    ))))
}
