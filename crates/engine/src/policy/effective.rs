//! The effective view of a policy: typed fields for decisions, values with their origin for explanations.

use serde_json::{Map, Value as Json, json};

use super::attribute::{ATTRIBUTES, Attribute};
use super::choice::HASH_PROTOCOLS;
use super::value::{Value, limit};

pub use super::attribute::Effective;

/// The origin of a value that no policy of the chain sets.
pub const BUILT_IN: &str = "built in";

/// One resolved attribute; `place` counts from the policy itself to its top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) value: Option<Value>,
    pub(super) place: Option<usize>,
}

/// Makes [`Effective`] from the rows of the attribute table.
macro_rules! typed_view {
    ($($name:ident: $type:ty, $doc:literal;)+) => {
        /// What a policy comes to along its chain: one typed field for each attribute.
        ///
        /// A `bool` is a yes-or-no choice; an `Option` is a number that may be unset; blank text and an empty list are
        /// what the attribute's sentence says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Effective {
            $(#[doc = $doc] pub $name: $type,)+
            pub(super) chain: Vec<String>,
            pub(super) settled: Vec<super::effective::Settled>,
        }

        impl Effective {
            /// Fills the fields from values in the order of the table.
            pub(super) fn new(chain: Vec<String>, settled: Vec<super::effective::Settled>) -> Self {
                let mut values = settled.iter().map(|one| one.value.as_ref());
                Self {
                    $($name: super::value::Field::of(values.next().flatten()),)+
                    chain,
                    settled,
                }
            }
        }
    };
}

pub(super) use typed_view;

impl Effective {
    /// The id of the policy whose view it is.
    pub fn policy(&self) -> &str {
        self.chain.first().map_or("", String::as_str)
    }

    /// The ids of the chain, from the policy to its top.
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// The value of an attribute; `None` for a number unset everywhere and for a name that is no attribute.
    pub fn value(&self, attribute: &str) -> Option<&Value> {
        self.settled(attribute)?.value.as_ref()
    }

    /// The id of the policy that sets an attribute, or [`BUILT_IN`].
    pub fn origin(&self, attribute: &str) -> &str {
        self.settled(attribute)
            .and_then(|settled| self.chain.get(settled.place?))
            .map_or(BUILT_IN, String::as_str)
    }

    /// The place in the chain, 0 being the policy itself, that sets an attribute; `None` if it is built in.
    pub fn origin_place(&self, attribute: &str) -> Option<usize> {
        self.settled(attribute)?.place
    }

    fn settled(&self, attribute: &str) -> Option<&Settled> {
        self.settled.get(Attribute::place(attribute)?)
    }

    /// Every attribute with its value and origin, in the order of the documents.
    pub fn settings(&self) -> impl Iterator<Item = (&'static Attribute, Option<&Value>, &str)> {
        ATTRIBUTES.iter().map(|attribute| {
            (
                attribute,
                self.value(attribute.name),
                self.origin(attribute.name),
            )
        })
    }

    /// The answer of `policy/effective`: `{policy_id, chain, attributes: {name: {value, origin}}}`.
    pub fn to_json(&self) -> Json {
        let attributes: Map<String, Json> = self
            .settings()
            .map(|(attribute, value, origin)| {
                let value = value.map_or(Json::Null, Value::to_json);
                (
                    attribute.name.to_owned(),
                    json!({ "value": value, "origin": origin }),
                )
            })
            .collect();
        json!({ "policy_id": self.policy(), "chain": self.chain, "attributes": attributes })
    }

    /// Whether a password protocol of RADIUS or EAP is answered.
    pub fn allows_protocol(&self, protocol: &str) -> bool {
        self.radius_protocols.is_empty() || self.radius_protocols.iter().any(|own| own == protocol)
    }

    /// Whether a protocol is answered for which passwords must be kept recoverably.
    pub fn allows_hash_protocol(&self) -> bool {
        HASH_PROTOCOLS
            .iter()
            .any(|protocol| self.allows_protocol(protocol))
    }

    /// Most authenticators of a type that one user may have, where `type_limits` says so.
    pub fn type_limit(&self, authenticator_type: &str) -> Option<u32> {
        self.type_limits
            .iter()
            .filter_map(|entry| limit(entry))
            .find(|(name, _)| *name == authenticator_type)
            .map(|(_, most)| most)
    }
}
