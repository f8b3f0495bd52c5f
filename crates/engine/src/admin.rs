//! Administration: commands are data, one table says which there are (administration.md).
//!
//! The shell admits the caller ([`admit`]), reads the body ([`Command::read`]), loads what [`needs`] asks for, and
//! calls [`decide`] until no question is left; a refusal before that becomes a decision by [`refuse`].

mod account;
mod caller;
mod command;
mod decide;
mod enrolment;
mod fields;
pub mod import;
mod key_material;
mod kind;
mod meta;
pub mod needs;
mod password;
pub mod query;
mod record;
mod refusal;
mod server;
pub mod sync;
pub mod table;
pub mod view;
mod write;

pub use caller::{Caller, LOGON, has_everything};
pub use command::{Command, MASK, body_of_text};
pub use decide::{
    Action, AdminDecision, AdminStep, AuditAction, BackEndTest, Context, EscrowFor, Given,
    KeyAction, MigrationAction, Outcome, admit, decide, needs, refuse,
};
pub use fields::{Fields, Value};
pub use kind::{Field, Kind};
pub use needs::{AccountRef, AdminFacts, Count, Device, Needs};
pub use query::Query;
pub use refusal::{Refusal, Stop};
pub use table::{Run, Verb, find, verbs};
pub use write::{Put, Write};

#[cfg(test)]
mod tests;
