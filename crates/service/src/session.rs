//! Administrative sessions: logon, the caller of a command, logoff (administration.md 5).

mod throttle;

pub use countersign_engine::admin::Caller;

use crate::auth::{self, Body};
use crate::detached::to_its_end;
use crate::logon::Ended;
use crate::node::Node;
use crate::proof::Proof;
use crate::reply::{Problem, Reply};
use countersign_engine::Status;
use countersign_engine::admin::Write;
use countersign_engine::admin::needs::Count;
use countersign_engine::attempt::Via;
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::{Change, Decision, Grant, Verdict};
use countersign_engine::facts::Found;
use countersign_engine::model::{Scenario, Session, SessionKey, User};
use countersign_engine::text;
use countersign_engine::time::Timestamp;
use countersign_store::{Outcome, Work};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use throttle::{End, Places, Throttle};

/// Component type of an administrator's logon that names none.
const DEFAULT_COMPONENT: &str = "admin_program";
/// Label of the keyed hashes of tokens.
const LABEL: &str = "session";
/// How often the last use of a session is written at most.
const WRITE_USE_EVERY_S: i64 = 15;
/// Sessions whose last use is remembered.
const MOST_USES: usize = 10_000;

/// Why there is no caller.
#[derive(Debug)]
pub enum CallerRefused {
    /// No credentials at all: HTTP 401.
    None,
    /// 1039, 1038 or 1000.
    Refused(Box<Reply>),
}

/// Last uses of sessions not yet written, and the logon throttle by source.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    last: Mutex<HashMap<SessionKey, Timestamp>>,
    throttle: Throttle,
}

/// Logs an administrator on.
///
/// # Errors
/// The component is not admitted, its proof is missing, or the source is throttled.
pub async fn logon(
    node: &Arc<Node>,
    source: IpAddr,
    proof: Proof,
    mut fields: Map<String, Value>,
) -> Result<Reply, Problem> {
    if let Some(shut) = node.gate().shut(Scenario::Admin) {
        return shut.answer();
    }
    fields
        .entry("component")
        .or_insert_with(|| DEFAULT_COMPONENT.into());
    let body = match Body::read(node, Via::AdminLogon, source, &proof, fields)? {
        Ok(body) => body,
        Err(unusable) => return Ok(unusable.answer(node).await),
    };
    let node = node.clone();
    to_its_end(async move { begin(&node, source, body).await }).await?
}

async fn begin(node: &Arc<Node>, source: IpAddr, body: Body) -> Result<Reply, Problem> {
    let throttle = &node.session_uses().throttle;
    let trying = match throttle.begin(places(&body, source), Instant::now()) {
        Ok(trying) => trying,
        Err(problem) => {
            if node.radius().may_warn(source) {
                let id = Node::arrival().id;
                note(node, Code::LOGON_THROTTLED, id, source, None, None);
            }
            return Err(problem);
        }
    };
    let Some(token) = Token::new(node) else {
        return Ok(Reply::bare(
            Status::CRYPTO,
            auth::id_text(&Node::arrival().id),
        ));
    };
    let mut logon = body.into_logon();
    let mut before = Before::default();
    let mut turned_away = None;
    let ended = logon
        .run(node, |logon, decision| {
            if let Verdict::Accept(grant) = &decision.verdict {
                before = Before::of(node, grant).inspect_err(|status| {
                    turned_away = refused_record(decision, *status);
                })?;
                let session = token.session(grant, source, &logon.component.kind, logon.at);
                add_session(decision, session, &before, logon.at, source);
            }
            Ok(())
        })
        .await;
    trying.end(end_of(&ended));
    if let Some(record) = turned_away {
        audited(node, record).await;
    }
    let accepted = matches!(&ended, Ended::Decided(decision) if matches!(decision.verdict, Verdict::Accept(_)));
    let mut reply = auth::ended(node, logon, ended).await;
    if accepted {
        reply.set("token", Some(token.text));
        reply.set("version", Some(env!("CARGO_PKG_VERSION")));
        reply.set("node", Some(node.name()));
        let (at, from) = before.last_logon.unzip();
        reply.set("last_logon_at", at.map(Timestamp::rfc3339));
        reply.set("last_logon_from", from);
        let privileges: Vec<String> = before.privileges.into_iter().collect();
        reply.set("privileges", Some(privileges));
    }
    Ok(reply)
}

/// The record of a logon that was right but found no room (-104): nothing else of its decision is committed, so the
/// one-time password stays good for another try.
fn refused_record(decision: &Decision, status: Status) -> Option<Record> {
    let accepted = decision.records.first()?;
    let mut record = Record::new(Code::ADMIN_LOGON_REFUSED, accepted.amid, accepted.time);
    record.status = Some(status);
    record.reason = Some("no session was free".into());
    record.user.clone_from(&accepted.user);
    record.domain.clone_from(&accepted.domain);
    record.org_unit.clone_from(&accepted.org_unit);
    record.request_id.clone_from(&accepted.request_id);
    record.component_type.clone_from(&accepted.component_type);
    record.client_location.clone_from(&accepted.client_location);
    record.policy.clone_from(&accepted.policy);
    Some(record)
}

/// Commits a record before the answer leaves; where the store cannot take it, the failure is told in the log.
async fn audited(node: &Arc<Node>, record: Record) {
    let work = Work {
        token: 0,
        changes: Vec::new(),
        records: vec![record],
        trace: Vec::new(),
    };
    if let Outcome::Failed(error) = crate::commit::commit(node.store(), work).await {
        crate::logon::failed(node, &error);
    }
}

fn places(body: &Body, source: IpAddr) -> Places {
    let user = body.user.as_deref().map(text::fold).unwrap_or_default();
    let domain = body.domain.as_deref().map(text::fold).unwrap_or_default();
    Places::new(&user, &domain, source)
}

/// What an attempt shows about its credentials: refusals do, errors and challenges do not.
fn end_of(ended: &Ended) -> End {
    let Ended::Decided(decision) = ended else {
        return End::Neither;
    };
    match &decision.verdict {
        Verdict::Accept(_) => End::Right,
        Verdict::Refuse { status, .. } if status.number() > 0 => End::Wrong,
        Verdict::Refuse { .. } | Verdict::Challenge(_) => End::Neither,
    }
}

/// What there was before a logon: the one before it, and the sessions that give way to it.
#[derive(Default)]
struct Before {
    last_logon: Option<(Timestamp, String)>,
    privileges: BTreeSet<String>,
    evict: Vec<SessionKey>,
    /// What the numbers of sessions must be with it.
    bounds: Vec<(Count, RangeInclusive<i64>)>,
}

impl Before {
    /// Reads it while the logon is not yet committed; -104 where there is no room for one more session.
    fn of(node: &Node, grant: &Grant) -> Result<Self, Status> {
        let found = node
            .store()
            .account_by_key(grant.key)
            .map_err(|error| error.status())?;
        let Found::Account(account) = &found else {
            return Ok(Self::default()); // gone meanwhile: the commit will conflict
        };
        let user = &account.user;
        Ok(Self {
            last_logon: user.last_logon.clone(),
            privileges: user.privileges.clone(),
            evict: room_for_session(node, grant, user.max_sessions)?,
            bounds: bounds(node, grant, user.max_sessions),
        })
    }
}

struct Token {
    text: String,
    key: SessionKey,
}

impl Token {
    fn new(node: &Node) -> Option<Self> {
        let text = crate::secrets::token();
        Some(Self {
            key: SessionKey(node.keyed_hash(LABEL, text.as_bytes())?),
            text,
        })
    }

    fn session(
        &self,
        grant: &Grant,
        source: IpAddr,
        component_type: &str,
        at: Timestamp,
    ) -> Session {
        Session {
            key: self.key,
            user: grant.key,
            source: source.to_string(),
            component_type: component_type.to_owned(),
            started: at,
            last_use: at,
        }
    }
}

/// The live record of a token, under whichever key it was hashed.
fn find(node: &Node, token: &str) -> Result<Option<Session>, countersign_store::StoreError> {
    for hash in node.keyed_hashes(LABEL, token.as_bytes()) {
        if let Some(session) = node.store().session(SessionKey(hash))? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// Room for one more session of a user with this cap: which of his own give way, or -104.
fn room_for_session(
    node: &Node,
    grant: &Grant,
    cap: Option<u16>,
) -> Result<Vec<SessionKey>, Status> {
    let sessions = node.store().sessions().map_err(|error| error.status())?;
    let snapshot = node.snapshot();
    let now = Node::now();
    let (live, dead): (Vec<_>, Vec<_>) = sessions
        .into_iter()
        .partition(|session| is_live(node, session, &snapshot.settings, now));
    let most = usize::try_from(snapshot.settings.number("session.max_count")).unwrap_or(usize::MAX);
    let mut evict: Vec<SessionKey> = dead.into_iter().map(|session| session.key).collect();
    let own_most = cap.map_or(usize::MAX, usize::from);
    let mut own: Vec<_> = live
        .iter()
        .filter(|session| session.user == grant.key)
        .collect();
    own.sort_by_key(|session| session.last_use);
    let surplus = (own.len() + 1).saturating_sub(own_most);
    evict.extend(own.into_iter().take(surplus).map(|session| session.key));
    if live.len().saturating_sub(surplus) >= most {
        Err(Status::BUSY)
    } else {
        Ok(evict)
    }
}

/// How many sessions there may be with one more of a user with this cap: others may log on at the same time, also
/// elsewhere.
fn bounds(node: &Node, grant: &Grant, cap: Option<u16>) -> Vec<(Count, RangeInclusive<i64>)> {
    let most = node.snapshot().settings.number("session.max_count");
    let own = cap.map(|cap| (Count::SessionsOf(grant.key), 0..=i64::from(cap).max(1)));
    std::iter::once((Count::Sessions, 0..=most))
        .chain(own)
        .collect()
}

/// The sessions that are over.
pub(crate) fn dead(node: &Node) -> Result<Vec<SessionKey>, countersign_store::StoreError> {
    let (settings, now) = (&node.snapshot().settings, Node::now());
    let over = node
        .store()
        .sessions()?
        .into_iter()
        .filter(|session| !is_live(node, session, settings, now));
    Ok(over.map(|session| session.key).collect())
}

fn add_session(
    decision: &mut Decision,
    session: Session,
    before: &Before,
    at: Timestamp,
    source: IpAddr,
) {
    decision.changes.extend(
        before
            .evict
            .iter()
            .map(|key| Change::Write(Write::RemoveSession(*key))),
    );
    decision.changes.push(Change::Write(Write::LastLogon(
        session.user,
        at,
        source.to_string(),
    )));
    decision
        .changes
        .push(Change::Write(Write::Within(before.bounds.clone())));
    decision
        .changes
        .push(Change::Write(Write::Session(Box::new(session))));
}

fn is_live(
    node: &Node,
    session: &Session,
    settings: &countersign_engine::settings::Settings,
    now: Timestamp,
) -> bool {
    let last_use = node.session_uses().last_use(session);
    let idle = now.micros_since(last_use) / 1_000_000;
    let age = now.micros_since(session.started) / 1_000_000;
    idle <= settings.number("session.idle_s") && age <= settings.number("session.max_s")
}

/// The caller that an `Authorization` header names.
///
/// # Errors
/// None at all, a token that is unknown or over (1039), one used from elsewhere (1038), an unknown API key (1000).
pub async fn caller(
    node: &Arc<Node>,
    authorization: Option<&str>,
    source: IpAddr,
) -> Result<Caller, CallerRefused> {
    let Some(header) = authorization else {
        return Err(CallerRefused::None);
    };
    let (scheme, value) = header.split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("ApiKey") {
        // there are no service users yet, so every key is unknown
        return Err(noted(
            node,
            Code::API_KEY_REFUSED,
            source,
            None,
            Status::INVCREDENTIALS,
        ));
    }
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(CallerRefused::None);
    }
    let session = find(node, value.trim())
        .map_err(|error| refused(error.status()))?
        .ok_or_else(|| refused(Status::ADMIN_SESSION_STOPPED))?;
    let key = session.key;
    let snapshot = node.snapshot();
    let now = Node::now();
    if !is_live(node, &session, &snapshot.settings, now) {
        end(node, key).await;
        return Err(noted(
            node,
            Code::SESSION_ENDED,
            source,
            Some(&session),
            Status::ADMIN_SESSION_STOPPED,
        ));
    }
    if !same_source(
        snapshot.settings.text("session.binding"),
        &session.source,
        source,
    ) {
        return Err(noted(
            node,
            Code::SESSION_ELSEWHERE,
            source,
            Some(&session),
            Status::SOURCE_LOCATION_MISMATCH,
        ));
    }
    let found = node
        .store()
        .account_by_key(session.user)
        .map_err(|error| refused(error.status()))?;
    let account = match &found {
        Found::Account(account) if may_go_on(&account.user, now) => account,
        Found::Unreadable(status, _) => return Err(refused(*status)),
        Found::Account(_) | Found::Nobody => {
            end(node, key).await;
            return Err(refused(Status::ADMIN_SESSION_STOPPED));
        }
    };
    if node.session_uses().used(&session, now) {
        write(node, Write::SessionUse(key, now)).await;
    }
    Ok(Caller {
        user: account.user.key,
        id: account.user.id.clone(),
        domain: snapshot.domains.name(account.user.domain).to_owned(),
        privileges: account.user.privileges.clone(),
        source: source.to_string(),
        component_type: session.component_type.clone(),
        session: Some(session.key),
        request: Node::arrival().id,
    })
}

/// Whether sessions of an account may go on.
fn may_go_on(user: &User, now: Timestamp) -> bool {
    let expired = user.expires_at.is_some_and(|end| end <= now);
    !user.disabled && !expired && user.is_administrator()
}

/// A refusal at the door of a session, audited under the identity that the answer names.
fn noted(
    node: &Node,
    code: Code,
    source: IpAddr,
    session: Option<&Session>,
    status: Status,
) -> CallerRefused {
    let id = Node::arrival().id;
    // whoever has no credentials must not be able to fill the audit
    if session.is_some() || node.radius().may_warn(source) {
        note(node, code, id, source, session, Some(status));
    }
    refused_as(status, id)
}

fn note(
    node: &Node,
    code: Code,
    id: [u8; 16],
    source: IpAddr,
    session: Option<&Session>,
    status: Option<Status>,
) {
    let mut record = Record::new(code, id, Node::now());
    record.request_id = Some(auth::id_text(&id).into());
    record.status = status;
    record.client_location = Some(source.to_string().into());
    if let Some(session) = session {
        record.component_type = Some(session.component_type.clone().into());
        record.session = Some(countersign_engine::admin::view::session_id(session.key).into());
        if let Ok(Some((domain, user))) = node.store().user_name(session.user) {
            record.domain = Some(node.snapshot().domains.name(domain).to_owned().into());
            record.user = Some(user.into());
        }
    }
    crate::commit::note(node.store(), record);
}

fn refused(status: Status) -> CallerRefused {
    refused_as(status, Node::arrival().id)
}

fn refused_as(status: Status, id: [u8; 16]) -> CallerRefused {
    CallerRefused::Refused(Box::new(Reply::bare(status, auth::id_text(&id))))
}

fn same_source(binding: &str, bound: &str, source: IpAddr) -> bool {
    let Ok(bound) = bound.parse::<IpAddr>() else {
        return binding == "none";
    };
    match binding {
        "none" => true,
        "subnet" => network(bound) == network(source),
        _ => bound == source,
    }
}

/// The network of an address: /24 of IPv4, /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
    }
}

async fn end(node: &Arc<Node>, key: SessionKey) {
    node.session_uses().forget(&key);
    write(node, Write::RemoveSession(key)).await;
}

/// Writes bookkeeping of a session; its failure shows in the next request of the session.
async fn write(node: &Arc<Node>, change: Write) {
    let work = Work {
        token: 0,
        changes: vec![Change::Write(change)],
        records: Vec::new(),
        trace: Vec::new(),
    };
    let _ = crate::commit::commit(node.store(), work).await;
}

impl Uses {
    fn last_use(&self, session: &Session) -> Timestamp {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(&session.key)
            .copied()
            .unwrap_or_default()
            .max(session.last_use)
    }

    /// Notes a use; whether it is time to write it.
    fn used(&self, session: &Session, now: Timestamp) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() > MOST_USES {
            last.clear();
        }
        last.insert(session.key, now);
        now.micros_since(session.last_use) > WRITE_USE_EVERY_S * 1_000_000
    }

    /// Forgets a session that ended.
    pub(crate) fn forget(&self, key: &SessionKey) {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_bound_as_the_setting_says() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(
            same_source("ip", "10.0.0.1", at("10.0.0.1"))
                && !same_source("ip", "10.0.0.1", at("10.0.0.2"))
        );
        assert!(
            same_source("subnet", "10.0.0.1", at("10.0.0.2"))
                && !same_source("subnet", "10.0.0.1", at("10.0.1.1"))
        );
        assert!(
            same_source("subnet", "2001:db8::1", at("2001:db8::ffff"))
                && same_source("none", "10.0.0.1", at("::1"))
        );
    }
}
