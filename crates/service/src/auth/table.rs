use countersign_engine::admin::{self, Field, Kind};
use countersign_engine::attempt::Via;

/// One command of `/v1/auth`.
#[derive(Debug)]
pub struct AuthCommand {
    /// Last part of the path.
    pub verb: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// What it takes.
    pub fields: &'static [Field],
    pub(crate) via: Via,
}

/// All commands of `/v1/auth`.
pub const COMMANDS: &[AuthCommand] = &[
    AuthCommand {
        verb: "authenticate",
        doc: "Verify a user's one-time password, static password or response to a challenge.",
        fields: AUTHENTICATE,
        via: Via::Authenticate,
    },
    AuthCommand {
        verb: "challenge",
        doc: "Issue a 1-step challenge, before any user is known.",
        fields: CHALLENGE,
        via: Via::Challenge,
    },
    AuthCommand {
        verb: "update-password",
        doc: "Change the stored static password of a user who proves the old one.",
        fields: UPDATE_PASSWORD,
        via: Via::UpdatePassword,
    },
    AuthCommand {
        verb: "change-backend-password",
        doc: "Change the password that a user has at the back-end; the stored one follows where the policy learns passwords.",
        fields: CHANGE_BACK_END_PASSWORD,
        via: Via::ChangeBackEndPassword,
    },
    AuthCommand {
        verb: "change-encrypted-password",
        doc: "Change the stored static password or the server PIN by a message that is encrypted to a key of /v1/auth/jwks.",
        fields: CHANGE_ENCRYPTED_PASSWORD,
        via: Via::ChangeEncryptedPassword,
    },
];

const COMPONENT: Field = Field::new(
    "component",
    Kind::Text { min: 1, max: 60 },
    "Type of the component that sends the request.",
)
.required();
const USER: Field = Field::new(
    "user",
    Kind::Text { min: 1, max: 255 },
    "User ID, alone or as user@domain.",
)
.required();
const DOMAIN: Field = Field::new(
    "domain",
    Kind::Text { min: 1, max: 255 },
    "Domain of the user; without it, name resolution decides.",
);
const CLIENT_ADDRESS: Field = Field::new(
    "client_address",
    Kind::Text { min: 2, max: 45 },
    "Address of the real client, from a trusted forwarder.",
);
const REQUEST_ID: Field = Field::new(
    "request_id",
    Kind::Text { min: 1, max: 64 },
    "Identity of the request; sent again within 30 s with the same body, it gets the same answer and counts nothing.",
);
const PASSWORD: Field = Field::new(
    "password",
    Kind::Secret { max: 255 },
    "Everything the user typed, concatenated (combined format).",
);
const STATIC_PASSWORD: Field = Field::new(
    "static_password",
    Kind::Secret { max: 1024 },
    "Static password (separate format).",
);
const OTP: Field = Field::new(
    "otp",
    Kind::Secret { max: 16 },
    "One-time password (separate format).",
);
const PIN: Field = Field::new(
    "pin",
    Kind::Secret { max: 8 },
    "Server PIN (separate format).",
);
const CHALLENGE_KEY: Field = Field::new(
    "challenge_key",
    Kind::Text { min: 1, max: 64 },
    "Key of the challenge that is answered.",
);
const RESPONSE: Field = Field::new(
    "response",
    Kind::Secret { max: 255 },
    "Response to the challenge.",
);

const AUTHENTICATE: &[Field] = &[
    COMPONENT,
    USER,
    DOMAIN,
    PASSWORD,
    STATIC_PASSWORD,
    OTP,
    PIN,
    Field::new("new_pin", Kind::Secret { max: 16 }, "New server PIN."),
    Field::new(
        "confirm_new_pin",
        Kind::Secret { max: 16 },
        "New server PIN again.",
    ),
    Field::new(
        "serial",
        Kind::Serial,
        "Serial of the one authenticator that may be used.",
    ),
    CHALLENGE_KEY,
    Field::new(
        "challenge",
        Kind::Text { min: 1, max: 64 },
        "Digits of a challenge that the client made itself (one_step_challenge = any_challenge).",
    ),
    RESPONSE,
    Field::new(
        "auth_type",
        Kind::Choice(&["auto", "response", "challenge", "virtual", "push", "scan"]),
        "Workflow; auto reads it from the credentials.",
    ),
    Field::new(
        "host_code",
        Kind::Choice(&["none", "optional", "required"]),
        "Whether a host code is wanted in the answer.",
    ),
    Field::new(
        "attribute_group",
        Kind::List { items: 32, max: 64 },
        "Groups of user attributes to return.",
    ),
    Field::new(
        "challenge_message",
        Kind::Text { min: 0, max: 255 },
        "Text shown with a challenge instead of the policy's.",
    ),
    CLIENT_ADDRESS,
    REQUEST_ID,
];

const CHALLENGE: &[Field] = &[COMPONENT, CLIENT_ADDRESS, REQUEST_ID];

const OLD_PASSWORD: Field = Field::new(
    "old_password",
    Kind::Secret { max: 1024 },
    "Static password as it is.",
)
.required();
const NEW_PASSWORD: Field = Field::new(
    "new_password",
    Kind::Secret { max: 128 },
    "New static password.",
)
.required();

const UPDATE_PASSWORD: &[Field] = &[
    COMPONENT,
    USER,
    DOMAIN,
    OLD_PASSWORD,
    NEW_PASSWORD,
    Field::new(
        "confirm_password",
        Kind::Secret { max: 128 },
        "New static password again.",
    )
    .required(),
    CLIENT_ADDRESS,
    REQUEST_ID,
];

const CHANGE_BACK_END_PASSWORD: &[Field] = &[
    COMPONENT,
    USER,
    DOMAIN,
    OLD_PASSWORD,
    NEW_PASSWORD,
    OTP,
    PIN,
    CLIENT_ADDRESS,
    REQUEST_ID,
];

const CHANGE_ENCRYPTED_PASSWORD: &[Field] = &[
    COMPONENT,
    USER,
    DOMAIN,
    Field::new(
        "jwe",
        Kind::Secret { max: MOST_JWE },
        "The change as JWE in compact form (RFC 7516), at most 16 KiB: ECDH-ES+A256KW, A256GCM, kid of a key of /v1/auth/jwks. It holds user, domain, iat, jti, and old_password and new_password, or pin and new_pin.",
    )
    .required(),
    CLIENT_ADDRESS,
    REQUEST_ID,
];

/// One that is too long answers 1070 as any other that cannot be read, unless it is far too long.
const MOST_JWE: usize = 65_536;

pub(crate) fn fields_of(via: Via) -> &'static [Field] {
    match via {
        Via::Authenticate | Via::Radius => AUTHENTICATE,
        Via::Challenge => CHALLENGE,
        Via::UpdatePassword => UPDATE_PASSWORD,
        Via::ChangeBackEndPassword => CHANGE_BACK_END_PASSWORD,
        Via::ChangeEncryptedPassword => CHANGE_ENCRYPTED_PASSWORD,
        Via::AdminLogon => admin::find("session", "logon").map_or(&[], |verb| verb.own),
    }
}
