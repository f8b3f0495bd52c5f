//! The configuration as one immutable value: few records, read by every request, swapped whole on a change.

mod components;

pub use components::{Components, LOGON_AGENT, RADIUS_CLIENT, RadiusClient};

use crate::back_end::BackEnds;
use crate::model::{
    AuthenticatorType, Domain, DomainKey, Meta, OrgUnit, PolicyKey, SyncProfile, UnitKey,
};
use crate::policy::{Effective, Invalid, PolicySet};
use crate::settings::Settings;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that is few: domains, units, policies with their effective values, components, types, settings.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Number of the change it was read at; rises.
    pub generation: i64,
    /// All domains.
    pub domains: Domains,
    /// All organizational units.
    pub units: HashMap<UnitKey, OrgUnit>,
    /// All policies, effective values computed; a broken one is a value (1030).
    pub policies: PolicySet,
    /// Row and bookkeeping of each stored policy, by [`crate::text::fold`] of its id.
    pub policy_rows: HashMap<String, (PolicyKey, Meta)>,
    /// All client components.
    pub components: Components,
    /// All back-ends.
    pub back_ends: BackEnds,
    /// All synchronisation profiles.
    pub sync_profiles: Vec<Arc<SyncProfile>>,
    /// All authenticator types.
    pub types: Vec<AuthenticatorType>,
    /// Settings of the deployment.
    pub settings: Settings,
    /// Policy of the server component; blank is `server`.
    pub server_policy: String,
}

impl Snapshot {
    /// The effective policy of a policy id; a missing one is invalid (1030).
    ///
    /// # Errors
    /// Why it cannot be computed (policy.md 2).
    pub fn policy(&self, id: &str) -> Result<Arc<Effective>, Invalid> {
        self.policies.effective(id)
    }

    /// The policy whose password rows and assignment grace hold (policy.md 3).
    pub fn server_policy(&self) -> &str {
        if self.server_policy.is_empty() {
            "server"
        } else {
            &self.server_policy
        }
    }

    /// A synchronisation profile by name in any case.
    pub fn sync_profile(&self, name: &str) -> Option<&Arc<SyncProfile>> {
        let folded = crate::text::fold(name);
        self.sync_profiles
            .iter()
            .find(|profile| crate::text::fold(&profile.name) == folded)
    }

    /// The spelled name of a unit, or nothing.
    pub fn unit_name(&self, unit: Option<UnitKey>) -> Option<&str> {
        self.units.get(&unit?).map(|unit| unit.name.as_str())
    }
}

/// The domains, found by folded name or by row.
#[derive(Debug, Default)]
pub struct Domains {
    by_key: HashMap<DomainKey, Domain>,
    by_name: HashMap<String, DomainKey>,
    master: DomainKey,
}

impl Domains {
    /// Indexes the domains; the last one marked as master is the master domain.
    pub fn new(domains: impl IntoIterator<Item = Domain>) -> Self {
        let mut all = Self::default();
        for domain in domains {
            if domain.master {
                all.master = domain.key;
            }
            all.by_name.insert(domain.folded.clone(), domain.key);
            all.by_key.insert(domain.key, domain);
        }
        all
    }

    /// The master domain; none only in an empty store.
    pub fn master(&self) -> Option<&Domain> {
        self.by_key.get(&self.master)
    }

    /// A domain by name in any case.
    pub fn named(&self, name: &str) -> Option<&Domain> {
        self.by_key.get(self.by_name.get(&crate::text::fold(name))?)
    }

    /// A domain by row.
    pub fn get(&self, key: DomainKey) -> Option<&Domain> {
        self.by_key.get(&key)
    }

    /// The spelled name of a domain, empty if it is gone.
    pub fn name(&self, key: DomainKey) -> &str {
        self.by_key
            .get(&key)
            .map_or("", |domain| domain.name.as_str())
    }

    /// All domains in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Domain> {
        self.by_key.values()
    }
}
