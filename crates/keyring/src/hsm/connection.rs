//! One session at a token, logged on, with the master key found and looked at.

use countersign_oath::Secret;
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::worker::{Job, Reply};
use super::{HsmError, HsmUri, reason};
use crate::gcm::{KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::random;
use crate::root::RootId;

/// Block whose encryption names a key: it is no counter block of a short message under any nonce, so nothing else is learnt from it.
const NAMING: &[u8; 16] = b"countersign root";
const TAG_BITS: u64 = 128;

/// Why an attempt did not succeed.
pub(super) enum Fault {
    /// Another attempt on a new session may.
    Lost(HsmError),
    /// No other attempt will.
    Final(HsmError),
}

impl From<HsmError> for Fault {
    fn from(error: HsmError) -> Self {
        match error {
            HsmError::Call { .. }
            | HsmError::Token { .. }
            | HsmError::Module { .. }
            | HsmError::Key { .. } => Self::Lost(error),
            error => Self::Final(error),
        }
    }
}

/// A session with the key at hand.
pub(super) struct Connection {
    pub(super) generation: u64,
    session: Session,
    token: String,
    key: Option<(ObjectHandle, RootId)>,
}

impl Connection {
    /// Opens a session, logs on, and finds and checks the key.
    pub(super) fn open(
        context: &Pkcs11,
        uri: &HsmUri,
        generation: u64,
        refused: &mut Option<(Secret, String)>,
    ) -> Result<Self, Fault> {
        let mut connection = Self::bare(context, uri, generation, false, refused)?;
        let key = connection.find(uri)?;
        connection.check(key, uri)?;
        let id = connection.name(key)?;
        connection.key = Some((key, id));
        Ok(connection)
    }

    /// Opens a session and logs on.
    pub(super) fn bare(
        context: &Pkcs11,
        uri: &HsmUri,
        generation: u64,
        write: bool,
        refused: &mut Option<(Secret, String)>,
    ) -> Result<Self, Fault> {
        let token = uri.token_name();
        let said = |what| call(&token, what);
        let (slot, info) = slot(context, uri)?;
        let session = if write {
            context.open_rw_session(slot)
        } else {
            context.open_ro_session(slot)
        };
        let session = session.map_err(said("open a session"))?;
        let connection = Self {
            generation,
            session,
            token,
            key: None,
        };
        connection.log_on(&info, uri, refused)?;
        Ok(connection)
    }

    fn log_on(
        &self,
        info: &TokenInfo,
        uri: &HsmUri,
        refused: &mut Option<(Secret, String)>,
    ) -> Result<(), Fault> {
        if !info.login_required() {
            return Ok(());
        }
        let pin = uri.pin()?;
        if pin.is_none() && !info.protected_authentication_path() {
            return Err(HsmError::NoPin("pin-source=file:PATH".to_owned()).into());
        }
        let wrong = |reason: &str| HsmError::Pin {
            token: self.token.clone(),
            reason: reason.to_owned(),
            source_of_pin: uri.pin_name(),
        };
        if let Some((_, reason)) = refused
            .as_ref()
            .filter(|(old, _)| pin.as_ref().is_some_and(|pin| pin.expose() == old.expose()))
        {
            return Err(wrong(reason).into());
        }
        let text = pin
            .as_ref()
            .map(|pin| String::from_utf8(pin.expose().to_vec()));
        let text = text
            .transpose()
            .map_err(|_| wrong("the PIN is not UTF-8"))?;
        let typed: Option<AuthPin> = text.map(|text| AuthPin::new(text.into_boxed_str()));
        match self.session.login(UserType::User, typed.as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                *refused = None;
                Ok(())
            }
            Err(Error::Pkcs11(
                rv @ (RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized),
                _,
            )) => {
                let reason = format!("it answered {rv:?}");
                let error = wrong(&reason);
                *refused = pin.map(|pin| (pin, reason));
                Err(error.into())
            }
            Err(error) => Err(call(&self.token, "log on")(error).into()),
        }
    }

    fn like(uri: &HsmUri) -> Vec<Attribute> {
        let mut like = vec![Attribute::Class(ObjectClass::SECRET_KEY)];
        like.extend(
            uri.object
                .as_ref()
                .map(|label| Attribute::Label(label.clone().into_bytes())),
        );
        like.extend(uri.id.clone().map(Attribute::Id));
        like
    }

    fn all(&self, uri: &HsmUri) -> Result<Vec<ObjectHandle>, HsmError> {
        self.session
            .find_objects(&Self::like(uri))
            .map_err(call(&self.token, "look for the key"))
    }

    fn find(&self, uri: &HsmUri) -> Result<ObjectHandle, HsmError> {
        let found = self.all(uri)?;
        match found.as_slice() {
            [key] => Ok(*key),
            others => Err(HsmError::Key {
                key: uri.key_name(),
                token: self.token.clone(),
                found: others.len(),
            }),
        }
    }

    /// A key that can leave the HSM, or another kind of key, is refused.
    fn check(&self, key: ObjectHandle, uri: &HsmUri) -> Result<(), HsmError> {
        let wanted = [
            AttributeType::KeyType,
            AttributeType::ValueLen,
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::Encrypt,
            AttributeType::Decrypt,
        ];
        let attributes = self
            .session
            .get_attributes(key, &wanted)
            .map_err(call(&self.token, "look at the key"))?;
        let fault = attributes.iter().find_map(|attribute| match attribute {
            Attribute::KeyType(kind) if *kind != KeyType::AES => Some("no AES key"),
            Attribute::ValueLen(length) if u64::from(*length) != KEY_LEN as u64 => {
                Some("not 256 bits long")
            }
            Attribute::Sensitive(false) => Some("not sensitive"),
            Attribute::Extractable(true) => Some("extractable"),
            Attribute::Encrypt(false) => Some("not for encryption"),
            Attribute::Decrypt(false) => Some("not for decryption"),
            _ => None,
        });
        fault.map_or(Ok(()), |fault| {
            Err(HsmError::Unfit {
                key: uri.key_name(),
                token: self.token.clone(),
                fault: fault.to_owned(),
            })
        })
    }

    /// The name of the key: derived from one encrypted block, so that copies of a key have one name wherever they are.
    fn name(&self, key: ObjectHandle) -> Result<RootId, HsmError> {
        let block = match self.session.encrypt(&Mechanism::AesEcb, key, NAMING) {
            // One block under a zero vector is the same in CBC mode, which a module may have alone.
            Err(Error::Pkcs11(RvError::MechanismInvalid, _)) => {
                self.session
                    .encrypt(&Mechanism::AesCbc([0; 16]), key, NAMING)
            }
            other => other,
        };
        let block = block.map_err(call(&self.token, "name the key"))?;
        let digest = Sha256::new()
            .chain_update(b"countersign root id")
            .chain_update(&block)
            .finalize();
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Ok(RootId::from_bytes(id))
    }

    /// Does one thing with the key.
    pub(super) fn perform(&self, job: &Job, uri: &HsmUri) -> Result<Reply, Fault> {
        match job {
            Job::Identify { expected } => {
                let (_, id) = self.key(*expected, uri)?;
                Ok(Reply::Id(id))
            }
            Job::Wrap {
                expected,
                nonce,
                context,
                plain,
            } => {
                let (key, _) = self.key(Some(*expected), uri)?;
                Ok(Reply::Wrapped(self.wrap(key, *nonce, context, plain)?))
            }
            Job::Unwrap {
                expected,
                nonce,
                context,
                ciphertext,
            } => {
                let (key, id) = self.key(Some(*expected), uri)?;
                match self.decrypt(key, *nonce, context, ciphertext) {
                    Ok(plain) => Ok(Reply::Opened(Some(plain))),
                    // A key that still encrypts its name is well: then it is the wrapped key that is not.
                    Err(error) => match self.name(key) {
                        Ok(now) if now == id => Ok(Reply::Opened(None)),
                        _ => Err(error.into()),
                    },
                }
            }
            Job::Create => Ok(Reply::Created),
        }
    }

    fn key(
        &self,
        expected: Option<RootId>,
        uri: &HsmUri,
    ) -> Result<(ObjectHandle, RootId), HsmError> {
        let (key, id) = self.key.ok_or_else(|| HsmError::Key {
            key: uri.key_name(),
            token: self.token.clone(),
            found: 0,
        })?;
        match expected {
            Some(expected) if expected != id => Err(HsmError::Other {
                key: uri.key_name(),
                token: self.token.clone(),
                present: id,
                expected,
            }),
            _ => Ok((key, id)),
        }
    }

    fn wrap(
        &self,
        key: ObjectHandle,
        mut nonce: [u8; NONCE_LEN],
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, HsmError> {
        let failed = call(&self.token, "wrap a key");
        let parameters = GcmParams::new(&mut nonce, context, TAG_BITS.into());
        let mechanism = Mechanism::AesGcm(parameters.map_err(&failed)?);
        let ciphertext = self
            .session
            .encrypt(&mechanism, key, plain)
            .map_err(&failed)?;
        drop(mechanism);
        if ciphertext.len() != plain.len() + TAG_LEN {
            return Err(self.odd("the tag is missing behind the wrapped key"));
        }
        // Some HSMs choose the nonce themselves and put it where the given one was.
        let opened = self.decrypt(key, nonce, context, &ciphertext)?;
        if opened.as_slice() != plain {
            return Err(self.odd("a wrapped key does not open again"));
        }
        let mut wrapped = nonce.to_vec();
        wrapped.extend_from_slice(&ciphertext);
        Ok(wrapped)
    }

    fn decrypt(
        &self,
        key: ObjectHandle,
        mut nonce: [u8; NONCE_LEN],
        context: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        let failed = call(&self.token, "unwrap a key");
        let parameters = GcmParams::new(&mut nonce, context, TAG_BITS.into());
        let mechanism = Mechanism::AesGcm(parameters.map_err(&failed)?);
        let plain = self
            .session
            .decrypt(&mechanism, key, ciphertext)
            .map_err(&failed)?;
        Ok(Zeroizing::new(plain))
    }

    fn odd(&self, reason: &str) -> HsmError {
        HsmError::Call {
            what: "wrap a key",
            address: self.token.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Makes the master key: AES-256, sensitive, never extractable.
    pub(super) fn create(&self, uri: &HsmUri) -> Result<(), HsmError> {
        if !self.all(uri)?.is_empty() {
            return Err(HsmError::Exists {
                key: uri.key_name(),
                token: self.token.clone(),
            });
        }
        let id = match &uri.id {
            Some(id) => id.clone(),
            None => random::random::<8>()?.to_vec(),
        };
        let length = KEY_LEN
            .try_into()
            .map_err(|_| self.odd("this machine has short numbers"))?;
        let mut template = vec![
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(length),
            Attribute::Id(id),
        ];
        template.extend(
            uri.object
                .as_ref()
                .map(|label| Attribute::Label(label.clone().into_bytes())),
        );
        self.session
            .generate_key(&Mechanism::AesKeyGen, &template)
            .map_err(call(&self.token, "make the key"))?;
        self.check(self.find(uri)?, uri)
    }
}

/// The slot that holds the token.
fn slot(context: &Pkcs11, uri: &HsmUri) -> Result<(Slot, TokenInfo), HsmError> {
    let token = uri.token_name();
    let slots = context
        .get_slots_with_initialized_token()
        .map_err(call(&token, "list the slots"))?;
    let fits = |slot: Slot| {
        let info = context.get_token_info(slot).ok()?;
        let same = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted == found.trim_end())
        };
        let fits = uri.slot.is_none_or(|wanted| wanted == slot.id())
            && same(&uri.token, info.label())
            && same(&uri.serial, info.serial_number())
            && same(&uri.manufacturer, info.manufacturer_id())
            && same(&uri.model, info.model());
        fits.then_some((slot, info))
    };
    let mut found: Vec<(Slot, TokenInfo)> = slots.into_iter().filter_map(fits).collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (last, others) => Err(HsmError::Token {
            token,
            found: others + usize::from(last.is_some()),
        }),
    }
}

fn call(token: &str, what: &'static str) -> impl Fn(Error) -> HsmError {
    let address = token.to_owned();
    move |error| HsmError::Call {
        what,
        address: address.clone(),
        reason: reason(&error),
    }
}
