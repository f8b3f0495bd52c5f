//! Transactions that happen exactly once: repeated where the database asks for it, and where a connection was lost in
//! the middle of a commit, looked after. The end of the audit chain tells whether a commit took place: its segment is
//! part of every one, and its key can be taken only once.

use super::Writer;
use crate::ledger::{Author, Ledger};
use crate::rows::key;
use crate::{StoreError, postgres, trail};
use countersign_engine::audit::chain::Head;
use countersign_engine::time::Timestamp;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a transaction is repeated that others got in the way of.
const TRIES: u32 = 12;
/// After how many of them the end of the chain is looked at: its next place may be taken for good.
const LOOK: u32 = 6;

/// What the writer knows of its commits.
#[derive(Default)]
pub(super) struct Certainty {
    /// Chains as they would stand after commits whose outcome was not told. All of them follow the one in memory, so
    /// that one of them at most takes place; until something else has, it may still come.
    doubts: Vec<Ledger>,
    /// The connection on which the end of the chain was last looked at; 0 when it must be looked at again.
    connection: u64,
    /// Since when the server has failed.
    failing: Option<Instant>,
}

/// Sequence number and hash of the last record of an epoch.
type Tail = Option<(u64, [u8; 32])>;

/// What a look at the end of the chain finds.
enum End {
    /// The chain in memory.
    Known,
    /// One that was doubtful, at this place.
    Doubtful(usize),
    /// That of memory, ended by a later start.
    Ended,
    /// Another one.
    Foreign,
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
                    // Nothing but conflicts may come from a late commit of the same.
                    if !hopes.0.is_empty() && writer.ledger.head() == before.head() {
                        writer.look_again()?;
                    }
                    Ok(hopes.fulfilled(&writer.ledger).unwrap_or(value))
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
        // A server that has been away for longer is waited for no more: what comes meanwhile hears so at once.
        let end = self.certainty.failing.unwrap_or_else(Instant::now) + budget;
        self.database.bound(Some(budget));
        let mut tries = 0;
        loop {
            let error = match self.attempt(&mut attempt) {
                Ok(value) => {
                    self.certainty.failing = None;
                    return Ok(value);
                }
                Err(error) => error,
            };
            if !self.certainty.doubts.is_empty() {
                self.certainty.connection = 0;
            }
            let away = shared && self.is_away(&error);
            if away {
                self.certainty.failing.get_or_insert_with(Instant::now);
            }
            let again = away || shared && error.is_passing() && tries < TRIES;
            if !again || Instant::now() >= end {
                return Err(self.ended(error));
            }
            tries += 1;
            if tries == LOOK {
                self.certainty.connection = 0;
            }
            std::thread::sleep(pause(tries));
        }
    }

    fn attempt<T>(
        &mut self,
        attempt: &mut impl FnMut(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.settle()?;
        let before = self.ledger.head();
        let value = attempt(self)?;
        if self.ledger.head() != before {
            // Their place in the chain is taken.
            self.certainty.doubts.clear();
        }
        Ok(value)
    }

    /// Whether an error means that no server is there to write to. Another one may take over; what became of a commit of
    /// unknown outcome is looked at first.
    fn is_away(&self, error: &StoreError) -> bool {
        let server = self.database.server();
        match error {
            StoreError::Unreachable(_) | StoreError::Unknown(_) => true,
            StoreError::ReadOnly => server.is_some_and(postgres::Database::has_other_hosts),
            _ => false,
        }
    }

    /// The error for those who wait: what was not found yet may still come.
    fn ended(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Unreachable(reason) if !self.certainty.doubts.is_empty() => {
                StoreError::Unknown(reason)
            }
            other => other,
        }
    }

    /// Compares the store with the chain in memory, where that has not been done since it was connected to.
    pub(crate) fn compare(&mut self) -> Result<(), StoreError> {
        self.exactly(|_| Ok(()))
    }

    /// Notes that a commit may have taken place, with the chain as it would stand then.
    pub(crate) fn doubt(&mut self, after: Ledger) {
        // One without a record leaves no sign: taken for the chain in memory it would end the doubt about the others.
        if after.head() != self.ledger.head() {
            self.certainty.doubts.push(after);
        }
        self.certainty.connection = 0;
    }

    /// Looks again what became of doubtful commits: one may have come while others were tried instead.
    pub(super) fn look_again(&mut self) -> Result<(), StoreError> {
        if self.certainty.doubts.is_empty() {
            return Ok(());
        }
        self.certainty.connection = 0;
        self.settle()
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
        match self.end_of_chain()? {
            End::Known => {}
            End::Doubtful(place) => {
                self.make_lasting()?;
                self.ledger = self.certainty.doubts.swap_remove(place);
                self.certainty.doubts.clear();
            }
            End::Foreign => return Err(self.lose()),
            End::Ended => return Err(self.give_way()),
        }
        // Where commits of other nodes were lost with a server, versions that memory knows may be given out anew.
        self.shared.cache.clear();
        self.shared.lost.store(false, Ordering::Release);
        self.certainty.connection = connection;
        Ok(())
    }

    /// Which chain the store holds.
    fn end_of_chain(&self) -> Result<End, StoreError> {
        let tx = self.database.tx();
        let mut ends: Vec<(i64, Tail)> = Vec::new();
        let mut holds = |ledger: &Ledger| {
            let epoch = ledger.epoch();
            let known = ends.iter().find(|(of, _)| *of == epoch);
            let end = match known {
                Some((_, end)) => *end,
                None => {
                    let end = trail::end_of(tx, epoch)?;
                    ends.push((epoch, end));
                    end
                }
            };
            let head = ledger.head().map(|head| (head.seq, head.hash));
            Ok::<bool, StoreError>(end == head)
        };
        for (place, doubt) in self.certainty.doubts.iter().enumerate() {
            if holds(doubt)? {
                return Ok(End::Doubtful(place));
            }
        }
        if holds(&self.ledger)? {
            return Ok(End::Known);
        }
        Ok(
            if trail::is_ended(tx, self.ledger.epoch(), self.ledger.head())? {
                End::Ended
            } else {
                End::Foreign
            },
        )
    }

    /// A commit that was found may stand on this server alone, which did not live to hear of its replicas. It is believed
    /// once a later one is acknowledged: then they hold both.
    fn make_lasting(&self) -> Result<(), StoreError> {
        self.database.begin()?;
        let Author { node, version, .. } = &**self.ledger.author();
        let done = key::seen(self.database.tx(), node, version, self.shared.now())
            .and_then(|()| self.database.commit());
        if done.is_err() {
            self.database.rollback();
        }
        done
    }

    /// The store lacks what this node has committed: it says so, to a start after this one, too.
    fn lose(&mut self) -> StoreError {
        if !self.shared.lost.swap(true, Ordering::AcqRel) {
            tracing::error!(
                code = "E-115003",
                "the store lacks audit records that this node has written: it was put back, or a replica without them took over, and used one-time passwords would be valid again; this node does not serve until the store holds them, or `countersign audit accept-rollback` gives them up"
            );
            if let Some(head) = self.ledger.head() {
                self.keeper.remember(head);
            }
        }
        StoreError::Lost
    }

    /// Another process has begun under the name of this node: what this one writes has no place any more.
    fn give_way(&mut self) -> StoreError {
        if !self.shared.lost.swap(true, Ordering::AcqRel) {
            tracing::error!(
                "another process has begun to serve under the name of node {}, which ended the audit chain of this one; this one does not serve any more. Give each node a name of its own (`node` in the configuration), and start this one again",
                self.ledger.author().node
            );
        }
        StoreError::Lost
    }

    /// Ends a transaction without its writes and answers the chain as it would stand with them.
    fn undo(&mut self, before: Ledger) -> Ledger {
        self.database.rollback();
        self.numbers.forget();
        std::mem::replace(&mut self.ledger, before)
    }
}

/// Milliseconds that grow, a little different for each node: two that got in each other's way must not meet again.
fn pause(tries: u32) -> Duration {
    let spread = u64::from(std::process::id() % 7);
    Duration::from_millis(u64::from(tries.min(8)) * 4 + spread)
}
