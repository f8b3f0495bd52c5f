//! Settings of the deployment: ONE table, and the typed view that decisions read.

use crate::levels;
use crate::network::Network;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a setting may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number between two bounds.
    Number(i64, i64),
    /// A list of words.
    List,
    /// A list of addresses and ranges of them ([`crate::network`]).
    Networks,
    /// A log level, or several by module ([`crate::levels`]).
    Levels,
}

/// One row of the table of settings (administration.md 18).
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name, such as `challenge.max_age_s`.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Default as text.
    pub default: &'static str,
    /// One sentence on what it does, with the unit.
    pub doc: &'static str,
}

const ON_OFF: &[&str] = &["on", "off"];

/// All settings.
pub const SETTINGS: &[Setting] = &[
    row(
        "name_resolution",
        Kind::Choice(&["simple", "windows", "active_directory"]),
        "simple",
        "How a user ID and a domain are found in what was typed: simple by the domain records alone; windows and active_directory ask back-ends of that protocol what an ID with a domain part means.",
    ),
    row(
        "user_id_case",
        Kind::Choice(&["keep", "lower", "upper"]),
        "keep",
        "Case in which user IDs are stored when an account is made.",
    ),
    row(
        "auth.refusal_floor_ms",
        Kind::Number(0, 10_000),
        "100",
        "Milliseconds before which no refusal under generic status codes leaves.",
    ),
    row(
        "challenge.max_age_s",
        Kind::Number(1, 86_400),
        "60",
        "Seconds for which a challenge can be answered.",
    ),
    row(
        "challenge.keep_expired_s",
        Kind::Number(0, 86_400),
        "300",
        "Seconds for which an expired challenge is remembered (1004).",
    ),
    row(
        "challenge.max_outstanding",
        Kind::Number(1, 10_000_000),
        "100000",
        "Challenges outstanding in the whole deployment (-104).",
    ),
    row(
        "watch.failures_per_min",
        Kind::Number(0, 1_000_000),
        "60",
        "Counted failures through one component or address within a minute that are reported (W-106004); 0 off.",
    ),
    row(
        "watch.users_per_min",
        Kind::Number(0, 1_000_000),
        "20",
        "Different users failing through one component or address within a minute that are reported (W-106004); 0 off.",
    ),
    row(
        "watch.delay_ms",
        Kind::Number(0, 10_000),
        "0",
        "Milliseconds by which refusals are delayed where the watch has struck.",
    ),
    row(
        "session.binding",
        Kind::Choice(&["ip", "subnet", "none"]),
        "ip",
        "What of the source address an administrative session is bound to (1038).",
    ),
    row(
        "session.idle_s",
        Kind::Number(1, 86_400),
        "900",
        "Seconds without use that end an administrative session.",
    ),
    row(
        "session.max_s",
        Kind::Number(1, 31_536_000),
        "86400",
        "Seconds after which an administrative session ends in any case.",
    ),
    row(
        "session.max_count",
        Kind::Number(1, 100_000),
        "200",
        "Administrative sessions at a time (-104).",
    ),
    row(
        "import.max_bytes",
        Kind::Number(1, 1 << 40),
        "536870912",
        "Largest import file in bytes.",
    ),
    row(
        "password.threads",
        Kind::Number(1, 64),
        "2",
        "Threads that hash static passwords.",
    ),
    row(
        "password.queue",
        Kind::Number(1, 100_000),
        "64",
        "Password checks that may wait for a thread (-104).",
    ),
    row(
        "back_end.max_in_flight",
        Kind::Number(1, 1024),
        "64",
        "Questions that one back-end server is asked at a time by one node; more wait.",
    ),
    row(
        "back_end.queue",
        Kind::Number(0, 100_000),
        "512",
        "Questions that may wait for one back-end server; then the next server is asked, or none (-104).",
    ),
    row(
        "back_end.max_questions",
        Kind::Number(1, 1_000_000),
        "4096",
        "Questions to back-ends in work on one node, waiting ones included (-104).",
    ),
    row(
        "outbound.allow",
        Kind::Networks,
        "",
        "Addresses and ranges, such as 192.0.2.0/24, that back-ends may have; empty: all but the forbidden ones (link-local, multicast, the listeners of the server itself).",
    ),
    row(
        "cache.accounts",
        Kind::Number(0, 100_000_000),
        "1000000",
        "Accounts a node keeps in memory, some 350 bytes each.",
    ),
    row(
        "audit.unknown_user",
        Kind::Choice(&["keep", "hash"]),
        "keep",
        "Whether the audit keeps the name of an unknown user or its hash.",
    ),
    row(
        "audit.min_keep_days",
        Kind::Number(1, 36_500),
        "90",
        "Days for which audit records cannot be erased.",
    ),
    row(
        "trace.keep_days",
        Kind::Number(0, 3650),
        "30",
        "Days for which traces of decisions are kept.",
    ),
    row(
        "request.deadline_s",
        Kind::Number(1, 60),
        "5",
        "Seconds after which a request ends with -10, -106 or -103, or over RADIUS without an answer.",
    ),
    row(
        "timing.keep",
        Kind::Choice(&["off", "slow", "all"]),
        "off",
        "Which requests' timings each node keeps in memory, for timing/list, and exports.",
    ),
    row(
        "timing.slow_ms",
        Kind::Number(0, 600_000),
        "100",
        "Milliseconds from which on a request is slow (timing.keep).",
    ),
    row(
        "timing.max_kept",
        Kind::Number(1, 100_000),
        "1000",
        "Timings that a node keeps; the oldest are forgotten.",
    ),
    row(
        "log.level",
        Kind::Levels,
        "",
        "Log level of all nodes: a level, and levels of modules after it, such as info,store=debug,web=trace; empty: log.level of each node's configuration.",
    ),
    row(
        "clock.warn_s",
        Kind::Number(0, 86_400),
        "2",
        "Seconds of difference to the store's clock that are reported (W-111002); 0 off.",
    ),
    row(
        "clock.max_skew_s",
        Kind::Number(0, 86_400),
        "30",
        "Seconds of difference to the store's clock from which a node steps aside (E-111001); 0 off.",
    ),
    row(
        "key.escrowed",
        Kind::Choice(&["yes", "no"]),
        "no",
        "Whether the root key was written to be kept elsewhere; key/escrow sets it, and start-up asks for it until then.",
    ),
    row(
        "restrict_grants",
        Kind::Choice(ON_OFF),
        "on",
        "Nobody grants a privilege that he lacks.",
    ),
    row(
        "maker_checker.commands",
        Kind::List,
        "",
        "Commands that a second administrator must approve.",
    ),
    row(
        "maker_checker.cover_automatic",
        Kind::Choice(ON_OFF),
        "off",
        "Whether automatic assignment needs approval too.",
    ),
];

const fn row(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting {
        name,
        kind,
        default,
        doc,
    }
}

/// The words of a list of ranges, with what each means.
fn networks(text: &str) -> impl Iterator<Item = (&str, Option<Network>)> {
    text.split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| (word, Network::read(word)))
}

/// The row of a setting.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

impl Setting {
    /// Checks a new value given as text.
    ///
    /// # Errors
    /// What is allowed, for -101.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self.kind {
            Kind::Choice(words) if words.contains(&value) => Ok(()),
            Kind::Choice(words) => {
                Err(format!("{} must be one of {}", self.name, words.join(", ")))
            }
            Kind::Number(least, most) => match value.parse::<i64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!(
                    "{} must be a whole number from {least} to {most}",
                    self.name
                )),
            },
            Kind::List if value.len() <= 4000 => Ok(()),
            Kind::List => Err(format!("{} is longer than 4000 characters", self.name)),
            Kind::Networks => match networks(value).find(|(_, network)| network.is_none()) {
                _ if value.len() > 4000 => {
                    Err(format!("{} is longer than 4000 characters", self.name))
                }
                Some((word, _)) => Err(format!(
                    "{} holds {word:?}, which is no address or range such as 192.0.2.0/24",
                    self.name
                )),
                None => Ok(()),
            },
            Kind::Levels => levels::read(value)
                .map(drop)
                .map_err(|allowed| format!("{}: {allowed}", self.name)),
        }
    }
}

/// The settings in force: stored values over the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    stored: BTreeMap<String, String>,
    /// `challenge.max_age_s`, seconds.
    pub challenge_max_age_s: i64,
    /// `challenge.keep_expired_s`, seconds.
    pub challenge_keep_expired_s: i64,
    /// `challenge.max_outstanding`.
    pub challenge_max_outstanding: i64,
    /// `auth.refusal_floor_ms`, milliseconds.
    pub refusal_floor_ms: i64,
    /// `request.deadline_s`, seconds.
    pub deadline_s: u64,
    /// `timing.keep` and `timing.slow_ms`: microseconds from which on a request's timing is kept; none: not at all.
    pub timed_from_us: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl Settings {
    /// The settings with these stored values; values that do not pass [`Setting::check`] are ignored.
    pub fn new(stored: BTreeMap<String, String>) -> Self {
        let stored = stored
            .into_iter()
            .filter(|(name, value)| find(name).is_some_and(|row| row.check(value).is_ok()))
            .collect();
        let mut settings = Self {
            stored,
            challenge_max_age_s: 0,
            challenge_keep_expired_s: 0,
            challenge_max_outstanding: 0,
            refusal_floor_ms: 0,
            deadline_s: 0,
            timed_from_us: None,
        };
        settings.challenge_max_age_s = settings.number("challenge.max_age_s");
        settings.challenge_keep_expired_s = settings.number("challenge.keep_expired_s");
        settings.challenge_max_outstanding = settings.number("challenge.max_outstanding");
        settings.refusal_floor_ms = settings.number("auth.refusal_floor_ms");
        settings.deadline_s = settings.number("request.deadline_s").unsigned_abs();
        settings.timed_from_us = match settings.text("timing.keep") {
            "all" => Some(0),
            "slow" => Some(settings.number("timing.slow_ms") * 1000),
            _ => None,
        };
        settings
    }

    /// How long a request may take.
    pub const fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_s)
    }

    /// The value in force as text; empty for an unknown name.
    pub fn text(&self, name: &str) -> &str {
        self.stored
            .get(name)
            .map_or_else(|| find(name).map_or("", |row| row.default), String::as_str)
    }

    /// The value in force of a number; 0 for an unknown name.
    pub fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The value in force of a list of addresses and ranges.
    pub fn networks(&self, name: &str) -> Vec<Network> {
        networks(self.text(name))
            .filter_map(|(_, network)| network)
            .collect()
    }

    /// Whether the value was set by an administrator.
    pub fn is_stored(&self, name: &str) -> bool {
        self.stored.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_passes_its_own_check() {
        for setting in SETTINGS {
            assert_eq!(setting.check(setting.default), Ok(()), "{}", setting.name);
        }
    }

    #[test]
    fn stored_values_beat_defaults_and_bad_ones_are_ignored() {
        let stored = [
            ("challenge.max_age_s", "2"),
            ("session.idle_s", "never"),
            ("nonsense", "1"),
        ];
        let settings = Settings::new(stored.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
        assert_eq!(settings.challenge_max_age_s, 2);
        assert_eq!(settings.number("session.idle_s"), 900);
        assert!(!settings.is_stored("nonsense"));
    }
}
