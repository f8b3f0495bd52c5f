//! What one server gives its clients.

use std::time::Duration;

/// Bounds of [`super::serve`]; the default suits a public listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time, over all listeners.
    pub connections: usize,
    /// Time in which a TLS handshake must be done.
    pub handshake: Duration,
    /// Time in which the head of an HTTP/1.1 request must have come, counted from the end of the request before.
    pub header: Duration,
    /// Time without any request after which a connection is closed; it may take twice as long to be noticed.
    pub idle: Duration,
    /// Time that running requests get after the stop, and that a client gets to take its last answer.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}
