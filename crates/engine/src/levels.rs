//! Log levels by module, as the setting `log.level` and the configuration write them: `info,store=debug`.

/// Levels from the quietest to the loudest.
pub const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// The parts of the program whose level can differ.
pub const MODULES: &[&str] = &[
    "engine", "keyring", "oath", "radius", "server", "service", "store", "web",
];

/// Levels read from text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// The level of everything not named; none: as it was.
    pub general: Option<&'static str>,
    /// Levels of modules.
    pub modules: Vec<(&'static str, &'static str)>,
}

/// Reads `LEVEL`, `MODULE=LEVEL` and lists of them with commas; empty text says nothing.
///
/// # Errors
/// What is allowed.
pub fn read(text: &str) -> Result<Levels, String> {
    let mut levels = Levels::default();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.split_once('=') {
            None if levels.general.is_none() => levels.general = Some(level(part)?),
            None => {
                return Err(format!(
                    "one level for everything, not also {}",
                    shown(part)
                ));
            }
            Some((name, word)) => levels
                .modules
                .push((module(name.trim())?, level(word.trim())?)),
        }
    }
    Ok(levels)
}

fn level(word: &str) -> Result<&'static str, String> {
    one_of(LEVELS, word, "level")
}

fn module(word: &str) -> Result<&'static str, String> {
    one_of(MODULES, word, "module")
}

fn one_of(known: &[&'static str], word: &str, what: &str) -> Result<&'static str, String> {
    let found = known.iter().find(|known| **known == word);
    found.copied().ok_or_else(|| {
        format!(
            "{} is no {what}; it is one of {}",
            shown(word),
            known.join(", ")
        )
    })
}

/// A bad word, short and printable.
fn shown(word: &str) -> String {
    let word: String = word
        .chars()
        .filter(|letter| !letter.is_control())
        .take(32)
        .collect();
    format!("{word:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_alone_and_by_module() {
        assert_eq!(read(""), Ok(Levels::default()));
        let levels = read("warn, store=debug,web=trace").unwrap();
        assert_eq!(levels.general, Some("warn"));
        assert_eq!(levels.modules, [("store", "debug"), ("web", "trace")]);
        assert_eq!(read("radius=error").unwrap().general, None);
    }

    #[test]
    fn a_wrong_word_is_told_with_the_right_ones() {
        assert!(read("loud").unwrap_err().contains("error, warn, info"));
        assert!(read("kernel=info").unwrap_err().contains("engine, keyring"));
        assert!(read("info,debug").is_err() && read("store=").is_err());
        assert!(!read("a\u{1b}[2J").unwrap_err().contains('\u{1b}'));
    }
}
