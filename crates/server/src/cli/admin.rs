//! `countersign admin OBJECT VERB`: every command of the API from the command line.

mod help;
pub(crate) mod output;
mod progress;
mod script;
mod session;
mod words;

pub(crate) use session::{Session, block_on};
pub(crate) use words::from_files;

use super::REFUSED;
use crate::client::Connection;
use crate::print;
use anyhow::{Result, bail};
use countersign_engine::admin::{Verb, body_of_text, table};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run a command of the administration through the HTTPS API of a server
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "countersign admin [OPTIONS] OBJECT VERB [--field VALUE]... [--json]\n       countersign admin [OPTIONS] repl\n       countersign admin [OPTIONS] run FILE",
    after_help = "A flag may stand alone (--show) or be denied (--no-show). An empty value clears a field. Secrets and files take @FILE (@- for standard input), so that they appear in no list of processes.\n\nExamples:\n  countersign admin user create --user alice\n  countersign admin authenticator assign --serial 0012345678 --user alice\n  countersign admin user query --json\n  countersign admin user --help    the verbs of an object\n  countersign admin user unlock --help\n  countersign admin run setup.txt  one command a line, stops at the first error\n\nExit codes: 0 done, 1 refused, 2 not possible."
)]
pub(crate) struct Args {
    /// Object such as user, authenticator, policy; or repl; or run
    object: Option<String>,
    /// Verb and fields
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "VERB --field VALUE"
    )]
    rest: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut connection = args.connection.clone();
    let Some(object) = args.object.as_deref() else {
        print::out(&help::objects());
        return Ok(ExitCode::SUCCESS);
    };
    let (verb, rest) = args
        .rest
        .split_first()
        .map_or(("", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    match (object, verb) {
        ("repl", _) => script::repl(&late(&mut connection, &args.rest, None)?.connection),
        ("run", "" | "--help" | "-h") | (_, "" | "--help" | "-h" | "help") => {
            print::out(&help::of_object(object));
            Ok(
                if table::verbs().any(|row| row.object == object) || object == "run" {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(REFUSED)
                },
            )
        }
        ("run", file) => {
            let late = late(&mut connection, rest, None)?;
            script::run(&late.connection, &PathBuf::from(file), late.json)
        }
        _ => one(&mut connection, object, verb, rest),
    }
}

fn one(
    connection: &mut Connection,
    object: &str,
    verb: &str,
    words: &[String],
) -> Result<ExitCode> {
    let Some(row) = table::find(object, verb) else {
        eprint!("{}", help::no_such(object, verb));
        return Ok(ExitCode::from(REFUSED));
    };
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print::out(&help::of_verb(row));
        return Ok(ExitCode::SUCCESS);
    }
    let late = late(connection, words, Some(row))?;
    let words = from_files(row, late.words)?;
    let body = match body_of_text(object, verb, &words) {
        Ok(body) => body,
        Err(refusal) => {
            eprintln!("{}", output::refusal(&refusal));
            return Ok(ExitCode::from(REFUSED));
        }
    };
    block_on(async {
        let mut session = Session::open(&late.connection).await?;
        let envelope = progress::run(&late.connection, &mut session, row, &body).await;
        session.close().await;
        Ok(output::show(&envelope?, late.json))
    })
}

/// What stands behind the verb besides its fields.
pub(super) struct Late {
    pub(super) connection: Connection,
    pub(super) json: bool,
    pub(super) words: Vec<String>,
}

/// Takes the options of the connection that follow the verb, unless a field has their name.
pub(super) fn late(
    connection: &mut Connection,
    words: &[String],
    verb: Option<&Verb>,
) -> Result<Late> {
    let mut late = Late {
        connection: connection.clone(),
        json: false,
        words: Vec::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, joined) = word
            .split_once('=')
            .map_or((word.as_str(), None), |(name, value)| {
                (name, Some(value.to_owned()))
            });
        let is_field = verb.is_some_and(|verb| {
            verb.field(&name.trim_start_matches('-').replace('-', "_"))
                .is_some()
        });
        if is_field || !name.starts_with("--") {
            late.words.push(word.clone());
            continue;
        }
        if name == "--json" {
            late.json = true;
            continue;
        }
        let Some(target) = target(&mut late.connection, name) else {
            late.words.push(word.clone());
            continue;
        };
        let Some(value) = joined.or_else(|| words.next().cloned()) else {
            bail!("{name} needs a value")
        };
        target(value);
    }
    Ok(late)
}

type Setter<'a> = Box<dyn FnOnce(String) + 'a>;

fn target<'a>(connection: &'a mut Connection, name: &str) -> Option<Setter<'a>> {
    Some(match name {
        "--server" => Box::new(|value| connection.server = Some(value)),
        "--password-file" => Box::new(|value| connection.password_file = Some(value.into())),
        "--ca" => Box::new(|value| connection.ca = Some(value.into())),
        "--config" => Box::new(|value| connection.place.config = Some(value.into())),
        "--data-dir" => Box::new(|value| connection.place.data_dir = Some(value.into())),
        "--store" => Box::new(|value| connection.place.store = Some(value)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_of_the_connection_may_follow_the_fields() {
        let verb = table::find("domain", "create").unwrap();
        let late = late(
            &mut Connection::default(),
            &words("--domain x --json --data-dir d --server=https://h"),
            Some(verb),
        )
        .unwrap();
        assert_eq!(late.words, ["--domain", "x"]);
        assert!(late.json);
        assert_eq!(
            (
                late.connection.place.data_dir,
                late.connection.server.as_deref()
            ),
            (Some("d".into()), Some("https://h"))
        );
    }

    #[test]
    fn an_option_without_value_is_an_error() {
        assert!(late(&mut Connection::default(), &words("--data-dir"), None).is_err());
    }
}
