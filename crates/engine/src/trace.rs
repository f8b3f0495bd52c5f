//! The explanation of one decision: which rule was consulted, what it saw, what it said (audit.md 2).
//!
//! A trace is data, kept as the compact bytes in which it is stored, and turned into text only when somebody asks.
//! No entry has a field that could hold a typed or computed value, a key or a State: parts of a password are there as
//! lengths, factors as outcomes, names as the names of records.

mod code;
mod entry;
mod render;
mod words;

pub use entry::{Entry, Origin, Place, Value};
pub use words::{Check, Excluded, Resolution, Result, Saying, Setting, Shape, What, Word};

/// The first byte of every stored trace; a reader refuses formats it does not know.
const FORMAT: u8 = 1;

/// Longest trace kept, in bytes; what comes later is left off, and the reader is told.
const MOST: usize = 4000;

/// The entries of one decision, in the order in which they came about.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Trace {
    bytes: Vec<u8>,
}

impl Trace {
    /// Adds an entry; beyond 4000 bytes it is dropped, except the last one, [`Entry::Ended`].
    pub fn push(&mut self, entry: Entry<'_>) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(192); // a plain accept fits, so that it costs one allocation
        }
        if self.bytes.len() < MOST || matches!(entry, Entry::Ended { .. }) {
            code::write(&mut self.bytes, &entry);
        }
    }

    /// Appends the stored form: the format number, then the entries.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.bytes.len() + 1);
        out.push(FORMAT);
        out.extend_from_slice(&self.bytes);
    }

    /// Reads the stored form; `None` if it is of another format or damaged.
    pub fn decode(stored: &[u8]) -> Option<Self> {
        let (format, bytes) = stored.split_first()?;
        if *format != FORMAT {
            return None;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            code::read(&mut rest)?;
        }
        Some(Self {
            bytes: bytes.to_vec(),
        })
    }

    /// The entries, first to last.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || code::read(&mut rest))
    }

    /// The explanation as text for a help-desk: one line for each entry.
    pub fn render(&self) -> String {
        render::text(self.entries())
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

#[cfg(test)]
mod tests;
