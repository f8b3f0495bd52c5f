use super::{Sum, Value};
use crate::schema::Table;
use std::io::{self, Write};

/// Writes a dump.
pub(crate) struct Writer<W: Write> {
    out: W,
    tables: u64,
    sum: Sum,
}

impl<W: Write> Writer<W> {
    /// Begins with what the store was, as JSON.
    pub(crate) fn begin(mut out: W, about: &serde_json::Value) -> io::Result<Self> {
        out.write_all(b"H")?;
        bytes(&mut out, about.to_string().as_bytes())?;
        Ok(Self {
            out,
            tables: 0,
            sum: Sum::default(),
        })
    }

    pub(crate) fn table(&mut self, table: &Table) -> io::Result<()> {
        self.out.write_all(b"T")?;
        bytes(&mut self.out, table.name.as_bytes())?;
        number(&mut self.out, table.columns.len() as u64)?;
        for (name, _) in &table.columns {
            bytes(&mut self.out, name.as_bytes())?;
        }
        self.tables += 1;
        self.sum = Sum::default();
        Ok(())
    }

    pub(crate) fn row(&mut self, row: &[Value]) -> io::Result<()> {
        self.out.write_all(b"R")?;
        for value in row {
            match value {
                Value::Null => self.out.write_all(&[0])?,
                Value::Int(value) => {
                    self.out.write_all(&[1])?;
                    number(&mut self.out, zigzag(*value))?;
                }
                Value::Text(text) => {
                    self.out.write_all(&[2])?;
                    bytes(&mut self.out, text.as_bytes())?;
                }
                Value::Blob(blob) => {
                    self.out.write_all(&[3])?;
                    bytes(&mut self.out, blob)?;
                }
            }
        }
        self.sum.add(row);
        Ok(())
    }

    pub(crate) fn end_table(&mut self) -> io::Result<()> {
        self.out.write_all(b"E")?;
        number(&mut self.out, self.sum.rows)?;
        self.out.write_all(&self.sum.bytes())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"Z")?;
        number(&mut self.out, self.tables)?;
        Ok(self.out)
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn number(out: &mut impl Write, mut value: u64) -> io::Result<()> {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return out.write_all(&[low]);
        }
        out.write_all(&[low | 0x80])?;
    }
}

fn bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    number(out, bytes.len() as u64)?;
    out.write_all(bytes)
}
