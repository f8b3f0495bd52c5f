//! All entries of a directory, read page by page for a synchronisation.

use super::ldap::{Scope, Wide};
use super::{BackEnds, Connectors, open};
use crate::node::Node;
use countersign_engine::admin::sync::{Entry, PAGE};
use countersign_engine::model::{BackEnd, Protocol, SyncScope};
use std::sync::{Arc, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Pages that wait for whoever takes them.
const AHEAD: usize = 2;

/// Which entries are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// Where; `None` = the base of the record.
    pub(crate) base: Option<String>,
    /// How deep.
    pub(crate) scope: SyncScope,
    /// Which, as RFC 4515 writes it; `None` = the users of the record.
    pub(crate) filter: Option<String>,
    /// What of them.
    pub(crate) attributes: Vec<String>,
}

/// The pages of an answer, in their order. Whoever drops it ends the reading.
#[derive(Debug)]
pub(crate) struct Pages {
    pages: mpsc::Receiver<Vec<Entry>>,
    end: oneshot::Receiver<Result<(), String>>,
}

impl Pages {
    /// The next page; none after the last one.
    pub(crate) async fn next(&mut self) -> Option<Vec<Entry>> {
        self.pages.recv().await
    }

    /// Whether the directory was read to its end, once there is no further page.
    ///
    /// # Errors
    /// Why it was not.
    pub(crate) async fn end(self) -> Result<(), String> {
        let stopping = Err("the node is stopping".to_owned());
        self.end.await.unwrap_or(stopping)
    }
}

impl BackEnds {
    /// Reads all entries of a directory on a thread of the back-ends, never far ahead of whoever takes the pages.
    pub(crate) fn entries(&self, node: &Arc<Node>, record: Arc<BackEnd>, search: Search) -> Pages {
        let (to, pages) = mpsc::channel(AHEAD);
        let (tell, end) = oneshot::channel();
        let (connectors, node) = (self.connectors.clone(), node.clone());
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            runtime.spawn(async move {
                let read = connectors.read(&node, record, &search, to).await;
                let _ = tell.send(read); // nobody may wait any more
            });
        }
        Pages { pages, end }
    }
}

impl Connectors {
    async fn read(
        &self,
        node: &Node,
        record: Arc<BackEnd>,
        search: &Search,
        to: mpsc::Sender<Vec<Entry>>,
    ) -> Result<(), String> {
        let domain = record.domain.unwrap_or_default();
        let target = open(node, record, domain)?;
        let own = match &target.record.protocol {
            Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => Some(own),
            Protocol::Windows(own) => own.directory.as_ref(),
            Protocol::Radius(_) | Protocol::Webhook(_) => None,
        };
        let own = own.ok_or("the record is no directory")?;
        let wide = Wide {
            base: search.base.as_deref().unwrap_or(&own.base_dn),
            scope: match search.scope {
                SyncScope::Subtree => Scope::Subtree,
                SyncScope::One => Scope::One,
                SyncScope::Base => Scope::Base,
            },
            filter: search.filter.as_deref().unwrap_or_default(),
            attributes: &search.attributes,
        };
        let mut page = Vec::with_capacity(PAGE);
        let read = self.ldap.entries(&target, own, &wide, |entry| {
            let (dn, attributes) = entry.into_parts();
            page.push(Entry { dn, attributes });
            if page.len() < PAGE {
                return Ok(());
            }
            pass(&to, std::mem::replace(&mut page, Vec::with_capacity(PAGE)))
        });
        read.await?;
        pass(&to, page)
    }
}

/// Hands a page over; waits, on a thread that others then do without, until there is room.
fn pass(to: &mpsc::Sender<Vec<Entry>>, page: Vec<Entry>) -> Result<(), String> {
    if page.is_empty() {
        return Ok(());
    }
    tokio::task::block_in_place(|| to.blocking_send(page))
        .map_err(|_| "nobody waits for the entries any more".to_owned())
}
