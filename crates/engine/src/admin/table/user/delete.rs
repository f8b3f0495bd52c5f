use crate::admin::decide::{Context, Outcome};
use crate::admin::{Put, Refusal, Stop, Write, account};
use crate::facts::Account;
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
    Ok(removed(account)
        .into_iter()
        .fold(Outcome::default(), Outcome::write))
}

/// What removes an account: its authenticators become free, its sessions end.
pub(in crate::admin) fn removed(account: &Account) -> Vec<Write> {
    let user = &account.user;
    let own = account
        .authenticators
        .iter()
        .filter(|authenticator| authenticator.user == Some(user.key));
    let mut writes: Vec<Write> = own
        .map(|one| Write::Authenticator(Box::new(Put::over(one.meta.revision, freed(one)))))
        .collect();
    writes.push(Write::RemoveSessionsOf(user.key));
    writes.push(Write::RemoveUser(user.key, user.meta.revision));
    writes
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
