//! New static passwords: confirmation, rules, history, verifier (authentication.md 12).

use super::decide::Context;
use super::{Refusal, Stop};
use crate::authenticate::{NewPasswordCheck, check_new_password, stored_form};
use crate::decision::{Answer, NewPassword, Question};
use crate::facts::Account;
use crate::policy::PasswordRules;
use crate::{Secret, Status};

/// The candidate as it is stored, once it passed: 1019, then 1024, then its verifier is made.
pub(super) fn accepted(
    context: &Context<'_>,
    account: &Account,
    candidate: &Secret,
) -> Result<NewPassword, Stop> {
    let given = context.given;
    let user = &account.user;
    if context
        .fields
        .secret("confirm")
        .is_some_and(|again| again != candidate)
    {
        return Err(Refusal::new(
            Status::CONFIRM_PASSWORD_MISMATCH,
            "password and confirm differ",
        )
        .into());
    }
    let rules = rules(context, account)?;
    match check_new_password(
        &rules,
        user,
        candidate,
        given.at,
        given.vault,
        given.answers,
    ) {
        NewPasswordCheck::Fine => {}
        NewPasswordCheck::Ask(question) => return Err(Stop::Ask(question)),
        NewPasswordCheck::Failed(Status::INVDATA) => {
            return Err(Refusal::invalid("password", "text of at most 128 characters").into());
        }
        NewPasswordCheck::Failed(status) => {
            return Err(Refusal::new(status, status.message()).into());
        }
        NewPasswordCheck::Broken(broken) => {
            let sentences: Vec<String> = broken.iter().map(ToString::to_string).collect();
            return Err(
                Refusal::new(Status::PASSWORD_FAIL_STRENGTH_CHECK, sentences.join("; ")).into(),
            );
        }
    }
    let verifier = verifier(context, candidate)?;
    let stored = stored_form(
        given.snapshot,
        user,
        &rules,
        candidate,
        verifier,
        given.at,
        given.vault,
    );
    stored.map_err(|_| Refusal::new(Status::CRYPTO, "the password history cannot be opened").into())
}

fn rules(context: &Context<'_>, account: &Account) -> Result<PasswordRules, Refusal> {
    let snapshot = context.given.snapshot;
    let rules = snapshot
        .policies
        .password_rules(snapshot.server_policy(), account.user.is_administrator());
    rules.map_err(|invalid| Refusal::new(invalid.status(), invalid.to_string()))
}

fn verifier(context: &Context<'_>, candidate: &Secret) -> Result<Secret, Stop> {
    let question = Question::Hash {
        password: candidate.clone(),
    };
    let status = match context.given.answers.of(&question) {
        None => return Err(Stop::Ask(question)),
        Some(Answer::Hashed(verifier)) => return Ok(verifier.clone()),
        Some(Answer::Busy) => Status::BUSY,
        Some(Answer::TimedOut) => Status::TIMEOUT,
        Some(_) => Status::UNSUPPORTED,
    };
    Err(Refusal::new(status, status.message()).into())
}
