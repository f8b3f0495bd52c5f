//! What servers say, for tests that play one.

use super::Control;
use super::ber::{ENUMERATED, INTEGER, Reader, SEQUENCE, SET, Writer};

pub(in super::super) const BIND: u8 = 0x60;
pub(in super::super) const SEARCH: u8 = 0x63;
pub(in super::super) const EXTENDED: u8 = 0x77;

/// Number and operation of a request.
pub(in super::super) fn request(bytes: &[u8]) -> (i32, u8) {
    let mut fields = Reader::new(bytes).within(SEQUENCE).unwrap();
    let id = fields.integer(INTEGER).unwrap();
    (id.try_into().unwrap(), fields.next().unwrap().0)
}

/// The answer that ends an operation, with controls.
pub(in super::super) fn done(
    id: i32,
    request: u8,
    code: i32,
    text: &str,
    controls: &[Control],
) -> Vec<u8> {
    end(id, request, code, text, &[], controls)
}

/// An end that refers to others.
pub(in super::super) fn referral(id: i32, request: u8, to: &[&str]) -> Vec<u8> {
    end(id, request, 10, "", to, &[])
}

fn end(id: i32, request: u8, code: i32, text: &str, to: &[&str], controls: &[Control]) -> Vec<u8> {
    let tag = match request {
        SEARCH => 0x65,
        EXTENDED => 0x78,
        other => other + 1,
    };
    message(id, controls, |w| {
        w.constructed(tag, |w| {
            w.integer(ENUMERATED, code);
            w.octets(b"");
            w.octets(text.as_bytes());
            if !to.is_empty() {
                w.constructed(0xa3, |w| to.iter().for_each(|one| w.octets(one.as_bytes())));
            }
        });
    })
}

/// An entry.
pub(in super::super) fn entry(id: i32, dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    message(id, &[], |w| {
        w.constructed(0x64, |w| {
            w.octets(dn.as_bytes());
            w.constructed(SEQUENCE, |w| {
                for (name, value) in attributes {
                    w.constructed(SEQUENCE, |w| {
                        w.octets(name.as_bytes());
                        w.constructed(SET, |w| w.octets(value.as_bytes()));
                    });
                }
            });
        });
    })
}

/// A reference among entries.
pub(in super::super) fn reference(id: i32, to: &str) -> Vec<u8> {
    message(id, &[], |w| {
        w.constructed(0x73, |w| w.octets(to.as_bytes()));
    })
}

/// The control of the password policy: a warning by its tag, and an error.
pub(in super::super) fn policy(warning: Option<(u8, i32)>, error: Option<i32>) -> Control {
    let mut writer = Writer::new();
    writer.constructed(SEQUENCE, |w| {
        if let Some((tag, number)) = warning {
            w.constructed(0xa0, |w| w.integer(tag, number));
        }
        if let Some(error) = error {
            w.integer(0x81, error);
        }
    });
    Control::new("1.3.6.1.4.1.42.2.27.8.5.1", Some(writer.finish().to_vec()))
}

fn message(id: i32, controls: &[Control], operation: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.constructed(SEQUENCE, |w| {
        w.integer(INTEGER, id);
        operation(w);
        if !controls.is_empty() {
            w.constructed(0xa0, |w| controls.iter().for_each(|one| one.write(w)));
        }
    });
    writer.finish().to_vec()
}

/// A value as a server would read it, for tests of what leaves.
pub(in super::super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
