//! Two threads for each connection, one for each way.

use super::chaos::{Chance, Chaos, Fate, Runs};
use super::gate::Way;
use super::wire::Message;
use super::{Mode, Shared, tear};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A client that sends nothing for so long has no request under way.
const IDLE: Duration = Duration::from_millis(20);

/// One connection through a proxy.
struct Line {
    shared: Arc<Shared>,
    client: TcpStream,
    server: TcpStream,
    /// The state of the error that the server is made to answer next.
    state: Mutex<&'static str>,
    /// Answers do not pass any more.
    mute: AtomicBool,
    /// The client is gone and the server ends by itself.
    settled: AtomicBool,
    /// Answers that are still to come, each up to its ReadyForQuery.
    open: AtomicI64,
}

pub(super) fn start(shared: &Arc<Shared>, number: u64, client: TcpStream, server: TcpStream) {
    let line = Arc::new(Line {
        shared: Arc::clone(shared),
        client,
        server,
        state: Mutex::new(""),
        mute: AtomicBool::new(false),
        settled: AtomicBool::new(false),
        open: AtomicI64::new(1), // that to the first message
    });
    let other = Arc::clone(&line);
    std::thread::spawn(move || {
        let _ = match other.shared.chaos {
            None => other.copy(Way::ToServer),
            Some(chaos) => other.requests(chaos, number),
        };
        if !other.settled.load(Ordering::SeqCst) {
            other.end();
        }
    });
    std::thread::spawn(move || {
        let _ = match line.shared.chaos {
            None => line.copy(Way::ToClient),
            Some(_) => line.answers(),
        };
        line.end();
    });
}

impl Line {
    fn end(&self) {
        tear(&self.client);
        tear(&self.server);
    }

    fn ends(&self, way: Way) -> (&TcpStream, &TcpStream) {
        match way {
            Way::ToServer => (&self.client, &self.server),
            Way::ToClient => (&self.server, &self.client),
        }
    }

    /// Passes bytes on as they are; ends when one side does.
    fn copy(&self, way: Way) -> io::Result<()> {
        let (mut from, _) = self.ends(way);
        let mut buffer = [0; 16 << 10];
        loop {
            let size = from.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..size).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            self.forward(way, bytes, Instant::now())?;
        }
    }

    fn forward(&self, way: Way, bytes: &[u8], came: Instant) -> io::Result<()> {
        self.shared.gate.pass(way, came);
        if self.shared.gate.mode() == Mode::Ended {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let (_, mut to) = self.ends(way);
        to.write_all(bytes)
    }

    fn requests(&self, chaos: Chaos, number: u64) -> io::Result<()> {
        let mut chance = Chance::new(chaos.seed, number);
        let mut from = BufReader::new(&self.client);
        let mut first = Message::read_first(&mut from)?;
        while first.wants_encryption() {
            (&self.client).write_all(b"N")?; // what is encrypted cannot be read here
            first = Message::read_first(&mut from)?;
        }
        self.forward(Way::ToServer, &first.bytes, Instant::now())?;
        let (mut within, mut breaks) = (false, false);
        loop {
            if breaks && !within && from.buffer().is_empty() && self.is_idle()? {
                self.shared.counters.resets.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            let message = Message::read(&mut from)?;
            let came = Instant::now();
            let runs = match (message.is_commit(), message.is_bind()) {
                (false, false) => Runs::Nothing,
                (false, true) if within => Runs::Within,
                _ => Runs::Whole,
            };
            within = message.opens().unwrap_or(within);
            if message.wants_answer() {
                self.open.fetch_add(1, Ordering::SeqCst);
            }
            match chance.fate(&chaos, runs) {
                Fate::Pass => self.forward(Way::ToServer, &message.bytes, came)?,
                Fate::Fail(state) => {
                    let failing = message.failing(state).unwrap_or(message);
                    self.shared.counters.errors.fetch_add(1, Ordering::Relaxed);
                    *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
                    self.forward(Way::ToServer, &failing.bytes, came)?;
                }
                Fate::Break => {
                    breaks = true;
                    self.forward(Way::ToServer, &message.bytes, came)?;
                }
                Fate::LoseAnswer => {
                    self.shared.counters.resets.fetch_add(1, Ordering::Relaxed);
                    return self.lose_answer(&message, &mut from);
                }
            }
        }
    }

    /// Whether nothing is under way and the client sends nothing for a while.
    fn is_idle(&self) -> io::Result<bool> {
        if self.open.load(Ordering::SeqCst) > 0 {
            return Ok(false);
        }
        self.client.set_read_timeout(Some(IDLE))?;
        let seen = self.client.peek(&mut [0]);
        self.client.set_read_timeout(None)?;
        match seen {
            Ok(_) => Ok(false),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Has a message done and ends the client's side. The server's side ends when the server has read it all and is done.
    fn lose_answer(&self, message: &Message, from: &mut impl Read) -> io::Result<()> {
        self.mute.store(true, Ordering::SeqCst);
        self.forward(Way::ToServer, &message.bytes, Instant::now())?;
        // a prepared statement runs with the messages up to Sync
        let mut last = message.kind;
        while message.is_bind() && last != b'S' {
            let next = Message::read(from)?;
            last = next.kind;
            self.forward(Way::ToServer, &next.bytes, Instant::now())?;
        }
        self.server.shutdown(Shutdown::Write)?;
        tear(&self.client);
        self.settled.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn answers(&self) -> io::Result<()> {
        let mut from = BufReader::new(&self.server);
        loop {
            let message = Message::read(&mut from)?;
            let came = Instant::now();
            if self.mute.load(Ordering::SeqCst) {
                continue;
            }
            let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = message.as_error(state).unwrap_or(message);
            self.forward(Way::ToClient, &answer.bytes, came)?;
            if answer.ends_answer() {
                self.open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}
