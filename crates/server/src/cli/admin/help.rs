use countersign_engine::admin::{Verb, table};
use countersign_engine::text::closest;
use std::fmt::Write;

/// All objects with their verbs.
pub(super) fn objects() -> String {
    let mut out =
        String::from("Objects and verbs (`countersign admin OBJECT VERB --help` explains one):\n");
    for object in names() {
        let verbs: Vec<&str> = offered(object).map(|row| row.verb).collect();
        if !verbs.is_empty() {
            let _ = writeln!(out, "  {object:<20} {}", verbs.join(", ")); // a String takes everything
        }
    }
    out
}

/// The verbs of an object.
pub(super) fn of_object(object: &str) -> String {
    let mut out = String::new();
    for row in offered(object) {
        let _ = writeln!(
            out,
            "  {:<28} {}",
            format!("{object} {}", row.verb),
            row.doc
        );
    }
    if object == "run" {
        out.push_str("Runs the commands of a file, one a line, and stops at the first error:\n  countersign admin run setup.txt\n");
    }
    if out.is_empty() {
        no_such(object, "")
    } else {
        out
    }
}

/// The fields of a verb, with an example.
pub(super) fn of_verb(row: &Verb) -> String {
    let mut out = format!("{}\n\nFields:\n", row.doc);
    for field in row.fields() {
        let name = field.name.replace('_', "-");
        let marks = match (field.required, field.clearable) {
            (true, _) => " (required)",
            (false, true) => " (may be cleared)",
            (false, false) => "",
        };
        let _ = writeln!(out, "  --{name:<32} {}{marks}", field.doc);
    }
    if !row.privilege.is_empty() {
        let _ = writeln!(out, "\nPrivilege: {}", row.privilege);
    }
    let _ = writeln!(
        out,
        "\nExample:\n  countersign admin {} {}{}",
        row.object,
        row.verb,
        example(row)
    );
    out
}

/// The example body of a verb as words.
fn example(row: &Verb) -> String {
    let Ok(serde_json::Value::Object(body)) = serde_json::from_str(row.example) else {
        return String::new();
    };
    let word = |(name, value): (&String, &serde_json::Value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let plain = !text.is_empty()
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-_.:/@".contains(letter));
        let quoted = if plain {
            text
        } else {
            format!("'{}'", text.replace('\'', "'\\''"))
        };
        format!(" --{} {quoted}", name.replace('_', "-"))
    };
    body.iter().map(word).collect()
}

/// What to say to a command that does not exist.
pub(super) fn no_such(object: &str, verb: &str) -> String {
    let (what, hint) = if table::verbs().any(|row| row.object == object) {
        let hint = closest(
            verb,
            table::verbs()
                .filter(|row| row.object == object)
                .map(|row| row.verb),
        );
        (format!("{object} has no verb {verb}"), hint)
    } else {
        (
            format!("there is no object {object}"),
            closest(object, names()),
        )
    };
    let hint = hint.map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!("countersign: {what}{hint}\n`countersign admin` lists all objects and verbs.\n")
}

fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = table::verbs().map(|row| row.object).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn offered(object: &str) -> impl Iterator<Item = &'static Verb> {
    let object = object.to_owned();
    table::verbs().filter(move |row| row.object == object && !row.is_later())
}
