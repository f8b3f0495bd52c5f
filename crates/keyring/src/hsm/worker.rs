//! The thread that talks to one address of the master key.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use countersign_oath::Secret;
use zeroize::Zeroizing;

use super::connection::{Connection, Fault};
use super::module::Module;
use super::{HsmError, HsmUri};
use crate::gcm::NONCE_LEN;
use crate::root::RootId;

/// Orders that may wait for one address.
const QUEUE: usize = 16;
/// How long the end of a thread is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is to be done with the master key.
pub(super) enum Job {
    /// Tell which key it is, and that it is fit.
    Identify { expected: Option<RootId> },
    /// Encrypt.
    Wrap {
        expected: RootId,
        nonce: [u8; NONCE_LEN],
        context: Vec<u8>,
        plain: Zeroizing<Vec<u8>>,
    },
    /// Decrypt.
    Unwrap {
        expected: RootId,
        nonce: [u8; NONCE_LEN],
        context: Vec<u8>,
        ciphertext: Vec<u8>,
    },
    /// Make the key.
    Create,
}

/// What came of it.
pub(super) enum Reply {
    Id(RootId),
    Wrapped(Vec<u8>),
    Opened(Option<Zeroizing<Vec<u8>>>),
    Created,
}

struct Order {
    job: Job,
    until: Instant,
    to: SyncSender<Result<Reply, HsmError>>,
}

/// An address and the thread that serves it.
pub(super) struct Worker {
    uri: HsmUri,
    orders: Option<SyncSender<Order>>,
    /// Says by its end that the thread has nothing more to do with the module.
    ended: Mutex<Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Worker {
    /// Lets the thread close its session before the process may end: modules take calls badly while they are being unloaded. One
    /// that hangs is not waited for.
    fn drop(&mut self) {
        self.orders = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ended = ended.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| ended) {
            let _ = thread.join(); // a panic there has been reported already
        }
    }
}

impl Worker {
    pub(super) fn start(uri: HsmUri) -> Result<Self, HsmError> {
        let (orders, taken) = sync_channel(QUEUE);
        let (here, ended) = sync_channel(0);
        let mut serving = Serving {
            uri: uri.clone(),
            connection: None,
            refused_pin: None,
        };
        let thread = std::thread::Builder::new().name("hsm".to_owned());
        // It ends when the last order can have come; one that hangs in the module is left to it.
        let thread = thread
            .spawn(move || {
                serving.run(&taken);
                drop(serving); // with its session
                drop::<SyncSender<()>>(here);
            })
            .map_err(|error| HsmError::Call {
                what: "start a thread for the master key",
                address: uri.token_name(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            uri,
            orders: Some(orders),
            ended: Mutex::new(ended),
            thread: Some(thread),
        })
    }

    /// Has something done, and waits so long for it.
    pub(super) fn ask(&self, job: Job, wait: Duration) -> Result<Reply, HsmError> {
        let timeout = || HsmError::Timeout {
            address: self.uri.token_name(),
            wait,
        };
        let (to, told) = sync_channel(1);
        let until = Instant::now() + wait;
        let Some(orders) = &self.orders else {
            return Err(self.gone());
        };
        match orders.try_send(Order { job, until, to }) {
            Ok(()) => {}
            // Whatever hangs there has filled the queue: this one would wait in vain.
            Err(TrySendError::Full(_)) => return Err(timeout()),
            Err(TrySendError::Disconnected(_)) => return Err(self.gone()),
        }
        match told.recv_timeout(wait) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(timeout()),
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        }
    }

    fn gone(&self) -> HsmError {
        HsmError::Call {
            what: "use the master key",
            address: self.uri.token_name(),
            reason: "its thread has ended".to_owned(),
        }
    }
}

struct Serving {
    uri: HsmUri,
    connection: Option<Connection>,
    /// The PIN that the token refused: trying it again would lock the token.
    refused_pin: Option<(Secret, String)>,
}

/// What is tried before an address is given up.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// The session as it is, or a first one.
    AsItIs,
    /// A new session.
    Reopened,
    /// The module set up anew.
    Renewed,
}

impl Serving {
    fn run(&mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            if Instant::now() >= order.until {
                continue; // nobody waits for it any more
            }
            let result = self.perform(&order.job, order.until);
            let _ = order.to.send(result); // whoever asked may have gone
        }
    }

    fn perform(&mut self, job: &Job, until: Instant) -> Result<Reply, HsmError> {
        let mut last = None;
        for step in [Step::AsItIs, Step::Reopened, Step::Renewed] {
            if Instant::now() >= until {
                break;
            }
            match self.attempt(job, step) {
                Ok(reply) => return Ok(reply),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Lost(error)) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| self.timeout()))
    }

    fn timeout(&self) -> HsmError {
        HsmError::Timeout {
            address: self.uri.token_name(),
            wait: Duration::ZERO,
        }
    }

    fn attempt(&mut self, job: &Job, step: Step) -> Result<Reply, Fault> {
        let module = Module::of(&self.uri.module);
        if step != Step::AsItIs {
            let _entered = module.enter()?; // closing a session is a call, too
            self.connection = None;
        }
        if step == Step::Renewed {
            module.renew(module.generation())?;
        }
        let entered = module.enter()?;
        let Some(context) = entered.context() else {
            return Err(Fault::Lost(self.timeout()));
        };
        let generation = module.generation();
        if self
            .connection
            .as_ref()
            .is_some_and(|open| open.generation != generation)
        {
            self.connection = None;
        }
        if let Job::Create = job {
            let connection =
                Connection::bare(context, &self.uri, generation, true, &mut self.refused_pin)?;
            connection.create(&self.uri)?;
            return Ok(Reply::Created);
        }
        let connection = match self.connection.take() {
            Some(open) => open,
            None => Connection::open(context, &self.uri, generation, &mut self.refused_pin)?,
        };
        let reply = connection.perform(job, &self.uri)?;
        self.connection = Some(connection);
        Ok(reply)
    }
}
