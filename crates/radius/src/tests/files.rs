//! Reading vectors: text files of blocks, each a few lines of `field: hexadecimal`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One block of a vector file.
pub(super) struct Vector {
    pub(super) name: String,
    fields: HashMap<String, Vec<u8>>,
}

impl Vector {
    pub(super) fn field(&self, name: &str) -> &[u8] {
        self.optional(name)
            .unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name).map(Vec::as_slice)
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.field(name).try_into().unwrap()
    }

    pub(super) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.field(name)).unwrap()
    }
}

/// Our own vectors; they must be there.
pub(super) fn vectors(file: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut vectors = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (field, value) = line.split_once(": ").unwrap();
        if field == "name" {
            vectors.push(Vector {
                name: value.to_owned(),
                fields: HashMap::new(),
            });
        } else {
            vectors
                .last_mut()
                .unwrap()
                .fields
                .insert(field.to_owned(), hex(value));
        }
    }
    assert!(!vectors.is_empty());
    vectors
}

pub(super) fn hex(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// Data that lies beside the repository on some machines; says so when it is skipped.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(path);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is absent", path.display());
    None
}
