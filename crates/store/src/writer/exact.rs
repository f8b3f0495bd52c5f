//! Transactions that happen exactly once: repeated where the database asks for it, and where a connection was lost in
//! the middle of a commit, looked after. The end of the audit chain tells whether a commit took place: its segment is
//! part of every one, and its key can be taken only once.

use super::Writer;
use crate::ledger::Ledger;
use crate::{StoreError, trail};
use countersign_engine::audit::chain::Head;
use countersign_engine::time::Timestamp;
use std::time::{Duration, Instant};

/// How often a transaction is repeated.
const TRIES: u32 = 12;

/// What the writer knows of its commits.
#[derive(Default)]
pub(super) struct Certainty {
    /// Chains as they would stand after commits whose outcome was not told.
    doubts: Vec<Ledger>,
    /// The connection on which the end of the chain was last looked at.
    connection: u64,
}

/// What attempts would give whose commits are doubtful, with the end of the chain that tells.
pub(super) struct Hopes<T>(Vec<(Option<Head>, T)>);

impl<T> Default for Hopes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Hopes<T> {
    /// Notes the value of an attempt. One that wrote no record leaves no sign, and is made again.
    pub(super) fn add(&mut self, before: &Ledger, after: &Ledger, value: T) {
        if before.head() != after.head() {
            self.0.push((after.head(), value));
        }
    }

    /// The value of the attempt that took place, as the chain in memory tells after it was looked up.
    pub(super) fn fulfilled(&mut self, now: &Ledger) -> Option<T> {
        let place = self.0.iter().position(|(head, _)| *head == now.head())?;
        Some(self.0.swap_remove(place).1)
    }
}

impl Writer {
    /// Runs something in a transaction of its own; after an error nothing of it has happened, unless it is
    /// [`StoreError::Unknown`].
    pub(crate) fn transaction<T>(
        &mut self,
        mut run: impl FnMut(&mut Self, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut hopes = Hopes::default();
        self.exactly(|writer| {
            if let Some(value) = hopes.fulfilled(&writer.ledger) {
                return Ok(value);
            }
            let before = writer.ledger.clone();
            writer.database.begin()?;
            let now = writer.shared.now();
            let value = match run(writer, now) {
                Ok(value) => value,
                Err(error) => {
                    writer.undo(before);
                    return Err(error);
                }
            };
            match writer.database.commit() {
                Ok(()) => {
                    writer.numbers.keep();
                    Ok(value)
                }
                Err(error) => {
                    let after = writer.undo(before);
                    if matches!(error, StoreError::Unknown(_)) {
                        hopes.add(&writer.ledger, &after, value);
                        writer.doubt(after);
                    }
                    Err(error)
                }
            }
        })
    }

    /// Repeats an attempt while what stopped it may pass, within the bound. Before each the chain in memory is what the
    /// store holds.
    pub(super) fn exactly<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let shared = self.database.server().is_some();
        let budget = 2 * self.shared.source.wait;
        let end = Instant::now() + budget;
        self.database.bound(Some(budget));
        let mut tries = 0;
        loop {
            let result = self.settle().and_then(|()| attempt(self));
            match result {
                Err(error)
                    if shared && may_pass(&error) && tries < TRIES && Instant::now() < end =>
                {
                    tries += 1;
                    std::thread::sleep(pause(tries));
                }
                // What was not found yet may still come.
                Err(StoreError::Unreachable(reason)) if !self.certainty.doubts.is_empty() => {
                    return Err(StoreError::Unknown(reason));
                }
                ended => return ended,
            }
        }
    }

    /// Notes that a commit may have taken place, with the chain as it would stand then.
    pub(super) fn doubt(&mut self, after: Ledger) {
        self.certainty.doubts.push(after);
        self.certainty.connection = 0;
    }

    /// Makes sure that the chain in memory is what the store holds: at each new connection, since what was committed on
    /// the one before may have been lost with the server, and after commits of unknown outcome.
    fn settle(&mut self) -> Result<(), StoreError> {
        let Some(server) = self.database.server() else {
            return Ok(());
        };
        let connection = server.connection()?;
        if connection == self.certainty.connection {
            return Ok(());
        }
        if let Some(place) = self.place_of_end()? {
            self.ledger = self.certainty.doubts.swap_remove(place);
        }
        self.certainty.doubts.clear();
        self.certainty.connection = connection;
        Ok(())
    }

    /// Which of the doubtful chains the store holds; none when it holds the one in memory.
    fn place_of_end(&self) -> Result<Option<usize>, StoreError> {
        let tx = self.database.tx();
        let holds = |ledger: &Ledger| {
            let end = trail::end_of(tx, ledger.epoch())?;
            let head = ledger.head().map(|head| (head.seq, head.hash));
            Ok::<bool, StoreError>(end == head)
        };
        for (place, doubt) in self.certainty.doubts.iter().enumerate() {
            if holds(doubt)? {
                return Ok(Some(place));
            }
        }
        if holds(&self.ledger)? {
            return Ok(None);
        }
        tracing::error!(
            code = "E-115003",
            "the store lacks audit records that this node has written: it was put back, or a replica without them took over; this node serves nothing more until it is started again"
        );
        Err(StoreError::Lost)
    }

    /// Ends a transaction without its writes and answers the chain as it would stand with them.
    fn undo(&mut self, before: Ledger) -> Ledger {
        self.database.rollback();
        self.numbers.forget();
        std::mem::replace(&mut self.ledger, before)
    }
}

/// Whether an attempt may be made again. After a commit of unknown outcome it is looked at first what became of it.
fn may_pass(error: &StoreError) -> bool {
    error.is_passing() || matches!(error, StoreError::Unknown(_))
}

/// Milliseconds that grow, a little different for each node: two that got in each other's way must not meet again.
fn pause(tries: u32) -> Duration {
    let spread = u64::from(std::process::id() % 7);
    Duration::from_millis(u64::from(tries.min(8)) * 4 + spread)
}
