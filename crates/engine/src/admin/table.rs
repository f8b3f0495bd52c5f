//! The table of all commands. Routes, command line, schema and documents are made from it.

mod application;
mod audit;
mod authenticator;
pub(super) mod authenticator_type;
mod back_end;
mod back_end_group;
mod component;
mod domain;
mod field;
mod import;
mod key;
mod later;
mod migration;
mod node;
pub(super) mod org_unit;
mod policy;
mod session;
mod setting;
mod sync_profile;
mod timing;
pub(super) mod user;
mod user_attribute;

pub(super) use authenticator::{assigned, plain};
pub(crate) use org_unit::ancestors;
pub(crate) use user::account_of;

use super::decide::{Context, Outcome};
use super::needs::Needs;
use super::{Field, Fields, Refusal, Stop};
use crate::Status;
use crate::policy::ATTRIBUTES;
use crate::snapshot::Snapshot;

/// One command of administration.md 3.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// The object, such as `user-attribute`.
    pub object: &'static str,
    /// The verb, such as `set-password`.
    pub verb: &'static str,
    /// The privilege it takes, `object.verb`; empty where having logged on is enough.
    pub privilege: &'static str,
    /// One sentence about it.
    pub doc: &'static str,
    /// Its own fields.
    pub own: &'static [Field],
    /// Whether the policy attributes are fields of it, too.
    pub attributes: bool,
    /// A body that is accepted, as JSON.
    pub example: &'static str,
    /// Its rules.
    pub run: Run,
}

/// Who carries a command out.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// The rules: what they must know, and how they decide.
    Rules {
        /// What the shell must load.
        needs: fn(&Fields, &Snapshot) -> Needs,
        /// The decision.
        decide: fn(&Context<'_>) -> Result<Outcome, Stop>,
    },
    /// An authentication by the administrative component; nobody has logged on yet.
    Logon,
    /// Known, but not offered by this build (-108).
    Later,
}

impl Verb {
    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        let attributes = if self.attributes { ATTRIBUTES } else { &[] };
        self.own
            .iter()
            .copied()
            .chain(attributes.iter().map(Field::attribute))
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields().find(|field| field.name == name)
    }

    /// The command as it is named in audit records, `object.verb`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.object, self.verb)
    }

    /// Whether this build does not offer it.
    pub fn is_later(&self) -> bool {
        matches!(self.run, Run::Later)
    }

    pub(super) fn unsupported(&self) -> Refusal {
        Refusal::new(
            Status::UNSUPPORTED,
            format!(
                "{}/{} is not offered by this version",
                self.object, self.verb
            ),
        )
    }
}

const OBJECTS: &[&[Verb]] = &[
    session::VERBS,
    user::VERBS,
    user_attribute::VERBS,
    authenticator::VERBS,
    application::VERBS,
    authenticator_type::VERBS,
    policy::VERBS,
    component::VERBS,
    back_end::VERBS,
    back_end_group::VERBS,
    domain::VERBS,
    org_unit::VERBS,
    setting::VERBS,
    sync_profile::VERBS,
    key::VERBS,
    import::VERBS,
    audit::VERBS,
    node::VERBS,
    timing::VERBS,
    migration::VERBS,
    later::VERBS,
];

/// All commands, in the order of the documents.
pub fn verbs() -> impl Iterator<Item = &'static Verb> {
    OBJECTS.iter().flat_map(|verbs| verbs.iter())
}

/// A command by object and verb.
pub fn find(object: &str, verb: &str) -> Option<&'static Verb> {
    verbs().find(|row| row.object == object && row.verb == verb)
}

/// A row while it is written.
#[expect(clippy::too_many_arguments, reason = "the columns of the table")]
const fn rules(
    object: &'static str,
    verb: &'static str,
    privilege: &'static str,
    own: &'static [Field],
    doc: &'static str,
    example: &'static str,
    needs: fn(&Fields, &Snapshot) -> Needs,
    decide: fn(&Context<'_>) -> Result<Outcome, Stop>,
) -> Verb {
    Verb {
        object,
        verb,
        privilege,
        doc,
        own,
        attributes: false,
        example,
        run: Run::Rules { needs, decide },
    }
}

/// The same row with the policy attributes among its fields.
const fn with_attributes(verb: Verb) -> Verb {
    Verb {
        attributes: true,
        ..verb
    }
}

const fn later(
    object: &'static str,
    verb: &'static str,
    privilege: &'static str,
    doc: &'static str,
) -> Verb {
    Verb {
        object,
        verb,
        privilege,
        doc,
        own: &[],
        attributes: false,
        example: "{}",
        run: Run::Later,
    }
}
