//! The account of the record, as which searches are made.

use super::connection::Connection;
use super::fault::Fault;
use super::verdict;
use super::wire::{Control, PasswordError, PasswordPolicy, Request, code};
use countersign_engine::Secret;

const STEP: &str = "service bind";

/// Why a connection is not bound as the account of the record.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The directory does not take the account as the record has it.
    Account(Fault),
    /// There was no answer to that.
    Fault(Fault),
}

impl Refusal {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Account(fault) | Self::Fault(fault) => fault,
        }
    }
}

/// Binds as the account of the record.
///
/// # Errors
/// The directory refuses; what to mend is told to the administrator, since no user can.
pub(super) async fn bind(
    connection: &mut Connection,
    dn: &str,
    password: Option<&Secret>,
) -> Result<(), Refusal> {
    let account = |why: String| Refusal::Account(Fault::new(STEP, why));
    let password = password.map_or(&[][..], Secret::expose);
    if password.is_empty() || password.contains(&0) {
        // an empty password would bind anonymously and succeed (RFC 4513 section 5.1.2)
        return Err(account(format!(
            "the record has no usable bind_password for {dn}"
        )));
    }
    let request = Request::Bind { dn, password };
    let controls = [Control::password_policy()];
    let answer = connection
        .call(STEP, &request, &controls)
        .await
        .map_err(Refusal::Fault)?;
    let outcome = answer.outcome;
    let policy = PasswordPolicy::of(&answer.controls);
    match outcome.code {
        code::SUCCESS if policy.error == Some(PasswordError::ChangeAfterReset) => {
            Err(account(format!(
                "the password of the record's account {dn} must be changed in the directory first"
            )))
        }
        code::SUCCESS => Ok(()),
        code::INVALID_CREDENTIALS | code::INAPPROPRIATE_AUTHENTICATION => Err(account(format!(
            "the directory does not take the record's account {dn}{}; mend bind_dn or bind_password of the record \
             ({outcome})",
            verdict::data(&outcome.text)
                .map(|data| format!(", data {data}"))
                .unwrap_or_default()
        ))),
        _ => Err(Refusal::Fault(Fault::new(
            STEP,
            format_args!("as {dn}: {outcome}"),
        ))),
    }
}
