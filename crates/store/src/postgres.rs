//! The PostgreSQL driver: a connection that waits in place, on the thread that asks.
//!
//! Each connection has a runtime of its own, so that the writer and the readers wait for nobody but the server. Every
//! wait is bounded: a server that hangs is as good as gone. Statements that answer nothing (BEGIN, SAVEPOINT) are sent
//! with the next one, so that they cost no round trip.

mod address;
pub(crate) mod batch;
mod failure;
mod hosts;
mod passfile;
mod tls;
mod value;

pub use address::Address;
pub(crate) use hosts::Hosts;
use value::Owned;
pub(crate) use value::{blob, int, text};

use crate::StoreError;
use crate::sql::{Arg, Row};
use failure::ends_connection;
use futures_util::TryStreamExt;
use futures_util::future::{join, join_all, try_join_all};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio_postgres::{Client, Statement};

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 300;
/// Rows of a long answer fetched at a time.
const FETCH: usize = 256;
/// Audit segments are compressed by the quickest method the server has: its default takes a seventh of the CPU of a batch.
const COMPRESSION: &str = "SELECT SET_CONFIG(name, 'lz4', FALSE) FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
/// A plan made while a table was small reads all of it, and is kept until the server has noticed that it grew.
const BY_KEYS: &str = "SELECT SET_CONFIG(name, 'off', FALSE) FROM pg_settings WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit')";

/// Connections made by this process.
static MADE: AtomicU64 = AtomicU64::new(1);

/// How long a start waits for what an earlier process of the node left under way.
const OUTLIVE_TRIES: u32 = 100;
const OUTLIVE_PAUSE: Duration = Duration::from_millis(50);

/// A commit that is told must be on disk, whatever the account or the database was set to.
const DURABLE: &str = "SELECT SET_CONFIG('synchronous_commit', 'on', FALSE) WHERE CURRENT_SETTING('synchronous_commit', TRUE) IN ('off', 'local')";

/// Longest wait for one statement of a change of the schema.
const LEISURE: Duration = Duration::from_secs(3600);

type Queued = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// A connection, made when it is needed.
pub(crate) struct Database {
    address: Arc<Address>,
    hosts: Arc<Hosts>,
    /// Shown by the server, so that its administrator sees who it is.
    name: String,
    wait: Cell<Duration>,
    /// Settings of the session besides its bounds.
    settings: String,
    deadline: Cell<Option<Instant>>,
    runtime: Turns,
    live: RefCell<Option<Live>>,
}

/// The runtime of a connection. Whoever drops it may stand within another runtime, where nobody may wait for its end.
struct Turns(Option<Runtime>);

impl Turns {
    fn running(&self) -> Result<&Runtime, StoreError> {
        self.0.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Live {
    client: Arc<Client>,
    statements: HashMap<String, Statement>,
    queued: Vec<Queued>,
    number: u64,
    /// Which of the hosts it is to.
    host: usize,
}

impl Database {
    /// A connection to be made at the first statement. `wait` bounds each wait for the server.
    pub(crate) fn new(
        address: &Arc<Address>,
        hosts: &Arc<Hosts>,
        name: &str,
        wait: Duration,
    ) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Disk(error.to_string()))?;
        Ok(Self {
            address: Arc::clone(address),
            hosts: Arc::clone(hosts),
            name: format!("countersign {name}"),
            wait: Cell::new(wait),
            settings: COMPRESSION.to_owned(),
            deadline: Cell::new(None),
            runtime: Turns(Some(runtime)),
            live: RefCell::default(),
        })
    }

    /// The same for statements that find their rows by keys.
    pub(crate) fn by_keys(mut self) -> Self {
        self.settings = format!("{COMPRESSION}; {BY_KEYS}");
        self
    }

    /// Bounds all waits from now on together; none: each by itself only.
    pub(crate) fn bound(&self, budget: Option<Duration>) {
        self.deadline
            .set(budget.map(|budget| Instant::now() + budget));
    }

    /// Runs something that may take long: neither this end nor the server gives a statement of it up.
    pub(crate) fn at_leisure<T>(
        &self,
        run: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.tx().script("SET LOCAL statement_timeout = 0")?;
        let wait = self.wait.replace(LEISURE);
        let done = run();
        self.wait.set(wait);
        done
    }

    /// Number of the connection, which is made if there is none; no two have the same.
    pub(crate) fn connection(&self) -> Result<u64, StoreError> {
        self.drop_dead();
        self.client()?;
        Ok(self.live.borrow().as_ref().map_or(0, |live| live.number))
    }

    /// Number of the connection, if there is one.
    pub(crate) fn connected(&self) -> Option<u64> {
        self.live.borrow().as_ref().map(|live| live.number)
    }

    /// Ends the connection.
    pub(crate) fn forget(&self) {
        if self.live.borrow_mut().take().is_some() {
            // The server hears of it now: what it held locked for a transaction is free.
            self.flush();
        }
    }

    /// Ends a connection that is of no more use; the next one is sought elsewhere first.
    fn drop_lost(&self) {
        let host = self.live.borrow().as_ref().map(|live| live.host);
        if let Some(host) = host {
            self.hosts.lost(host, self.address.hosts());
            self.forget();
        }
    }

    /// Ends a connection to another host than the last one was made to: that one may have taken its place.
    fn follow(&self) {
        let home = self.hosts.home();
        let elsewhere = |live: &Live| live.host != home;
        if self.live.borrow().as_ref().is_some_and(elsewhere) {
            self.forget();
        }
    }

    /// Whether another server may take writes where one does not.
    pub(crate) fn has_other_hosts(&self) -> bool {
        self.address.hosts() > 1
    }

    pub(crate) fn tx(&self) -> Tx<'_> {
        Tx { database: self }
    }

    /// Runs a future to its end on this thread, within the bounds.
    fn wait<T>(
        &self,
        future: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let now = Instant::now();
        let wait = self.wait.get();
        let left = self.deadline.get().map_or(wait, |deadline| {
            deadline.saturating_duration_since(now).min(wait)
        });
        let bounded = async { tokio::time::timeout(left, future).await };
        let runtime = self.runtime.running()?;
        let run = || runtime.block_on(bounded);
        let many = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
        // A thread of another runtime must step out of it before it may wait.
        let result = if many {
            tokio::task::block_in_place(run)
        } else {
            run()
        };
        result.unwrap_or_else(|_| {
            Err(StoreError::Unreachable(format!(
                "no answer within {} ms",
                left.as_millis()
            )))
        })
    }

    /// The client of the connection, which is made if there is none.
    fn client(&self) -> Result<Arc<Client>, StoreError> {
        if let Some(live) = &*self.live.borrow()
            && !live.client.is_closed()
        {
            return Ok(Arc::clone(&live.client));
        }
        if self.live.borrow().is_some() {
            self.drop_lost();
            return Err(StoreError::Unreachable(
                "the server ended the connection".to_owned(),
            ));
        }
        if self.hosts.rest() {
            return Err(StoreError::Unreachable(
                "the server could not be reached a moment ago".to_owned(),
            ));
        }
        let (host, client) = self.connect().inspect_err(|error| {
            if !matches!(error, StoreError::ReadOnly) {
                self.hosts.none_answered();
            }
        })?;
        self.hosts.answered(host);
        let client = Arc::new(client);
        *self.live.borrow_mut() = Some(Live {
            client: Arc::clone(&client),
            statements: HashMap::new(),
            queued: Vec::new(),
            number: MADE.fetch_add(1, Ordering::Relaxed),
            host,
        });
        Ok(client)
    }

    fn connect(&self) -> Result<(usize, Client), StoreError> {
        let bound = self.wait.get();
        let mut configs = self.address.each_host();
        for config in &mut configs {
            config.application_name(&self.name).tcp_user_timeout(bound);
        }
        let spawn = self.runtime.running()?.handle();
        // What the server waits for by itself ends a little earlier, so that it still says what it waited for.
        let ms = (bound * 3 / 4).as_millis().max(1);
        let settings = format!(
            "SET statement_timeout = {ms}; SET lock_timeout = {ms}; SET idle_in_transaction_session_timeout = {}; {DURABLE}; {}",
            4 * ms,
            self.settings
        );
        self.wait(async {
            let tls = self.address.tls.as_ref();
            let (host, client) = self.hosts.connect(&configs, tls, spawn).await?;
            let set = client.batch_execute(&settings).await;
            set.map_err(|error| failure::read(&error))?;
            Ok((host, client))
        })
    }

    /// Sends a statement; its answer is looked at with that of the next one.
    fn queue(&self, sql: impl Into<Cow<'static, str>>) -> Result<(), StoreError> {
        let (client, sql) = (self.client()?, sql.into());
        self.put(Box::pin(async move {
            client
                .batch_execute(&sql)
                .await
                .map_err(|error| failure::read(&error))
        }))
    }

    fn put(&self, mut future: Queued) -> Result<(), StoreError> {
        // The first poll hands it to the connection, in the order of calls.
        let sent = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = sent {
            return result;
        }
        if let Some(live) = &mut *self.live.borrow_mut() {
            live.queued.push(future);
        }
        Ok(())
    }

    /// Has what is queued sent now: an open transaction would keep the server from cleaning up.
    fn flush(&self) {
        // Whatever is wrong with the connection shows with the next answer.
        let _ = self.wait(async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            Ok(())
        });
    }

    /// Forgets a connection that ended while nobody used it: what begins now gets a new one, and does not fail for it.
    fn drop_dead(&self) {
        if self.live.borrow().is_none() {
            return;
        }
        self.flush();
        let ended = |live: &Live| live.client.is_closed();
        if self.live.borrow().as_ref().is_some_and(ended) {
            self.forget();
        }
    }

    /// Waits for an answer and for those before it.
    fn answer<T>(
        &self,
        future: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        let queued = self
            .live
            .borrow_mut()
            .as_mut()
            .map(|live| std::mem::take(&mut live.queued))
            .unwrap_or_default();
        let result = self.wait(async {
            let (before, own) = join(join_all(queued), future).await;
            before.into_iter().collect::<Result<(), _>>()?;
            own.map_err(|error| failure::read(&error))
        });
        if result.as_ref().is_err_and(ends_connection) {
            self.drop_lost();
        }
        result
    }

    fn statement(&self, sql: &str) -> Result<Statement, StoreError> {
        let client = self.client()?;
        if let Some(live) = &*self.live.borrow()
            && let Some(known) = live.statements.get(sql)
        {
            return Ok(known.clone());
        }
        let statement = self.answer(client.prepare(sql))?;
        if let Some(live) = &mut *self.live.borrow_mut() {
            if live.statements.len() >= STATEMENTS {
                live.statements.clear();
            }
            live.statements.insert(sql.to_owned(), statement.clone());
        }
        Ok(statement)
    }

    /// Begins a transaction that may write; it is sent with the first statement.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        self.queue("BEGIN")
    }

    /// Makes what was written durable. After an error it may have been made so all the same: [`StoreError::Unknown`].
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        let client = self.client()?;
        // One that the server refuses is not done; one without an answer may be.
        self.answer(client.batch_execute("COMMIT")).map_err(unknown)
    }

    /// Ends a transaction; after an error of the connection it has ended by itself.
    pub(crate) fn rollback(&self) {
        let Some(client) = self
            .live
            .borrow()
            .as_ref()
            .map(|live| Arc::clone(&live.client))
        else {
            return;
        };
        let _ = self.tx().settle(); // what else went wrong in what is undone
        if self.answer(client.batch_execute("ROLLBACK")).is_err() {
            self.forget();
        }
    }

    /// Runs reads on one state of the database.
    pub(crate) fn reading<T>(
        &self,
        run: impl FnOnce(Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.follow();
        self.drop_dead();
        self.queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let result = run(self.tx());
        match &result {
            Ok(_) => {
                self.queue("COMMIT")?;
                self.flush();
            }
            Err(_) => self.rollback(),
        }
        result
    }

    /// Waits until nothing is under way any more on connections of an earlier process of this node: a commit that it did
    /// not live to hear of must not come after this one has looked at the end of its chain.
    pub(crate) fn outlive(&self) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' AND pid <> PG_BACKEND_PID() LIMIT 1";
        for _ in 0..OUTLIVE_TRIES {
            match self
                .tx()
                .first(sql, &[self.name.as_str().into()], |_| Ok(()))
            {
                Ok(Some(())) => {}
                // A server that speaks the protocol but tells nothing of its sessions cannot be asked.
                Ok(None) | Err(StoreError::Refused(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
            std::thread::sleep(OUTLIVE_PAUSE);
        }
        Ok(())
    }

    /// The server's clock in microseconds.
    pub(crate) fn clock(&self) -> Result<i64, StoreError> {
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000000 AS BIGINT)";
        let now = self.tx().first(sql, &[], |row| row.columns().int())?;
        now.ok_or_else(|| StoreError::Corrupt("the server tells no time".to_owned()))
    }

    /// Bytes of the database; 0 where the server does not tell.
    pub(crate) fn size(&self) -> u64 {
        let sql = "SELECT PG_DATABASE_SIZE(CURRENT_DATABASE())";
        let size = self.tx().first(sql, &[], |row| row.columns().int());
        size.ok()
            .flatten()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0)
    }

    pub(crate) fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = $1";
        Ok(self.tx().first(sql, &[name.into()], |_| Ok(()))?.is_some())
    }

    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        let sql =
            "SELECT 1 FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() LIMIT 1";
        Ok(self.tx().first(sql, &[], |_| Ok(()))?.is_none())
    }
}

/// An error after which nobody knows whether a commit took place.
fn unknown(error: StoreError) -> StoreError {
    match error {
        StoreError::Unreachable(reason) => StoreError::Unknown(reason),
        other => other,
    }
}

/// Statements on a connection.
#[derive(Clone, Copy)]
pub(crate) struct Tx<'a> {
    database: &'a Database,
}

impl Tx<'_> {
    pub(crate) fn run(self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError> {
        let statement = self.database.statement(sql)?;
        let client = self.database.client()?;
        let done = self
            .database
            .answer(client.execute_raw(&statement, args.iter().copied()))?;
        Ok(usize::try_from(done).unwrap_or(usize::MAX))
    }

    pub(crate) fn script(self, sql: &str) -> Result<(), StoreError> {
        let client = self.database.client()?;
        self.database.answer(client.batch_execute(sql))
    }

    pub(crate) fn queue(self, sql: &'static str) -> Result<(), StoreError> {
        self.database.queue(sql)
    }

    /// Sends a statement that must change `rows` rows, if that is given.
    pub(crate) fn send(
        self,
        sql: &str,
        args: &[Arg<'_>],
        rows: Option<u64>,
    ) -> Result<(), StoreError> {
        let statement = self.database.statement(sql)?;
        let client = self.database.client()?;
        let args: Vec<Owned> = args.iter().map(Owned::from).collect();
        self.database.put(Box::pin(async move {
            match client.execute_raw(&statement, &args).await {
                Ok(done) if rows.is_none_or(|rows| rows == done) => Ok(()),
                Ok(_) => Err(StoreError::NotHeld),
                Err(error) => Err(failure::read(&error)),
            }
        }))
    }

    pub(crate) fn settle(self) -> Result<(), StoreError> {
        let waiting = self
            .database
            .live
            .borrow()
            .as_ref()
            .is_some_and(|live| !live.queued.is_empty());
        if waiting {
            self.database.answer(async { Ok(()) })
        } else {
            Ok(())
        }
    }

    pub(crate) fn together(
        self,
        reads: &[(&str, &[Arg<'_>])],
        mut read: impl FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statements: Vec<Statement> = reads
            .iter()
            .map(|(sql, _)| self.database.statement(sql))
            .collect::<Result<_, _>>()?;
        let client = self.database.client()?;
        let asked = statements.iter().zip(reads).map(|(statement, (_, args))| {
            let client = &client;
            async move {
                let rows = client.query_raw(statement, args.iter().copied()).await?;
                pin!(rows).try_collect::<Vec<_>>().await
            }
        });
        let answers = self.database.answer(try_join_all(asked))?;
        for (place, rows) in answers.iter().enumerate() {
            for row in rows {
                read(place, &Row::Postgres(row))?;
            }
        }
        Ok(())
    }

    /// All rows of a short answer.
    fn rows(self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let statement = self.database.statement(sql)?;
        let client = self.database.client()?;
        self.database.answer(async {
            let rows = client.query_raw(&statement, args.iter().copied()).await?;
            pin!(rows).try_collect().await
        })
    }

    pub(crate) fn first<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.rows(sql, args)?;
        rows.first()
            .map(|row| read(&Row::Postgres(row)))
            .transpose()
    }

    pub(crate) fn all<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(sql, args)?;
        rows.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    /// Calls `each` with every row of a long answer, fetched piece by piece inside a transaction, until it says false.
    pub(crate) fn each(
        self,
        sql: &str,
        args: &[Arg<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let cursor = cursor(sql);
        self.run(
            &format!("DECLARE {cursor} NO SCROLL CURSOR FOR {sql}"),
            args,
        )?;
        let fetch = format!("FETCH {FETCH} FROM {cursor}");
        let result = (|| {
            loop {
                let rows = self.rows(&fetch, &[])?;
                for row in &rows {
                    if !each(&Row::Postgres(row))? {
                        return Ok(());
                    }
                }
                if rows.len() < FETCH {
                    return Ok(());
                }
            }
        })();
        // After an error the transaction ends, and the cursor with it.
        if result.is_ok() {
            self.database.queue(format!("CLOSE {cursor}"))?;
        }
        result
    }
}

/// The cursor of a statement. How rows look is learnt once for each text of a FETCH, so that no two statements may share
/// a name.
fn cursor(sql: &str) -> String {
    let mut hasher = DefaultHasher::new();
    sql.hash(&mut hasher);
    format!("long_{:016x}", hasher.finish())
}
