//! Asks the back-ends of a user what only they know (authentication.md 10), away from the threads of those who need
//! none of them: on a runtime of its own, each question within the time its request has.
//!
//! A connector knows one protocol: it makes one try at one server and translates the answer into [`Said`]. Which
//! servers are tried, in which order, how often and for how long is decided here, once for all protocols.

mod address;
mod ldap;
mod radius;
mod trust;
mod webhook;
mod windows;

use crate::node::Node;
use countersign_engine::Secret;
use countersign_engine::back_end::{Ask, Heard, Said};
use countersign_engine::facts::{Place, Vault};
use countersign_engine::model::{BackEnd, Component, Protocol, Sealed};
use countersign_radius::SharedSecret;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// The back-ends as a node asks them.
pub(crate) struct BackEnds {
    /// Taken away when the node closes.
    runtime: Mutex<Option<Runtime>>,
    connectors: Arc<Connectors>,
}

/// What each protocol keeps between two questions: connections, health.
#[derive(Debug, Default)]
struct Connectors {
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
pub(crate) struct Step {
    /// What was done.
    pub(crate) name: &'static str,
    /// It went well.
    pub(crate) passed: bool,
    /// What was seen; no secret.
    pub(crate) detail: String,
}

/// Whom a test of a record tries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trial {
    /// The user ID.
    pub(crate) user: Option<String>,
    /// His password.
    pub(crate) password: Option<Secret>,
    /// Groups he may be in.
    pub(crate) groups: Vec<String>,
}

/// What came of one try at one server: an answer with words for the record, or why there is none (the next server is
/// tried then).
type Tried = Result<(Said, String), String>;

impl std::fmt::Debug for BackEnds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackEnds").finish_non_exhaustive()
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
}

impl Connectors {
    async fn ask(&self, node: &Node, ask: &Ask, asking: &Asking, until: Instant) -> Heard {
        let servers = node.snapshot().back_ends.servers(&ask.engine, ask.domain);
        let mut last = heard("", Said::Nobody, "");
        for record in servers {
            let name = record.name.clone();
            let tried = match open(node, record) {
                Ok(target) => {
                    tokio::time::timeout_at(until.into(), self.try_one(&target, ask, asking))
                        .await
                        .unwrap_or_else(|_| Err("no answer in time".to_owned()))
                }
                Err(why) => Err(why),
            };
            match tried {
                Ok((said, note)) => return heard(&name, said, &note),
                Err(why) => last = heard(&name, Said::Unreachable, &why),
            }
        }
        last
    }

    async fn try_one(&self, target: &Target, ask: &Ask, asking: &Asking) -> Tried {
        match &target.record.protocol {
            Protocol::ActiveDirectory(directory) | Protocol::Ldap(directory) => {
                self.ldap.ask(target, directory, ask).await
            }
            Protocol::Radius(own) => self.radius.ask(target, own, ask, asking).await,
            Protocol::Webhook(own) => self.webhook.ask(target, own, ask, asking).await,
            Protocol::Windows(own) => self.windows.ask(target, own, ask).await,
        }
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
fn open(node: &Node, record: Arc<BackEnd>) -> Result<Target, String> {
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
    Ok(Target { record, secrets })
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
