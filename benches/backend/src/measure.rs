//! Latency of one request at a time, and how many a second are answered with many in flight.

use anyhow::Result;
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

/// Somebody who asks one thing at a time and waits for the answer.
pub(crate) trait Client: Send {
    /// Asks for the next of its users.
    ///
    /// # Errors
    /// It is no yes.
    fn ask(&mut self) -> Result<()>;
}

/// Makes a client for some of the users.
pub(crate) type Making<'a> = &'a mut dyn FnMut(&[String]) -> Result<Box<dyn Client>>;

/// How long and how much.
pub(crate) struct Load {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    pub(crate) in_flight: usize,
}

/// Figures of one kind of client, one for each round.
#[derive(Default)]
pub(crate) struct Rounds {
    latencies: Vec<Duration>,
    rates: Vec<f64>,
}

/// A back-end alone, and logons through this server.
pub(crate) struct Figures {
    name: &'static str,
    pub(crate) bare: Rounds,
    pub(crate) ours: Rounds,
}

impl Rounds {
    /// One round with clients made by a function.
    pub(crate) fn add(&mut self, load: &Load, make: Making<'_>, users: &[String]) -> Result<()> {
        let length = Duration::from_secs(load.seconds);
        let mut alone = make(users)?;
        for _ in 0..20 {
            alone.ask()?; // connections are made, memory is warm
        }
        self.latencies
            .push(median(&mut times(&mut *alone, length)?));
        drop(alone);
        let each = users.len().div_ceil(load.in_flight);
        let clients: Result<Vec<_>> = users.chunks(each).map(make).collect();
        self.rates.push(rate(clients?, length)?);
        Ok(())
    }

    fn latency(&self) -> Duration {
        median(&mut self.latencies.clone())
    }

    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    }
}

impl Figures {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            bare: Rounds::default(),
            ours: Rounds::default(),
        }
    }

    fn added_ms(&self) -> f64 {
        (self.ours.latency().as_secs_f64() - self.bare.latency().as_secs_f64()) * 1e3
    }

    fn ratio(&self) -> f64 {
        self.ours.rate() / self.bare.rate()
    }

    pub(crate) fn print(&self) {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        println!(
            "{:<12} alone {:>7.2} ms {:>8.0}/s   logon {:>7.2} ms {:>8.0}/s   added {:>6.2} ms   ratio {:.2}",
            self.name,
            ms(self.bare.latency()),
            self.bare.rate(),
            ms(self.ours.latency()),
            self.ours.rate(),
            self.added_ms(),
            self.ratio(),
        );
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "back_end": self.name,
            "alone": {"p50_ms": self.bare.latency().as_secs_f64() * 1e3, "per_second": self.bare.rate()},
            "logon": {"p50_ms": self.ours.latency().as_secs_f64() * 1e3, "per_second": self.ours.rate()},
            "added_ms": self.added_ms(),
            "ratio": self.ratio(),
        })
    }
}

fn times(client: &mut dyn Client, length: Duration) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    let mut all = Vec::new();
    while begun.elapsed() < length {
        let asked = Instant::now();
        client.ask()?;
        all.push(asked.elapsed());
    }
    Ok(all)
}

fn median(all: &mut [Duration]) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Answers a second to clients that all ask at the same time.
fn rate(clients: Vec<Box<dyn Client>>, length: Duration) -> Result<f64> {
    let begun = Instant::now();
    let counts: Vec<Result<usize>> = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .map(|mut client| scope.spawn(move || times(&mut *client, length).map(|all| all.len())))
            .collect();
        let ended = threads.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked")))
        });
        ended.collect()
    });
    let took = begun.elapsed().as_secs_f64();
    let sum: Result<usize> = counts.into_iter().sum();
    Ok(sum? as f64 / took)
}
