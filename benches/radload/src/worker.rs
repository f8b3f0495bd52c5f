//! A worker: one socket, a window of requests in flight, retransmission.

use crate::measure::{Outcome, Pace, Stats, Window};
use crate::packet::{self, ACCESS_ACCEPT, ACCESS_CHALLENGE, ACCESS_REJECT};
use crate::pool::Pool;
use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Config<'a> {
    pub servers: &'a [SocketAddr],
    pub secret: &'a [u8],
    pub outstanding: usize,
    pub timeout: Duration,
    pub tries: u32,
    /// Most requests of this worker.
    pub requests: Option<u64>,
    pub replay_every: Option<u64>,
}

struct Pending {
    packet: Vec<u8>,
    auth: [u8; 16],
    user: usize,
    otp: String,
    due: Instant,
    tries: u32,
    replay: bool,
    serial: u64,
}

struct Worker<'a> {
    config: &'a Config<'a>,
    socket: UdpSocket,
    pool: Pool,
    stats: Stats,
    slots: Vec<Option<Pending>>,
    free_ids: VecDeque<u8>,
    /// (deadline, id, serial of the request) in order, as the timeout is the same for all.
    deadlines: VecDeque<(Instant, u8, u64)>,
    serial: u64,
    random: u64,
}

pub fn run(
    config: &Config<'_>,
    number: usize,
    pool: Pool,
    mut pace: Pace,
    window: Window,
    seed: u64,
) -> Result<(Stats, Pool)> {
    let server = config.servers[number % config.servers.len()];
    let socket = UdpSocket::bind((if server.is_ipv4() { "127.0.0.1" } else { "::1" }, 0))?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    let mut w = Worker {
        config,
        socket,
        pool,
        stats: Stats::new(),
        slots: (0..256).map(|_| None).collect(),
        free_ids: (0..=255).collect(),
        deadlines: VecDeque::new(),
        serial: 0,
        random: seed,
    };
    let mut left = config.requests.unwrap_or(u64::MAX);
    let in_flight = |w: &Worker| 256 - w.free_ids.len();
    loop {
        let now = Instant::now();
        w.expire(now);
        if (now >= window.until || left == 0) && in_flight(&w) == 0 {
            break;
        }
        let mut starved = false;
        while now < window.until && left > 0 && in_flight(&w) < config.outstanding {
            let Some(due) = pace.due(now) else { break };
            let unix = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let Some((user, otp)) = w.pool.take(unix) else {
                starved = true;
                w.stats.starved += 1;
                break;
            };
            pace.advance();
            left -= 1;
            w.send(user, otp, due, false);
        }
        w.wait(&pace, if left == 0 { now } else { window.until }, starved);
        w.receive(window);
    }
    Ok((w.stats, w.pool))
}

impl Worker<'_> {
    fn send(&mut self, user: usize, otp: String, due: Instant, replay: bool) {
        let Some(id) = self.free_ids.pop_front() else {
            return;
        };
        let mut auth = [0; 16];
        auth[..8].copy_from_slice(&self.random().to_be_bytes());
        auth[8..].copy_from_slice(&self.random().to_be_bytes());
        let packet = packet::request(
            id,
            auth,
            self.config.secret,
            &self.pool.users[user].name,
            &otp,
        );
        self.transmit(&packet);
        self.serial += 1;
        self.deadlines
            .push_back((Instant::now() + self.config.timeout, id, self.serial));
        let serial = self.serial;
        self.slots[id as usize] = Some(Pending {
            packet,
            auth,
            user,
            otp,
            due,
            tries: 1,
            replay,
            serial,
        });
    }

    fn transmit(&mut self, packet: &[u8]) {
        if self.socket.send(packet).is_err() {
            self.stats.errors += 1; // a refused or full socket: retransmission makes up for it
        }
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Sends again, or gives up, what has waited too long.
    fn expire(&mut self, now: Instant) {
        while let Some(&(deadline, id, serial)) = self.deadlines.front() {
            let slot = &mut self.slots[id as usize];
            let live = slot.as_ref().is_some_and(|p| p.serial == serial);
            if live && deadline > now {
                break;
            }
            self.deadlines.pop_front();
            if !live {
                continue;
            }
            let Some(mut pending) = slot.take() else {
                continue;
            };
            if pending.tries >= self.config.tries {
                self.stats.lost += 1;
                self.release(id, pending.user);
                continue;
            }
            self.stats.retransmits += 1;
            pending.tries += 1;
            self.transmit(&pending.packet);
            self.slots[id as usize] = Some(pending);
            self.deadlines
                .push_back((now + self.config.timeout, id, serial));
        }
    }

    fn release(&mut self, id: u8, user: usize) {
        self.free_ids.push_back(id);
        self.pool.give_back(user);
    }

    fn wait(&self, pace: &Pace, until: Instant, starved: bool) {
        let now = Instant::now();
        let mut wake = self.deadlines.front().map_or(until, |d| d.0);
        if now < until && self.free_ids.len() > 256 - self.config.outstanding {
            wake = wake.min(if starved {
                now + Duration::from_millis(5)
            } else {
                pace.next().unwrap_or(now)
            });
        }
        let left = wake.saturating_duration_since(now);
        let time = Timespec {
            tv_sec: left.as_secs() as _,
            tv_nsec: left.subsec_nanos().into(),
        };
        let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&time)); // interrupted is as good as woken
    }

    fn receive(&mut self, window: Window) {
        let mut buffer = [0; 4096];
        loop {
            let size = match self.socket.recv(&mut buffer) {
                Ok(size) => size,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.stats.errors += 1;
                    return;
                }
            };
            let reply = &buffer[..size];
            let Some(&id) = reply.get(1) else { continue };
            let Some(pending) = self.slots[id as usize].take() else {
                continue;
            };
            let outcome = match packet::verify_reply(reply, &pending.auth, self.config.secret) {
                Some(ACCESS_ACCEPT) => Outcome::Accept,
                Some(ACCESS_REJECT) => Outcome::Reject,
                Some(ACCESS_CHALLENGE) => Outcome::Challenge,
                _ => {
                    self.stats.bad_replies += 1;
                    self.slots[id as usize] = Some(pending);
                    continue;
                }
            };
            let now = Instant::now();
            if now >= window.from && now < window.until {
                self.stats
                    .record(outcome, pending.replay, now - pending.due);
            }
            let again = self
                .config
                .replay_every
                .is_some_and(|k| pending.serial % k == 0);
            if again && !pending.replay && outcome == Outcome::Accept && now < window.until {
                self.free_ids.push_back(id);
                self.send(pending.user, pending.otp, now, true);
            } else {
                self.release(id, pending.user);
            }
        }
    }
}
