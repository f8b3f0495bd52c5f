//! One attempt on its way: loaded, decided, asked for, decided again, committed.

use crate::back_end::Asking;
use crate::metrics::{status_number, way_name};
use crate::node::{Arrival, Node};
use crate::timing::{About, Stage, Timer};
use crate::turns::{Entered, Turn, Waiter};
use countersign_engine::attempt::{
    Answered, Attempt, AuthType, Credentials, Envelope, HostCode, Proof, Separate, Unreadable, Via,
};
use countersign_engine::authenticate::{decide, wanted};
use countersign_engine::decision::{Answer, Answers, Change, Decision, Question, Step};
use countersign_engine::dice::Dice;
use countersign_engine::facts::{Facts, Found};
use countersign_engine::model::{ChallengeKey, Component};
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_engine::{Secret, Status};
use countersign_store::{Outcome, StoreError, Work};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an attempt is decided again after conflicts before it ends with -106; its deadline comes first as a rule.
const MOST_TRIES: u32 = 1000;

/// An attempt with everything it owns.
#[derive(Debug)]
pub struct Logon {
    pub(crate) id: [u8; 16],
    pub(crate) request_id: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) arrived: Instant,
    pub(crate) via: Via,
    pub(crate) component: Arc<Component>,
    pub(crate) source: IpAddr,
    pub(crate) nas: Option<String>,
    pub(crate) listener: Option<Arc<str>>,
    pub(crate) user: Result<String, Unreadable>,
    pub(crate) domain: Option<String>,
    pub(crate) given: Given,
    pub(crate) answered: OwnAnswered,
    pub(crate) auth_type: AuthType,
    pub(crate) host_code: HostCode,
    pub(crate) serial: Option<String>,
    pub(crate) challenge_message: Option<String>,
    pub(crate) call_check: bool,
    pub(crate) attribute_groups: Vec<String>,
    pub(crate) timer: Timer,
    /// When its decision was last handed over to be committed.
    handed: Instant,
    dice: Dice,
    answers: Answers,
    tries: u32,
    /// The account is read from the store, not from memory.
    fresh: bool,
    /// Where others contend for its account, the right to go before them.
    turn: Option<Turn>,
}

/// Credentials as the attempt owns them.
#[derive(Debug)]
pub(crate) enum Given {
    Combined(Result<Secret, Unreadable>),
    Hashed {
        protocol: &'static str,
        proof: Box<dyn Proof + Send>,
    },
    Separate(Box<OwnSeparate>),
    None,
}

/// The separate format as the attempt owns it.
#[derive(Debug, Default)]
pub(crate) struct OwnSeparate {
    pub(crate) static_password: Option<Secret>,
    pub(crate) otp: Option<Secret>,
    pub(crate) pin: Option<Secret>,
    pub(crate) new_pin: Option<Secret>,
    pub(crate) confirm_new_pin: Option<Secret>,
    pub(crate) new_password: Option<Secret>,
    pub(crate) confirm_new_password: Option<Secret>,
    pub(crate) envelope: Option<Result<OwnEnvelope, String>>,
}

/// What an encrypted change says of itself, as the attempt owns it.
#[derive(Debug)]
pub(crate) struct OwnEnvelope {
    pub(crate) user: String,
    pub(crate) domain: Option<String>,
    pub(crate) made: Timestamp,
    pub(crate) id: String,
}

/// The challenge answered, as the attempt owns it.
#[derive(Debug, Default)]
pub(crate) struct OwnAnswered {
    pub(crate) key: Option<Result<ChallengeKey, Unreadable>>,
    pub(crate) challenge: Option<String>,
    pub(crate) response: Option<Secret>,
}

/// What an attempt needs next.
#[derive(Debug)]
pub(crate) enum Next {
    /// An answer of the shell.
    Ask(Question),
    /// To be committed before it counts.
    Commit(Box<Decision>),
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Decided and durable.
    Decided(Box<Decision>),
    /// Nothing happened: the store failed or a limit was met.
    Failed(Status),
}

impl Logon {
    /// A new attempt; the caller fills in what the request brought.
    pub(crate) fn new(
        arrival: Arrival,
        via: Via,
        component: Arc<Component>,
        source: IpAddr,
        user: Result<String, Unreadable>,
        given: Given,
    ) -> Self {
        Self {
            id: arrival.id,
            request_id: None,
            at: arrival.at,
            arrived: arrival.instant,
            via,
            component,
            source,
            nas: None,
            listener: None,
            user,
            domain: None,
            given,
            answered: OwnAnswered::default(),
            auth_type: AuthType::Auto,
            host_code: HostCode::None,
            serial: None,
            challenge_message: None,
            call_check: false,
            attribute_groups: Vec::new(),
            timer: Timer::default(),
            handed: arrival.instant,
            dice: arrival.dice,
            answers: Answers::default(),
            tries: 0,
            fresh: false,
            turn: None,
        }
    }

    /// Whether it may go on; else the waiter hears of its turn. One that has lost a contest for its account goes in turn
    /// with the others from then on.
    pub(crate) fn may_go(&mut self, node: &Node, waiter: impl FnOnce() -> Waiter) -> bool {
        let contends = self.tries > 0;
        if self.turn.is_some() || !contends && node.turns().are_free() {
            return true;
        }
        let snapshot = node.snapshot();
        let account = wanted(&self.attempt(&snapshot), &snapshot, &self.answers).account;
        let Some((domain, folded)) = &account else {
            return true;
        };
        match node.turns().enter((*domain, folded), contends, waiter) {
            Entered::Free => true,
            Entered::Turn(turn) => {
                self.turn = Some(turn);
                true
            }
            Entered::Waits => {
                self.timer.enter(Stage::Wait);
                false
            }
        }
    }

    /// Its turn has come.
    pub(crate) fn take_turn(&mut self, turn: Turn) {
        self.timer.leave();
        self.turn = Some(turn);
    }

    /// Lets the next one go: it has ended, or waits for something else.
    pub(crate) fn yield_turn(&mut self) {
        self.turn = None;
    }

    /// Loads the facts and decides once.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn step(&mut self, node: &Node) -> Result<Next, StoreError> {
        let snapshot = node.snapshot();
        let mut timer = std::mem::take(&mut self.timer);
        timer.enter(Stage::Load);
        let next = self.decide(node, &snapshot, &mut timer);
        timer.leave();
        self.timer = timer;
        match next? {
            Some(next) => Ok(next),
            None => {
                self.fresh = true;
                self.step(node)
            }
        }
    }

    /// The next step, or nothing where it may rest on what is no longer so.
    fn decide(
        &self,
        node: &Node,
        snapshot: &Snapshot,
        timer: &mut Timer,
    ) -> Result<Option<Next>, StoreError> {
        let attempt = self.attempt(snapshot);
        let wanted = wanted(&attempt, snapshot, &self.answers);
        let account = match &wanted.account {
            Some((domain, folded)) if self.fresh => node.store().account_now(*domain, folded)?,
            Some((domain, folded)) => node.store().account(*domain, folded)?,
            None => Found::Nobody,
        };
        let user = if let Found::Account(account) = &account {
            Some(account.user.key)
        } else {
            None
        };
        let challenges = if wanted.challenge.is_some() || wanted.challenges_of_user {
            node.store().challenges(&wanted, user)?
        } else {
            Vec::new()
        };
        let ring = node.ring();
        let facts = Facts {
            snapshot,
            account: &account,
            challenges: &challenges,
            outstanding: node.store().outstanding(),
            vault: &ring,
        };
        timer.next(Stage::Decide);
        Ok(match decide(&attempt, &facts, &self.answers, &self.dice) {
            Step::Ask(question) => Some(Next::Ask(question)),
            Step::Done(decision) if self.may_be_stale(node, &account, &decision) => None,
            Step::Done(decision) => Some(Next::Commit(decision)),
        })
    }

    /// Whether a decision may rest on what another node has changed since: a guard tells it of what it writes, but a
    /// refusal that writes nothing of the account is guarded by nothing.
    fn may_be_stale(&self, node: &Node, account: &Found, decision: &Decision) -> bool {
        let guarded = || {
            decision
                .changes
                .iter()
                .any(|change| matches!(change, Change::Application { .. }))
        };
        !self.fresh
            && node.store().is_shared()
            && matches!(account, Found::Account(_))
            && !guarded()
    }

    /// What a question of this attempt brings along.
    pub(crate) fn asking(&self) -> Asking {
        Asking {
            id: self.id,
            received: None,
        }
    }

    /// Takes the answer to a question.
    pub(crate) fn answer(&mut self, question: Question, answer: Answer) {
        self.answers.add(question, answer);
    }

    /// The store has answered: its part of the commit is over.
    pub(crate) fn committed(&mut self) {
        self.timer.leave(); // the store
        self.timer.leave(); // the commit
    }

    /// Counts a conflict; `false` when it is time to give up.
    pub(crate) fn may_try_again(&mut self, node: &Node) -> bool {
        self.tries += 1;
        self.answers.forget_facts();
        self.tries < MOST_TRIES && Instant::now() < self.deadline(node)
    }

    /// When the attempt must have ended.
    pub(crate) fn deadline(&self, node: &Node) -> Instant {
        self.arrived + node.snapshot().settings.deadline()
    }

    /// Until when an answer to a question is waited for.
    pub(crate) fn patience(&self, node: &Node) -> Instant {
        self.arrived + crate::ask::patience(node.snapshot().settings.deadline())
    }

    /// What is to be committed for a decision, its main record completed.
    pub(crate) fn work(&mut self, token: u64, decision: &mut Decision) -> Work {
        self.handed = Instant::now();
        let mut records = std::mem::take(&mut decision.records);
        if let Some(main) = records.first_mut() {
            main.elapsed_us =
                u64::try_from(self.handed.duration_since(self.arrived).as_micros()).ok();
            main.server_location = self
                .listener
                .clone()
                .map(|listener| listener.as_ref().to_owned().into());
        }
        let mut trace = Vec::with_capacity(128);
        decision.trace.encode(&mut trace);
        Work {
            token,
            changes: std::mem::take(&mut decision.changes),
            records,
            trace,
        }
    }

    /// Runs the attempt to its end from async code. `more` may add changes before a commit (a session, a kept answer).
    pub(crate) async fn run(
        &mut self,
        node: &Arc<Node>,
        mut more: impl FnMut(&Self, &mut Decision) -> Result<(), Status>,
    ) -> Ended {
        loop {
            if !self.wait_for_turn(node).await {
                return Ended::Failed(Status::STORAGE);
            }
            let next = match self.step(node) {
                Ok(next) => next,
                Err(error) => return Ended::Failed(failed(node, &error)),
            };
            match next {
                Next::Ask(question) => {
                    self.yield_turn();
                    self.timer.enter(Stage::asking(&question));
                    let until = self.patience(node);
                    let (answer, waited) =
                        ask_and_tell(node, &question, self.asking(), until).await;
                    self.timer.add(Stage::Wait, waited);
                    self.timer.leave();
                    self.answer(question, answer);
                }
                Next::Commit(mut decision) => {
                    if let Err(status) = more(self, &mut decision) {
                        return Ended::Failed(status);
                    }
                    let work = self.work(0, &mut decision);
                    let deadline = self.deadline(node).into();
                    self.timer.enter(Stage::Commit);
                    let outcome = crate::commit::commit_by(node.store(), work, deadline).await;
                    self.timer.leave();
                    match outcome {
                        Outcome::Committed => {
                            self.yield_turn();
                            self.count(node, &decision);
                            crate::watch::note(node, self, &decision);
                            return Ended::Decided(decision);
                        }
                        Outcome::Conflict if self.may_try_again(node) => node.metrics().conflict(),
                        Outcome::Conflict => return Ended::Failed(Status::STORAGE),
                        Outcome::Failed(error) => return Ended::Failed(failed(node, &error)),
                    }
                }
            }
        }
    }

    /// `false` when its time is over before its turn.
    async fn wait_for_turn(&mut self, node: &Node) -> bool {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        if self.may_go(node, || Box::new(|turn| sender.send(turn).err())) {
            return true;
        }
        match tokio::time::timeout_at(self.deadline(node).into(), receiver).await {
            Ok(Ok(turn)) => {
                self.take_turn(turn);
                true
            }
            _ => false,
        }
    }

    /// Counts a decision that has just become durable.
    pub(crate) fn count(&self, node: &Node, decision: &Decision) {
        let now = Instant::now();
        tracing::debug!(
            request = crate::auth::id_text(&self.id),
            way = way_name(self.via),
            component = self.component.key.0,
            status = status_number(decision),
            took_us = now.saturating_duration_since(self.arrived).as_micros(),
            "decided"
        );
        node.metrics().decided(
            self.via,
            decision,
            now.saturating_duration_since(self.arrived),
            now.saturating_duration_since(self.handed),
        );
    }

    /// The answer is ready: its timing is kept where one is wanted.
    pub(crate) fn end_timing(&mut self, node: &Node, status: i32) {
        let mut timer = std::mem::take(&mut self.timer);
        let timing = timer.end(|| self.about(), status);
        if timing.is_some() {
            node.timings().keep(&node.snapshot().settings, timing);
        }
    }

    fn about(&self) -> About {
        About {
            id: self.id,
            request_id: self.request_id.clone(),
            way: way_name(self.via),
            command: None,
            user: self.user.as_ref().ok().cloned(),
            component: Some(self.component.kind.clone()),
            at: self.at,
        }
    }

    fn attempt(&self, snapshot: &Snapshot) -> Attempt<'_> {
        Attempt {
            id: self.id,
            request_id: self.request_id.as_deref(),
            at: self.at,
            via: self.via,
            component: &self.component,
            policy: snapshot.policy(&self.component.policy),
            source: self.source,
            nas: self.nas.as_deref(),
            user: self.user.as_deref().map_err(|unreadable| *unreadable),
            domain: self.domain.as_deref(),
            credentials: self.given.lend(),
            answers_challenge: self.answered.lend(),
            auth_type: self.auth_type,
            host_code: self.host_code,
            serial: self.serial.as_deref(),
            challenge_message: self.challenge_message.as_deref(),
            call_check: self.call_check,
        }
    }
}

impl Given {
    fn lend(&self) -> Credentials<'_> {
        match self {
            Self::Combined(value) => {
                Credentials::Combined(value.as_ref().map_err(|unreadable| *unreadable))
            }
            Self::Hashed { protocol, proof } => Credentials::Hashed {
                protocol,
                proof: proof.as_ref(),
            },
            Self::Separate(fields) => Credentials::Separate(fields.lend()),
            Self::None => Credentials::None,
        }
    }
}

impl OwnSeparate {
    fn lend(&self) -> Separate<'_> {
        Separate {
            static_password: self.static_password.as_ref(),
            otp: self.otp.as_ref(),
            pin: self.pin.as_ref(),
            new_pin: self.new_pin.as_ref(),
            confirm_new_pin: self.confirm_new_pin.as_ref(),
            new_password: self.new_password.as_ref(),
            confirm_new_password: self.confirm_new_password.as_ref(),
            envelope: self.envelope.as_ref().map(|envelope| match envelope {
                Ok(envelope) => Ok(envelope.lend()),
                Err(why) => Err(why.as_str()),
            }),
        }
    }
}

impl OwnEnvelope {
    fn lend(&self) -> Envelope<'_> {
        Envelope {
            user: &self.user,
            domain: self.domain.as_deref(),
            made: self.made,
            id: &self.id,
        }
    }
}

impl OwnAnswered {
    fn lend(&self) -> Answered<'_> {
        Answered {
            key: self.key,
            challenge: self.challenge.as_deref(),
            response: self.response.as_ref(),
        }
    }
}

/// The answer to a question, if there is one before `until`, and how long it waited for a thread.
pub(crate) async fn ask_and_tell(
    node: &Arc<Node>,
    question: &Question,
    asking: Asking,
    until: Instant,
) -> (Answer, Duration) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let told = move |answer, waited| {
        let _ = sender.send((answer, waited)); // the request may have timed out
    };
    crate::ask::answer(node, question, asking, crate::ask::given_up(until), told);
    match tokio::time::timeout_at(until.into(), receiver).await {
        Ok(Ok(told)) => told,
        Ok(Err(_)) | Err(_) => (Answer::TimedOut, Duration::ZERO),
    }
}

/// Notes a failure of the store once, and gives its status.
pub(crate) fn failed(node: &Node, error: &StoreError) -> Status {
    node.metrics().store_failure();
    tracing::warn!(%error, "the store failed; nothing was decided");
    node.suspect_store(error);
    error.status()
}
