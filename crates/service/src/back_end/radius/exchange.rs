//! Requests and answers over UDP: each answer finds its request by socket and identifier, and counts only if its
//! authenticators are right (RFC 2865 section 3, RFC 5080 section 2.2.1).

use countersign_radius::{Code, Demand, Overflow, Packet, Refused, SharedSecret, verify_response};
use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::timeout_at;

/// Sockets to one server; each has 256 identifiers.
const MOST_SOCKETS: usize = 8;
/// Larger than any packet, so that one too large is seen as such.
const DATAGRAM: usize = 4097;
/// After a fault of the socket itself.
const REST: Duration = Duration::from_millis(50);

/// The exchange with one port of one server.
#[derive(Debug)]
pub(super) struct Exchange {
    server: SocketAddr,
    secret: Arc<SharedSecret>,
    demand: Demand,
    asks: Code,
    channels: Mutex<Vec<Arc<Channel>>>,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// After each time the packet is sent.
    pub(super) each: Duration,
    /// How often it is sent.
    pub(super) tries: u32,
    /// In all.
    pub(super) until: Instant,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// In words.
    pub(super) why: String,
    /// There was one, proven by its authenticator but without the Message-Authenticator that the record demands.
    pub(super) unsigned: bool,
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self {
            why,
            unsigned: false,
        }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.why
    }
}

/// An answer, and the authenticator of the request it belongs to.
pub(super) type Answered = (Vec<u8>, [u8; 16]);

#[derive(Debug)]
struct Channel {
    socket: Arc<UdpSocket>,
    waiting: Arc<Mutex<HashMap<u8, Waiting>>>,
    receiving: AbortHandle,
}

#[derive(Debug)]
struct Waiting {
    authenticator: [u8; 16],
    /// Gone once there is an answer; the identifier stays taken until whoever waited has it.
    tell: Option<oneshot::Sender<Result<Vec<u8>, Error>>>,
    ignored: Option<(u32, Refused)>,
}

impl Exchange {
    pub(super) fn new(
        server: SocketAddr,
        secret: Arc<SharedSecret>,
        demand: Demand,
        asks: Code,
    ) -> Self {
        Self {
            server,
            secret,
            demand,
            asks,
            channels: Mutex::default(),
        }
    }

    pub(super) fn server(&self) -> SocketAddr {
        self.server
    }

    pub(super) fn secret(&self) -> &Arc<SharedSecret> {
        &self.secret
    }

    /// Sends what `build` makes for an identifier, the same octets again where no answer comes, and waits.
    pub(super) async fn send(
        &self,
        build: impl Fn(u8) -> Result<Vec<u8>, Overflow>,
        patience: &Patience,
    ) -> Result<Answered, Fault> {
        let mut place = self.place().await?;
        let packet = build(place.identifier).map_err(|error| format!("failed to {error}"))?;
        let authenticator = Packet::read(&packet)
            .map(|packet| *packet.authenticator())
            .map_err(|error| format!("failed to {error}"))?;
        place.starts(authenticator);
        for _ in 0..patience.tries {
            place
                .channel
                .socket
                .send(&packet)
                .await
                .map_err(|error| self.broken(&error))?;
            let until = patience.until.min(Instant::now() + patience.each);
            match timeout_at(until.into(), &mut place.told).await {
                Ok(Ok(Ok(reply))) => return Ok((reply, authenticator)),
                Ok(Ok(Err(error))) => return Err(self.broken(&error).into()),
                Ok(Err(_)) => {
                    return Err(format!("{}: the socket was closed", self.server).into());
                }
                Err(_) if Instant::now() >= patience.until => break,
                Err(_) => {}
            }
        }
        Err(place.silence(self.server))
    }

    fn broken(&self, error: &Error) -> String {
        match error.kind() {
            ErrorKind::ConnectionRefused => {
                format!("{}: nobody listens on this port", self.server)
            }
            _ => format!("{}: {error}", self.server),
        }
    }

    /// A free identifier, chosen by chance, on the first socket that has one.
    async fn place(&self) -> Result<Place, String> {
        if let Some(place) = self.channels().iter().find_map(Place::on) {
            return Ok(place);
        }
        let channel = Arc::new(self.open().await.map_err(|error| self.broken(&error))?);
        let mut channels = self.channels();
        if channels.len() >= MOST_SOCKETS {
            // Others may have opened theirs meanwhile.
            let found = channels.iter().find_map(Place::on);
            return found.ok_or_else(|| format!("{}: all identifiers are in use", self.server));
        }
        channels.push(channel.clone());
        Place::on(&channel).ok_or_else(|| format!("{}: no identifier is free", self.server))
    }

    fn channels(&self) -> MutexGuard<'_, Vec<Arc<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket on a port that the system chooses by chance. It is connected, so that only the server's datagrams arrive.
    async fn open(&self) -> std::io::Result<Channel> {
        let any: IpAddr = if self.server.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let socket = Arc::new(UdpSocket::bind((any, 0)).await?);
        socket.connect(self.server).await?;
        let waiting: Arc<Mutex<HashMap<u8, Waiting>>> = Arc::default();
        let receiver = Receiver {
            socket: socket.clone(),
            waiting: waiting.clone(),
            secret: self.secret.clone(),
            demand: self.demand,
            asks: self.asks,
        };
        let receiving = tokio::spawn(receiver.run()).abort_handle();
        Ok(Channel {
            socket,
            waiting,
            receiving,
        })
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

/// An identifier in use, for as long as it lives.
struct Place {
    channel: Arc<Channel>,
    identifier: u8,
    told: oneshot::Receiver<Result<Vec<u8>, Error>>,
}

impl Place {
    fn on(channel: &Arc<Channel>) -> Option<Self> {
        let mut start = [0];
        crate::secrets::fill(&mut start);
        let [start] = start;
        let mut waiting = lock(&channel.waiting);
        let identifier = (0..=u8::MAX)
            .map(|step| start.wrapping_add(step))
            .find(|identifier| !waiting.contains_key(identifier))?;
        let (tell, told) = oneshot::channel();
        // No answer can be right before the request has an authenticator: until then this one stands for none.
        let mut authenticator = [0; 16];
        crate::secrets::fill(&mut authenticator);
        waiting.insert(
            identifier,
            Waiting {
                authenticator,
                tell: Some(tell),
                ignored: None,
            },
        );
        drop(waiting);
        Some(Self {
            channel: channel.clone(),
            identifier,
            told,
        })
    }

    fn starts(&self, authenticator: [u8; 16]) {
        if let Some(own) = lock(&self.channel.waiting).get_mut(&self.identifier) {
            own.authenticator = authenticator;
        }
    }

    /// Why there is no answer.
    fn silence(&self, server: SocketAddr) -> Fault {
        let waiting = lock(&self.channel.waiting);
        let ignored = waiting.get(&self.identifier).and_then(|own| own.ignored);
        let unsigned = matches!(ignored, Some((_, Refused::Absent)));
        let why = match ignored {
            Some((count, _)) if unsigned => format!(
                "{server}: {count} answers without Message-Authenticator were ignored, since the record has require_message_authenticator"
            ),
            Some((count, why)) => format!(
                "{server}: {count} answers were ignored, having failed to {why}: is the shared secret the same?"
            ),
            None => format!("{server}: no answer in time"),
        };
        Fault { why, unsigned }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.channel.waiting).remove(&self.identifier);
    }
}

/// What reads a socket.
struct Receiver {
    socket: Arc<UdpSocket>,
    waiting: Arc<Mutex<HashMap<u8, Waiting>>>,
    secret: Arc<SharedSecret>,
    demand: Demand,
    asks: Code,
}

impl Receiver {
    async fn run(self) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            match self.socket.recv(&mut buffer).await {
                Ok(size) => self.take(buffer.get(..size).unwrap_or_default()),
                // An ICMP message of the server's host: those who wait need wait no longer.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.fail_all(),
                Err(error) => {
                    tracing::debug!(%error, "a socket to a RADIUS server");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Gives an answer to who waits for it; whatever is no right answer is ignored.
    fn take(&self, datagram: &[u8]) {
        let Ok(packet) = Packet::read(datagram) else {
            return;
        };
        if !answers(self.asks, packet.code()) {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let Some(own) = waiting.get_mut(&packet.identifier()) else {
            return;
        };
        let verified = verify_response(
            &packet,
            packet.identifier(),
            &own.authenticator,
            &self.secret,
            self.demand,
        );
        if let Err(refused) = verified {
            let (count, why) = own.ignored.get_or_insert((0, refused));
            *count = count.saturating_add(1);
            *why = refused;
            return;
        }
        if let Some(tell) = own.tell.take() {
            let _ = tell.send(Ok(packet.bytes().to_vec())); // nobody may wait any more
        }
    }

    fn fail_all(&self) {
        for tell in lock(&self.waiting)
            .values_mut()
            .filter_map(|own| own.tell.take())
        {
            let _ = tell.send(Err(ErrorKind::ConnectionRefused.into())); // nobody may wait any more
        }
    }
}

/// Whether a packet of this code may answer such requests.
fn answers(asked: Code, code: Code) -> bool {
    match asked {
        Code::AccountingRequest => code == Code::AccountingResponse,
        _ => matches!(
            code,
            Code::AccessAccept | Code::AccessReject | Code::AccessChallenge
        ),
    }
}

fn lock(waiting: &Mutex<HashMap<u8, Waiting>>) -> MutexGuard<'_, HashMap<u8, Waiting>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
