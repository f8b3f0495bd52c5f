//! The audit records of a command: one main record always, done or refused, and the events it brought about.

use super::table::Verb;
use super::{Caller, Command, Refusal};
use crate::Status;
use crate::audit::{Code, Letter, Record};
use crate::time::Timestamp;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

/// An event of a command. One whose code is a success takes the place of the main record's code.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    code: Code,
    target: String,
    output: Option<Json>,
}

impl Event {
    /// An event about an object.
    pub(super) fn new(code: Code, target: &str) -> Self {
        Self {
            code,
            target: target.to_owned(),
            output: None,
        }
    }

    /// The same with details; they hold no secret.
    pub(super) fn with(mut self, output: Json) -> Self {
        self.output = Some(output);
        self
    }
}

/// The records of a command that was done.
pub(super) fn done(
    caller: &Caller,
    at: Timestamp,
    command: &Command,
    events: Vec<Event>,
) -> Vec<Record> {
    let (main, events): (Vec<Event>, Vec<Event>) = events
        .into_iter()
        .partition(|event| event.code.letter() == Letter::S);
    let code = main.first().map_or(Code::COMMAND_DONE, |event| event.code);
    let mut record = about(caller, at, code, command.verb, command.masked());
    record.status = Some(Status::SUCCESS);
    record.amid = caller.request;
    record.output = main.into_iter().find_map(|event| event.output);
    std::iter::once(record)
        .chain(self::events(caller, at, command, events))
        .collect()
}

/// The records of events of a command.
pub(super) fn events(
    caller: &Caller,
    at: Timestamp,
    command: &Command,
    events: Vec<Event>,
) -> impl Iterator<Item = Record> {
    events
        .into_iter()
        .enumerate()
        .map(move |(place, event)| of_event(caller, at, command, place, event))
}

/// The record of a command that was refused.
pub(super) fn refused(
    caller: &Caller,
    at: Timestamp,
    verb: &Verb,
    input: Map<String, Json>,
    refusal: &Refusal,
) -> Record {
    let mut record = about(caller, at, Code::COMMAND_REFUSED, verb, input);
    record.status = Some(refusal.status);
    record.reason = Some(refusal.detail.clone().into());
    record
}

/// A record about one row of an import; `place` tells it from the others of the request.
pub(super) fn of_row(
    caller: &Caller,
    at: Timestamp,
    code: Code,
    verb: &Verb,
    place: u64,
) -> Record {
    let mut record = about(caller, at, code, verb, Map::new());
    record.amid = amid(caller.request, place | 1 << 62);
    record.input = None;
    record
}

/// The record of a change that a synchronisation makes, as the verb would leave it; `place` tells it from the others.
pub(super) fn of_change(
    caller: &Caller,
    at: Timestamp,
    verb: &Verb,
    place: u64,
    input: Map<String, Json>,
) -> Record {
    let mut record = about(caller, at, Code::COMMAND_DONE, verb, input);
    record.amid = amid(caller.request, place | 1 << 61);
    record.status = Some(Status::SUCCESS);
    record
}

fn of_event(
    caller: &Caller,
    at: Timestamp,
    command: &Command,
    place: usize,
    event: Event,
) -> Record {
    let mut record = about(caller, at, event.code, command.verb, command.masked());
    record.amid = amid(caller.request, place as u64);
    record.input = None;
    record.target = Some(event.target.into());
    record.output = event.output;
    record
}

fn about(
    caller: &Caller,
    at: Timestamp,
    code: Code,
    verb: &Verb,
    input: Map<String, Json>,
) -> Record {
    let text = |name: &str| {
        input
            .get(name)
            .and_then(Json::as_str)
            .map(|text| text.to_owned().into())
    };
    let mut record = Record::new(code, caller.request, at);
    record.category = crate::audit::Category::Administration;
    record.request_id = Some(HEXLOWER.encode(&caller.request).into());
    record.user = Some(caller.id.clone().into());
    record.domain = Some(caller.domain.clone().into());
    record.component_type = Some(caller.component_type.clone().into());
    record.client_location = Some(caller.source.clone().into());
    record.command = Some(verb.name().into());
    record.target_user = text("user");
    record.target_domain = text("domain");
    record.serial = text("serial");
    record.application = text("application");
    record.target = text("name")
        .or_else(|| text("policy_id"))
        .or_else(|| text("location"))
        .or_else(|| text("id"));
    record.input = Some(Json::Object(input));
    record
}

/// Identity of an event: follows from that of the request, so that a command decided again writes the same.
fn amid(request: [u8; 16], place: u64) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(request);
    hash.update(place.to_be_bytes());
    let mut amid = [0; 16];
    amid.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    amid
}
