//! A small deployment: one domain, one component, one user, and a store that keeps what decisions change.

use crate::Secret;
use crate::admin::{Put, Write};
use crate::attempt::{
    Answered, Attempt, AuthType, Credentials, Envelope, HostCode, Proof, Separate, Unreadable, Via,
};
use crate::authenticate::{decide, wanted};
use crate::back_end::{self, BackEnds, Heard, Password, Resolved, Said, Wanted};
use crate::decision::{Answer, Answers, Change, Decision, Grant, Question, Step, Verdict};
use crate::dice::Dice;
use crate::facts::{Account, Facts, Found, Place, Shut, Vault};
use crate::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, AuthenticatorType, BackEnd, BackEndKey, Challenge, ChallengeKey, Charset,
    Component, ComponentKey, Domain, DomainKey, Location, Meta, NotHandled, PinSettings, Protocol,
    Sealed, StoredPassword, User, UserKey, UserState,
};
use crate::policy::{Policy, PolicySet, predefined};
use crate::settings::Settings;
use crate::snapshot::{Components, Domains, Snapshot};
use crate::time::Timestamp;
use countersign_oath::ocra::{DataInput, Suite, compute};
use countersign_oath::{Hash, hotp, totp};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const KEY: &[u8] = b"12345678901234567890";
pub(super) const SERIAL: &str = "0097123456";
/// The moment of the worked example of authentication.md 8.1: step 56 666 667 of 30 s.
pub(super) const NOON: i64 = 1_700_000_010;

/// Opens everything whose place fits; a sealed value is its place, a zero byte and the plain value.
#[derive(Debug)]
pub(super) struct Glass;

impl Vault for Glass {
    fn open(&self, place: Place, sealed: &Sealed) -> Result<Secret, Shut> {
        let lead = format!("{} {} {}\0", place.table, place.id, place.field);
        sealed
            .0
            .strip_prefix(lead.as_bytes())
            .map(Secret::new)
            .ok_or(Shut)
    }
}

pub(super) fn seal(table: &str, id: i64, field: &str, plain: &[u8]) -> Sealed {
    Sealed(
        [format!("{table} {id} {field}\0").as_bytes(), plain]
            .concat()
            .into(),
    )
}

/// A hash whose plaintext is known to the test.
#[derive(Debug)]
pub(super) struct Plain(pub(super) String);

impl Proof for Plain {
    fn matches(&self, candidate: &[u8]) -> bool {
        candidate == self.0.as_bytes()
    }
}

/// What is sent; the rest is as in an ordinary request.
#[derive(Debug, Default, Clone)]
pub(super) struct Ask {
    pub(super) via: Option<Via>,
    pub(super) user: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) combined: Option<String>,
    pub(super) unreadable: bool,
    pub(super) hashed: Option<String>,
    pub(super) static_password: Option<String>,
    pub(super) otp: Option<String>,
    pub(super) pin: Option<String>,
    pub(super) new_pin: Option<(String, String)>,
    pub(super) new_password: Option<(String, String)>,
    pub(super) key: Option<ChallengeKey>,
    pub(super) bad_key: bool,
    pub(super) challenge: Option<String>,
    pub(super) response: Option<String>,
    pub(super) auth_type: AuthType,
    pub(super) host_code: HostCode,
    pub(super) serial: Option<String>,
    pub(super) call_check: bool,
    pub(super) envelope: Option<Result<OwnEnvelope, &'static str>>,
    /// A new password that is said once.
    pub(super) new_sole: Option<String>,
}

/// What an encrypted change says of itself.
#[derive(Debug, Clone)]
pub(super) struct OwnEnvelope {
    pub(super) user: String,
    pub(super) domain: Option<String>,
    pub(super) made: Timestamp,
    pub(super) id: String,
}

impl Ask {
    pub(super) fn combined(value: &str) -> Self {
        Self {
            combined: Some(value.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn hashed(value: &str) -> Self {
        Self {
            hashed: Some(value.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn otp(value: &str) -> Self {
        Self {
            otp: Some(value.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn answer(key: ChallengeKey, response: &str) -> Self {
        Self {
            key: Some(key),
            response: Some(response.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn radius(mut self) -> Self {
        self.via = Some(Via::Radius);
        self
    }

    /// Everything that was typed.
    pub(super) fn typed(&self) -> Vec<&str> {
        let pairs = [&self.new_pin, &self.new_password];
        let single = [
            &self.combined,
            &self.hashed,
            &self.static_password,
            &self.otp,
            &self.pin,
            &self.response,
        ];
        let single = single.into_iter().filter_map(|one| one.as_deref());
        single
            .chain(
                pairs
                    .into_iter()
                    .flatten()
                    .flat_map(|(first, second)| [first.as_str(), second.as_str()]),
            )
            .collect()
    }
}

#[derive(Clone)]
pub(super) struct World {
    values: Json,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) component: Component,
    pub(super) account: Option<Account>,
    pub(super) unreadable: Option<crate::Status>,
    pub(super) challenges: Vec<Challenge>,
    pub(super) outstanding: i64,
    pub(super) at: Timestamp,
    pub(super) asked: Vec<Question>,
    pub(super) busy: bool,
    pub(super) sent: u8,
    /// Who answers for the back-ends; nobody can be asked without.
    pub(super) directory: Option<Directory>,
    /// Authenticators that belong to nobody.
    pub(super) pool: Vec<Authenticator>,
    /// The protocol of the one back-end record, where there is one.
    back_end: Option<Protocol>,
    settings: Vec<(String, String)>,
}

/// Back-ends whose answers a test scripts.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    /// Passwords and responses with their answers; all others are rejected.
    pub(super) says: HashMap<String, Said>,
    /// The answer to a hash.
    pub(super) to_hash: Said,
    pub(super) groups: Said,
    pub(super) info: Said,
    pub(super) resolved: HashMap<String, Resolved>,
    /// No server answers anything.
    pub(super) down: bool,
}

impl Directory {
    /// One that accepts this password.
    pub(super) fn of(password: &str) -> Self {
        Self {
            says: HashMap::from([(password.to_owned(), accepted())]),
            to_hash: Said::HashRefused,
            groups: Said::Member(false),
            info: Said::Unsupported,
            resolved: HashMap::new(),
            down: false,
        }
    }

    pub(super) fn says(mut self, password: &str, said: Said) -> Self {
        self.says.insert(password.to_owned(), said);
        self
    }

    fn heard(&self, ask: &back_end::Ask) -> Heard {
        let of = |typed: &Secret| {
            let typed = std::str::from_utf8(typed.expose()).unwrap();
            self.says.get(typed).cloned().unwrap_or(Said::Rejected)
        };
        let said = match &ask.wanted {
            _ if self.down => Said::Unreachable,
            Wanted::Authenticate(Password::Known(typed)) => of(typed),
            Wanted::Authenticate(Password::AsReceived) => self.to_hash.clone(),
            Wanted::Respond { response, .. } => of(response),
            Wanted::Groups(_) => self.groups.clone(),
            Wanted::UserInfo => self.info.clone(),
            Wanted::Resolve => Said::Resolved(self.resolved.get(&ask.user).cloned()),
            Wanted::Change { .. } => Said::Unsupported,
        };
        Heard {
            server: "dc1".to_owned(),
            note: format!("bind: {}", if self.down { "no answer" } else { "52e" }),
            said,
        }
    }
}

/// A yes with nothing besides.
pub(super) fn accepted() -> Said {
    Said::Accepted(Box::default())
}

impl World {
    /// A world whose component has a policy on top of `base` with these values.
    pub(super) fn new(values: Json) -> Self {
        let mut world = Self {
            snapshot: Arc::default(),
            values,
            component: component(),
            account: Some(account()),
            unreadable: None,
            challenges: Vec::new(),
            outstanding: 0,
            at: Timestamp::from_seconds(NOON),
            asked: Vec::new(),
            busy: false,
            sent: 0,
            directory: None,
            pool: Vec::new(),
            back_end: None,
            settings: Vec::new(),
        };
        world.rebuild(&json!({}));
        world
    }

    /// The world with a directory behind it.
    pub(super) fn behind(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The world with one back-end record of a protocol.
    pub(super) fn with_record(mut self, protocol: Protocol) -> Self {
        self.back_end = Some(protocol);
        self.rebuild(&json!({}));
        self
    }

    /// The passwords that a back-end was shown by the last attempt.
    pub(super) fn shown(&self) -> Vec<String> {
        let shown = self.asked.iter().filter_map(|question| match question {
            Question::BackEnd(ask) => match &ask.wanted {
                Wanted::Authenticate(Password::Known(typed)) => {
                    Some(String::from_utf8(typed.expose().to_vec()).unwrap())
                }
                Wanted::Authenticate(Password::AsReceived) => Some("(hash)".to_owned()),
                _ => None,
            },
            _ => None,
        });
        shown.collect()
    }

    fn rebuild(&mut self, base: &Json) {
        let settings: Vec<_> = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut snapshot = snapshot(&self.values, base, &settings, self.component.clone());
        snapshot.back_ends = BackEnds::new(self.back_end.clone().map(record), Vec::new());
        snapshot.types = ["soft", "hard"].map(authenticator_type).to_vec();
        self.snapshot = Arc::new(snapshot);
    }

    /// The world with other values in `base` too, from which the server's policy inherits.
    pub(super) fn rules(&mut self, values: &Json, base: &Json) -> &mut Self {
        self.values = values.clone();
        self.rebuild(base);
        self
    }

    /// The world with other policy values.
    pub(super) fn policy(&mut self, values: Json) -> &mut Self {
        self.values = values;
        self.rebuild(&json!({}));
        self
    }

    pub(super) fn with_settings(mut self, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.settings = settings.iter().map(owned).collect();
        self.rebuild(&json!({}));
        self
    }

    pub(super) fn with_hotp(mut self) -> Self {
        self.add(hotp_application(1));
        self
    }

    pub(super) fn with_totp(mut self) -> Self {
        self.add(totp_application(1));
        self
    }

    pub(super) fn with_pin(mut self, pin: Option<&str>) -> Self {
        let application = self.application_mut();
        application.pin = PinSettings {
            supported: true,
            enabled: true,
            ..PinSettings::default()
        };
        application.sealed_pin =
            pin.map(|pin| seal("application", application.key.0, "pin", pin.as_bytes()));
        self
    }

    /// A challenge application of a suite.
    pub(super) fn with_suite(mut self, suite: &str) -> Self {
        let key = 1 + i64::try_from(self.account().authenticators.len()).unwrap();
        let suite: Suite = suite.parse().unwrap();
        let application = Application {
            kind: ApplicationKind::ChallengeResponse,
            algorithm: Algorithm::Ocra(Box::new(suite)),
            ..hotp_application(key)
        };
        self.add(application);
        self
    }

    pub(super) fn with_password(mut self, password: &str) -> Self {
        self.set_password(password, false);
        self
    }

    pub(super) fn with_copy(mut self, password: &str) -> Self {
        self.set_password(password, true);
        self
    }

    fn set_password(&mut self, password: &str, copy: bool) {
        let at = self.at;
        self.account_mut().user.password = Some(StoredPassword {
            verifier: seal("user", 1, "password", format!("phc:{password}").as_bytes()),
            copy: copy.then(|| seal("user", 1, "password_copy", password.as_bytes())),
            history: None,
            set_at: at,
        });
    }

    /// Adds an authenticator with one application.
    pub(super) fn add(&mut self, application: Application) -> &mut Authenticator {
        let authenticators = &mut self.account_mut().authenticators;
        let key = application.key.0;
        authenticators.push(authenticator(key, application));
        authenticators.last_mut().unwrap()
    }

    pub(super) fn account(&self) -> &Account {
        self.account.as_ref().unwrap()
    }

    pub(super) fn account_mut(&mut self) -> &mut Account {
        self.account.as_mut().unwrap()
    }

    pub(super) fn authenticator_mut(&mut self) -> &mut Authenticator {
        self.account_mut().authenticators.first_mut().unwrap()
    }

    pub(super) fn application_mut(&mut self) -> &mut Application {
        self.authenticator_mut().applications.first_mut().unwrap()
    }

    pub(super) fn state(&self) -> ApplicationState {
        self.account().authenticators[0].applications[0].state
    }

    pub(super) fn user(&self) -> UserState {
        self.account().state
    }

    pub(super) fn later(&mut self, seconds: i64) -> &mut Self {
        self.at = self.at.plus_seconds(seconds);
        self
    }

    /// Sends a combined value over JSON; its status.
    pub(super) fn try_value(&mut self, value: &str) -> i16 {
        status(&self.send(&Ask::combined(value)))
    }

    pub(super) fn try_ask(&mut self, ask: &Ask) -> i16 {
        status(&self.send(ask))
    }

    /// Decides an attempt, answers its questions, and commits the decision.
    pub(super) fn send(&mut self, ask: &Ask) -> Decision {
        self.sent = self.sent.wrapping_add(1);
        let decision = self.decided(ask);
        self.commit(&decision);
        decision
    }

    /// The step of an attempt with these answers; the world stays as it is.
    pub(super) fn step(&self, ask: &Ask, answers: &Answers) -> Step {
        let secrets = Secrets::of(ask);
        let proof = Plain(ask.hashed.clone().unwrap_or_default());
        let mut id = [7; 16];
        id[0] = self.sent;
        let attempt = Attempt {
            id,
            request_id: None,
            at: self.at,
            via: ask.via.unwrap_or(Via::Authenticate),
            component: &self.component,
            policy: self.snapshot.policy(&self.component.policy),
            source: "192.0.2.7".parse().unwrap(),
            nas: None,
            user: Ok(ask.user.as_deref().unwrap_or("alice")),
            domain: ask.domain.as_deref(),
            credentials: secrets.credentials(ask, &proof),
            answers_challenge: Answered {
                key: if ask.bad_key {
                    Some(Err(Unreadable))
                } else {
                    ask.key.map(Ok)
                },
                challenge: ask.challenge.as_deref(),
                response: secrets.response.as_ref(),
            },
            auth_type: ask.auth_type,
            host_code: ask.host_code,
            serial: ask.serial.as_deref(),
            challenge_message: None,
            call_check: ask.call_check,
        };
        let wanted = wanted(&attempt, &self.snapshot, answers);
        let account = match (&wanted.account, &self.account, self.unreadable) {
            (Some(_), _, Some(status)) => Found::Unreadable(status, "user 1".to_owned()),
            (Some((_, name)), Some(account), None) if *name == account.user.folded => {
                Found::Account(Arc::new(account.clone()))
            }
            _ => Found::Nobody,
        };
        let loaded = |one: &&Challenge| {
            wanted.challenge == Some(one.key)
                || wanted.challenges_of_user && one.user == Some(UserKey(1))
        };
        let challenges: Vec<_> = self.challenges.iter().filter(loaded).cloned().collect();
        let facts = Facts {
            snapshot: &self.snapshot,
            account: &account,
            challenges: &challenges,
            outstanding: self.outstanding,
            vault: &Glass,
        };
        decide(&attempt, &facts, answers, &Dice::new([self.sent; 32]))
    }

    pub(super) fn decided(&mut self, ask: &Ask) -> Decision {
        let mut answers = Answers::default();
        self.asked.clear();
        for _ in 0..50 {
            match self.step(ask, &answers) {
                Step::Done(decision) => {
                    let shown = self.shown();
                    assert!(shown.len() <= 1, "one password a request: {shown:?}");
                    return *decision;
                }
                Step::Ask(question) => {
                    let answer = self.answer(&question);
                    self.asked.push(question.clone());
                    answers.add(question, answer);
                }
            }
        }
        panic!("asks for ever: {:?}", self.asked);
    }

    pub(super) fn answer(&self, question: &Question) -> Answer {
        match question {
            _ if self.busy => Answer::Busy,
            Question::Verify {
                verifier,
                candidate,
            } => Answer::Is(verifier.expose() == [b"phc:", candidate.expose()].concat()),
            Question::Hash { password } => {
                Answer::Hashed(Secret::new([b"phc:", password.expose()].concat()))
            }
            Question::BackEnd(ask) => match &self.directory {
                Some(directory) => Answer::BackEnd(Box::new(directory.heard(ask))),
                None => Answer::NotOffered,
            },
            Question::Serial { domain, serial } => {
                let all = self.account.iter().flat_map(|one| &one.authenticators);
                let found = all
                    .chain(&self.pool)
                    .find(|one| one.serial == *serial && one.domain == *domain);
                Answer::Authenticator(found.cloned().map(Arc::new))
            }
            Question::Free(wanted) => {
                let free = |one: &&Authenticator| {
                    let typed = |list: &[String]| list.is_empty() || list.contains(&one.type_name);
                    one.user.is_none() && !one.reserved && typed(&wanted.types)
                };
                let near = |unit: &Option<crate::model::UnitKey>| {
                    self.pool
                        .iter()
                        .filter(free)
                        .find(|one| one.org_unit == *unit)
                };
                let found = wanted.units.iter().find_map(near);
                Answer::Authenticator(found.cloned().map(Arc::new))
            }
            Question::Deliver | Question::Push => Answer::NotOffered,
        }
    }

    /// Does what the store does; a guard that does not hold is a fault of the test.
    pub(super) fn commit(&mut self, decision: &Decision) {
        for change in &decision.changes {
            match change.clone() {
                Change::Application { key, guard, to } => {
                    let state = &mut self.application(key).state;
                    assert_eq!((state.version, to.version), (guard, guard + 1));
                    *state = to;
                }
                Change::User { guard, to, .. } => {
                    let state = &mut self.account_mut().state;
                    assert_eq!((state.version, to.version), (guard, guard + 1));
                    *state = to;
                }
                Change::Pin { key, pin } => {
                    self.application(key).sealed_pin =
                        Some(seal("application", key.0, "pin", pin.expose()));
                }
                Change::Password { password, .. } => {
                    let history: Vec<_> = password
                        .history
                        .iter()
                        .map(|one| String::from_utf8(one.expose().to_vec()).unwrap())
                        .collect();
                    self.account_mut().user.password = Some(StoredPassword {
                        verifier: seal("user", 1, "password", password.verifier.expose()),
                        copy: password
                            .copy
                            .map(|copy| seal("user", 1, "password_copy", copy.expose())),
                        history: Some(seal(
                            "user",
                            1,
                            "password_history",
                            json!(history).to_string().as_bytes(),
                        )),
                        set_at: password.set_at,
                    });
                }
                Change::EndGrace { key, day } => self
                    .account_mut()
                    .authenticators
                    .iter_mut()
                    .filter(|one| one.key == key)
                    .for_each(|one| one.grace_end = Some(day)),
                Change::PutChallenge(challenge) => self.challenges.push(*challenge),
                Change::TakeChallenge { key, guard } => {
                    let place = self
                        .challenges
                        .iter()
                        .position(|one| one.key == key && one.version == guard)
                        .unwrap();
                    self.challenges.remove(place);
                }
                Change::WrongAnswer { key, guard } => {
                    let challenge = self
                        .challenges
                        .iter_mut()
                        .find(|one| one.key == key && one.version == guard)
                        .unwrap();
                    challenge.wrong += 1;
                    challenge.version += 1;
                }
                Change::Write(Write::User(put)) => self.write_user(*put),
                Change::Write(Write::Authenticator(put)) => self.write_authenticator(&put.record),
                Change::Write(Write::Application(_, put)) => {
                    let application = self.application(put.record.key);
                    for (field, secret) in put.secrets {
                        assert_eq!((field, secret), ("pin", None));
                        application.sealed_pin = None;
                    }
                }
                Change::KeepAnswer(_) | Change::Write(_) => panic!("no change of an attempt"),
            }
        }
    }

    fn write_user(&mut self, put: Put<User>) {
        let mut user = put.record;
        let Some(revision) = put.guard else {
            assert!(self.account.is_none(), "the account is there already");
            for (field, secret) in put.secrets {
                let sealed = secret.map(|secret| seal("user", 1, field, secret.expose()));
                let stored = user.password.get_or_insert_with(|| StoredPassword {
                    verifier: Sealed(Box::default()),
                    copy: None,
                    history: None,
                    set_at: self.at,
                });
                match field {
                    "password" => stored.verifier = sealed.unwrap(),
                    "password_copy" => stored.copy = sealed,
                    other => panic!("{other}"),
                }
            }
            user.key = UserKey(1);
            self.account = Some(Account {
                user,
                owner: UserKey(1),
                state: UserState::default(),
                authenticators: Vec::new(),
                attributes: Vec::new(),
            });
            return;
        };
        let account = self.account_mut();
        assert_eq!(account.user.meta.revision, revision);
        user.meta.revision += 1;
        account.user = user;
    }

    /// Gives an authenticator of the pool to the account.
    fn write_authenticator(&mut self, record: &Authenticator) {
        assert!(record.user.is_some());
        let place = self
            .pool
            .iter()
            .position(|one| one.key == record.key)
            .unwrap();
        let mut one = self.pool.remove(place);
        // Its applications were written by other changes.
        one.user = Some(UserKey(1));
        (one.assigned_at, one.grace_end, one.org_unit) =
            (record.assigned_at, record.grace_end, record.org_unit);
        self.account_mut().authenticators.push(one);
    }

    fn application(&mut self, key: ApplicationKey) -> &mut Application {
        let own = self
            .account
            .iter_mut()
            .flat_map(|one| &mut one.authenticators);
        let all = own
            .chain(&mut self.pool)
            .flat_map(|one| &mut one.applications);
        all.into_iter().find(|one| one.key == key).unwrap()
    }

    /// The TOTP value `steps` away from the server's step.
    pub(super) fn totp(&self, steps: i64) -> String {
        let step = totp::step(self.at.unix(), 30)
            .checked_add_signed(steps)
            .unwrap();
        hotp(KEY, step, Hash::Sha1, 6).as_str().to_owned()
    }

    /// The response of the first application to a question.
    pub(super) fn response(&self, question: &str) -> String {
        let Algorithm::Ocra(suite) = &self.account().authenticators[0].applications[0].algorithm
        else {
            panic!("no suite")
        };
        respond(suite, question, self.state().counter, self.at)
    }
}

pub(super) fn respond(suite: &Suite, question: &str, counter: u64, at: Timestamp) -> String {
    let step = suite.time().map(|step| step.at(at.unix()));
    let input = DataInput {
        counter: Some(counter),
        step,
        ..DataInput::new(countersign_oath::ocra::Question::Single(question))
    };
    compute(suite, KEY, &input)
        .unwrap()
        .code()
        .unwrap()
        .as_str()
        .to_owned()
}

/// The HOTP value of the key of all tests.
pub(super) fn value(counter: u64) -> String {
    hotp(KEY, counter, Hash::Sha1, 6).as_str().to_owned()
}

/// A value that none of the first thousand counters has.
pub(super) const WRONG: &str = "000000";

pub(super) fn status(decision: &Decision) -> i16 {
    match &decision.verdict {
        Verdict::Accept(_) => 0,
        Verdict::Refuse { status, .. } => status.number(),
        Verdict::Challenge(asked) => asked.status.number(),
    }
}

pub(super) fn grant(decision: Decision) -> Grant {
    match decision.verdict {
        Verdict::Accept(grant) => *grant,
        other => panic!("no accept: {other:?}"),
    }
}

pub(super) fn asked(decision: &Decision) -> crate::decision::Asked {
    match &decision.verdict {
        Verdict::Challenge(asked) => asked.as_ref().clone(),
        Verdict::Accept(grant) => grant.challenge.clone().unwrap(),
        Verdict::Refuse { .. } => panic!("no challenge: {:?}", decision.verdict),
    }
}

/// The audit codes of a decision, main record first.
pub(super) fn codes(decision: &Decision) -> Vec<String> {
    decision
        .records
        .iter()
        .map(|record| record.code.to_string())
        .collect()
}

struct Secrets {
    combined: Option<Secret>,
    fields: [Option<Secret>; 7],
    response: Option<Secret>,
}

impl Secrets {
    fn of(ask: &Ask) -> Self {
        let secret = |text: &String| Secret::new(text.as_str());
        let (new_pin, confirm_pin) = ask.new_pin.clone().unzip();
        let (new, confirm) = ask.new_password.clone().unzip();
        let new = new.or(ask.new_sole.clone());
        let fields = [
            ask.static_password.clone(),
            ask.otp.clone(),
            ask.pin.clone(),
            new_pin,
            confirm_pin,
            new,
            confirm,
        ];
        Self {
            combined: ask.combined.as_ref().map(secret),
            fields: fields.map(|one| one.as_ref().map(secret)),
            response: ask.response.as_ref().map(secret),
        }
    }

    fn credentials<'a>(&'a self, ask: &'a Ask, proof: &'a Plain) -> Credentials<'a> {
        if ask.unreadable {
            return Credentials::Combined(Err(Unreadable));
        }
        if ask.hashed.is_some() {
            return Credentials::Hashed {
                protocol: "mschapv2",
                proof,
            };
        }
        if let Some(value) = &self.combined {
            return Credentials::Combined(Ok(value));
        }
        if self.fields.iter().all(Option::is_none) && ask.envelope.is_none() {
            return Credentials::None;
        }
        let [
            static_password,
            otp,
            pin,
            new_pin,
            confirm_new_pin,
            new_password,
            confirm_new_password,
        ] = self.fields.each_ref().map(Option::as_ref);
        Credentials::Separate(Separate {
            static_password,
            otp,
            pin,
            new_pin,
            confirm_new_pin,
            new_password,
            confirm_new_password,
            envelope: ask.envelope.as_ref().map(|envelope| match envelope {
                Ok(envelope) => Ok(Envelope {
                    user: &envelope.user,
                    domain: envelope.domain.as_deref(),
                    made: envelope.made,
                    id: &envelope.id,
                }),
                Err(why) => Err(*why),
            }),
        })
    }
}

fn snapshot(
    values: &Json,
    base: &Json,
    settings: &[(&str, &str)],
    component: Component,
) -> Snapshot {
    let mut policy = Policy::new("test", Some("base")).unwrap();
    policy.apply(values.as_object().unwrap()).unwrap();
    let mut predefined: Vec<_> = predefined::all().into_iter().collect();
    predefined
        .iter_mut()
        .filter(|one| one.id == "base")
        .for_each(|one| one.apply(base.as_object().unwrap()).unwrap());
    let stored = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let domain = |key, name: &str| Domain {
        key: DomainKey(key),
        name: name.to_owned(),
        folded: crate::text::fold(name),
        description: String::new(),
        master: key == 1,
        meta: Meta::default(),
    };
    Snapshot {
        domains: Domains::new([domain(1, "master"), domain(2, "Sales")]),
        policies: PolicySet::new(predefined.into_iter().chain([policy])),
        components: Components::new(vec![component], &HashMap::new()),
        settings: Settings::new(stored),
        ..Snapshot::default()
    }
}

fn record(protocol: Protocol) -> BackEnd {
    BackEnd {
        key: BackEndKey(1),
        name: "dc1".to_owned(),
        domain: None,
        priority: 1,
        enabled: true,
        address: "dc1.example".to_owned(),
        port: None,
        timeout_s: 3,
        retries: 0,
        protocol,
        map: crate::model::AttributeMap::default(),
        meta: Meta::default(),
    }
}

fn authenticator_type(name: &str) -> AuthenticatorType {
    AuthenticatorType {
        key: 1,
        name: name.to_owned(),
        description: String::new(),
        profile: String::new(),
        meta: Meta::default(),
    }
}

/// A RADIUS server as back-end.
pub(super) fn radius() -> Protocol {
    Protocol::Radius(crate::model::RadiusBackEnd {
        shared_secret: None,
        accounting_address: None,
        accounting_port: None,
        charset: Charset::Utf8,
        realm_rule: crate::model::RealmRule::None,
        realm: None,
        password_protocol: crate::model::PasswordProtocol::Pap,
        require_message_authenticator: true,
    })
}

/// A web service as back-end: it cannot check hashes.
pub(super) fn webhook() -> Protocol {
    Protocol::Webhook(crate::model::Webhook::default())
}

pub(super) fn component() -> Component {
    Component {
        key: ComponentKey(1),
        kind: "radius_client".to_owned(),
        location: Location::Network {
            address: "192.0.2.0".parse().unwrap(),
            prefix: 24,
        },
        nas_id: String::new(),
        policy: "test".to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: std::collections::BTreeMap::new(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: Meta::default(),
    }
}

fn account() -> Account {
    let user = User {
        key: UserKey(1),
        domain: DomainKey(1),
        id: "Alice".to_owned(),
        folded: "alice".to_owned(),
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
        meta: Meta {
            created: Timestamp::from_seconds(NOON - 86_400),
            ..Meta::default()
        },
    };
    Account {
        user,
        state: UserState::default(),
        authenticators: Vec::new(),
        attributes: Vec::new(),
        owner: UserKey(1),
    }
}

pub(super) fn authenticator(key: i64, application: Application) -> Authenticator {
    Authenticator {
        key: AuthenticatorKey(key),
        serial: if key == 1 {
            SERIAL.to_owned()
        } else {
            format!("00971234{:02}", 56 + key - 1)
        },
        domain: DomainKey(1),
        org_unit: None,
        type_name: "soft".to_owned(),
        user: Some(UserKey(1)),
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
        applications: vec![application],
        meta: Meta::default(),
    }
}

pub(super) fn hotp_application(key: i64) -> Application {
    Application {
        key: ApplicationKey(key),
        name: "response".to_owned(),
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
        secret: seal("application", key, "secret", KEY),
        sealed_pin: None,
        state: ApplicationState {
            counter: 2,
            ..ApplicationState::default()
        },
        meta: Meta::default(),
    }
}

pub(super) fn totp_application(key: i64) -> Application {
    Application {
        algorithm: Algorithm::Totp {
            hash: Hash::Sha1,
            digits: 6,
            period: 30,
        },
        ..hotp_application(key)
    }
}
