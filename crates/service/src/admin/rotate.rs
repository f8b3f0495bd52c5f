//! The rotation of data keys as a job: sealed fields are sealed anew, some at a time, while the node serves. How far it is stands in
//! the store, so that it goes on after a start, here or on another node.

use crate::node::Node;
use countersign_engine::Status;
use countersign_engine::admin::{Refusal, Write, view};
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::model::{Rotation, RotationState};
use countersign_keyring::{KeyClass, Keyring, rotation};
use countersign_store::{Outcome, Resealed, StoreError, Work};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CLASSES: [KeyClass; 3] = [KeyClass::Storage, KeyClass::Sensitive, KeyClass::Audit];
/// Sealed fields of one step.
const STEP: u32 = 200;
/// Seconds after which the work of a node that says nothing is taken over by another.
const SILENT_S: i64 = 30;
/// Pause after an error of the store.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest pause between two steps.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Most records about fields that do not open that one step leaves.
const MOST_TOLD: usize = 20;

/// The rotation that a new key begins, in the place of the newest one.
pub(super) fn begun(
    node: &Node,
    class: &str,
    from: Option<String>,
    to: String,
) -> Result<Rotation, Refusal> {
    let newest = read(node)?;
    if let Some(running) = newest
        .as_ref()
        .filter(|one| one.state == RotationState::Running)
    {
        return Err(Refusal::contradiction(format!(
            "a rotation of class {} is under way on node {}; key/rotation-status tells how far it is, key/abort-rotation ends it",
            running.class, running.node
        )));
    }
    let now = Node::now();
    Ok(Rotation {
        version: newest.map_or(0, |newest| newest.version),
        class: class.to_owned(),
        from,
        to,
        state: RotationState::Running,
        node: node.name().to_owned(),
        started: now,
        seen: now,
        ended: None,
        total: None,
        done: 0,
        shut: 0,
        at_field: 0,
        at_row: 0,
    })
}

/// The rotation under way as it is when it is aborted.
pub(super) fn aborted(node: &Node) -> Result<Rotation, Refusal> {
    let running = read(node)?.filter(|one| one.state == RotationState::Running);
    let running = running.ok_or_else(|| {
        Refusal::contradiction(
            "no rotation is under way; key/rotation-status tells of the last one",
        )
    })?;
    let now = Node::now();
    Ok(Rotation {
        state: RotationState::Aborted,
        ended: Some(now),
        ..running
    })
}

fn read(node: &Node) -> Result<Option<Rotation>, Refusal> {
    node.store()
        .rotation()
        .map_err(|error| Refusal::new(error.status(), error.to_string()))
}

/// The newest rotation, and on demand how many fields of each class still wait for the active key.
pub(super) fn status(
    node: &Node,
    ring: &Keyring,
    count: bool,
) -> Result<Map<String, Value>, Refusal> {
    let newest = read(node)?.map_or(Value::Null, |newest| Value::Object(view::rotation(&newest)));
    let mut result = Map::new();
    result.insert("rotation".to_owned(), newest);
    if count {
        let named = node.store().keys_in_use();
        let named = named.map_err(|error| Refusal::new(error.status(), error.to_string()))?;
        let classes = CLASSES.iter().map(|class| {
            let waiting = rotation::waiting(ring, *class, &named);
            json!({"class": class.name(), "waiting": waiting, "done": waiting == 0})
        });
        result.insert("classes".to_owned(), classes.collect());
    }
    Ok(result)
}

/// Goes on with a rotation that is under way and that nobody else works on, in a thread of its own.
pub(crate) fn follow(node: &Arc<Node>) {
    if node.rotating().swap(true, Ordering::AcqRel) {
        return;
    }
    let working = Arc::clone(node);
    let thread = std::thread::Builder::new().name("rotation".to_owned());
    if let Err(error) = thread.spawn(move || work(&working)) {
        node.rotating().store(false, Ordering::Release);
        tracing::error!(%error, "the rotation of keys waits: its thread cannot be started");
    }
}

fn work(node: &Node) {
    loop {
        run(node);
        node.rotating().store(false, Ordering::Release);
        // One that began between the last look and this line was not told to anybody.
        let more = || {
            node.is_accepting()
                && matches!(node.store().rotation(), Ok(Some(job)) if is_ours(node, &job))
        };
        if !more() || node.rotating().swap(true, Ordering::AcqRel) {
            return;
        }
    }
}

/// Whether a node works on a rotation; a place in [`Node`].
pub(crate) type Rotating = AtomicBool;

fn run(node: &Node) {
    let mut pass = Pass::default();
    while node.is_accepting() {
        let begun = Instant::now();
        match step(node, &mut pass) {
            Ok(true) => std::thread::sleep(begun.elapsed().min(LONGEST_PAUSE)), // half of the time is for logons
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(
                    "failed to {error}: the rotation of keys goes on when the store does"
                );
                std::thread::sleep(PATIENCE);
            }
        }
    }
}

/// What one walk over all fields brought so far.
#[derive(Default)]
struct Pass {
    resealed: u64,
    /// This node has counted and claimed the rotation.
    claimed: Option<i64>,
}

/// One step; false when there is nothing to do here.
fn step(node: &Node, pass: &mut Pass) -> Result<bool, StoreError> {
    let Some(job) = node.store().rotation()?.filter(|job| is_ours(node, job)) else {
        return Ok(false);
    };
    if pass.claimed != Some(job.started.0) {
        return claim(node, job, pass);
    }
    let next = node
        .store()
        .reseal_batch(&Resealed::at((job.at_field, job.at_row)), STEP)?;
    pass.resealed += next.resealed;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (at_field, at_row) = next.position();
    let mut new = Rotation {
        done: job.done.saturating_add(number(next.resealed)),
        shut: job
            .shut
            .saturating_add(i64::try_from(next.shut.len()).unwrap_or(i64::MAX)),
        at_field,
        at_row,
        seen: Node::now(),
        ..job
    };
    if next.finished {
        end_of_pass(node, pass, &mut new)?;
    }
    let mut records: Vec<Record> = next
        .shut
        .iter()
        .take(MOST_TOLD)
        .map(|which| unopened(which))
        .collect();
    if new.state == RotationState::Done {
        records.push(finished(&new));
        tracing::info!(
            done = new.done,
            shut = new.shut,
            "every sealed field that opens is under the active keys"
        );
    }
    put(node, new, records)
}

fn is_ours(node: &Node, job: &Rotation) -> bool {
    let silent = Node::now().micros_since(job.seen) > SILENT_S * 1_000_000;
    job.state == RotationState::Running && (job.node == node.name() || silent)
}

/// Counts what there is to do and says that this node does it.
fn claim(node: &Node, job: Rotation, pass: &mut Pass) -> Result<bool, StoreError> {
    let stale = i64::try_from(node.store().count_stale()?).unwrap_or(i64::MAX);
    let total = job.total.unwrap_or(stale);
    *pass = Pass {
        resealed: 0,
        claimed: Some(job.started.0),
    };
    let new = Rotation {
        node: node.name().to_owned(),
        total: Some(total),
        // What was sealed anew just before a stop may not have been told.
        done: job.done.max(total.saturating_sub(stale)),
        seen: Node::now(),
        ..job
    };
    put(node, new, Vec::new())
}

/// A field may have been written under an older key behind the walk, by a node that had not heard of the new one: then it
/// is walked again. What does not open is left.
fn end_of_pass(node: &Node, pass: &mut Pass, job: &mut Rotation) -> Result<(), StoreError> {
    let left = i64::try_from(node.store().count_stale()?).unwrap_or(i64::MAX);
    if left <= job.shut || pass.resealed == 0 {
        job.state = RotationState::Done;
        job.ended = Some(Node::now());
        job.shut = left;
        return Ok(());
    }
    pass.resealed = 0;
    (job.at_field, job.at_row, job.shut) = (0, 0, 0);
    Ok(())
}

fn put(node: &Node, job: Rotation, records: Vec<Record>) -> Result<bool, StoreError> {
    let work = Work {
        token: 0,
        changes: vec![Change::Write(Write::Rotation(Box::new(job)))],
        records,
        trace: Vec::new(),
    };
    match node.store().commit(work) {
        // After a conflict it is read anew: it was aborted, or another node took it over.
        Outcome::Committed | Outcome::Conflict => Ok(true),
        Outcome::Failed(error) => Err(error),
    }
}

fn record(code: Code) -> Record {
    let arrival = Node::arrival();
    Record::new(code, arrival.id, arrival.at)
}

fn unopened(which: &str) -> Record {
    let mut record = record(Code::SEALED_FIELD_UNOPENED);
    record.target = Some(which.to_owned().into());
    record.status = Some(Status::CRYPTO);
    record
}

fn finished(job: &Rotation) -> Record {
    let mut record = record(Code::ROTATION);
    record.target = Some(job.class.clone().into());
    record.output = Some(
        json!({"class": job.class, "rotation": "finished", "from": job.from, "to": job.to, "done": job.done, "shut": job.shut}),
    );
    record
}
