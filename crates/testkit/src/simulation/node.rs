//! A node: memory of accounts that may be stale, attempts under way, commits in flight.

use super::plan::Rules;
use super::store::{self, Store, Touch, Work};
use crate::deployment::{self, Open, POLICY};
use countersign_engine::Secret;
use countersign_engine::attempt::{Answered, Attempt, AuthType, Credentials, HostCode, Via};
use countersign_engine::authenticate::{decide, wanted};
use countersign_engine::decision::{Answer, Answers, Decision, Question, Step, Verdict};
use countersign_engine::dice::Dice;
use countersign_engine::facts::{Account, Facts, Found};
use countersign_engine::model::{ChallengeKey, Component, UserKey};
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Type of the component that speaks RADIUS.
const RADIUS: &str = "radius_client";
/// Type of the component that speaks JSON.
const JSON: &str = "app";

static COMPONENTS: LazyLock<[Component; 2]> = LazyLock::new(|| {
    [
        deployment::component(1, RADIUS),
        deployment::component(2, JSON),
    ]
});
/// A snapshot takes longer to make than a logon to decide.
static SNAPSHOTS: Mutex<BTreeMap<Rules, Arc<Snapshot>>> = Mutex::new(BTreeMap::new());

fn snapshot(rules: Rules) -> Arc<Snapshot> {
    let mut kept = SNAPSHOTS.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(deployment::snapshot(&rules.values(), COMPONENTS.to_vec()));
    Arc::clone(kept.entry(rules).or_insert_with(new))
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) is_up: bool,
    /// Rises with every start: what an earlier life began ends with it.
    pub(super) life: u32,
    /// By how much its clock is ahead.
    pub(super) drift_s: i64,
    snapshot: Arc<Snapshot>,
    accounts: BTreeMap<usize, Arc<Account>>,
    /// RADIUS packets under way (no answer yet) and answered.
    pub(super) remembered: BTreeMap<u64, Option<Reply>>,
    /// Decided, waiting for the next commit.
    pub(super) waiting: Vec<Job>,
    /// Commits in flight.
    pub(super) in_flight: usize,
}

/// An attempt with everything it owns.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: [u8; 16],
    pub(super) seed: [u8; 32],
    pub(super) at: Timestamp,
    pub(super) packet: u64,
    /// The observation that its answer belongs to.
    pub(super) observation: usize,
    pub(super) user: usize,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) key: Option<ChallengeKey>,
    pub(super) is_radius: bool,
}

/// A decision with what its answer will be.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) work: Work,
    pub(super) reply: Reply,
}

/// What the client gets.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: i16,
    pub(super) request_id: String,
    pub(super) asked: Option<Asked>,
}

/// A challenge as the client sees it; without digits another one-time password is wanted.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) key: ChallengeKey,
    pub(super) digits: Option<String>,
}

impl Node {
    pub(super) fn new(number: usize, drift_s: i64, rules: Rules) -> Self {
        Self {
            name: format!("node-{number}"),
            is_up: true,
            life: 1,
            drift_s,
            snapshot: snapshot(rules),
            accounts: BTreeMap::new(),
            remembered: BTreeMap::new(),
            waiting: Vec::new(),
            in_flight: 0,
        }
    }

    pub(super) fn epoch(&self) -> String {
        format!("{}/{}", self.name, self.life)
    }

    /// Everything in memory is gone.
    pub(super) fn crash(&mut self) {
        self.is_up = false;
        self.life += 1;
        self.accounts.clear();
        self.remembered.clear();
        self.waiting.clear();
        self.in_flight = 0;
    }

    pub(super) fn refresh(&mut self, rules: Rules) {
        self.snapshot = snapshot(rules);
    }

    /// Decides on what memory holds, or the store where it holds nothing, and keeps the decision for the next commit.
    pub(super) fn think(&mut self, request: Request, store: &Store) {
        let account = Arc::clone(
            self.accounts
                .entry(request.user)
                .or_insert_with(|| store.account(request.user)),
        );
        let decision = self.decide(&request, &account, store);
        let reply = reply(&request, &decision);
        let work = Work {
            attempt: request.id,
            account,
            changes: decision.changes,
            records: decision.records,
        };
        self.waiting.push(Job {
            request,
            work,
            reply,
        });
    }

    fn decide(&self, request: &Request, account: &Arc<Account>, store: &Store) -> Decision {
        let snapshot = Arc::clone(&self.snapshot);
        let value = Secret::new(request.value.as_str());
        let attempt = attempt(request, &snapshot, &value);
        let wanted = wanted(&attempt, &snapshot, &Answers::default());
        let found = Found::Account(Arc::clone(account));
        let owner = Some(account.user.key).filter(|_| wanted.challenges_of_user);
        let challenges = store.challenges(wanted.challenge, owner);
        let facts = Facts {
            snapshot: &snapshot,
            account: &found,
            challenges: &challenges,
            outstanding: store.outstanding(),
            vault: &Open,
        };
        let dice = Dice::new(request.seed);
        let mut answers = Answers::default();
        for _ in 0..20 {
            match decide(&attempt, &facts, &answers, &dice) {
                Step::Done(decision) => return *decision,
                Step::Ask(question) => {
                    let answer = answer(&question);
                    answers.add(question, answer);
                }
            }
        }
        unreachable!("an attempt asks for ever");
    }

    /// Memory follows a commit of its own.
    pub(super) fn follow(&mut self, touched: &[Touch]) {
        for touch in touched {
            match touch {
                Touch::Application(key, guard, to) => {
                    let owner = UserKey(key.0 / store::KEYS_PER_USER);
                    self.change(owner, |account| {
                        store::find(account, *key).is_some_and(|application| {
                            let state = &mut application.state;
                            let follows = state.version == *guard || state.version == to.version;
                            if state.version == *guard {
                                *state = *to;
                            }
                            follows
                        })
                    });
                }
                Touch::User(key, guard, to) => self.change(*key, |account| {
                    let state = &mut account.state;
                    let follows = state.version == *guard || state.version == to.version;
                    if state.version == *guard {
                        *state = *to;
                    }
                    follows
                }),
                Touch::Evict(key) => self.change(*key, |_| false),
            }
        }
    }

    fn change(&mut self, owner: UserKey, apply: impl FnOnce(&mut Account) -> bool) {
        let user = usize::try_from(owner.0 - 1).expect("users are numbered from 1");
        let fits = self
            .accounts
            .get_mut(&user)
            .is_none_or(|account| apply(Arc::make_mut(account)));
        if !fits {
            self.accounts.remove(&user);
        }
    }

    /// What was decided on is stale, or nobody knows.
    pub(super) fn forget(&mut self, user: usize) {
        self.accounts.remove(&user);
    }
}

fn attempt<'a>(request: &'a Request, snapshot: &Snapshot, value: &'a Secret) -> Attempt<'a> {
    let [radius, json] = &*COMPONENTS;
    let (via, component) = if request.is_radius {
        (Via::Radius, radius)
    } else {
        (Via::Authenticate, json)
    };
    Attempt {
        id: request.id,
        request_id: None,
        at: request.at,
        via,
        component,
        policy: snapshot.policy(POLICY),
        source: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        nas: None,
        user: Ok(&request.name),
        domain: None,
        credentials: Credentials::Combined(Ok(value)),
        answers_challenge: Answered {
            key: request.key.map(Ok),
            ..Answered::default()
        },
        auth_type: AuthType::Auto,
        host_code: HostCode::None,
        serial: None,
        challenge_message: None,
        call_check: false,
    }
}

/// Nobody here has a static password, and there is no back-end.
fn answer(question: &Question) -> Answer {
    match question {
        Question::Verify { .. } => Answer::Is(false),
        _ => Answer::NotOffered,
    }
}

fn reply(request: &Request, decision: &Decision) -> Reply {
    let (status, asked) = match &decision.verdict {
        Verdict::Accept(_) => (0, None),
        Verdict::Refuse { status, .. } => (status.number(), None),
        Verdict::Challenge(asked) => {
            let status = asked.status.number();
            let asked = Asked {
                key: asked.key,
                digits: asked.challenge.clone(),
            };
            (status, Some(asked))
        }
    };
    Reply {
        status,
        request_id: data_encoding::HEXLOWER.encode(&request.id),
        asked,
    }
}
