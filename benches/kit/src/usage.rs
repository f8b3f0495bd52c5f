//! CPU of processes and of the machine, as /proc tells.

use std::collections::HashMap;

/// CPU seconds so far of a process and of its children, reaped ones included.
pub fn cpu_of(root: u32) -> f64 {
    let mut processes = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok();
        if let (Some(pid), Some((parent, ticks))) = (pid, stat.as_deref().and_then(times)) {
            processes.insert(pid, (parent, ticks));
        }
    }
    let is_in = |pid: u32| {
        let mut at = Some(pid);
        while let Some(pid) = at.filter(|pid| *pid != root) {
            at = processes.get(&pid).map(|(parent, _)| *parent);
        }
        at.is_some()
    };
    let ticks: u64 = processes
        .iter()
        .filter(|(pid, _)| is_in(**pid))
        .map(|(_, (_, ticks))| ticks)
        .sum();
    seconds(ticks)
}

/// Parent and CPU ticks of a process.
fn times(stat: &str) -> Option<(u32, u64)> {
    let (_, tail) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let ticks = fields
        .get(11..15)?
        .iter()
        .filter_map(|field| field.parse::<u64>().ok());
    Some((fields.get(1)?.parse().ok()?, ticks.sum()))
}

/// CPU seconds of all that runs on the machine, and those that the host took away.
pub fn machine() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let at = |place: usize| ticks.get(place).copied().unwrap_or(0);
    let busy = [0, 1, 2, 5, 6].into_iter().map(at).sum();
    (seconds(busy), seconds(at(7)))
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_process_is_seen() {
        let own = std::process::id();
        let (before, start) = (cpu_of(own), std::time::Instant::now());
        let mut sum = 0_u64;
        while cpu_of(own) <= before {
            sum = (0..10_000_000_u64).fold(sum, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
            assert!(
                start.elapsed().as_secs() < 60,
                "no tick in a minute of work: {sum}"
            );
        }
        assert!(machine().0 >= cpu_of(own));
    }
}
