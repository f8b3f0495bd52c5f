//! The built-in table.

mod standard;
mod values;
mod vendors;

use super::{DataType, Definition, Dictionary, Hidden, Space};

/// One attribute of a table: name, number, type, and what few have.
pub(super) struct Row {
    name: &'static str,
    number: u8,
    data: DataType,
    tagged: bool,
    hidden: Hidden,
}

const fn row(name: &'static str, number: u8, data: DataType) -> Row {
    Row {
        name,
        number,
        data,
        tagged: false,
        hidden: Hidden::No,
    }
}

const fn tagged(name: &'static str, number: u8, data: DataType) -> Row {
    Row {
        name,
        number,
        data,
        tagged: true,
        hidden: Hidden::No,
    }
}

const fn hidden(name: &'static str, number: u8, data: DataType, hidden: Hidden) -> Row {
    Row {
        name,
        number,
        data,
        tagged: false,
        hidden,
    }
}

const fn tagged_hidden(name: &'static str, number: u8, data: DataType, hidden: Hidden) -> Row {
    Row {
        name,
        number,
        data,
        tagged: true,
        hidden,
    }
}

/// A vendor: name, enterprise number, attributes.
type Vendor = (&'static str, u32, &'static [Row]);

/// The named values of one attribute.
type NamedValues = (&'static str, &'static [(&'static str, u64)]);

pub(super) fn fill(dictionary: &mut Dictionary) {
    define(dictionary, Space::Standard, standard::ATTRIBUTES);
    define(dictionary, Space::Extended(241), standard::EXTENDED);
    for (name, number, rows) in vendors::VENDORS {
        dictionary.define_vendor(name, *number);
        define(dictionary, Space::Vendor(*number), rows);
    }
    for (attribute, names) in values::VALUES {
        for (name, number) in *names {
            dictionary.define_value(attribute, name, *number);
        }
    }
}

fn define(dictionary: &mut Dictionary, space: Space, rows: &[Row]) {
    for row in rows {
        let Row {
            name,
            number,
            data,
            tagged,
            hidden,
        } = *row;
        dictionary.define(Definition {
            name: name.into(),
            space,
            number,
            data,
            tagged,
            hidden,
        });
    }
}
