//! Policies: named sets of attributes that say how a component's requests are handled (spec/policy.md).
//!
//! One table ([`attribute`]) holds every attribute. A [`Policy`] sets some of them and inherits the rest along its
//! chain; [`PolicySet`] computes the [`Effective`] view of every policy once, for the hot path and for explanations.

pub mod attribute;
pub mod choice;
pub mod effective;
pub mod inherit;
pub mod markdown;
pub mod password_rules;
pub mod predefined;
pub mod set;
pub mod value;

pub use attribute::{ATTRIBUTES, Attribute, Kind};
pub use choice::{
    ApplicationTypeFilter, AssignmentMode, BackEndAuth, BackupVirtual, DeliveryMethod, GroupCheck,
    LocalAuth, OneStep, OtpWarning, ReactivationProof, RequestMethod, SecureChannel,
};
pub use effective::Effective;
pub use inherit::{Invalid, Policy, PolicyError, resolve};
pub use markdown::markdown;
pub use password_rules::{BrokenRule, PasswordRules};
pub use set::PolicySet;
pub use value::{Value, ValueError};

#[cfg(test)]
mod tests;
