//! Requests of our own: towards RADIUS back-ends, and in tests.

use hmac::Mac;
use md5::Digest;

use crate::SharedSecret;
use crate::chap;
use crate::kind::{self, MICROSOFT};
use crate::mschap;
use crate::packet::Code;
use crate::password;
use crate::write::{Overflow, Writer};

/// A request in the making, Message-Authenticator first.
///
/// The `authenticator` of Access-Request and Status-Server must be unpredictable and never used twice with one secret;
/// that of Accounting-Request is computed, whatever is passed.
#[derive(Debug)]
pub struct RequestBuilder {
    writer: Writer,
    code: Code,
    authenticator: [u8; 16],
}

impl RequestBuilder {
    /// Starts a request. Accounting-Request, whose authenticator already proves the sender, has no Message-Authenticator.
    #[must_use]
    pub fn new(code: Code, identifier: u8, authenticator: [u8; 16]) -> Self {
        Self::start(
            code,
            identifier,
            authenticator,
            !code.is_self_authenticated(),
        )
    }

    /// Starts a request without Message-Authenticator, for peers that cannot bear it.
    #[must_use]
    pub fn unsigned(code: Code, identifier: u8, authenticator: [u8; 16]) -> Self {
        Self::start(code, identifier, authenticator, false)
    }

    fn start(code: Code, identifier: u8, authenticator: [u8; 16], signed: bool) -> Self {
        let authenticator = if code.is_self_authenticated() {
            [0; 16]
        } else {
            authenticator
        };
        let writer = Writer::start(
            Vec::with_capacity(128),
            code,
            identifier,
            &authenticator,
            signed,
        );
        Self {
            writer,
            code,
            authenticator,
        }
    }

    /// Adds one attribute of at most 253 octets.
    ///
    /// # Errors
    /// [`Overflow`], as with every other addition.
    pub fn add(mut self, kind: u8, value: &[u8]) -> Result<Self, Overflow> {
        self.writer.add(kind, value)?;
        Ok(self)
    }

    /// Adds one attribute if there is room for it.
    #[must_use]
    pub fn add_if_it_fits(mut self, kind: u8, value: &[u8]) -> Self {
        let _ = self.writer.add(kind, value); // the packet is then as it was
        self
    }

    /// Adds octets of any length as several attributes of one type.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_split(mut self, kind: u8, value: &[u8]) -> Result<Self, Overflow> {
        self.writer.add_split(kind, value)?;
        Ok(self)
    }

    /// Adds a vendor's attribute of at most 247 octets.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_vendor(mut self, vendor: u32, kind: u8, value: &[u8]) -> Result<Self, Overflow> {
        self.writer.add_vendor(vendor, kind, value)?;
        Ok(self)
    }

    /// Adds User-Password, hidden.
    ///
    /// # Errors
    /// [`Overflow::Value`] if the password exceeds 128 octets.
    pub fn pap(self, password: &[u8], secret: &SharedSecret) -> Result<Self, Overflow> {
        let value = password::hide(password, &self.authenticator, secret).ok_or(Overflow::Value)?;
        self.add(kind::USER_PASSWORD, &value)
    }

    /// Adds CHAP-Password and CHAP-Challenge.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn chap(self, identifier: u8, password: &[u8], challenge: &[u8]) -> Result<Self, Overflow> {
        let mut value = vec![identifier];
        value.extend_from_slice(&chap::response(identifier, password, challenge));
        self.add(kind::CHAP_PASSWORD, &value)?
            .add(kind::CHAP_CHALLENGE, challenge)
    }

    /// Adds MS-CHAP-Challenge and MS-CHAP-Response with an NT response only.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn mschap(
        self,
        identifier: u8,
        password: &str,
        challenge: &[u8; 8],
    ) -> Result<Self, Overflow> {
        const NT_RESPONSE_IS_USED: u8 = 1;
        let mut value = vec![identifier, NT_RESPONSE_IS_USED];
        value.extend_from_slice(&[0; 24]);
        value.extend_from_slice(&mschap::respond_v1(challenge, password));
        self.add_vendor(MICROSOFT, kind::MS_CHAP_CHALLENGE, challenge)?
            .add_vendor(MICROSOFT, kind::MS_CHAP_RESPONSE, &value)
    }

    /// Adds MS-CHAP-Challenge and MS-CHAP2-Response; `user` is the name the User-Name attribute holds.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn mschapv2(
        self,
        identifier: u8,
        user: &[u8],
        password: &str,
        authenticator_challenge: &[u8; 16],
        peer_challenge: &[u8; 16],
    ) -> Result<Self, Overflow> {
        let mut value = vec![identifier, 0];
        value.extend_from_slice(peer_challenge);
        value.extend_from_slice(&[0; 8]);
        value.extend_from_slice(&mschap::respond_v2(
            authenticator_challenge,
            peer_challenge,
            user,
            password,
        ));
        self.add_vendor(MICROSOFT, kind::MS_CHAP_CHALLENGE, authenticator_challenge)?
            .add_vendor(MICROSOFT, kind::MS_CHAP2_RESPONSE, &value)
    }

    /// Computes the authenticators and hands the packet over.
    #[must_use]
    pub fn sign(mut self, secret: &SharedSecret) -> Vec<u8> {
        self.writer.close();
        if self.writer.is_signed() {
            let tag = secret
                .mac()
                .chain_update(self.writer.bytes())
                .finalize()
                .into_bytes();
            self.writer.set_message_authenticator(&tag.into());
        }
        if self.code.is_self_authenticated() {
            let digest = md5::Md5::new()
                .chain_update(self.writer.bytes())
                .chain_update(secret.bytes())
                .finalize();
            self.writer.set_authenticator(&digest.into());
        }
        self.writer.into_bytes()
    }
}
