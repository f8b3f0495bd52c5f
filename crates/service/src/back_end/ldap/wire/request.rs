//! Requests as bytes.

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, SEQUENCE, SET, Writer};
use super::{Control, Filter};
use zeroize::Zeroizing;

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// How far below the base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The base alone.
    Base,
    /// Its children.
    One,
    /// Everything from it on.
    Subtree,
}

/// A search.
#[derive(Debug, Clone)]
pub(in super::super) struct Search {
    pub(in super::super) base: String,
    pub(in super::super) scope: Scope,
    pub(in super::super) filter: Filter,
    pub(in super::super) attributes: Vec<String>,
    /// More entries than this are an error; 0 = the caller bounds them.
    pub(in super::super) most: i32,
}

/// A value taken from an attribute or put to it.
pub(in super::super) enum Change<'a> {
    Delete(&'a str, &'a [u8]),
    Add(&'a str, &'a [u8]),
}

/// What is asked of a server.
pub(in super::super) enum Request<'a> {
    /// Simple bind (RFC 4513 section 5.1.3). Callers never pass an empty password.
    Bind {
        dn: &'a str,
        password: &'a [u8],
    },
    Search(&'a Search),
    Modify {
        dn: &'a str,
        changes: &'a [Change<'a>],
    },
    /// RFC 4511 section 4.14.
    StartTls,
    /// RFC 3062.
    PasswordModify {
        dn: &'a str,
        old: &'a [u8],
        new: &'a [u8],
    },
    Unbind,
}

impl Request<'_> {
    /// The message with a number and controls.
    pub(in super::super) fn write(&self, id: i32, controls: &[Control]) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer.constructed(SEQUENCE, |w| {
            w.integer(INTEGER, id);
            self.operation(w);
            if !controls.is_empty() {
                w.constructed(0xa0, |w| controls.iter().for_each(|one| one.write(w)));
            }
        });
        writer.finish()
    }

    fn operation(&self, writer: &mut Writer) {
        match self {
            Self::Bind { dn, password } => writer.constructed(0x60, |w| {
                w.integer(INTEGER, 3);
                w.octets(dn.as_bytes());
                w.primitive(0x80, password);
            }),
            Self::Search(search) => search.write(writer),
            Self::Modify { dn, changes } => writer.constructed(0x66, |w| {
                w.octets(dn.as_bytes());
                w.constructed(SEQUENCE, |w| changes.iter().for_each(|one| one.write(w)));
            }),
            Self::StartTls => writer.constructed(0x77, |w| w.primitive(0x80, START_TLS.as_bytes())),
            Self::PasswordModify { dn, old, new } => writer.constructed(0x77, |w| {
                w.primitive(0x80, PASSWORD_MODIFY.as_bytes());
                let mut value = Writer::new();
                value.constructed(SEQUENCE, |v| {
                    v.primitive(0x80, dn.as_bytes());
                    v.primitive(0x81, old);
                    v.primitive(0x82, new);
                });
                w.primitive(0x81, &value.finish());
            }),
            Self::Unbind => writer.primitive(0x42, &[]),
        }
    }
}

impl Search {
    fn write(&self, writer: &mut Writer) {
        let scope = match self.scope {
            Scope::Base => 0,
            Scope::One => 1,
            Scope::Subtree => 2,
        };
        writer.constructed(0x63, |w| {
            w.octets(self.base.as_bytes());
            w.integer(ENUMERATED, scope);
            w.integer(ENUMERATED, 0); // aliases are not followed
            w.integer(INTEGER, self.most);
            w.integer(INTEGER, 0);
            w.boolean(BOOLEAN, false);
            self.filter.write(w);
            w.constructed(SEQUENCE, |w| {
                self.attributes
                    .iter()
                    .for_each(|name| w.octets(name.as_bytes()));
            });
        });
    }
}

impl Change<'_> {
    fn write(&self, writer: &mut Writer) {
        let (kind, attribute, value) = match self {
            Self::Add(attribute, value) => (0, attribute, value),
            Self::Delete(attribute, value) => (1, attribute, value),
        };
        writer.constructed(SEQUENCE, |w| {
            w.integer(ENUMERATED, kind);
            w.constructed(SEQUENCE, |w| {
                w.octets(attribute.as_bytes());
                w.constructed(SET, |w| w.octets(value));
            });
        });
    }
}
