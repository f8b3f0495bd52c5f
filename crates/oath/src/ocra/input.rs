//! The data that goes into an OCRA computation and its encoding (RFC 6287 section 5.1).

use hmac::digest::Digest;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::{Format, OcraError, Suite};
use crate::Hash;

/// Bytes that the question fills, padded on the right with zeros.
const QUESTION_LEN: usize = 128;

/// The inputs of one computation.
#[derive(Clone, Copy)]
pub struct DataInput<'a> {
    /// C: the counter.
    pub counter: Option<u64>,
    /// Q: the question, or both questions of a mutual computation.
    pub question: Question<'a>,
    /// P: the PIN.
    pub pin: Option<Pin<'a>>,
    /// S: session information, padded on the left with zeros to the length of the suite.
    pub session: Option<&'a [u8]>,
    /// T: the time step, counted in the unit of the suite ([`super::TimeStep::at`]).
    pub step: Option<u64>,
}

impl<'a> DataInput<'a> {
    /// A computation over a question alone, to which the rest is added.
    #[must_use]
    pub fn new(question: Question<'a>) -> Self {
        Self {
            counter: None,
            question,
            pin: None,
            session: None,
            step: None,
        }
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub enum Question<'a> {
    /// One-way challenge-response, or the data of a plain signature (RFC 6287 7.1, 7.3.1).
    Single(&'a str),
    /// Two challenges joined in this order (RFC 6287 7.2, 7.3.2).
    Joined(&'a str, &'a str),
}

impl<'a> Question<'a> {
    /// What the server answers in a mutual computation: the client's challenge first.
    #[must_use]
    pub fn answered_by_server(client_challenge: &'a str, server_challenge: &'a str) -> Self {
        Self::Joined(client_challenge, server_challenge)
    }

    /// What the client answers, or signs, in a mutual computation: the server's challenge first.
    #[must_use]
    pub fn answered_by_client(client_challenge: &'a str, server_challenge: &'a str) -> Self {
        Self::Joined(server_challenge, client_challenge)
    }
}

/// The PIN of a computation.
#[derive(Clone, Copy)]
pub enum Pin<'a> {
    /// The PIN itself, hashed as the suite says.
    Plain(&'a [u8]),
    /// Its hash under the function of the suite.
    Hashed(&'a [u8]),
}

impl DataInput<'_> {
    /// Question, PIN hash and session as they are hashed.
    pub(super) fn encode(&self, suite: &Suite) -> Result<Zeroizing<Vec<u8>>, OcraError> {
        // Enough for the longest PIN hash, so that nothing secret is left behind by a growing vector.
        let room = QUESTION_LEN + 64 + usize::from(suite.session().unwrap_or(0));
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.extend_from_slice(&encode_question(self.question, suite)?);
        if let Some(hash) = suite.pin() {
            encode_pin(self.pin.ok_or(OcraError::PinMissing)?, hash, &mut out)?;
        }
        if let Some(len) = suite.session() {
            encode_session(
                self.session.ok_or(OcraError::SessionMissing)?,
                len,
                &mut out,
            )?;
        }
        Ok(out)
    }
}

fn encode_question(question: Question<'_>, suite: &Suite) -> Result<[u8; QUESTION_LEN], OcraError> {
    let (first, second) = match question {
        Question::Single(only) => (only, ""),
        Question::Joined(first, second) => {
            check_question(second, suite)?;
            (first, second)
        }
    };
    check_question(first, suite)?;
    let characters = first.bytes().chain(second.bytes());
    Ok(match suite.question().format {
        Format::Alphanumeric => left_aligned(characters),
        Format::Hex => left_aligned(pairs(characters.map(hex_value))),
        Format::Numeric => {
            left_aligned(pairs(hex_of_decimal(characters.map(hex_value)).into_iter()))
        }
    })
}

fn check_question(question: &str, suite: &Suite) -> Result<(), OcraError> {
    let form = suite.question();
    if question.is_empty() || question.len() > usize::from(form.max) {
        return Err(OcraError::QuestionLength { max: form.max });
    }
    let allowed: fn(u8) -> bool = match form.format {
        Format::Numeric => |byte| byte.is_ascii_digit(),
        Format::Alphanumeric => |byte| byte.is_ascii_alphanumeric(),
        Format::Hex => |byte| byte.is_ascii_hexdigit(),
    };
    match question.bytes().all(allowed) {
        true => Ok(()),
        false => Err(OcraError::QuestionCharacter {
            format: form.format.letter(),
        }),
    }
}

fn left_aligned(bytes: impl Iterator<Item = u8>) -> [u8; QUESTION_LEN] {
    let mut out = [0; QUESTION_LEN];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    out
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// Half bytes to bytes; an odd number of them is padded on the right, as the reference of RFC 6287 does.
fn pairs(mut nibbles: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let high = nibbles.next()?;
        Some(high << 4 | nibbles.next().unwrap_or(0))
    })
}

/// The hexadecimal digits of a decimal number, highest first and at least one.
fn hex_of_decimal(digits: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut nibbles = vec![0_u8];
    for digit in digits {
        let mut carry = digit;
        for nibble in &mut nibbles {
            let value = *nibble * 10 + carry;
            *nibble = value & 0x0f;
            carry = value >> 4;
        }
        if carry > 0 {
            nibbles.push(carry);
        }
    }
    nibbles.reverse();
    nibbles
}

fn encode_pin(pin: Pin<'_>, hash: Hash, out: &mut Vec<u8>) -> Result<(), OcraError> {
    match pin {
        Pin::Plain(pin) => match hash {
            Hash::Sha1 => out.extend_from_slice(&Sha1::digest(pin)),
            Hash::Sha256 => out.extend_from_slice(&Sha256::digest(pin)),
            Hash::Sha512 => out.extend_from_slice(&Sha512::digest(pin)),
        },
        Pin::Hashed(value) if value.len() == hash.output_len() => out.extend_from_slice(value),
        Pin::Hashed(_) => {
            return Err(OcraError::PinHashLength {
                expected: hash.output_len(),
            });
        }
    }
    Ok(())
}

fn encode_session(session: &[u8], len: u16, out: &mut Vec<u8>) -> Result<(), OcraError> {
    let padding = usize::from(len)
        .checked_sub(session.len())
        .ok_or(OcraError::SessionLength { max: len })?;
    out.extend(std::iter::repeat_n(0, padding));
    out.extend_from_slice(session);
    Ok(())
}
