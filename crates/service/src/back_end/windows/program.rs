//! Programs that are run to ask: few at a time, with nothing of this server's environment, killed when their time is
//! over.

use countersign_engine::Secret;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

/// Programs at a time.
const MOST: usize = 32;
/// Octets that are read of what a program prints.
const MOST_PRINTED: u64 = 16 * 1024;
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many programs run.
#[derive(Debug)]
pub(super) struct Programs {
    places: Semaphore,
}

impl Default for Programs {
    fn default() -> Self {
        Self {
            places: Semaphore::new(MOST),
        }
    }
}

/// A program that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// It ended with 0.
    pub(super) success: bool,
    /// On standard output.
    pub(super) printed: String,
    /// On standard error.
    pub(super) complained: String,
}

impl Ended {
    /// What it said, in one line.
    pub(super) fn words(&self) -> String {
        const MOST: usize = 200;
        let all = format!("{} {}", self.printed, self.complained);
        let words: Vec<_> = all.split_whitespace().collect();
        words.join(" ").chars().take(MOST).collect()
    }
}

impl Programs {
    /// Runs a program with some input to its end; it is killed at `until`.
    pub(super) async fn run(
        &self,
        program: &str,
        arguments: &[String],
        input: &Secret,
        until: Instant,
    ) -> Result<Ended, String> {
        let whole = async {
            let place = self.places.acquire().await;
            let _place = place.map_err(|_| "the server stops".to_owned())?;
            run(program, arguments, input).await
        };
        timeout_at(until.into(), whole)
            .await
            .unwrap_or_else(|_| Err(format!("{program}: no answer in time")))
    }
}

async fn run(program: &str, arguments: &[String], input: &Secret) -> Result<Ended, String> {
    let failed = |error: std::io::Error| format!("{program}: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let told = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input.expose()).await; // who reads nothing says why
        }
    };
    let ((), printed, complained) = tokio::join!(told, text(stdout), text(stderr));
    let status = child.wait().await.map_err(failed)?;
    Ok(Ended {
        success: status.success(),
        printed,
        complained,
    })
}

/// What comes, as far as it is of interest; the rest is read and forgotten, so that the program can end.
async fn text(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut bytes = Vec::new();
    let _ = (&mut from).take(MOST_PRINTED).read_to_end(&mut bytes).await; // what was read until then counts
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await; // as above
    String::from_utf8_lossy(&bytes).into_owned()
}
