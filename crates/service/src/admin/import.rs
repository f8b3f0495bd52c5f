use super::Run;
use crate::node::Node;
use crate::reply::{Problem, Reply};
use countersign_engine::admin::import::{self, Order, RowAnswer, Tally};
use countersign_engine::admin::{self, AdminDecision, Caller, Given, Refusal, Verb};
use countersign_engine::{Secret, Status};
use countersign_store::{Outcome, Work};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Rows decided and committed together.
const BATCH: usize = 200;
/// How often a batch is decided again after conflicts.
const MOST_TRIES: u32 = 20;
/// Longest file that stands in a JSON body.
const IN_BODY: usize = 1 << 20;

/// Runs an import whose file is the request body, its options the query string.
///
/// # Errors
/// There is no such import (404), the file is too large (413), or the node is stopping (503).
pub async fn run(
    node: &Arc<Node>,
    caller: Caller,
    verb: &str,
    options: Map<String, Value>,
    file: Vec<u8>,
) -> Result<Reply, Problem> {
    let most =
        usize::try_from(node.snapshot().settings.number("import.max_bytes")).unwrap_or(IN_BODY);
    if file.len() > most {
        return Err(Problem::new(
            413,
            "Too large",
            format!("The file is longer than import.max_bytes, {most} bytes."),
        ));
    }
    let mut body = options;
    body.insert("data".to_owned(), Value::from("-")); // the real file follows beside the command, not in JSON
    super::execute_with(node, caller, "import", verb, body, Some(Secret::new(file))).await
}

/// Carries out an import: rows in batches, each row with its own status.
pub(super) async fn carry_out(
    run: &Run<'_>,
    verb: &'static Verb,
    mut decision: AdminDecision,
    mut order: Order,
) -> Result<Reply, Status> {
    if let Some(file) = &run.file {
        order.data = file.clone();
    }
    let most =
        usize::try_from(run.node.snapshot().settings.number("import.max_bytes")).unwrap_or(IN_BODY);
    let reading = order.clone();
    let rows = tokio::task::spawn_blocking(move || reading.rows(most))
        .await
        .map_err(|_| Status::ERROR)?;
    let mut rows = match rows {
        Ok(rows) => rows,
        Err(refusal) => return Ok(run.refuse(verb, &refusal).await),
    };
    if let Some(first) = order.options.from_row {
        rows.retain(|row| {
            row.as_ref()
                .map_or_else(|error| error.place, |row| row.place)
                >= first
        });
    }
    let mut tally = Tally::default();
    let mut answers = Vec::with_capacity(rows.len());
    for batch in rows.chunks(BATCH) {
        if !run.node.is_accepting() {
            cancelled(run, verb, &mut decision, batch.first(), tally);
            break;
        }
        let done = batch_of(run, verb, &order, batch).await?;
        tally.count(&done);
        answers.extend(done);
    }
    tally.finish(&mut decision);
    decision.result.insert(
        "rows".to_owned(),
        answers
            .iter()
            .map(|answer| Value::Object(answer.to_json()))
            .collect(),
    );
    decision.action = None;
    run.settle(decision).await
}

/// The server stops: the rows so far stay, and the caller is told where to go on (1126).
fn cancelled(
    run: &Run<'_>,
    verb: &'static Verb,
    decision: &mut AdminDecision,
    next: Option<&Result<import::Row, import::RowError>>,
    tally: Tally,
) {
    let next = match next {
        Some(Ok(row)) => row.place,
        Some(Err(error)) => error.place,
        None => 0,
    };
    let refusal = Refusal::new(
        Status::CANCEL,
        format!(
            "the server stops: {} rows are done and {} refused; import the same file with from_row {next} to go on",
            tally.done, tally.refused
        ),
    );
    let input = match decision.records.first().map(|record| record.input.clone()) {
        Some(Some(Value::Object(input))) => input,
        _ => Map::new(),
    };
    *decision = admin::refuse(&run.caller, run.at, verb, input, &refusal);
    decision.result.insert("next_row".to_owned(), next.into());
}

async fn batch_of(
    run: &Run<'_>,
    verb: &'static Verb,
    order: &Order,
    rows: &[Result<import::Row, import::RowError>],
) -> Result<Vec<RowAnswer>, Status> {
    for _ in 0..MOST_TRIES {
        let snapshot = run.node.snapshot();
        let needs = import::needs(rows, &order.options, &snapshot);
        let facts = run
            .node
            .store()
            .admin_facts(&needs)
            .map_err(|error| crate::logon::failed(run.node, &error))?;
        let ring = run.node.ring();
        let dice = Node::arrival().dice; // each batch throws its own serials and keys
        let given = Given {
            at: run.at,
            snapshot: &snapshot,
            facts: &facts,
            answers: &run.answers,
            dice: &dice,
            vault: &ring,
        };
        let decided = import::decide(&run.caller, verb, order, rows, given);
        if decided.changes.is_empty() && decided.records.is_empty() {
            return Ok(decided.answers);
        }
        let work = Work {
            token: 0,
            changes: decided.changes,
            records: decided.records,
            trace: Vec::new(),
        };
        match crate::commit::commit(run.node.store(), work).await {
            Outcome::Committed => return Ok(decided.answers),
            Outcome::Conflict => run.node.metrics().conflict(),
            Outcome::Failed(error) => return Err(crate::logon::failed(run.node, &error)),
        }
    }
    Err(Status::STORAGE)
}
