//! Answers: Message-Authenticator first, Proxy-State next, then everything else.

use hmac::Mac;
use md5::Digest;

use crate::SharedSecret;
use crate::dictionary::AttributeBytes;
use crate::kind;
use crate::packet::{Attributes, Code, Packet, VendorAttributes};
use crate::write::{Overflow, Writer};
use crate::{password, salted};

/// An answer in the making; holds nothing of the request but what it has copied.
///
/// The Message-Authenticator stands first (RADIUS specification section 4 rule 2): an attacker who can only put
/// octets behind a chosen prefix finds the prefix already authenticated.
#[derive(Debug)]
pub struct Reply {
    writer: Writer,
    request_authenticator: [u8; 16],
}

impl Reply {
    /// Starts the answer to a request and copies its Proxy-State attributes in their order.
    ///
    /// All codes but Accounting-Response carry a Message-Authenticator.
    ///
    /// # Errors
    /// [`Overflow`] if the Proxy-State attributes alone fill the packet.
    pub fn new(code: Code, request: &Packet<'_>) -> Result<Self, Overflow> {
        Self::new_in(Vec::with_capacity(128), code, request)
    }

    /// Like [`Reply::new`], in a buffer whose capacity is reused; its content is discarded.
    ///
    /// # Errors
    /// As [`Reply::new`].
    pub fn new_in(buffer: Vec<u8>, code: Code, request: &Packet<'_>) -> Result<Self, Overflow> {
        let request_authenticator = *request.authenticator();
        let signed = code != Code::AccountingResponse;
        // The Message-Authenticator of an answer is computed with the request's authenticator in place (RFC 3579 section 3.2).
        let mut writer = Writer::start(
            buffer,
            code,
            request.identifier(),
            &request_authenticator,
            signed,
        );
        request
            .all(kind::PROXY_STATE)
            .try_for_each(|state| writer.add(kind::PROXY_STATE, state))?;
        Ok(Self {
            writer,
            request_authenticator,
        })
    }

    /// Adds one attribute of at most 253 octets.
    ///
    /// # Errors
    /// [`Overflow`]; the answer is then unchanged, as with every other `add`.
    pub fn add(&mut self, kind: u8, value: &[u8]) -> Result<(), Overflow> {
        self.writer.add(kind, value)
    }

    /// Adds a number.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_integer(&mut self, kind: u8, number: u32) -> Result<(), Overflow> {
        self.writer.add(kind, &number.to_be_bytes())
    }

    /// Adds text of any length, as several attributes where it exceeds 253 octets; never cuts a character in two.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_text(&mut self, kind: u8, text: &str) -> Result<(), Overflow> {
        // Room for the worst split (a break up to three octets early) is asked for first, so that nothing is half added.
        self.writer
            .room(text.len() + 2 * text.len().div_ceil(MAX_TEXT - 3))?;
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
            self.writer.add(kind, piece.as_bytes())?;
            rest = after;
        }
        Ok(())
    }

    /// Adds octets of any length as several attributes of one type, as EAP-Message wants it (RFC 3579 section 3.1).
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_split(&mut self, kind: u8, value: &[u8]) -> Result<(), Overflow> {
        self.writer.add_split(kind, value)
    }

    /// Adds a vendor's attribute of at most 247 octets.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) -> Result<(), Overflow> {
        self.writer.add_vendor(vendor, kind, value)
    }

    /// Adds MS-MPPE-Send-Key or -Recv-Key, encrypted for the client with a salt of its own (RFC 2548 section 2.4.2).
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_mppe_key(
        &mut self,
        kind: u8,
        key: &[u8],
        salt: [u8; 2],
        secret: &SharedSecret,
    ) -> Result<(), Overflow> {
        let value = salted::encrypt(key, salt, &self.request_authenticator, secret)
            .ok_or(Overflow::Value)?;
        self.writer.add_vendor(kind::MICROSOFT, kind, &value)
    }

    /// Adds an attribute the dictionary has encoded.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_encoded(&mut self, attribute: &AttributeBytes) -> Result<(), Overflow> {
        self.writer.add_encoded(attribute.as_bytes())
    }

    /// Adds attributes of another server's answer, already in wire form ([`crate::forward::reply_attributes`]).
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_passed_on(&mut self, attributes: &[u8]) -> Result<(), Overflow> {
        self.writer.add_encoded(attributes)
    }

    /// Adds keys that another server gave ([`crate::forward::reply_keys`]), encrypted for the client; each call of `salt`
    /// gives another one.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add_passed_on_keys(
        &mut self,
        keys: &[u8],
        mut salt: impl FnMut() -> [u8; 2],
        secret: &SharedSecret,
    ) -> Result<(), Overflow> {
        for it in Attributes::over(keys)
            .filter(|attribute| attribute.kind == kind::VENDOR_SPECIFIC)
            .flat_map(|attribute| VendorAttributes::read(attribute.value))
        {
            match it.kind {
                kind::MS_MPPE_SEND_KEY | kind::MS_MPPE_RECV_KEY => {
                    self.add_mppe_key(it.kind, it.value, salt(), secret)?;
                }
                kind::MS_CHAP_MPPE_KEYS => {
                    let hidden =
                        password::hide_blocks(it.value, &self.request_authenticator, secret);
                    self.add_vendor(it.vendor, it.kind, &hidden)?;
                }
                _ => self.add_vendor(it.vendor, it.kind, it.value)?,
            }
        }
        Ok(())
    }

    /// The authenticator of the request that is answered.
    #[must_use]
    pub fn request_authenticator(&self) -> &[u8; 16] {
        &self.request_authenticator
    }

    /// Computes Message-Authenticator and Response Authenticator and hands the packet over.
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
        let mut digest = md5::Md5::new();
        digest.update(self.writer.bytes());
        digest.update(secret.bytes());
        self.writer.set_authenticator(&digest.finalize().into());
        self.writer.into_bytes()
    }
}

const MAX_TEXT: usize = crate::packet::MAX_VALUE;

#[cfg(test)]
mod tests;
