//! Text as people type it: folding for identity, and what counts as unreadable.

use unicode_normalization::UnicodeNormalization;

/// The form in which user IDs and domain names are compared: Unicode NFC, full case folding, NFC again
/// (authentication.md 3.1). Computed once when a name is stored, and once a request.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&text.nfc().collect::<String>())
        .nfc()
        .collect()
}

/// Whether a name holds a control character (C0, DEL, C1), which makes it unreadable.
pub fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The candidate most like `typed`, if one is near enough to be worth naming.
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.chars().take(64).collect();
    let near = candidates
        .into_iter()
        .map(|name| (distance(&typed, name), name))
        .min()?;
    (near.0 <= near.1.chars().count().div_ceil(3)).then_some(near.1)
}

/// How many single letters have to be changed, added or taken away.
fn distance(typed: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (line, letter) in name.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, against) in row.iter().skip(1).zip(typed) {
            let change = diagonal + usize::from(letter != *against);
            diagonal = *above;
            left = change.min(left + 1).min(*above + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
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

    #[test]
    fn the_closest_name_is_suggested_and_a_far_one_is_not() {
        let names = ["serial", "domain", "description"];
        assert_eq!(closest("serail", names), Some("serial"));
        assert_eq!(closest("descripton", names), Some("description"));
        assert_eq!(closest("xyz", names), None);
        assert_eq!(closest("a", []), None);
    }
}
