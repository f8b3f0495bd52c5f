use super::{About, BackupError};
use countersign_engine::audit::chain::{self, Head};
use countersign_engine::audit::verify::Verifier;
use countersign_engine::audit::{Entry, Letter};
use countersign_engine::time::Timestamp;
use countersign_keyring::audit_key;
use std::collections::{BTreeMap, BTreeSet};

/// Parts of verbs that change nothing which a restore would lose.
const READING: &[&str] = &[
    "query",
    "view",
    "verify",
    "status",
    "logon",
    "logoff",
    "effective",
    "list",
    "tail",
    "export",
];

/// What audit exports tell of the time after a backup: used values, deletions, and changes that a backup cannot know.
pub struct Since {
    heads: BTreeMap<String, Head>,
    verifier: Verifier<'static>,
    /// The chains that were seen, by epoch.
    chains: BTreeMap<[u8; 16], Seen>,
    facts: Facts,
    records: u64,
}

/// What happened after the backup.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// By serial and application.
    pub(super) used: BTreeMap<(String, String), Used>,
    /// Applications whose state a command set: by serial and, unless it was all of them, name.
    pub(super) restated: BTreeSet<(String, Option<String>)>,
    pub(super) gone_authenticators: BTreeSet<String>,
    /// By domain, empty for the master domain, and user ID.
    pub(super) gone_users: BTreeSet<(String, String)>,
    /// A component was changed, so that its API key may be another one since.
    pub(super) components: bool,
    /// Other commands that were done: their effects are lost.
    pub(super) lost: u64,
    /// The newest record.
    pub(super) newest: Option<Timestamp>,
}

/// The newest accepted moving factors of an application.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) counter: Option<u64>,
    /// Seconds since 1970 at which the step began.
    pub(super) seconds: Option<u64>,
}

#[derive(Debug, Clone)]
struct Seen {
    node: String,
    first: u64,
    prev: [u8; 32],
    last: [u8; 32],
}

impl Since {
    /// Before any record; `keys` are the public audit keys of the backup, which sign or hand over to those that do.
    #[must_use]
    pub fn new(about: &About, keys: &[[u8; 32]]) -> Self {
        let verifier =
            Verifier::new(&|key, message, signature| audit_key::verify(key, message, signature));
        Self {
            heads: about.heads.iter().cloned().collect(),
            verifier: verifier.trusting(keys.iter().copied()).partial(),
            chains: BTreeMap::new(),
            facts: Facts::default(),
            records: 0,
        }
    }

    /// Takes the next line of an export, oldest first.
    ///
    /// # Errors
    /// It is no exported record.
    pub fn take(&mut self, line: &[u8]) -> Result<(), BackupError> {
        let unreadable = || {
            let what = "a line is no exported record with its hash; `countersign audit export` writes them";
            BackupError::Audit(what.to_owned())
        };
        let (json, hash) = chain::import_line(line).ok_or_else(unreadable)?;
        let entry = Entry::read(&json).map_err(|_| unreadable())?;
        let place = (|| {
            let node = entry.node()?.to_owned();
            Some((node, entry.epoch()?, entry.seq()?, entry.prev()?))
        })();
        let (node, epoch, seq, prev) = place.ok_or_else(unreadable)?;
        self.verifier.take(&json, &hash);
        self.records += 1;
        let known = self
            .heads
            .get(&node)
            .is_some_and(|head| head.epoch == epoch && seq <= head.seq);
        let seen = self.chains.entry(epoch).or_insert(Seen {
            node,
            first: seq,
            prev,
            last: hash,
        });
        seen.last = hash;
        if !known {
            self.facts.learn(&entry);
        }
        Ok(())
    }

    /// Records taken.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// What happened, where the exports continue the backup without a gap and are what the nodes wrote.
    pub(super) fn conclude(self) -> Result<Facts, BackupError> {
        let outcome = self.verifier.finish();
        if let Some(problem) = outcome.first_problem() {
            return Err(BackupError::Audit(problem.to_string()));
        }
        let ends: BTreeSet<[u8; 32]> = self
            .chains
            .values()
            .map(|seen| seen.last)
            .chain(self.heads.values().map(|head| head.hash))
            .chain([[0; 32]])
            .collect();
        for (epoch, seen) in &self.chains {
            let continues = match self.heads.get(&seen.node) {
                Some(head) if head.epoch == *epoch => seen.first <= head.seq.saturating_add(1),
                // The whole trail was exported: what lies before the backup's end leads to it.
                Some(head) if self.chains.contains_key(&head.epoch) => true,
                _ => seen.first == 0 && ends.contains(&seen.prev),
            };
            if !continues {
                return Err(BackupError::Audit(format!(
                    "records of node {} between the backup and the first one exported are missing; export from the time of the backup on",
                    seen.node
                )));
            }
        }
        Ok(self.facts)
    }
}

impl Facts {
    fn learn(&mut self, entry: &Entry) {
        self.newest = self.newest.max(entry.time());
        let (serial, application) = (entry.text("serial"), entry.text("application"));
        let counter = entry.number("verified_counter");
        let seconds = entry
            .text("verified_time")
            .and_then(Timestamp::parse)
            .map(Timestamp::unix);
        if (counter.is_some() || seconds.is_some())
            && let (Some(serial), Some(application)) = (serial, application)
        {
            let key = (serial.to_owned(), application.to_owned());
            let used = self.used.entry(key).or_default();
            used.counter = used.counter.max(counter);
            used.seconds = used.seconds.max(seconds);
        }
        if let (Some(command), Some(Letter::S)) = (entry.text("command"), entry.letter()) {
            self.learn_command(entry, command);
        }
    }

    fn learn_command(&mut self, entry: &Entry, command: &str) {
        let (object, verb) = command.split_once('.').unwrap_or((command, ""));
        let owned = |name| entry.text(name).map(str::to_owned);
        if READING.iter().any(|reading| verb.contains(reading)) {
            return;
        }
        match (object, verb, owned("serial"), owned("target_user")) {
            ("authenticator", "delete", Some(serial), _) => {
                self.gone_authenticators.insert(serial);
            }
            ("user", "delete", _, Some(user)) => {
                let domain = owned("target_domain").unwrap_or_default();
                self.gone_users.insert((domain, user));
            }
            ("application", _, Some(serial), _) => {
                self.restated.insert((serial, owned("application")));
            }
            _ => {
                self.components |= object == "component";
                self.lost += 1;
            }
        }
    }
}

impl std::fmt::Debug for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Since({} records)", self.records)
    }
}
