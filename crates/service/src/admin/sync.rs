//! Synchronisation with a directory: pages are read, decided, and committed in batches; a run is one node's at a time and
//! goes on where the last one was cut off, because what is done already is found to be done.

mod batch;
mod lease;
mod validate;

use super::Run;
use crate::back_end::{Pages, Search};
use crate::node::Node;
use crate::reply::Reply;
use countersign_engine::Status;
use countersign_engine::admin::sync::{
    self, BATCH, Course, Mapped, Mode, Next, Order, Row, successor_missing,
};
use countersign_engine::admin::{self, AccountRef, AdminDecision, Caller, Needs, Refusal, Verb};
use countersign_engine::facts::Found;
use countersign_engine::model::{BackEnd, SyncGone, SyncState};
use countersign_engine::text::fold;
use countersign_engine::time::Timestamp;
use countersign_store::{Outcome, StoreError, Work};
use lease::Lease;
pub(crate) use lease::Running as Syncing;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Most rows of an answer; the totals count all.
const MOST_ROWS: usize = 10_000;
/// How often a waiting run says that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// Carries out a synchronisation. It goes on to its next commit when whoever ordered it has gone, and ends there.
pub(super) async fn carry_out(
    run: &Run<'_>,
    verb: &'static Verb,
    decision: AdminDecision,
    order: Order,
) -> Result<Reply, Status> {
    let gone = Arc::new(AtomicBool::new(false));
    let _watch = Gone(gone.clone());
    let job = Job {
        node: Arc::clone(run.node),
        caller: run.caller.clone(),
        at: run.at,
        verb,
        order,
        gone,
        lease: None,
        course: Course::default(),
        rows: Vec::new(),
        left_out: 0,
    };
    tokio::spawn(job.work(decision))
        .await
        .map_err(|_| Status::ERROR)?
}

/// Says that nobody waits any more.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// One synchronisation under way.
struct Job {
    node: Arc<Node>,
    caller: Caller,
    at: Timestamp,
    verb: &'static Verb,
    order: Order,
    /// Nobody waits for the answer any more.
    gone: Arc<AtomicBool>,
    lease: Option<Lease>,
    course: Course,
    rows: Vec<Value>,
    left_out: u64,
}

/// Why a run ends early.
struct Ended {
    refusal: Refusal,
    state: SyncState,
}

impl Ended {
    fn failed(status: Status, detail: impl Into<String>) -> Self {
        Self {
            refusal: Refusal::new(status, detail),
            state: SyncState::Failed,
        }
    }

    fn store(node: &Node, error: &StoreError) -> Self {
        let status = crate::logon::failed(node, error);
        Self::failed(
            status,
            format!("failed to {error}; what is done stays, a new run goes on"),
        )
    }
}

impl Job {
    async fn work(mut self, mut decision: AdminDecision) -> Result<Reply, Status> {
        decision.action = None;
        let ended = match self.order.mode {
            Mode::Validate => validate::validate(&mut self, &mut decision.result).await,
            Mode::DryRun | Mode::Run => self.synchronise().await,
        };
        let (state, message) = match &ended {
            Ok(()) => (SyncState::Done, String::new()),
            Err(ended) => (ended.state, ended.refusal.detail.clone()),
        };
        if let Err(Ended { refusal, .. }) = ended {
            let input = match decision.records.first().map(|record| record.input.clone()) {
                Some(Some(Value::Object(input))) => input,
                _ => Map::new(),
            };
            let result = std::mem::take(&mut decision.result);
            decision = admin::refuse(&self.caller, self.at, self.verb, input, &refusal);
            decision.result = result;
        }
        if self.order.mode != Mode::Validate {
            self.tell(&mut decision);
        }
        let finish = self.lease.as_ref();
        let totals = Value::Object(self.course.tally().to_json()).to_string();
        decision
            .changes
            .extend(finish.map(|lease| lease.end(state, totals, message)));
        self.settle(decision).await
    }

    /// Puts what happened into the answer and the main record.
    fn tell(&mut self, decision: &mut AdminDecision) {
        self.course.tally().finish(decision);
        let rows = std::mem::take(&mut self.rows);
        let result = &mut decision.result;
        result.insert("profile".to_owned(), json!(self.order.profile.name));
        result.insert("dry_run".to_owned(), json!(self.order.mode != Mode::Run));
        result.insert("rows".to_owned(), Value::Array(rows));
        if self.left_out > 0 {
            result.insert("rows_left_out".to_owned(), json!(self.left_out));
        }
        let totals = Value::Object(self.course.tally().to_json()).to_string();
        tracing::info!(
            profile = self.order.profile.name,
            totals,
            dry_run = self.order.mode != Mode::Run,
            status = decision.status.number(),
            "synchronisation"
        );
    }

    async fn settle(&self, mut decision: AdminDecision) -> Result<Reply, Status> {
        let request = crate::auth::id_text(&self.caller.request);
        let mut reply = Reply::bare(decision.status, request);
        if let Some(detail) = decision.detail.take() {
            reply.message = detail;
        }
        reply.result = std::mem::take(&mut decision.result);
        reply.warnings = std::mem::take(&mut decision.warnings);
        let records = std::mem::take(&mut decision.records);
        let changes = std::mem::take(&mut decision.changes);
        let outcome = match self.commit(changes, records.clone()).await {
            // Another node has taken the run over: what was done here is to be on record all the same.
            Outcome::Conflict => self.commit(Vec::new(), records).await,
            outcome => outcome,
        };
        match outcome {
            Outcome::Committed => Ok(reply),
            Outcome::Conflict => Err(Status::STORAGE),
            Outcome::Failed(error) => Err(crate::logon::failed(&self.node, &error)),
        }
    }

    async fn commit(
        &self,
        changes: Vec<countersign_engine::decision::Change>,
        records: Vec<countersign_engine::audit::Record>,
    ) -> Outcome {
        let work = Work {
            token: 0,
            changes,
            records,
            trace: Vec::new(),
        };
        crate::commit::commit(self.node.store(), work).await
    }

    async fn synchronise(&mut self) -> Result<(), Ended> {
        self.check_successor()?;
        if self.order.mode == Mode::Run {
            self.begin().await?;
        }
        let mut pages = self.pages()?;
        while let Some(page) = self.next(&mut pages).await? {
            self.course.read(&page);
            self.decide(page).await?;
        }
        pages.end().await.map_err(|why| self.unreachable(&why))?;
        self.finish().await
    }

    /// What comes after the last page.
    async fn finish(&mut self) -> Result<(), Ended> {
        let mut braked = None;
        loop {
            match self.course.advance() {
                Next::Entries(entries) => self.decide(entries).await?,
                Next::Gone => match self.gone().await {
                    Err(ended) if ended.state == SyncState::Braked => braked = Some(ended),
                    ended => ended?,
                },
                Next::End => return braked.map_or(Ok(()), Err),
            }
        }
    }

    /// The successor must be there before anything is deleted (1132).
    fn check_successor(&self) -> Result<(), Ended> {
        let profile = &self.order.profile;
        let Some(name) = &profile.successor else {
            return Ok(());
        };
        if profile.options.gone != SyncGone::Delete {
            return Ok(());
        }
        let needs = Needs {
            accounts: vec![AccountRef::Named(profile.domain, fold(name))],
            ..Needs::none()
        };
        let facts = self.node.store().admin_facts(&needs);
        let facts = facts.map_err(|error| Ended::store(&self.node, &error))?;
        let administrator = facts.accounts.iter().any(|(_, found)| {
            matches!(found, Found::Account(account) if account.user.is_administrator())
        });
        if administrator {
            return Ok(());
        }
        Err(Ended {
            refusal: successor_missing(name),
            state: SyncState::Failed,
        })
    }

    /// Takes the run, with the record of its beginning.
    async fn begin(&mut self) -> Result<(), Ended> {
        let lease = Lease::take(&self.node, &self.caller, &self.order.profile)?;
        let record = sync::started(
            &self.caller,
            self.at,
            self.verb,
            &self.order.profile.name,
            self.order.mode,
        );
        match self.commit(vec![lease.change()], vec![record]).await {
            Outcome::Committed => {
                self.lease = Some(lease.advanced());
                Ok(())
            }
            Outcome::Conflict => Err(lease::busy(&self.order.profile.name)),
            Outcome::Failed(error) => Err(Ended::store(&self.node, &error)),
        }
    }

    fn source(&self) -> Result<Arc<BackEnd>, Ended> {
        let snapshot = self.node.snapshot();
        let source = snapshot.back_ends.get(self.order.profile.source).cloned();
        source.ok_or_else(|| Ended::failed(Status::NOT_FOUND, "the source of the profile is gone"))
    }

    fn pages(&self) -> Result<Pages, Ended> {
        let profile = &self.order.profile;
        let search = Search {
            base: profile.base.clone(),
            scope: profile.scope,
            filter: profile.filter.clone(),
            attributes: self.order.names.attributes(),
        };
        let source = self.source()?;
        Ok(self.node.back_ends().entries(&self.node, source, search))
    }

    /// The next page, mapped. While it waits the run says that it lives.
    async fn next(&mut self, pages: &mut Pages) -> Result<Option<Vec<Mapped>>, Ended> {
        loop {
            self.must_end()?;
            tokio::select! {
                page = pages.next() => {
                    let map = |page: Vec<sync::Entry>| {
                        page.iter().map(|entry| self.order.names.map(entry)).collect()
                    };
                    return Ok(page.map(map));
                }
                () = tokio::time::sleep(BEAT) => self.beat().await?,
            }
        }
    }

    fn unreachable(&self, why: &str) -> Ended {
        let source = self.source().map(|source| source.name.clone());
        let done = match self.order.mode {
            Mode::Run => "what is done stays, nothing was deleted or disabled for being gone",
            Mode::DryRun | Mode::Validate => "the answer is incomplete",
        };
        let detail = format!(
            "back-end {} could not be read to the end: {why}; {done}; backend/test tells more",
            source.unwrap_or_default()
        );
        Ended::failed(Status::COMMS, detail)
    }

    /// Ends where the server stops or nobody waits any more (1126).
    fn must_end(&self) -> Result<(), Ended> {
        let why = if !self.node.is_accepting() {
            "the server stops"
        } else if self.gone.load(Ordering::Acquire) {
            "whoever ordered it has gone"
        } else {
            return Ok(());
        };
        Err(Ended {
            refusal: Refusal::new(
                Status::CANCEL,
                format!("{why}: what is done stays; run it again to go on"),
            ),
            state: SyncState::Cancelled,
        })
    }

    /// Decides entries in batches.
    async fn decide(&mut self, entries: Vec<Mapped>) -> Result<(), Ended> {
        for page in entries.chunks(sync::PAGE) {
            let mut facts = Some(batch::load(self, page).await?);
            for entries in page.chunks(BATCH) {
                self.must_end()?;
                batch::entries(self, entries, &mut facts).await?;
            }
        }
        Ok(())
    }

    /// Decides the accounts whose entry is gone.
    async fn gone(&mut self) -> Result<(), Ended> {
        if self.order.profile.options.gone == SyncGone::Keep {
            return Ok(());
        }
        let (node, profile) = (self.node.clone(), self.order.profile.key);
        let owned = tokio::task::spawn_blocking(move || node.store().sync_owned(profile))
            .await
            .map_err(|_| Ended::failed(Status::ERROR, "the store could not be read"))?
            .map_err(|error| Ended::store(&self.node, &error))?;
        let profile = &self.order.profile;
        let keys = self
            .course
            .gone(profile, &owned, self.order.confirm_deletes)
            .map_err(|refusal| Ended {
                refusal,
                state: SyncState::Braked,
            })?;
        for keys in keys.chunks(BATCH) {
            self.must_end()?;
            batch::gone(self, keys).await?;
        }
        Ok(())
    }

    fn keep(&mut self, rows: Vec<Row>) {
        for row in rows {
            if self.rows.len() < MOST_ROWS {
                self.rows.push(Value::Object(row.to_json()));
            } else {
                self.left_out += 1;
            }
        }
    }
}
