//! Stage 3a: is the input readable, and who is meant (authentication.md 3.1).

use super::case::{Case, Flow, refuse, refuse_noting};
use crate::attempt::{Attempt, Credentials, Via};
use crate::audit::Code;
use crate::back_end::{Ask, Resolved, Said, Wanted};
use crate::decision::{Answer, Answers, Question};
use crate::facts::Found;
use crate::model::{Domain, DomainKey};
use crate::policy::Effective;
use crate::snapshot::Snapshot;
use crate::status::Status;
use crate::text;
use crate::trace::{Check, Entry, Origin, Resolution, Setting, Value, What};
use std::ops::ControlFlow;

/// Longest user ID in characters.
const USER_MAX: usize = 255;

/// What a typed name means.
pub(super) struct Named<'a> {
    /// The user ID without a domain part.
    pub(super) user: &'a str,
    /// The domain, if it exists.
    pub(super) domain: Option<&'a Domain>,
    /// The step that found it.
    pub(super) rule: Resolution,
}

impl<'a> Named<'a> {
    /// The domain, if it exists and the policy serves it.
    pub(super) fn served(&self, policy: &Effective) -> Option<&'a Domain> {
        self.domain.filter(|domain| accepts(policy, domain))
    }
}

/// Whether a policy serves the users of a domain.
pub(super) fn accepts(policy: &Effective, domain: &Domain) -> bool {
    policy.accepted_domains.is_empty()
        || policy
            .accepted_domains
            .iter()
            .any(|name| text::fold(name) == domain.folded)
}

/// The user ID as typed, or why it cannot be read.
pub(super) fn readable<'a>(attempt: &Attempt<'a>) -> Result<&'a str, Resolution> {
    match attempt.user {
        Err(_) => Err(Resolution::Unreadable),
        Ok("") => Err(Resolution::Empty),
        Ok(user) if user.len() > USER_MAX && user.chars().count() > USER_MAX => {
            Err(Resolution::TooLong)
        }
        Ok(user) if text::has_control(user) => Err(Resolution::Unreadable),
        Ok(user) => Ok(user),
    }
}

/// What the directories must be asked to know whom a name means: nothing under the simple mechanism, nor where the
/// domain was sent separately or the name has no domain part.
fn question(typed: &str, attempt: &Attempt<'_>, snapshot: &Snapshot) -> Option<Ask> {
    if attempt.domain.is_some() || !typed.contains(['\\', '@']) {
        return None;
    }
    let mechanism = snapshot.settings.text("name_resolution");
    (mechanism != "simple").then(|| Ask {
        engine: mechanism.to_owned(),
        domain: DomainKey::default(),
        user: typed.to_owned(),
        wanted: Wanted::Resolve,
    })
}

/// Finds user and domain in what was typed, as far as it is known; `None` while the directories must be asked.
pub(super) fn known<'a>(
    typed: &'a str,
    attempt: &Attempt<'a>,
    policy: &Effective,
    snapshot: &'a Snapshot,
    answers: &'a Answers,
) -> Option<Named<'a>> {
    let Some(ask) = question(typed, attempt, snapshot) else {
        return Some(name(typed, attempt, policy, snapshot));
    };
    match answers.of(&Question::BackEnd(Box::new(ask)))? {
        Answer::BackEnd(heard) => match &heard.said {
            Said::Resolved(Some(resolved)) => Some(of_directory(resolved, snapshot)),
            _ => None,
        },
        _ => None,
    }
}

fn of_directory<'a>(resolved: &'a Resolved, snapshot: &'a Snapshot) -> Named<'a> {
    Named {
        user: &resolved.user,
        domain: snapshot.domains.named(&resolved.domain),
        rule: Resolution::Directory,
    }
}

/// Finds user and domain in what was typed, by the simple mechanism.
pub(super) fn name<'a>(
    typed: &'a str,
    attempt: &Attempt<'a>,
    policy: &Effective,
    snapshot: &'a Snapshot,
) -> Named<'a> {
    let domains = &snapshot.domains;
    if let Some(name) = attempt.domain {
        return Named {
            user: typed,
            domain: domains.named(name),
            rule: Resolution::Separate,
        };
    }
    if let Some((user, name)) = typed.rsplit_once('@')
        && !user.is_empty()
        && let Some(domain) = domains.named(name)
    {
        return Named {
            user,
            domain: Some(domain),
            rule: Resolution::AtDomain,
        };
    }
    match policy.default_domain.as_str() {
        "" => Named {
            user: typed,
            domain: domains.master(),
            rule: Resolution::Master,
        },
        name => Named {
            user: typed,
            domain: domains.named(name),
            rule: Resolution::PolicyDefault,
        },
    }
}

/// -108: a password protocol that the policy does not answer.
pub(super) fn protocol(case: &mut Case<'_>) -> Flow {
    let protocol = match case.attempt.credentials {
        Credentials::Hashed { protocol, .. } => protocol,
        Credentials::Combined(_) if case.attempt.via == Via::Radius => "pap",
        _ => return ControlFlow::Continue(()),
    };
    if case.policy.allows_protocol(protocol) {
        return ControlFlow::Continue(());
    }
    let allowed = u32::try_from(case.policy.radius_protocols.len()).unwrap_or(u32::MAX);
    case.note(Setting::RadiusProtocols, Value::Size(allowed));
    case.failed(Check::Protocol, 0, 0);
    refuse_noting(
        Status::UNSUPPORTED,
        "the policy does not answer this password protocol",
    )
}

/// 1123, 1124: a record of the account cannot be read.
pub(super) fn records(case: &mut Case<'_>) -> Flow {
    let Found::Unreadable(status, which) = case.facts.account else {
        return ControlFlow::Continue(());
    };
    case.failed(Check::Record, 0, 0);
    let code = if *status == Status::DATA_RECORD_MIGRATION_FAILED {
        Code::RECORD_NOT_CONVERTED
    } else {
        Code::RECORD_VERSION_UNKNOWN
    };
    case.events.push((code, Some(which.clone().into())));
    refuse_noting(*status, which.clone())
}

/// 1000: a user ID or password that cannot be read at all.
pub(super) fn credentials(case: &mut Case<'_>) -> Flow {
    if case.attempt.via == Via::Challenge {
        return ControlFlow::Continue(()); // bound to nobody
    }
    let password = matches!(case.attempt.credentials, Credentials::Combined(Err(_)));
    let rule = match readable(case.attempt) {
        Ok(_) if !password => return ControlFlow::Continue(()),
        Ok(_) => Resolution::Unreadable,
        Err(rule) => rule,
    };
    case.trace.push(Entry::Resolved { rule, domain: "" });
    refuse_noting(Status::INVCREDENTIALS, crate::trace::Word::text(rule))
}

/// 1010, -10: whom the name means, if need be by the directories' word.
fn meant<'a>(case: &mut Case<'a>) -> Flow<Named<'a>> {
    let (typed, snapshot) = (case.user, case.facts.snapshot);
    let Some(ask) = question(typed, case.attempt, snapshot) else {
        return ControlFlow::Continue(name(typed, case.attempt, case.policy, snapshot));
    };
    let mechanism = snapshot.settings.text("name_resolution");
    case.note_from(
        Setting::NameResolution,
        Value::Word(mechanism),
        Origin::Deployment,
    );
    let heard = case.ask_servers(What::Resolve, ask)?;
    match &heard.said {
        Said::Resolved(Some(resolved)) => ControlFlow::Continue(of_directory(resolved, snapshot)),
        Said::Resolved(None) => {
            case.trace.push(Entry::Resolved {
                rule: Resolution::NotInDirectory,
                domain: "",
            });
            refuse(Status::USER_UNKNOWN)
        }
        other => {
            case.denied = Some(heard);
            super::back_end::refusal(other)
        }
    }
}

/// 1010: no such domain, or one that the policy does not serve.
pub(super) fn user(case: &mut Case<'_>) -> Flow {
    let named = meant(case)?;
    case.user = named.user;
    case.domain = named.domain;
    let Some(domain) = named.domain else {
        if named.rule == Resolution::PolicyDefault {
            let default = case.policy;
            case.note(Setting::DefaultDomain, Value::Word(&default.default_domain));
        }
        case.trace.push(Entry::Resolved {
            rule: Resolution::NoSuchDomain,
            domain: "",
        });
        return refuse(Status::USER_UNKNOWN);
    };
    if accepts(case.policy, domain) {
        case.trace.push(Entry::Resolved {
            rule: named.rule,
            domain: &domain.name,
        });
        return ControlFlow::Continue(());
    }
    let accepted = u32::try_from(case.policy.accepted_domains.len()).unwrap_or(u32::MAX);
    case.note(Setting::AcceptedDomains, Value::Size(accepted));
    case.trace.push(Entry::Resolved {
        rule: Resolution::NotAccepted,
        domain: &domain.name,
    });
    refuse(Status::USER_UNKNOWN)
}
