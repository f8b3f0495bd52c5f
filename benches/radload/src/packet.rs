//! The RADIUS packets needed here (RFC 2865, RFC 2869 Message-Authenticator).

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

pub const ACCESS_REQUEST: u8 = 1;
pub const ACCESS_ACCEPT: u8 = 2;
pub const ACCESS_REJECT: u8 = 3;
pub const ACCESS_CHALLENGE: u8 = 11;

const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;
const NAS_IDENTIFIER: u8 = 32;
const MESSAGE_AUTHENTICATOR: u8 = 80;
/// Where the Message-Authenticator's value lies: it is always written first.
const MA: std::ops::Range<usize> = 22..38;

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    parts.iter().for_each(|p| hash.update(p));
    hash.finalize().into()
}

fn hmac_md5(secret: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(secret).expect("HMAC takes any key length");
    parts.iter().for_each(|p| mac.update(p));
    mac.finalize().into_bytes().into()
}

fn attribute(packet: &mut Vec<u8>, kind: u8, value: &[u8]) {
    packet.extend([kind, value.len() as u8 + 2]);
    packet.extend(value);
}

fn set_length(packet: &mut [u8]) {
    let length = (packet.len() as u16).to_be_bytes();
    packet[2..4].copy_from_slice(&length);
}

/// An Access-Request with PAP and a Message-Authenticator.
pub fn request(id: u8, auth: [u8; 16], secret: &[u8], user: &str, password: &str) -> Vec<u8> {
    let mut p = Vec::with_capacity(128);
    p.extend([ACCESS_REQUEST, id, 0, 0]);
    p.extend(auth);
    attribute(&mut p, MESSAGE_AUTHENTICATOR, &[0; 16]);
    attribute(&mut p, USER_NAME, user.as_bytes());
    attribute(
        &mut p,
        USER_PASSWORD,
        &hide(password.as_bytes(), secret, &auth),
    );
    attribute(&mut p, NAS_IDENTIFIER, b"radload");
    set_length(&mut p);
    let mac = hmac_md5(secret, &[&p]);
    p[MA].copy_from_slice(&mac);
    p
}

/// The User-Password cipher of RFC 2865 section 5.2.
fn hide(password: &[u8], secret: &[u8], auth: &[u8; 16]) -> Vec<u8> {
    let mut hidden = password.to_vec();
    hidden.resize(password.len().div_ceil(16).max(1) * 16, 0);
    let mut chain = *auth;
    for block in hidden.chunks_mut(16) {
        let key = md5(&[secret, &chain]);
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        chain.copy_from_slice(block);
    }
    hidden
}

/// The reply's code, if its Response Authenticator (and Message-Authenticator, where it has one)
/// is right for the request.
pub fn verify_reply(reply: &[u8], auth: &[u8; 16], secret: &[u8]) -> Option<u8> {
    let length = u16::from_be_bytes(reply.get(2..4)?.try_into().ok()?) as usize;
    let reply = reply.get(..length)?;
    let (head, rest) = (reply.get(..4)?, reply.get(20..)?);
    if md5(&[head, auth, rest, secret]) != reply[4..20] {
        return None;
    }
    let mut at = 20;
    while at < length {
        let size = *reply.get(at + 1)? as usize;
        if size < 2 || at + size > length {
            return None;
        }
        if reply[at] == MESSAGE_AUTHENTICATOR {
            let value = reply.get(at + 2..at + 18)?;
            if hmac_md5(
                secret,
                &[head, auth, &reply[20..at + 2], &[0; 16], &reply[at + 18..]],
            ) != *value
            {
                return None;
            }
        }
        at += size;
    }
    Some(reply[0])
}

/// The cheapest honest answer to one of our own requests: checks its Message-Authenticator and
/// accepts. For `radload sink`, which shows what the generator itself can reach.
pub fn accept(request: &[u8], secret: &[u8]) -> Option<[u8; 38]> {
    if request.len() < 38 || request[20] != MESSAGE_AUTHENTICATOR {
        return None;
    }
    if hmac_md5(secret, &[&request[..22], &[0; 16], &request[38..]]) != request[MA] {
        return None;
    }
    let mut reply = [0; 38];
    reply[..4].copy_from_slice(&[ACCESS_ACCEPT, request[1], 0, 38]);
    reply[4..20].copy_from_slice(&request[4..20]);
    reply[20..22].copy_from_slice(&[MESSAGE_AUTHENTICATOR, 18]);
    let mac = hmac_md5(secret, &[&reply]);
    reply[MA].copy_from_slice(&mac);
    let auth = md5(&[&reply, secret]);
    reply[4..20].copy_from_slice(&auth);
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc2865_section_7_1_password() {
        // RFC 2865 7.1: user nemo, password arctangent, secret xyzzy5461.
        let auth = data_encoding::HEXLOWER
            .decode(b"0f403f9473978057bd83d5cb98f4227a")
            .unwrap();
        let hidden = hide(b"arctangent", b"xyzzy5461", &auth.try_into().unwrap());
        assert_eq!(
            data_encoding::HEXLOWER.encode(&hidden),
            "0dbe708d93d413ce3196e43f782a0aee"
        );
    }

    #[test]
    fn a_reply_is_taken_only_with_the_right_secret_request_and_content() {
        let auth = [7; 16];
        let reply = accept(&request(9, auth, b"s", "bob", "pw"), b"s").unwrap();
        assert_eq!(verify_reply(&reply, &auth, b"s"), Some(ACCESS_ACCEPT));
        assert_eq!(verify_reply(&reply, &auth, b"t"), None);
        assert_eq!(verify_reply(&reply, &[8; 16], b"s"), None);
        let mut changed = reply;
        changed[30] ^= 1;
        assert_eq!(verify_reply(&changed, &auth, b"s"), None);
        assert!(accept(&request(9, auth, b"t", "bob", "pw"), b"s").is_none());
    }
}
