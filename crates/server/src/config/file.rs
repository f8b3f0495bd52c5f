use super::{KEYS, Key, Value};
use anyhow::{Result, bail};
use countersign_engine::text::closest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a configuration file: every error names file, line and key.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<(&'static Key, Value)>> {
    let file = File { name, text };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => bail!(
            "{}: {}",
            file.place(error.span().map_or(0, |span| span.start)),
            error.message()
        ),
    };
    let mut values = Vec::new();
    for (key, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(section) => {
                file.section(key.get_ref(), key.span().start, section, &mut values)?;
            }
            _ => values.push(file.value("", key.get_ref(), key.span().start, value)?),
        }
    }
    Ok(values)
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn section(
        &self,
        section: &str,
        at: usize,
        table: &DeTable<'_>,
        values: &mut Vec<(&'static Key, Value)>,
    ) -> Result<()> {
        let sections: Vec<&str> = KEYS
            .iter()
            .map(Key::section)
            .filter(|known| !known.is_empty())
            .collect();
        if !sections.contains(&section) {
            bail!(
                "{}: unknown section [{section}]{}",
                self.place(at),
                hint(section, &sections)
            );
        }
        for (key, value) in table {
            values.push(self.value(section, key.get_ref(), key.span().start, value)?);
        }
        Ok(())
    }

    fn value(
        &self,
        section: &str,
        name: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(&'static Key, Value)> {
        let Some(key) = KEYS
            .iter()
            .find(|key| key.section() == section && key.short() == name)
        else {
            let names: Vec<&str> = KEYS
                .iter()
                .filter(|key| key.section() == section)
                .map(Key::short)
                .collect();
            let shown = if section.is_empty() {
                name.to_owned()
            } else {
                format!("{section}.{name}")
            };
            bail!(
                "{}: unknown key {shown}{}",
                self.place(at),
                hint(name, &names)
            );
        };
        match read_value(key, value.get_ref()) {
            Ok(value) => Ok((key, value)),
            Err(allowed) => bail!(
                "{}: {} must be {allowed}",
                self.place(value.span().start),
                key.path()
            ),
        }
    }

    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        format!("{}, line {}", self.name, before.matches('\n').count() + 1)
    }
}

fn read_value(key: &Key, value: &DeValue<'_>) -> Result<Value, String> {
    match value {
        DeValue::String(text)
            if matches!(key.kind, super::Kind::Addresses | super::Kind::Words(_)) =>
        {
            key.list(std::iter::once(text.as_ref()))
        }
        DeValue::String(text) => key.text(text),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| key.kind.to_string())
            .and_then(|number| key.number(number)),
        DeValue::Array(entries) => {
            let texts: Option<Vec<&str>> = entries
                .iter()
                .map(|entry| entry.get_ref().as_str())
                .collect();
            texts
                .ok_or_else(|| key.kind.to_string())
                .and_then(|texts| key.list(texts.into_iter()))
        }
        _ => Err(key.kind.to_string()),
    }
}

fn hint(name: &str, known: &[&str]) -> String {
    closest(name, known.to_vec()).map_or(String::new(), |close| format!("; did you mean {close}?"))
}
