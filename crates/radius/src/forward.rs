//! What a proxy passes on: attributes of a request towards a back-end, and those of its answer towards the client.

use zeroize::Zeroizing;

use crate::dictionary::{Dictionary, Hidden, Space};
use crate::kind::{self, MICROSOFT};
use crate::packet::{Attribute, Packet, VendorAttribute, VendorAttributes};
use crate::write::Overflow;
use crate::{RequestBuilder, SharedSecret, password, salted};

/// Most octets of a vendor's value in one attribute.
const MAX_VENDOR_VALUE: usize = 247;

/// The attributes of a request that mean the same to a server behind: not the name, not the password in any form, nothing
/// that holds between two neighbours only.
pub fn request_attributes<'a>(
    request: &Packet<'a>,
) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
    request.attributes().filter(|attribute| {
        attribute.kind != kind::USER_NAME
            && !kind::is_hop_by_hop(attribute.kind)
            && !is_proof(attribute)
    })
}

/// Whether a Vendor-Specific holds an MS-CHAP exchange.
fn is_proof(attribute: &Attribute<'_>) -> bool {
    attribute.kind == kind::VENDOR_SPECIFIC
        && VendorAttributes::read(attribute.value)
            .any(|it| it.vendor == MICROSOFT && kind::is_microsoft_proof(it.kind))
}

impl RequestBuilder {
    /// Adds the password attributes of a request that came with the secret `from`, for a server with the secret `to`:
    /// User-Password hidden anew, CHAP and MS-CHAP octet by octet. Where the request's authenticator was the CHAP
    /// challenge, it becomes a CHAP-Challenge.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn same_password(
        mut self,
        request: &Packet<'_>,
        from: &SharedSecret,
        to: &SharedSecret,
    ) -> Result<Self, Overflow> {
        if let Some(hidden) = request.first(kind::USER_PASSWORD) {
            let clear = password::reveal(hidden, request.authenticator(), from);
            self = self.pap(clear.ok_or(Overflow::Value)?.as_bytes(), to)?;
        }
        if let Some(response) = request.first(kind::CHAP_PASSWORD) {
            let challenge = request.first(kind::CHAP_CHALLENGE);
            self = self.add(kind::CHAP_PASSWORD, response)?.add(
                kind::CHAP_CHALLENGE,
                challenge.unwrap_or(request.authenticator()),
            )?;
        }
        for attribute in request.attributes().filter(is_proof) {
            self = self.add(kind::VENDOR_SPECIFIC, attribute.value)?;
        }
        Ok(self)
    }
}

/// The attributes of an Access-Accept that its client may have, in wire form (radius.md 5): without what holds between two
/// neighbours only and without anything encrypted for us.
#[must_use]
pub fn reply_attributes(reply: &Packet<'_>, dictionary: &Dictionary) -> Vec<u8> {
    let mut kept = Vec::new();
    for attribute in reply.attributes() {
        match attribute.kind {
            kind::VENDOR_SPECIFIC => keep_vendor(&mut kept, attribute.value, dictionary),
            other if kind::is_hop_by_hop(other) => {}
            other if is_hidden(dictionary, Space::Standard, other) => {}
            other => put(&mut kept, other, attribute.value),
        }
    }
    kept
}

fn is_hidden(dictionary: &Dictionary, space: Space, number: u8) -> bool {
    dictionary
        .by_number(space, number)
        .is_some_and(|definition| definition.hidden != Hidden::No)
}

/// Keeps a Vendor-Specific whole, or what is left of it without keys.
fn keep_vendor(kept: &mut Vec<u8>, value: &[u8], dictionary: &Dictionary) {
    let secret = |it: &VendorAttribute<'_>| {
        is_hidden(dictionary, Space::Vendor(it.vendor), it.kind)
            || it.vendor == MICROSOFT
                && (kind::is_microsoft_key(it.kind)
                    || kind::is_microsoft_proof(it.kind)
                    || it.kind == kind::MS_CHAP_ERROR)
    };
    if !VendorAttributes::read(value).any(|it| secret(&it)) {
        put(kept, kind::VENDOR_SPECIFIC, value);
        return;
    }
    for it in VendorAttributes::read(value).filter(|it| !secret(it)) {
        put_vendor(kept, it.vendor, it.kind, it.value);
    }
}

/// The keys of an Access-Accept to an MS-CHAP answer, decrypted: attributes in wire form with plain values (MS-CHAP2-Success,
/// MS-MPPE-Send-Key, MS-MPPE-Recv-Key, MS-CHAP-MPPE-Keys). `None` if there are none; a key that does not decrypt is left out.
#[must_use]
pub fn reply_keys(
    reply: &Packet<'_>,
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut keys = Zeroizing::new(Vec::new());
    keys.reserve(512); // so that no plain key is left behind in a smaller buffer
    for it in reply
        .vendor_attributes()
        .filter(|it| it.vendor == MICROSOFT)
    {
        let plain = match it.kind {
            kind::MS_CHAP2_SUCCESS => Zeroizing::new(it.value.to_vec()),
            kind::MS_MPPE_SEND_KEY | kind::MS_MPPE_RECV_KEY => {
                let Some(plain) = salted::decrypt(it.value, request_authenticator, secret) else {
                    continue;
                };
                plain
            }
            kind::MS_CHAP_MPPE_KEYS => {
                let Some(plain) = password::unhide_blocks(it.value, request_authenticator, secret)
                else {
                    continue;
                };
                plain
            }
            _ => continue,
        };
        if plain.len() <= MAX_VENDOR_VALUE && keys.len() + plain.len() + 8 <= 512 {
            put_vendor(&mut keys, MICROSOFT, it.kind, &plain);
        }
    }
    (!keys.is_empty()).then_some(keys)
}

fn put_vendor(out: &mut Vec<u8>, vendor: u32, kind: u8, value: &[u8]) {
    let Ok(length) = u8::try_from(value.len() + 8) else {
        return;
    };
    out.extend_from_slice(&[kind::VENDOR_SPECIFIC, length]);
    out.extend_from_slice(&vendor.to_be_bytes());
    out.extend_from_slice(&[kind, length - 6]);
    out.extend_from_slice(value);
}

fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let Ok(length) = u8::try_from(value.len() + 2) else {
        return;
    };
    out.extend_from_slice(&[kind, length]);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests;
