//! As much of the PostgreSQL protocol (version 3) as it takes to make a server fail: messages, and those that fail.

use std::io::{self, Read};

/// Longer messages are no messages.
const LONGEST: usize = 256 << 20;
/// Stands in the error of the server that is turned into another one.
const MARK: &[u8] = b"an error made by the proxy";

/// A message: its kind (0 for the first one of a connection, which has none) and all its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// Reads the first message of a client.
    pub(super) fn read_first(from: &mut impl Read) -> io::Result<Self> {
        Self::read_body(from, 0, Vec::new())
    }

    /// Reads the next message.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        Self::read_body(from, kind[0], kind.to_vec())
    }

    /// Whether it asks for TLS or GSSAPI, before the first message proper.
    pub(super) fn wants_encryption(&self) -> bool {
        let codes = [80_877_103_u32, 80_877_104].map(u32::to_be_bytes);
        self.kind == 0 && codes.iter().any(|code| self.bytes.get(4..) == Some(code))
    }

    fn read_body(from: &mut impl Read, kind: u8, mut bytes: Vec<u8>) -> io::Result<Self> {
        let mut size = [0; 4];
        from.read_exact(&mut size)?;
        bytes.extend_from_slice(&size);
        let rest = (u32::from_be_bytes(size) as usize)
            .checked_sub(4)
            .filter(|rest| *rest <= LONGEST)
            .ok_or_else(|| io::Error::other("no message"))?;
        let begin = bytes.len();
        bytes.resize(begin + rest, 0);
        from.read_exact(&mut bytes[begin..])?;
        Ok(Self { kind, bytes })
    }

    fn new(kind: u8, body: &[u8]) -> Self {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        Self { kind, bytes }
    }

    /// The SQL of a simple query.
    fn query(&self) -> Option<&str> {
        let text = self.bytes.get(5..self.bytes.len().checked_sub(1)?)?;
        (self.kind == b'Q').then(|| std::str::from_utf8(text).ok())?
    }

    /// Whether it is a statement that ends a transaction by keeping it.
    pub(super) fn is_commit(&self) -> bool {
        self.query()
            .is_some_and(|sql| sql.trim().to_ascii_uppercase().starts_with("COMMIT"))
    }

    /// Whether a longer transaction is open after it, where it begins or ends one.
    pub(super) fn opens(&self) -> Option<bool> {
        let sql = self.query()?.trim().to_ascii_uppercase();
        let begins = |word: &str| sql.starts_with(word);
        if begins("BEGIN") || begins("START") {
            return Some(true);
        }
        let ends = begins("COMMIT") || begins("ROLLBACK") && !begins("ROLLBACK TO");
        ends.then_some(false)
    }

    /// Whether the server answers it with ReadyForQuery in the end: a query, or Sync.
    pub(super) fn wants_answer(&self) -> bool {
        matches!(self.kind, b'Q' | b'S')
    }

    /// Whether it is ReadyForQuery, of a server.
    pub(super) fn ends_answer(&self) -> bool {
        self.kind == b'Z'
    }

    /// Whether it has a prepared statement run.
    pub(super) fn is_bind(&self) -> bool {
        self.kind == b'B'
    }

    /// A message in the place of this one on which the server fails, as it does when it cannot serialize: with the
    /// transaction rolled back, if this one ends it, else with the transaction failed.
    pub(super) fn failing(&self, state: &str) -> Option<Self> {
        if self.is_commit() {
            // the text of a query is parsed as a whole, so it must be a statement that fails when it runs
            let sql = format!(
                "ROLLBACK; DO $$BEGIN RAISE EXCEPTION 'an error made by the proxy' USING ERRCODE = '{state}'; END$$"
            );
            return Some(Self::new(b'Q', &[sql.as_bytes(), b"\0"].concat()));
        }
        // a statement that does not parse fails without any answer but the error
        self.is_bind().then(|| {
            let body: [&[u8]; 5] = [b"proxy\0", b"\"", MARK, b"\0", &[0, 0]];
            Self::new(b'P', &body.concat())
        })
    }

    /// The error that the server is to have made, if this one is of our making.
    pub(super) fn as_error(&self, state: &str) -> Option<Self> {
        let ours = self.kind == b'E' && self.bytes.windows(MARK.len()).any(|part| part == MARK);
        ours.then(|| {
            let fields = format!("SERROR\0VERROR\0C{state}\0Man error made by the proxy\0\0");
            Self::new(b'E', fields.as_bytes())
        })
    }
}
