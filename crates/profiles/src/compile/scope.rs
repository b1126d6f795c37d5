//! From pointers in the file to slots of a scan.
//!
//! A pointer is `/contact` (from the root of the body), `past:/timestamp` (from the element that the `for_each`
//! of that name is at, or from the decoded part of that name), `past:@key` (the key of that element, where it is
//! an entry of an object), or `{name}` (a capture of the topic).

use super::reader::{Node, Table};
use crate::json::{Pointer, Trie};
use crate::limits::{CAPTURES_MAX, FOR_EACH_MAX, PARTS_MAX};
use crate::plan::{At, CAPTURES_LEVEL, Each, Group, PARTS_LEVEL, Rule, Source, WHOLE_BODY};
use crate::topic::Pattern;

/// The pointers of one message while it is compiled.
pub(crate) struct Scopes<'t> {
    root: Trie,
    groups: Vec<Draft>,
    /// Decoded parts by name, in their order.
    parts: Vec<(String, Trie)>,
    topics: &'t [Pattern],
    /// The captures that are read.
    captures: Vec<String>,
}

/// A group of rules with the same `for_each`.
#[derive(Default)]
struct Draft {
    key: Vec<Level>,
    lists: Vec<At>,
    tries: Vec<Trie>,
    /// Where keys of entries are put, for each level at which somebody reads them.
    keys: Vec<Option<u16>>,
    rules: Vec<Rule>,
}

/// One `for_each`, as written.
#[derive(PartialEq, Eq)]
struct Level {
    name: String,
    list: String,
    entries: bool,
}

/// What a pointer leads to, once taken apart.
pub(crate) struct Finished {
    /// Every pointer from the root of the body.
    pub(crate) root: Trie,
    /// Every pointer into each part.
    pub(crate) parts: Vec<Trie>,
    pub(crate) groups: Vec<Group>,
    pub(crate) captures: Vec<Vec<usize>>,
}

/// Which pointers a part of the file may use: those of one group.
#[derive(Clone, Copy)]
pub(crate) struct GroupId(usize);

/// The group of rules without `for_each`.
pub(crate) const ROOT: GroupId = GroupId(0);

impl<'t> Scopes<'t> {
    pub(crate) fn new(topics: &'t [Pattern]) -> Self {
        Self {
            root: Trie::default(),
            groups: vec![Draft::default()],
            parts: vec![],
            topics,
            captures: vec![],
        }
    }

    /// Declares a decoded part. Parts that come later may read it.
    pub(crate) fn part(&mut self, node: &Node<'_>) -> Option<String> {
        let name = word(node, "word:/pointer")?;
        if self.parts.iter().any(|(known, _)| *known == name) {
            node.fault(format!("two parts of this message are called {name:?}"));
            return None;
        }
        if self.parts.len() >= PARTS_MAX {
            node.fault(format!("a message has at most {PARTS_MAX} parts"));
            return None;
        }
        self.parts.push((name.clone(), Trie::default()));
        Some(name)
    }

    /// The group of a rule, by its `for_each`.
    pub(crate) fn group(&mut self, rule: &Table<'_>) -> Option<GroupId> {
        let Some(list) = rule.get("for_each") else { return Some(ROOT) };
        let levels = list.one_or_more();
        if levels.len() > FOR_EACH_MAX {
            list.fault(format!("at most {FOR_EACH_MAX} levels of for_each"));
            return None;
        }
        let key: Vec<_> = levels.iter().map(level).collect::<Option<_>>()?;
        if let Some(known) = self.groups.iter().position(|group| group.key == key) {
            return Some(GroupId(known));
        }
        self.groups.push(Draft::default());
        let id = GroupId(self.groups.len() - 1);
        for (node, level) in levels.iter().zip(key) {
            let taken = self.groups[id.0].key.iter().any(|known| known.name == level.name)
                || self.parts.iter().any(|(part, _)| *part == level.name);
            if taken {
                node.fault(format!(
                    "the name {:?} is taken by the for_each around it, or by a part",
                    level.name
                ));
                return None;
            }
            let at = node.ok(self.resolve(id, &level.list))?;
            let draft = &mut self.groups[id.0];
            draft.key.push(level);
            draft.lists.push(at);
            draft.tries.push(Trie::default());
            draft.keys.push(None);
        }
        Some(id)
    }

    /// The slot of a pointer.
    fn resolve(&mut self, group: GroupId, text: &str) -> Result<At, String> {
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return self.capture(name);
        }
        let Some((name, pointer)) = text.split_once(':').filter(|_| !text.starts_with('/')) else {
            return at(0, self.root.slot(&Pointer::parse(text)?)?);
        };
        let draft = &mut self.groups[group.0];
        if let Some(level) = draft.key.iter().position(|known| known.name == name) {
            if pointer != "@key" {
                return at(level + 1, draft.tries[level].slot(&Pointer::parse(pointer)?)?);
            }
            if !draft.key[level].entries {
                return Err(format!(
                    "{text:?}: a list has no keys; write `entries` in place of `in` for an object"
                ));
            }
            let slot = match draft.keys[level] {
                Some(slot) => slot,
                None => draft.tries[level].spare_slot()?,
            };
            draft.keys[level] = Some(slot);
            return at(level + 1, slot);
        }
        match self.parts.iter_mut().position(|(known, _)| known == name) {
            Some(part) => at(PARTS_LEVEL + part, self.parts[part].1.slot(&Pointer::parse(pointer)?)?),
            None => {
                Err(format!("{text:?}: there is no for_each of the name {name:?} around it, and no part"))
            }
        }
    }

    fn capture(&mut self, name: &str) -> Result<At, String> {
        if !self.topics.iter().any(|topic| topic.captures().contains(&name)) {
            return Err(format!(
                "{{{name}}} is no capture of the topic; a pointer begins with a slash: \"/{name}\""
            ));
        }
        let slot = self.captures.iter().position(|known| known == name).unwrap_or_else(|| {
            self.captures.push(name.to_owned());
            self.captures.len() - 1
        });
        if slot >= CAPTURES_MAX {
            return Err(format!("more than {CAPTURES_MAX} captures are read in one message"));
        }
        at(CAPTURES_LEVEL, u16::try_from(slot).unwrap_or(u16::MAX))
    }

    /// One pointer, or a list of which the first that is present counts.
    pub(crate) fn source(&mut self, group: GroupId, node: &Node<'_>) -> Option<Source> {
        let mut source = Source { at: vec![], pointers: String::new() };
        for item in node.one_or_more() {
            self.add(group, &mut source, &item, item.text()?)?;
        }
        if source.at.is_empty() {
            node.fault("at least one pointer, such as \"/contact\"");
            return None;
        }
        Some(source)
    }

    /// Pointers in one text, separated by `|`, as identities use them.
    pub(crate) fn source_of(&mut self, group: GroupId, node: &Node<'_>, text: &str) -> Option<Source> {
        let mut source = Source { at: vec![], pointers: String::new() };
        for pointer in text.split('|') {
            self.add(group, &mut source, node, pointer)?;
        }
        Some(source)
    }

    fn add(&mut self, group: GroupId, source: &mut Source, node: &Node<'_>, pointer: &str) -> Option<()> {
        source.at.push(node.ok(self.resolve(group, pointer))?);
        if !source.pointers.is_empty() {
            source.pointers.push_str(" or ");
        }
        source.pointers.push_str(if pointer.is_empty() { WHOLE_BODY } else { pointer });
        Some(())
    }

    /// Takes a finished rule.
    pub(crate) fn push(&mut self, group: GroupId, rule: Rule) {
        self.groups[group.0].rules.push(rule);
    }

    /// Everything, ready to use.
    pub(crate) fn finish(mut self) -> Finished {
        self.root.seal();
        let groups = self.groups.into_iter().filter(|draft| !draft.rules.is_empty()).map(|draft| {
            let levels = draft.key.into_iter().zip(draft.keys);
            let each = draft.lists.into_iter().zip(draft.tries).zip(levels);
            let each = each.map(|((list, mut trie), (level, key))| {
                trie.seal();
                Each { list, trie, entries: level.entries.then_some(key) }
            });
            Group { each: each.collect(), rules: draft.rules }
        });
        let sealed = |(_, mut trie): (String, Trie)| {
            trie.seal();
            trie
        };
        let number = |topic: &Pattern, name: &String| {
            topic.captures().iter().position(|capture| capture == name).unwrap_or(usize::MAX)
        };
        let numbers = |name: &String| self.topics.iter().map(|topic| number(topic, name)).collect();
        Finished {
            groups: groups.collect(),
            root: self.root,
            parts: self.parts.into_iter().map(sealed).collect(),
            captures: self.captures.iter().map(numbers).collect(),
        }
    }
}

fn at(level: usize, slot: u16) -> Result<At, String> {
    Ok(At { level: u8::try_from(level).unwrap_or(u8::MAX), slot })
}

/// `{ name = "past", in = "/object/history" }`, or `entries` in place of `in` for an object.
fn level(node: &Node<'_>) -> Option<Level> {
    let table = node.table()?;
    let name = table.need("name", "a word for its elements, used as \"word:/pointer\"");
    let name = name.and_then(|node| word(&node, "word:/pointer"));
    let entries = table.get("entries");
    let list = match &entries {
        Some(entries) => {
            if let Some(list) = table.get("in") {
                list.fault("`in` is for a list, `entries` for an object: write one of them");
            }
            entries.text()
        }
        None => table
            .need("in", "the pointer of the list; for the entries of an object write `entries`")
            .and_then(|node| node.text()),
    };
    table.finish();
    Some(Level { name: name?, list: list?.to_owned(), entries: entries.is_some() })
}

/// A name that pointers begin with.
fn word(node: &Node<'_>, used_as: &str) -> Option<String> {
    let name = node.text()?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        node.fault(format!("lower-case letters, digits and _ only: it is used as \"{used_as}\""));
        return None;
    }
    Some(name.to_owned())
}
