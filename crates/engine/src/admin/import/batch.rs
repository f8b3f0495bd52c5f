//! Rows decided together.

use super::read::{Row, RowError};
use super::row::{self, Pending, Working};
use super::{Options, Order};
use crate::Status;
use crate::admin::needs::{AccountRef, Needs};
use crate::admin::table::authenticator_type;
use crate::admin::{Caller, Context, Fields, Given, Put, Refusal, Verb, Write, kind, record};
use crate::audit::{Code, Record};
use crate::decision::Change;
use crate::facts::Account;
use crate::model::UserKey;
use crate::snapshot::Snapshot;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What a batch of rows comes to.
#[derive(Debug)]
pub struct BatchDecision {
    /// The answer of each row, in their order.
    pub answers: Vec<RowAnswer>,
    /// What changes; nothing in a dry run.
    pub changes: Vec<Change>,
    /// A record for each refused row and each assignment.
    pub records: Vec<Record>,
}

/// How one row ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowAnswer {
    /// Line or key package, from 1.
    pub place: u64,
    /// Serial number, where it could be read.
    pub serial: Option<String>,
    /// Application.
    pub application: Option<String>,
    /// How it ended.
    pub status: Status,
    /// What is wrong.
    pub detail: Option<String>,
    /// What to know.
    pub warnings: Vec<String>,
}

impl RowAnswer {
    /// The entry of `rows[]`.
    pub fn to_json(&self) -> Map<String, Json> {
        let entry = json!({
            "row": self.place,
            "serial": self.serial,
            "application": self.application,
            "status_code": self.status.number(),
            "status": self.status.name(),
            "message": self.detail.as_deref().unwrap_or_else(|| self.status.message()),
            "warnings": self.warnings,
        });
        match entry {
            Json::Object(entry) => entry,
            _ => Map::new(),
        }
    }
}

/// What must be loaded for a batch.
pub fn needs(rows: &[Result<Row, RowError>], options: &Options, snapshot: &Snapshot) -> Needs {
    let mut needs = Needs::none().with_owners();
    for row in rows.iter().flatten() {
        if let Some(serial) =
            kind::serial(&row.serial).filter(|serial| !needs.authenticators.contains(serial))
        {
            needs.authenticators.push(serial);
        }
        let domain = row.domain.as_deref().or(options.domain.as_deref());
        if let Some(account) = AccountRef::of(snapshot, domain, row.user.as_deref())
            .filter(|account| !needs.accounts.contains(account))
        {
            needs.accounts.push(account);
        }
    }
    needs
}

/// Decides a batch: each row by itself, those before it taken into account.
pub fn decide(
    caller: &Caller,
    verb: &'static Verb,
    order: &Order,
    rows: &[Result<Row, RowError>],
    given: Given<'_>,
) -> BatchDecision {
    let fields = Fields::default();
    let context = Context {
        caller,
        fields: &fields,
        given,
    };
    let mut batch = Batch::default();
    let answers: Vec<RowAnswer> = rows
        .iter()
        .map(|row| answer(&context, &mut batch, &order.options, row))
        .collect();
    let mut records: Vec<Record> = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.status.is_success()) {
        records.push(refused_row(caller, given, verb, answer));
    }
    if order.options.dry_run {
        return BatchDecision {
            answers,
            changes: Vec::new(),
            records,
        };
    }
    let assigned = batch.working.values().filter(|working| working.assigned);
    records.extend(assigned.map(|working| assigned_row(caller, given, verb, working)));
    BatchDecision {
        answers,
        changes: batch.changes(given),
        records,
    }
}

fn answer(
    context: &Context<'_>,
    batch: &mut Batch,
    options: &Options,
    row: &Result<Row, RowError>,
) -> RowAnswer {
    match row {
        Err(error) => RowAnswer {
            place: error.place,
            serial: error.serial.clone(),
            application: None,
            status: Status::INVDATA,
            detail: Some(error.detail.clone()),
            warnings: Vec::new(),
        },
        Ok(row) => {
            let before = batch.mark();
            let (status, detail, warnings) = match row::take(context, batch, options, row) {
                Ok(warnings) => (Status::SUCCESS, None, warnings),
                Err(Refusal { status, detail }) => {
                    batch.back_to(before);
                    (status, Some(detail), Vec::new())
                }
            };
            let (serial, application) = (Some(row.serial.clone()), Some(row.application.clone()));
            RowAnswer {
                place: row.place,
                serial,
                application,
                status,
                detail,
                warnings,
            }
        }
    }
}

fn refused_row(caller: &Caller, given: Given<'_>, verb: &Verb, answer: &RowAnswer) -> Record {
    let mut record = record::of_row(
        caller,
        given.at,
        Code::IMPORT_ROW_REFUSED,
        verb,
        answer.place,
    );
    record.status = Some(answer.status);
    record.serial = answer.serial.clone().map(Into::into);
    record.application = answer.application.clone().map(Into::into);
    record.reason = answer.detail.clone().map(Into::into);
    record.target = Some(format!("row {}", answer.place).into());
    record
}

fn assigned_row(caller: &Caller, given: Given<'_>, verb: &Verb, working: &Working) -> Record {
    let row = working.authenticator.key.0.unsigned_abs();
    let mut record = record::of_row(
        caller,
        given.at,
        Code::ASSIGNED_BY_ADMIN,
        verb,
        row | 1 << 63,
    );
    record.serial = Some(working.authenticator.serial.clone().into());
    record
}

/// What the rows so far make of the store.
#[derive(Debug, Default)]
pub(super) struct Batch {
    working: BTreeMap<String, Working>,
    accounts: BTreeMap<UserKey, Account>,
    types: Vec<String>,
    rows: i64,
}

impl Batch {
    pub(super) fn working(&self, serial: &str) -> Option<&Working> {
        self.working.get(serial)
    }

    pub(super) fn account(&self, key: UserKey) -> Option<&Account> {
        self.accounts.get(&key)
    }

    /// A place holder for a new row of the store.
    pub(super) fn next_row(&mut self) -> i64 {
        self.rows -= 1;
        self.rows
    }

    pub(super) fn makes_type(&self, name: &str) -> bool {
        self.types
            .iter()
            .any(|own| crate::text::fold(own) == crate::text::fold(name))
    }

    pub(super) fn make_type(&mut self, name: &str) {
        self.types.push(name.to_owned());
    }

    pub(super) fn keep(&mut self, serial: String, working: Working, account: Option<Account>) {
        self.working.insert(serial, working);
        if let Some(account) = account {
            self.accounts.insert(account.user.key, account);
        }
    }

    fn mark(&self) -> usize {
        self.types.len()
    }

    /// A refused row leaves no type behind; its other work was never kept.
    fn back_to(&mut self, types: usize) {
        self.types.truncate(types);
    }

    fn changes(self, given: Given<'_>) -> Vec<Change> {
        let mut writes = Vec::new();
        for (place, name) in (1_i64..).zip(&self.types) {
            let mut kind = authenticator_type::generic(name, given.at);
            kind.key = -place;
            writes.push(Write::Type(Put::new(kind)));
        }
        for working in self.working.into_values() {
            push(&mut writes, working);
        }
        writes.into_iter().map(Change::Write).collect()
    }
}

fn push(writes: &mut Vec<Write>, working: Working) {
    let key = working.authenticator.key;
    let put = match working.stored {
        Some(revision) => Put::over(revision, working.authenticator),
        None => Put::new(working.authenticator),
    };
    writes.push(Write::Authenticator(Box::new(put)));
    for Pending {
        application,
        stored,
        state,
        secrets,
    } in working.applications
    {
        if let Some((version, state)) = state {
            writes.push(Write::ApplicationState(application.key, version, state));
        }
        let mut put = match stored {
            Some(revision) => Put::over(revision, application),
            None => Put::new(application),
        };
        put.secrets = secrets;
        writes.push(Write::Application(key, Box::new(put)));
    }
}
