//! A raw RADIUS sender for what `radclient` cannot do: malformed packets, exact repetitions, many requests at once.

use countersign_radius::SharedSecret;
use std::net::UdpSocket;
use std::time::Duration;

/// One socket towards a server.
#[derive(Debug)]
pub struct Raw {
    socket: UdpSocket,
    secret: SharedSecret,
}

impl Raw {
    /// A socket towards `server`; answers are awaited for `timeout`.
    pub fn to(server: &str, secret: &str, timeout: Duration) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bind a socket");
        socket.connect(server).expect("connect a socket");
        socket.set_read_timeout(Some(timeout)).expect("set a timeout");
        Self { socket, secret: SharedSecret::new(secret.as_bytes()) }
    }

    /// The secret, for building packets.
    pub fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) {
        self.socket.send(bytes).expect("send a packet");
    }

    /// The next answer, or nothing within the timeout.
    pub fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        let size = self.socket.recv(&mut buffer).ok()?;
        Some(buffer[..size].to_vec())
    }
}
