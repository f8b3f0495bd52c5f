use crate::admin::decide::{Context, Outcome};
use crate::admin::{Put, Refusal, Stop, Write, account};
use crate::model::Authenticator;

pub(super) fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    account::keep_an_administrator(context, account)?;
    if account::linked_to(context, account) > 0 {
        return Err(Refusal::contradiction(
            "other accounts use the authenticators of this one; unlink them first",
        )
        .into());
    }
    let user = &account.user;
    let own = account
        .authenticators
        .iter()
        .filter(|authenticator| authenticator.user == Some(user.key));
    let mut outcome = Outcome::default();
    for authenticator in own {
        let put = Put::over(authenticator.meta.revision, freed(authenticator));
        outcome = outcome.write(Write::Authenticator(Box::new(put)));
    }
    let outcome = outcome.write(Write::RemoveSessionsOf(user.key));
    Ok(outcome.write(Write::RemoveUser(user.key, user.meta.revision)))
}

/// The authenticator without owner.
pub(in crate::admin) fn freed(authenticator: &Authenticator) -> Authenticator {
    Authenticator {
        user: None,
        assigned_at: None,
        grace_end: None,
        ..authenticator.clone()
    }
}
