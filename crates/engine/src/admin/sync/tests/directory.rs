//! People of a directory.

use crate::admin::sync::Entry;

#[derive(Clone, Debug)]
pub(super) struct Person(Entry);

impl Person {
    pub(super) fn nameless(number: u32) -> Self {
        let entry = Entry {
            dn: format!("cn={number},dc=example,dc=org"),
            attributes: Vec::new(),
        };
        Self(entry).set(
            "entryUUID",
            &format!("{number:08x}-0000-4000-8000-000000000000"),
        )
    }

    pub(super) fn new(number: u32, user: &str) -> Self {
        Self::nameless(number).set("uid", user)
    }

    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        match self.0.attributes.iter_mut().find(|(own, _)| own == name) {
            Some((_, values)) => values.push(value),
            None => self.0.attributes.push((name.to_owned(), vec![value])),
        }
        self
    }

    pub(super) fn mail(self, value: &str) -> Self {
        self.set("mail", value)
    }

    pub(super) fn mobile(self, value: &str) -> Self {
        self.set("mobile", value)
    }

    pub(super) fn unit(mut self, value: &str) -> Self {
        self.0.dn = format!("ou={value},{}", self.0.dn);
        self.set("ou", value)
    }

    pub(super) fn disabled(self, disabled: bool) -> Self {
        self.set("userAccountControl", if disabled { "514" } else { "512" })
    }
}

pub(super) fn entries(people: &[Person]) -> Vec<Entry> {
    people.iter().map(|person| person.0.clone()).collect()
}
