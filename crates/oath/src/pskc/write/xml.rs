//! XML as it is written.

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// Indented XML.
pub(super) struct Xml {
    text: Zeroizing<String>,
    depth: usize,
}

impl Xml {
    /// An XML declaration, with room for so many bytes, so that no copy of a secret is left behind by a growing text.
    pub(super) fn new(room: usize) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Self { text, depth: 0 }
    }

    /// The whole text.
    pub(super) fn finish(self) -> Zeroizing<String> {
        self.text
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.depth += 1;
    }

    pub(super) fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str("/>\n");
    }

    pub(super) fn leaf(&mut self, name: &str, value: &str) {
        self.start(name, &[]);
        self.text.push('>');
        self.escaped(value);
        let _ = writeln!(self.text, "</{name}>");
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    pub(super) fn plain(&mut self, name: &str, value: &str) {
        self.open(name, &[]);
        self.leaf("PlainValue", value);
        self.close(name);
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"");
            self.escaped(value);
            self.text.push('"');
        }
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    /// Characters that XML cannot hold become the replacement character.
    fn escaped(&mut self, value: &str) {
        for c in value.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\u{fffe}' | '\u{ffff}' => self.text.push('\u{fffd}'),
                c if c.is_control() => self.text.push('\u{fffd}'),
                c => self.text.push(c),
            }
        }
    }
}
