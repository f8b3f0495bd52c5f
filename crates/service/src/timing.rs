//! Where the time of a request goes: nested spans by request (feature 110), kept on the node that served it.
//!
//! A request carries a [`Timer`]. While the setting `timing.keep` is off it is empty: nothing is measured and nothing is
//! allocated. Else it notes when each stage begins and ends; at the end of the request it becomes a [`Timing`] and, if
//! it took long enough, goes into a ring that forgets the oldest, and to whoever exports them.

mod began;
mod ring;
mod view;

pub(crate) use began::begun;
pub use began::since;
pub(crate) use ring::Timings;
pub(crate) use view::{row, spans};

use countersign_engine::decision::Question;
use countersign_engine::settings::Settings;
use countersign_engine::time::Timestamp;
use std::time::{Duration, Instant};

/// Spans of one request; an attempt that is decided again and again does not grow without end.
const MOST_SPANS: usize = 64;

/// What a request is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Receiving, checking and reading it.
    Receive,
    /// Loading what it is decided on.
    Load,
    /// Deciding.
    Decide,
    /// Finding out what only the shell can: a password hash, a directory.
    Ask(&'static str),
    /// Waiting for a thread, or for its turn at an account that others contend for.
    Wait,
    /// Making the decision durable.
    Commit,
    /// Waiting for the other requests of its batch.
    Batch,
    /// In the store's queue and transaction.
    Store,
    /// What a command does besides its changes.
    Act,
    /// Reading the rows of a list.
    Read,
    /// Waiting until a refusal may leave.
    Hold,
    /// Making the answer.
    Reply,
}

/// One stage of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What was done.
    pub stage: Stage,
    /// The span it is part of, by place; none for a stage of the request itself.
    pub parent: Option<usize>,
    /// From the beginning of the request.
    pub start: Duration,
    /// How long it took.
    pub took: Duration,
}

/// A request that has ended, with its spans in the order in which they began.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Identity of the request; its audit record has the same.
    pub id: [u8; 16],
    /// Its name, where the client gave one.
    pub request_id: Option<String>,
    /// How it came: `radius`, `authenticate`, … or `admin`.
    pub way: &'static str,
    /// Object and verb of an administrative command.
    pub command: Option<(&'static str, &'static str)>,
    /// Who it was about, or who gave the command.
    pub user: Option<String>,
    /// Type of the component it came from.
    pub component: Option<String>,
    /// Its real status.
    pub status: i32,
    /// When it came.
    pub at: Timestamp,
    /// From its arrival until its answer was ready.
    pub took: Duration,
    /// Its spans.
    pub spans: Vec<Span>,
    /// Spans beyond the bound, not kept.
    pub left_out: usize,
}

/// The stopwatch of a request; empty while timings are off.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Box<Running>>);

#[derive(Debug)]
struct Running {
    began: Instant,
    spans: Vec<Span>,
    /// The innermost span that has not ended.
    open: Option<usize>,
    /// Entered beyond the bound and not yet left.
    beyond: usize,
    left_out: usize,
}

/// Who a request was, for [`Timer::end`].
pub(crate) struct About {
    pub(crate) id: [u8; 16],
    pub(crate) request_id: Option<String>,
    pub(crate) way: &'static str,
    pub(crate) command: Option<(&'static str, &'static str)>,
    pub(crate) user: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) at: Timestamp,
}

impl Timer {
    /// A running stopwatch if the settings want one, else an empty one.
    pub(crate) fn start(settings: &Settings, began: Instant) -> Self {
        Self(settings.timed_from_us.map(|_| {
            Box::new(Running {
                began,
                spans: Vec::with_capacity(12),
                open: None,
                beyond: 0,
                left_out: 0,
            })
        }))
    }

    /// As [`Timer::start`] for a request that is seen now; the clock is not read for an empty one.
    pub(crate) fn start_now(settings: &Settings) -> Self {
        match settings.timed_from_us {
            Some(_) => Self::start(settings, Instant::now()),
            None => Self::default(),
        }
    }

    /// Whether it measures.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A stage begins, inside the one that has not ended.
    pub(crate) fn enter(&mut self, stage: Stage) {
        if let Some(running) = &mut self.0 {
            running.enter(stage, Instant::now());
        }
    }

    /// The stage entered last ends.
    pub(crate) fn leave(&mut self) {
        if let Some(running) = &mut self.0 {
            running.leave(Instant::now());
        }
    }

    /// The stage entered last ends, and another one begins.
    pub(crate) fn next(&mut self, stage: Stage) {
        if let Some(running) = &mut self.0 {
            let now = Instant::now();
            running.leave(now);
            running.enter(stage, now);
        }
    }

    /// All stages end; what the request did since its beginning was this.
    pub(crate) fn began_with(&mut self, stage: Stage) {
        if let Some(running) = &mut self.0 {
            let (began, now) = (running.began, Instant::now());
            running.enter(stage, began);
            running.leave(now);
        }
    }

    /// A stage whose time is known from elsewhere: it began with the open one, or now, and takes this long.
    pub(crate) fn add(&mut self, stage: Stage, took: Duration) {
        if let Some(running) = &mut self.0 {
            let start = running
                .open
                .and_then(|open| running.spans.get(open))
                .map_or_else(|| running.began.elapsed(), |open| open.start);
            running.push(stage, start, took);
        }
    }

    /// The request has ended. None while timings are off, and for the second call.
    pub(crate) fn end(&mut self, about: impl FnOnce() -> About, status: i32) -> Option<Timing> {
        let mut running = self.0.take()?;
        let now = Instant::now();
        while running.open.is_some() || running.beyond > 0 {
            running.leave(now);
        }
        let last = running.spans.iter().map(|span| span.start + span.took);
        let took = last
            .max()
            .unwrap_or_default()
            .max(now.saturating_duration_since(running.began));
        let about = about();
        Some(Timing {
            id: about.id,
            request_id: about.request_id,
            way: about.way,
            command: about.command,
            user: about.user,
            component: about.component,
            status,
            at: about.at,
            took,
            spans: running.spans,
            left_out: running.left_out,
        })
    }
}

impl Running {
    fn enter(&mut self, stage: Stage, now: Instant) {
        if self.spans.len() >= MOST_SPANS {
            self.beyond += 1;
            self.left_out += 1;
            return;
        }
        let start = now.saturating_duration_since(self.began);
        self.push(stage, start, Duration::ZERO);
        self.open = Some(self.spans.len() - 1);
    }

    fn push(&mut self, stage: Stage, start: Duration, took: Duration) {
        if self.spans.len() >= MOST_SPANS {
            self.left_out += 1;
            return;
        }
        self.spans.push(Span {
            stage,
            parent: self.open,
            start,
            took,
        });
    }

    fn leave(&mut self, now: Instant) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let end = now.saturating_duration_since(self.began);
        if let Some(span) = self.open.and_then(|open| self.spans.get_mut(open)) {
            span.took = end.saturating_sub(span.start);
            self.open = span.parent;
        }
    }
}

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Load => "load",
            Self::Decide => "decide",
            Self::Ask(what) => what,
            Self::Wait => "wait",
            Self::Commit => "commit",
            Self::Batch => "batch",
            Self::Store => "store",
            Self::Act => "act",
            Self::Read => "read",
            Self::Hold => "hold",
            Self::Reply => "reply",
        }
    }

    /// The stage in which a question is asked.
    pub(crate) fn asking(question: &Question) -> Self {
        Self::Ask(match question {
            Question::Verify { .. } => "ask verify",
            Question::Hash { .. } => "ask hash",
            Question::BackEnd { .. } => "ask back-end",
            Question::Free(_) | Question::Serial { .. } => "ask authenticator",
            Question::Deliver => "ask deliver",
            Question::Push => "ask push",
        })
    }
}

#[cfg(test)]
mod tests;
