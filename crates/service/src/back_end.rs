//! Asks the back-ends of a user what only they know (authentication.md 10), away from the threads of those who need
//! none of them: on a runtime of its own, each question within the time its request has.
//!
//! A connector knows one protocol: it makes one try at one server and translates the answer into [`Said`]. Which
//! servers are tried, in which order, how often and for how long is decided here, once for all protocols.

mod entries;
mod health;
mod ldap;
mod radius;
mod relay;
mod servers;
mod trust;
mod webhook;
mod windows;

pub(crate) use entries::{Pages, Search};
pub use health::ServerHealth;
pub(crate) use relay::{Relay, is_relayed};

use crate::node::Node;
use crate::outbound::Outbound;
use countersign_engine::Secret;
use countersign_engine::back_end::{Ask, Heard, Said, Wanted};
use countersign_engine::facts::{Place, Vault};
use countersign_engine::model::{BackEnd, Component, DomainKey, Protocol, Sealed};
use countersign_engine::snapshot::Snapshot;
use countersign_radius::SharedSecret;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// The back-ends as a node asks them.
pub(crate) struct BackEnds {
    /// Taken away when the node closes.
    runtime: Mutex<Option<Runtime>>,
    connectors: Arc<Connectors>,
}

/// What is kept between two questions: the health of servers, and the connections of each protocol.
#[derive(Debug, Default)]
struct Connectors {
    /// Questions under way, waiting ones included.
    questions: AtomicUsize,
    health: health::Health,
    /// The health of accounting, which has ports of its own.
    accounting: health::Health,
    ldap: ldap::Connector,
    radius: radius::Connector,
    webhook: webhook::Connector,
    windows: windows::Connector,
}

/// The request that a question comes from.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Identity of the request.
    pub(crate) id: [u8; 16],
    /// The Access-Request as it came, where it came over RADIUS.
    pub(crate) received: Option<Arc<Received>>,
}

/// An Access-Request as it came: what is passed on to a RADIUS back-end is taken from it.
#[derive(Debug)]
pub(crate) struct Received {
    /// The packet; its authenticity was checked.
    pub(crate) packet: Box<[u8]>,
    /// The secret it was made with.
    pub(crate) secret: Arc<SharedSecret>,
    /// The component it came from.
    pub(crate) component: Arc<Component>,
}

/// A server to try, with its secrets opened.
#[derive(Debug)]
struct Target {
    record: Arc<BackEnd>,
    /// By field of table `back_end`.
    secrets: Vec<(&'static str, Secret)>,
    /// Name of the user's domain.
    domain: String,
    /// Where connections may be made to.
    outbound: Outbound,
    /// When this try is given up.
    until: Instant,
}

impl Target {
    /// A sealed field of the record; none if it is not set.
    fn secret(&self, field: &str) -> Option<&Secret> {
        let own = self.secrets.iter().find(|(name, _)| *name == field);
        own.map(|(_, secret)| secret)
    }
}

/// One step of a test of a record, such as `connect` or `user found`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub name: &'static str,
    /// It went well.
    pub passed: bool,
    /// What was seen; no secret.
    pub detail: String,
}

/// Whom a test of a record tries.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The user ID.
    pub user: Option<String>,
    /// His password.
    pub password: Option<Secret>,
    /// Groups he may be in.
    pub groups: Vec<String>,
    /// His domain; `None` = the master domain.
    pub domain: Option<DomainKey>,
}

/// What came of one try at one server: an answer with words for the record, or why there is none (the next server is
/// tried then).
type Tried = Result<(Said, String), String>;

impl std::fmt::Debug for BackEnds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackEnds").finish_non_exhaustive()
    }
}

/// A runtime that is dropped where others wait panics; what is under way has nobody left to tell.
impl Drop for BackEnds {
    fn drop(&mut self) {
        self.close();
    }
}

impl BackEnds {
    /// Starts the threads that wait for back-ends.
    pub(crate) fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("back-ends")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Mutex::new(Some(runtime)),
            connectors: Arc::default(),
        })
    }

    /// Ends all questions under way and their threads.
    pub(crate) fn close(&self) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }

    /// Asks, and passes the answer to `then` before `until` on a thread of its own.
    pub(crate) fn answer(
        &self,
        node: &Arc<Node>,
        ask: Ask,
        asking: Asking,
        until: Instant,
        then: impl FnOnce(Heard) + Send + 'static,
    ) {
        let (connectors, node) = (self.connectors.clone(), node.clone());
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => {
                runtime
                    .spawn(async move { then(connectors.ask(&node, &ask, &asking, until).await) });
            }
            None => {
                drop(runtime);
                then(heard("", Said::Unreachable, "the node is stopping"));
            }
        }
    }

    /// Tests a record step by step, and passes what was found to `then` before `until` on a thread of its own.
    pub(crate) fn test(
        &self,
        node: &Arc<Node>,
        record: Arc<BackEnd>,
        trial: Trial,
        until: Instant,
        then: impl FnOnce(Vec<Step>) + Send + 'static,
    ) {
        let (connectors, node) = (self.connectors.clone(), node.clone());
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => {
                runtime.spawn(async move {
                    then(connectors.test(&node, record, &trial, until).await);
                });
            }
            None => {
                drop(runtime);
                then(vec![step("start", Err("the node is stopping".to_owned()))]);
            }
        }
    }

    /// How the servers of a configuration are, by its records.
    pub(crate) fn health(&self, snapshot: &Snapshot) -> Vec<ServerHealth> {
        self.connectors.health(snapshot)
    }
}

impl Node {
    /// Tests a record of a back-end step by step; what is not found out by then fails.
    pub async fn test_back_end(
        self: &Arc<Self>,
        record: Arc<BackEnd>,
        trial: Trial,
        until: Instant,
    ) -> Vec<Step> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.back_ends().test(self, record, trial, until, |steps| {
            let _ = tell.send(steps); // nobody may wait any more
        });
        told.await
            .unwrap_or_else(|_| vec![step("start", Err("the node is stopping".to_owned()))])
    }

    /// How the back-end servers are, as this node sees them, in the order of their priority.
    pub fn back_end_health(&self) -> Vec<ServerHealth> {
        self.back_ends().health(&self.snapshot())
    }
}

impl Connectors {
    /// Tests one record.
    async fn test(
        &self,
        node: &Node,
        record: Arc<BackEnd>,
        trial: &Trial,
        until: Instant,
    ) -> Vec<Step> {
        let master = || node.snapshot().domains.master().map(|master| master.key);
        let domain = trial.domain.or(record.domain).or_else(master);
        let mut target = match open(node, record, domain.unwrap_or_default()) {
            Ok(target) => target,
            Err(why) => return vec![step("open the record", Err(why))],
        };
        target.until = until;
        let target = &target;
        let tested = async {
            match &target.record.protocol {
                Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => {
                    self.ldap.test(target, own, trial).await
                }
                Protocol::Radius(own) => self.radius.test(target, own, trial).await,
                Protocol::Webhook(own) => self.webhook.test(target, own, trial).await,
                Protocol::Windows(own) => {
                    let mut steps = self.windows.test(target, own, trial).await;
                    if let Some(directory) = &own.directory {
                        steps.extend(self.ldap.test(target, directory, trial).await);
                    }
                    steps
                }
            }
        };
        tokio::time::timeout_at(until.into(), tested)
            .await
            .unwrap_or_else(|_| vec![step("end in time", Err("no answer in time".to_owned()))])
    }

    async fn try_one(&self, target: &Target, ask: &Ask, asking: &Asking) -> Tried {
        match &target.record.protocol {
            Protocol::ActiveDirectory(directory) | Protocol::Ldap(directory) => {
                self.ldap.ask(target, directory, ask).await
            }
            Protocol::Radius(own) => self.radius.ask(target, own, ask, asking).await,
            Protocol::Webhook(own) => self.webhook.ask(target, own, ask, asking).await,
            Protocol::Windows(own) => match (&ask.wanted, &own.directory) {
                // winbind knows passwords and names; for the rest there is the directory
                (Wanted::Groups(_) | Wanted::UserInfo | Wanted::Change { .. }, Some(directory)) => {
                    self.ldap.ask(target, directory, ask).await
                }
                _ => self.windows.ask(target, own, ask).await,
            },
        }
    }
}

/// A step of a test by what came of it.
fn step(name: &'static str, found: Result<String, String>) -> Step {
    Step {
        name,
        passed: found.is_ok(),
        detail: found.unwrap_or_else(|why| why),
    }
}

fn heard(server: &str, said: Said, note: &str) -> Heard {
    Heard {
        server: server.to_owned(),
        said,
        note: note.to_owned(),
    }
}

/// Opens the sealed fields of a record.
fn open(node: &Node, record: Arc<BackEnd>, domain: DomainKey) -> Result<Target, String> {
    let ring = node.ring();
    let mut secrets = Vec::new();
    for (field, sealed) in sealed_fields(&record.protocol) {
        let place = Place {
            table: "back_end",
            id: record.key.0,
            field,
            version: record.meta.record_version,
        };
        let secret = ring
            .open(place, sealed)
            .map_err(|_| format!("the field {field} of the record does not open"))?;
        secrets.push((field, secret));
    }
    Ok(Target {
        record,
        secrets,
        domain: node.snapshot().domains.name(domain).to_owned(),
        outbound: Outbound::of(node),
        until: Instant::now(),
    })
}

fn sealed_fields(protocol: &Protocol) -> Vec<(&'static str, &Sealed)> {
    let fields = match protocol {
        Protocol::Radius(own) => vec![("shared_secret", &own.shared_secret)],
        Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => {
            vec![("bind_password", &own.bind_password)]
        }
        Protocol::Windows(own) => own
            .directory
            .iter()
            .map(|directory| ("bind_password", &directory.bind_password))
            .collect(),
        Protocol::Webhook(own) => {
            vec![("hmac_key", &own.hmac_key), ("client_key", &own.client_key)]
        }
    };
    fields
        .into_iter()
        .filter_map(|(name, sealed)| Some((name, sealed.as_ref()?)))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::radius::tests::component;
}
