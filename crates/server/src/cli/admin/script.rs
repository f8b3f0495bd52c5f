use super::session::{Session, block_on};
use super::{from_files, help, output, words};
use crate::cli::REFUSED;
use crate::client::Connection;
use crate::print;
use anyhow::{Context, Result};
use countersign_engine::admin::{body_of_text, table};
use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

/// Runs the commands of a file, one a line; the first that is refused ends it.
pub(super) fn run(connection: &Connection, file: &Path, json: bool) -> Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    block_on(async {
        let mut session = Session::open(connection).await?;
        let mut code = Ok(true);
        for (number, line) in text.lines().enumerate() {
            code = command(&mut session, line, json)
                .await
                .with_context(|| format!("{}, line {}", file.display(), number + 1));
            if !matches!(code, Ok(true)) {
                eprintln!(
                    "countersign: stopped at {}, line {}",
                    file.display(),
                    number + 1
                );
                break;
            }
        }
        session.close().await;
        Ok(if code? {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    })
}

/// Reads commands from standard input until its end or `quit`.
pub(super) fn repl(connection: &Connection) -> Result<ExitCode> {
    block_on(async {
        let mut session = Session::open(connection).await?;
        let mut code = ExitCode::SUCCESS;
        let prompt = std::io::stdin().is_terminal();
        if prompt {
            print::line("Type OBJECT VERB --field value; `help` lists commands, `quit` ends.");
        }
        loop {
            if prompt {
                print::out("countersign> ");
            }
            let mut line = String::new();
            if std::io::stdin()
                .lock()
                .read_line(&mut line)
                .context("read standard input")?
                == 0
                || matches!(line.trim(), "quit" | "exit")
            {
                break;
            }
            match command(&mut session, &line, false).await {
                Ok(true) => {}
                Ok(false) => code = ExitCode::from(REFUSED),
                Err(error) => {
                    eprintln!("countersign: {error:#}");
                    code = ExitCode::from(crate::cli::FAILED);
                }
            }
        }
        session.close().await;
        Ok(code)
    })
}

/// Runs one line; whether it was done.
async fn command(session: &mut Session, line: &str, json: bool) -> Result<bool> {
    let words = words::split(line)?;
    match words.as_slice() {
        [] => Ok(true),
        [help] if help == "help" => {
            print::out(&help::objects());
            Ok(true)
        }
        [help, object] if help == "help" => {
            print::out(&help::of_object(object));
            Ok(true)
        }
        [object, verb, fields @ ..] => {
            let Some(row) = table::find(object, verb) else {
                eprint!("{}", help::no_such(object, verb));
                return Ok(false);
            };
            if fields.iter().any(|word| word == "--help") {
                print::out(&help::of_verb(row));
                return Ok(true);
            }
            match body_of_text(object, verb, &from_files(row, fields.to_vec())?) {
                Ok(body) => {
                    let envelope = session.run(row, &body).await?;
                    Ok(output::show(&envelope, json) == ExitCode::SUCCESS)
                }
                Err(refusal) => {
                    eprintln!("{}", output::refusal(&refusal));
                    Ok(false)
                }
            }
        }
        [object] => {
            eprint!("{}", help::no_such(object, ""));
            Ok(false)
        }
    }
}
