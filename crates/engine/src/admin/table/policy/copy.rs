use super::change::stored;
use super::found;
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Refusal, Stop};
use crate::policy::{Policy, predefined};

pub(super) fn copy(context: &Context<'_>) -> Result<Outcome, Stop> {
    let policy = found(context)?;
    let to = context.fields.need("to")?;
    if context.given.snapshot.policies.get(to).is_some() {
        return Err(Refusal::exists(format_args!("policy {to}")).into());
    }
    let named = Policy::new(to, None)
        .map_err(|_| Refusal::invalid("to", "a policy id without outer spaces"))?;
    Ok(stored(
        context,
        Policy {
            id: named.id,
            ..policy.clone()
        },
        -1,
    ))
}

/// A shipped policy that was taken away by an import or never stored comes back, too.
pub(super) fn restore(context: &Context<'_>) -> Result<Outcome, Stop> {
    let id = context.fields.need("policy_id")?;
    let shipped = predefined::restore_default(id);
    match shipped {
        Some(policy) => Ok(stored(context, policy, -1)),
        None => {
            let policy = found(context)?;
            Err(Refusal::contradiction(format!(
                "policy {} is not shipped with the server",
                policy.id
            ))
            .into())
        }
    }
}
