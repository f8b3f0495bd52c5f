//! Names, types and named values of attributes: a built-in table, which FreeRADIUS dictionary files extend.

mod definition;
mod encode;
mod files;
mod table;

use std::collections::HashMap;

pub use definition::{DataType, Definition, Hidden, Space};
pub use encode::{AttributeBytes, EncodeError};
pub use files::{DictionaryError, FileFault, Loaded};

/// The known attributes. Names are compared without regard to case.
#[derive(Debug, Clone)]
pub struct Dictionary {
    definitions: Vec<Definition>,
    by_name: HashMap<String, usize>,
    by_number: HashMap<(Space, u8), usize>,
    values: HashMap<String, Values>,
    vendors: HashMap<String, u32>,
}

/// The named values of one attribute; one number may have several names, the first is shown.
#[derive(Debug, Clone, Default)]
struct Values {
    by_name: HashMap<String, u64>,
    by_number: HashMap<u64, String>,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Dictionary {
    /// The built-in table: the attributes of the RFCs and the usual ones of common vendors.
    #[must_use]
    pub fn built_in() -> Self {
        let mut dictionary = Self {
            definitions: Vec::new(),
            by_name: HashMap::new(),
            by_number: HashMap::new(),
            values: HashMap::new(),
            vendors: HashMap::new(),
        };
        table::fill(&mut dictionary);
        dictionary
    }

    /// The attribute of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Definition> {
        self.definitions
            .get(*self.by_name.get(&name.to_ascii_lowercase())?)
    }

    /// The attribute of this number.
    #[must_use]
    pub fn by_number(&self, space: Space, number: u8) -> Option<&Definition> {
        self.definitions.get(*self.by_number.get(&(space, number))?)
    }

    /// The enterprise number of a vendor.
    #[must_use]
    pub fn vendor(&self, name: &str) -> Option<u32> {
        self.vendors.get(&name.to_ascii_lowercase()).copied()
    }

    /// The number behind a named value, such as `Login-User` of Service-Type.
    #[must_use]
    pub fn value(&self, attribute: &str, value: &str) -> Option<u64> {
        self.values
            .get(&attribute.to_ascii_lowercase())?
            .by_name
            .get(&value.to_ascii_lowercase())
            .copied()
    }

    /// The name of a number, such as `Stop` for 2 of Acct-Status-Type.
    #[must_use]
    pub fn value_name(&self, attribute: &str, number: u64) -> Option<&str> {
        self.values
            .get(&attribute.to_ascii_lowercase())?
            .by_number
            .get(&number)
            .map(String::as_str)
    }

    /// All attributes, in the order in which they were defined.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.definitions.iter()
    }

    /// Adds an attribute; one of the same name is replaced, one of the same number stays known by its name.
    fn define(&mut self, definition: Definition) {
        let key = definition.name.to_ascii_lowercase();
        let place = match self.by_name.get(&key) {
            Some(place) => *place,
            None => self.definitions.len(),
        };
        self.by_number
            .insert((definition.space, definition.number), place);
        self.by_name.insert(key, place);
        match self.definitions.get_mut(place) {
            Some(old) => *old = definition,
            None => self.definitions.push(definition),
        }
    }

    fn define_vendor(&mut self, name: &str, number: u32) {
        self.vendors.insert(name.to_ascii_lowercase(), number);
    }

    fn define_value(&mut self, attribute: &str, name: &str, number: u64) {
        let values = self
            .values
            .entry(attribute.to_ascii_lowercase())
            .or_default();
        values.by_name.insert(name.to_ascii_lowercase(), number);
        values
            .by_number
            .entry(number)
            .or_insert_with(|| name.to_owned());
    }
}

#[cfg(test)]
mod tests;
