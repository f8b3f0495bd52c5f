use super::Cli;
use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use countersign_engine::admin::table;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  countersign completion bash > /etc/bash_completion.d/countersign"
)]
pub(crate) struct Args {
    shell: Shell,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let mut command = Cli::command().mut_subcommand("admin", |admin| admin.subcommands(objects()));
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "countersign", &mut script);
    crate::print::out(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// Objects, verbs and fields as subcommands; only completion needs them in this form.
fn objects() -> Vec<Command> {
    let mut objects: BTreeMap<&'static str, Vec<Command>> = BTreeMap::new();
    for verb in table::verbs().filter(|verb| !verb.is_later()) {
        let fields = verb
            .fields()
            .map(|field| Arg::new(field.name).long(field.name).help(field.doc));
        objects.entry(verb.object).or_default().push(
            Command::new(verb.verb)
                .about(verb.doc)
                .disable_help_flag(true)
                .args(fields),
        );
    }
    objects
        .into_iter()
        .map(|(object, verbs)| {
            Command::new(object)
                .disable_help_subcommand(true)
                .subcommands(verbs)
        })
        .collect()
}
