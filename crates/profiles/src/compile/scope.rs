//! From pointers in the file to slots of a scan.
//!
//! A pointer is `/contact` (from the root of the body) or `past:/timestamp` (from the element that the
//! `for_each` of that name is at).

use super::reader::{Node, Table};
use crate::json::{Pointer, Trie};
use crate::limits::FOR_EACH_MAX;
use crate::plan::{At, Each, Group, Rule, Source};

/// The pointers of one message while it is compiled.
pub(crate) struct Scopes {
    root: Trie,
    groups: Vec<Draft>,
}

/// A group of rules with the same `for_each`.
struct Draft {
    /// Name and array of each `for_each`, as written.
    key: Vec<(String, String)>,
    arrays: Vec<At>,
    tries: Vec<Trie>,
    rules: Vec<Rule>,
}

/// Which pointers a part of the file may use: those of one group.
#[derive(Clone, Copy)]
pub(crate) struct GroupId(usize);

/// The group of rules without `for_each`.
pub(crate) const ROOT: GroupId = GroupId(0);

impl Scopes {
    pub(crate) fn new() -> Self {
        let plain = Draft { key: vec![], arrays: vec![], tries: vec![], rules: vec![] };
        Self { root: Trie::default(), groups: vec![plain] }
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
        self.groups.push(Draft { key: vec![], arrays: vec![], tries: vec![], rules: vec![] });
        let id = GroupId(self.groups.len() - 1);
        for (node, (name, array)) in levels.iter().zip(key) {
            if self.groups[id.0].key.iter().any(|(known, _)| *known == name) {
                node.fault(format!("the name {name:?} is taken by the for_each around it"));
                return None;
            }
            let at = node.ok(self.resolve(id, &array))?;
            let draft = &mut self.groups[id.0];
            draft.key.push((name, array));
            draft.arrays.push(at);
            draft.tries.push(Trie::default());
        }
        Some(id)
    }

    /// The slot of a pointer.
    fn resolve(&mut self, group: GroupId, text: &str) -> Result<At, String> {
        let draft = &mut self.groups[group.0];
        let (depth, trie, pointer) = match text.split_once(':') {
            Some((name, pointer)) if !text.starts_with('/') => {
                let Some(level) = draft.key.iter().position(|(known, _)| known == name) else {
                    return Err(format!("{text:?}: there is no for_each of the name {name:?} around it"));
                };
                (level + 1, &mut draft.tries[level], pointer)
            }
            Some(_) | None => (0, &mut self.root, text),
        };
        let slot = trie.slot(&Pointer::parse(pointer)?)?;
        Ok(At { depth: u8::try_from(depth).unwrap_or(u8::MAX), slot })
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
        source.pointers.push_str(if pointer.is_empty() { "the body" } else { pointer });
        Some(())
    }

    /// Takes a finished rule.
    pub(crate) fn push(&mut self, group: GroupId, rule: Rule) {
        self.groups[group.0].rules.push(rule);
    }

    /// The trie of the body and the groups, ready to use.
    pub(crate) fn finish(mut self) -> (Trie, Vec<Group>) {
        self.root.seal();
        let groups = self.groups.into_iter().filter(|draft| !draft.rules.is_empty()).map(|draft| {
            let each = draft.arrays.into_iter().zip(draft.tries).map(|(array, mut trie)| {
                trie.seal();
                Each { array, trie }
            });
            Group { each: each.collect(), rules: draft.rules }
        });
        (self.root, groups.collect())
    }
}

/// `{ name = "past", in = "/object/history" }`.
fn level(node: &Node<'_>) -> Option<(String, String)> {
    let table = node.table()?;
    let name = table.need("name", "a word for its elements, used as \"word:/pointer\"").and_then(|node| {
        let name = node.text()?;
        let good = |c: char| c.is_ascii_lowercase() || c == '_';
        if name.is_empty() || !name.chars().all(good) {
            node.fault("lower-case letters and _ only");
            return None;
        }
        Some(name.to_owned())
    });
    let array = table.need("in", "the pointer of the list").and_then(|node| node.text());
    table.finish();
    Some((name?, array?.to_owned()))
}
