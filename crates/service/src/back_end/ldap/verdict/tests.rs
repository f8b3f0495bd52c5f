use super::super::connection::Answer;
use super::super::wire::script::policy;
use super::super::wire::{Control, Outcome};
use super::*;

fn answer(code: i64, text: &str, controls: Vec<Control>) -> Answer {
    let text = text.to_owned();
    Answer {
        outcome: Outcome {
            code,
            text,
            referral: Vec::new(),
        },
        controls,
    }
}

/// One word for what was said; `away` = the next server is asked.
fn bind(profile: Profile, answer: &Answer, user: &[(&str, &str)]) -> &'static str {
    word(of_bind(profile, answer, &Entry::new("cn=user", user)))
}

fn change(profile: Profile, answer: &Answer) -> &'static str {
    word(of_change(profile, answer))
}

fn word(judged: Result<(Said, String), String>) -> &'static str {
    match judged.map(|(said, _)| said) {
        Ok(Said::Accepted(_)) => "accepted",
        Ok(Said::Rejected) => "rejected",
        Ok(Said::Expired) => "expired",
        Ok(Said::Disabled) => "disabled",
        Ok(Said::Locked) => "locked",
        Ok(Said::Weak) => "weak",
        Ok(other) => panic!("{other:?}"),
        Err(_) => "away",
    }
}

#[test]
fn active_directory_tells_the_state_by_a_number() {
    for (data, expected) in [
        ("52e", "rejected"),
        ("525", "rejected"),
        ("530", "rejected"),
        ("531", "rejected"),
        ("532", "expired"),
        ("773", "expired"),
        ("533", "disabled"),
        ("701", "disabled"),
        ("775", "locked"),
    ] {
        for text in [
            format!(
                "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1"
            ),
            format!(
                "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {data}, v4563\0"
            ),
        ] {
            assert_eq!(
                bind(Profile::Ad, &answer(49, &text, vec![]), &[]),
                expected,
                "{text}"
            );
        }
    }
    assert_eq!(bind(Profile::Ad, &answer(0, "", vec![]), &[]), "accepted");
}

#[test]
fn without_a_number_the_attributes_of_the_account_tell_the_state() {
    const COMPUTED: &str = "msDS-User-Account-Control-Computed";
    for (attributes, expected) in [
        (vec![("userAccountControl", "514")], "disabled"),
        (
            vec![
                ("userAccountControl", "512"),
                ("lockoutTime", "133000000000000000"),
            ],
            "locked",
        ),
        // the lock ran out: the time still stands there
        (
            vec![("lockoutTime", "133000000000000000"), (COMPUTED, "0")],
            "rejected",
        ),
        (vec![(COMPUTED, "16")], "locked"),
        (vec![(COMPUTED, "8388608")], "expired"),
        (vec![("pwdLastSet", "0")], "expired"),
        (
            vec![
                ("userAccountControl", "512"),
                ("pwdLastSet", "133000000000000000"),
            ],
            "rejected",
        ),
        (vec![("userAccountControl", "not a number")], "rejected"),
    ] {
        let plain = answer(49, "AcceptSecurityContext error, data 99999, v1", vec![]);
        assert_eq!(
            bind(Profile::Ad, &plain, &attributes),
            expected,
            "{attributes:?}"
        );
        // no number at all: the code alone would say rejected, and so does this
        let silent = answer(49, "", vec![]);
        assert_eq!(
            bind(Profile::Ad, &silent, &attributes),
            expected,
            "{attributes:?}"
        );
    }
}

#[test]
fn a_password_policy_tells_the_state_by_its_control() {
    for profile in [Profile::OpenLdap, Profile::Ds389, Profile::IbmSds] {
        for (code, warning, error, expected) in [
            (0, None, None, "accepted"),
            (0, Some((0x80, 60)), None, "accepted"),
            (0, Some((0x81, 2)), None, "accepted"),
            (0, None, Some(2), "expired"),
            (49, None, None, "rejected"),
            (49, None, Some(0), "expired"),
            (49, None, Some(1), "locked"),
        ] {
            let answer = answer(code, "", vec![policy(warning, error)]);
            assert_eq!(
                bind(profile, &answer, &[]),
                expected,
                "{profile:?} {code} {error:?}"
            );
        }
        assert_eq!(bind(profile, &answer(49, "", vec![]), &[]), "rejected");
    }
    let told = of_bind(
        Profile::OpenLdap,
        &answer(0, "", vec![policy(Some((0x81, 2)), None)]),
        &Entry::default(),
    );
    assert!(told.unwrap().1.contains("2 logons are left"));
    let for_ever = [("pwdAccountLockedTime", "000001010000Z")];
    assert_eq!(
        bind(Profile::OpenLdap, &answer(49, "", vec![]), &for_ever),
        "locked"
    );
}

#[test]
fn directory_server_389_tells_the_state_by_text_and_its_own_control() {
    let expired = || vec![Control::new("2.16.840.1.113730.3.4.4", Some(b"0".to_vec()))];
    let grace = || {
        vec![
            Control::new("2.16.840.1.113730.3.4.4", None),
            policy(Some((0x81, 1)), None),
        ]
    };
    for (answer, expected) in [
        (answer(49, "password expired!", expired()), "expired"),
        (answer(49, "", expired()), "expired"),
        (answer(0, "", expired()), "expired"),
        (answer(0, "", grace()), "accepted"),
        (
            answer(19, "Exceed password retry limit. Please try later.", vec![]),
            "locked",
        ),
        (
            answer(
                53,
                "Account inactivated. Contact system administrator.",
                vec![policy(None, Some(1))],
            ),
            "disabled",
        ),
        (
            answer(
                19,
                "Exceed password retry limit. Please try later.",
                vec![policy(None, Some(1))],
            ),
            "locked",
        ),
        (
            answer(
                53,
                "Account inactivated. Contact system administrator.",
                vec![],
            ),
            "disabled",
        ),
        (answer(53, "Minimum SSF not met.", vec![]), "away"),
    ] {
        assert_eq!(bind(Profile::Ds389, &answer, &[]), expected, "{answer:?}");
    }
    assert_eq!(
        bind(
            Profile::Ds389,
            &answer(49, "", vec![]),
            &[("nsAccountLock", "TRUE")]
        ),
        "disabled"
    );
}

#[test]
fn edirectory_tells_the_state_by_a_number_of_its_own() {
    for (code, text, expected) in [
        (0, "", "accepted"),
        (0, "NDS error: password expired (-223)", "accepted"),
        (49, "NDS error: failed authentication (-669)", "rejected"),
        (49, "NDS error: no such entry (-601)", "rejected"),
        (49, "NDS error: bad password (-222)", "expired"),
        (53, "NDS error: log account expired (-220)", "disabled"),
        (53, "NDS error: login lockout (-197)", "locked"),
        (53, "NDS error: bad login time (-218)", "rejected"),
        (53, "NDS error: maximum logins exceeded (-217)", "rejected"),
        (53, "NDS error: something else (-6)", "away"),
        (51, "NDS error: failed authentication (-669)", "away"),
    ] {
        assert_eq!(
            bind(Profile::EDirectory, &answer(code, text, vec![]), &[]),
            expected,
            "{text}"
        );
    }
    let plain = answer(49, "", vec![]);
    assert_eq!(
        bind(Profile::EDirectory, &plain, &[("loginDisabled", "TRUE")]),
        "disabled"
    );
    assert_eq!(
        bind(Profile::EDirectory, &plain, &[("lockedByIntruder", "true")]),
        "locked"
    );
    assert_eq!(bind(Profile::EDirectory, &plain, &[]), "rejected");
}

#[test]
fn ibm_tells_the_state_by_text_where_the_control_is_missing() {
    for (code, text, expected) in [
        (53, "Error, Account is locked", "locked"),
        (49, "Error, Account is locked", "locked"),
        (49, "Error, Password has expired", "expired"),
        (0, "Error, Password must be changed after reset", "expired"),
        (49, "", "rejected"),
    ] {
        assert_eq!(
            bind(Profile::IbmSds, &answer(code, text, vec![]), &[]),
            expected,
            "{text}"
        );
    }
    let locked = [("ibm-pwdAccountLocked", "true")];
    assert_eq!(
        bind(Profile::IbmSds, &answer(49, "", vec![]), &locked),
        "locked"
    );
}

#[test]
fn what_is_no_judgement_of_the_user_goes_to_the_next_server() {
    for profile in [
        Profile::Ad,
        Profile::OpenLdap,
        Profile::Ds389,
        Profile::EDirectory,
        Profile::IbmSds,
    ] {
        for code in [1, 2, 3, 8, 11, 12, 13, 50, 51, 52, 53, 80, 9999] {
            assert_eq!(
                bind(profile, &answer(code, "", vec![]), &[]),
                "away",
                "{profile:?} {code}"
            );
        }
        for code in [32, 48] {
            assert_eq!(
                bind(profile, &answer(code, "", vec![]), &[]),
                "rejected",
                "{profile:?} {code}"
            );
        }
    }
    let mut elsewhere = answer(10, "", vec![]);
    elsewhere.outcome.referral = vec!["ldap://other.example.test/".to_owned()];
    let (said, note) = of_bind(Profile::OpenLdap, &elsewhere, &Entry::default()).unwrap();
    assert_eq!(said, Said::Rejected);
    assert!(note.contains("ldap://other.example.test/"), "{note}");
}

#[test]
fn a_change_in_active_directory_is_judged_by_the_number_it_begins_with() {
    for (code, text, expected) in [
        (0, "", "accepted"),
        (
            19,
            "0000052D: Constraint violation - check_password_restrictions: the password is too short.",
            "weak",
        ),
        (
            19,
            "0000052D: AtrErr: DSID-03191083, #1:\n\t0: 0000052D: DSID-03191083, problem 1005",
            "weak",
        ),
        (
            19,
            "00000056: Constraint violation - The old password specified doesn't match!",
            "rejected",
        ),
        (19, "00000056: AtrErr: DSID-03191083, #1:", "rejected"),
        (
            19,
            "00000775: Password change not permitted, account locked out!",
            "locked",
        ),
        (
            50,
            "00000005: SecErr: DSID-031A1190, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0",
            "weak",
        ),
        (
            53,
            "00002035: setup_io: it's not allowed to set the NT hash password directly'",
            "away",
        ),
        (
            53,
            "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
            "away",
        ),
        (51, "", "away"),
    ] {
        assert_eq!(
            change(Profile::Ad, &answer(code, text, vec![])),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_change_elsewhere_is_judged_by_the_policy_and_the_code() {
    for (code, text, error, expected) in [
        (0, "", None, "accepted"),
        (
            19,
            "Password fails quality checking policy",
            Some(5),
            "weak",
        ),
        (
            19,
            "Password fails quality checking policy",
            Some(6),
            "weak",
        ),
        (19, "Password is too young to change", Some(7), "weak"),
        (
            19,
            "Password is in history of old passwords",
            Some(8),
            "weak",
        ),
        (19, "within password minimum age", None, "weak"),
        (53, "unwilling to verify old password", None, "rejected"),
        (
            53,
            "Must supply old password to be changed as well as new one",
            Some(4),
            "rejected",
        ),
        (49, "", None, "rejected"),
        (16, "", None, "rejected"),
        (50, "", None, "away"),
        (53, "shadow context; no update referral", None, "away"),
    ] {
        let controls = error
            .map(|error| policy(None, Some(error)))
            .into_iter()
            .collect();
        assert_eq!(
            change(Profile::OpenLdap, &answer(code, text, controls)),
            expected,
            "{text}"
        );
    }
}
