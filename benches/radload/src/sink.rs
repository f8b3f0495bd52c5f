//! The no-op answerer: what it reaches is the most that any server can show to this generator.

use crate::{only_loopback, packet};
use anyhow::{Context, Result};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

pub fn run(listen: SocketAddr, secret: &[u8], seconds: u64) -> Result<()> {
    only_loopback(listen.ip())?;
    let socket = UdpSocket::bind(listen).context("bind")?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut buffer = [0; 4096];
    while Instant::now() < end {
        let Ok((size, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if let Some(reply) = packet::accept(&buffer[..size], secret) {
            let _ = socket.send_to(&reply, from);
        }
    }
    Ok(())
}
