//! A command as data: parsed once from JSON or from a command line by the table of verbs.

use super::table::{self, Verb};
use super::{Field, Fields, Kind, Refusal, Value};
use crate::Secret;
use serde_json::{Map, Value as Json};

/// What stands in place of a secret wherever a command is shown or logged.
pub const MASK: &str = "***";

/// A command of an administrator, its fields checked for type, length and syntax.
#[derive(Clone, Debug)]
pub struct Command {
    /// The row of the table.
    pub verb: &'static Verb,
    /// What was sent.
    pub fields: Fields,
}

impl Command {
    /// Reads a command. Unknown fields and values that a field does not take are -101, what is missing is -102.
    ///
    /// # Errors
    /// The refusal, which names the field. -108 for a verb that this build does not offer, -2 for one that does not exist.
    pub fn parse(object: &str, verb: &str, body: &Map<String, Json>) -> Result<Self, Refusal> {
        let verb = table::find(object, verb)
            .ok_or_else(|| Refusal::contradiction("there is no such command"))?;
        Self::read(verb, body)
    }

    /// Reads the fields of a known verb.
    ///
    /// # Errors
    /// As [`Command::parse`].
    pub fn read(verb: &'static Verb, body: &Map<String, Json>) -> Result<Self, Refusal> {
        if verb.is_later() {
            return Err(verb.unsupported());
        }
        let mut fields = Fields::default();
        if let Some(missing) = verb
            .fields()
            .find(|field| field.required && !body.contains_key(field.name))
        {
            return Err(Refusal::missing(missing.name));
        }
        for (name, json) in body {
            let field = verb.field(name).ok_or_else(|| unknown(verb, name))?;
            fields.set(field.name, field.read(json)?);
        }
        Ok(Self { verb, fields })
    }

    /// Reads the options of an import whose file is the request body itself.
    ///
    /// # Errors
    /// As [`Command::parse`]; -2 for a verb that takes no file, or a file given twice.
    pub fn read_with_file(
        verb: &'static Verb,
        options: &Map<String, Json>,
        file: Secret,
    ) -> Result<Self, Refusal> {
        let field = verb
            .field("data")
            .filter(|field| matches!(field.kind, Kind::Data { .. }));
        let Some(field) = field.filter(|_| !options.contains_key("data")) else {
            return Err(Refusal::contradiction(
                "the command takes no file, or data is given twice",
            ));
        };
        let mut body = options.clone();
        body.insert(field.name.to_owned(), Json::from(""));
        let mut command = Self::read(verb, &body)?;
        command.fields.set(field.name, Value::Secret(file));
        Ok(command)
    }

    /// Reads a command typed as words: `--field value`, `--field=value`, and `--field` or `--no-field` for a flag.
    ///
    /// # Errors
    /// As [`Command::parse`].
    pub fn from_text(object: &str, verb: &str, words: &[String]) -> Result<Self, Refusal> {
        Self::parse(object, verb, &body_of_text(object, verb, words)?)
    }

    /// The fields as they may be shown and logged.
    pub fn masked(&self) -> Map<String, Json> {
        self.fields.masked()
    }
}

/// The JSON body of a command typed as words, for a client that sends it to the server.
///
/// # Errors
/// -101 for an unknown field or a value that cannot be read, -102 for a field without value.
pub fn body_of_text(
    object: &str,
    verb: &str,
    words: &[String],
) -> Result<Map<String, Json>, Refusal> {
    let verb = table::find(object, verb)
        .ok_or_else(|| Refusal::contradiction("there is no such command"))?;
    let mut body = Map::new();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        let Some(named) = word.strip_prefix("--") else {
            return Err(Refusal::contradiction(
                "a value stands without --field before it",
            ));
        };
        let (name, value) = named
            .split_once('=')
            .map_or((named, None), |(name, value)| (name, Some(value)));
        let spelled = name.replace('-', "_");
        let (field, json) = if let Some(field) = verb.field(&spelled) {
            let flag = matches!(field.kind, Kind::Bool);
            let given = match value {
                Some(value) => value,
                None if flag && words.peek().is_none_or(|next| next.starts_with("--")) => "true",
                None => words.next().ok_or_else(|| Refusal::missing(field.name))?,
            };
            (field, field.read_text(given)?)
        } else {
            let off = spelled
                .strip_prefix("no_")
                .and_then(|rest| verb.field(rest))
                .filter(|field| matches!(field.kind, Kind::Bool));
            (
                off.ok_or_else(|| unknown(verb, &spelled))?,
                Json::Bool(false),
            )
        };
        body.insert(field.name.to_owned(), json);
    }
    Ok(body)
}

fn unknown(verb: &Verb, name: &str) -> Refusal {
    let shown: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(64)
        .collect();
    let names: Vec<&str> = verb.fields().map(|field: Field| field.name).collect();
    let hint = crate::text::closest(&shown, names)
        .map_or(String::new(), |close| format!("; did you mean {close}?"));
    Refusal::new(
        crate::Status::INVDATA,
        format!("{shown} is no field of {}/{}{hint}", verb.object, verb.verb),
    )
}
