//! The table of all policy attributes: one row gives the name, the rules for its values, the documents and the typed
//! field of [`Effective`](super::Effective).

use std::fmt;

use super::choice::{PUSH_METHODS, RADIUS_PROTOCOLS, VIRTUAL_METHODS, YES_NO};
use super::{
    ApplicationTypeFilter, AssignmentMode, BackEndAuth, BackupVirtual, DeliveryMethod, GroupCheck,
    LocalAuth, OneStep, OtpWarning, ReactivationProof, RequestMethod, SecureChannel, Value,
};

/// One attribute of a policy.
#[derive(Debug)]
pub struct Attribute {
    /// The name in JSON, TOML and documents.
    pub name: &'static str,
    /// The heading it stands under.
    pub group: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The unit of a number, or empty.
    pub unit: &'static str,
    /// One sentence about its effect.
    pub doc: &'static str,
    base: Preset,
    built_in: Option<i64>,
}

/// The values an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A whole number, ends included.
    Number {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Text without control characters.
    Text {
        /// Most characters.
        max: usize,
    },
    /// A list of texts.
    List {
        /// What the items are.
        items: Items,
        /// Most characters of all items together.
        max_total: usize,
    },
}

/// The items a list takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Items {
    /// Any names of the kind described.
    Names(&'static str),
    /// Some of these names.
    Among(&'static [&'static str]),
    /// `type:number`.
    Limits,
}

#[derive(Clone, Copy, Debug)]
enum Preset {
    Unset,
    Number(i64),
    Text(&'static str),
    EmptyList,
}

impl Attribute {
    /// The attribute with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::place(name).and_then(|place| ATTRIBUTES.get(place))
    }

    pub(super) fn place(name: &str) -> Option<usize> {
        ATTRIBUTES
            .iter()
            .position(|attribute| attribute.name == name)
    }

    /// The value in the shipped policy `base`; `None` where it is unset there.
    pub fn base(&self) -> Option<Value> {
        match (self.base, self.kind) {
            (Preset::Unset, _) => None,
            (Preset::Number(number), _) => Some(Value::Number(number)),
            (Preset::Text(name), Kind::Choice(names)) => names
                .iter()
                .find(|own| **own == name)
                .map(|own| Value::Choice(own)),
            (Preset::Text(text), _) => Some(Value::Text(text.to_owned())),
            (Preset::EmptyList, _) => Some(Value::List(Vec::new())),
        }
    }

    /// The value where no policy of the chain sets one; `None` for choices, which must be set, and for numbers that
    /// may be absent.
    pub fn built_in(&self) -> Option<Value> {
        match self.kind {
            Kind::Choice(_) => None,
            Kind::Number { .. } => self.built_in.map(Value::Number),
            Kind::Text { .. } => Some(Value::Text(String::new())),
            Kind::List { .. } => Some(Value::List(Vec::new())),
        }
    }
}

impl Kind {
    /// Whether it is a choice, which inherits by `inherit` and must be set at the top.
    pub const fn is_choice(self) -> bool {
        matches!(self, Self::Choice(_))
    }
}

/// What is allowed, as it is said in errors and documents.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(names) => f.write_str(&names.join(", ")),
            Self::Number { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Text { max } => write!(
                f,
                "text of at most {max} characters without control characters"
            ),
            Self::List {
                items: Items::Names(what),
                max_total,
            } => {
                write!(
                    f,
                    "a list of {what}, together at most {max_total} characters"
                )
            }
            Self::List {
                items: Items::Among(names),
                ..
            } => write!(f, "a list of {}", names.join(", ")),
            Self::List {
                items: Items::Limits,
                ..
            } => f.write_str("a list of type:number"),
        }
    }
}

/// Kind, base and built-in value of a row while it is written.
struct Shape {
    kind: Kind,
    unit: &'static str,
    base: Preset,
    built_in: Option<i64>,
}

impl Shape {
    const fn of(kind: Kind, base: Preset) -> Self {
        Self {
            kind,
            unit: "",
            base,
            built_in: None,
        }
    }

    const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// The value in `base`, and also the one built in.
    const fn base(self, number: i64) -> Self {
        Self {
            base: Preset::Number(number),
            built_in: Some(number),
            ..self
        }
    }

    /// The built-in value where it differs from the one in `base`.
    const fn built_in(self, number: i64) -> Self {
        Self {
            built_in: Some(number),
            ..self
        }
    }

    const fn base_text(self, text: &'static str) -> Self {
        Self {
            base: Preset::Text(text),
            ..self
        }
    }
}

const fn choice(names: &'static [&'static str], base: &'static str) -> Shape {
    Shape::of(Kind::Choice(names), Preset::Text(base))
}

const fn yes_no(base: &'static str) -> Shape {
    choice(YES_NO, base)
}

const fn number(min: i64, max: i64) -> Shape {
    Shape::of(Kind::Number { min, max }, Preset::Unset)
}

const fn text(max: usize) -> Shape {
    Shape::of(Kind::Text { max }, Preset::Unset)
}

const fn list(items: Items, max_total: usize) -> Shape {
    Shape::of(Kind::List { items, max_total }, Preset::EmptyList)
}

const fn names(what: &'static str, max_total: usize) -> Shape {
    list(Items::Names(what), max_total)
}

/// Builds [`ATTRIBUTES`] and hands the fields with their types to the macro that makes the typed view.
macro_rules! attributes {
    ($($group:literal { $($name:ident: $type:ty = $shape:expr, $doc:literal;)+ })+) => {
        /// All attributes in the order of the documents.
        pub static ATTRIBUTES: &[Attribute] = &[$($({
            const SHAPE: Shape = $shape;
            Attribute {
                name: stringify!($name),
                group: $group,
                kind: SHAPE.kind,
                unit: SHAPE.unit,
                doc: $doc,
                base: SHAPE.base,
                built_in: SHAPE.built_in,
            }
        },)+)+];

        super::effective::typed_view! { $($($name: $type, $doc;)+)+ }
    };
}

attributes! {
    "Identity and main switches" {
        local_auth: LocalAuth = choice(LocalAuth::NAMES, "none"),
            "What the server itself checks: nothing, an OTP always, an OTP once grace has ended, or OTP and static password alike.";
        back_end_auth: BackEndAuth = choice(BackEndAuth::NAMES, "none"),
            "Whether another server is asked too: never, only where a password must be proven there, or at every logon.";
        back_end_protocol: String = text(80),
            "The back-end asked: radius, active_directory, ldap, windows, webhook, or the name of a back-end group; blank takes any back-end of the domain.";
        default_domain: String = text(255),
            "The domain of users who name none; blank is the master domain.";
        accepted_domains: Vec<String> = names("domains", 4000),
            "The domains whose users are served; others answer 1010. Empty takes all.";
        group_check: GroupCheck = choice(GroupCheck::NAMES, "off"),
            "What happens to users in none of the listed groups: nothing, 5001, 1002, or only the back-end decides.";
        groups: Vec<String> = names("directory groups", 4000),
            "The groups of group_check; one is enough.";
        client_group_check: GroupCheck = choice(GroupCheck::NAMES, "off"),
            "The same test for log-on agents, made on the groups of the machine.";
        client_groups: Vec<String> = names("directory groups", 1024),
            "The groups of client_group_check.";
        generic_status_codes: bool = yes_no("no"),
            "Hides eight refusals from the client behind 1000; audit and trace keep the real code.";
        admins_may_authenticate: bool = yes_no("yes"),
            "Whether accounts with administrative logon may use ordinary authentication and signing; if not they get 1005.";
    }

    "Users" {
        dynamic_user_registration: bool = yes_no("no"),
            "Makes an account at the first logon that a back-end accepts.";
        user_info_sync: bool = yes_no("no"),
            "Copies name, phone, mobile and e-mail from the directory at logon.";
        password_autolearn: bool = yes_no("no"),
            "Stores a password that a back-end has proven.";
        stored_password_proxy: bool = yes_no("no"),
            "Sends the stored password to the back-end where the user typed only an OTP.";
        user_lock_threshold: u8 = number(0, 255).base(3).built_in(0),
            "Failures in a row that lock the account; 0 never locks.";
        max_unlock_attempts: u8 = number(0, 255).base(0),
            "How often a locked account unlocks by itself before only an administrator can; 0 never.";
        min_lock_duration_min: u16 = number(0, 10_080).unit("min").base(15),
            "How long a lock lasts before the first attempt to unlock.";
        lock_restart: bool = yes_no("no"),
            "Whether a request during the lock starts its duration anew.";
        lock_duration_multiplier: u8 = number(1, 100).base(2),
            "What the duration is multiplied by after each failed attempt to unlock.";
        max_days_between_authentications: u16 = number(0, 9999).unit("days").base(0),
            "Disables accounts that were not used for longer; 0 never.";
    }

    "Assignment" {
        assignment_mode: AssignmentMode = choice(AssignmentMode::NAMES, "neither"),
            "Whether logon may give the user a free authenticator, or the user may take one by its serial.";
        search_up_org_units: bool = yes_no("no"),
            "Whether free authenticators of the units above the user's may be given too.";
        grace_period_days: Option<u16> = number(0, 9999).unit("days"),
            "Days from assignment in which the password alone is still taken; unset grants none.";
        serial_separator: String = text(8),
            "What stands between serial and password in a self-assignment.";
        authenticator_types: Vec<String> = names("authenticator types", 4000),
            "The types that may serve; empty takes any.";
        application_names: Vec<String> = names("application names", 4000),
            "The applications that may serve; empty takes any.";
        application_type: ApplicationTypeFilter = choice(ApplicationTypeFilter::NAMES, "any"),
            "The kind of application that may serve.";
        multiple_applications: bool = yes_no("yes"),
            "Whether several applications of one user may be tried; if not exactly one must be left.";
        type_limits: Vec<String> = list(Items::Limits, 4000),
            "Most authenticators of a type that one user may have, as type:number.";
        pin_change_allowed: bool = yes_no("yes"),
            "Whether users may change their server PIN while logging on; if not it answers 1020.";
    }

    "Challenge" {
        one_step_challenge: OneStep = choice(OneStep::NAMES, "no"),
            "Whether responses to 1-step challenges are taken: none, to the server's, or to any.";
        one_step_challenge_length: Option<u8> = number(4, 16).unit("digits"),
            "Digits of a 1-step challenge; unset offers none.";
        one_step_check_digit: bool = yes_no("no"),
            "Appends a check digit to the challenge shown.";
        challenge_request_method: RequestMethod = choice(RequestMethod::NAMES, "keyword"),
            "How the password field asks for a 2-step challenge.";
        challenge_request_keyword: String = text(16),
            "The keyword that asks for a 2-step challenge.";
        challenge_check_mode: u8 = number(0, 4).base(1),
            "How strictly a response must belong to the newest challenge.";
        challenge_message: String = text(255).base_text("Please enter your one-time password"),
            "The prompt shown with a challenge; over RADIUS the digits take the place of [CHALLENGE].";
    }

    "Virtual authenticators" {
        virtual_request_method: RequestMethod = choice(VIRTUAL_METHODS, "password"),
            "How the password field asks for the OTP of a virtual authenticator.";
        virtual_request_keyword: String = text(16),
            "The keyword that asks for it.";
        backup_virtual: BackupVirtual = choice(BackupVirtual::NAMES, "no"),
            "Whether a message may stand in for a device: never, always, for a time or a number of uses, or compulsorily.";
        backup_virtual_request_method: RequestMethod = choice(VIRTUAL_METHODS, "keyword_password"),
            "How the password field asks for the OTP that stands in.";
        backup_virtual_request_keyword: String = text(16).base_text("otp"),
            "The keyword that asks for it.";
        backup_virtual_max_days: Option<u16> = number(0, 9999).unit("days"),
            "Days from the first use in which a message may stand in; unset sets no date.";
        backup_virtual_max_uses: Option<u16> = number(0, 9999),
            "How often a message may stand in; unset sets no limit.";
        delivery_method: DeliveryMethod = choice(DeliveryMethod::NAMES, "sms"),
            "How OTPs are sent.";
        delivery_profile: String = text(80),
            "The gateway used; blank takes the best ranked.";
        signature_delivery_method: DeliveryMethod = choice(DeliveryMethod::NAMES, "sms"),
            "How virtual signatures are sent.";
        signature_delivery_profile: String = text(80),
            "The gateway used for virtual signatures; blank takes the best ranked.";
        virtual_otp_digits: u8 = number(6, 10).unit("digits").base(6),
            "Length of a sent OTP.";
        virtual_otp_max_age_s: u16 = number(30, 3600).unit("s").base(300),
            "How long a sent OTP is taken.";
        virtual_max_per_hour: u16 = number(0, 1000).base(10).built_in(0),
            "Messages a user gets in an hour, further requests answer -104; 0 sets no limit.";
    }

    "Verification" {
        identification_time_window: u16 = number(2, 1000).unit("steps").base(20),
            "Width of the window for time-based OTPs, both sides together.";
        signature_time_window: u16 = number(2, 500).unit("steps").base(20).built_in(24),
            "Width of the window for time-based signatures, both sides together.";
        dynamic_time_window: bool = yes_no("no"),
            "Lets the window grow while the authenticator is not used.";
        initial_time_window_h: u8 = number(1, 60).unit("h").base(6),
            "Width of the window at the first use after import or reset.";
        skip_initial_sync: bool = yes_no("no"),
            "Does without the wide window at the first use.";
        initial_window_proof: bool = yes_no("no"),
            "Asks for the following OTP too where the wide first window or the grown one was needed.";
        event_window: u16 = number(10, 1000).unit("counters").base(20),
            "Width of the window for counter-based OTPs and signatures.";
        identification_threshold: u8 = number(0, 255).base(0),
            "Wrong OTPs in a row that lock one application; 0 never locks.";
        signature_threshold: u8 = number(0, 255).base(0),
            "Wrong signatures in a row that lock one application; 0 never locks.";
        online_signature_level: u8 = number(0, 3).base(0),
            "How strictly used and older signatures are refused.";
        check_inactive_days: u16 = number(0, 1024).unit("days").base(0),
            "Refuses applications that were not used for longer; 0 never.";
        second_otp_sync: bool = yes_no("no"),
            "Lets two OTPs in a row put a drifted authenticator right.";
        otp_warning: OtpWarning = choice(OtpWarning::NAMES, "ignore"),
            "Whether a right value at the very edge of its window is taken or refused.";
    }

    "Secure channel, push, activation" {
        secure_channel: SecureChannel = choice(SecureChannel::NAMES, "no"),
            "Whether requests to devices are encrypted; required leaves only applications that can.";
        custom_request_body: bool = yes_no("no"),
            "Whether the caller may set what the device shows.";
        activation_message_validity_days: u16 = number(1, 9999).unit("days").base(7),
            "How long the first activation message may be answered.";
        push_request_method: RequestMethod = choice(PUSH_METHODS, "disabled"),
            "How the password field asks for a push.";
        push_request_keyword: String = text(16).base_text("push"),
            "The keyword that asks for it.";
        push_application_name: String = text(255),
            "The mobile application that gets the push.";
        push_template: String = text(1024),
            "The text of the notification; blank takes the built-in one.";
        push_timeout_s: u16 = number(5, 300).unit("s").base(30),
            "How long the server waits for the answer on the device.";
        push_number_match: bool = yes_no("yes"),
            "Shows a number at the client that has to be chosen on the device.";
        push_max_per_hour: u16 = number(0, 1000).base(10).built_in(0),
            "Pushes a user gets in an hour, further requests answer -104; 0 sets no limit.";
        reactivation_proof: ReactivationProof = choice(ReactivationProof::NAMES, "otp"),
            "Whether the owner of an active authenticator needs an OTP of it to add another, or whatever local_auth asks for.";
        activation_delay_h: u16 = number(0, 8760).unit("h").base(0),
            "How long after its activation a new authenticator starts to serve.";
        notify_activation_delayed: bool = yes_no("no"),
            "Tells the user about an activation that starts later.";
        notify_activation_completed: bool = yes_no("no"),
            "Tells the user about a finished activation.";
        activation_notice_method: DeliveryMethod = choice(DeliveryMethod::NAMES, "sms"),
            "How these notices are sent.";
    }

    "Log-on agents and randomised passwords" {
        offline_auth: bool = yes_no("no"),
            "Hands out data for offline logons after an online one; needs back_end_auth = always.";
        offline_days: u8 = number(1, 99).unit("days").base(21),
            "How many days of time-based OTPs are handed out.";
        offline_events: u16 = number(1, 2999).unit("events").base(300),
            "How many counter-based OTPs are handed out.";
        password_randomization: bool = yes_no("no"),
            "Replaces the directory password by a random one after each OTP logon.";
        random_password_length: u8 = number(7, 127).unit("characters").base(16),
            "Length of the random passwords.";
    }

    "RADIUS" {
        radius_protocols: Vec<String> = list(Items::Among(RADIUS_PROTOCOLS), 4000),
            "The password protocols that are answered; empty takes any. A hash protocol among them keeps recoverable copies of passwords.";
        reply_attributes: bool = yes_no("no"),
            "Puts attributes of the user into Access-Accept.";
        reply_attribute_groups: Vec<String> = names("attribute groups", 4000),
            "The groups of attributes sent.";
        eap_session_lifetime_s: u32 = number(0, 31_536_000).unit("s").base(3600),
            "Lifetime of a wireless session.";
        tls_session_lifetime_s: u32 = number(0, 31_536_000).unit("s").base(86_400),
            "How long a TLS session can be resumed.";
        max_fast_reconnects: u16 = number(0, 1000).base(48),
            "How often a TLS session may be resumed without new credentials.";
        session_attribute_group: String = text(64),
            "The group of attributes repeated at a fast reconnect.";
    }

    "Static password rules" {
        pw_min_length: u8 = number(0, 128).unit("characters").base(8).built_in(0),
            "Fewest characters.";
        pw_min_lower: u8 = number(0, 128).base(0),
            "Fewest lower case letters.";
        pw_min_upper: u8 = number(0, 128).base(0),
            "Fewest upper case letters.";
        pw_min_digits: u8 = number(0, 128).base(0),
            "Fewest digits.";
        pw_min_symbols: u8 = number(0, 128).base(0),
            "Fewest characters that are neither letters nor digits.";
        pw_min_unique: u8 = number(0, 128).base(0),
            "Fewest different characters.";
        pw_history: u8 = number(0, 24).base(0),
            "How many former passwords may not come again.";
        pw_not_user_id: bool = yes_no("no"),
            "Forbids the user ID within the password.";
        pw_max_age_days: u16 = number(0, 9999).unit("days").base(0),
            "Age from which a password is refused under authenticator_or_password; 0 never.";
        pw_min_age_days: u16 = number(0, 9999).unit("days").base(0),
            "Age before which a password may not be changed again.";
        pw_expiry_notice_days: u16 = number(0, 365).unit("days").base(14),
            "Days before the end in which answers tell it.";
    }
}
