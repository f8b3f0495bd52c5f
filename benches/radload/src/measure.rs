//! What a run measures: outcomes, latencies, and the CPU and memory of the server's processes.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// When requests are recorded, and when no more are sent.
#[derive(Clone, Copy)]
pub struct Window {
    pub from: Instant,
    pub until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Accept,
    Reject,
    Challenge,
}

pub struct Stats {
    pub latency: Histogram<u64>,
    pub accept: u64,
    pub reject: u64,
    pub challenge: u64,
    pub lost: u64,
    pub retransmits: u64,
    pub bad_replies: u64,
    pub errors: u64,
    /// Times that no user was left to log in (all in flight, or all TOTP users used in this step).
    pub starved: u64,
    pub replays_refused: u64,
    pub replays_accepted: u64,
}

impl Stats {
    pub fn new() -> Stats {
        Stats {
            latency: Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("valid bounds"),
            accept: 0,
            reject: 0,
            challenge: 0,
            lost: 0,
            retransmits: 0,
            bad_replies: 0,
            errors: 0,
            starved: 0,
            replays_refused: 0,
            replays_accepted: 0,
        }
    }

    pub fn record(&mut self, outcome: Outcome, replay: bool, latency: Duration) {
        self.latency
            .saturating_record(latency.as_nanos().max(1) as u64);
        match (outcome, replay) {
            (Outcome::Accept, true) => self.replays_accepted += 1,
            (_, true) => self.replays_refused += 1,
            (Outcome::Accept, _) => self.accept += 1,
            (Outcome::Reject, _) => self.reject += 1,
            (Outcome::Challenge, _) => self.challenge += 1,
        }
    }

    pub fn add(&mut self, other: &Stats) {
        self.latency.add(&other.latency).expect("same bounds");
        self.accept += other.accept;
        self.reject += other.reject;
        self.challenge += other.challenge;
        self.lost += other.lost;
        self.retransmits += other.retransmits;
        self.bad_replies += other.bad_replies;
        self.errors += other.errors;
        self.starved += other.starved;
        self.replays_refused += other.replays_refused;
        self.replays_accepted += other.replays_accepted;
    }

    pub fn report(&self, elapsed: Duration, before: &Usage, after: &Usage) -> Value {
        let done = self.latency.len();
        let micros = |q: f64| self.latency.value_at_quantile(q) as f64 / 1e3;
        let per_request = |cpu: f64| {
            if done == 0 {
                0.0
            } else {
                round(cpu * 1e6 / done as f64)
            }
        };
        let (server, own) = (
            after.server_cpu - before.server_cpu,
            after.own_cpu - before.own_cpu,
        );
        let trees: Vec<Value> = before
            .trees
            .iter()
            .zip(&after.trees)
            .map(|(before, after)| {
                json!({
                    "pid": after.root,
                    "cpu_us_per_request": per_request(after.cpu - before.cpu),
                    "pss_mib": round(after.pss as f64 / 1024.0),
                    "rss_mib": round(after.rss as f64 / 1024.0),
                })
            })
            .collect();
        let others = after.machine_cpu - before.machine_cpu - server - own;
        json!({
            "seconds": round(elapsed.as_secs_f64()),
            "completed": done,
            "per_second": round(done as f64 / elapsed.as_secs_f64()),
            "accept": self.accept, "reject": self.reject, "challenge": self.challenge,
            "lost": self.lost, "retransmits": self.retransmits, "bad_replies": self.bad_replies,
            "errors": self.errors, "starved": self.starved,
            "replays_refused": self.replays_refused, "replays_accepted": self.replays_accepted,
            "latency_us": {
                "p50": round(micros(0.5)), "p90": round(micros(0.9)), "p99": round(micros(0.99)),
                "p99.9": round(micros(0.999)), "max": round(self.latency.max() as f64 / 1e3),
            },
            "server": {
                "cpu_us_per_request": per_request(server),
                "cores": round(server / elapsed.as_secs_f64()),
                "pss_mib": round(after.server_pss as f64 / 1024.0),
                "rss_mib": round(after.server_rss as f64 / 1024.0),
            },
            "processes": trees,
            "client_cpu_us_per_request": per_request(own),
            "others_cores": round(others / elapsed.as_secs_f64()),
            "steal_cores": round((after.steal - before.steal) / elapsed.as_secs_f64()),
        })
    }
}

fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

/// CPU seconds so far and memory (KiB) of a process and its children.
struct Tree {
    root: u32,
    cpu: f64,
    pss: u64,
    rss: u64,
}

/// CPU seconds so far and memory (KiB) of process trees.
pub struct Usage {
    trees: Vec<Tree>,
    server_cpu: f64,
    server_pss: u64,
    server_rss: u64,
    own_cpu: f64,
    /// All of the machine's busy time: what neither server nor client used is others' load.
    machine_cpu: f64,
    /// What the host took away: it falsifies every figure of the run.
    steal: f64,
}

impl Usage {
    pub fn now(roots: &[u32]) -> Usage {
        let mut processes = HashMap::new(); // pid -> (parent, CPU ticks, its reaped children's included)
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|n| n.parse::<u32>().ok())
            else {
                continue;
            };
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
                continue;
            };
            let Some((_, tail)) = stat.rsplit_once(')') else {
                continue;
            };
            let field: Vec<u64> = tail
                .split_whitespace()
                .map(|f| f.parse().unwrap_or(0))
                .collect();
            processes.insert(pid, (field[1] as u32, field[11..15].iter().sum::<u64>()));
        }
        let hertz = rustix::param::clock_ticks_per_second() as f64;
        // user nice system idle iowait irq softirq steal ...
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let times: Vec<u64> = stat
            .lines()
            .next()
            .unwrap_or("")
            .split_whitespace()
            .skip(1)
            .map(|t| t.parse().unwrap_or(0))
            .collect();
        let time = |n: usize| times.get(n).copied().unwrap_or(0);
        let busy: u64 = [0, 1, 2, 5, 6].into_iter().map(time).sum();
        // last, since memory takes a while
        let trees: Vec<Tree> = roots
            .iter()
            .map(|&root| tree(root, &processes, hertz))
            .collect();
        Usage {
            server_cpu: trees.iter().map(|tree| tree.cpu).sum(),
            server_pss: trees.iter().map(|tree| tree.pss).sum(),
            server_rss: trees.iter().map(|tree| tree.rss).sum(),
            trees,
            own_cpu: processes
                .get(&std::process::id())
                .map_or(0.0, |v| v.1 as f64 / hertz),
            machine_cpu: busy as f64 / hertz,
            steal: time(7) as f64 / hertz,
        }
    }
}

fn tree(root: u32, processes: &HashMap<u32, (u32, u64)>, hertz: f64) -> Tree {
    let is_in = |pid: u32| {
        let mut pid = Some(pid);
        while let Some(p) = pid {
            if p == root {
                return true;
            }
            pid = processes.get(&p).map(|v| v.0);
        }
        false
    };
    let own: Vec<u32> = processes.keys().copied().filter(|&p| is_in(p)).collect();
    let ticks: u64 = own.iter().map(|p| processes[p].1).sum();
    Tree {
        root,
        cpu: ticks as f64 / hertz,
        pss: own.iter().map(|&p| memory(p, "smaps_rollup", "Pss:")).sum(),
        rss: own.iter().map(|&p| memory(p, "status", "VmRSS:")).sum(),
    }
}

/// KiB that a file of /proc says.
fn memory(pid: u32, file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Evenly spaced send times for one of `workers` workers sharing `rate` requests a second;
/// without a rate, always now.
pub struct Pace {
    next: Instant,
    gap: Option<Duration>,
}

impl Pace {
    pub fn new(start: Instant, rate: Option<f64>, worker: usize, workers: usize) -> Pace {
        let gap = rate.map(|r| Duration::from_secs_f64(workers as f64 / r));
        let offset = gap
            .unwrap_or_default()
            .mul_f64(worker as f64 / workers as f64);
        Pace {
            next: start + offset,
            gap,
        }
    }

    /// The time at which a request is due, where one is due by `now`.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        match self.gap {
            None => Some(now),
            Some(_) => (self.next <= now).then_some(self.next),
        }
    }

    pub fn advance(&mut self) {
        self.next += self.gap.unwrap_or_default();
    }

    /// The next send time, where sends are spaced.
    pub fn next(&self) -> Option<Instant> {
        self.gap.map(|_| self.next)
    }
}
