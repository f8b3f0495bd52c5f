//! Text as people type it: folding for identity, and what counts as unreadable.

use unicode_normalization::UnicodeNormalization;

/// The form in which user IDs and domain names are compared: Unicode NFC, full case folding, NFC again
/// (authentication.md 3.1). Computed once when a name is stored, and once a request.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&text.nfc().collect::<String>()).nfc().collect()
}

/// Whether a name holds a control character (C0, DEL, C1), which makes it unreadable.
pub fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_and_composition() {
        assert_eq!(fold("ALICE"), fold("alice"));
        assert_eq!(fold("Stra\u{df}e"), fold("STRASSE"));
        assert_eq!(fold("Zoe\u{308}"), fold("ZO\u{cb}"));
        assert_ne!(fold("alice"), fold("alic\u{e9}"));
    }

    #[test]
    fn folding_is_idempotent() {
        for text in ["Alice", "Stra\u{df}e", "\u{130}stanbul", "\u{3a3}\u{3a3}"] {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }

    #[test]
    fn control_characters_are_seen() {
        assert!(has_control("a\0b") && has_control("a\u{85}") && has_control("\u{7f}"));
        assert!(!has_control("M\u{fc}ller o'Neil"));
    }
}
