//! What winbind's programs say: NTSTATUS numbers, and words where there is none.

use super::program::Ended;
use countersign_engine::back_end::{Given, Said};

/// What each NTSTATUS means.
const STATUSES: [(u32, Said); 10] = [
    (0xc000_0064, Said::Rejected), // no such user
    (0xc000_006a, Said::Rejected), // wrong password
    (0xc000_006d, Said::Rejected), // logon failure
    (0xc000_006f, Said::Rejected), // not at this hour
    (0xc000_0070, Said::Rejected), // not at this workstation
    (0xc000_0071, Said::Expired),
    (0xc000_0072, Said::Disabled),
    (0xc000_0193, Said::Disabled), // the account has ended
    (0xc000_0224, Said::Expired),  // must be changed
    (0xc000_0234, Said::Locked),
];

/// What `ntlm_auth` means; none where it is no answer. Without winbind it says status 0 and fails.
pub(super) fn said(ended: &Ended) -> Option<Said> {
    let number = number(&ended.printed)?;
    if number == 0 {
        return ended
            .success
            .then(|| Said::Accepted(Box::<Given>::default()));
    }
    let row = STATUSES.iter().find(|(status, _)| *status == number)?;
    (!ended.success).then(|| row.1.clone())
}

/// Its words without the prompt.
pub(super) fn told(ended: &Ended) -> String {
    let words = ended.words();
    words
        .strip_prefix("Password:")
        .unwrap_or(&words)
        .trim()
        .to_owned()
}

/// The number in the brackets at the end.
fn number(printed: &str) -> Option<u32> {
    let (_, digits) = printed.trim_end().rsplit_once("(0x")?;
    u32::from_str_radix(digits.strip_suffix(')')?, 16).ok()
}

/// Whether `wbinfo` failed for want of winbind or of a domain controller, rather than of the name.
pub(super) fn is_unreachable(ended: &Ended) -> bool {
    const UNREACHABLE: [&str; 5] = [
        "WBC_ERR_WINBIND_NOT_AVAILABLE",
        "WBC_ERR_NOT_AVAILABLE",
        "winbind separator",
        "winbind reply failed",
        "NO_LOGON_SERVERS",
    ];
    let words = ended.words();
    UNREACHABLE.iter().any(|mark| words.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(success: bool, printed: &str) -> Ended {
        Ended {
            success,
            printed: printed.to_owned(),
            complained: String::new(),
        }
    }

    #[test]
    fn statuses_are_told_apart() {
        for (number, meaning) in [
            ("0xc0000071", Said::Expired),
            ("0xc0000224", Said::Expired),
            ("0xc0000072", Said::Disabled),
            ("0xc0000193", Said::Disabled),
            ("0xc0000234", Said::Locked),
            ("0xc000006f", Said::Rejected),
            ("0xc0000070", Said::Rejected),
            ("0xc000006d", Said::Rejected),
            ("0xc0000064", Said::Rejected),
            ("0xc000006a", Said::Rejected),
        ] {
            let printed = format!("Password: \nNT_STATUS_WHATEVER: words (more) ({number})\n");
            assert_eq!(said(&ended(false, &printed)), Some(meaning), "{number}");
            assert_eq!(said(&ended(true, &printed)), None, "{number} and success");
        }
        let accepted = "NT_STATUS_OK: The operation completed successfully. (0x0)\n";
        assert!(matches!(
            said(&ended(true, accepted)),
            Some(Said::Accepted(_))
        ));
        assert_eq!(
            said(&ended(false, "Password: \n:  (0x0)\n")),
            None,
            "no winbind"
        );
        for odd in ["", "(0x", "(0xzz)", "(0xc000005e)", "NT_STATUS_OK"] {
            assert_eq!(said(&ended(false, odd)), None, "{odd}");
            assert_eq!(said(&ended(true, odd)), None, "{odd}");
        }
        assert_eq!(
            told(&ended(false, "Password: \nNo: way (0x1)\n")),
            "No: way (0x1)"
        );
    }
}
