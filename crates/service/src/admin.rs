//! Administration: a command is decided on loaded records, audited and committed, refusals too.

mod action;
mod audit;
mod back_end;
mod import;
pub(crate) mod migrate;
mod query;
mod root;
mod rotate;
mod sync;

pub use import::run as import;
pub(crate) use root::follow as follow_root;
pub(crate) use rotate::{Rotating, follow as follow_rotation};
pub(crate) use sync::Syncing;

use crate::back_end::Asking;
use crate::node::Node;
use crate::reply::{Problem, Reply};
use crate::timing::{self, About, Stage, Timer};
use crate::watch::Alarm;
use countersign_engine::admin::{
    self, AdminDecision, AdminStep, Caller, Command, Given, Refusal, Verb, Write,
};
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::{Answers, Change};
use countersign_engine::dice::Dice;
use countersign_engine::model::Scenario;
use countersign_engine::time::Timestamp;
use countersign_engine::{Secret, Status};
use countersign_store::{Outcome, Work};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Instant;

/// How often a command is decided again after conflicts before it ends with -106.
const MOST_TRIES: u32 = 100;

/// Carries out a command of `/v1/admin`.
///
/// # Errors
/// The object or verb does not exist (404), or the node is stopping (503).
pub async fn execute(
    node: &Arc<Node>,
    caller: Caller,
    object: &str,
    verb: &str,
    body: Map<String, Value>,
) -> Result<Reply, Problem> {
    execute_with(node, caller, object, verb, body, None).await
}

async fn execute_with(
    node: &Arc<Node>,
    caller: Caller,
    object: &str,
    verb: &str,
    body: Map<String, Value>,
    file: Option<Secret>,
) -> Result<Reply, Problem> {
    let verb = admin::find(object, verb).ok_or_else(|| {
        Problem::new(
            404,
            "Not found",
            format!("There is no command {object}/{verb}."),
        )
    })?;
    if let Some(shut) = node.gate().shut(Scenario::Admin) {
        return shut.answer();
    }
    let mut run = Run::new(node, caller);
    run.file = file;
    let reply = match run.read(verb, &body) {
        Ok(command) => run.carry_out(&command).await,
        Err(refusal) => run.refuse(verb, &refusal).await,
    };
    run.end(verb, reply.status);
    Ok(reply)
}

/// One command under way.
struct Run<'n> {
    node: &'n Arc<Node>,
    caller: Caller,
    at: Timestamp,
    arrived: Instant,
    timer: Timer,
    dice: Dice,
    answers: Answers,
    /// The file of an import that came beside the command.
    file: Option<Secret>,
    /// When it must have ended; what only the shell can do may take its own time before.
    deadline: Instant,
}

impl<'n> Run<'n> {
    fn new(node: &'n Arc<Node>, mut caller: Caller) -> Self {
        let arrival = Node::arrival();
        caller.request = arrival.id;
        let arrived = timing::begun().unwrap_or(arrival.instant);
        let mut timer = Timer::start(&node.snapshot().settings, arrived);
        timer.began_with(Stage::Receive);
        Self {
            node,
            caller,
            at: arrival.at,
            arrived,
            timer,
            dice: arrival.dice,
            answers: Answers::default(),
            file: None,
            deadline: Instant::now() + node.snapshot().settings.deadline(),
        }
    }

    /// Counts the command, and keeps its timing where one is wanted.
    fn end(&mut self, verb: &'static Verb, status: Status) {
        let (node, number) = (self.node, status.number());
        tracing::debug!(
            request = crate::auth::id_text(&self.caller.request),
            command = verb.name(),
            status = number,
            took_us = self.arrived.elapsed().as_micros(),
            "command"
        );
        node.metrics()
            .command(verb.object, verb.verb, number, self.arrived.elapsed());
        let mut timer = std::mem::take(&mut self.timer);
        let about = || About {
            id: self.caller.request,
            request_id: None,
            way: "admin",
            command: Some((verb.object, verb.verb)),
            user: Some(self.caller.id.clone()),
            component: None,
            at: self.at,
        };
        let timing = timer.end(about, number.into());
        node.timings().keep(&node.snapshot().settings, timing);
    }

    fn read(&self, verb: &'static Verb, body: &Map<String, Value>) -> Result<Command, Refusal> {
        admin::admit(&self.caller, verb)?;
        Command::read(verb, body)
    }

    async fn carry_out(&mut self, command: &Command) -> Reply {
        for _ in 0..MOST_TRIES {
            match self.decide(command).await {
                Ok(Ended::Again) if Instant::now() >= self.deadline => break,
                Ok(Ended::Again) => self.node.metrics().conflict(),
                Ok(Ended::Reply(reply)) => return *reply,
                Err(status) => return self.bare(status),
            }
        }
        self.bare(Status::STORAGE)
    }

    async fn decide(&mut self, command: &Command) -> Result<Ended, Status> {
        let mut decision = loop {
            let snapshot = self.node.snapshot();
            self.timer.enter(Stage::Load);
            let mut facts = self
                .node
                .store()
                .admin_facts(&admin::needs(command, &snapshot))
                .map_err(|error| crate::logon::failed(self.node, &error))?;
            self.node.measure_silence(&mut facts.nodes);
            self.timer.next(Stage::Decide);
            let ring = self.node.ring();
            let given = Given {
                at: self.at,
                snapshot: &snapshot,
                facts: &facts,
                answers: &self.answers,
                dice: &self.dice,
                vault: &ring,
            };
            let step = admin::decide(&self.caller, command, given);
            self.timer.leave();
            match step {
                AdminStep::Done(mut decision) => {
                    let bounds = facts.bounds();
                    if !decision.changes.is_empty() && !bounds.is_empty() {
                        decision.changes.push(Change::Write(Write::Within(bounds)));
                    }
                    break decision;
                }
                AdminStep::Ask(question) => {
                    let whole = self.node.snapshot().settings.deadline();
                    let until = self.deadline - (whole - crate::ask::patience(whole));
                    self.timer.enter(Stage::asking(&question));
                    let asking = Asking {
                        id: self.caller.request,
                        received: None,
                    };
                    let (answer, waited) =
                        crate::logon::ask_and_tell(self.node, &question, asking, until).await;
                    self.timer.add(Stage::Wait, waited);
                    self.timer.leave();
                    self.answers.add(question, answer);
                }
            }
        };
        if let Some(order) = action::import_order(&decision) {
            self.timer.enter(Stage::Act);
            let reply = import::carry_out(self, command.verb, *decision, order).await?;
            self.timer.leave();
            return Ok(Ended::Reply(Box::new(reply)));
        }
        if let Some(order) = action::sync_order(&decision) {
            self.timer.enter(Stage::Act);
            let reply = sync::carry_out(self, command.verb, *decision, order).await?;
            self.timer.leave();
            return Ok(Ended::Reply(Box::new(reply)));
        }
        self.timer.enter(Stage::Act);
        let acted = match decision.action.take() {
            Some(action) => {
                let acted = action::perform(self.node, &action, &mut decision).await;
                self.deadline = Instant::now() + self.node.snapshot().settings.deadline();
                acted
            }
            None => action::hash_api_keys(self.node, &mut decision),
        };
        if let Err(refusal) = acted {
            *decision = decision.failed(&self.caller, self.at, command, &refusal);
        }
        if let Some(query) = decision.read.take() {
            self.timer.next(Stage::Read);
            query::read(self.node, &query, self.caller.session, &mut decision.result)
                .map_err(|error| crate::logon::failed(self.node, &error))?;
        }
        self.timer.next(Stage::Commit);
        let ended = self.commit(*decision, self.deadline).await;
        self.timer.leave();
        ended
    }

    async fn commit(
        &self,
        mut decision: AdminDecision,
        deadline: Instant,
    ) -> Result<Ended, Status> {
        let result = std::mem::take(&mut decision.result);
        let (moved, rotation) = begins(&decision.changes);
        let work = Work {
            token: 0,
            changes: std::mem::take(&mut decision.changes),
            records: std::mem::take(&mut decision.records),
            trace: Vec::new(),
        };
        match crate::commit::commit_by(self.node.store(), work, deadline.into()).await {
            Outcome::Committed => {}
            Outcome::Conflict => return Ok(Ended::Again),
            Outcome::Failed(error) => return Err(crate::logon::failed(self.node, &error)),
        }
        if rotation {
            rotate::follow(self.node);
        }
        if moved {
            let node = Arc::clone(self.node);
            // The commands after this one are to find the root key that the data keys are under.
            let _ = tokio::task::spawn_blocking(move || root::follow(&node)).await;
        }
        let mut reply = self.bare(decision.status);
        if let Some(detail) = decision.detail {
            reply.message = detail;
        }
        reply.result = result;
        reply.warnings = decision.warnings;
        Ok(Ended::Reply(Box::new(reply)))
    }

    /// Commits a decision that nothing can come before, with a time of its own: an import may have taken long.
    async fn settle(&self, decision: AdminDecision) -> Result<Reply, Status> {
        let deadline = Instant::now() + self.node.snapshot().settings.deadline();
        match self.commit(decision, deadline).await? {
            Ended::Reply(reply) => Ok(*reply),
            Ended::Again => Err(Status::STORAGE),
        }
    }

    /// A refusal before anything was decided; it is audited all the same.
    async fn refuse(&self, verb: &Verb, refusal: &Refusal) -> Reply {
        let decision = admin::refuse(&self.caller, self.at, verb, Map::new(), refusal);
        self.settle(decision)
            .await
            .unwrap_or_else(|status| self.bare(status))
    }

    fn bare(&self, status: Status) -> Reply {
        Reply::bare(status, crate::auth::id_text(&self.caller.request))
    }
}

/// Whether changes move the data keys under another root key, and whether they begin a rotation.
fn begins(changes: &[Change]) -> (bool, bool) {
    let any = |is: fn(&Write) -> bool| {
        changes
            .iter()
            .any(|change| matches!(change, Change::Write(write) if is(write)))
    };
    (
        any(|write| matches!(write, Write::Rewrap(..))),
        any(|write| matches!(write, Write::Rotation(_))),
    )
}

enum Ended {
    Reply(Box<Reply>),
    Again,
}

/// Reports many failures over many users (W-106004) in a record of its own.
pub(crate) fn record_alarm(node: &Node, alarm: &Alarm) {
    let mut record = Record::new(Code::MANY_FAILURES, Node::arrival().id, Node::now());
    record.reason = Some(
        format!(
            "{} failures of {} users at {} within a minute",
            alarm.failures, alarm.users, alarm.place
        )
        .into(),
    );
    tracing::warn!(
        place = alarm.place,
        failures = alarm.failures,
        users = alarm.users,
        "many failures over many users (W-106004)"
    );
    crate::commit::note(node.store(), record);
}
