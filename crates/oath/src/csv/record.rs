//! Records of RFC 4180, one at a time.

use thiserror::Error;
use zeroize::Zeroizing;

/// Longest record in bytes, quoted line ends included.
pub const MAX_RECORD: usize = 64 * 1024;

/// One record with the line it begins at; fields are wiped when dropped, since some hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Line, from 1.
    pub line: u64,
    /// The fields, unquoted.
    pub fields: Vec<Zeroizing<String>>,
}

/// A record that cannot be read; reading goes on with the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("line {line}: {cause}")]
pub struct RecordError {
    /// Line that the record begins at, from 1.
    pub line: u64,
    /// What is wrong.
    pub cause: RecordCause,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecordCause {
    /// Longer than [`MAX_RECORD`].
    #[error("longer than {MAX_RECORD} bytes")]
    TooLong,
    /// A quote that is not closed before the end of the file.
    #[error("a quote is not closed")]
    Unclosed,
    /// A quote in the middle of a field, or text after a closing quote.
    #[error("a quote stands in the middle of a field")]
    Quote,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Utf8,
}

/// The records of a file: lines end with LF or CR LF, empty lines are passed over, a byte order mark too.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    line: u64,
}

impl<'a> Records<'a> {
    /// Reads from the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            line: 1,
        }
    }

    /// Takes a record off: all up to a line end outside quotes.
    fn take_record(&mut self) -> Result<&'a [u8], RecordCause> {
        let mut quoted = false;
        let end = self.rest.iter().take(MAX_RECORD + 1).position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b'\n' && !quoted
        });
        match end {
            Some(end) => Ok(self.take_bytes(end)),
            None if self.rest.len() > MAX_RECORD => self.skip_line(RecordCause::TooLong),
            None if quoted => self.skip_line(RecordCause::Unclosed),
            None => Ok(self.take_bytes(self.rest.len())),
        }
    }

    fn skip_line(&mut self, cause: RecordCause) -> Result<&'a [u8], RecordCause> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(self.rest.len());
        self.take_bytes(end);
        Err(cause)
    }

    /// Takes so many bytes and the line end after them.
    fn take_bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest.get(1..).unwrap_or_default();
        let lines = taken.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(lines as u64 + 1);
        taken.strip_suffix(b"\r").unwrap_or(taken)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            let fields = self.take_record().and_then(|bytes| {
                if bytes.is_empty() {
                    Ok(Vec::new())
                } else {
                    fields(bytes)
                }
            });
            match fields {
                Ok(fields) if fields.is_empty() => {}
                Ok(fields) => return Some(Ok(Record { line, fields })),
                Err(cause) => return Some(Err(RecordError { line, cause })),
            }
        }
        None
    }
}

fn fields(bytes: &[u8]) -> Result<Vec<Zeroizing<String>>, RecordCause> {
    let mut rest = std::str::from_utf8(bytes).map_err(|_| RecordCause::Utf8)?;
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

type Field<'a> = (Zeroizing<String>, Option<&'a str>);

fn plain_field(text: &str) -> Result<Field<'_>, RecordCause> {
    let (field, after) = text
        .split_once(',')
        .map_or((text, None), |(field, after)| (field, Some(after)));
    match field.contains('"') {
        true => Err(RecordCause::Quote),
        false => Ok((Zeroizing::new(field.to_owned()), after)),
    }
}

/// The text after an opening quote: up to the closing one, of which two stand for one.
fn quoted_field(text: &str) -> Result<Field<'_>, RecordCause> {
    let end = closing_quote(text).ok_or(RecordCause::Unclosed)?;
    let (quoted, rest) = text.split_at_checked(end).ok_or(RecordCause::Unclosed)?;
    let mut field = Zeroizing::new(String::with_capacity(quoted.len()));
    for (number, part) in quoted.split("\"\"").enumerate() {
        if number > 0 {
            field.push('"');
        }
        field.push_str(part);
    }
    match rest.strip_prefix('"') {
        Some("") => Ok((field, None)),
        Some(rest) => rest
            .strip_prefix(',')
            .map(|after| (field, Some(after)))
            .ok_or(RecordCause::Quote),
        None => Err(RecordCause::Unclosed),
    }
}

/// Place of the first quote that is not doubled.
fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('"')?;
        if text.as_bytes().get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}
