//! Self-assignment (authentication.md 4.3, 9.2), as far as it can be decided before the serial is looked up.

use super::case::{Case, Flow, refuse, refuse_noting};
use crate::Secret;
use crate::attempt::Credentials;
use crate::policy::{AssignmentMode, BackEndAuth};
use crate::status::Status;
use crate::trace::{Check, Entry, Setting, Shape, Value};
use std::ops::ControlFlow;

/// Longest serial number.
const SERIAL_MAX: usize = 46;
/// Digits of a serial in front of a field without separator.
const PADDED: usize = 10;

/// 1031, 1042; goes on where the request is no self-assignment. For users without applicable authenticator only.
pub(super) fn recognised(case: &mut Case<'_>) -> Flow {
    let mode = case.policy.assignment_mode;
    let allowed = matches!(
        mode,
        AssignmentMode::SelfAssign | AssignmentMode::SelfPinReset
    );
    if !is_one(case, allowed) {
        return ControlFlow::Continue(());
    }
    case.credential = "self_assignment";
    case.trace.push(Entry::Read {
        shape: Shape::SelfAssignment,
        front: 0,
        pin: 0,
        otp: 0,
        new_pin: 0,
    });
    case.note(Setting::AssignmentMode, Value::Word(mode.as_str()));
    if !allowed {
        case.failed(Check::SelfAssign, 0, 0);
        return refuse(Status::SELF_ASSIGN_DISABLED);
    }
    if case.modes.back_end == BackEndAuth::None {
        case.failed(Check::BackEnd, 0, 0);
        return refuse(Status::NO_BACKEND_FOR_SELF_ASSIGN);
    }
    refuse_noting(Status::UNSUPPORTED, "this build assigns nothing at a logon")
}

fn is_one(case: &Case<'_>, allowed: bool) -> bool {
    match case.attempt.credentials {
        Credentials::Combined(Ok(value)) => {
            starts_with_serial(value, &case.policy.serial_separator, allowed)
        }
        Credentials::Separate(fields) => {
            case.attempt.serial.is_some()
                && (fields.otp.is_some() || fields.static_password.is_some())
        }
        _ => false,
    }
}

/// With a separator the serial stands as printed before it. Without one, ten digits could as well begin a password:
/// they count only where self-assignment is allowed.
fn starts_with_serial(value: &Secret, separator: &str, allowed: bool) -> bool {
    let value = value.expose();
    if separator.is_empty() {
        return allowed
            && value.len() > PADDED
            && value.iter().take(PADDED).all(u8::is_ascii_digit);
    }
    let Some(place) = value
        .windows(separator.len())
        .position(|part| part == separator.as_bytes())
    else {
        return false;
    };
    let serial = value.get(..place).unwrap_or_default();
    let shaped = serial
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    shaped && serial.len() <= SERIAL_MAX && serial.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_recognised() {
        let one = |value: &str, separator: &str, allowed| {
            starts_with_serial(&Secret::new(value), separator, allowed)
        };
        assert!(one("0097123456|Secret1755224", "|", false));
        assert!(one("VDS-0097-1|Secret", "|", true));
        assert!(!one("Secret|1", "|", true), "no digit");
        assert!(!one("a b1|x", "|", true));
        assert!(!one("|x", "|", true));
        assert!(!one("0097123456", "|", true));
        assert!(one("0097123456Secret", "", true));
        assert!(
            !one("0097123456Secret", "", false),
            "a password may begin like that"
        );
        assert!(!one("0097123456", "", true));
        assert!(!one(&format!("{}|x", "1".repeat(47)), "|", true));
    }
}
