use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::record::Event;
use crate::admin::{Refusal, Stop, account};
use crate::audit::Code;
use crate::authenticate::merged_contact;
use crate::back_end::{Ask, Heard, Said, UserInfo, Wanted};
use crate::decision::{Answer, Question};
use crate::facts::Account;
use crate::model::Protocol;
use serde_json::json;

/// Copies what the directory knows of a person; 1121 with the reason and W-016004 where it cannot be taken over.
pub(super) fn sync(context: &Context<'_>) -> Result<Outcome, Stop> {
    let account = context.account("user", "domain")?;
    let heard = ask(context, account)?;
    let info = match information(&heard)? {
        Ok(info) => info,
        Err(why) => return Ok(failed(account, &why)),
    };
    let after = merged_contact(account.user.contact.as_deref(), info);
    if after.as_deref() == account.user.contact.as_deref() {
        return Ok(Outcome::answer(account::shown(context, account)));
    }
    Ok(account::changed(context, account, |user| {
        user.contact = after;
    }))
}

fn ask(context: &Context<'_>, account: &Account) -> Result<Heard, Stop> {
    let user = &account.user;
    let question = Question::BackEnd(Box::new(Ask {
        engine: directory(context, account)?.to_owned(),
        domain: user.domain,
        user: user.id.clone(),
        wanted: Wanted::UserInfo,
    }));
    match context.given.answers.of(&question) {
        None => Err(Stop::Ask(question)),
        Some(Answer::BackEnd(heard)) => Ok(heard.as_ref().clone()),
        Some(Answer::TimedOut) => Err(refusal(Status::COMMS, "no back-end answered in time")),
        Some(_) => Err(refusal(Status::UNSUPPORTED, "nobody can be asked")),
    }
}

/// The protocol of the first back-end of the user that may know of persons.
fn directory(context: &Context<'_>, account: &Account) -> Result<&'static str, Stop> {
    let servers = context
        .given
        .snapshot
        .back_ends
        .servers("", account.user.domain);
    let knows = servers
        .iter()
        .find(|one| !matches!(one.protocol, Protocol::Radius(_)));
    knows.map(|one| one.protocol.word()).ok_or_else(|| {
        refusal(
            Status::CONFIG,
            "no enabled back-end that knows of persons serves the domain; backend/create makes one",
        )
    })
}

/// What the directory knows, or why it cannot be taken over.
fn information(heard: &Heard) -> Result<Result<&UserInfo, String>, Stop> {
    let told = |why: &str| {
        let parts = [heard.server.as_str(), why, heard.note.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(": ")
    };
    match &heard.said {
        Said::Info(info) => Ok(Ok(info)),
        Said::InfoUnusable(why) => Ok(Err(told(why))),
        Said::Unreachable => Err(refusal(Status::COMMS, told("no back-end answered"))),
        Said::Busy => Err(refusal(
            Status::BUSY,
            "the limit of requests to back-ends is reached",
        )),
        Said::Unsupported => Err(refusal(
            Status::UNSUPPORTED,
            told("this back-end knows nothing of persons"),
        )),
        _ => Ok(Err(told("the directory does not know the user"))),
    }
}

fn refusal(status: Status, detail: impl Into<String>) -> Stop {
    Refusal::new(status, detail).into()
}

fn failed(account: &Account, why: &str) -> Outcome {
    let event = Event::new(Code::USER_NOT_SYNCHRONISED, &account.user.id);
    Outcome::refused(Refusal::new(Status::USER_SYNC_FAILED, why))
        .event(event.with(json!({"reason": why})))
}
