//! Stage 3b: is the user in one of the policy's groups (authentication.md 3.2). It decides the modes too.

use super::case::{Case, Flow, refuse, refuse_noting};
use crate::back_end::{Said, Wanted};
use crate::facts::Found;
use crate::policy::{BackEndAuth, GroupCheck, LocalAuth};
use crate::snapshot::LOGON_AGENT;
use crate::status::Status;
use crate::trace::{Origin, Setting, Value, What};
use std::ops::ControlFlow;

/// 5001, 1002; sets the effective modes.
pub(super) fn check(case: &mut Case<'_>) -> Flow {
    of_client(case)?;
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
    let heard = case.ask_back_end(What::Groups, Wanted::Groups(groups))?;
    let Said::Member(member) = heard.said else {
        case.denied = Some(heard);
        return super::back_end::refusal(&heard.said);
    };
    case.known_there |= member;
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

/// -108: a request of a log-on agent does not name its machine, so the groups of machines cannot be checked.
fn of_client(case: &mut Case<'_>) -> Flow {
    let wanted = case.policy.client_group_check;
    if wanted == GroupCheck::Off || case.attempt.component.kind != LOGON_AGENT {
        return ControlFlow::Continue(());
    }
    case.note(Setting::ClientGroupCheck, Value::Word(wanted.as_str()));
    refuse_noting(
        Status::UNSUPPORTED,
        "the groups of client machines are not checked",
    )
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
