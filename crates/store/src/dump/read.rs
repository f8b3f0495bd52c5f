use super::{MAX_COLUMNS, MAX_VALUE, Sum, Value};
use std::io::{self, Read};

/// What comes next in a dump.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A table begins: its name and the names of its columns.
    Table(String, Vec<String>),
    /// A row of the table.
    Row(Vec<Value>),
    /// The table ends, as whole as it was written.
    TableEnd(Sum),
    /// The dump ends.
    End,
}

/// Reads a dump. Whatever is not as it was written is an error of kind `InvalidData`.
pub(crate) struct Reader<R: Read> {
    input: R,
    tables: u64,
    width: usize,
    sum: Sum,
}

impl<R: Read> Reader<R> {
    /// Reads what the store was.
    pub(crate) fn begin(mut input: R) -> io::Result<(serde_json::Value, Self)> {
        if byte(&mut input)? != b'H' {
            return Err(wrong("it begins with something else"));
        }
        let about = bytes(&mut input)?;
        let about =
            serde_json::from_slice(&about).map_err(|_| wrong("its beginning is no JSON"))?;
        let reader = Self {
            input,
            tables: 0,
            width: 0,
            sum: Sum::default(),
        };
        Ok((about, reader))
    }

    pub(crate) fn next(&mut self) -> io::Result<Event> {
        match byte(&mut self.input)? {
            b'T' => self.table(),
            b'R' => self.row(),
            b'E' => {
                let rows = number(&mut self.input)?;
                let mut sum = [0; 32];
                self.input.read_exact(&mut sum)?;
                if rows != self.sum.rows || sum != self.sum.bytes() {
                    return Err(wrong("the rows of a table are not those that were written"));
                }
                Ok(Event::TableEnd(std::mem::take(&mut self.sum)))
            }
            b'Z' => self.end(),
            _ => Err(wrong("a part of it is of no known kind")),
        }
    }

    fn table(&mut self) -> io::Result<Event> {
        let name = text(&mut self.input)?;
        let width = number(&mut self.input)?;
        if width == 0 || width > MAX_COLUMNS || self.tables >= MAX_COLUMNS {
            return Err(wrong("it has too many tables or columns"));
        }
        let columns = (0..width)
            .map(|_| text(&mut self.input))
            .collect::<io::Result<Vec<_>>>()?;
        self.tables += 1;
        self.width = columns.len();
        self.sum = Sum::default();
        Ok(Event::Table(name, columns))
    }

    fn row(&mut self) -> io::Result<Event> {
        let row = (0..self.width)
            .map(|_| value(&mut self.input))
            .collect::<io::Result<Vec<_>>>()?;
        self.sum.add(&row);
        Ok(Event::Row(row))
    }

    /// Nothing may follow the end; asking for more also proves the last chunk of a sealed file.
    fn end(&mut self) -> io::Result<Event> {
        if number(&mut self.input)? != self.tables {
            return Err(wrong("a table is missing"));
        }
        match self.input.read(&mut [0])? {
            0 => Ok(Event::End),
            _ => Err(wrong("something follows its end")),
        }
    }
}

fn value(input: &mut impl Read) -> io::Result<Value> {
    Ok(match byte(input)? {
        0 => Value::Null,
        1 => {
            let number = number(input)?;
            Value::Int((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
        }
        2 => Value::Text(text(input)?),
        3 => Value::Blob(bytes(input)?),
        _ => return Err(wrong("a value is of no known kind")),
    })
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut one = [0];
    input.read_exact(&mut one)?;
    Ok(one[0])
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte(input)?;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            break;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(wrong("a number is too large"))
}

fn bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = number(input)?;
    if length > MAX_VALUE {
        return Err(wrong("a value is too long"));
    }
    // A length is believed only as far as bytes follow it.
    let mut bytes = Vec::new();
    if input.take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(wrong("it ends within a value"))
    }
}

fn text(input: &mut impl Read) -> io::Result<String> {
    String::from_utf8(bytes(input)?).map_err(|_| wrong("a text is no UTF-8"))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
