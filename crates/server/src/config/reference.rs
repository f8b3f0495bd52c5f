use super::{KEYS, Key, Kind};
use std::fmt::Write;

/// All keys with what they do, their values and defaults: a configuration file in which everything is commented out.
pub(crate) fn reference() -> String {
    let mut out = String::from(
        "# Configuration of countersign serve (TOML). Every key is optional; the values shown are the defaults.\n# Each key can be overridden by the environment variable named beside it, and some by options of serve.\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            let _ = write!(out, "\n[{section}]\n"); // writing to a String cannot fail
        }
        let _ = write!(
            out,
            "\n# {}\n# {}; {}\n# {} = {}\n",
            key.doc,
            sentence(key.kind),
            key.environment(),
            key.short(),
            default(key)
        );
    }
    out
}

fn sentence(kind: Kind) -> String {
    let text = kind.to_string();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn default(key: &Key) -> String {
    key.read_text(key.default)
        .map_or(String::new(), |value| value.to_string())
}
