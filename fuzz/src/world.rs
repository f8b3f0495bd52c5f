//! The smallest deployment an attempt can be decided in: one policy, one component, one account with one HOTP application.

use countersign_engine::Secret;
use countersign_engine::attempt::{Answered, Attempt, AuthType, Credentials, HostCode, Via};
use countersign_engine::authenticate::{decide, wanted};
use countersign_engine::decision::{Answer, Answers, Change, Decision, Question, Step};
use countersign_engine::dice::Dice;
use countersign_engine::facts::{Account, Facts, Found, Place, Shut, Vault};
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, Charset, Component, ComponentKey, Domain, DomainKey, Location, Meta,
    NotHandled, PinSettings, Sealed, StoredPassword, User, UserKey, UserState,
};
use countersign_engine::policy::{Policy, PolicySet, predefined};
use countersign_engine::snapshot::{Components, Domains, Snapshot};
use countersign_engine::time::Timestamp;
use countersign_oath::{Hash, hotp};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

pub const PASSWORD: &str = "Passw0rd-1";
pub const PIN: &str = "4711";
const KEY: &[u8] = b"12345678901234567890";
const SERIAL: &str = "0097123456";
const NOON: Timestamp = Timestamp(1_700_000_010_000_000);
/// Where the application stands.
const COUNTER: u64 = 1;

/// A sealed value is the value: what seals is tried elsewhere.
#[derive(Debug)]
struct Open;

impl Vault for Open {
    fn open(&self, _: Place, sealed: &Sealed) -> Result<Secret, Shut> {
        Ok(Secret::new(&*sealed.0))
    }
}

thread_local! {
    /// A snapshot takes longer to make than an attempt to decide.
    static KEPT: RefCell<HashMap<[u8; 2], Rc<Snapshot>>> = RefCell::default();
}

pub struct World {
    snapshot: Rc<Snapshot>,
    component: Component,
    account: Account,
    via: Via,
    local_auth: &'static str,
    window: u64,
    sent: u8,
}

fn pick<T: Copy>(byte: u8, shift: u32, from: &[T]) -> T {
    from[usize::from(byte >> shift) % from.len()]
}

impl World {
    /// The world that three bytes choose.
    pub fn new([a, b, c]: [u8; 3]) -> Self {
        let local_auth = pick(
            a,
            0,
            &[
                "authenticator_only",
                "grace_period",
                "authenticator_or_password",
            ],
        );
        let window = pick(a, 4, &[10, 20]);
        let values = json!({
            "local_auth": local_auth,
            "event_window": window,
            "initial_window_proof": pick(a, 5, &["no", "yes"]),
            "pin_change_allowed": pick(a, 6, &["no", "yes"]),
            "generic_status_codes": pick(a, 7, &["no", "yes"]),
            "challenge_request_method": pick(b, 0, &["keyword", "password", "keyword_password", "password_keyword"]),
            "challenge_request_keyword": pick(b, 2, &["", "otp"]),
            "serial_separator": pick(b, 3, &["", "|"]),
            "backup_virtual_request_method": pick(b, 4, &["keyword_password", "password"]),
            "stored_password_proxy": pick(b, 6, &["no", "yes"]),
            "password_autolearn": pick(b, 7, &["no", "yes"]),
        });
        let component = component();
        Self {
            snapshot: KEPT.with_borrow_mut(|kept| {
                kept.entry([a, b])
                    .or_insert_with(|| Rc::new(snapshot(&values, component.clone())))
                    .clone()
            }),
            component,
            account: account(
                pick(c, 0, &[true, false]),
                pick(c, 1, &[false, true]),
                pick(c, 2, &[false, true]),
            ),
            via: pick(c, 3, &[Via::Radius, Via::Authenticate]),
            local_auth,
            window,
            sent: 0,
        }
    }

    pub fn has_pin(&self) -> bool {
        self.application().sealed_pin.is_some()
    }

    /// Whether the static password alone may do.
    pub fn takes_password(&self) -> bool {
        self.local_auth == "authenticator_or_password"
    }

    pub fn state(&self) -> ApplicationState {
        self.application().state
    }

    fn application(&self) -> &Application {
        &self.account.authenticators[0].applications[0]
    }

    /// The values that may be accepted: those of the window, and of the wider first one where it is open.
    pub fn right_values(&self) -> Vec<String> {
        let state = self.state();
        let last = state.counter + if state.initial { 1_000 } else { self.window };
        (state.counter..=last)
            .map(|counter| hotp(KEY, counter, Hash::Sha1, 6).as_str().to_owned())
            .collect()
    }

    pub fn decide(&mut self, typed: &str) -> Decision {
        self.sent += 1;
        let secret = Secret::new(typed);
        let attempt = Attempt {
            id: [self.sent; 16],
            request_id: None,
            at: NOON,
            via: self.via,
            component: &self.component,
            policy: self.snapshot.policy(&self.component.policy),
            source: std::net::IpAddr::from([192, 0, 2, 7]),
            nas: None,
            user: Ok("alice"),
            domain: None,
            credentials: Credentials::Combined(Ok(&secret)),
            answers_challenge: Answered::default(),
            auth_type: AuthType::Auto,
            host_code: HostCode::None,
            serial: None,
            challenge_message: None,
            call_check: false,
        };
        assert!(wanted(&attempt, &self.snapshot, &Answers::default()).account.is_some());
        let account = Found::Account(Arc::new(self.account.clone()));
        let facts = Facts {
            snapshot: &self.snapshot,
            account: &account,
            challenges: &[],
            outstanding: 0,
            vault: &Open,
        };
        let mut answers = Answers::default();
        for _ in 0..50 {
            match decide(&attempt, &facts, &answers, &Dice::new([self.sent; 32])) {
                Step::Done(decision) => return *decision,
                Step::Ask(question) => {
                    let answer = answer(&question);
                    answers.add(question, answer);
                }
            }
        }
        panic!("an attempt asks for ever");
    }

    /// Takes over the states that a decision changes.
    pub fn commit(&mut self, decision: &Decision) {
        for change in &decision.changes {
            match change {
                Change::Application { to, .. } => {
                    self.account.authenticators[0].applications[0].state = *to
                }
                Change::User { to, .. } => self.account.state = *to,
                Change::Pin { pin, .. } => {
                    self.account.authenticators[0].applications[0].sealed_pin =
                        Some(Sealed(pin.expose().into()))
                }
                _ => {}
            }
        }
    }
}

fn answer(question: &Question) -> Answer {
    match question {
        Question::Verify {
            verifier,
            candidate,
        } => Answer::Is(verifier.expose() == candidate.expose()),
        Question::Hash { password } => Answer::Hashed(password.clone()),
        _ => Answer::NotOffered,
    }
}

fn snapshot(values: &Value, component: Component) -> Snapshot {
    let mut policy = Policy::new("test", Some("base")).expect("a name");
    policy
        .apply(values.as_object().expect("an object"))
        .expect("values of the table");
    let domain = Domain {
        key: DomainKey(1),
        name: "master".to_owned(),
        folded: "master".to_owned(),
        description: String::new(),
        master: true,
        meta: Meta::default(),
    };
    Snapshot {
        domains: Domains::new([domain]),
        policies: PolicySet::new(
            predefined::all()
                .into_iter()
                .filter(|one| ["base", "server"].contains(&one.id.as_str()))
                .chain([policy]),
        ),
        components: Components::new(vec![component], &HashMap::new()),
        ..Snapshot::default()
    }
}

fn component() -> Component {
    Component {
        key: ComponentKey(1),
        kind: "radius_client".to_owned(),
        location: Location::Default,
        nas_id: String::new(),
        policy: "test".to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: BTreeMap::new(),
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

fn account(password: bool, pin: bool, initial: bool) -> Account {
    let sealed = |plain: &str| Sealed(plain.as_bytes().into());
    let meta = Meta::default();
    let user = User {
        key: UserKey(1),
        domain: DomainKey(1),
        id: "alice".to_owned(),
        folded: "alice".to_owned(),
        org_unit: None,
        contact: None,
        password: password.then(|| StoredPassword {
            verifier: sealed(PASSWORD),
            copy: None,
            history: None,
            set_at: NOON,
        }),
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: BTreeSet::new(),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta,
    };
    let application = Application {
        key: ApplicationKey(1),
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
        pin: PinSettings {
            supported: pin,
            enabled: pin,
            ..PinSettings::default()
        },
        secret: Sealed(KEY.into()),
        sealed_pin: pin.then(|| sealed(PIN)),
        state: ApplicationState {
            version: 1,
            counter: COUNTER,
            initial,
            ..ApplicationState::default()
        },
        meta,
    };
    let authenticator = Authenticator {
        key: AuthenticatorKey(1),
        serial: SERIAL.to_owned(),
        domain: DomainKey(1),
        org_unit: None,
        type_name: "HOTP".to_owned(),
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
        meta,
    };
    Account {
        user,
        state: UserState::default(),
        authenticators: vec![authenticator],
        attributes: Vec::new(),
        owner: UserKey(1),
    }
}
