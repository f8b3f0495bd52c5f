//! All commands of the API as documents need them, read from the tables of the service and the engine.

use countersign_engine::admin::{Field, Verb, table};
use countersign_service::auth::{self, AuthCommand};
use serde_json::Value;

/// Who may send a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// An admitted component.
    Component,
    /// An administrator with a session.
    Session,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Path, such as `/v1/admin/user/unlock`.
    pub path: String,
    /// What it is about, such as `user`; `auth` for what components ask.
    pub group: &'static str,
    /// Last part of the path.
    pub verb: &'static str,
    /// One sentence about it.
    pub doc: &'static str,
    /// What it takes.
    pub fields: Vec<Field>,
    /// A body that is accepted, if the table has one.
    pub example: Option<Value>,
    /// Who may send it.
    pub guard: Guard,
    /// The privilege it takes; empty where none is needed.
    pub privilege: &'static str,
    /// Whether the body may be a file, with the fields in the query string.
    pub takes_file: bool,
    /// Whether this version carries it out, or answers -108.
    pub offered: bool,
}

/// All commands: those of components first, then those of administrators in the order of their table.
pub fn operations() -> Vec<Operation> {
    let auth = auth::COMMANDS.iter().map(of_component);
    auth.chain(table::verbs().map(of_administrator)).collect()
}

/// The groups in the order of their first command.
pub fn groups(operations: &[Operation]) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for operation in operations {
        if !groups.contains(&operation.group) {
            groups.push(operation.group);
        }
    }
    groups
}

fn of_component(command: &AuthCommand) -> Operation {
    Operation {
        path: format!("/v1/auth/{}", command.verb),
        group: "auth",
        verb: command.verb,
        doc: command.doc,
        fields: command.fields.to_vec(),
        example: None,
        guard: Guard::Component,
        privilege: "",
        takes_file: false,
        offered: true,
    }
}

fn of_administrator(verb: &'static Verb) -> Operation {
    let begins_session = (verb.object, verb.verb) == ("session", "logon");
    Operation {
        path: format!("/v1/admin/{}/{}", verb.object, verb.verb),
        group: verb.object,
        verb: verb.verb,
        doc: verb.doc,
        fields: verb.fields().collect(),
        example: serde_json::from_str(verb.example).ok(),
        guard: if begins_session {
            Guard::Component
        } else {
            Guard::Session
        },
        privilege: verb.privilege,
        takes_file: verb.object == "import",
        offered: !verb.is_later(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unique_and_every_command_has_a_sentence() {
        let operations = operations();
        let mut paths: Vec<_> = operations.iter().map(|operation| &operation.path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), operations.len());
        for operation in &operations {
            assert!(operation.doc.ends_with('.'), "{}", operation.path);
        }
    }

    #[test]
    fn only_the_logon_of_an_administrator_needs_no_session() {
        let open: Vec<_> = operations()
            .into_iter()
            .filter(|operation| operation.group != "auth" && operation.guard == Guard::Component)
            .map(|operation| operation.path)
            .collect();
        assert_eq!(open, ["/v1/admin/session/logon"]);
    }

    #[test]
    fn groups_keep_their_order_and_stand_once() {
        let groups = groups(&operations());
        assert_eq!(groups.first(), Some(&"auth"));
        let mut sorted = groups.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), groups.len());
    }
}
