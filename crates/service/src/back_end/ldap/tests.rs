//! The connector against servers that a test plays, and against real ones.

mod samba;
mod scripted;
mod slapd;

use super::*;
use countersign_engine::Secret;
use countersign_engine::model::{
    AttributeMap, BackEnd, BackEndKey, DomainKey, Meta, Profile, Protocol, Tls,
};

/// A directory by its fields, with the password of its account.
struct Site {
    connector: Connector,
    record: BackEnd,
    bind_password: Option<Secret>,
}

impl Site {
    fn new(address: &str, port: u16, own: Directory, bind_password: &str) -> Self {
        let protocol = match own.profile {
            Profile::Ad => Protocol::ActiveDirectory(own),
            _ => Protocol::Ldap(own),
        };
        let record = BackEnd {
            key: BackEndKey(1),
            name: "directory".to_owned(),
            domain: None,
            priority: 1,
            enabled: true,
            address: address.to_owned(),
            port: Some(port),
            timeout_s: 20,
            retries: 0,
            protocol,
            map: AttributeMap::default(),
            meta: Meta::default(),
        };
        Self {
            connector: Connector::default(),
            record,
            bind_password: Some(Secret::new(bind_password)),
        }
    }

    /// Changes the record, as a command does.
    fn change(&mut self, change: impl FnOnce(&mut Directory)) {
        self.record.meta.revision += 1;
        match &mut self.record.protocol {
            Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => change(own),
            other => panic!("{other:?}"),
        }
    }

    fn own(&self) -> &Directory {
        match &self.record.protocol {
            Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => own,
            other => panic!("{other:?}"),
        }
    }

    fn target(&self) -> Target {
        let secret = self.bind_password.clone();
        Target {
            record: Arc::new(self.record.clone()),
            secrets: secret
                .into_iter()
                .map(|secret| ("bind_password", secret))
                .collect(),
            domain: String::new(),
            outbound: crate::outbound::Outbound::default(),
            until: std::time::Instant::now() + Duration::from_secs(60),
        }
    }

    async fn ask(&self, user: &str, wanted: Wanted) -> Tried {
        let ask = Ask {
            engine: String::new(),
            domain: DomainKey(1),
            user: user.to_owned(),
            wanted,
        };
        self.connector.ask(&self.target(), self.own(), &ask).await
    }

    async fn prove(&self, user: &str, password: &str) -> Tried {
        self.ask(user, known(password)).await
    }

    async fn change_password(&self, user: &str, old: &str, new: &str) -> Tried {
        let (old, new) = (Secret::new(old), Secret::new(new));
        self.ask(user, Wanted::Change { old, new }).await
    }

    async fn member(&self, user: &str, groups: &[&str]) -> Tried {
        let groups = groups.iter().map(|&name| name.to_owned()).collect();
        self.ask(user, Wanted::Groups(groups)).await
    }

    async fn report(&self, trial: &super::super::Trial) -> Vec<(&'static str, bool, String)> {
        let steps = self.connector.test(&self.target(), self.own(), trial).await;
        steps
            .into_iter()
            .map(|step| (step.name, step.passed, step.detail))
            .collect()
    }
}

fn known(password: &str) -> Wanted {
    Wanted::Authenticate(Password::Known(Secret::new(password)))
}

fn directory(profile: Profile, base: &str, account: &str, tls: Tls, ca: Option<&str>) -> Directory {
    Directory {
        base_dn: base.to_owned(),
        bind_dn: Some(account.to_owned()),
        bind_password: None,
        tls,
        ca: ca.map(str::to_owned),
        user_filter: None,
        user_id_attribute: None,
        object_class: None,
        global_catalog: None,
        profile,
    }
}

/// One word for what was said, with the note; `away` = the next server is asked.
fn told(tried: Tried) -> (&'static str, String) {
    let (said, note) = match tried {
        Ok(told) => told,
        Err(why) => return ("away", why),
    };
    let word = match said {
        Said::Accepted(_) => "accepted",
        Said::Rejected => "rejected",
        Said::Locked => "locked",
        Said::Expired => "expired",
        Said::Disabled => "disabled",
        Said::Weak => "weak",
        Said::Member(true) => "member",
        Said::Member(false) => "no member",
        Said::HashRefused => "hash refused",
        Said::Unsupported => "unsupported",
        other => panic!("{other:?}"),
    };
    (word, note)
}
