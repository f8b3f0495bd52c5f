//! The accept loop: TCP or TLS below, a router above, limits in between.

mod connection;
mod limits;
mod peer;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::tls::Certificates;
pub use limits::Limits;
pub use peer::Peer;

/// Pause after a failed accept: without file descriptors it fails again at once, and spinning helps nobody.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What lies below HTTP.
#[derive(Clone)]
pub enum Transport {
    /// Plain HTTP/1.1: health, and loopback where configured.
    Plain,
    /// HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3.
    Tls(Arc<Certificates>),
}

/// Serves the router on the listeners until `stop` completes; then takes nothing new, lets running requests end within
/// [`Limits::grace`], and returns.
pub async fn serve(
    listeners: Vec<TcpListener>,
    transport: Transport,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let (bell, stopping) = watch::channel(false);
    let shared = Arc::new(Shared {
        transport,
        router,
        slots: Arc::new(Semaphore::new(limits.connections)),
        limits,
        stopping,
    });
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(accept(listener, Arc::clone(&shared)));
    }
    stop.await;
    bell.send_replace(true);
    while loops.join_next().await.is_some() {}
}

/// What all connections of one [`serve`] share.
struct Shared {
    transport: Transport,
    router: Router,
    slots: Arc<Semaphore>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    while let Some(slot) = slot(&shared).await {
        tokio::select! {
            accepted = listener.accept() => admit(&mut open, accepted, slot, &shared).await,
            Some(_) = open.join_next() => {}
            () = stopped(&shared.stopping) => break,
        }
    }
    drop(listener);
    let all_closed = async { while open.join_next().await.is_some() {} };
    // What is still open after the grace is cut off when the set is dropped.
    if tokio::time::timeout(shared.limits.grace, all_closed)
        .await
        .is_err()
    {
        tracing::info!("connections were cut off at the end of the grace period");
    }
}

/// Room for one more connection, or nothing once the server stops. Without room nothing is accepted: the clients wait
/// in the backlog of the system.
async fn slot(shared: &Shared) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        slot = Arc::clone(&shared.slots).acquire_owned() => slot.ok(),
        () = stopped(&shared.stopping) => None,
    }
}

async fn admit(
    open: &mut JoinSet<()>,
    accepted: io::Result<(TcpStream, SocketAddr)>,
    slot: OwnedSemaphorePermit,
    shared: &Arc<Shared>,
) {
    match accepted {
        Ok((stream, from)) => {
            let shared = Arc::clone(shared);
            open.spawn(async move {
                connection::run(stream, from, &shared).await;
                drop(slot);
            });
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

/// Completes when the server stops.
async fn stopped(stopping: &watch::Receiver<bool>) {
    // An error means that the other end is gone, which is a stop as well.
    let mut stopping = stopping.clone();
    let _gone = stopping.wait_for(|stopping| *stopping).await;
}
