//! Fills a store with accounts that hold one HOTP authenticator each, past the program's interface: a million in a minute or two.

use crate::server::DataDir;
use anyhow::{Context, Result, bail};
use countersign_engine::Secret;
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, DomainKey, Meta, PinSettings, Sealed, User, UserKey,
};
use countersign_engine::text::fold;
use countersign_oath::Hash;
use countersign_store::{Completion, Outcome, Store, Work};
use data_encoding::HEXLOWER;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// Accounts in one work, and works under way.
const PER_WORK: usize = 2_000;
const UNDER_WAY: usize = 4;

struct Done(Sender<Outcome>);

impl Completion for Done {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        results
            .into_iter()
            .for_each(|(_, outcome)| drop(self.0.send(outcome)));
    }
}

/// Adds the users of a list, and sets how many of them the node keeps in memory.
pub(crate) fn fill(data: &DataDir, users: &Path, cache: Option<usize>) -> Result<()> {
    let list =
        std::fs::read_to_string(users).with_context(|| format!("read {}", users.display()))?;
    let store = data.store()?;
    let domain = store
        .snapshot()
        .domains
        .master()
        .context("the store has no master domain")?
        .key;
    let lines: Vec<&str> = list.lines().collect();
    let (tell, told) = channel();
    let to: Arc<dyn Completion> = Arc::new(Done(tell));
    if let Some(cache) = cache {
        let setting = Change::Write(Write::Setting("cache.accounts", Some(cache.to_string())));
        committed(&store.commit(Work {
            token: 0,
            changes: vec![setting],
            records: Vec::new(),
            trace: Vec::new(),
        }))?;
    }
    let mut under_way = 0;
    for chunk in lines.chunks(PER_WORK) {
        if under_way == UNDER_WAY {
            committed(&told.recv()?)?;
            under_way -= 1;
        }
        submit(&store, domain, chunk, &to)?;
        under_way += 1;
    }
    for _ in 0..under_way {
        committed(&told.recv()?)?;
    }
    store.close();
    Ok(())
}

fn committed(outcome: &Outcome) -> Result<()> {
    match outcome {
        Outcome::Committed => Ok(()),
        other => bail!("fill the store: {other:?}"),
    }
}

fn submit(
    store: &Store,
    domain: DomainKey,
    lines: &[&str],
    to: &Arc<dyn Completion>,
) -> Result<()> {
    let mut changes = Vec::with_capacity(3 * lines.len());
    for (row, line) in (1..).zip(lines) {
        let mut fields = line.split(',');
        let (Some(name), Some(secret)) = (fields.next(), fields.next()) else {
            bail!("a line is no user: {line}")
        };
        let secret = Secret::new(HEXLOWER.decode(secret.as_bytes())?);
        changes.extend(account(domain, -row, name, secret).map(Change::Write));
    }
    let work = Work {
        token: 0,
        changes,
        records: Vec::new(),
        trace: Vec::new(),
    };
    if store.submit(vec![work], to).is_err() {
        bail!("hand the store its users: its queue is full");
    }
    Ok(())
}

fn account(domain: DomainKey, row: i64, name: &str, secret: Secret) -> [Write; 3] {
    let user = User {
        key: UserKey(row),
        domain,
        id: name.to_owned(),
        folded: fold(name),
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: Default::default(),
        last_logon: None,
        max_sessions: None,
        meta: Meta::default(),
    };
    let authenticator = Authenticator {
        key: AuthenticatorKey(row),
        serial: name.to_uppercase(),
        domain,
        org_unit: None,
        type_name: "HOTP".to_owned(),
        user: Some(UserKey(row)),
        assigned_at: None,
        reserved: false,
        grace_end: None,
        expires_at: None,
        starts_at: None,
        disabled_at: None,
        description: String::new(),
        backup_virtual: None,
        backup_until: None,
        backup_uses_left: None,
        applications: Vec::new(),
        meta: Meta::default(),
    };
    let application = Application {
        key: ApplicationKey(row),
        name: "OTP".to_owned(),
        index: 0,
        kind: ApplicationKind::ResponseOnly,
        active: true,
        secure_channel: false,
        host_code: false,
        confirm: false,
        algorithm: Algorithm::Hotp {
            hash: Hash::Sha1,
            digits: 6,
        },
        pin: PinSettings::default(),
        secret: Sealed(Box::default()),
        sealed_pin: None,
        state: ApplicationState::default(),
        meta: Meta::default(),
    };
    let application = Put::new(application).with("secret", Some(secret));
    [
        Write::User(Box::new(Put::new(user))),
        Write::Authenticator(Box::new(Put::new(authenticator))),
        Write::Application(AuthenticatorKey(row), Box::new(application)),
    ]
}
