//! A TCP proxy between a node and its PostgreSQL, for faults of the network and for errors that the server itself seldom
//! makes. It runs in threads of the test and is gone with the value.

mod chaos;
mod gate;
mod relay;
mod wire;

pub use chaos::Chaos;
pub use gate::Mode;

use chaos::Counters;
use gate::Gate;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A proxy on a port of its own.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    gate: Gate,
    chaos: Option<Chaos>,
    counters: Counters,
    connections: Mutex<Vec<(TcpStream, TcpStream)>>,
    accepted: AtomicU64,
}

impl Proxy {
    /// A proxy to a port of this host, which lets everything pass.
    ///
    /// # Panics
    /// There is no free port.
    pub fn to(port: u16) -> Self {
        Self::to_address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// A proxy to an address, which lets everything pass.
    ///
    /// # Panics
    /// There is no free port.
    pub fn to_address(target: SocketAddr) -> Self {
        Self::begin(target, None)
    }

    /// A proxy to a PostgreSQL without TLS that makes errors at random, by a seed.
    ///
    /// # Panics
    /// There is no free port.
    pub fn with(port: u16, chaos: Chaos) -> Self {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self::begin(target, Some(chaos))
    }

    fn begin(target: SocketAddr, chaos: Option<Chaos>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen on a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            target,
            gate: Gate::default(),
            chaos,
            counters: Counters::default(),
            connections: Mutex::default(),
            accepted: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accepting.accept(listener));
        Self { shared, port }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happens to traffic from now on, in open connections too.
    pub fn set(&self, mode: Mode) {
        self.shared.gate.set(mode);
        self.wake();
    }

    /// Breaks all open connections; new ones are taken as before.
    pub fn reset(&self) {
        self.shared.break_all();
    }

    /// Lets nobody in any more and breaks who is, as after the end of the server, until [`Proxy::set`].
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
        self.shared.break_all();
    }

    /// Connections it has taken so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Errors it has made so far, on behalf of the server.
    pub fn errors(&self) -> u64 {
        self.shared.counters.errors.load(Ordering::Relaxed)
    }

    /// Connections it has broken so far at random.
    pub fn resets(&self) -> u64 {
        self.shared.counters.resets.load(Ordering::Relaxed)
    }

    /// Makes whoever waits for a connection look at the mode again.
    fn wake(&self) {
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)); // refused: then nobody waits there
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.gate.set(Mode::Ended);
        self.wake();
        self.shared.break_all();
    }
}

impl Shared {
    /// Takes connections until the end; while they are to be refused nobody listens.
    fn accept(self: &Arc<Self>, listener: TcpListener) {
        let address = listener.local_addr().expect("an address");
        let mut listener = Some(listener);
        loop {
            match self.gate.mode() {
                Mode::Ended => return,
                Mode::Refuse => {
                    listener = None;
                    self.gate.wait_while(|mode| mode == Mode::Refuse);
                }
                _ => {
                    let open = listener.get_or_insert_with(|| {
                        TcpListener::bind(address).expect("listen on the port again")
                    });
                    if let Ok((client, _)) = open.accept()
                        && !matches!(self.gate.mode(), Mode::Ended | Mode::Refuse)
                    {
                        self.serve(client);
                    }
                }
            }
        }
    }

    fn serve(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.target) else {
            return; // the client sees the end of its connection
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true)); // slower at worst
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        if let (Ok(one), Ok(other)) = (client.try_clone(), server.try_clone()) {
            let mut all = self
                .connections
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.retain(|(client, _)| client.peer_addr().is_ok());
            all.push((one, other));
        }
        relay::start(self, number, client, server);
    }

    fn break_all(&self) {
        let mut all = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (client, server) in all.drain(..) {
            tear(&client);
            tear(&server);
        }
    }
}

/// Ends a connection at once, with whatever is under way on it.
fn tear(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO)); // polite then
    let _ = stream.shutdown(Shutdown::Both); // ended already is as good
}

#[cfg(test)]
mod tests;
