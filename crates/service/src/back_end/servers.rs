//! Which servers are tried, in which order, how often and for how long (authentication.md 10): once for all protocols.

use super::health::{Limits, Server, ServerHealth, Turned, Waiting};
use super::{Asking, Connectors, Target, Tried, heard, open};
use crate::node::Node;
use countersign_engine::audit::{Code, Record};
use countersign_engine::back_end::{Ask, Heard, Said, Wanted};
use countersign_engine::model::{BackEnd, DomainKey, Protocol};
use countersign_engine::snapshot::Snapshot;
use countersign_store::Work;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout_at};

/// Between two tries at one server that failed at once.
const PAUSE: Duration = Duration::from_millis(50);
/// A server that had less time than this before the whole question was given up is not blamed.
const FAIR: Duration = Duration::from_secs(1);
/// What a connector that keeps the time itself gets beyond it, so that it can say why there was no answer.
const GRACE: Duration = Duration::from_millis(100);

/// A server that may be asked, and how it is.
type Candidate = (Arc<BackEnd>, Arc<Server>);

/// What is asked, of whoever is tried.
struct Question<'a> {
    node: &'a Node,
    ask: &'a Ask,
    asking: &'a Asking,
    until: Instant,
}

/// What came of one server.
enum Asked {
    /// The answer of all.
    Answered(Heard),
    /// It is skipped for now.
    Rests,
    /// The next one is to be asked.
    GoOn,
}

impl Connectors {
    /// Asks one server after the other until one has the answer, and gives up at `until`.
    pub(super) async fn ask(
        &self,
        node: &Node,
        ask: &Ask,
        asking: &Asking,
        until: Instant,
    ) -> Heard {
        let snapshot = node.snapshot();
        let most = setting(&snapshot, "back_end.max_questions");
        let Some(_question) = Waiting::enter(&self.questions, most) else {
            return heard(
                "",
                Said::Busy,
                "the limit back_end.max_questions is reached",
            );
        };
        let mut round = Round::default();
        let limits = limits(&snapshot);
        let (first, mut last) = self.in_order(&snapshot, ask, limits, Instant::now());
        let question = Question {
            node,
            ask,
            asking,
            until,
        };
        for (record, server) in first {
            match self
                .ask_one(&question, &record, &server, false, &mut round)
                .await
            {
                Asked::Answered(heard) => return heard,
                Asked::Rests => last.push((record, server)),
                Asked::GoOn => {}
            }
        }
        for (record, server) in last {
            let asked = self.ask_one(&question, &record, &server, true, &mut round);
            if let Asked::Answered(heard) = asked.await {
                return heard;
            }
        }
        round.end()
    }

    /// The servers in the order in which they are tried, and those that are skipped: they come last.
    fn in_order(
        &self,
        snapshot: &Snapshot,
        ask: &Ask,
        limits: Limits,
        now: Instant,
    ) -> (Vec<Candidate>, Vec<Candidate>) {
        candidates(snapshot, ask)
            .into_iter()
            .map(|record| {
                let server = self.health.of(&record, limits);
                (record, server)
            })
            .partition(|(_, server)| !server.is_skipped(now))
    }

    /// Asks one server, with its retries; one that rests only if it is the `last_resort`.
    async fn ask_one(
        &self,
        question: &Question<'_>,
        record: &Arc<BackEnd>,
        server: &Server,
        last_resort: bool,
        round: &mut Round,
    ) -> Asked {
        let until = question.until;
        if round.knows(record) || Instant::now() >= until {
            return Asked::GoOn;
        }
        let Ok(Some(_place)) = timeout_at(until.into(), server.place()).await else {
            round.busy = Some(record.name.clone());
            return Asked::GoOn;
        };
        let began = Instant::now();
        if !server.takes_turn(began) && !last_resort {
            return Asked::Rests; // others found out while this one waited for its place
        }
        let mut target = match open(question.node, record.clone(), question.ask.domain) {
            Ok(target) => target,
            Err(why) => {
                round.fail(record, why);
                return Asked::GoOn;
            }
        };
        let tried = self.tries(&mut target, question).await;
        judge(question, record, server, began, &tried);
        match tried {
            Ok((said, note)) => round
                .take(record, said, &note)
                .map_or(Asked::GoOn, Asked::Answered),
            Err(why) => {
                round.fail(record, why);
                Asked::GoOn
            }
        }
    }

    /// One try and the further ones of the record.
    async fn tries(&self, target: &mut Target, question: &Question<'_>) -> Tried {
        let Question {
            ask, asking, until, ..
        } = *question;
        let record = target.record.clone();
        let each = Duration::from_secs(record.timeout_s.into());
        // A RADIUS request that is sent again is the same one, which its connector alone has.
        let own_time = matches!(record.protocol, Protocol::Radius(_));
        let (tries, each, grace) = match (own_time, &ask.wanted) {
            (true, _) => (1, each * (u32::from(record.retries) + 1), GRACE),
            // Nobody knows whether a change that was not answered has been made.
            (false, Wanted::Change { .. }) => (1, each, Duration::ZERO),
            (false, _) => (u32::from(record.retries) + 1, each, Duration::ZERO),
        };
        let mut last = String::new();
        for again in 0..tries {
            if again > 0 {
                sleep(PAUSE).await;
            }
            target.until = until.min(Instant::now() + each);
            let tried = timeout_at(
                (target.until + grace).into(),
                self.try_one(target, ask, asking),
            );
            last = match tried.await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(why)) => why,
                Err(_) => "no answer in time".to_owned(),
            };
            if Instant::now() >= until {
                break;
            }
        }
        Err(last)
    }

    /// How the servers of a configuration are.
    pub(super) fn health(&self, snapshot: &Snapshot) -> Vec<ServerHealth> {
        self.health
            .view(snapshot.back_ends.records(), Instant::now())
    }
}

/// Notes how a server did.
fn judge(
    question: &Question<'_>,
    record: &BackEnd,
    server: &Server,
    began: Instant,
    tried: &Tried,
) {
    let (node, now) = (question.node, Instant::now());
    let took = now.duration_since(began);
    match tried {
        Ok((said, _)) => {
            node.metrics().back_end(&record.name, word(said), took);
            note(node, record, server.answered(took), "");
        }
        Err(why) => {
            node.metrics().back_end(&record.name, "failed", took);
            if took >= FAIR || now < question.until {
                let turned = server.failed(now, Node::now(), why);
                note(node, record, turned, why);
            }
        }
    }
}

/// The servers that a question is for.
fn candidates(snapshot: &Snapshot, ask: &Ask) -> Vec<Arc<BackEnd>> {
    let back_ends = &snapshot.back_ends;
    match &ask.wanted {
        Wanted::Respond { server, .. } => back_ends
            .get(*server)
            .filter(|one| one.enabled)
            .cloned()
            .into_iter()
            .collect(),
        Wanted::Resolve => back_ends.everywhere(&ask.engine),
        _ => back_ends.servers(&ask.engine, ask.domain),
    }
}

pub(super) fn limits(snapshot: &Snapshot) -> Limits {
    Limits {
        in_flight: setting(snapshot, "back_end.max_in_flight"),
        queue: setting(snapshot, "back_end.queue"),
    }
}

fn setting(snapshot: &Snapshot, name: &str) -> usize {
    usize::try_from(snapshot.settings.number(name)).unwrap_or(usize::MAX)
}

/// What was heard so far from servers that did not have the answer.
#[derive(Default)]
struct Round {
    /// Who failed, and why.
    failed: Vec<(String, String)>,
    failed_domains: BTreeSet<Option<DomainKey>>,
    busy: Option<String>,
    /// A server that cannot say.
    unable: Option<Heard>,
    /// Domains whose directory knows nobody of that name.
    unknown_in: BTreeSet<Option<DomainKey>>,
    unknown: Option<Heard>,
}

impl Round {
    /// Whether another server has answered for it already: nobody of that name is in its domain.
    fn knows(&self, record: &BackEnd) -> bool {
        record.domain.is_some() && self.unknown_in.contains(&record.domain)
    }

    /// Takes what a server said; the answer of all if it is one.
    fn take(&mut self, record: &BackEnd, said: Said, note: &str) -> Option<Heard> {
        let heard = heard(&record.name, said, note);
        match &heard.said {
            Said::Unsupported | Said::HashRefused => self.unable = Some(heard),
            Said::Resolved(None) => {
                self.unknown_in.insert(record.domain);
                self.unknown = Some(heard);
            }
            _ => return Some(heard),
        }
        None
    }

    fn fail(&mut self, record: &BackEnd, why: String) {
        self.failed_domains.insert(record.domain);
        self.failed.push((record.name.clone(), why));
    }

    /// What all of it comes to. Who could not be asked might have known: that is no answer.
    fn end(mut self) -> Heard {
        let resolved = self.unknown.is_some() && self.failed_domains.is_subset(&self.unknown_in);
        if let (Some((name, why)), false) = (self.failed.pop(), resolved) {
            let before: String = self
                .failed
                .iter()
                .map(|(name, why)| format!("; before, {name}: {why}"))
                .collect();
            return heard(&name, Said::Unreachable, &(why + &before));
        }
        if let (Some(name), false) = (&self.busy, resolved) {
            return heard(name, Said::Busy, "too many questions wait for this server");
        }
        self.unknown
            .or(self.unable)
            .unwrap_or_else(|| heard("", Said::Nobody, ""))
    }
}

/// Records that a server has become unusable (W-109001) or usable again (I-109003).
pub(super) fn note(node: &Node, server: &BackEnd, turned: Option<Turned>, why: &str) {
    let code = match turned {
        Some(Turned::Unusable) => Code::BACK_END_UNUSABLE,
        Some(Turned::Usable) => Code::BACK_END_USABLE_AGAIN,
        None => return,
    };
    tracing::warn!(
        back_end = server.name,
        why,
        "{}",
        match turned {
            Some(Turned::Unusable) =>
                "a back-end server fails and is skipped while another answers",
            _ => "a back-end server answers again",
        }
    );
    let mut record = Record::new(code, Node::arrival().id, Node::now());
    record.back_end = Some(server.name.clone().into());
    record.protocol_id = Some(server.protocol.word().into());
    record.reason = (!why.is_empty()).then(|| why.to_owned().into());
    let work = Work {
        token: 0,
        changes: Vec::new(),
        records: vec![record],
        trace: Vec::new(),
    };
    let told = node.store().commit_then(work, |_, _| {});
    if told.is_err() {
        tracing::error!("that is not in the audit: the store takes nothing more");
    }
}

/// The word of an answer in metrics.
fn word(said: &Said) -> &'static str {
    match said {
        Said::Accepted(_) => "accepted",
        Said::Rejected => "rejected",
        Said::Locked => "locked",
        Said::Expired => "expired",
        Said::Disabled => "disabled",
        Said::Weak => "weak",
        Said::Challenge(_) => "challenge",
        Said::Member(_) | Said::Info(_) | Said::InfoUnusable(_) | Said::Resolved(_) => "told",
        Said::HashRefused | Said::Unsupported => "unsupported",
        Said::Unreachable | Said::Nobody | Said::Busy => "failed",
    }
}

#[cfg(test)]
pub(super) mod tests;
