//! How one request to authenticate is decided: the stages of authentication.md 1, in order.

mod account;
mod assign;
mod back_end;
mod candidates;
mod case;
mod change;
mod envelope;
mod group;
mod hashed;
mod issue;
mod judge;
mod learn;
mod local;
mod lock;
mod new_password;
mod new_pin;
mod password;
mod randomise;
mod register;
mod relay;
mod report;
mod request;
mod resolve;
mod response;
mod sealed;
mod self_assign;
mod shapes;
mod success;
mod trial;

pub(crate) use learn::merged as merged_contact;
pub use new_password::{NewPasswordCheck, check_new_password, keeps_copy, stored_form};

use crate::attempt::{Attempt, Via};
use crate::decision::{Answers, Step};
use crate::dice::Dice;
use crate::facts::{Facts, Wanted};
use crate::snapshot::Snapshot;
use case::{Case, End, Flow, Halt};
use std::convert::Infallible;
use std::ops::ControlFlow;

/// What the shell must load before [`decide`]: the account that the name resolves to, as far as that is known from the
/// answers so far, and the challenges that matter.
pub fn wanted(attempt: &Attempt<'_>, snapshot: &Snapshot, answers: &Answers) -> Wanted {
    let answered = attempt.answers_challenge.key.and_then(Result::ok);
    let challenge = answered.or_else(|| envelope::memory(attempt));
    let mut wanted = Wanted {
        account: None,
        challenge,
        challenges_of_user: false,
    };
    if let (Ok(policy), Ok(user)) = (&attempt.policy, resolve::readable(attempt))
        && attempt.via != Via::Challenge
    {
        let found = resolve::known(user, attempt, policy, snapshot, answers);
        wanted.account = found.and_then(|found| {
            let domain = found.served(policy)?;
            Some((domain.key, crate::text::fold(found.user)))
        });
        wanted.challenges_of_user = response::needs_others(attempt, policy);
    }
    wanted
}

/// Decides an attempt on the facts, or asks the shell for one more answer. Given the same inputs it always gives the
/// same step; a decision takes effect only when its changes are committed.
pub fn decide(attempt: &Attempt<'_>, facts: &Facts<'_>, answers: &Answers, dice: &Dice) -> Step {
    let policy = match &attempt.policy {
        Ok(policy) => policy,
        Err(invalid) => {
            return Step::Done(Box::new(report::without_policy(
                attempt,
                facts.snapshot,
                invalid,
            )));
        }
    };
    let mut case = Case::new(attempt, facts, answers, dice, policy);
    let ControlFlow::Break(halt) = stages(&mut case);
    match halt {
        Halt::Ask(question) => Step::Ask(question),
        Halt::End(end) => Step::Done(Box::new(report::close(case, end))),
    }
}

fn stages(case: &mut Case<'_>) -> Flow<Infallible> {
    resolve::protocol(case)?;
    resolve::records(case)?;
    resolve::credentials(case)?;
    issue::one_step(case)?;
    resolve::user(case)?;
    group::check(case)?;
    account::find(case)?;
    account::status(case)?;
    envelope::check(case)?;
    account::something_to_check(case)?;
    new_pin::update(case)?;
    new_password::update(case)?;
    change::at_back_end(case)?;
    let mut success = local::authenticate(case)?;
    back_end::authenticate(case, &success)?;
    success::administrator(case)?;
    learn::user_info(case)?;
    if !randomise::directory_password(case, &mut success)? {
        learn::password(case, &success)?;
    }
    let grant = success::grant(case, success)?;
    ControlFlow::Break(Halt::End(End::Accept(Box::new(grant))))
}

#[cfg(test)]
mod tests;
