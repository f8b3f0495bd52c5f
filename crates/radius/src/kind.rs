//! Attribute types and vendor numbers that the code itself speaks of; the full list is the dictionary's.

/// User-Name (RFC 2865).
pub const USER_NAME: u8 = 1;
/// User-Password, hidden with the shared secret (RFC 2865).
pub const USER_PASSWORD: u8 = 2;
/// CHAP-Password (RFC 2865).
pub const CHAP_PASSWORD: u8 = 3;
/// NAS-IP-Address (RFC 2865).
pub const NAS_IP_ADDRESS: u8 = 4;
/// NAS-Port (RFC 2865).
pub const NAS_PORT: u8 = 5;
/// Service-Type (RFC 2865).
pub const SERVICE_TYPE: u8 = 6;
/// Framed-IP-Address (RFC 2865).
pub const FRAMED_IP_ADDRESS: u8 = 8;
/// Reply-Message (RFC 2865).
pub const REPLY_MESSAGE: u8 = 18;
/// State (RFC 2865).
pub const STATE: u8 = 24;
/// Class (RFC 2865).
pub const CLASS: u8 = 25;
/// Vendor-Specific (RFC 2865).
pub const VENDOR_SPECIFIC: u8 = 26;
/// Session-Timeout, seconds (RFC 2865).
pub const SESSION_TIMEOUT: u8 = 27;
/// Called-Station-Id (RFC 2865).
pub const CALLED_STATION_ID: u8 = 30;
/// Calling-Station-Id (RFC 2865).
pub const CALLING_STATION_ID: u8 = 31;
/// NAS-Identifier (RFC 2865).
pub const NAS_IDENTIFIER: u8 = 32;
/// Proxy-State (RFC 2865).
pub const PROXY_STATE: u8 = 33;
/// Acct-Status-Type (RFC 2866).
pub const ACCT_STATUS_TYPE: u8 = 40;
/// Acct-Input-Octets (RFC 2866).
pub const ACCT_INPUT_OCTETS: u8 = 42;
/// Acct-Output-Octets (RFC 2866).
pub const ACCT_OUTPUT_OCTETS: u8 = 43;
/// Acct-Session-Id (RFC 2866).
pub const ACCT_SESSION_ID: u8 = 44;
/// Acct-Session-Time, seconds (RFC 2866).
pub const ACCT_SESSION_TIME: u8 = 46;
/// Acct-Input-Gigawords (RFC 2869).
pub const ACCT_INPUT_GIGAWORDS: u8 = 52;
/// Acct-Output-Gigawords (RFC 2869).
pub const ACCT_OUTPUT_GIGAWORDS: u8 = 53;
/// CHAP-Challenge (RFC 2865).
pub const CHAP_CHALLENGE: u8 = 60;
/// NAS-Port-Type (RFC 2865).
pub const NAS_PORT_TYPE: u8 = 61;
/// Prompt: 0 no echo, 1 echo (RFC 2869).
pub const PROMPT: u8 = 76;
/// EAP-Message (RFC 3579).
pub const EAP_MESSAGE: u8 = 79;
/// Message-Authenticator (RFC 3579).
pub const MESSAGE_AUTHENTICATOR: u8 = 80;
/// NAS-IPv6-Address (RFC 3162).
pub const NAS_IPV6_ADDRESS: u8 = 95;
/// Framed-Interface-Id (RFC 3162).
pub const FRAMED_INTERFACE_ID: u8 = 96;
/// Framed-IPv6-Prefix (RFC 3162).
pub const FRAMED_IPV6_PREFIX: u8 = 97;

/// Service-Type Login-User.
pub const SERVICE_TYPE_LOGIN: u32 = 1;
/// Service-Type Call-Check, the mark of MAC authentication.
pub const SERVICE_TYPE_CALL_CHECK: u32 = 10;

/// Microsoft's enterprise number (RFC 2548).
pub const MICROSOFT: u32 = 311;
/// MS-CHAP-Response.
pub const MS_CHAP_RESPONSE: u8 = 1;
/// MS-CHAP-Error.
pub const MS_CHAP_ERROR: u8 = 2;
/// MS-CHAP-CPW-1.
pub const MS_CHAP_CPW_1: u8 = 3;
/// MS-CHAP-CPW-2.
pub const MS_CHAP_CPW_2: u8 = 4;
/// MS-CHAP-LM-Enc-PW.
pub const MS_CHAP_LM_ENC_PW: u8 = 5;
/// MS-CHAP-NT-Enc-PW: the new password, encrypted under the hash of the old one.
pub const MS_CHAP_NT_ENC_PW: u8 = 6;
/// MS-MPPE-Encryption-Policy.
pub const MS_MPPE_ENCRYPTION_POLICY: u8 = 7;
/// MS-MPPE-Encryption-Types.
pub const MS_MPPE_ENCRYPTION_TYPES: u8 = 8;
/// MS-CHAP-Challenge.
pub const MS_CHAP_CHALLENGE: u8 = 11;
/// MS-CHAP-MPPE-Keys.
pub const MS_CHAP_MPPE_KEYS: u8 = 12;
/// MS-MPPE-Send-Key.
pub const MS_MPPE_SEND_KEY: u8 = 16;
/// MS-MPPE-Recv-Key.
pub const MS_MPPE_RECV_KEY: u8 = 17;
/// MS-CHAP2-Response.
pub const MS_CHAP2_RESPONSE: u8 = 25;
/// MS-CHAP2-Success.
pub const MS_CHAP2_SUCCESS: u8 = 26;
/// MS-CHAP2-CPW: an answer that changes the password.
pub const MS_CHAP2_CPW: u8 = 27;

/// Whether an attribute means something between two neighbours only, so that a proxy never passes it on.
///
/// State belongs here because each side of the server has States of its own.
#[must_use]
pub fn is_hop_by_hop(kind: u8) -> bool {
    matches!(
        kind,
        USER_PASSWORD
            | CHAP_PASSWORD
            | STATE
            | PROXY_STATE
            | CHAP_CHALLENGE
            | EAP_MESSAGE
            | MESSAGE_AUTHENTICATOR
    )
}

/// Whether a Microsoft attribute carries keys or their proof, which are encrypted or made for one neighbour.
#[must_use]
pub fn is_microsoft_key(kind: u8) -> bool {
    matches!(
        kind,
        MS_CHAP_MPPE_KEYS | MS_MPPE_SEND_KEY | MS_MPPE_RECV_KEY | MS_CHAP2_SUCCESS
    )
}

/// Whether a Microsoft attribute belongs to the proof of a password, or to its change.
#[must_use]
pub fn is_microsoft_proof(kind: u8) -> bool {
    matches!(
        kind,
        MS_CHAP_RESPONSE
            | MS_CHAP_CHALLENGE
            | MS_CHAP2_RESPONSE
            | MS_CHAP_CPW_1
            | MS_CHAP_CPW_2
            | MS_CHAP_LM_ENC_PW
            | MS_CHAP_NT_ENC_PW
            | MS_CHAP2_CPW
    )
}
