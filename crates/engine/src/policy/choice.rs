//! The choices an attribute can have, as types.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! choices {
    ($($(#[$doc:meta])* $type:ident { $($variant:ident = $name:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = concat!("`", $name, "`.")] $variant,)+
        }

        impl $type {
            /// The names of all choices, in the order of the documents.
            pub const NAMES: &'static [&'static str] = &[$($name),+];
            /// All choices.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in JSON, TOML and documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The choice with this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::parse(&name).ok_or_else(|| de::Error::unknown_variant(&name, Self::NAMES))
            }
        }
    )+};
}

choices! {
    /// What the server itself checks.
    LocalAuth {
        None = "none",
        AuthenticatorOnly = "authenticator_only",
        GracePeriod = "grace_period",
        AuthenticatorOrPassword = "authenticator_or_password",
    }

    /// When a back-end is asked.
    BackEndAuth {
        None = "none",
        IfNeeded = "if_needed",
        Always = "always",
    }

    /// What happens to users outside the listed groups.
    GroupCheck {
        Off = "off",
        PassBack = "pass_back",
        Reject = "reject",
        BackEndOnly = "back_end_only",
    }

    /// How a user without authenticator comes by one at logon.
    AssignmentMode {
        Neither = "neither",
        Auto = "auto",
        SelfAssign = "self",
        AutoPinReset = "auto_pin_reset",
        SelfPinReset = "self_pin_reset",
    }

    /// Which kind of application may serve.
    ApplicationTypeFilter {
        Any = "any",
        ResponseOnly = "response_only",
        ChallengeResponse = "challenge_response",
        Signature = "signature",
        MultiMode = "multi_mode",
        MasterActivation = "master_activation",
    }

    /// Whether challenges in one step are offered, and whose.
    OneStep {
        No = "no",
        ServerChallenge = "server_challenge",
        AnyChallenge = "any_challenge",
    }

    /// How a password field asks for a challenge, a message or a push.
    RequestMethod {
        None = "none",
        Keyword = "keyword",
        KeywordOnly = "keyword_only",
        Password = "password",
        KeywordPassword = "keyword_password",
        PasswordKeyword = "password_keyword",
        KeywordPin = "keyword_pin",
    }

    /// Whether the virtual authenticator may stand in for a device.
    BackupVirtual {
        No = "no",
        Permitted = "permitted",
        TimeLimited = "time_limited",
        Required = "required",
    }

    /// How messages reach the user; of two, the second is the substitute.
    DeliveryMethod {
        Sms = "sms",
        Email = "email",
        Voice = "voice",
        SmsEmail = "sms_email",
        SmsVoice = "sms_voice",
        EmailVoice = "email_voice",
    }

    /// What becomes of a right value at the edge of its window.
    OtpWarning {
        Ignore = "ignore",
        Reject = "reject",
    }

    /// Whether requests to devices are encrypted.
    SecureChannel {
        No = "no",
        Permitted = "permitted",
        Required = "required",
    }

    /// What an owner of an active authenticator must prove to add another.
    ReactivationProof {
        Otp = "otp",
        Policy = "policy",
    }
}

/// `yes` and `no`.
pub const YES_NO: &[&str] = &["yes", "no"];

/// The request methods of virtual authenticators: all but `keyword_pin`.
pub const VIRTUAL_METHODS: &[&str] = &[
    "none",
    "keyword",
    "keyword_only",
    "password",
    "keyword_password",
    "password_keyword",
];

/// The request methods of push; `disabled` reads as [`RequestMethod::None`].
pub const PUSH_METHODS: &[&str] = &[
    "disabled",
    "keyword",
    "keyword_only",
    "password",
    "keyword_password",
    "password_keyword",
];

/// The password protocols of RADIUS and EAP that a policy can name.
pub const RADIUS_PROTOCOLS: &[&str] = &[
    "pap",
    "chap",
    "mschap",
    "mschapv2",
    "eap_md5",
    "eap_ttls_pap",
    "eap_ttls_gtc",
    "eap_ttls_mschapv2",
    "peap_mschapv2",
    "peap_gtc",
];

/// The protocols among them in which the server sees a proof and never the password.
pub const HASH_PROTOCOLS: &[&str] = &[
    "chap",
    "mschap",
    "mschapv2",
    "eap_md5",
    "eap_ttls_mschapv2",
    "peap_mschapv2",
];
