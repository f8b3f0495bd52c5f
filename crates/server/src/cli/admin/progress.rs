//! A command that takes long, with how far it is where somebody looks on. Ctrl-C breaks the connection off, which ends it
//! on the server at its next commit.

use super::Session;
use crate::client::{Connection, Envelope};
use anyhow::Result;
use countersign_engine::admin::{Verb, table};
use indicatif::ProgressBar;
use serde_json::{Map, Value};
use std::io::IsTerminal;
use std::time::Duration;

/// How often a look is taken.
const EVERY: Duration = Duration::from_secs(1);

/// Runs a command; on a terminal a synchronisation tells its counts while it runs.
pub(super) async fn run(
    connection: &Connection,
    session: &mut Session,
    verb: &Verb,
    body: &Map<String, Value>,
) -> Result<Envelope> {
    let view = table::find("sync-profile", "view")
        .filter(|_| (verb.object, verb.verb) == ("sync-profile", "run"));
    let (Some(view), true) = (view, std::io::stderr().is_terminal()) else {
        return session.run(verb, body).await;
    };
    let mut looking = Session::open(connection).await?;
    let name: Map<String, Value> = body
        .iter()
        .filter(|(field, _)| *field == "name")
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(EVERY / 5);
    let running = session.run(verb, body);
    tokio::pin!(running);
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended,
            () = tokio::time::sleep(EVERY) => {
                if let Ok(seen) = looking.run(view, &name).await {
                    bar.set_message(counts(&seen.result));
                }
            }
        }
    };
    bar.finish_and_clear();
    looking.close().await;
    ended
}

/// The counts of a run, without those that are 0.
fn counts(result: &Map<String, Value>) -> String {
    let run = result.get("last_run").and_then(Value::as_object);
    let state = run.and_then(|run| run.get("state")?.as_str());
    let totals = run.and_then(|run| run.get("totals")?.as_object());
    let Some(totals) = totals.filter(|_| state == Some("running")) else {
        return String::new();
    };
    let told = totals.iter().filter_map(|(name, count)| {
        let count = count.as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {name}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_told_while_it_runs() {
        let seen = |state: &str| {
            let seen = json!({"last_run": {"state": state, "totals": {"created": 3, "deleted": 0, "entries": 500}}});
            counts(seen.as_object().unwrap())
        };
        assert_eq!(seen("running"), "3 created, 500 entries");
        assert_eq!(seen("done"), "");
        assert_eq!(counts(&Map::new()), "");
    }
}
