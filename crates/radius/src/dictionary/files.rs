//! Reading FreeRADIUS dictionary files.

use super::{DataType, Definition, Dictionary, Hidden, Space};

/// Included files may nest this deep.
const MAX_DEPTH: usize = 16;
/// So many files may be read in all.
const MAX_FILES: usize = 1000;
/// Longest name that is accepted, octets.
const MAX_NAME: usize = 128;

/// What came of reading a file and those it includes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Attributes defined.
    pub attributes: usize,
    /// Named values defined.
    pub values: usize,
    /// Vendors defined.
    pub vendors: usize,
    /// Attributes passed over: children of TLVs, numbers above 255, FreeRADIUS' own attributes.
    pub skipped: usize,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read dictionary {file} line {line}: {fault}")]
pub struct DictionaryError {
    /// The file's name as it was passed or included.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: FileFault,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// No such keyword.
    #[error("unknown keyword")]
    Keyword,
    /// A field is missing.
    #[error("field missing")]
    FieldMissing,
    /// A name above 128 octets.
    #[error("name too long")]
    NameTooLong,
    /// A number that is none or too large.
    #[error("bad number")]
    Number,
    /// No such data type.
    #[error("unknown data type")]
    DataType,
    /// No such vendor.
    #[error("unknown vendor")]
    Vendor,
    /// BEGIN and END do not match, or one is missing.
    #[error("block not matched")]
    Block,
    /// The included file was not to be had.
    #[error("included file not found")]
    IncludeNotFound,
    /// Files include one another too deep, or too many.
    #[error("too many included files")]
    TooManyIncludes,
}

impl Dictionary {
    /// Reads a dictionary file into the table; what it defines replaces what has the same name.
    ///
    /// `include` is called with the including and the included file's name and gives the included text. On error the
    /// table keeps what was read before: read into a clone, and keep that only if it succeeds.
    ///
    /// # Errors
    /// [`DictionaryError`] names file and line.
    pub fn read(
        &mut self,
        file: &str,
        text: &str,
        include: &mut dyn FnMut(&str, &str) -> Option<String>,
    ) -> Result<Loaded, DictionaryError> {
        let mut reader = Reader {
            dictionary: self,
            include,
            loaded: Loaded::default(),
            files: 0,
        };
        reader.file(file, text, 0)?;
        Ok(reader.loaded)
    }
}

struct Reader<'r> {
    dictionary: &'r mut Dictionary,
    include: &'r mut dyn FnMut(&str, &str) -> Option<String>,
    loaded: Loaded,
    files: usize,
}

/// The blocks open at a line; they do not reach into included files.
struct Blocks {
    space: Space,
    vendor: Option<String>,
    tlvs: usize,
}

impl Reader<'_> {
    fn file(&mut self, file: &str, text: &str, depth: usize) -> Result<(), DictionaryError> {
        let at = |line: usize, fault| DictionaryError {
            file: file.to_owned(),
            line: line + 1,
            fault,
        };
        self.files += 1;
        if depth > MAX_DEPTH || self.files > MAX_FILES {
            return Err(at(0, FileFault::TooManyIncludes));
        }
        let mut blocks = Blocks {
            space: Space::Standard,
            vendor: None,
            tlvs: 0,
        };
        let mut lines = 0;
        for (number, line) in text.lines().enumerate() {
            lines = number;
            let line = line.split('#').next().unwrap_or_default();
            let fields: Vec<&str> = line.split_whitespace().collect();
            match *fields.as_slice() {
                [] => {}
                [keyword @ ("$INCLUDE" | "$INCLUDE-"), name, ..] => {
                    match (self.include)(file, name) {
                        Some(text) => self.file(name, &text, depth + 1)?,
                        None if keyword.ends_with('-') => {}
                        None => return Err(at(number, FileFault::IncludeNotFound)),
                    }
                }
                [keyword, ref rest @ ..] => self
                    .line(&mut blocks, keyword, rest)
                    .map_err(|fault| at(number, fault))?,
            }
        }
        if blocks.vendor.is_some() || blocks.tlvs > 0 {
            return Err(at(lines, FileFault::Block));
        }
        Ok(())
    }

    fn line(
        &mut self,
        blocks: &mut Blocks,
        keyword: &str,
        fields: &[&str],
    ) -> Result<(), FileFault> {
        match keyword {
            "ATTRIBUTE" => self.attribute(blocks, fields),
            "VALUE" => self.value(fields),
            "VENDOR" => self.vendor(fields),
            "BEGIN-VENDOR" => self.begin_vendor(blocks, fields),
            "END-VENDOR" => end_vendor(blocks, fields),
            "BEGIN-TLV" => {
                blocks.tlvs += 1;
                Ok(())
            }
            "END-TLV" => {
                blocks.tlvs = blocks.tlvs.checked_sub(1).ok_or(FileFault::Block)?;
                Ok(())
            }
            // About FreeRADIUS itself.
            "FLAGS" | "PROTOCOL" | "BEGIN-PROTOCOL" | "END-PROTOCOL" => Ok(()),
            _ => Err(FileFault::Keyword),
        }
    }

    fn attribute(&mut self, blocks: &Blocks, fields: &[&str]) -> Result<(), FileFault> {
        let [name, number, data, ref flags @ ..] = *fields else {
            return Err(FileFault::FieldMissing);
        };
        let data = DataType::named(data).ok_or(FileFault::DataType)?;
        let flags: Vec<&str> = flags.iter().flat_map(|flags| flags.split(',')).collect();
        let space = self.space_of(blocks, &flags);
        let path = number
            .split('.')
            .map(parse_number)
            .collect::<Result<Vec<_>, _>>()?;
        let Some((space, number)) = place(space, &path).filter(|_| blocks.tlvs == 0) else {
            self.loaded.skipped += 1;
            return Ok(());
        };
        let tagged = flags.contains(&"has_tag");
        let definition = Definition {
            name: checked_name(name)?.into(),
            space,
            number,
            data,
            tagged,
            hidden: hidden(&flags),
        };
        self.dictionary.define(definition);
        self.loaded.attributes += 1;
        Ok(())
    }

    /// Old files name the vendor in the fourth column instead of opening a block.
    fn space_of(&self, blocks: &Blocks, flags: &[&str]) -> Space {
        let named = flags.iter().find_map(|flag| self.dictionary.vendor(flag));
        named.map_or(blocks.space, Space::Vendor)
    }

    fn value(&mut self, fields: &[&str]) -> Result<(), FileFault> {
        let [attribute, name, number, ..] = *fields else {
            return Err(FileFault::FieldMissing);
        };
        let number = parse_number(number)?;
        self.dictionary.define_value(
            checked_name(attribute)?.as_str(),
            &checked_name(name)?,
            number,
        );
        self.loaded.values += 1;
        Ok(())
    }

    fn vendor(&mut self, fields: &[&str]) -> Result<(), FileFault> {
        let [name, number, ..] = *fields else {
            return Err(FileFault::FieldMissing);
        };
        let number = u32::try_from(parse_number(number)?).map_err(|_| FileFault::Number)?;
        self.dictionary.define_vendor(&checked_name(name)?, number);
        self.loaded.vendors += 1;
        Ok(())
    }

    fn begin_vendor(&mut self, blocks: &mut Blocks, fields: &[&str]) -> Result<(), FileFault> {
        let [name, ref options @ ..] = *fields else {
            return Err(FileFault::FieldMissing);
        };
        if blocks.vendor.is_some() {
            return Err(FileFault::Block);
        }
        let vendor = self.dictionary.vendor(name).ok_or(FileFault::Vendor)?;
        blocks.space = match options.iter().find_map(|option| extended_parent(option)) {
            Some(outer) => Space::ExtendedVendor(outer, vendor),
            None => Space::Vendor(vendor),
        };
        blocks.vendor = Some(name.to_owned());
        Ok(())
    }
}

fn end_vendor(blocks: &mut Blocks, fields: &[&str]) -> Result<(), FileFault> {
    let [name, ..] = *fields else {
        return Err(FileFault::FieldMissing);
    };
    if !blocks
        .vendor
        .as_deref()
        .is_some_and(|open| open.eq_ignore_ascii_case(name))
    {
        return Err(FileFault::Block);
    }
    blocks.vendor = None;
    blocks.space = Space::Standard;
    Ok(())
}

/// 241 to 246 for `format=Extended-Vendor-Specific-1` to `-6`.
fn extended_parent(option: &str) -> Option<u8> {
    let (_, name) = option.split_once('=')?;
    let last: u8 = name
        .strip_prefix("Extended-Vendor-Specific-")?
        .parse()
        .ok()?;
    (1..=6).contains(&last).then_some(240 + last)
}

/// Where a number such as `5`, `241.1` or `241.26.9.3` belongs; `None` for what this table does not hold.
fn place(space: Space, path: &[u64]) -> Option<(Space, u8)> {
    let octet = |number: u64| u8::try_from(number).ok();
    match (space, path) {
        (space, [number]) => Some((space, octet(*number)?)),
        (Space::Standard, [outer @ 241..=246, number]) => {
            Some((Space::Extended(octet(*outer)?), octet(*number)?))
        }
        (Space::Standard, [outer @ 241..=246, 26, vendor, number]) => Some((
            Space::ExtendedVendor(octet(*outer)?, u32::try_from(*vendor).ok()?),
            octet(*number)?,
        )),
        (Space::Standard, [26, vendor, number]) => {
            Some((Space::Vendor(u32::try_from(*vendor).ok()?), octet(*number)?))
        }
        _ => None,
    }
}

fn hidden(flags: &[&str]) -> Hidden {
    match flags.iter().find_map(|flag| flag.strip_prefix("encrypt=")) {
        None => Hidden::No,
        Some("1" | "User-Password") => Hidden::Password,
        Some("2" | "Tunnel-Password") => Hidden::Salted,
        Some(_) => Hidden::Other,
    }
}

fn checked_name(name: &str) -> Result<String, FileFault> {
    if name.len() > MAX_NAME {
        Err(FileFault::NameTooLong)
    } else {
        Ok(name.to_owned())
    }
}

fn parse_number(text: &str) -> Result<u64, FileFault> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| FileFault::Number)
}
