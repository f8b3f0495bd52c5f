//! Loaded PKCS#11 modules: each library once a process, initialised once, and set up anew where nothing else helps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};

use super::{HsmError, reason};

static MODULES: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A library that has been loaded.
pub(super) struct Module {
    path: PathBuf,
    /// Set up at first use, so that a library that hangs then holds up its own threads only.
    context: RwLock<Option<Pkcs11>>,
    /// Rises when the module is set up anew; what was opened before is gone then.
    generation: AtomicU64,
}

impl Module {
    /// The module of that path.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        let module = modules.entry(path.to_owned()).or_insert_with(|| {
            Arc::new(Self {
                path: path.to_owned(),
                context: RwLock::new(None),
                generation: AtomicU64::new(0),
            })
        });
        Arc::clone(module)
    }

    /// The module for use, loaded and initialised; it is not set up anew while this is held.
    pub(super) fn enter(&self) -> Result<Entered<'_>, HsmError> {
        let guard = self.context.read().unwrap_or_else(PoisonError::into_inner);
        if guard.is_some() {
            return Ok(Entered(guard));
        }
        drop(guard);
        let mut empty = self.context.write().unwrap_or_else(PoisonError::into_inner);
        if empty.is_none() {
            *empty = Some(set_up(&self.path)?);
        }
        drop(empty);
        Ok(Entered(
            self.context.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Ends the module and begins it again, which some need to see a token that came back; not while another thread is in a call,
    /// and not where somebody did since `seen`.
    pub(super) fn renew(&self, seen: u64) -> Result<(), HsmError> {
        let mut context = match self.context.try_write() {
            Ok(context) => context,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        if self.generation() != seen {
            return Ok(());
        }
        self.generation.fetch_add(1, Ordering::Release);
        if let Some(old) = context.take() {
            let _ = old.finalize(); // whatever it says, the next step shows whether the module works
        }
        *context = Some(set_up(&self.path)?);
        Ok(())
    }
}

/// A module in use.
pub(super) struct Entered<'m>(RwLockReadGuard<'m, Option<Pkcs11>>);

impl Entered<'_> {
    pub(super) fn context(&self) -> Option<&Pkcs11> {
        self.0.as_ref()
    }
}

fn set_up(path: &Path) -> Result<Pkcs11, HsmError> {
    let failed = |error: Error| HsmError::Module {
        path: path.to_owned(),
        reason: reason(&error),
    };
    let context = Pkcs11::new(path).map_err(failed)?;
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, Function::Initialize)) => {
            Ok(context)
        }
        Err(error) => Err(failed(error)),
    }
}
