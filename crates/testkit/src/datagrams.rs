//! A UDP proxy in front of a RADIUS server, for faults of the network. It runs in threads of the test and is gone with
//! the value.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What happens to datagrams.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fate {
    /// They pass.
    #[default]
    Pass,
    /// Requests pass, answers come so much later.
    Delay(Duration),
    /// Nothing passes.
    Drop,
    /// The first so many requests are lost, the others pass.
    Lose(u64),
    /// The server is not asked; these bytes are the answer, after the identifier of the request was put into their second.
    Answer(Vec<u8>),
    /// The server's answer passes with this bit of its last byte changed.
    Spoil(u8),
}

/// A proxy on a port of its own.
#[derive(Debug)]
pub struct Datagrams {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Debug)]
struct Shared {
    socket: UdpSocket,
    target: SocketAddr,
    fate: Mutex<Fate>,
    requests: AtomicU64,
    ended: Mutex<bool>,
}

/// How often threads look whether the end has come.
const LOOK: Duration = Duration::from_millis(100);
/// The largest datagram.
const LARGEST: usize = 65_535;

impl Datagrams {
    /// A proxy to a port of this host, which lets everything pass.
    ///
    /// # Panics
    /// There is no free port.
    pub fn to(port: u16) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        socket
            .set_read_timeout(Some(LOOK))
            .expect("set a time limit");
        let own = socket.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            socket,
            target: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            fate: Mutex::default(),
            requests: AtomicU64::new(0),
            ended: Mutex::default(),
        });
        let receiving = Arc::clone(&shared);
        thread::spawn(move || receiving.receive());
        Self { shared, port: own }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happens to datagrams from now on.
    pub fn set(&self, fate: Fate) {
        *held(&self.shared.fate) = fate;
    }

    /// Requests that came so far.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        *held(&self.shared.ended) = true;
    }
}

impl Shared {
    /// Takes requests until the end; each client has a socket of its own towards the server.
    fn receive(self: &Arc<Self>) {
        let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut buffer = vec![0; LARGEST];
        while !*held(&self.ended) {
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else {
                continue; // nothing came for a while
            };
            let Some(request) = buffer.get(..length) else {
                continue;
            };
            self.requests.fetch_add(1, Ordering::Relaxed);
            let out = clients.entry(from).or_insert_with(|| self.client(from));
            self.request(request, from, out);
        }
    }

    fn request(&self, request: &[u8], from: SocketAddr, out: &UdpSocket) {
        let mut fate = held(&self.fate);
        match &mut *fate {
            Fate::Drop => return,
            Fate::Lose(left) if *left > 0 => {
                *left -= 1;
                return;
            }
            Fate::Answer(bytes) => {
                let mut bytes = bytes.clone();
                if let (Some(own), Some(asked)) = (bytes.get_mut(1), request.get(1)) {
                    *own = *asked;
                }
                let _ = self.socket.send_to(&bytes, from); // lost, as any datagram may be
                return;
            }
            _ => {}
        }
        let _ = out.send(request); // nobody listens: as good as lost
    }

    fn client(self: &Arc<Self>, client: SocketAddr) -> Arc<UdpSocket> {
        let out = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        out.connect(self.target).expect("name a target");
        out.set_read_timeout(Some(LOOK)).expect("set a time limit");
        let out = Arc::new(out);
        let (shared, answers) = (Arc::clone(self), Arc::clone(&out));
        thread::spawn(move || shared.answers(client, &answers));
        out
    }

    fn answers(self: &Arc<Self>, client: SocketAddr, from: &UdpSocket) {
        let mut buffer = vec![0; LARGEST];
        while !*held(&self.ended) {
            let Ok(length) = from.recv(&mut buffer) else {
                continue; // nothing came, or nobody listens
            };
            let mut answer = buffer.get(..length).unwrap_or_default().to_vec();
            let fate = held(&self.fate).clone();
            match fate {
                Fate::Drop => {}
                Fate::Delay(by) => {
                    let shared = Arc::clone(self);
                    thread::spawn(move || {
                        thread::sleep(by); // being late is what it is for
                        let _ = shared.socket.send_to(&answer, client);
                    });
                }
                Fate::Spoil(bit) => {
                    if let Some(last) = answer.last_mut() {
                        *last ^= 1 << (bit % 8);
                    }
                    let _ = self.socket.send_to(&answer, client);
                }
                _ => {
                    let _ = self.socket.send_to(&answer, client);
                }
            }
        }
    }
}

fn held<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_pass_are_lost_answered_and_spoilt() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = server.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut buffer = [0; 100];
            while let Ok((length, from)) = server.recv_from(&mut buffer) {
                server.send_to(&buffer[..length], from).unwrap();
            }
        });
        let proxy = Datagrams::to(port);
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        client.connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        client
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let ask = || {
            client.send(&[1, 7, 3]).unwrap();
            let mut buffer = [0; 100];
            let length = client.recv(&mut buffer).ok()?;
            Some(buffer[..length].to_vec())
        };
        assert_eq!(ask(), Some(vec![1, 7, 3]));
        proxy.set(Fate::Lose(1));
        assert_eq!((ask(), ask()), (None, Some(vec![1, 7, 3])));
        proxy.set(Fate::Drop);
        assert_eq!(ask(), None);
        proxy.set(Fate::Answer(vec![9, 9]));
        assert_eq!(ask(), Some(vec![9, 7]));
        proxy.set(Fate::Spoil(0));
        assert_eq!(ask(), Some(vec![1, 7, 2]));
        assert_eq!(proxy.requests(), 6);
    }
}
