//! All policies of a deployment with their effective views, computed once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::inherit::{Invalid, Policy, resolve};
use super::password_rules::PasswordRules;
use super::{Effective, predefined};

pub(super) use crate::text::fold;

/// Every policy by id, with its effective view or why there is none.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    policies: BTreeMap<String, Policy>,
    unreadable: BTreeMap<String, String>,
    effective: BTreeMap<String, Result<Arc<Effective>, Invalid>>,
}

impl PolicySet {
    /// Computes the views of these policies.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        Self::with_unreadable(policies, [])
    }

    /// The same where some records could not be read: `(id, reason)`. They and their children are invalid.
    pub fn with_unreadable(
        policies: impl IntoIterator<Item = Policy>,
        unreadable: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut set = Self {
            policies: policies
                .into_iter()
                .map(|policy| (fold(&policy.id), policy))
                .collect(),
            unreadable: unreadable
                .into_iter()
                .map(|(id, reason)| (fold(&id), reason))
                .collect(),
            effective: BTreeMap::new(),
        };
        let ids = set.policies.keys().chain(set.unreadable.keys());
        set.effective = ids
            .map(|id| (id.clone(), set.compute(id).map(Arc::new)))
            .collect();
        set
    }

    /// The shipped policies.
    pub fn predefined() -> Self {
        Self::new(predefined::all())
    }

    /// The effective view of a policy.
    ///
    /// # Errors
    /// Why it cannot be used (1030); a policy that does not exist is one reason.
    pub fn effective(&self, id: &str) -> Result<Arc<Effective>, Invalid> {
        // Ids are nearly always spelled as stored and lower case: the first look-up saves the folding.
        let known = self
            .effective
            .get(id)
            .or_else(|| self.effective.get(&fold(id)));
        known.cloned().unwrap_or_else(|| {
            Err(Invalid::Missing {
                policy: id.to_owned(),
            })
        })
    }

    /// A policy as it is written.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.policies.get(&fold(id))
    }

    /// All readable policies in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.policies.values()
    }

    /// The policies that name this one as parent.
    pub fn children<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Policy> + use<'a> {
        let id = fold(id);
        self.iter().filter(move |policy| {
            policy
                .parent
                .as_deref()
                .is_some_and(|parent| fold(parent) == id)
        })
    }

    /// Whether giving a policy this parent would close a loop through it.
    pub fn would_loop(&self, id: &str, parent: &str) -> bool {
        let id = fold(id);
        let mut seen = BTreeSet::new();
        let mut next = Some(fold(parent));
        while let Some(current) = next {
            if current == id {
                return true;
            }
            next = self
                .policies
                .get(&current)
                .and_then(|policy| policy.parent.as_deref())
                .map(fold);
            if !seen.insert(current) {
                return false;
            }
        }
        false
    }

    /// The password rules that hold under a server component's policy: administrators have its effective values,
    /// other users those of the top of its chain (spec/authentication.md 12).
    ///
    /// # Errors
    /// The chain cannot be used (1030).
    pub fn password_rules(
        &self,
        server_policy: &str,
        administrator: bool,
    ) -> Result<PasswordRules, Invalid> {
        let view = self.effective(server_policy)?;
        if administrator {
            return Ok(PasswordRules::of(&view));
        }
        // The top alone may leave choices open that a child fills, so its own values are read and not its view.
        let top = view.chain().last().and_then(|id| self.get(id));
        Ok(top.map(PasswordRules::of_top).unwrap_or_default())
    }

    fn compute(&self, id: &str) -> Result<Effective, Invalid> {
        resolve(&self.chain(id)?)
    }

    fn chain(&self, id: &str) -> Result<Vec<&Policy>, Invalid> {
        let mut chain: Vec<&Policy> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(id);
        while let Some(spelled) = next {
            let key = fold(spelled);
            if let Some(reason) = self.unreadable.get(&key) {
                return Err(Invalid::Unreadable {
                    policy: spelled.to_owned(),
                    reason: reason.clone(),
                });
            }
            let Some(policy) = self.policies.get(&key) else {
                return Err(Invalid::Missing {
                    policy: spelled.to_owned(),
                });
            };
            if !seen.insert(key) {
                return Err(Invalid::Loop {
                    policy: policy.id.clone(),
                });
            }
            chain.push(policy);
            next = policy.parent.as_deref();
        }
        Ok(chain)
    }
}
