//! A small deployment in a temporary folder.

use crate::{Options, Outcome, Store, StoreUrl, Work};
use countersign_engine::Secret;
use countersign_engine::admin::{Put, Write};
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::facts::{Account, Found};
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, Domain, DomainKey, Meta, PinSettings, Sealed, User, UserKey,
};
use countersign_engine::time::Timestamp;
use countersign_keyring::{RootKey, random};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const START: i64 = 1_700_000_000_000_000;

pub(crate) struct World {
    // Fields end in this order: the store while its database is there.
    pub(crate) store: Store,
    pub(super) folder: TempDir,
    pub(crate) options: Options,
    pub(crate) root: Arc<RootKey>,
    pub(super) now: Arc<AtomicI64>,
    _database: Option<Temporary>,
}

impl World {
    /// A store with one domain and nobody in it.
    pub(crate) fn new() -> Self {
        let world = Self::bare(
            tempfile::tempdir().unwrap(),
            Arc::new(RootKey::generate().unwrap()),
        );
        world.add_master();
        world
    }

    fn add_master(&self) {
        let domain = Domain {
            key: DomainKey(-1),
            name: "Master".to_owned(),
            folded: "master".to_owned(),
            description: String::new(),
            master: true,
            meta: Meta::default(),
        };
        self.done(vec![Change::Write(Write::Domain(Put::new(domain)))]);
    }

    pub(crate) fn bare(folder: TempDir, root: Arc<RootKey>) -> Self {
        let database = Temporary::new();
        let url = database.as_ref().map_or_else(
            || folder.path().join("countersign.db").into(),
            |database| database.url.clone(),
        );
        Self::at(url, database, folder, root)
    }

    /// As [`World::new`], on SQLite whatever the tests run on.
    pub(crate) fn in_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("countersign.db").into();
        let world = Self::at(url, None, folder, Arc::new(RootKey::generate().unwrap()));
        world.add_master();
        world
    }

    fn at(url: StoreUrl, database: Option<Temporary>, folder: TempDir, root: Arc<RootKey>) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let mut options = Options::new(
            url,
            folder.path().join("node-state.json"),
            "node-1",
            "0.1.0",
        );
        options.clock = Arc::new(move || Timestamp(clock.load(Ordering::SeqCst)));
        options.wait = Duration::from_millis(if database.is_some() { 5000 } else { 200 });
        let store = Store::open(&options, Arc::clone(&root)).unwrap();
        Self {
            _database: database,
            folder,
            options,
            root,
            now,
            store,
        }
    }

    /// The file of the store, for tests that are about it.
    pub(crate) fn file(&self) -> &Path {
        self.options.url.file().unwrap()
    }

    /// Closes the store and opens it anew.
    pub(crate) fn reopen(&mut self) {
        self.store.close();
        self.store = Store::open(&self.options, Arc::clone(&self.root)).unwrap();
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    pub(crate) fn domain(&self) -> DomainKey {
        self.store.snapshot().domains.master().unwrap().key
    }

    pub(crate) fn work(&self, changes: Vec<Change>) -> Work {
        let amid = crate::amid::new(self.now(), random::random().unwrap());
        Work {
            token: 0,
            changes,
            records: vec![Record::new(Code::AUTH_ACCEPTED, amid, self.now())],
            trace: amid.to_vec(),
        }
    }

    pub(crate) fn commit(&self, changes: Vec<Change>) -> Outcome {
        self.store.commit(self.work(changes))
    }

    pub(crate) fn done(&self, changes: Vec<Change>) {
        assert_eq!(self.commit(changes), Outcome::Committed);
    }

    /// A user with one HOTP authenticator.
    pub(crate) fn add_user(&self, name: &str) {
        let domain = self.domain();
        let user = Write::User(Box::new(
            Put::new(user(domain, name)).with("password", Some(Secret::new("$argon2id$verifier"))),
        ));
        let device = Write::Authenticator(Box::new(Put::new(authenticator(
            domain,
            &format!("SN-{}", name.to_uppercase()),
            UserKey(-1),
        ))));
        let app = Put::new(application()).with("secret", Some(Secret::new("12345678901234567890")));
        self.done(vec![
            Change::Write(user),
            Change::Write(device),
            Change::Write(Write::Application(AuthenticatorKey(-1), Box::new(app))),
        ]);
    }

    pub(crate) fn account(&self, name: &str) -> Arc<Account> {
        match self.store.account(self.domain(), name).unwrap() {
            Found::Account(account) => account,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What the database has, whatever memory says.
    pub(crate) fn stored(&self, name: &str) -> Arc<Account> {
        match self.store.account_now(self.domain(), name).unwrap() {
            Found::Account(account) => account,
            other => panic!("{name}: {other:?}"),
        }
    }
}

pub(crate) fn user(domain: DomainKey, name: &str) -> User {
    User {
        key: UserKey(-1),
        domain,
        id: name.to_owned(),
        folded: countersign_engine::text::fold(name),
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: std::collections::BTreeSet::new(),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta: Meta::default(),
    }
}

pub(crate) fn authenticator(domain: DomainKey, serial: &str, owner: UserKey) -> Authenticator {
    Authenticator {
        key: AuthenticatorKey(-1),
        serial: serial.to_owned(),
        domain,
        org_unit: None,
        type_name: "HOTP".to_owned(),
        user: Some(owner),
        assigned_at: None,
        reserved: false,
        grace_end: None,
        expires_at: None,
        starts_at: None,
        disabled_at: None,
        description: "Blue Key".to_owned(),
        backup_virtual: None,
        backup_until: None,
        backup_uses_left: None,
        applications: Vec::new(),
        meta: Meta::default(),
    }
}

pub(crate) fn application() -> Application {
    Application {
        key: ApplicationKey(-1),
        name: "RO".to_owned(),
        index: 0,
        kind: ApplicationKind::ResponseOnly,
        active: true,
        secure_channel: false,
        host_code: false,
        confirm: false,
        algorithm: Algorithm::Hotp {
            hash: "SHA1".parse().unwrap(),
            digits: 6,
        },
        pin: PinSettings::default(),
        secret: Sealed(Box::default()),
        sealed_pin: None,
        state: ApplicationState {
            initial: true,
            ..ApplicationState::default()
        },
        meta: Meta::default(),
    }
}

/// What a plain logon writes: the next counter, guarded by the version it was decided on.
pub(crate) fn count_up(account: &Account) -> Change {
    let app = &account.authenticators[0].applications[0];
    let guard = app.state.version;
    Change::Application {
        key: app.key,
        guard,
        to: ApplicationState {
            version: guard + 1,
            counter: app.state.counter + 1,
            initial: false,
            ..app.state
        },
    }
}

pub(crate) fn counter(account: &Account) -> u64 {
    account.authenticators[0].applications[0].state.counter
}

/// A database of its own on the PostgreSQL server that COUNTERSIGN_TEST_POSTGRES names, such as
/// postgres://postgres@127.0.0.1:5432; it is dropped at the end. Without the variable the tests run on SQLite.
struct Temporary {
    server: StoreUrl,
    url: StoreUrl,
    name: String,
}

impl Temporary {
    fn new() -> Option<Self> {
        let base = std::env::var("COUNTERSIGN_TEST_POSTGRES").ok()?;
        let random: [u8; 8] = random::random().unwrap();
        let name = format!("store_test_{}", data_encoding::HEXLOWER.encode(&random));
        let at = |database: &str| StoreUrl::parse(&format!("{base}/{database}"), Path::new(""));
        let own = Self {
            server: at("postgres").unwrap(),
            url: at(&name).unwrap(),
            name,
        };
        own.run("CREATE DATABASE");
        Some(own)
    }

    fn run(&self, command: &str) {
        let wait = Duration::from_secs(60);
        let source = crate::database::Source::new(self.server.clone(), "test", wait);
        let database = source.open(crate::database::Access::Write).unwrap();
        let name = &self.name;
        let force = if command.starts_with("DROP") {
            " WITH (FORCE)"
        } else {
            ""
        };
        database
            .tx()
            .script(&format!("{command} {name}{force}"))
            .unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.run("DROP DATABASE");
    }
}
