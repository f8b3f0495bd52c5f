//! Stage 3b: is the user in one of the policy's groups (authentication.md 3.2). It decides the modes too.

use super::case::{Case, Flow, refuse};
use crate::back_end::{Said, Wanted};
use crate::facts::Found;
use crate::policy::{BackEndAuth, GroupCheck, LocalAuth};
use crate::status::Status;
use crate::trace::{Origin, Setting, Value, What};
use std::ops::ControlFlow;

/// 5001, 1002; sets the effective modes.
pub(super) fn check(case: &mut Case<'_>) -> Flow {
    let overrides = match case.facts.account {
        Found::Account(account) => account.user.overrides.as_deref(),
        Found::Nobody | Found::Unreadable(..) => None,
    };
    let local = overrides.and_then(|own| own.local_auth);
    let back_end = overrides.and_then(|own| own.back_end_auth);
    case.modes.local = local.unwrap_or(case.modes.local);
    case.modes.back_end = back_end.unwrap_or(case.modes.back_end);
    let group_check = overrides
        .and_then(|own| own.group_check)
        .unwrap_or(case.policy.group_check);
    if group_check == GroupCheck::Off {
        note(
            case,
            origin(local.is_some(), case, Setting::LocalAuth),
            origin(back_end.is_some(), case, Setting::BackEndAuth),
        );
        return ControlFlow::Continue(());
    }
    case.note(Setting::GroupCheck, Value::Word(group_check.as_str()));
    let groups = case.policy.groups.clone();
    let member = match case.ask_back_end(What::Groups, Wanted::Groups(groups))? {
        Said::Member(member) => member,
        other => return super::back_end::refusal(&other),
    };
    match group_check {
        GroupCheck::PassBack if !member => return refuse(Status::NOT_IN_GROUPS),
        GroupCheck::Reject if !member => return refuse(Status::GROUPCHK),
        GroupCheck::BackEndOnly if !member => {
            case.modes.local = LocalAuth::None;
            case.modes.back_end = BackEndAuth::Always;
            note(case, Origin::GroupCheck, Origin::GroupCheck);
        }
        _ => note(
            case,
            origin(local.is_some(), case, Setting::LocalAuth),
            origin(back_end.is_some(), case, Setting::BackEndAuth),
        ),
    }
    ControlFlow::Continue(())
}

fn note(case: &mut Case<'_>, local: Origin, back_end: Origin) {
    case.note_from(
        Setting::LocalAuth,
        Value::Word(case.modes.local.as_str()),
        local,
    );
    case.note_from(
        Setting::BackEndAuth,
        Value::Word(case.modes.back_end.as_str()),
        back_end,
    );
}

fn origin(own: bool, case: &Case<'_>, setting: Setting) -> Origin {
    if own {
        Origin::Account
    } else {
        case.origin(setting)
    }
}
