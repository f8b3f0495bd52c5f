//! RADIUS servers: passwords forwarded, questions passed on, accounting relayed (radius.md 6, 7).

mod answer;
mod exchange;
mod request;

use super::{Asking, Step, Target, Trial, Tried, step};
use crate::outbound::Transport;
use countersign_engine::back_end::{Ask, Password, Said, Wanted};
use countersign_engine::model::{BackEndKey, RadiusBackEnd};
use countersign_radius::{Code, Demand, Packet, SharedSecret};
use exchange::{Exchange, Patience};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const AUTHENTICATION: u16 = 1812;
const ACCOUNTING: u16 = 1813;
/// How long the addresses of a host name are remembered.
const NAME_LIVES: Duration = Duration::from_secs(30);
/// How long sockets are kept that nobody uses.
const IDLE: Duration = Duration::from_secs(300);

/// What is kept between two questions: sockets, each with its requests under way.
#[derive(Debug, Default)]
pub(super) struct Connector {
    kept: Mutex<HashMap<(BackEndKey, Port), Kept>>,
}

/// What a server's port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Port {
    Authentication,
    Accounting,
}

#[derive(Debug)]
struct Kept {
    revision: i64,
    until: Instant,
    exchange: Arc<Exchange>,
}

impl Connector {
    /// Asks one server, the same packet again as often as the record says.
    pub(super) async fn ask(
        &self,
        target: &Target,
        own: &RadiusBackEnd,
        ask: &Ask,
        asking: &Asking,
    ) -> Tried {
        let (Wanted::Authenticate(_) | Wanted::Respond { .. }) = &ask.wanted else {
            return Ok((Said::Unsupported, String::new()));
        };
        let received = asking.received.as_deref();
        let made = match request::Asked::new(target, own, ask, received) {
            Ok(made) => made,
            Err(request::Unasked::Hash) => return Ok((Said::HashRefused, String::new())),
            Err(request::Unasked::Rejected(why)) => return Ok((Said::Rejected, why.to_owned())),
        };
        let exchange = self.exchange(target, own, Port::Authentication).await?;
        let secret = exchange.secret().clone();
        let build = |identifier| made.packet(identifier, &secret);
        let (reply, authenticator) = exchange.send(build, &patience(target)).await?;
        let packet = Packet::read(&reply).map_err(|error| format!("failed to {error}"))?;
        let keys = matches!(ask.wanted, Wanted::Authenticate(Password::AsReceived))
            .then_some((&authenticator, &*secret));
        Ok(answer::read(&packet, target.record.key, own.charset, keys))
    }

    /// Passes an Accounting-Request on; done once the server has taken it.
    pub(super) async fn account(
        &self,
        target: &Target,
        own: &RadiusBackEnd,
        user: Option<&str>,
        received: &Packet<'_>,
    ) -> Result<(), String> {
        let exchange = self.exchange(target, own, Port::Accounting).await?;
        let secret = exchange.secret().clone();
        let build =
            |identifier| request::accounting(target, own, user, received, identifier, &secret);
        exchange.send(build, &patience(target)).await?;
        Ok(())
    }

    /// The sockets to a server; made anew when its record has changed, or its name may mean another address.
    async fn exchange(
        &self,
        target: &Target,
        own: &RadiusBackEnd,
        port: Port,
    ) -> Result<Arc<Exchange>, String> {
        let (place, now) = ((target.record.key, port), Instant::now());
        let revision = target.record.meta.revision;
        let old = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(&place) {
                Some(kept) if kept.revision == revision && now < kept.until => {
                    return target.checked(&kept.exchange);
                }
                Some(kept) if kept.revision == revision => Some(kept.exchange.clone()),
                _ => None,
            }
        };
        let server = address(target, own, port).await?;
        let exchange = match old.filter(|old| old.server() == server) {
            Some(old) => old,
            None => Arc::new(Exchange::new(
                server,
                secret(target)?,
                Demand::require(own.require_message_authenticator),
                match port {
                    Port::Authentication => Code::AccessRequest,
                    Port::Accounting => Code::AccountingRequest,
                },
            )),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, one| now < one.until + IDLE); // sockets of records that are gone
        kept.insert(
            place,
            Kept {
                revision,
                until: now + NAME_LIVES,
                exchange: exchange.clone(),
            },
        );
        Ok(exchange)
    }

    /// Tests a record step by step.
    pub(super) async fn test(
        &self,
        target: &Target,
        own: &RadiusBackEnd,
        trial: &Trial,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let resolved = address(target, own, Port::Authentication).await;
        let found = resolved.is_ok();
        steps.push(step("resolve", resolved.map(|to| to.to_string())));
        if !found {
            return steps;
        }
        if own.accounting_address.is_some() {
            let resolved = address(target, own, Port::Accounting).await;
            steps.push(step(
                "resolve accounting",
                resolved.map(|to| to.to_string()),
            ));
        }
        if let (Some(user), Some(password)) = (&trial.user, &trial.password) {
            let ask = Ask {
                engine: String::new(),
                domain: trial.domain.unwrap_or_default(),
                user: user.clone(),
                wanted: Wanted::Authenticate(Password::Known(password.clone())),
            };
            let asking = Asking {
                id: [0; 16],
                received: None,
            };
            let tried = self.ask(target, own, &ask, &asking).await;
            steps.push(step("authenticate", answer::in_words(tried)));
        } else {
            steps.push(self.probe(target, own).await);
        }
        steps
    }

    /// Asks whether the server is there (Status-Server, RFC 5997); many do not answer it.
    async fn probe(&self, target: &Target, own: &RadiusBackEnd) -> Step {
        const NAME: &str = "answer to Status-Server";
        let exchange = match self.exchange(target, own, Port::Authentication).await {
            Ok(exchange) => exchange,
            Err(why) => return step(NAME, Err(why)),
        };
        let secret = exchange.secret().clone();
        let build = |identifier| request::status_server(identifier, &secret);
        let found = match exchange.send(build, &patience(target)).await {
            Ok(_) => Ok("the server is there and shares the secret".to_owned()),
            // nothing rests on this answer, and some sign no answer to this question
            Err(fault) if fault.unsigned => Ok(
                "the server is there and shares the secret; this answer had no Message-Authenticator"
                    .to_owned(),
            ),
            Err(fault) => Err(format!(
                "{}; some servers do not know this question: test with a user and a password",
                fault.why
            )),
        };
        step(NAME, found)
    }
}

impl Target {
    /// What is kept may have become forbidden by a setting since.
    fn checked(&self, exchange: &Arc<Exchange>) -> Result<Arc<Exchange>, String> {
        self.outbound.check(Transport::Udp, exchange.server())?;
        Ok(exchange.clone())
    }
}

fn patience(target: &Target) -> Patience {
    Patience {
        each: Duration::from_secs(target.record.timeout_s.into()),
        tries: u32::from(target.record.retries) + 1,
        until: target.until,
    }
}

fn secret(target: &Target) -> Result<Arc<SharedSecret>, String> {
    let secret = target
        .secret("shared_secret")
        .filter(|secret| !secret.is_empty());
    let secret = secret.ok_or("the record has no shared secret")?;
    Ok(Arc::new(SharedSecret::new(secret.expose())))
}

async fn address(target: &Target, own: &RadiusBackEnd, port: Port) -> Result<SocketAddr, String> {
    let (host, number) = match port {
        Port::Authentication => (
            target.record.address.as_str(),
            target.record.port.unwrap_or(AUTHENTICATION),
        ),
        Port::Accounting => (
            own.accounting_address.as_deref().unwrap_or_default(),
            own.accounting_port.unwrap_or(ACCOUNTING),
        ),
    };
    let found = target
        .outbound
        .resolve(Transport::Udp, host, number)
        .await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| format!("resolve {host}: the name has no address"))
}

#[cfg(test)]
pub(super) mod tests;
