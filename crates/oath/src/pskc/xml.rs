//! XML as far as PSKC needs it: bounded before it is parsed, found by local names.

use data_encoding::BASE64_NOPAD;
use roxmltree::{Document, Error, Node, ParsingOptions};
use zeroize::Zeroizing;

use super::{Cause, PskcError};

/// Deepest nesting of elements.
pub(super) const MAX_DEPTH: usize = 32;
/// Most attributes of one element, namespaces included: the parser compares them with one another.
pub(super) const MAX_ATTRIBUTES: usize = 32;
/// Most namespaces in scope of an element.
const MAX_NAMESPACES: usize = 24;
/// Fewest bytes of text for each element that declares a namespace; a real declaration alone has more.
const BYTES_PER_DECLARATION: usize = 64;
/// Longest text of an element that names something, in characters.
const MAX_TEXT: usize = 255;
/// Most bytes of text that are gathered from one element.
const MAX_CONTENT: usize = 16 * 1024;

/// The file as text, without its byte order mark.
pub(super) fn text(bytes: &[u8], max: usize) -> Result<&str, PskcError> {
    if bytes.len() > max {
        return Err(PskcError::TooLarge { max });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PskcError::NotUtf8)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Parses a text after its bounds were checked.
pub(super) fn parse(text: &str) -> Result<Document<'_>, PskcError> {
    check_bounds(text)?;
    // Real files have twenty bytes and more a node; tiny elements would take many times the memory of their text.
    let nodes_limit = u32::try_from(text.len() / 8 + 1024).unwrap_or(u32::MAX);
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit,
        entity_resolver: None,
    };
    Document::parse_with_options(text, options).map_err(|error| match error {
        Error::DtdDetected => PskcError::Dtd,
        Error::NodesLimitReached
        | Error::AttributesLimitReached
        | Error::NamespacesLimitReached => PskcError::TooComplex,
        other => PskcError::Malformed {
            line: other.pos().row,
            column: other.pos().col,
        },
    })
}

/// One pass over the tags: depth, attributes, namespaces, no declarations. What is malformed is left to the parser to tell.
fn check_bounds(text: &str) -> Result<(), PskcError> {
    let mut rest = text;
    // Namespaces in scope of each open element: the parser copies them to every element that declares one.
    let mut scopes = Vec::with_capacity(MAX_DEPTH);
    let mut declaring = 0;
    while let Some(tag) = rest.find('<').and_then(|at| rest.get(at..)) {
        rest = if tag.starts_with("<!--") {
            after(tag, 4, "-->")
        } else if tag.starts_with("<![CDATA[") {
            after(tag, 9, "]]>")
        } else if tag.starts_with("<?") {
            after(tag, 2, "?>")
        } else if tag.starts_with("<!") {
            return Err(PskcError::Dtd);
        } else if tag.starts_with("</") {
            scopes.pop();
            after(tag, 2, ">")
        } else {
            let start = StartTag::read(tag)?;
            declaring += usize::from(start.namespaces > 0);
            let scope = scopes.last().unwrap_or(&0) + start.namespaces;
            if scope > MAX_NAMESPACES || declaring > text.len() / BYTES_PER_DECLARATION + 64 {
                return Err(PskcError::TooComplex);
            }
            if !start.empty {
                scopes.push(scope);
            }
            tag.get(start.len..).unwrap_or_default()
        };
        if scopes.len() > MAX_DEPTH {
            return Err(PskcError::TooDeep);
        }
    }
    Ok(())
}

fn after<'a>(tag: &'a str, from: usize, end: &str) -> &'a str {
    let body = tag.get(from..).unwrap_or_default();
    body.find(end)
        .and_then(|at| body.get(at + end.len()..))
        .unwrap_or_default()
}

/// A start tag as far as its bounds matter.
struct StartTag {
    len: usize,
    empty: bool,
    namespaces: usize,
}

impl StartTag {
    fn read(tag: &str) -> Result<Self, PskcError> {
        let mut quote = None;
        let mut attributes = 0;
        let mut previous = b'<';
        for (at, byte) in tag.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => {
                    quote = Some(byte);
                    attributes += 1;
                }
                (None, b'>') => {
                    let text = tag.get(..at).unwrap_or_default();
                    return Ok(Self {
                        len: at + 1,
                        empty: previous == b'/',
                        namespaces: text.matches("xmlns").count(),
                    });
                }
                (None, _) => {}
            }
            if attributes > MAX_ATTRIBUTES {
                return Err(PskcError::TooComplex);
            }
            previous = byte;
        }
        Ok(Self {
            len: tag.len(),
            empty: true,
            namespaces: 0,
        })
    }
}

/// Child elements of a local name.
pub(super) fn children<'a>(
    node: Node<'a, 'a>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The first child element of a local name.
pub(super) fn child<'a>(node: Node<'a, 'a>, name: &'static str) -> Option<Node<'a, 'a>> {
    children(node, name).next()
}

/// The first element at the end of a path of local names.
pub(super) fn descend<'a>(node: Node<'a, 'a>, path: &[&'static str]) -> Option<Node<'a, 'a>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

/// All text directly in an element, trimmed; none where it is longer than anything that PSKC holds.
pub(super) fn content(node: Node<'_, '_>) -> Option<Zeroizing<String>> {
    let mut out = Zeroizing::new(String::with_capacity(64));
    for text in node
        .children()
        .filter(Node::is_text)
        .filter_map(|child| child.text())
    {
        if out.len() + text.len() > MAX_CONTENT {
            return None;
        }
        out.push_str(text);
    }
    Some(Zeroizing::new(out.trim().to_owned()))
}

/// The text of a child that names something; none when absent or empty.
pub(super) fn name(
    node: Option<Node<'_, '_>>,
    element: &'static str,
) -> Result<Option<String>, Cause> {
    let Some(node) = node else { return Ok(None) };
    let text = content(node).ok_or(Cause::Text(element))?;
    checked_name(&text, element)
}

/// A text that names something, as [`name`] takes it.
pub(super) fn checked_name(text: &str, element: &'static str) -> Result<Option<String>, Cause> {
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Cause::Text(element));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The bytes that an element holds in base64, with white space and with or without padding.
pub(super) fn base64(
    node: Node<'_, '_>,
    element: &'static str,
) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let text = content(node).ok_or(Cause::Invalid(element))?;
    decode_base64(&text).ok_or(Cause::Invalid(element))
}

/// Bytes of a base64 text.
pub(super) fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let padding = compact
        .iter()
        .rev()
        .take_while(|byte| **byte == b'=')
        .count();
    let body = compact.get(..compact.len() - padding.min(2))?;
    BASE64_NOPAD.decode(body).ok().map(Zeroizing::new)
}
