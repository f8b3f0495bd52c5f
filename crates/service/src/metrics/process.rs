//! What the system knows of this process.

use std::time::{SystemTime, UNIX_EPOCH};

/// Resident memory in bytes; none where the system does not tell.
pub(super) fn memory() -> Option<i64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Now, as the start of the process: Unix seconds.
pub(super) fn started() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tcountersign\nVmPeak:\t   20 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(resident(status), Some(1234 * 1024));
        assert_eq!(resident("VmRSS:\tmany"), None);
        assert!(memory().is_some_and(|bytes| bytes > 100_000));
    }
}
