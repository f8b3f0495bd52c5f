use super::check::Contents;
use super::secure::{Secured, secure};
use super::since::Facts;
use super::{About, BackupError, Since, Watch};
use crate::database::{Access, Database, Source};
use crate::dump::Inserts;
use crate::ledger::{Beginning, Ledger};
use crate::open::{author, open_keys};
use crate::rows::{key, setting};
use crate::transfer::running_but;
use crate::{OpenError, Options, marks, schema, state_file, trail};
use countersign_engine::audit::chain::Head;
use countersign_engine::time::Timestamp;
use countersign_keyring::RootKey;
use std::io::Read;
use std::sync::Arc;

/// A restore of a backup that [`super::verify`] has read to its end.
#[derive(Debug)]
pub struct Restore<'a> {
    /// Where the store is to lie, on which node.
    pub options: &'a Options,
    /// The root key that the store was made with.
    pub root: Arc<RootKey>,
    /// Replaces a store that is there.
    pub force: bool,
    /// What the audit says about it.
    pub reason: &'a str,
    /// What is known of the time since the backup.
    pub since: Option<Since>,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub about: About,
    /// Applications whose counter or last step was raised.
    pub raised: usize,
    /// Applications that want two values in a row at the next logon.
    pub doubted: usize,
    /// Accounts and authenticators that were deleted after the backup, and now are again.
    pub deleted: usize,
    /// API keys of components that ended.
    pub api_keys: usize,
    /// Commands that were done after the backup and whose effects are lost; none where nothing is known of them.
    pub lost: Option<u64>,
    /// The newest record of the exports.
    pub newest: Option<Timestamp>,
}

impl Restore<'_> {
    /// Puts a backup in place of what is there, in one transaction: after an error everything is as it was.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn run(self, input: impl Read, watch: Watch<'_>) -> Result<Restored, BackupError> {
        let contents = Contents::begin(input)?;
        let facts = self.since.map(Since::conclude).transpose()?;
        let options = self.options;
        let seen =
            state_file::read(&options.state_file).map_err(|reason| OpenError::StateFile {
                path: options.state_file.clone(),
                reason,
            })?;
        schema::check_file(&options.url)?;
        let database = Source::new(options.url.clone(), &options.node, options.wait)
            .open(Access::Write)
            .map_err(|error| OpenError::of(&options.url, error))?;
        let found = found(&database, options, self.force)?;
        let place = Place {
            database: &database,
            options,
            root: self.root,
            reason: self.reason,
        };
        database.begin()?;
        let done = place
            .replace(contents, found, facts.as_ref(), seen, watch)
            .and_then(|done| {
                database.commit()?;
                Ok(done)
            });
        if done.is_err() {
            database.rollback();
        }
        let (restored, head) = done?;
        if let Some(head) = head {
            state_file::write(&options.state_file, &head)?;
        }
        Ok(restored)
    }
}

/// The schema of the store that is there, if it may be replaced.
fn found(database: &Database, options: &Options, force: bool) -> Result<Option<i64>, BackupError> {
    if database.is_empty()? {
        return Ok(None);
    }
    let found = schema::version(database, &options.url)?;
    if !force {
        return Err(BackupError::NotEmpty(options.url.to_string()));
    }
    if database.has_table("node_report")?
        && let Some(node) = running_but(database.tx(), (options.clock)(), "")?.first()
    {
        return Err(BackupError::Running(node.name.clone()));
    }
    Ok(Some(found))
}

struct Place<'a> {
    database: &'a Database,
    options: &'a Options,
    root: Arc<RootKey>,
    reason: &'a str,
}

impl Place<'_> {
    fn replace<R: Read>(
        self,
        mut contents: Contents<R>,
        found: Option<i64>,
        facts: Option<&Facts>,
        seen: Option<Head>,
        watch: Watch<'_>,
    ) -> Result<(Restored, Option<Head>), BackupError> {
        let now = (self.options.clock)();
        if let Some(found) = found {
            schema::drop_all(self.database, found)?;
        }
        schema::make(self.database, contents.about.schema, now)?;
        schema::empty(self.database, contents.about.schema)?;
        self.load(&mut contents, watch)?;
        schema::make(self.database, schema::VERSION, now)?;
        let secured = secure(self.database.tx(), facts, now)?;
        setting::next_generation(self.database.tx())?;
        for mark in [marks::MOVED_TO, marks::MOVING, marks::INCOMING] {
            marks::remove(self.database.tx(), mark)?; // they spoke of the place the backup was made at
        }
        let head = self.begin_epoch(&contents.about, facts, seen, now)?;
        let Secured {
            raised,
            doubted,
            deleted,
            api_keys,
        } = secured;
        let restored = Restored {
            about: contents.about,
            raised,
            doubted,
            deleted,
            api_keys,
            lost: facts.map(|facts| facts.lost),
            newest: facts.and_then(|facts| facts.newest),
        };
        Ok((restored, head))
    }

    fn load<R: Read>(
        &self,
        contents: &mut Contents<R>,
        watch: Watch<'_>,
    ) -> Result<(), BackupError> {
        let tx = self.database.tx();
        let tables = contents.tables.clone();
        let mut open: Option<(&str, Inserts<'_>)> = None;
        contents.rows(watch, &mut |table, row| {
            if open.as_ref().is_none_or(|(name, _)| *name != table.name) {
                if let Some((_, inserts)) = &mut open {
                    inserts.write(tx)?;
                }
                let own = tables.iter().find(|own| own.name == table.name);
                open = own.map(|own| (own.name.as_str(), Inserts::into(own)));
            }
            if let Some((_, inserts)) = &mut open {
                inserts.add(tx, row)?;
            }
            Ok(())
        })?;
        if let Some((_, mut inserts)) = open {
            inserts.write(tx)?;
        }
        Ok(())
    }

    /// A whole epoch that says what happened, so that the next start finds a closed one.
    fn begin_epoch(
        self,
        about: &About,
        facts: Option<&Facts>,
        seen: Option<Head>,
        now: Timestamp,
    ) -> Result<Option<Head>, BackupError> {
        let tx = self.database.tx();
        let keyring = open_keys(tx, Arc::clone(&self.root), now)?;
        let author = Arc::new(author(tx, self.options, &keyring, now)?);
        key::put_node(tx, &self.options.node, &self.options.version, now)?;
        let abandoned = match seen {
            Some(head) if !trail::holds(tx, &head)? => Some(head),
            _ => None,
        };
        let why = Beginning::Restored(abandoned, self.told(about, facts));
        let mut ledger = Ledger::begin(tx, &author, now, &why)?;
        ledger.close(tx, now)?;
        Ok(ledger.remember.take())
    }

    fn told(&self, about: &About, facts: Option<&Facts>) -> String {
        let mut made = Vec::new();
        about.made.write_rfc3339(&mut made);
        let known = match facts {
            Some(_) => "with audit exports of the time since",
            None => "without audit exports of the time since",
        };
        let made = String::from_utf8_lossy(&made);
        format!(
            "restored from the backup of {made}, {known}: {}",
            self.reason
        )
    }
}
