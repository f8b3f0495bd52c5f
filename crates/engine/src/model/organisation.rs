use super::{DomainKey, Meta, UnitKey};

/// Top-level container of users and authenticators.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Row.
    pub key: DomainKey,
    /// Name as spelled (1–255 characters).
    pub name: String,
    /// [`crate::text::fold`] of the name.
    pub folded: String,
    /// Free text.
    pub description: String,
    /// Exactly one domain is the master domain.
    pub master: bool,
    /// Bookkeeping.
    pub meta: Meta,
}

/// Optional tree below a domain.
#[derive(Clone, Debug)]
pub struct OrgUnit {
    /// Row.
    pub key: UnitKey,
    /// The domain it belongs to.
    pub domain: DomainKey,
    /// Name as spelled, unique within the domain.
    pub name: String,
    /// [`crate::text::fold`] of the name.
    pub folded: String,
    /// The unit above, or none at the top.
    pub parent: Option<UnitKey>,
    /// Free text.
    pub description: String,
    /// Bookkeeping.
    pub meta: Meta,
}
