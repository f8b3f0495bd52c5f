//! One run: its shape, its workers, its report.

use crate::measure::{Pace, Stats, Usage, Window};
use crate::pool::Pool;
use crate::users::User;
use crate::{only_loopback, users, worker};
use anyhow::{Result, ensure};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

#[derive(Args)]
pub struct Load {
    /// Servers, between which the sockets take turns
    #[arg(long, default_value = "127.0.0.1:1812", value_delimiter = ',')]
    server: Vec<SocketAddr>,
    #[arg(long, default_value = "testing123")]
    secret: String,
    /// Let users log on by another socket in each run, so that they move between servers
    #[arg(long)]
    roam: bool,
    /// User list (CSV); counters are written back to it
    #[arg(long)]
    users: PathBuf,
    /// Sockets, one thread each
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Requests in flight on each socket (at most 256, the size of the identifier)
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    outstanding: u16,
    /// Seconds until a request is sent again
    #[arg(long, default_value_t = 2.0)]
    timeout: f64,
    /// Sends of a request before it counts as lost
    #[arg(long, default_value_t = 3)]
    tries: u32,
    /// Measured seconds
    #[arg(long, default_value_t = 10.0)]
    duration: f64,
    /// Seconds before the measurement starts
    #[arg(long, default_value_t = 2.0)]
    warmup: f64,
    /// Stop sending after so many requests
    #[arg(long)]
    requests: Option<u64>,
    /// Requests a second in all; latency then counts from the due time. Without it: as fast as answered
    #[arg(long)]
    rate: Option<f64>,
    /// After every k-th accepted request, send its code again and count what comes of it
    #[arg(long)]
    replay_every: Option<u64>,
    #[arg(long, default_value_t = 6)]
    digits: usize,
    /// TOTP time step in seconds
    #[arg(long, default_value_t = 30)]
    step: u64,
    /// Processes whose trees are the server, for its CPU and memory
    #[arg(long, value_delimiter = ',')]
    server_pid: Vec<u32>,
}

impl Load {
    pub fn run(&self) -> Result<()> {
        ensure!(
            self.workers >= self.server.len(),
            "fewer workers than servers: some would get no load"
        );
        for server in &self.server {
            only_loopback(server.ip())?;
        }
        let seed = u64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_nanos()).unwrap_or(1);
        let mut users = users::load(&self.users)?;
        ensure!(
            users.len() >= self.workers && self.workers > 0,
            "fewer users than workers"
        );
        shuffle(&mut users, seed | 1);
        let pools = Pool::split(users, self.workers, self.roam, self.digits, self.step);

        let start = Instant::now() + Duration::from_millis(50);
        let from = start + Duration::from_secs_f64(self.warmup);
        let window = Window {
            from,
            until: from + Duration::from_secs_f64(self.duration),
        };
        let (stats, users, before, after) = self.work(pools, start, window, seed)?;
        users::save(&self.users, users.iter())?;
        let mut report = stats.report(window.until - window.from, &before, &after);
        report["workers"] = self.workers.into();
        report["outstanding"] = self.outstanding.into();
        report["rate"] = self.rate.into();
        println!("{report}");
        Ok(())
    }

    fn work(
        &self,
        pools: Vec<Pool>,
        start: Instant,
        window: Window,
        seed: u64,
    ) -> Result<(Stats, Vec<User>, Usage, Usage)> {
        let config = worker::Config {
            servers: &self.server,
            secret: self.secret.as_bytes(),
            outstanding: self.outstanding.into(),
            timeout: Duration::from_secs_f64(self.timeout),
            tries: self.tries,
            requests: self.requests.map(|all| all.div_ceil(self.workers as u64)),
            replay_every: self.replay_every,
        };
        let config = &config;
        std::thread::scope(|scope| {
            let threads: Vec<_> = pools
                .into_iter()
                .enumerate()
                .map(|(n, pool)| {
                    let pace = Pace::new(start, self.rate, n, self.workers);
                    scope.spawn(move || {
                        sleep_until(start);
                        worker::run(config, n, pool, pace, window, seed ^ (n as u64) << 56)
                    })
                })
                .collect();
            sleep_until(window.from);
            let before = Usage::now(&self.server_pid);
            if self.requests.is_none() {
                sleep_until(window.until);
            }
            let after = self
                .requests
                .is_none()
                .then(|| Usage::now(&self.server_pid));
            let (mut stats, mut users) = (Stats::new(), Vec::new());
            for thread in threads {
                let (own, pool) = thread.join().expect("a worker does not panic")?;
                stats.add(&own);
                users.extend(pool.users);
            }
            Ok((
                stats,
                users,
                before,
                after.unwrap_or_else(|| Usage::now(&self.server_pid)),
            ))
        })
    }
}

fn sleep_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}

/// File order would give a store a locality that no real site has.
fn shuffle(users: &mut [User], mut x: u64) {
    for i in (1..users.len()).rev() {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        users.swap(i, (x % (i as u64 + 1)) as usize);
    }
}
