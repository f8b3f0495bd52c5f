//! The bare group commit: the rows that a logon writes, without RADIUS, decision or cryptography.

use crate::usage::{cpu_of, machine};
use anyhow::{Context, Result, bail};
use countersign_engine::Status;
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::facts::Found;
use countersign_engine::model::{ApplicationKey, ApplicationState};
use countersign_engine::policy::{BackEndAuth, LocalAuth};
use countersign_engine::text::fold;
use countersign_store::{Completion, Outcome, Store, Work, system_time};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// Accounts that take part at most: enough that every commit meets other pages.
const MOST: usize = 100_000;
/// Bytes of the trace of a plain accept.
const TRACE: usize = 160;

/// An application whose row is written.
#[derive(Debug)]
pub struct Account {
    name: String,
    key: ApplicationKey,
    state: ApplicationState,
}

struct Done(Sender<Vec<(Work, Outcome)>>);

impl Completion for Done {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        let _ = self.0.send(results); // the run may be over
    }
}

/// Accounts from all over the list, in no order.
///
/// # Errors
/// One of them is not in the store.
pub fn sample(store: &Store, users: &Path) -> Result<Vec<Account>> {
    let list =
        std::fs::read_to_string(users).with_context(|| format!("read {}", users.display()))?;
    let mut names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    names.dedup(); // each account once, or its works would be in each other's way
    let domain = store
        .snapshot()
        .domains
        .master()
        .context("the store has no master domain")?
        .key;
    let step = coprime(names.len());
    let picked =
        (0..names.len().min(MOST)).filter_map(|n| names.get(n.wrapping_mul(step) % names.len()));
    picked
        .map(|name| match store.account_now(domain, &fold(name))? {
            Found::Account(account) => {
                let application = account
                    .authenticators
                    .iter()
                    .flat_map(|a| &a.applications)
                    .next()
                    .context("an account without application")?;
                Ok(Account {
                    name: (*name).to_owned(),
                    key: application.key,
                    state: application.state,
                })
            }
            _ => bail!("{name} is not in the store"),
        })
        .collect()
}

/// A stride that visits every place of a list once before any twice.
fn coprime(length: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (length * 5 / 8..)
        .find(|step| *step > 0 && gcd(*step, length) == 1)
        .unwrap_or(1)
}

/// Keeps `in_flight` works under way for some seconds; figures named as radload names them, with the CPU of a
/// database server in `processes`.
///
/// # Errors
/// The store cannot commit.
pub fn run(
    store: &Store,
    accounts: &mut [Account],
    in_flight: usize,
    seconds: u64,
    server: Option<u32>,
) -> Result<Value> {
    let (tell, told) = channel();
    let to: Arc<dyn Completion> = Arc::new(Done(tell));
    let mut sent: Vec<Instant> = vec![Instant::now(); accounts.len()];
    let used = || {
        let own = cpu_of(std::process::id());
        (own, server.map_or(0.0, cpu_of), machine())
    };
    let (before, start) = (used(), Instant::now());
    let end = start + Duration::from_secs(seconds);
    let in_flight = in_flight.min(accounts.len());
    let mut next = 0;
    let mut make = |count: usize, sent: &mut [Instant]| -> Vec<Work> {
        let all = accounts.len();
        let places = (next..next + count).map(move |n| n % all);
        next += count;
        let now = Instant::now();
        places
            .filter_map(|place| {
                *sent.get_mut(place)? = now;
                Some(work(place, accounts.get_mut(place)?))
            })
            .collect()
    };
    let submit = |works| {
        store
            .submit(works, &to)
            .map_err(|_| anyhow::anyhow!("hand the store its works: its queue is full"))
    };
    submit(make(in_flight, &mut sent))?;
    let (mut latencies, mut commits) = (Vec::new(), 0_u64);
    while Instant::now() < end {
        let results = told.recv()?;
        commits += 1;
        for (work, outcome) in &results {
            if *outcome != Outcome::Committed {
                bail!("commit a work: {outcome:?}");
            }
            let at = usize::try_from(work.token)
                .ok()
                .and_then(|place| sent.get(place));
            latencies.extend(at.map(Instant::elapsed));
        }
        submit(make(results.len(), &mut sent))?;
    }
    let took = start.elapsed().as_secs_f64();
    let after = used();
    let (own, other) = (after.0 - before.0, after.1 - before.1);
    let (busy, steal) = (after.2.0 - before.2.0, after.2.1 - before.2.1);
    let mut left = in_flight;
    while left > 0 {
        left -= told.recv()?.len();
    }
    latencies.sort_unstable();
    let count = latencies.len();
    let micros = |share: f64| {
        latencies
            .get((share * count as f64) as usize)
            .map_or(0.0, |took| round(took.as_secs_f64() * 1e6))
    };
    let each = |cpu: f64| round(cpu * 1e6 / count.max(1) as f64);
    Ok(json!({
        "per_second": round(count as f64 / took), "completed": count, "batch": round(count as f64 / commits.max(1) as f64),
        "latency_us": {"p50": micros(0.5), "p99": micros(0.99), "p99.9": micros(0.999)},
        "server": {"cpu_us_per_request": each(own)},
        "processes": [{"cpu_us_per_request": each(own)}, {"cpu_us_per_request": each(other)}],
        "others_cores": round((busy - own - other) / took),
        "steal_cores": round(steal / took),
    }))
}

/// What an accept writes. The counter stays, so that the load's list remains right; the row is written all the same.
fn work(token: usize, account: &mut Account) -> Work {
    let now = system_time();
    let guard = account.state.version;
    let state = &mut account.state;
    *state = ApplicationState {
        version: guard + 1,
        last_success: Some(now),
        ..*state
    };
    let mut amid = [0; 16];
    amid.iter_mut()
        .zip(
            now.0
                .to_be_bytes()
                .into_iter()
                .chain(account.key.0.to_be_bytes()),
        )
        .for_each(|(to, from)| *to = from);
    let mut record = Record::new(Code::AUTH_ACCEPTED, amid, now);
    let text = |text: &'static str| Some(text.into());
    record.status = Some(Status::SUCCESS);
    record.user = Some(account.name.clone().into());
    record.domain = text("master");
    record.component_type = text("radius_client");
    record.client_location = text("127.0.0.1");
    record.nas = text("radload");
    record.server_location = text("127.0.0.1:1812");
    record.policy = text("local");
    record.local_auth = Some(LocalAuth::GracePeriod);
    record.back_end_auth = Some(BackEndAuth::None);
    record.credential_type = Some("otp");
    record.serial = Some(account.name.to_uppercase().into());
    record.authenticator_type = text("HOTP");
    record.application = text("OTP");
    record.elapsed_us = Some(500);
    record.verified_counter = Some(state.counter);
    let changes = vec![Change::Application {
        key: account.key,
        guard,
        to: *state,
    }];
    Work {
        token: u64::try_from(token).unwrap_or(0),
        changes,
        records: vec![record],
        trace: vec![7; TRACE],
    }
}

/// Two digits after the point.
pub fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}
