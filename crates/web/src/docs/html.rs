//! Text into HTML, escaped.

use std::fmt;

/// Text shown as it is, in content and in quoted attributes.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

/// A table with a head and rows of finished cells.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = String>) -> String {
    let head: String = head
        .iter()
        .map(|title| format!("<th>{}</th>", Text(title)))
        .collect();
    let rows: String = rows.into_iter().collect();
    format!("<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            Text(r#"<a href="x">'&'</a>"#).to_string(),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
        assert_eq!(Text("grün 1013").to_string(), "grün 1013");
    }
}
