//! A small world: a master and a second domain, units, policies, components, and records by name.

use crate::admin::needs::{AccountRef, AdminFacts, Count, Device};
use crate::admin::{AdminDecision, AdminStep, Caller, Command, Given, LOGON, Write, decide, needs};
use crate::decision::{Answer, Answers, Change, Question};
use crate::dice::Dice;
use crate::facts::{Account, Found, Place, Shut, Vault};
use crate::model::*;
use crate::policy::{PolicySet, predefined};
use crate::snapshot::{Components, Domains, Snapshot};
use crate::time::Timestamp;
use crate::{Secret, Status};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const KEY: &[u8] = b"12345678901234567890";

/// Sealing in this world is none.
#[derive(Debug)]
pub(crate) struct Open;

impl Vault for Open {
    fn open(&self, _: Place, sealed: &Sealed) -> Result<Secret, Shut> {
        Ok(Secret::new(sealed.0.to_vec()))
    }
}

pub(crate) fn sealed(plain: &[u8]) -> Sealed {
    Sealed(plain.into())
}

pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) accounts: Vec<Account>,
    pub(crate) devices: Vec<Authenticator>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) nodes: Vec<NodeRecord>,
    pub(crate) sync_run: Option<SyncRun>,
    pub(crate) counts: HashMap<&'static str, i64>,
    pub(crate) caller: Caller,
    /// What a back-end says.
    pub(crate) heard: Option<crate::back_end::Heard>,
}

fn meta() -> Meta {
    Meta {
        created: Timestamp::from_seconds(1_700_000_000),
        modified: Timestamp::from_seconds(1_700_000_000),
        record_version: 1,
        revision: 7,
    }
}

fn domain(key: i64, name: &str, master: bool) -> Domain {
    Domain {
        key: DomainKey(key),
        name: name.into(),
        folded: name.to_lowercase(),
        description: String::new(),
        master,
        meta: meta(),
    }
}

fn unit(key: i64, name: &str, parent: Option<i64>) -> (UnitKey, OrgUnit) {
    let unit = OrgUnit {
        key: UnitKey(key),
        domain: DomainKey(1),
        name: name.into(),
        folded: name.to_lowercase(),
        parent: parent.map(UnitKey),
        description: String::new(),
        meta: meta(),
    };
    (unit.key, unit)
}

pub(crate) fn component(kind: &str, location: Location, policy: &str) -> Component {
    Component {
        key: ComponentKey(1),
        kind: kind.into(),
        location,
        nas_id: String::new(),
        policy: policy.into(),
        enabled: true,
        description: String::new(),
        shared_secret: Some(sealed(b"secret")),
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: Default::default(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: meta(),
    }
}

pub(crate) fn network(address: &str) -> Location {
    Location::Network {
        address: address.parse().unwrap(),
        prefix: 32,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let policies = PolicySet::predefined();
        let rows = predefined::all()
            .iter()
            .zip(1..)
            .map(|(policy, row)| (policy.id.clone(), (PolicyKey(row), meta())))
            .collect();
        let kind = AuthenticatorType {
            key: 1,
            name: "fob".into(),
            description: String::new(),
            profile: "generic".into(),
            meta: meta(),
        };
        let snapshot = Snapshot {
            domains: Domains::new([
                domain(1, "master", true),
                domain(2, "Example.org", false),
                domain(3, "empty", false),
            ]),
            units: [
                unit(1, "Sales", None),
                unit(2, "Inner", Some(1)),
                unit(3, "Works", None),
            ]
            .into(),
            policies,
            policy_rows: rows,
            components: Components::new(
                vec![component("radius_client", network("192.0.2.1"), "local")],
                &HashMap::new(),
            ),
            types: vec![kind],
            ..Snapshot::default()
        };
        let mut admin = account(1, "admin", 1);
        admin.user.privileges = BTreeSet::from([LOGON.to_owned()]);
        let alice = account(2, "Alice", 1);
        let devices = vec![
            device(1, "0001", None, hotp()),
            device(2, "0002", Some(2), hotp()),
            device(3, "0003", None, totp()),
        ];
        let caller = Caller {
            user: UserKey(1),
            id: "admin".into(),
            domain: "master".into(),
            privileges: admin.user.privileges.clone(),
            session: Some(SessionKey([9; 32])),
            source: "127.0.0.1".into(),
            component_type: "admin_program".into(),
            request: [5; 16],
        };
        let mut world = Self {
            snapshot,
            accounts: vec![admin, alice, account(3, "bob", 1)],
            devices,
            sessions: Vec::new(),
            nodes: Vec::new(),
            sync_run: None,
            counts: HashMap::from([("administrators", 2)]),
            caller,
            heard: None,
        };
        world.settle();
        world
    }

    /// Gives each account the authenticators it owns.
    pub(crate) fn settle(&mut self) {
        for account in &mut self.accounts {
            account.owner = account.user.linked.unwrap_or(account.user.key);
            account.authenticators = self
                .devices
                .iter()
                .filter(|one| one.user == Some(account.owner))
                .cloned()
                .collect();
        }
    }

    pub(crate) fn account(&mut self, id: &str) -> &mut Account {
        self.accounts
            .iter_mut()
            .find(|account| account.user.folded == id)
            .unwrap()
    }

    pub(crate) fn device(&mut self, serial: &str) -> &mut Authenticator {
        self.devices
            .iter_mut()
            .find(|one| one.serial == serial)
            .unwrap()
    }

    fn found(&self, wanted: &AccountRef) -> Found {
        let is = |account: &&Account| match wanted {
            AccountRef::Named(domain, folded) => {
                account.user.domain == *domain && account.user.folded == *folded
            }
            AccountRef::Key(key) => account.user.key == *key,
        };
        self.accounts
            .iter()
            .find(is)
            .map_or(Found::Nobody, |account| {
                Found::Account(Arc::new(account.clone()))
            })
    }

    pub(crate) fn facts(&self, needs: &super::super::Needs) -> AdminFacts {
        let mut facts = AdminFacts::default();
        for wanted in &needs.accounts {
            let found = self.found(wanted);
            if let (true, Found::Account(account)) = (needs.linked, &found)
                && let Some(linked) = account.user.linked
            {
                facts.accounts.push((
                    AccountRef::Key(linked),
                    self.found(&AccountRef::Key(linked)),
                ));
            }
            facts.accounts.push((wanted.clone(), found));
        }
        for serial in &needs.authenticators {
            let one = self.devices.iter().find(|one| one.serial == *serial);
            if let Some(owner) = one.and_then(|one| one.user).filter(|_| needs.owners) {
                facts
                    .accounts
                    .push((AccountRef::Key(owner), self.found(&AccountRef::Key(owner))));
            }
            facts.authenticators.push((
                serial.clone(),
                one.map_or(Device::Nobody, |one| Device::Found(Arc::new(one.clone()))),
            ));
        }
        facts.sessions = self
            .sessions
            .iter()
            .filter(|session| needs.sessions.contains(&session.key))
            .cloned()
            .collect();
        for count in &needs.counts {
            let name = match count {
                Count::UsersOfDomain(DomainKey(3))
                | Count::AuthenticatorsOfDomain(DomainKey(3)) => "empty",
                Count::UsersOfDomain(_) => "users",
                Count::AuthenticatorsOfDomain(_)
                | Count::AuthenticatorsOfUnit(_)
                | Count::UsersOfUnit(_) => "content",
                Count::AuthenticatorsOfType(_) => "type",
                Count::LinkedTo(_) => "linked",
                Count::OwnedBy(_) => "owned",
                Count::Administrators => "administrators",
                Count::Sessions | Count::SessionsOf(_) => "sessions",
            };
            facts
                .counts
                .push((count.clone(), self.counts.get(name).copied().unwrap_or(0)));
        }
        if needs.nodes {
            facts.nodes.clone_from(&self.nodes);
        }
        facts.sync_run = self.sync_run.clone().filter(|_| needs.sync_run.is_some());
        facts
    }

    /// Decides a command; a question about an earlier password is answered by comparing, one for a verifier with `$` and
    /// the password.
    pub(crate) fn decide(&self, object: &str, verb: &str, body: Json) -> AdminDecision {
        let body: Map<String, Json> = serde_json::from_value(body).unwrap();
        let row = crate::admin::find(object, verb).unwrap_or_else(|| panic!("{object}/{verb}"));
        let command = match Command::read(row, &body) {
            Ok(command) => command,
            Err(refusal) => {
                return crate::admin::refuse(&self.caller, NOW, row, Map::new(), &refusal);
            }
        };
        let facts = self.facts(&needs(&command, &self.snapshot));
        let (dice, mut answers) = (Dice::new([3; 32]), Answers::default());
        loop {
            let given = Given {
                at: NOW,
                snapshot: &self.snapshot,
                facts: &facts,
                answers: &answers,
                dice: &dice,
                vault: &Open,
            };
            match decide(&self.caller, &command, given) {
                AdminStep::Done(decision) => return *decision,
                AdminStep::Ask(question) => {
                    let answer = match &question {
                        Question::Verify {
                            verifier,
                            candidate,
                        } => Answer::Is(verifier.expose() == hashed(candidate).expose()),
                        Question::Hash { password } => Answer::Hashed(hashed(password)),
                        Question::BackEnd(_) if self.heard.is_some() => {
                            Answer::BackEnd(Box::new(self.heard.clone().unwrap()))
                        }
                        other => panic!("{other:?}"),
                    };
                    answers.add(question, answer);
                }
            }
        }
    }

    /// The status of a command; every one leaves exactly one main record with that status.
    pub(crate) fn status(&self, object: &str, verb: &str, body: Json) -> i16 {
        let decision = self.decide(object, verb, body);
        let main = decision.records.first().unwrap();
        assert_eq!(main.status, Some(decision.status));
        assert_eq!(
            decision
                .records
                .iter()
                .filter(|record| record.status.is_some())
                .count(),
            1
        );
        assert_eq!(main.amid, self.caller.request);
        if decision.status != Status::SUCCESS {
            assert!(
                decision.changes.is_empty()
                    && decision.detail.is_some_and(|detail| !detail.is_empty())
            );
        }
        decision.status.number()
    }

    /// The writes of a command that is done.
    pub(crate) fn writes(&self, object: &str, verb: &str, body: Json) -> Vec<Write> {
        let decision = self.decide(object, verb, body);
        assert_eq!(decision.status, Status::SUCCESS, "{:?}", decision.detail);
        let writes = decision
            .changes
            .into_iter()
            .filter_map(|change| match change {
                Change::Write(write) => Some(write),
                _ => None,
            });
        writes.collect()
    }
}

pub(crate) fn hashed(password: &Secret) -> Secret {
    Secret::new([b"$", password.expose()].concat())
}

pub(crate) fn account(key: i64, id: &str, domain: i64) -> Account {
    let user = User {
        key: UserKey(key),
        domain: DomainKey(domain),
        id: id.into(),
        folded: crate::text::fold(id),
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: BTreeSet::new(),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta: meta(),
    };
    Account {
        user,
        state: UserState {
            version: 4,
            ..UserState::default()
        },
        authenticators: Vec::new(),
        attributes: Vec::new(),
        owner: UserKey(key),
    }
}

pub(crate) fn hotp() -> Algorithm {
    Algorithm::Hotp {
        hash: countersign_oath::Hash::Sha1,
        digits: 6,
    }
}

pub(crate) fn totp() -> Algorithm {
    Algorithm::Totp {
        hash: countersign_oath::Hash::Sha1,
        digits: 6,
        period: 30,
    }
}

pub(crate) fn device(
    key: i64,
    serial: &str,
    owner: Option<i64>,
    algorithm: Algorithm,
) -> Authenticator {
    let mut application = crate::admin::key_material::application(
        "RO",
        0,
        ApplicationKind::ResponseOnly,
        algorithm,
        5,
        NOW,
    );
    application.key = ApplicationKey(key * 10);
    application.secret = sealed(KEY);
    application.meta = meta();
    application.state.version = 11;
    application.state.initial = false;
    let mut one = crate::admin::table::plain(serial.into(), DomainKey(1), "fob", NOW);
    one.key = AuthenticatorKey(key);
    one.user = owner.map(UserKey);
    one.applications = vec![application];
    one.meta = meta();
    one
}
