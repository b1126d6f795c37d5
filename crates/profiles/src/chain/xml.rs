//! XML (1.0, UTF-8) as JSON: elements become keys.
//!
//! ```text
//! <Alert version="2"><id>7</id><port>1</port><port>2</port></Alert>
//! {"Alert":{"@version":"2","id":"7","port":["1","2"]}}
//! ```
//!
//! An element with nothing but text is that text; beside attributes or elements its text is `#text`. Elements that
//! occur more than once become a list. Namespaces are left out: `ns:id` is `id`. Document types, and so entities of
//! one's own, are refused: nobody needs them, and they are how an XML reader is made to eat all memory.

use super::Out;
use crate::limits::{DEPTH_MAX, XML_ELEMENTS_MAX};
use std::borrow::Cow;

/// What stands in an element, or is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Attribute,
    Element,
    Text,
    /// Text without entities.
    Cdata,
}

#[derive(Debug, Clone, Copy)]
struct Node<'t> {
    parent: u16,
    kind: Kind,
    name: &'t str,
    raw: &'t str,
}

/// The parent of the document's element.
const TOP: u16 = u16::MAX;

/// Converts a document.
///
/// # Errors
/// What is wrong at which byte, or that it is too deep, too large, or has a document type.
pub(super) fn to_json(text: &str, mut out: Out) -> Result<Vec<u8>, String> {
    let nodes = Parser { text, at: 0, nodes: vec![] }.document()?;
    let mut order: Vec<u16> = (0..u16::try_from(nodes.len()).unwrap_or(u16::MAX)).collect();
    let key = |at: &u16| {
        let node = &nodes[usize::from(*at)];
        (
            node.parent,
            matches!(node.kind, Kind::Text | Kind::Cdata),
            node.kind == Kind::Element,
            node.name,
            *at,
        )
    };
    order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    let tree = Tree { nodes: &nodes, order: &order };
    out.raw("{");
    for top in tree.children(TOP) {
        out.key(nodes[usize::from(*top)].name);
        tree.element(*top, &mut out)?;
    }
    out.raw("}");
    out.finish()
}

struct Tree<'n, 't> {
    nodes: &'n [Node<'t>],
    /// Numbers of nodes: children of one parent together, attributes first, texts last, elements by name.
    order: &'n [u16],
}

impl<'n, 't> Tree<'n, 't> {
    fn node(&self, at: u16) -> &Node<'t> {
        &self.nodes[usize::from(at)]
    }

    fn children(&self, parent: u16) -> &'n [u16] {
        let from = self.order.partition_point(|at| self.node(*at).parent < parent);
        let until = self.order.partition_point(|at| self.node(*at).parent <= parent);
        &self.order[from..until]
    }

    /// Recursion is as deep as the document, which has a bound.
    fn element(&self, at: u16, out: &mut Out) -> Result<(), String> {
        let children = self.children(at);
        let is_text = |at: &&u16| matches!(self.node(**at).kind, Kind::Text | Kind::Cdata);
        let first_text = children.iter().position(|at| is_text(&at)).unwrap_or(children.len());
        let (named, texts) = children.split_at(first_text);
        if named.is_empty() {
            return self.text(texts, out);
        }
        out.raw("{");
        let same = |a: &u16, b: &u16| {
            let (a, b) = (self.node(*a), self.node(*b));
            a.kind == b.kind && a.name == b.name
        };
        for group in named.chunk_by(same) {
            self.group(group, out)?;
        }
        if !texts.is_empty() {
            out.key("#text");
            self.text(texts, out)?;
        }
        out.raw("}");
        Ok(())
    }

    fn group(&self, group: &[u16], out: &mut Out) -> Result<(), String> {
        let first = self.node(group[0]);
        if first.kind == Kind::Attribute {
            out.comma();
            out.raw("\"@");
            out.inside(first.name);
            out.raw("\":");
            out.quoted(&unescape(first.raw)?);
            return Ok(());
        }
        out.key(first.name);
        if let [only] = group {
            return self.element(*only, out);
        }
        out.raw("[");
        for at in group {
            out.comma();
            self.element(*at, out)?;
        }
        out.raw("]");
        Ok(())
    }

    fn text(&self, texts: &[u16], out: &mut Out) -> Result<(), String> {
        out.raw("\"");
        for at in texts {
            let node = self.node(*at);
            match node.kind {
                Kind::Cdata => out.inside(node.raw),
                Kind::Text | Kind::Attribute | Kind::Element => out.inside(unescape(node.raw)?.trim()),
            }
        }
        out.raw("\"");
        Ok(())
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nodes: Vec<Node<'t>>,
}

impl<'t> Parser<'t> {
    fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("not XML: {what} at byte {}", self.at))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Goes behind the next `end`, and gives what stands before it.
    fn until(&mut self, end: &str) -> Result<&'t str, String> {
        let rest = self.rest();
        let Some(found) = rest.find(end) else { return self.fail(&format!("{end:?} lacks for what begins")) };
        self.at += found + end.len();
        Ok(&rest[..found])
    }

    fn push(&mut self, parent: u16, kind: Kind, name: &'t str, raw: &'t str) -> Result<u16, String> {
        if self.nodes.len() >= XML_ELEMENTS_MAX {
            return Err(format!("more than {XML_ELEMENTS_MAX} elements, attributes and texts"));
        }
        self.nodes.push(Node { parent, kind, name, raw });
        Ok(u16::try_from(self.nodes.len() - 1).unwrap_or(TOP))
    }

    fn document(mut self) -> Result<Vec<Node<'t>>, String> {
        let mut open: Vec<u16> = vec![];
        let mut done = false;
        loop {
            let parent = open.last().copied();
            let found = self.rest().find('<');
            let text = &self.rest()[..found.unwrap_or(self.rest().len())];
            match parent {
                Some(parent) if !text.trim().is_empty() => {
                    self.push(parent, Kind::Text, "", text)?;
                }
                None if !text.trim().is_empty() => return self.fail("text outside of the element"),
                Some(_) | None => {}
            }
            let Some(found) = found else { break };
            self.at += found + 1;
            if self.skipped(parent)? {
                continue;
            }
            if self.rest().starts_with('/') {
                self.at += 1;
                let name = local(self.until(">")?.trim());
                match open.pop() {
                    Some(element) if self.nodes[usize::from(element)].name == name => {}
                    Some(_) | None => return self.fail("an end tag without its beginning"),
                }
                done = open.is_empty();
                continue;
            }
            if done {
                return self.fail("a second document");
            }
            if open.len() >= DEPTH_MAX as usize {
                return Err(format!("nested deeper than {DEPTH_MAX} levels"));
            }
            let (element, empty) = self.tag(parent.unwrap_or(TOP))?;
            if !empty {
                open.push(element);
            }
            done = open.is_empty();
        }
        if !done || !open.is_empty() {
            return self.fail("the text ends before its elements do");
        }
        Ok(self.nodes)
    }

    /// Declarations and comments are passed over, character data is kept.
    fn skipped(&mut self, parent: Option<u16>) -> Result<bool, String> {
        let rest = self.rest();
        if rest.starts_with('?') {
            self.until("?>")?;
        } else if rest.starts_with("!--") {
            self.until("-->")?;
        } else if rest.starts_with("![CDATA[") {
            self.at += "![CDATA[".len();
            let raw = self.until("]]>")?;
            let Some(parent) = parent else { return self.fail("text outside of the element") };
            self.push(parent, Kind::Cdata, "", raw)?;
        } else if rest.starts_with('!') {
            return self.fail("a document type, which is not allowed,");
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `name a="b"`, up to `>` or `/>`.
    fn tag(&mut self, parent: u16) -> Result<(u16, bool), String> {
        let name = self.name()?;
        let element = self.push(parent, Kind::Element, local(name), "")?;
        let first = self.nodes.len();
        loop {
            let rest = self.rest().trim_start();
            self.at = self.text.len() - rest.len();
            if rest.starts_with("/>") {
                self.at += 2;
                return Ok((element, true));
            }
            if rest.starts_with('>') {
                self.at += 1;
                return Ok((element, false));
            }
            let name = self.name()?;
            let rest = self.rest().trim_start();
            let Some(rest) = rest.strip_prefix('=') else { return self.fail("= expected") };
            let rest = rest.trim_start();
            self.at = self.text.len() - rest.len();
            let quote = match rest.bytes().next() {
                Some(b'"') => "\"",
                Some(b'\'') => "'",
                Some(_) | None => return self.fail("a quote expected"),
            };
            self.at += 1;
            let raw = self.until(quote)?;
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let name = local(name);
            if self.nodes[first..].iter().any(|known| known.name == name) {
                return self.fail("the same attribute twice");
            }
            self.push(element, Kind::Attribute, name, raw)?;
        }
    }

    fn name(&mut self) -> Result<&'t str, String> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '/' | '=' | '"' | '\''));
        let name = &rest[..end.unwrap_or(rest.len())];
        if name.is_empty() || local(name).is_empty() {
            return self.fail("a name expected");
        }
        self.at += name.len();
        Ok(name)
    }
}

/// A name without its namespace.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Text without its entities.
fn unescape(raw: &str) -> Result<Cow<'_, str>, String> {
    if !raw.contains('&') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let found = after.as_bytes().iter().take(12).position(|byte| *byte == b';');
        let Some(end) = found else { return Err("not XML: & without an entity".into()) };
        out.push(entity(&after[..end])?);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn entity(name: &str) -> Result<char, String> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(hex), _) => number(hex, 16),
            (None, Some(decimal)) => number(decimal, 10),
            (None, None) => None,
        },
    };
    found.ok_or_else(|| format!("not XML: there is no entity &{name};"))
}
