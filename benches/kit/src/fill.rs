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

/// Adds the users of a list, and sets how many of them the node keeps in memory. Lines of one name are authenticators of
/// one user, if they stand together.
///
/// # Errors
/// The store refuses them.
pub fn fill(data: &DataDir, users: &Path, cache: Option<usize>) -> Result<()> {
    let list =
        std::fs::read_to_string(users).with_context(|| format!("read {}", users.display()))?;
    let store = data.store()?;
    let domain = store
        .snapshot()
        .domains
        .master()
        .context("the store has no master domain")?
        .key;
    let lines = lines(&list)?;
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
    for chunk in lines.chunk_by(|_, next| next.place % PER_WORK != 0 || !next.is_first) {
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

/// An authenticator of a list.
struct Line<'l> {
    place: usize,
    name: &'l str,
    secret: &'l str,
    /// Whether it is the first of its user.
    is_first: bool,
}

fn lines(list: &str) -> Result<Vec<Line<'_>>> {
    let mut before = "";
    let mut all = Vec::new();
    for (place, line) in list.lines().enumerate() {
        let mut fields = line.split(',');
        let (Some(name), Some(secret)) = (fields.next(), fields.next()) else {
            bail!("a line is no user: {line}")
        };
        all.push(Line {
            place,
            name,
            secret,
            is_first: name != std::mem::replace(&mut before, name),
        });
    }
    Ok(all)
}

fn submit(
    store: &Store,
    domain: DomainKey,
    lines: &[Line<'_>],
    to: &Arc<dyn Completion>,
) -> Result<()> {
    let mut changes = Vec::with_capacity(3 * lines.len());
    let (mut owner, mut number) = (0, 1);
    for (row, line) in (1..).zip(lines) {
        let secret = Secret::new(HEXLOWER.decode(line.secret.as_bytes())?);
        if line.is_first {
            (owner, number) = (-row, 1);
            changes.push(Write::User(Box::new(Put::new(user(
                domain, owner, line.name,
            )))));
        } else {
            number += 1;
        }
        let serial = if number == 1 {
            line.name.to_uppercase()
        } else {
            format!("{}-{number}", line.name.to_uppercase())
        };
        changes.extend(authenticator(domain, (-row, owner), serial, secret));
    }
    let work = Work {
        token: 0,
        changes: changes.into_iter().map(Change::Write).collect(),
        records: Vec::new(),
        trace: Vec::new(),
    };
    if store.submit(vec![work], to).is_err() {
        bail!("hand the store its users: its queue is full");
    }
    Ok(())
}

fn user(domain: DomainKey, row: i64, name: &str) -> User {
    User {
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
        ldap_owner: None,
        meta: Meta::default(),
    }
}

fn authenticator(
    domain: DomainKey,
    (row, owner): (i64, i64),
    serial: String,
    secret: Secret,
) -> [Write; 2] {
    let authenticator = Authenticator {
        key: AuthenticatorKey(row),
        serial,
        domain,
        org_unit: None,
        type_name: "HOTP".to_owned(),
        user: Some(UserKey(owner)),
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
        Write::Authenticator(Box::new(Put::new(authenticator))),
        Write::Application(AuthenticatorKey(row), Box::new(application)),
    ]
}
