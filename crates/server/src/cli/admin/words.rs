use anyhow::{Context, Result, bail};
use countersign_engine::admin::{Kind, Verb};
use std::io::Read;

/// Splits a line into words as a shell does: blanks between them, quotes around them, a backslash before one character.
pub(super) fn split(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(
                letters
                    .next()
                    .context("read the line: it ends with a backslash")?,
            ),
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        bail!("read the line: a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

/// Replaces `@FILE` by the content of the file where a field is a secret, a file or a certificate; `@-` is standard input.
pub(crate) fn from_files(verb: &Verb, words: Vec<String>) -> Result<Vec<String>> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let named = out
            .last()
            .map(String::as_str)
            .filter(|name| name.starts_with("--") && !name.contains('='));
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (Some(name), value),
            _ => (named, word.as_str()),
        };
        let name = name.map(|name| name.trim_start_matches('-').replace('-', "_"));
        let replaced = match (
            name.and_then(|name| verb.field(&name))
                .map(|field| field.kind),
            value.strip_prefix('@'),
        ) {
            (Some(Kind::Secret { .. }), Some(file)) => {
                Some(content(file)?.trim_end_matches(['\r', '\n']).to_owned())
            }
            (Some(Kind::Data { .. } | Kind::Pem { .. }), Some(file)) => Some(content(file)?),
            _ => None,
        };
        let joined = word.starts_with("--") && word.contains('=');
        out.push(match (replaced, joined) {
            (Some(text), true) => format!("{}={text}", word.split('=').next().unwrap_or_default()),
            (Some(text), false) => text,
            (None, _) => word,
        });
    }
    Ok(out)
}

fn content(file: &str) -> Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file).with_context(|| format!("read {file}"));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("read standard input")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::admin::table;

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        for (line, expected) in [
            (
                "user create --user alice",
                &["user", "create", "--user", "alice"][..],
            ),
            (
                "  a  'b c' \"d \\\" e\" f\\ g ''",
                &["a", "b c", "d \" e", "f g", ""],
            ),
            ("a # comment", &["a"]),
            ("a#b", &["a#b"]),
            ("# only", &[]),
            ("'\\'", &["\\"]),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        assert!(split("'a").is_err() && split("a\\").is_err());
    }

    #[test]
    fn a_secret_comes_from_a_file_and_another_field_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        std::fs::write(&path, "typed\n").unwrap();
        let at = format!("@{}", path.display());
        let verb = table::find("user", "set-password").unwrap();
        let words = from_files(
            verb,
            vec![
                "--user".into(),
                at.clone(),
                "--password".into(),
                at.clone(),
                format!("--password={at}"),
            ],
        )
        .unwrap();
        assert_eq!(
            words,
            ["--user", &at, "--password", "typed", "--password=typed"]
        );
        assert!(from_files(verb, vec!["--password".into(), "@/nowhere/x".into()]).is_err());
    }
}
