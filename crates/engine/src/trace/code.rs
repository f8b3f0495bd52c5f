//! The stored form of an entry: a tag, then its fields; numbers as variable-length integers, texts with a length byte.

use super::entry::{Entry, Origin, Place, Value};
use super::words::Word;
use crate::Status;
use std::net::IpAddr;

const COMPONENT: u8 = 1;
const POLICY: u8 = 2;
const INVALID: u8 = 3;
const SETTING: u8 = 4;
const RESOLVED: u8 = 5;
const ACCOUNT: u8 = 6;
const CHECK: u8 = 7;
const EXCLUDED: u8 = 8;
const READ: u8 = 9;
const CANDIDATE: u8 = 10;
const ASKED: u8 = 11;
const HASHES: u8 = 12;
const ENDED: u8 = 13;
const HEARD: u8 = 14;

/// Appends one entry.
pub(super) fn write(out: &mut Vec<u8>, entry: &Entry<'_>) {
    match *entry {
        Entry::Component {
            kind,
            place,
            nas_id,
        } => {
            out.push(COMPONENT);
            text(out, kind);
            write_place(out, place);
            text(out, nas_id);
        }
        Entry::Policy { id } => {
            out.push(POLICY);
            text(out, id);
        }
        Entry::InvalidPolicy { why } => {
            out.push(INVALID);
            text(out, why);
        }
        Entry::Setting {
            setting,
            value,
            origin,
        } => {
            out.extend([SETTING, setting.number()]);
            write_value(out, value);
            write_origin(out, origin);
        }
        Entry::Resolved { rule, domain } => {
            out.extend([RESOLVED, rule.number()]);
            text(out, domain);
        }
        Entry::Account {
            authenticators,
            linked,
        } => {
            out.extend([ACCOUNT, u8::from(linked)]);
            unsigned(out, authenticators.into());
        }
        Entry::Check {
            check,
            passed,
            seen,
            limit,
        } => {
            out.extend([CHECK, check.number(), u8::from(passed)]);
            signed(out, seen);
            signed(out, limit);
        }
        Entry::Excluded {
            serial,
            application,
            why,
        } => {
            out.extend([EXCLUDED, why.number()]);
            text(out, serial);
            text(out, application);
        }
        Entry::Read {
            shape,
            front,
            pin,
            otp,
            new_pin,
        } => {
            out.extend([READ, shape.number()]);
            for length in [front, pin, otp, new_pin] {
                unsigned(out, length.into());
            }
        }
        Entry::Candidate {
            serial,
            application,
            result,
            moving,
            distance,
        } => {
            out.extend([
                CANDIDATE,
                result.number(),
                u8::from(moving.is_some()) | u8::from(distance.is_some()) << 1,
            ]);
            text(out, serial);
            text(out, application);
            if let Some(moving) = moving {
                unsigned(out, moving);
            }
            if let Some(distance) = distance {
                signed(out, distance);
            }
        }
        Entry::Asked { what, yes } => out.extend([ASKED, what.number(), yes.map_or(2, u8::from)]),
        Entry::Heard { what, server, said } => {
            out.extend([HEARD, what.number(), said.number()]);
            text(out, server);
        }
        Entry::Hashes { tried, cut } => {
            out.extend([HASHES, u8::from(cut)]);
            unsigned(out, tried.into());
        }
        Entry::Ended { real, client } => {
            out.push(ENDED);
            signed(out, real.number().into());
            signed(out, client.number().into());
        }
    }
}

/// Takes one entry off the front; `None` at the end or at damage.
pub(super) fn read<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    Some(match byte(rest)? {
        COMPONENT => Entry::Component {
            kind: read_text(rest)?,
            place: read_place(rest)?,
            nas_id: read_text(rest)?,
        },
        POLICY => Entry::Policy {
            id: read_text(rest)?,
        },
        INVALID => Entry::InvalidPolicy {
            why: read_text(rest)?,
        },
        SETTING => Entry::Setting {
            setting: word(rest)?,
            value: read_value(rest)?,
            origin: read_origin(rest)?,
        },
        RESOLVED => Entry::Resolved {
            rule: word(rest)?,
            domain: read_text(rest)?,
        },
        ACCOUNT => {
            let linked = byte(rest)? != 0;
            Entry::Account {
                authenticators: small(rest)?,
                linked,
            }
        }
        CHECK => Entry::Check {
            check: word(rest)?,
            passed: byte(rest)? != 0,
            seen: read_signed(rest)?,
            limit: read_signed(rest)?,
        },
        EXCLUDED => {
            let why = word(rest)?;
            Entry::Excluded {
                serial: read_text(rest)?,
                application: read_text(rest)?,
                why,
            }
        }
        READ => Entry::Read {
            shape: word(rest)?,
            front: small(rest)?,
            pin: small(rest)?,
            otp: small(rest)?,
            new_pin: small(rest)?,
        },
        CANDIDATE => {
            let (result, has) = (word(rest)?, byte(rest)?);
            let (serial, application) = (read_text(rest)?, read_text(rest)?);
            let moving = if has & 1 != 0 {
                Some(read_unsigned(rest)?)
            } else {
                None
            };
            let distance = if has & 2 != 0 {
                Some(read_signed(rest)?)
            } else {
                None
            };
            Entry::Candidate {
                serial,
                application,
                result,
                moving,
                distance,
            }
        }
        ASKED => Entry::Asked {
            what: word(rest)?,
            yes: [Some(false), Some(true), None]
                .get(usize::from(byte(rest)?))
                .copied()?,
        },
        HEARD => {
            let (what, said) = (word(rest)?, word(rest)?);
            Entry::Heard {
                what,
                server: read_text(rest)?,
                said,
            }
        }
        HASHES => {
            let cut = byte(rest)? != 0;
            Entry::Hashes {
                tried: small(rest)?,
                cut,
            }
        }
        ENDED => Entry::Ended {
            real: status(rest)?,
            client: status(rest)?,
        },
        _ => return None,
    })
}

fn write_place(out: &mut Vec<u8>, place: Place<'_>) {
    match place {
        Place::Network(IpAddr::V4(address), prefix) => {
            out.push(1);
            out.extend(address.octets());
            out.push(prefix);
        }
        Place::Network(IpAddr::V6(address), prefix) => {
            out.push(2);
            out.extend(address.octets());
            out.push(prefix);
        }
        Place::Host(name) => {
            out.push(3);
            text(out, name);
        }
        Place::Default => out.push(4),
    }
}

fn read_place<'a>(rest: &mut &'a [u8]) -> Option<Place<'a>> {
    Some(match byte(rest)? {
        1 => Place::Network(IpAddr::from(array::<4>(rest)?), byte(rest)?),
        2 => Place::Network(IpAddr::from(array::<16>(rest)?), byte(rest)?),
        3 => Place::Host(read_text(rest)?),
        4 => Place::Default,
        _ => return None,
    })
}

fn write_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Word(word) => {
            out.push(1);
            text(out, word);
        }
        Value::Number(number) => {
            out.push(2);
            signed(out, number);
        }
        Value::Size(size) => {
            out.push(3);
            unsigned(out, size.into());
        }
    }
}

fn read_value<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    Some(match byte(rest)? {
        1 => Value::Word(read_text(rest)?),
        2 => Value::Number(read_signed(rest)?),
        3 => Value::Size(small(rest)?),
        _ => return None,
    })
}

fn write_origin(out: &mut Vec<u8>, origin: Origin) {
    out.push(match origin {
        Origin::Policy(place) => place.min(239),
        Origin::BuiltIn => 255,
        Origin::Account => 254,
        Origin::Authenticator => 253,
        Origin::Deployment => 252,
        Origin::GroupCheck => 251,
        Origin::Server => 250,
    });
}

fn read_origin(rest: &mut &[u8]) -> Option<Origin> {
    Some(match byte(rest)? {
        place @ ..240 => Origin::Policy(place),
        255 => Origin::BuiltIn,
        254 => Origin::Account,
        253 => Origin::Authenticator,
        252 => Origin::Deployment,
        251 => Origin::GroupCheck,
        250 => Origin::Server,
        _ => return None,
    })
}

fn text(out: &mut Vec<u8>, text: &str) {
    let cut = text.floor_char_boundary(255);
    let kept = text.get(..cut).unwrap_or_default();
    out.push(u8::try_from(kept.len()).unwrap_or(0));
    out.extend_from_slice(kept.as_bytes());
}

fn unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn signed(out: &mut Vec<u8>, number: i64) {
    unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*taken)
}

fn word<W: Word>(rest: &mut &[u8]) -> Option<W> {
    W::of(byte(rest)?)
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::from(byte(rest)?);
    let (taken, others) = rest.split_at_checked(length)?;
    *rest = others;
    std::str::from_utf8(taken).ok()
}

fn read_unsigned(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let next = byte(rest)?;
        let low = u64::from(next & 0x7f);
        if shift == 63 && low > 1 {
            return None;
        }
        number |= low << shift;
        if next < 0x80 {
            return Some(number);
        }
    }
    None
}

fn read_signed(rest: &mut &[u8]) -> Option<i64> {
    let number = read_unsigned(rest)?;
    Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
}

fn small(rest: &mut &[u8]) -> Option<u32> {
    u32::try_from(read_unsigned(rest)?).ok()
}

fn status(rest: &mut &[u8]) -> Option<Status> {
    Status::from_number(read_signed(rest)?)
}
