//! A directory password that nobody needs to know (authentication.md 12): after a logon by OTP from a log-on agent it is
//! replaced by a random one, which the agent gets.

use super::case::{Case, Flow};
use super::success::{Success, Typed};
use super::{back_end, change, learn, password};
use crate::Secret;
use crate::audit::Code;
use crate::dice::{Dice, Purpose};
use crate::model::{DomainKey, Protocol};
use crate::policy::BackEndAuth;
use crate::snapshot::LOGON_AGENT;
use crate::status::Status;
use crate::trace::{Check, Setting, Value};
use std::ops::ControlFlow;

/// The classes of characters: one of each is in every password, so that it meets the rules of directories.
const CLASSES: [&[u8]; 4] = [
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789",
    b"!#$%()*+,-./:;=?@_~",
];

/// Replaces the directory password; says whether it did, and then the new one stands in the success. 1022 and 1023 where
/// the directory refuses the present one, 1122 where it refuses the new one.
pub(super) fn directory_password(case: &mut Case<'_>, success: &mut Success<'_>) -> Flow<bool> {
    if !case.policy.password_randomization || success.used.is_none() {
        return ControlFlow::Continue(false);
    }
    let Some(account) = case.account else {
        return ControlFlow::Continue(false);
    };
    case.note(Setting::PasswordRandomization, Value::yes_no(true));
    if !is_for_agent(case) || !changes_passwords(case) {
        case.failed(Check::Randomises, 0, 0);
        return ControlFlow::Continue(false);
    }
    let (present, refusal) = match &success.typed {
        Some(typed) => (
            Some(typed.password.clone()),
            Status::BACKEND_REJECT_SUPPLIED_PASS,
        ),
        None => (password::copy(case)?, Status::BACKEND_REJECT_STORED_PASS),
    };
    let Some(present) = present else {
        case.failed(Check::Randomises, 0, 0);
        return ControlFlow::Continue(false);
    };
    let length = usize::from(case.policy.random_password_length);
    let new = random(case.dice, length);
    let Some(stored) = learn::learned(case, account, &new)? else {
        return ControlFlow::Continue(false);
    };
    if !change::accepted(case, &present, &new)? {
        return back_end::rejected(case, refusal);
    }
    case.guards_account = true;
    case.changes.push(stored);
    case.events.push((Code::PASSWORD_RANDOMISED, None));
    success.typed = Some(Typed {
        password: new,
        stored: true,
    });
    ControlFlow::Continue(true)
}

/// Only an agent that gets the new password: without it nobody could log on to the directory any more.
fn is_for_agent(case: &Case<'_>) -> bool {
    let component = case.attempt.component;
    component.kind == LOGON_AGENT && component.return_static_password
}

fn changes_passwords(case: &Case<'_>) -> bool {
    let domain = case
        .domain
        .map_or_else(DomainKey::default, |domain| domain.key);
    let engine = &case.policy.back_end_protocol;
    let servers = case.facts.snapshot.back_ends.servers(engine, domain);
    case.modes.back_end != BackEndAuth::None
        && servers.first().is_some_and(|server| {
            matches!(
                server.protocol,
                Protocol::ActiveDirectory(_) | Protocol::Windows(_)
            )
        })
}

/// A random password with a character of each class.
fn random(dice: &Dice, length: usize) -> Secret {
    let mut pick = dice.picks(Purpose::Password);
    let mut one = |class: &[u8]| class.get(pick(class.len())).copied();
    let all = CLASSES.concat();
    let mut letters: Vec<u8> = CLASSES.iter().filter_map(|class| one(class)).collect();
    while letters.len() < length {
        letters.extend(one(&all));
    }
    for last in (1..letters.len()).rev() {
        letters.swap(last, pick(last + 1));
    }
    Secret::new(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn random_passwords_have_every_class_and_their_length() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            for length in [7, 16, 127] {
                let password = random(&Dice::new([seed; 32]), length);
                assert_eq!(password.len(), length);
                for class in CLASSES {
                    assert!(
                        password
                            .expose()
                            .iter()
                            .any(|letter| class.contains(letter))
                    );
                }
                seen.insert(password.expose().to_vec());
            }
        }
        assert_eq!(seen.len(), 600);
        let firsts: BTreeSet<u8> = seen.iter().filter_map(|one| one.first().copied()).collect();
        assert!(firsts.len() > 40, "the classes stand in no order");
    }
}
