//! Connections kept between questions: those bound as the record's own account, for searches, and others on which
//! users are bound. A record that changes begins anew.

use super::connection::{Answer, Connection, Found};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::service;
use super::wire::{Control, Request, Search};
use crate::back_end::Target;
use countersign_engine::Secret;
use countersign_engine::model::{BackEndKey, Directory};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Connections of one kind to one record.
const MOST: usize = 64;
/// How long a connection is kept unused: firewalls forget it silently after a few minutes.
const KEPT: Duration = Duration::from_secs(120);
/// How long a refused account of the record is not tried again, lest it be locked.
const REFUSED: Duration = Duration::from_secs(30);

/// The pools of all records.
#[derive(Debug, Default)]
pub(super) struct Pools(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    pools: HashMap<BackEndKey, Arc<Pool>>,
    /// When old connections were last looked for.
    swept: Option<Instant>,
}

/// The connections of one revision of a record.
pub(super) struct Pool {
    revision: i64,
    endpoint: Endpoint,
    catalog: Option<Endpoint>,
    bind_dn: Option<String>,
    bind_password: Option<Secret>,
    service: Shelf,
    users: Shelf,
    catalogs: Shelf,
    refused: Mutex<Option<(Instant, String)>>,
    /// Where groups are searched, once that is known.
    pub(super) groups_base: tokio::sync::OnceCell<String>,
}

/// Connections of one kind.
struct Shelf {
    idle: Mutex<Vec<(Connection, Instant)>>,
    gate: Semaphore,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Searches, as the account of the record.
    Service,
    /// Binds of users.
    User,
    /// Searches in the global catalog.
    Catalog,
}

/// A connection in use; it goes back when it is idle again, and is closed otherwise.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    purpose: Purpose,
    connection: Option<Connection>,
    /// Whether it was used before, so that the server may have closed it.
    used: bool,
    deadline: Instant,
    _permit: SemaphorePermit<'a>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Pools {
    /// The pool of a record as it is now.
    pub(super) fn of(&self, target: &Target, own: &Directory) -> Result<Arc<Pool>, Fault> {
        let revision = target.record.meta.revision;
        let key = target.record.key;
        let mut all = lock(&self.0);
        all.sweep();
        let known = all.pools.get(&key).filter(|pool| pool.revision == revision);
        if let Some(pool) = known.filter(|pool| pool.endpoint.obeys(&target.outbound)) {
            return Ok(pool.clone());
        }
        let pool = Arc::new(Pool::new(target, own)?);
        // one who still holds an older revision must not put away the connections of the newer
        if all
            .pools
            .get(&key)
            .is_none_or(|other| other.revision <= revision)
        {
            all.pools.insert(key, pool.clone());
        }
        Ok(pool)
    }
}

impl All {
    /// Closes what was not used for long, of every record.
    fn sweep(&mut self) {
        let now = Instant::now();
        if self.swept.is_some_and(|last| now - last < KEPT / 4) {
            return;
        }
        self.swept = Some(now);
        self.pools.values().for_each(|pool| pool.sweep());
    }
}

impl Pool {
    /// An empty one.
    pub(super) fn new(target: &Target, own: &Directory) -> Result<Self, Fault> {
        Ok(Self {
            revision: target.record.meta.revision,
            endpoint: Endpoint::of(target, own)?,
            catalog: Endpoint::of_catalog(target, own),
            bind_dn: own.bind_dn.clone(),
            bind_password: target.secret("bind_password").cloned(),
            service: Shelf::default(),
            users: Shelf::default(),
            catalogs: Shelf::default(),
            refused: Mutex::default(),
            groups_base: tokio::sync::OnceCell::new(),
        })
    }

    /// Where it connects to for a purpose.
    pub(super) fn endpoint(&self, purpose: Purpose) -> Result<&Endpoint, Fault> {
        match purpose {
            Purpose::Service | Purpose::User => Ok(&self.endpoint),
            Purpose::Catalog => {
                let missing = || Fault::new("connect", "the record names no global catalog");
                self.catalog.as_ref().ok_or_else(missing)
            }
        }
    }

    /// Whether the record names a global catalog.
    pub(super) fn has_catalog(&self) -> bool {
        self.catalog.is_some()
    }

    /// Whether the record has an account of its own.
    pub(super) fn has_account(&self) -> bool {
        self.bind_dn.is_some()
    }

    /// A connection that is ready for its purpose.
    pub(super) async fn lease(
        &self,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Lease<'_>, Fault> {
        let shelf = self.shelf(purpose);
        let permit =
            super::connection::in_time("wait for a connection", deadline, shelf.gate.acquire());
        let closed = |_| Fault::new("wait for a connection", "the pool is closed");
        let permit = permit.await?.map_err(closed)?;
        let kept = shelf.take();
        let used = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open(purpose, deadline).await?,
        };
        connection.until(deadline);
        Ok(Lease {
            pool: self,
            purpose,
            connection: Some(connection),
            used,
            deadline,
            _permit: permit,
        })
    }

    /// A new connection that is ready for its purpose.
    async fn open(&self, purpose: Purpose, deadline: Instant) -> Result<Connection, Fault> {
        if purpose != Purpose::User {
            self.may_bind()?;
        }
        let mut connection = self.endpoint(purpose)?.open(deadline).await?;
        if purpose != Purpose::User {
            self.bind(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Binds as the account of the record.
    async fn bind(&self, connection: &mut Connection) -> Result<(), Fault> {
        let Some(dn) = &self.bind_dn else {
            return Ok(()); // anonymous, as a new connection is
        };
        let bound = service::bind(connection, dn, self.bind_password.as_ref()).await;
        if let Err(service::Refusal::Account(fault)) = &bound {
            *lock(&self.refused) = Some((Instant::now() + REFUSED, fault.why().to_owned()));
        }
        bound.map_err(service::Refusal::into_fault)
    }

    fn may_bind(&self) -> Result<(), Fault> {
        match &*lock(&self.refused) {
            Some((until, why)) if Instant::now() < *until => Err(Fault::new("service bind", why)),
            _ => Ok(()),
        }
    }

    fn shelf(&self, purpose: Purpose) -> &Shelf {
        match purpose {
            Purpose::Service => &self.service,
            Purpose::User => &self.users,
            Purpose::Catalog => &self.catalogs,
        }
    }

    /// Closes what was not used for long.
    fn sweep(&self) {
        for shelf in [&self.service, &self.users, &self.catalogs] {
            let now = Instant::now();
            let old = lock(&shelf.idle)
                .extract_if(.., |(_, since)| now - *since > KEPT)
                .collect::<Vec<_>>();
            old.into_iter()
                .for_each(|(connection, _)| connection.close());
        }
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            idle: Mutex::default(),
            gate: Semaphore::new(MOST),
        }
    }
}

impl Shelf {
    /// The connection used last, if one lives.
    fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, _) = lock(&self.idle).pop()?;
            if !connection.is_dead() {
                return Some(connection);
            }
        }
    }
}

impl Lease<'_> {
    /// Finds entries.
    pub(super) async fn search(&mut self, search: &Search) -> Result<Found, Fault> {
        self.search_with(search, &[]).await
    }

    /// Finds entries, with controls.
    pub(super) async fn search_with(
        &mut self,
        search: &Search,
        controls: &[Control],
    ) -> Result<Found, Fault> {
        let found = self.connection()?.search("search", search, controls).await;
        match found {
            Err(fault) if self.renewable(&fault) => {
                self.renew().await?;
                self.connection()?.search("search", search, controls).await
            }
            other => self.ended(other),
        }
    }

    /// Binds as a user.
    pub(super) async fn bind(
        &mut self,
        dn: &str,
        password: &[u8],
        controls: &[Control],
    ) -> Result<Answer, Fault> {
        let request = Request::Bind { dn, password };
        let answer = self
            .connection()?
            .call("user bind", &request, controls)
            .await;
        match answer {
            Err(fault) if self.renewable(&fault) => {
                self.renew().await?;
                self.connection()?
                    .call("user bind", &request, controls)
                    .await
            }
            other => self.ended(other),
        }
    }

    /// Changes something: never twice, since the first time may have worked.
    pub(super) async fn change(
        &mut self,
        request: &Request<'_>,
        controls: &[Control],
    ) -> Result<Answer, Fault> {
        let answer = self.connection()?.call("change", request, controls).await;
        self.ended(answer)
    }

    /// Sets when requests must have been answered from now on.
    pub(super) fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.connection
            .iter_mut()
            .for_each(|connection| connection.until(deadline));
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        let lost = || Fault::new("connect", "the connection is lost");
        self.connection.as_mut().ok_or_else(lost)
    }

    fn renewable(&self, fault: &Fault) -> bool {
        self.used && fault.is_gone()
    }

    async fn renew(&mut self) -> Result<(), Fault> {
        self.used = false;
        self.connection = None;
        let mut connection = self.pool.open(self.purpose, self.deadline).await?;
        connection.until(self.deadline);
        self.connection = Some(connection);
        Ok(())
    }

    fn ended<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        self.used &= result.is_err();
        result
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if connection.is_idle() {
            let shelf = self.pool.shelf(self.purpose);
            lock(&shelf.idle).push((connection, Instant::now()));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
