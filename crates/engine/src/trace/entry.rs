use super::words::{Check, Excluded, Resolution, Result, Saying, Setting, Shape, What};
use crate::Status;
use std::net::IpAddr;

/// One thing that a decision looked at. Texts are names of records, never something a user typed as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The component that was matched.
    Component {
        /// Its type.
        kind: &'a str,
        /// Its location.
        place: Place<'a>,
        /// Its NAS id, empty for a plain record.
        nas_id: &'a str,
    },
    /// A policy of the chain: the component's own first, its root last.
    Policy {
        /// Policy id.
        id: &'a str,
    },
    /// The policy cannot be computed (1030).
    InvalidPolicy {
        /// Why, in the policy engine's words.
        why: &'a str,
    },
    /// A setting that mattered.
    Setting {
        /// Which.
        setting: Setting,
        /// Its effective value.
        value: Value<'a>,
        /// Where the value comes from.
        origin: Origin,
    },
    /// How user ID and domain were found.
    Resolved {
        /// The step of authentication.md 3.1.
        rule: Resolution,
        /// Name of the domain; empty if there is none.
        domain: &'a str,
    },
    /// The account was found.
    Account {
        /// Authenticators it uses.
        authenticators: u32,
        /// They belong to another account.
        linked: bool,
    },
    /// A condition and how it came out.
    Check {
        /// Which condition.
        check: Check,
        /// Whether the attempt may go on as far as this condition is concerned.
        passed: bool,
        /// The number that decided (days, minutes, count); its unit is the check's.
        seen: i64,
        /// The limit it was compared with; 0 where there is none.
        limit: i64,
    },
    /// An application that is no candidate.
    Excluded {
        /// Serial of the authenticator.
        serial: &'a str,
        /// Name of the application.
        application: &'a str,
        /// Why.
        why: Excluded,
    },
    /// The reading of the input: lengths of its parts in characters.
    Read {
        /// Which shape.
        shape: Shape,
        /// Length of the static password or of what stands before the OTP.
        front: u32,
        /// Length of the PIN.
        pin: u32,
        /// Length of the OTP or response.
        otp: u32,
        /// Length of the new PIN.
        new_pin: u32,
    },
    /// How one candidate application judged.
    Candidate {
        /// Serial of the authenticator.
        serial: &'a str,
        /// Name of the application.
        application: &'a str,
        /// The outcome.
        result: Result,
        /// The counter (HOTP) or time step (TOTP) that the outcome is about.
        moving: Option<u64>,
        /// Steps or counters from the centre of the window (TOTP) or the next counter (HOTP); negative is earlier.
        distance: Option<i64>,
    },
    /// Something only the shell could find out.
    Asked {
        /// What was asked.
        what: What,
        /// Whether the answer was yes; `None` where it was no yes or no.
        yes: Option<bool>,
    },
    /// A back-end was asked.
    Heard {
        /// What was asked.
        what: What,
        /// Name of the server that answered or was tried last; empty where there was none.
        server: &'a str,
        /// What it said.
        said: Saying,
    },
    /// Candidate plaintexts that were tried against a hash.
    Hashes {
        /// How many.
        tried: u32,
        /// Whether the limit cut the search.
        cut: bool,
    },
    /// The end.
    Ended {
        /// The real status.
        real: Status,
        /// What the client got.
        client: Status,
    },
}

/// Where a component's requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Network and prefix length.
    Network(IpAddr, u8),
    /// Host name.
    Host(&'a str),
    /// The default.
    Default,
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A choice, or a name.
    Word(&'a str),
    /// A number.
    Number(i64),
    /// Set, but not for these pages (keywords), or a list: how many characters or entries.
    Size(u32),
}

impl Value<'_> {
    /// The value of a yes-or-no choice.
    pub fn yes_no(yes: bool) -> Self {
        Self::Word(if yes { "yes" } else { "no" })
    }
}

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The policy at this place of the chain, 0 being the component's own.
    Policy(u8),
    /// Unset everywhere: the built-in value.
    BuiltIn,
    /// The account's own setting.
    Account,
    /// The record of the authenticator or application.
    Authenticator,
    /// A setting of the deployment.
    Deployment,
    /// The group check.
    GroupCheck,
    /// The policy of the server component.
    Server,
}
