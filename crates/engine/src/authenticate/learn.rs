//! What an accepted attempt teaches: a password that a back-end has proven, and what it knows of the person.

use super::case::{Case, Flow, refuse_noting};
use super::new_password;
use super::success::{Success, Typed};
use crate::Secret;
use crate::admin::{Put, Write};
use crate::audit::Code;
use crate::back_end::{Said, UserInfo, Wanted};
use crate::decision::{Answer, Change, NewPassword, Question};
use crate::facts::{Account, Shut};
use crate::model::{Contact, User};
use crate::policy::BackEndAuth;
use crate::status::Status;
use crate::trace::{Check, Setting, Value, What};
use std::ops::ControlFlow;

/// Stores a typed password that a back-end has accepted, where it is not the stored one.
pub(super) fn password(case: &mut Case<'_>, success: &Success<'_>) -> Flow {
    let (Some(account), Some(typed)) = (case.account, &success.typed) else {
        return ControlFlow::Continue(());
    };
    if case.modes.back_end == BackEndAuth::None {
        return ControlFlow::Continue(()); // nobody has proven it
    }
    if typed.stored {
        return keep_copy(case, account, typed);
    }
    case.note(
        Setting::PasswordAutolearn,
        Value::yes_no(case.policy.password_autolearn),
    );
    if !case.policy.password_autolearn {
        return ControlFlow::Continue(());
    }
    let Some(change) = learned(case, account, &typed.password)? else {
        return ControlFlow::Continue(());
    };
    case.guards_account = true;
    case.changes.push(change);
    case.events.push((Code::PASSWORD_LEARNED, None));
    ControlFlow::Continue(())
}

/// The change that stores a password which the back-end has, whatever the rules here say to it; none where the pool is
/// full.
pub(super) fn learned(
    case: &mut Case<'_>,
    account: &Account,
    new: &Secret,
) -> Flow<Option<Change>> {
    let user = &account.user;
    let rules = match new_password::rules_of(case.facts.snapshot, user) {
        Ok(rules) => rules,
        Err(invalid) => return refuse_noting(Status::INVALID_POLICY, invalid.to_string()),
    };
    let Some(verifier) = verifier(case, new)? else {
        return ControlFlow::Continue(None);
    };
    let (snapshot, vault, at) = (case.facts.snapshot, case.facts.vault, case.at());
    match new_password::stored_form(snapshot, user, &rules, new, verifier, at, vault) {
        Ok(password) => ControlFlow::Continue(Some(Change::Password {
            key: user.key,
            password,
        })),
        Err(Shut) => refuse_noting(Status::CRYPTO, "the password history cannot be opened"),
    }
}

/// The verifier of a password to be learned; none where the pool is full, which is no reason to refuse anybody.
pub(super) fn verifier(case: &mut Case<'_>, password: &Secret) -> Flow<Option<Secret>> {
    let question = Question::Hash {
        password: password.clone(),
    };
    if let Some(Answer::Busy | Answer::TimedOut) = case.answers.of(&question) {
        case.failed(Check::Answered, 0, 0);
        return ControlFlow::Continue(None);
    }
    case.ask_hash(password.clone()).map_continue(Some)
}

/// The stored password came in the clear: the copy that this policy sends to a back-end is kept, if it is missing.
fn keep_copy(case: &mut Case<'_>, account: &Account, typed: &Typed) -> Flow {
    let user = &account.user;
    let Some(stored) = user
        .password
        .as_ref()
        .filter(|stored| stored.copy.is_none())
    else {
        return ControlFlow::Continue(());
    };
    if !case.policy.stored_password_proxy
        || !new_password::keeps_copy(case.facts.snapshot, user.domain)
    {
        return ControlFlow::Continue(());
    }
    let verifiers = new_password::verifiers(user, stored, usize::MAX, case.facts.vault);
    let with_copy = verifiers.map(|verifiers| {
        let mut verifiers = verifiers.into_iter();
        NewPassword {
            verifier: verifiers.next().unwrap_or_default(),
            copy: Some(typed.password.clone()),
            history: verifiers.collect(),
            set_at: stored.set_at,
        }
    });
    set(case, account, with_copy)
}

fn set(case: &mut Case<'_>, account: &Account, new: Result<NewPassword, Shut>) -> Flow {
    let Ok(password) = new else {
        return refuse_noting(Status::CRYPTO, "the password history cannot be opened");
    };
    case.guards_account = true;
    case.changes.push(Change::Password {
        key: account.user.key,
        password,
    });
    ControlFlow::Continue(())
}

/// Takes over what the back-end knows of the person (1121 as a warning). Only one that has answered in this attempt is
/// asked, so that nobody waits for a directory he does not need.
pub(super) fn user_info(case: &mut Case<'_>) -> Flow {
    let Some(account) = case.account else {
        return ControlFlow::Continue(());
    };
    let Some(info) = asked_info(case)? else {
        return ControlFlow::Continue(());
    };
    let user = &account.user;
    let after = merged(user.contact.as_deref(), &info);
    if user.contact.as_deref() == after.as_deref() {
        return ControlFlow::Continue(());
    }
    let record = User {
        contact: after,
        ..user.clone()
    };
    case.guards_account = true;
    case.changes
        .push(Change::Write(Write::User(Box::new(Put::over(
            user.meta.revision,
            record,
        )))));
    ControlFlow::Continue(())
}

/// What the back-end knows of the person, where the policy wants it taken over.
pub(super) fn asked_info(case: &mut Case<'_>) -> Flow<Option<UserInfo>> {
    if !case.policy.user_info_sync || !case.known_there {
        return ControlFlow::Continue(None);
    }
    case.note(Setting::UserInfoSync, Value::yes_no(true));
    let server = case.server;
    let heard = case.ask_back_end(What::UserInfo, Wanted::UserInfo)?;
    let why = match &heard.said {
        Said::Info(info) => return ControlFlow::Continue(Some(info.as_ref().clone())),
        Said::Unsupported | Said::Nobody => {
            case.server = server;
            return ControlFlow::Continue(None); // a RADIUS server knows nothing of persons
        }
        Said::InfoUnusable(why) => why.clone(),
        _ => heard.note.clone(),
    };
    case.warnings.push((
        Status::USER_SYNC_FAILED,
        Status::USER_SYNC_FAILED.message().to_owned(),
    ));
    case.events
        .push((Code::USER_NOT_SYNCHRONISED, Some(why.into())));
    ControlFlow::Continue(None)
}

/// A contact with what the back-end knows in place of what it had; what the back-end has none of stays.
pub(crate) fn merged(before: Option<&Contact>, info: &UserInfo) -> Option<Box<Contact>> {
    let mut after = before.cloned().unwrap_or_default();
    let new = &info.contact;
    for (field, value) in [
        (&mut after.name, &new.name),
        (&mut after.phone, &new.phone),
        (&mut after.mobile, &new.mobile),
        (&mut after.email, &new.email),
    ] {
        if !value.is_empty() {
            field.clone_from(value);
        }
    }
    (after != Contact::default()).then(|| Box::new(after))
}
