use super::request::{self, Dropped, Known, unaudited};
use super::{accounting, answer};
use crate::back_end::{Received, Relay};
use crate::logon::{Logon, Next};
use crate::metrics::status_number;
use crate::node::Node;
use crate::timing::{Stage, Timer};
use crate::turns::Turn;
use countersign_engine::Status;
use countersign_engine::decision::{Answer, Decision, Question};
use countersign_engine::model::{Component, ComponentKey};
use countersign_radius::duplicate::Seen;
use countersign_radius::{Code, Packet, SharedSecret};
use countersign_store::{Completion, Outcome, Work};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts one front keeps under way at most; beyond it packets are dropped, so that clients ask another node.
const MOST_PENDING: usize = 8192;
/// Of these, the share that one component may fill.
const MOST_OF_ONE: usize = MOST_PENDING / 2;

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Access-Requests (1812).
    Authentication,
    /// Accounting-Requests (1813).
    Accounting,
}

/// An answer to be sent.
#[derive(Debug)]
pub struct Datagram {
    /// Index of the socket the request came by.
    pub socket: usize,
    /// Where it goes.
    pub to: SocketAddr,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// One front thread's half of RADIUS: it decides what its socket brings, hands batches to the store, and signs what
/// was committed. Nothing here waits.
pub struct Front {
    node: Arc<Node>,
    inbox: Arc<Inbox>,
    target: Arc<dyn Completion>,
    pending: HashMap<u64, Pending>,
    by_component: HashMap<ComponentKey, usize>,
    next: u64,
    batch: Vec<Work>,
    ready: Vec<Datagram>,
    delayed: BinaryHeap<Reverse<(Instant, u64)>>,
    held: HashMap<u64, (Datagram, Asked)>,
    /// Requests under way, as last told to the metrics.
    told: usize,
    /// Until when answers to questions are awaited, by request in the order of arrival.
    patience: VecDeque<(Instant, u64)>,
    /// When requests whose patience is over are given up, in the same order.
    deadlines: VecDeque<(Instant, u64)>,
}

/// What reaches a front from other threads.
struct Inbox {
    messages: Mutex<Vec<Message>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

enum Message {
    Committed(Vec<(Work, Outcome)>),
    Answered(u64, Question, Answer, Duration),
    /// It may go on before others of its account.
    Turn(u64, Turn),
    /// Whether a back-end took accounting.
    Relayed(u64, bool),
}

impl Inbox {
    fn put(&self, message: Message) {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
        (self.wake)();
    }
}

struct Target(Arc<Inbox>);

impl Completion for Target {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        self.0.put(Message::Committed(results));
    }
}

/// Who asked, and as what: enough to find the request again in the duplicate cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    socket: usize,
    from: SocketAddr,
    identifier: u8,
    authenticator: [u8; 16],
}

/// A request under way.
pub(super) struct Pending {
    pub(super) asked: Asked,
    pub(super) request: Box<[u8]>,
    pub(super) secret: Arc<SharedSecret>,
    pub(super) component: Arc<Component>,
    /// The record found by source address, in whose share it counts.
    share: ComponentKey,
    /// What it waits for besides its commit.
    asking: Option<Question>,
    arrived: Instant,
    job: Job,
}

enum Job {
    Logon(Box<Logon>, Option<Box<Decision>>),
    Accounting,
    /// Accounting that is recorded and waits for a back-end.
    Relay,
    /// A record without an answer.
    Note,
}

impl Pending {
    fn is_relayed(&self) -> bool {
        matches!(self.job, Job::Relay)
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

impl Front {
    /// A front of `node`; `wake` is called from other threads when [`Front::collect`] has something to do.
    pub fn new(node: Arc<Node>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let inbox = Arc::new(Inbox {
            messages: Mutex::default(),
            wake,
        });
        Self {
            node,
            target: Arc::new(Target(inbox.clone())),
            inbox,
            pending: HashMap::new(),
            by_component: HashMap::new(),
            next: 0,
            batch: Vec::new(),
            ready: Vec::new(),
            delayed: BinaryHeap::new(),
            held: HashMap::new(),
            told: 0,
            patience: VecDeque::new(),
            deadlines: VecDeque::new(),
        }
    }

    /// Takes a datagram that came by socket number `socket`, bound to `local`.
    pub fn packet(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        local: SocketAddr,
        socket: usize,
        port: Port,
    ) {
        if let Err(dropped) = self.take(bytes, source, local, socket, port) {
            self.drop_packet(&dropped, source, local);
        }
    }

    /// Hands the batch decided so far to the store.
    pub fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        self.node.metrics().batch(batch.len());
        self.hand_over(&batch);
        if let Err((_, back)) = self.node.store().submit(batch, &self.target) {
            for work in back {
                self.abandon(work.token, "queue_full");
            }
        }
    }

    /// Their time in the batch is over, where that is measured.
    fn hand_over(&mut self, batch: &[Work]) {
        if self.node.snapshot().settings.timed_from_us.is_none() {
            return;
        }
        for work in batch {
            if let Some(Pending {
                job: Job::Logon(logon, _),
                ..
            }) = self.pending.get_mut(&work.token)
            {
                logon.timer.next(Stage::Store);
            }
        }
    }

    /// Moves finished answers to `out`: what other threads reported, and refusals whose time has come.
    pub fn collect(&mut self, out: &mut Vec<Datagram>) {
        let messages = std::mem::take(
            &mut *self
                .inbox
                .messages
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for message in messages {
            match message {
                Message::Committed(results) => results
                    .into_iter()
                    .for_each(|(work, outcome)| self.committed(work.token, &outcome)),
                Message::Answered(token, question, answer, waited) => {
                    self.answered(token, question, answer, waited);
                }
                Message::Turn(token, turn) => self.turn(token, turn),
                Message::Relayed(token, true) => self.finish(token),
                Message::Relayed(token, false) => self.abandon(token, "relay"),
            }
        }
        self.expire(Instant::now());
        self.flush();
        self.release_due();
        out.append(&mut self.ready);
        self.tell_pending();
    }

    fn tell_pending(&mut self) {
        let now = self.under_way();
        if now != self.told {
            let signed = |number| i64::try_from(number).unwrap_or(i64::MAX);
            self.node.metrics().pending(signed(now) - signed(self.told));
            self.told = now;
        }
    }

    /// When [`Front::collect`] must be called at the latest.
    pub fn next_due(&self) -> Option<Instant> {
        let delayed = self.delayed.peek().map(|Reverse((due, _))| *due);
        let first = |queue: &VecDeque<(Instant, u64)>| queue.front().map(|(due, _)| *due);
        let waits = [delayed, first(&self.patience), first(&self.deadlines)];
        waits.into_iter().flatten().min()
    }

    /// Requests under way, delayed answers included.
    pub fn under_way(&self) -> usize {
        self.pending.len() + self.held.len()
    }

    fn take(
        &mut self,
        bytes: &[u8],
        source: SocketAddr,
        local: SocketAddr,
        socket: usize,
        port: Port,
    ) -> Result<(), Dropped> {
        if !super::takes_requests(&self.node) {
            return Err(unaudited("stopping"));
        }
        let snapshot = self.node.snapshot();
        let timer = Timer::start_now(&snapshot.settings);
        let known = request::known(&self.node, &snapshot, bytes, source)?;
        match (known.packet.code(), port) {
            (Code::AccessRequest, Port::Authentication)
            | (Code::AccountingRequest, Port::Accounting) => {}
            (Code::StatusServer, _) => return self.status_server(&known, source, socket, port),
            _ => return Err(unaudited("unexpected_code")),
        }
        if !request::within_rate(self.node.radius(), &known.client.narrowed) {
            return Err(unaudited("rate"));
        }
        let component = known.client.by_source.key;
        if self.pending.len() >= MOST_PENDING
            || self
                .by_component
                .get(&component)
                .is_some_and(|count| *count >= MOST_OF_ONE)
        {
            return Err(unaudited("busy"));
        }
        let asked = Asked {
            socket,
            from: source,
            identifier: known.packet.identifier(),
            authenticator: *known.packet.authenticator(),
        };
        if self.seen_before(&asked) {
            return Ok(());
        }
        let begun = self.begin(&known, asked, local, timer);
        if begun.is_err() {
            self.forget(&asked);
        }
        begun
    }

    fn begin(
        &mut self,
        known: &Known<'_>,
        asked: Asked,
        local: SocketAddr,
        timer: Timer,
    ) -> Result<(), Dropped> {
        let pending = |job| Pending {
            asked,
            request: known.packet.bytes().into(),
            secret: known.secret.clone(),
            component: known.client.narrowed.clone(),
            share: known.client.by_source.key,
            asking: None,
            arrived: Instant::now(),
            job,
        };
        if known.packet.code() == Code::AccountingRequest {
            let records =
                accounting::records(&known.packet, &known.client.narrowed, asked.from, local);
            let token = self.admit(pending(Job::Accounting));
            self.batch.push(Work {
                token,
                changes: Vec::new(),
                records,
                trace: Vec::new(),
            });
            return Ok(());
        }
        let mut logon = request::attempt(known, asked.from)?;
        logon.listener = Some(self.node.listener_name(local));
        logon.timer = timer;
        logon.timer.began_with(Stage::Receive);
        let token = self.admit(pending(Job::Logon(Box::new(logon), None)));
        self.think(token);
        Ok(())
    }

    fn admit(&mut self, pending: Pending) -> u64 {
        self.next += 1;
        self.node.gate().began();
        let patience = crate::ask::patience(self.node.snapshot().settings.deadline());
        self.patience
            .push_back((pending.arrived + patience, self.next));
        *self.by_component.entry(pending.share).or_default() += 1;
        self.pending.insert(self.next, pending);
        self.next
    }

    fn remove(&mut self, token: u64) -> Option<Pending> {
        let pending = self.pending.remove(&token)?;
        self.node.gate().ended();
        if let Some(count) = self.by_component.get_mut(&pending.share) {
            *count = count.saturating_sub(1);
        }
        Some(pending)
    }

    fn think(&mut self, token: u64) {
        let Some(Pending {
            job: Job::Logon(logon, slot),
            asking,
            request,
            secret,
            component,
            ..
        }) = self.pending.get_mut(&token)
        else {
            return;
        };
        let inbox = &self.inbox;
        let may_go = logon.may_go(&self.node, || {
            let inbox = inbox.clone();
            Box::new(move |turn| {
                inbox.put(Message::Turn(token, turn));
                None
            })
        });
        if !may_go {
            return;
        }
        match logon.step(&self.node) {
            Ok(Next::Ask(question)) => {
                logon.yield_turn();
                logon.timer.enter(Stage::asking(&question));
                let (inbox, asked) = (self.inbox.clone(), question.clone());
                *asking = Some(question.clone());
                let (mut about, until) = (logon.asking(), logon.patience(&self.node));
                if matches!(question, Question::BackEnd(_)) {
                    about.received = Some(Arc::new(Received {
                        packet: request.clone(),
                        secret: secret.clone(),
                        component: component.clone(),
                    }));
                }
                let told = move |answer, waited| {
                    inbox.put(Message::Answered(token, asked, answer, waited));
                };
                let until = crate::ask::given_up(until);
                crate::ask::answer(&self.node, &question, about, until, told);
            }
            Ok(Next::Commit(mut decision)) => {
                let work = logon.work(token, &mut decision);
                *slot = Some(decision);
                logon.timer.enter(Stage::Commit);
                logon.timer.enter(Stage::Batch);
                self.batch.push(work);
            }
            Err(error) => {
                crate::logon::failed(&self.node, &error);
                self.abandon(token, "store");
            }
        }
    }

    fn answered(&mut self, token: u64, question: Question, answer: Answer, waited: Duration) {
        if let Some(Pending {
            job: Job::Logon(logon, _),
            asking,
            ..
        }) = self.pending.get_mut(&token)
            && asking.take_if(|asking| *asking == question).is_some()
        {
            logon.timer.add(Stage::Wait, waited);
            logon.timer.leave();
            logon.answer(question, answer);
            self.think(token);
        }
    }

    /// Lets a request go on that has waited for others of its account; where it has ended, the next one goes.
    fn turn(&mut self, token: u64, turn: Turn) {
        if let Some(Pending {
            job: Job::Logon(logon, _),
            ..
        }) = self.pending.get_mut(&token)
        {
            logon.take_turn(turn);
            self.think(token);
        }
    }

    fn committed(&mut self, token: u64, outcome: &Outcome) {
        match outcome {
            Outcome::Committed => self.finish(token),
            Outcome::Conflict => self.conflict(token),
            Outcome::Failed(error) => {
                crate::logon::failed(&self.node, error);
                self.abandon(token, "store");
            }
        }
    }

    fn conflict(&mut self, token: u64) {
        self.node.metrics().conflict();
        let again = match self.pending.get_mut(&token) {
            Some(Pending {
                job: Job::Logon(logon, _),
                ..
            }) => {
                logon.committed();
                logon.may_try_again(&self.node)
            }
            _ => false,
        };
        if again {
            self.think(token);
        } else {
            self.abandon(token, "conflict");
        }
    }

    fn finish(&mut self, token: u64) {
        let Some(mut pending) = self.remove(token) else {
            return;
        };
        let Ok(request) = Packet::read(&pending.request) else {
            return;
        };
        match std::mem::replace(&mut pending.job, Job::Note) {
            Job::Logon(mut logon, Some(decision)) => {
                logon.committed();
                logon.yield_turn();
                logon.count(&self.node, &decision);
                crate::watch::note(&self.node, &logon, &decision);
                let due = answer::due(&self.node, &logon, &decision);
                logon.timer.enter(Stage::Reply);
                let bytes = answer::packet(&request, &pending, &logon, &decision);
                logon.timer.leave();
                if let (true, Some(due), Some(_)) = (logon.timer.is_on(), due, &bytes) {
                    let held = due.saturating_duration_since(Instant::now());
                    logon.timer.add(Stage::Hold, held);
                }
                logon.end_timing(&self.node, status_number(&decision));
                match bytes {
                    Some(bytes) => self.answer(pending.asked, bytes, due),
                    // Its retransmission gets no answer either, as its slot stays in progress.
                    None => self.node.metrics().dropped("silent"),
                }
            }
            Job::Accounting => {
                let snapshot = self.node.snapshot();
                match accounting::relay(&snapshot, &pending.component, &request) {
                    Some(relay) => self.relay(pending, relay),
                    None => self.acknowledge(&pending, &request),
                }
            }
            Job::Relay => self.acknowledge(&pending, &request),
            Job::Logon(_, None) | Job::Note => {}
        }
    }

    /// Passes accounting on that is recorded; its answer waits for the back-end's.
    fn relay(&mut self, mut pending: Pending, relay: Relay) {
        pending.job = Job::Relay;
        let patience = crate::ask::patience(self.node.snapshot().settings.deadline());
        let until = crate::ask::given_up(pending.arrived + patience);
        let token = self.admit(pending);
        let inbox = self.inbox.clone();
        self.node
            .back_ends()
            .relay(&self.node, relay, until, move |taken| {
                inbox.put(Message::Relayed(token, taken));
            });
    }

    fn acknowledge(&mut self, pending: &Pending, request: &Packet<'_>) {
        if let Some(bytes) = accounting::reply(request, &pending.secret) {
            self.answer(pending.asked, bytes, None);
        }
    }

    fn answer(&mut self, asked: Asked, bytes: Vec<u8>, due: Option<Instant>) {
        let datagram = Datagram {
            socket: asked.socket,
            to: asked.from,
            bytes,
        };
        match due.filter(|due| *due > Instant::now()) {
            Some(due) => {
                self.next += 1;
                self.delayed.push(Reverse((due, self.next)));
                self.held.insert(self.next, (datagram, asked));
            }
            None => self.send(datagram, &asked),
        }
    }

    fn send(&mut self, datagram: Datagram, asked: &Asked) {
        let shared = self.node.radius();
        if let Some(mut duplicates) = shared.duplicates(asked.from) {
            duplicates.answered(
                asked.from,
                asked.identifier,
                &asked.authenticator,
                &datagram.bytes,
                shared.clock(),
            );
        }
        self.ready.push(datagram);
    }

    fn release_due(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((due, token))) = self.delayed.peek().copied() {
            if due > now {
                return;
            }
            self.delayed.pop();
            if let Some((datagram, asked)) = self.held.remove(&token) {
                self.send(datagram, &asked);
            }
        }
    }

    /// Ends what takes too long: an answer that does not come becomes a decision (-103), and what is not committed by
    /// its deadline is given up, so that the client asks the next node.
    fn expire(&mut self, now: Instant) {
        while let Some(token) = due(&mut self.patience, now, &self.pending) {
            if let Some(pending) = self.pending.get(&token) {
                let deadline = pending.arrived + self.node.snapshot().settings.deadline();
                self.deadlines.push_back((deadline, token));
                if let Some(question) = pending.asking.clone() {
                    self.answered(token, question, Answer::TimedOut, Duration::ZERO);
                }
            }
        }
        while let Some(token) = due(&mut self.deadlines, now, &self.pending) {
            let relayed = self.pending.get(&token).is_some_and(Pending::is_relayed);
            self.abandon(token, "deadline");
            if !relayed {
                self.node.store_hangs();
            }
        }
    }

    fn seen_before(&mut self, asked: &Asked) -> bool {
        let shared = self.node.radius();
        let Some(mut duplicates) = shared.duplicates(asked.from) else {
            return false;
        };
        let bytes = match duplicates.check(
            asked.from,
            asked.identifier,
            &asked.authenticator,
            shared.clock(),
        ) {
            Seen::New => return false,
            Seen::InProgress => None,
            Seen::Answered(bytes) => Some(bytes.to_vec()),
        };
        drop(duplicates);
        self.node.metrics().duplicate();
        if let Some(bytes) = bytes {
            self.ready.push(Datagram {
                socket: asked.socket,
                to: asked.from,
                bytes,
            });
        }
        true
    }

    fn status_server(
        &mut self,
        known: &Known<'_>,
        source: SocketAddr,
        socket: usize,
        port: Port,
    ) -> Result<(), Dropped> {
        let bytes = answer::status_server(&known.packet, &known.secret, port)
            .ok_or_else(|| unaudited("reply_too_long"))?;
        self.ready.push(Datagram {
            socket,
            to: source,
            bytes,
        });
        Ok(())
    }

    /// Gives a request up without an answer; its retransmission starts anew.
    fn abandon(&mut self, token: u64, reason: &'static str) {
        if let Some(mut pending) = self.remove(token) {
            self.node.metrics().dropped(reason);
            if let Job::Logon(logon, _) = &mut pending.job {
                logon.end_timing(&self.node, Status::STORAGE.number().into());
            }
            self.forget(&pending.asked);
        }
    }

    fn forget(&self, asked: &Asked) {
        if let Some(mut duplicates) = self.node.radius().duplicates(asked.from) {
            duplicates.forget(asked.from, asked.identifier, &asked.authenticator);
        }
    }

    fn drop_packet(&mut self, dropped: &Dropped, source: SocketAddr, local: SocketAddr) {
        self.node.metrics().dropped(dropped.reason);
        if dropped.audited && self.node.radius().may_warn(source.ip()) {
            let records = accounting::dropped_record(dropped.reason, source, local);
            self.next += 1;
            self.batch.push(Work {
                token: self.next,
                changes: Vec::new(),
                records,
                trace: Vec::new(),
            });
        }
    }
}

/// The next request whose time has come; those that have ended are passed over.
fn due(
    queue: &mut VecDeque<(Instant, u64)>,
    now: Instant,
    pending: &HashMap<u64, Pending>,
) -> Option<u64> {
    while let Some((at, token)) = queue.front().copied() {
        let ended = !pending.contains_key(&token);
        if !ended && at > now {
            return None;
        }
        queue.pop_front();
        if !ended {
            return Some(token);
        }
    }
    None
}
