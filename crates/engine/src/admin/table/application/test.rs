//! A one-time password tested by an administrator: a logon in all but name (administration.md 3), narrowed to one
//! application, decided by the rules of every logon.

use super::found;
use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::{Refusal, Stop};
use crate::attempt::{Answered, Attempt, AuthType, Credentials, HostCode, Separate, Via};
use crate::authenticate;
use crate::decision::{Change, Decision, Step, Verdict};
use crate::facts::{Account, Facts, Found};
use crate::model::{
    Application, Authenticator, Charset, Component, ComponentKey, Location, Meta, NotHandled,
    UserKey,
};
use crate::policy::{
    ApplicationTypeFilter, BackEndAuth, Effective, GroupCheck, LocalAuth, RequestMethod,
};
use serde_json::{Map, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The account that stands for the owner of a free authenticator; nothing of it is stored.
const NOBODY: UserKey = UserKey(i64::MIN);

pub(super) fn test(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (authenticator, application) = found(context)?;
    let account = account(context, authenticator, application);
    let policy = Arc::new(policy(context)?);
    let component = component(&policy);
    let domain = context.given.snapshot.domains.name(account.user.domain);
    let user = account.user.id.clone();
    let (otp, pin) = (context.fields.secret("otp"), context.fields.secret("pin"));
    let attempt = Attempt {
        id: context.caller.request,
        request_id: None,
        at: context.given.at,
        via: Via::Authenticate,
        component: &component,
        policy: Ok(policy),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        nas: None,
        user: Ok(&user),
        domain: Some(domain),
        credentials: Credentials::Separate(Separate {
            otp,
            pin,
            ..Separate::default()
        }),
        answers_challenge: Answered::default(),
        auth_type: AuthType::Auto,
        host_code: HostCode::None,
        serial: None,
        challenge_message: None,
        call_check: false,
    };
    let given = context.given;
    let account = Found::Account(Arc::new(account));
    let facts = Facts {
        snapshot: given.snapshot,
        account: &account,
        challenges: &[],
        outstanding: 0,
        vault: given.vault,
    };
    match authenticate::decide(&attempt, &facts, given.answers, given.dice) {
        Step::Ask(question) => Err(Stop::Ask(question)),
        Step::Done(decision) => Ok(told(*decision)),
    }
}

fn told(decision: Decision) -> Outcome {
    let status = match &decision.verdict {
        Verdict::Accept(_) => Status::SUCCESS,
        Verdict::Refuse { status, .. } => *status,
        Verdict::Challenge(asked) => asked.status,
    };
    let verdict = json!({"valid": status.is_success(), "status_code": status.number(), "status": status.name()});
    let mut result = Map::new();
    result.insert("verdict".to_owned(), verdict);
    let kept = decision.changes.into_iter().filter(|change| match change {
        Change::Application { .. } | Change::EndGrace { .. } => true,
        Change::User { key, .. } => *key != NOBODY,
        _ => false,
    });
    Outcome {
        changes: kept.collect(),
        ..Outcome::answer(result)
    }
}

/// The owner with this application alone, under its rules and no other.
fn account(
    context: &Context<'_>,
    authenticator: &Authenticator,
    application: &Application,
) -> Account {
    let owner = authenticator.user.and_then(|key| context.account_at(key));
    let mut account = owner.map_or_else(
        || {
            super::super::user::account_of(
                context.given.snapshot,
                authenticator.domain,
                "-",
                context.given.at,
            )
        },
        |owner| owner.as_ref().clone(),
    );
    if owner.is_none() {
        account.user.key = NOBODY;
        account.owner = NOBODY;
    }
    account.user.overrides = None;
    account.authenticators = vec![Authenticator {
        applications: vec![application.clone()],
        ..authenticator.clone()
    }];
    account
}

/// The windows and limits of the policy, without its filters, back-ends and request methods.
fn policy(context: &Context<'_>) -> Result<Effective, Refusal> {
    let snapshot = context.given.snapshot;
    let id = context
        .fields
        .text("policy")
        .unwrap_or(snapshot.server_policy());
    let policy = snapshot
        .policies
        .effective(id)
        .map_err(|invalid| Refusal::new(invalid.status(), invalid.to_string()))?;
    let mut policy = policy.as_ref().clone();
    policy.local_auth = LocalAuth::AuthenticatorOnly;
    policy.back_end_auth = BackEndAuth::None;
    policy.group_check = GroupCheck::Off;
    policy.accepted_domains.clear();
    policy.admins_may_authenticate = true;
    policy.generic_status_codes = false;
    policy.authenticator_types.clear();
    policy.application_names.clear();
    policy.application_type = ApplicationTypeFilter::Any;
    policy.challenge_request_method = RequestMethod::None;
    Ok(policy)
}

/// A client that cannot be asked for a second value: a test is one value.
fn component(policy: &Effective) -> Component {
    Component {
        key: ComponentKey(0),
        kind: "admin_program".to_owned(),
        location: Location::Default,
        nas_id: String::new(),
        policy: policy.policy().to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: std::collections::BTreeMap::new(),
        challenges: false,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: Meta::default(),
    }
}
