//! A raw RADIUS sender for what `radclient` cannot do: malformed packets, exact repetitions, many requests at once.

use crate::secrets;
use countersign_radius::{Code, Packet, RequestBuilder, SharedSecret, kind};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One socket towards a server.
#[derive(Debug)]
pub struct Raw {
    socket: UdpSocket,
    secret: SharedSecret,
    next: u8,
}

/// A request ready to be sent, and what its answer is checked against.
#[derive(Debug, Clone)]
pub struct Request {
    /// The packet.
    pub bytes: Vec<u8>,
    /// Its identifier.
    pub identifier: u8,
    /// Its request authenticator.
    pub authenticator: [u8; 16],
}

impl Raw {
    /// A socket towards `server`; answers are awaited for `timeout`.
    pub fn to(server: &str, secret: &str, timeout: Duration) -> Self {
        secrets::note(secrets::Kind::Key, secret);
        let socket = UdpSocket::bind(if server.starts_with('[') {
            "[::1]:0"
        } else {
            "127.0.0.1:0"
        })
        .expect("bind a socket");
        socket.connect(server).expect("connect a socket");
        socket
            .set_read_timeout(Some(timeout))
            .expect("set a timeout");
        Self {
            socket,
            secret: SharedSecret::new(secret.as_bytes()),
            next: 0,
        }
    }

    /// The secret, for building packets.
    pub fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) {
        self.socket.send(bytes).expect("send a packet");
    }

    /// Sends bytes to a server that may be gone.
    pub fn send_if_heard(&self, bytes: &[u8]) {
        let _ = self.socket.send(bytes); // refused: the host said that nobody listens
    }

    /// How long answers are awaited.
    pub fn patience(&self) -> Duration {
        self.socket
            .read_timeout()
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// The next answer, or nothing within the timeout.
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        let size = self.socket.recv(&mut buffer).ok()?;
        Some(buffer[..size].to_vec())
    }

    /// A request with a new identifier; `fill` adds what stands between Message-Authenticator and the end.
    pub fn request(
        &mut self,
        code: Code,
        signed: bool,
        fill: impl FnOnce(RequestBuilder, &SharedSecret) -> RequestBuilder,
    ) -> Request {
        self.next = self.next.wrapping_add(1);
        let authenticator = unique();
        let begun = if signed {
            RequestBuilder::new(code, self.next, authenticator)
        } else {
            RequestBuilder::unsigned(code, self.next, authenticator)
        };
        let bytes = fill(begun, &self.secret).sign(&self.secret);
        let authenticator = if code == Code::AccountingRequest {
            bytes[4..20].try_into().expect("a header")
        } else {
            authenticator
        };
        Request {
            bytes,
            identifier: self.next,
            authenticator,
        }
    }

    /// An Access-Request with a user name and a PAP password.
    pub fn pap(&mut self, user: &str, password: &str) -> Request {
        secrets::note(secrets::Kind::Typed, password);
        self.request(Code::AccessRequest, true, |request, secret| {
            let named = request.add(kind::USER_NAME, user.as_bytes()).expect("room");
            named
                .pap(password.as_bytes(), secret)
                .expect("a short password")
        })
    }

    /// Sends a request and awaits the answer to it, whose authenticators must be right.
    ///
    /// # Panics
    /// The answer is no proper answer.
    pub fn ask(&self, request: &Request) -> Option<Vec<u8>> {
        self.send(&request.bytes);
        let begun = Instant::now();
        while begun.elapsed()
            < self
                .socket
                .read_timeout()
                .ok()
                .flatten()
                .unwrap_or_default()
        {
            let bytes = self.receive()?;
            if self.verify(request, &bytes) {
                return Some(bytes);
            }
        }
        None
    }

    /// Whether bytes are the answer to a request; an answer to an earlier one is not.
    ///
    /// # Panics
    /// It is the answer but its authenticators are wrong.
    pub fn verify(&self, request: &Request, bytes: &[u8]) -> bool {
        let answer = Packet::read(bytes).expect("a packet");
        if answer.identifier() != request.identifier {
            return false;
        }
        let demand = countersign_radius::Demand::require(true);
        countersign_radius::verify_response(
            &answer,
            request.identifier,
            &request.authenticator,
            &self.secret,
            demand,
        )
        .expect("a proven answer");
        true
    }
}

/// The code of an answer.
///
/// # Panics
/// It is no packet.
pub fn code(bytes: &[u8]) -> Code {
    Packet::read(bytes).expect("a packet").code()
}

/// A value that no other call in this process gives, and that no other process is likely to.
fn unique() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    let mut value = now.to_be_bytes();
    value[..8].copy_from_slice(
        &(NEXT.fetch_add(1, Ordering::Relaxed) ^ u64::from(std::process::id()) << 40).to_be_bytes(),
    );
    value
}
