//! Long jobs beside logons: an import, an export of the audit, a rotation of keys.

use crate::Options;
use crate::nodes::Nodes;
use crate::postgres::Postgres;
use anyhow::{Context, Result, anyhow, bail, ensure};
use countersign_bench_kit::fill;
use countersign_bench_kit::process::Folder;
use countersign_bench_kit::server::{DataDir, Server};
use countersign_bench_kit::shape::{Shape, Target};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Authenticators and users whose logons go on meanwhile.
const LOGONS: (usize, usize) = (12_000, 8_000);
/// Seconds of one measurement of the load.
const WINDOW: u64 = 5;
/// How often the state of a rotation is asked for.
const LOOK: Duration = Duration::from_millis(200);

/// A server under measurement.
struct Stage<'a> {
    options: &'a Options,
    folder: &'a Folder,
    shape: &'a Shape,
    node: &'a DataDir,
    server: &'a Server,
    list: &'a Path,
}

/// The jobs on a file and on PostgreSQL.
pub(crate) fn measure(
    options: &Options,
    folder: &Folder,
    shape: &Shape,
    server: &Postgres,
    count: usize,
) -> Result<Value> {
    let tokens = tokens(folder, count)?;
    let file = DataDir::new(&options.programs, &folder.path("long-file"))?;
    let on_file = jobs(options, folder, shape, &file, &tokens).context("jobs on a file")?;
    let nodes = Nodes::make(options, folder, server, "long", 1)?;
    let on_server =
        jobs(options, folder, shape, nodes.first()?, &tokens).context("jobs on PostgreSQL")?;
    Ok(json!({"authenticators": count, "sqlite": on_file, "postgres": on_server}))
}

/// A CSV file of authenticators that belong to nobody.
fn tokens(folder: &Folder, count: usize) -> Result<PathBuf> {
    let path = folder.path(&format!("tokens-{count}.csv"));
    let mut text = String::from("serial,type,algorithm,hash,digits,secret_hex\n");
    for number in 0..count {
        writeln!(
            text,
            "T{number:08},HOTP,HOTP,SHA1,6,{:040x}",
            (number as u128 + 1) * 0x9e37_79b9_7f4a_7c15_f39c
        )?;
    }
    std::fs::write(&path, text)?;
    Ok(path)
}

fn jobs(
    options: &Options,
    folder: &Folder,
    shape: &Shape,
    node: &DataDir,
    tokens: &Path,
) -> Result<Value> {
    let (count, users) = LOGONS;
    let list = shape.users_of(folder, "long", count, users, "hotp")?;
    fill::fill(node, &list, None)?;
    let server = node.serve(folder)?;
    let stage = Stage {
        options,
        folder,
        shape,
        node,
        server: &server,
        list: &list,
    };
    shape.warm(&server.target(), &list, count)?;
    let mut all = Map::new();
    let quiet = stage.load(options.seconds.max(10))?;
    print("quiet", &quiet);
    all.insert("quiet".to_owned(), quiet);
    let import: &[&str] = &["import", "authenticators", &tokens.display().to_string()];
    let jobs: [(&str, &[&str]); 3] = [
        ("import", import),
        (
            "audit export",
            &["audit", "tail", "--json", "-n", "100000000"],
        ),
        (
            "key rotation",
            &["admin", "key", "rotate", "--class", "storage"],
        ),
    ];
    for (name, words) in jobs {
        let figures = stage.beside(words).with_context(|| name.to_owned())?;
        print(name, &figures);
        all.insert(name.to_owned(), figures);
    }
    server.stop()?;
    Ok(all.into())
}

fn print(name: &str, figures: &Value) {
    eprintln!("{name}: {figures}");
}

impl Stage<'_> {
    /// Logons at a moderate rate.
    fn load(&self, seconds: u64) -> Result<Value> {
        let shape = Shape {
            seconds,
            ..self.shape.clone()
        };
        let target: Target<'_> = self.server.target();
        shape.load(&target, self.list, Some(self.options.rate))
    }

    /// The same while a command of the program runs, for as long as it does and its work goes on.
    fn beside(&self, words: &[&str]) -> Result<Value> {
        let start = Instant::now();
        let command = self.command(words)?;
        let over = AtomicBool::new(false);
        let (took, windows) = std::thread::scope(|scope| {
            let job = scope.spawn(|| {
                let ended = self.end(command, words).map(|()| start.elapsed());
                over.store(true, Ordering::SeqCst);
                ended
            });
            let mut windows = Vec::new();
            while !over.load(Ordering::SeqCst) {
                windows.push(self.load(WINDOW)?);
            }
            let took = job
                .join()
                .map_err(|_| anyhow!("the job's thread panicked"))??;
            anyhow::Ok((took.as_secs_f64(), windows))
        })?;
        let mut p99: Vec<f64> = windows
            .iter()
            .filter_map(|window| window.pointer("/latency_us/p99")?.as_f64())
            .collect();
        p99.sort_by(f64::total_cmp);
        Ok(json!({
            "seconds": took,
            "p99_us": {"median": p99.get(p99.len() / 2), "worst": p99.last()},
            "windows": windows,
        }))
    }

    fn command(&self, words: &[&str]) -> Result<Child> {
        let name = words.first().copied().unwrap_or_default();
        let log = std::fs::File::create(self.folder.path(&format!("{name}.out")))?;
        self.run(words)
            .stdout(log)
            .stderr(Stdio::inherit())
            .spawn()
            .context("start the program")
    }

    fn run(&self, words: &[&str]) -> Command {
        let mut command = self.node.command(words);
        command.arg("--data-dir").arg(self.node.path());
        command
    }

    /// Waits for the end of a command, and of what it began in the background.
    fn end(&self, mut command: Child, words: &[&str]) -> Result<()> {
        let status = command.wait()?;
        ensure!(status.success(), "{words:?} ended with {status}");
        while words.contains(&"rotate") && !self.is_rotated()? {
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Whether the rotation is done; whatever is neither that nor under way is an error.
    fn is_rotated(&self) -> Result<bool> {
        let output = self
            .run(&["admin", "key", "rotation-status", "--json"])
            .output()?;
        let answer: Value =
            serde_json::from_slice(&output.stdout).context("read the state of the rotation")?;
        match answer
            .pointer("/result/rotation/state")
            .and_then(Value::as_str)
        {
            Some("done") => Ok(true),
            Some("running") => Ok(false),
            other => bail!("the rotation is {other:?}"),
        }
    }
}
