//! Web services of the site (authentication.md 10), asked by signed JSON over HTTPS.

mod answer;
mod call;
mod question;

use super::{Asking, Step, Target, Trial, Tried, step, trust};
use call::Address;
use countersign_engine::back_end::{Ask, Password, Said, Wanted};
use countersign_engine::model::{BackEndKey, Webhook};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one question may take, whatever the record says (administration.md 16).
const LONGEST: Duration = Duration::from_secs(10);

/// What is kept between two questions: where each service is and whom it must be, with its TLS sessions.
#[derive(Debug, Default)]
pub(super) struct Connector {
    kept: Mutex<HashMap<BackEndKey, (i64, Arc<Service>)>>,
}

/// A web service as its record describes it.
#[derive(Debug)]
struct Service {
    address: Address,
    tls: Arc<ClientConfig>,
}

impl Connector {
    /// One try at one server.
    pub(super) async fn ask(
        &self,
        target: &Target,
        own: &Webhook,
        ask: &Ask,
        asking: &Asking,
    ) -> Tried {
        if let Wanted::Authenticate(Password::AsReceived) = ask.wanted {
            return Ok((Said::HashRefused, String::new()));
        }
        let Some(body) = question::body(target, ask, asking) else {
            return Ok((Said::Unsupported, String::new()));
        };
        let service = self.service(target, own)?;
        let until = target.until.min(Instant::now() + LONGEST);
        let call = service.call(target, &body);
        let bytes = tokio::time::timeout_at(until.into(), call)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))?;
        answer::read(&bytes, target, &ask.wanted)
    }

    fn service(&self, target: &Target, own: &Webhook) -> Result<Arc<Service>, String> {
        let (key, revision) = (target.record.key, target.record.meta.revision);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, service)) = kept.get(&key)
            && *of == revision
        {
            return Ok(service.clone());
        }
        let service = Arc::new(Service::new(target, own)?);
        kept.insert(key, (revision, service.clone()));
        Ok(service)
    }

    /// Tests a record step by step.
    pub(super) async fn test(&self, target: &Target, own: &Webhook, trial: &Trial) -> Vec<Step> {
        let mut steps = Vec::new();
        let service = match Service::new(target, own) {
            Ok(service) => service,
            Err(why) => return vec![step("record", Err(why))],
        };
        if let Err(failed) = service.try_out(target, &mut steps).await {
            steps.push(failed);
            return steps;
        }
        let Some(user) = &trial.user else {
            return steps;
        };
        let mut wanted = vec![("user information", Wanted::UserInfo)];
        if let Some(password) = &trial.password {
            let password = Password::Known(password.clone());
            wanted.insert(0, ("authenticate", Wanted::Authenticate(password)));
        }
        if !trial.groups.is_empty() {
            wanted.push(("groups", Wanted::Groups(trial.groups.clone())));
        }
        for (name, wanted) in wanted {
            let ask = Ask {
                engine: String::new(),
                domain: trial.domain.unwrap_or_default(),
                user: user.clone(),
                wanted,
            };
            let asking = Asking {
                id: [0; 16],
                received: None,
            };
            let tried = self.ask(target, own, &ask, &asking).await;
            steps.push(step(name, answer::in_words(tried)));
        }
        steps
    }
}

impl Service {
    fn new(target: &Target, own: &Webhook) -> Result<Self, String> {
        let address = Address::read(&target.record.address, target.record.port)?;
        let identity = match (&own.client_certificate, target.secret("client_key")) {
            (Some(chain), Some(key)) => Some((chain.as_str(), key)),
            (None, None) => None,
            _ => {
                return Err(
                    "the record has one of client_certificate and client_key only".to_owned(),
                );
            }
        };
        Ok(Self {
            address,
            tls: trust::client(own.ca.as_deref(), identity)?,
        })
    }
}

#[cfg(test)]
mod tests;
