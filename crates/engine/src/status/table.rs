//! The rows: one for each status code of the contract.
//!
//! A row reads: number, constant, names (the first is sent, all are accepted), interfaces, marks, ranks, message, advice.
//! A rank is ten times the stage of spec/status-codes.md 6 plus the place within the stage.

use super::Interface::{Admin, Auth, Provision, Radius, Sign};
use super::{Interface, Mark, Mark::Counted, Mark::Generic, Status};

/// Everything known about one status.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: i16,
    pub(super) names: &'static [&'static str],
    pub(super) interfaces: &'static [Interface],
    pub(super) marks: &'static [Mark],
    pub(super) ranks: &'static [u16],
    pub(super) message: &'static str,
    pub(super) advice: &'static str,
}

macro_rules! statuses {
    ($($number:literal $constant:ident $names:tt $interfaces:tt $marks:tt $ranks:tt $message:literal $advice:literal;)*) => {
        impl Status {
            $(
                #[doc = concat!("`", stringify!($number), "`: ", $message)]
                pub const $constant: Status = Status($number);
            )*
        }

        /// All rows in ascending order of their numbers.
        pub(super) static ROWS: &[Row] = &[$(Row {
            number: $number,
            names: &$names,
            interfaces: &$interfaces,
            marks: &$marks,
            ranks: &$ranks,
            message: $message,
            advice: $advice,
        }),*];
    };
}

statuses! {
    -108 UNSUPPORTED ["STAT_UNSUPPORTED"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "This server or back-end does not offer the operation."
        "The command or option is known but this build, this back-end or this policy does not provide it. Over RADIUS it is also the code of a password protocol outside the policy's radius_protocols. Choose another protocol or option, or another back-end.";
    -107 CONFIG ["STAT_CONFIG"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "The server's configuration does not allow this operation."
        "Something the operation needs is not configured, contradicts another setting, or the node does not trust its clock. The node's log and the audit record say which setting; `countersign config check` checks the file.";
    -106 STORAGE ["STAT_STORAGE"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "The store could not take the write; nothing was changed."
        "The database is locked, full or read-only, it lost the write, or the audit record could not be written. Nothing was accepted or consumed, so the same request may be sent again. Look at disk space, permissions and the audit sinks.";
    -105 CRYPTO ["STAT_CRYPTO"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "A key is missing or a sealed value could not be opened."
        "Sealing or opening failed, or the key that sealed a value is gone or unreachable. Check the master key of this node and the state of the keys (`key query`); a spoiled value has to be imported or set again.";
    -104 BUSY ["STAT_BUSY"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "A limit is reached; try again later."
        "Too many requests wait, too many sessions or challenges are open, the pool for password checks is full, or the hourly limit of messages or push requests of this user is used up. Wait, or raise the limit the audit record names.";
    -103 TIMEOUT ["STAT_TIMEOUT"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "An internal wait took too long."
        "A pool or task did not finish within its bound. Over RADIUS nothing is answered, so that the client asks its next server. If it repeats, the node is overloaded.";
    -102 MISSINGFLD ["STAT_MISSINGFLD"] [Auth, Sign, Provision, Admin] [] [30]
        "A mandatory field is missing."
        "The message names the field to be added; `component` is mandatory in every authentication, signature and provisioning request.";
    -101 INVDATA ["STAT_INVDATA"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "A field has a value that is not allowed."
        "The message names the field and what it takes. Unknown fields are refused with this code as well. Correct the request.";
    -14 EXISTS ["STAT_EXISTS"] [Provision, Admin] [] [30]
        "An object with this key already exists."
        "Choose another name, or update the object that is there.";
    -13 NOT_FOUND ["STAT_NOT_FOUND"] [Auth, Sign, Provision, Admin] [] [30]
        "The named object does not exist."
        "The object is not there, lies outside the caller's scope, was fetched already, or the device message about it does not verify. Check the name, the domain and the scope of the administrator.";
    -12 OS_FAILURE ["STAT_OS_FAILURE"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "The operating system refused a call."
        "A file, socket or process call failed. The node's log has the system's reason.";
    -11 LICENCE ["STAT_LICENCE"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "Reserved: a licence limit."
        "The number is kept for compatibility. Countersign has no licensing and never answers it.";
    -10 COMMS ["STAT_COMMS"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "A server that is needed cannot be reached."
        "The store, a directory, every server of a back-end or the delivery gateway does not answer. A group check that cannot be made also ends here. Check the network and the server the audit record names.";
    -3 MEMORY ["STAT_MEMORY"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "The request is too big to be worked on."
        "An input limit that protects the server's memory was reached, or memory could not be had. Send smaller pieces.";
    -2 INVPARAM ["STAT_INVPARAM"] [Auth, Sign, Provision, Admin] [] [30]
        "The parameters do not go together."
        "Two fields contradict each other, an option is unknown, the approval belongs to another command, or the change would close a loop or break a reference. The message says which.";
    -1 ERROR ["STAT_ERROR"] [Radius, Auth, Sign, Provision, Admin] [] [30]
        "The operation failed inside the server."
        "Nothing more exact may be told to the client. The audit record E-000001 of the same request has the detail.";
    0 SUCCESS ["STAT_SUCCESS"] [Radius, Auth, Sign, Provision, Admin] [] []
        "No error"
        "Every check that applied has accepted, or the change is stored and audited. Nothing to do.";
    1000 INVCREDENTIALS ["STAT_INVCREDENTIALS"] [Radius, Auth, Sign, Provision, Admin] [] [50]
        "User name or password is wrong."
        "Said without detail on purpose: either the policy hides the reason (generic_status_codes), or the credentials could not be read at all. The audit record holds the real code; `countersign explain` shows it.";
    1002 GROUPCHK ["STAT_GROUPCHK"] [Radius, Auth, Sign, Provision, Admin] [] [81]
        "The user is in none of the required groups."
        "The policy refuses users outside its groups (group_check = reject). Add the user to a listed directory group, or list another group.";
    1004 EXP_CHALLENGE ["STAT_EXP_CHALLENGE"] [Radius, Auth, Sign] [] [161]
        "The challenge is too old."
        "The answer came after the challenge's lifetime (challenge.max_age_s), or nobody answered the request on the device within push_timeout_s. Ask for a new challenge.";
    1005 PERMISSION ["STAT_PERMISSION"] [Radius, Auth, Sign, Admin] [] [111]
        "The administrator is not permitted to do this."
        "A privilege is missing, the object belongs to an administrator of a higher level, the own operation was to be approved, or an administrator's account tried an ordinary logon that admins_may_authenticate forbids.";
    1006 LOCALAUTH ["STAT_LOCALAUTH"] [Auth] [] [130]
        "Authenticators are not checked here."
        "The request brings an OTP, response, PIN or serial, but the effective local_auth is none. Change local_auth of the policy or the user, or send the password alone for the back-end.";
    1007 LOCKED ["STAT_LOCKED"] [Radius, Auth, Sign, Provision, Admin] [Generic] [110]
        "The account is locked."
        "Too many failures in a row (user_lock_threshold), or an administrator locked it. Unlock it with `user unlock`, or wait for the automatic unlock where max_unlock_attempts allows one.";
    1008 REPLAY ["STAT_REPLAY"] [Radius, Auth, Provision, Admin] [Counted] [200]
        "The one-time password was used before."
        "The value belongs to the last accepted moment or to an earlier one. Wait for the next OTP. Seen often, it means that something replays logons or that a client sends every request twice under new identifiers.";
    1009 DISABLED ["STAT_DISABLED"] [Radius, Auth, Sign, Provision, Admin] [Generic] [100]
        "The account is disabled."
        "Disabled here or in the directory, past its expiration date, or unused for longer than max_days_between_authentications. The audit record says which; enable the account or move the date.";
    1010 USER_UNKNOWN ["STAT_USER_UNKNOWN"] [Radius, Auth, Sign, Provision, Admin] [Generic] [70, 90]
        "The user is not known."
        "No account stands for this user in the resolved domain, the policy does not accept that domain, or the directory knows no such user. Check the spelling and how the domain was found (`countersign explain`), or create the account.";
    1011 LOCAL_PASSWORD_MISMATCH ["STAT_LOCAL_PASSWORD_MISMATCH"] [Radius, Auth, Provision, Admin] [Generic, Counted] [230]
        "The static password is wrong."
        "The typed password, or the static part of a composite value, is not the stored one, and no back-end may be asked. Retype it or set a new one with `user set-password`.";
    1012 OTP_INCORRECT ["STAT_OTP_INCORRECT"] [Radius, Auth, Provision, Admin] [Generic, Counted] [210]
        "The one-time password is wrong."
        "No application accepts the value: mistyped, outside the window, with a wrong server PIN, or of an application that is locked or was unused too long. `countersign explain` tells how far off it was; a drifted device is put right with `application reset-info` or a second OTP.";
    1013 CHALLENGE_INVALID ["STAT_CHALLENGE_INVALID"] [Radius, Auth] [] [162]
        "The answered challenge is not the current one."
        "A newer challenge was issued for this authenticator since, or a 1-step response came without one. Answer the newest challenge, or set challenge_check_mode = 0 if older ones shall do.";
    1014 GRACE_PERIOD_EXPIRED ["STAT_GRACE_PERIOD_EXPIRED"] [Radius, Auth, Provision, Admin] [] [221]
        "The static password alone is no longer enough."
        "The password is right but the user owns an authenticator whose grace has ended by date, by a first OTP, or was never granted. Use the authenticator, or set a new grace_end on it.";
    1015 BVDP_NOT_ALLOWED ["STAT_BVDP_NOT_ALLOWED"] [Radius, Auth] [] [180]
        "The backup one-time password is not permitted now."
        "The backup virtual authenticator is past backup_until, or backup_uses_left is zero. Set new values on the authenticator if the user is to go on without the device.";
    1016 DIGIPASS_NOT_AVAILABLE ["STAT_DIGIPASS_NOT_AVAILABLE"] [Radius, Auth, Admin] [] [152]
        "The authenticator cannot be given to this user."
        "It is assigned to somebody else, lies in another organizational unit, is reserved, or the policy excludes its type or allows no more of it. Choose another serial, or change search_up_org_units, authenticator_types or type_limits.";
    1017 INVALID_MDC_SETTINGS ["STAT_INVALID_MDC_SETTINGS", "STAT_INVALID_VDP_SETTINGS"] [Radius, Auth, Sign] [] [181]
        "The user has no address to send the one-time password to."
        "The delivery method wants a mobile number or an e-mail address and the account has none. Add it to the user or choose another delivery_method.";
    1018 VDP_PASSWORD_MISSING ["STAT_VDP_PASSWORD_MISSING"] [Radius, Auth] [] [182]
        "The static password is missing beside the one-time password."
        "The message was requested with a keyword, which proves no password, so the second step takes password and OTP together. Nothing was consumed: send both.";
    1019 CONFIRM_PASSWORD_MISMATCH ["STAT_CONFIRM_PASSWORD_MISMATCH"] [Auth, Admin] [] []
        "The new value and its confirmation differ."
        "Type the new password or PIN twice alike.";
    1020 LOCAL_AUTH_REJECT ["STAT_LOCAL_AUTH_REJECT"] [Radius, Auth, Provision, Admin] [] [240]
        "Local authentication refused the request."
        "There is nothing to check against (no authenticator, no stored password, no back-end), or a PIN change is due, forbidden or breaks a rule. Nothing was consumed. The trace names the rule.";
    1021 BACKEND_PWD_EXPIRED ["STAT_BACKEND_PWD_EXPIRED"] [Radius, Auth, Provision, Admin] [] [260]
        "The back-end's password has expired."
        "The password was right but the directory wants a new one. Change it there, or with `auth/change-backend-password`.";
    1022 BACKEND_REJECT_STORED_PASS ["STAT_BACKEND_REJECT_STORED_PASS"] [Radius, Auth] [] [270]
        "The back-end refused the stored password."
        "The OTP was right, but the password kept for the user is no longer the one of the back-end. Log on once with the new password and the OTP so that it is learned (password_autolearn), or set it.";
    1023 BACKEND_REJECT_SUPPLIED_PASS ["STAT_BACKEND_REJECT_SUPPLIED_PASS"] [Radius, Auth, Provision, Admin] [Generic, Counted] [271]
        "The back-end refused the password."
        "The typed password is wrong there, or none was typed although the back-end needs one. Retype it; the audit record names the server asked.";
    1024 PASSWORD_FAIL_STRENGTH_CHECK ["STAT_PASSWORD_FAIL_STRENGTH_CHECK"] [Auth, Admin] [] []
        "The new password breaks the rules."
        "The errors list which: length, kinds of characters, different characters, the history, the user ID in it, or its minimum age. The pw_ attributes of the server component's policy set them.";
    1025 DIGIPASS_EXPIRED ["STAT_DIGIPASS_EXPIRED"] [Radius, Auth, Sign, Provision] [Generic] [190]
        "The authenticator has expired."
        "Every authenticator that would have served is past its expiration date. Replace it or move the date with `authenticator set-expiration`.";
    1026 PASSWORD_EXPIRED ["STAT_PASSWORD_EXPIRED"] [Radius, Auth, Provision, Admin] [] [222]
        "The static password is too old."
        "The password is right but older than pw_max_age_days. Set a new one, or log on with an OTP.";
    1030 INVALID_POLICY ["STAT_INVALID_POLICY"] [Radius, Auth, Sign, Provision, Admin] [] [60]
        "The component's policy is not usable."
        "A choice inherits up to the top of the chain, the chain loops, a policy in it is missing or unreadable, or an active group check has no groups. `policy effective` names the place.";
    1031 SELF_ASSIGN_DISABLED ["STAT_SELF_ASSIGN_DISABLED"] [Radius, Auth] [] [150]
        "Self-assignment is not allowed."
        "The request reads as a self-assignment but assignment_mode is neither self nor self_pin_reset. Allow it, or assign the authenticator as administrator.";
    1032 HASH_PWDS_DISALLOWED ["STAT_HASH_PWDS_DISALLOWED"] [Radius] [] [142]
        "The back-end cannot check a hashed password."
        "The client sent CHAP, MS-CHAP or EAP-MD5, and this back-end needs the password in the clear. Let the client use PAP, TTLS-PAP or PEAP-GTC, or switch stored_password_proxy on.";
    1033 DIGIPASS_MUST_BE_USED ["STAT_DIGIPASS_MUST_BE_USED"] [Radius, Auth, Provision, Admin] [Generic] [220]
        "An authenticator must be used."
        "The policy takes no password alone (local_auth = authenticator_only), or a further authenticator may only be added with an OTP of one that is active. Use the authenticator, or assign one.";
    1034 NO_CHALLRESP_FOR_CHAP ["STAT_NO_CHALLRESP_FOR_CHAP"] [Radius] [] [140]
        "This password protocol cannot carry a challenge."
        "A challenge, message or push was asked for inside CHAP, MS-CHAP or EAP-MD5. Let the client use PAP, TTLS-PAP or PEAP-GTC, or type an OTP.";
    1035 NO_CHALLRESP_FOR_W2K ["STAT_NO_CHALLRESP_FOR_W2K", "STAT_NO_CHALLRESP_FOR_W_2_K"] [Radius, Auth] [] [141]
        "This client cannot show a challenge."
        "The component says challenges = false. If the client can show them after all, change the component.";
    1036 ONE_STEP_CR_DISABLED ["STAT_1STEP_CR_DISABLED", "STAT_1_STEP_CR_DISABLED"] [Auth] [] []
        "One-step challenges are not available."
        "The policy has one_step_challenge = no or no one_step_challenge_length. Set both to offer them.";
    1037 AUTOLEARN_DISABLED ["STAT_AUTOLEARN_DISABLED"] [Auth] [] []
        "The stored password may not be updated."
        "The policy has password_autolearn = no. Switch it on, or set the password as administrator.";
    1038 SOURCE_LOCATION_MISMATCH ["STAT_SOURCE_LOCATION_MISMATCH"] [Admin] [] []
        "The session belongs to another address."
        "A valid session token came from an address it is not bound to. Log on from here. If nobody moved, the token may have been stolen: log off that session.";
    1039 ADMIN_SESSION_STOPPED ["STAT_ADMIN_SESSION_STOPPED"] [Admin] [] []
        "The session is unknown or has ended."
        "Logged off, idle too long, at its maximum length, displaced by another or stopped by an administrator. Log on again.";
    1040 NO_CHALLRESP_FOR_PWDPROXY ["STAT_NO_CHALLRESP_FOR_PWDPROXY"] [Radius, Auth, Provision] [] [250]
        "The back-end's question cannot be passed on."
        "The back-end answered with a challenge, but the password it saw was not the one the user typed, or the client cannot show challenges. Switch challenges off at the back-end for this server.";
    1041 DIGIPASS_NOT_FOUND ["STAT_DIGIPASS_NOT_FOUND"] [Radius, Auth] [] [151]
        "There is no authenticator with this serial."
        "The serial of the self-assignment does not exist in the user's domain. Check the digits, or import the authenticator.";
    1042 NO_BACKEND_FOR_SELF_ASSIGN ["STAT_NO_BACKEND_FOR_SELF_ASSIGN"] [Radius, Auth] [] [153]
        "Self-assignment needs a back-end."
        "Nobody could vouch for the user: the effective back_end_auth is none. Set a back-end in the policy, or assign the authenticator as administrator.";
    1050 REACTIV_NOT_ALLOWED ["STAT_REACTIV_NOT_ALLOWED"] [Provision, Admin] [] []
        "A limit forbids the activation."
        "The attempts are used up, the last one is too recent, the list of places is full, or a multi-device authenticator has no instance left. The errors name which; an administrator can reset the activation.";
    1051 TOO_MANY_DIGIPASS ["STAT_TOO_MANY_DIGIPASS"] [Provision] [] []
        "Several authenticators would do; name one."
        "The user owns more than one that can be activated. Send the serial of the wanted one.";
    1052 NO_PROV_PASSWORD_DEFINED ["STAT_NO_PROV_PASSWORD_DEFINED"] [Provision] [] []
        "There is no password to protect the activation data with."
        "Offline registration wraps the activation data in a password, and neither the account, the request nor a check gave one. Set a static password or send a wrapping password.";
    1053 NO_DP_FOR_ASSIGN ["STAT_NO_DP_FOR_ASSIGN"] [Provision] [] []
        "No free authenticator is available."
        "The user owns none and none that is free, can be activated and fits policy and scope exists. Import more, or widen authenticator_types or search_up_org_units.";
    1054 GEN_ACTIVATION_CODE ["STAT_GEN_ACTIVATION_CODE"] [Provision, Admin] [] []
        "The activation data could not be made."
        "The authenticator's secret cannot be opened, for example because its key was deleted, or deriving and encoding failed. Import the authenticator again.";
    1055 READING_SVF ["STAT_READING_SVF"] [Provision, Admin] [] []
        "The provisioning profile of this type is unusable."
        "The profile that describes the authenticator type is missing or damaged. Load it again.";
    1060 SIGNATURE_INCORRECT ["STAT_SIGNATURE_INCORRECT"] [Sign] [Counted] []
        "The signature is wrong."
        "No signature application accepts it for these fields within its window. Check that the fields are those shown on the device, in the same order, and the device's clock or counter.";
    1061 SIGNATURE_REPLAY ["STAT_SIGNATURE_REPLAY"] [Sign] [Counted] []
        "The signature was used before."
        "It matches at or before the newest accepted moment while online_signature_level refuses that. Sign again.";
    1062 DP_NOT_HOSTCONF_CAPABLE ["STAT_DP_NOT_HOSTCONF_CAPABLE"] [Auth, Sign] [] [280]
        "The authenticator cannot make the code that was asked for."
        "A host or confirmation code was required but the application does not offer it. The value was right and is consumed. Ask with `optional`, or use another authenticator type.";
    1070 CHANGE_ENCRYPTED_PASSWORD ["STAT_CHANGE_ENCRYPTED_PASSWORD"] [Auth] [] []
        "The encrypted password change could not be read."
        "It was not encrypted for this server's key, is malformed or too old, was used before, or names another user. Fetch the current key and make a new one.";
    1090 MISSING_BACKEND_PROTOCOL ["STAT_MISSING_BACKEND_PROTOCOL"] [Admin] [] []
        "The back-end needs a protocol."
        "Send `protocol`: radius, active_directory, ldap, windows or webhook.";
    1100 ERROR_GENERATE_REGISTRATION_ID ["STAT_ERROR_GENERATE_REGISTRATION_ID"] [Provision] [] []
        "No registration identifier is free."
        "As many registrations are open as prov.max_outstanding allows. Let them finish or expire, or raise the limit.";
    1101 ERROR_GENERATE_ACTIVATION_PASSWORD ["STAT_ERROR_GENERATE_ACTIVATION_PASSWORD"] [Provision] [] []
        "No activation password satisfies its rule."
        "The settings for activation passwords contradict each other: the character set cannot give the required classes in that length. Correct the settings.";
    1102 REGISTERID_NOT_IN_CACHE ["STAT_REGISTERID_NOT_IN_CACHE"] [Provision] [] []
        "The registration identifier is not usable."
        "Unknown, expired, used, destroyed after failed proofs, or its steps came out of order. Begin a new registration.";
    1103 FAIL_ENCRYPT_ACTIVATION_CODE ["STAT_FAIL_ENCRYPT_ACTIVATION_CODE"] [Provision] [] []
        "The activation data could not be encrypted for the client."
        "The public value the client sent is not a valid point. The client is faulty or something changes its messages.";
    1104 FAIL_VERIFY_SERVER_NONCE ["STAT_FAIL_VERIFY_SERVER_NONCE"] [Provision] [] []
        "The client's proof is wrong."
        "The activation password or the device code was mistyped, or a message was changed on its way. Three failures destroy the registration.";
    1105 FAIL_BIND_DEVICE ["STAT_FAIL_BIND_DEVICE"] [Provision, Admin] [] []
        "The authenticator could not be bound to the device."
        "It is bound to another device already, or not in a state to be bound. Unbind it first.";
    1107 FAIL_BIND_DEVICE_NOT_SUPPORTED ["STAT_FAIL_BIND_DEVICE_NOT_SUPPORTED"] [Provision, Admin] [] []
        "This kind of authenticator cannot be bound to a device."
        "The profile of the type says binding = none. Use a type with binding.";
    1108 NO_APPLICABLE_DP_FOUND ["STAT_NO_APPLICABLE_DP_FOUND"] [Auth, Sign, Provision, Admin] [] [170]
        "No authenticator of the user can do this."
        "The named or assigned authenticators lack what the operation needs: push, secure channel, a signature application, activation or several devices. Assign one of a suitable type.";
    1120 NOTIFICATION_DELIVERY_FAILED ["STAT_NOTIFICATION_DELIVERY_FAILED"] [Provision, Admin] [] []
        "The notice of the delayed activation has no address."
        "The activation stands, but the user could not be told: the account lacks the mobile number or e-mail address. Add it, and look whether the user expects the activation.";
    1121 USER_SYNC_FAILED ["STAT_USER_SYNC_FAILED"] [Radius, Auth, Provision, Admin] [] [290]
        "User information could not be copied from the directory."
        "An attribute was too long or unreadable, or the search failed. A logon is not refused by it. Check the attribute mapping of the back-end.";
    1122 BACKEND_PASSWORD_FAIL_STRENGTH_CHECK ["STAT_BACKEND_PASSWORD_FAIL_STRENGTH_CHECK"] [Auth, Admin] [] []
        "The new password breaks the back-end's rules."
        "The directory refused it by its own rules for length, characters, history or age. Choose another password.";
    1123 DATA_RECORD_VERSION_UNSUPPORTED ["STAT_DATA_RECORD_VERSION_UNSUPPORTED"] [Radius, Auth, Sign, Provision, Admin] [] [40]
        "A stored record has a version this server cannot read."
        "It was written by a newer program, or by one too old to be converted. Run the version that wrote it, or upgrade step by step; the audit record E-013004 names the record.";
    1124 DATA_RECORD_MIGRATION_FAILED ["STAT_DATA_RECORD_MIGRATION_FAILED"] [Radius, Auth, Sign, Provision, Admin] [] [41]
        "A stored record could not be converted."
        "The record is of an older version and its conversion failed. The audit record E-013003 names it; restore it from a backup or set it anew.";
    1126 CANCEL ["STAT_CANCEL"] [Radius, Auth, Sign, Admin] [] [20]
        "Cancelled because the server is stopping."
        "Send the request again to another node, or when the server is back.";
    1127 USER_CANCEL ["STAT_USER_CANCEL"] [Radius, Auth, Sign] [] []
        "The user refused the request on the device."
        "If it was not the user who asked for it, somebody else knows the password: change it.";
    1128 NEEDS_APPROVAL ["STAT_NEEDS_APPROVAL"] [Admin] [] []
        "The operation waits for a second administrator."
        "The command is protected by maker-checker. Let another administrator approve the POID in the result, then execute it again.";
    1129 WRONG_ADMIN ["STAT_WRONG_ADMIN"] [Admin] [] []
        "The operation belongs to another administrator."
        "An approved operation is executed by the one who made it.";
    1132 SUCCESSOR_NOT_FOUND ["STAT_SUCCESSOR_NOT_FOUND"] [Admin] [] []
        "The named successor does not exist."
        "The user who is to take over the objects was not found in scope. Name another.";
    3001 DP_CHALLENGE ["STAT_DP_CHALLENGE"] [Radius, Auth, Provision] [] []
        "A challenge was issued; an answer is awaited."
        "Not an error. Show the challenge and send the answer with its key or State: the response, the OTP from the message, the next OTP, or the number chosen.";
    3002 NO_CHALLENGE ["STAT_NO_CHALLENGE"] [Radius, Auth, Sign] [] [160]
        "No challenge belongs to this response."
        "Its key or State is unknown, was used already or is long gone. Begin the logon again.";
    3003 BACKEND_CHALLENGE ["STAT_BACKEND_CHALLENGE"] [Radius, Auth] [] []
        "The back-end asks a question."
        "Not an error. Show the back-end's text and send the answer with the key or State.";
    5001 NOT_IN_GROUPS ["STAT_NOT_IN_GROUPS"] [Radius, Auth, Sign, Provision, Admin] [] [80]
        "Not handled here: the user is in none of the listed groups."
        "The policy passes such users back to the client (group_check = pass_back). Add the user to a listed group if this server shall decide.";
    5002 NO_LOCAL_OR_BACKEND_AUTH ["STAT_NO_LOCAL_OR_BACKEND_AUTH"] [Radius, Auth, Admin] [] [120]
        "Not handled here: the policy checks nothing."
        "Local and back-end authentication are both none. Give the component a policy such as `local`, or set local_auth or back_end_auth.";
    5003 DP_EXIST_AS_DIFF_TYPE ["STAT_DP_EXIST_AS_DIFF_TYPE"] [Provision, Admin] [] []
        "The serial exists with another authenticator type."
        "A row or request states a type that differs from the stored one. Correct the type, or delete the stored authenticator first.";
}
