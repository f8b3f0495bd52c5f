//! The UDP listeners of RADIUS: plain threads that drain the sockets in batches, decide, and answer once the store
//! has committed.

use anyhow::{Context, Result};
use countersign_service::Node;
use countersign_service::radius::{Datagram, Front, Port};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::fd::OwnedFd;
use std::io::{ErrorKind, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Datagrams taken from one socket before the batch is handed over.
const BATCH: usize = 64;
/// Receive buffer asked for; the kernel may give less.
const RECEIVE_BUFFER: usize = 8 << 20;
/// A packet is at most 4096 octets; one more tells a longer one.
const LARGEST: usize = 4097;
const WAIT_AT_MOST: Duration = Duration::from_millis(500);

/// One bound UDP socket.
#[derive(Debug)]
pub(crate) struct Socket {
    udp: UdpSocket,
    local: SocketAddr,
    port: Port,
}

impl Socket {
    /// Binds an address, with a large receive buffer where the kernel allows one.
    pub(crate) fn bind(address: SocketAddr, port: Port) -> std::io::Result<Self> {
        let domain = socket2::Domain::for_address(address);
        let socket =
            socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER); // a smaller buffer only drops earlier
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let udp = UdpSocket::from(socket);
        let local = udp.local_addr()?;
        Ok(Self { udp, local, port })
    }

    /// What it is for.
    pub(crate) fn port(&self) -> Port {
        self.port
    }

    /// The address it is bound to.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }
}

/// The running front threads.
#[derive(Debug)]
pub(crate) struct Listener {
    threads: Vec<JoinHandle<()>>,
    wakes: Vec<Arc<OwnedFd>>,
    stop: Arc<AtomicBool>,
}

impl Listener {
    /// Starts `threads` front threads on the sockets.
    pub(crate) fn start(node: &Arc<Node>, sockets: Vec<Socket>, threads: usize) -> Result<Self> {
        let sockets: Arc<[Socket]> = sockets.into();
        let stop = Arc::new(AtomicBool::new(false));
        let mut listener = Self {
            threads: Vec::new(),
            wakes: Vec::new(),
            stop,
        };
        let threads = if sockets.is_empty() {
            0
        } else {
            threads.max(1)
        };
        for number in 0..threads {
            let wake = Arc::new(
                eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
                    .context("make an event descriptor")?,
            );
            let readiness = readiness(&sockets, &wake).context("make a readiness descriptor")?;
            let thread = Thread {
                node: node.clone(),
                sockets: sockets.clone(),
                wake: wake.clone(),
                readiness,
                stop: listener.stop.clone(),
            };
            let spawned = std::thread::Builder::new()
                .name(format!("radius-{number}"))
                .spawn(move || thread.run());
            listener
                .threads
                .push(spawned.context("start a RADIUS thread")?);
            listener.wakes.push(wake);
        }
        Ok(listener)
    }

    /// Waits until what is under way has been answered, then ends the threads.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        for wake in &self.wakes {
            ring(wake);
        }
        for thread in self.threads {
            let _ = thread.join(); // a thread that panicked has been reported already
        }
    }
}

fn ring(wake: &OwnedFd) {
    let _ = rustix::io::write(wake, &1_u64.to_ne_bytes()); // full means it is ringing already
}

/// Tells one thread what is readable. Of the threads that wait, a datagram wakes one: with the others woken too, most
/// would find nothing and the batches would be smaller.
fn readiness(sockets: &[Socket], wake: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let readiness = epoll::create(CreateFlags::CLOEXEC)?;
    for (number, socket) in (0..).zip(sockets) {
        epoll::add(
            &readiness,
            &socket.udp,
            EventData::new_u64(number),
            EventFlags::IN | EventFlags::EXCLUSIVE,
        )?;
    }
    epoll::add(&readiness, wake, EventData::new_u64(WOKEN), EventFlags::IN)?;
    Ok(readiness)
}

/// Stands for the event descriptor among the numbers of sockets.
const WOKEN: u64 = u64::MAX;

struct Thread {
    node: Arc<Node>,
    sockets: Arc<[Socket]>,
    wake: Arc<OwnedFd>,
    readiness: OwnedFd,
    stop: Arc<AtomicBool>,
}

/// How long a stopping thread waits for requests under way.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

impl Thread {
    fn run(self) {
        let wake = self.wake.clone();
        let mut front = Front::new(self.node.clone(), Arc::new(move || ring(&wake)));
        let mut buffer = vec![0; LARGEST];
        let mut out = Vec::new();
        let mut events = Vec::with_capacity(self.sockets.len() + 1);
        let mut stopping: Option<Instant> = None;
        loop {
            self.wait(front.next_due(), &mut events);
            if stopping.is_none() && self.stop.load(Ordering::Acquire) {
                stopping = Some(Instant::now());
            }
            if stopping.is_none() {
                let readable = events
                    .iter()
                    .filter_map(|event| usize::try_from(event.data.u64()).ok());
                for (number, socket) in
                    readable.filter_map(|number| Some((number, self.sockets.get(number)?)))
                {
                    drain(&mut front, socket, number, &mut buffer);
                }
            }
            front.flush();
            front.collect(&mut out);
            self.send(&mut out);
            if stopping
                .is_some_and(|since| front.under_way() == 0 || since.elapsed() > LAST_ANSWERS)
            {
                return;
            }
        }
    }

    fn wait(&self, due: Option<Instant>, events: &mut Vec<Event>) {
        let wait = due.map_or(WAIT_AT_MOST, |due| {
            due.saturating_duration_since(Instant::now())
                .min(WAIT_AT_MOST)
        });
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(1),
            tv_nsec: wait.subsec_nanos().into(),
        };
        events.clear();
        let _ = epoll::wait(
            &self.readiness,
            rustix::buffer::spare_capacity(events),
            Some(&timeout),
        ); // interrupted is as good as woken
        if events.iter().any(|event| event.data.u64() == WOKEN) {
            let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]); // nobody else empties it
        }
    }

    fn send(&self, out: &mut Vec<Datagram>) {
        for (number, socket) in self.sockets.iter().enumerate() {
            let mine: Vec<&Datagram> = out
                .iter()
                .filter(|datagram| datagram.socket == number)
                .collect();
            for part in mine.chunks(BATCH) {
                send_batch(socket, part);
            }
        }
        out.clear();
    }
}

fn drain(front: &mut Front, socket: &Socket, number: usize, buffer: &mut [u8]) {
    for _ in 0..BATCH {
        match socket.udp.recv_from(buffer) {
            Ok((size, from)) => front.packet(
                buffer.get(..size).unwrap_or_default(),
                from,
                socket.local,
                number,
                socket.port,
            ),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Interrupted | ErrorKind::ConnectionRefused
                ) => {}
            Err(_) => return,
        }
    }
}

fn send_batch(socket: &Socket, datagrams: &[&Datagram]) {
    if let [one] = datagrams {
        let _ = socket.udp.send_to(&one.bytes, one.to); // an answer lost is asked for again
        return;
    }
    let slices: Vec<[IoSlice<'_>; 1]> = datagrams
        .iter()
        .map(|datagram| [IoSlice::new(&datagram.bytes)])
        .collect();
    let mut controls: Vec<rustix::net::SendAncillaryBuffer<'_, '_, '_>> = datagrams
        .iter()
        .map(|_| rustix::net::SendAncillaryBuffer::default())
        .collect();
    let targets: Vec<rustix::net::SocketAddrAny> = datagrams
        .iter()
        .map(|datagram| datagram.to.into())
        .collect();
    let mut headers: Vec<rustix::net::MMsgHdr<'_>> = targets
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((to, slice), control)| rustix::net::MMsgHdr::new_with_addr(to, slice, control))
        .collect();
    let sent = rustix::net::sendmmsg(&socket.udp, &mut headers, rustix::net::SendFlags::DONTWAIT)
        .unwrap_or(0);
    for datagram in datagrams.iter().skip(sent) {
        let _ = socket.udp.send_to(&datagram.bytes, datagram.to);
    }
}
