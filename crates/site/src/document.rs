//! A TOML file, walked key by key with the place of each, so that all faults are found and none hides another.

use crate::fault::{At, Faults};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table inside a file.
#[derive(Clone, Copy)]
pub(crate) struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
}

/// One value under its key.
#[derive(Clone)]
pub(crate) struct Node<'d> {
    document: &'d Document<'d>,
    /// The last part of its key path.
    pub(crate) key: &'d str,
    pub(crate) at: At,
    value: &'d DeValue<'d>,
}

/// A parsed file.
pub(crate) struct Document<'d> {
    file: &'static str,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    root: Spanned<DeTable<'d>>,
}

impl<'d> Document<'d> {
    /// Parses a file. With mistakes of syntax: each is a fault, and there is no document, because what stands
    /// after one may have lost its meaning.
    pub(crate) fn parse(file: &'static str, text: &'d str, faults: &mut Faults) -> Option<Document<'d>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let document = Document { file, lines: std::iter::once(0).chain(ends).collect(), root };
        for error in &errors {
            let line = error.span().map(|span| document.line_of(span.start));
            // The message alone: it speaks of the syntax, and never quotes what may be somebody's name.
            faults.error(&At::key(file, "", line), format!("is not valid TOML: {}", error.message()));
        }
        errors.is_empty().then_some(document)
    }

    pub(crate) fn root(&'d self) -> Table<'d> {
        Table { document: self, entries: self.root.get_ref() }
    }

    fn line_of(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|begin| *begin <= offset)).unwrap_or(u32::MAX)
    }

    fn node(
        &'d self,
        outer: &str,
        key: &'d Spanned<toml::de::DeString<'d>>,
        value: &'d Spanned<DeValue<'d>>,
    ) -> Node<'d> {
        let key_path = join(outer, key.get_ref());
        let at = At::key(self.file, key_path, Some(self.line_of(key.span().start)));
        Node { document: self, key: key.get_ref(), at, value: value.get_ref() }
    }
}

/// `officer` and `wu` make `officer.wu`; a key that is not a bare word is quoted, as it must be in the file.
fn join(outer: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if outer.is_empty() { key } else { format!("{outer}.{key}") }
}

impl<'d> Table<'d> {
    /// All entries, in the order of the file.
    pub(crate) fn entries(self, outer: &At) -> Vec<Node<'d>> {
        let mut entries: Vec<(usize, Node<'d>)> = self
            .entries
            .iter()
            .map(|(key, value)| (key.span().start, self.document.node(&outer.key_path, key, value)))
            .collect();
        entries.sort_by_key(|(begin, _)| *begin);
        entries.into_iter().map(|(_, node)| node).collect()
    }

    /// The known keys that are there. Every other key is a fault.
    pub(crate) fn only<const N: usize>(
        self,
        outer: &At,
        known: [&str; N],
        faults: &mut Faults,
    ) -> [Option<Node<'d>>; N] {
        let mut found: [Option<Node<'d>>; N] = std::array::from_fn(|_| None);
        for node in self.entries(outer) {
            match known.iter().position(|name| *name == node.key) {
                Some(index) => {
                    if let Some(slot) = found.get_mut(index) {
                        *slot = Some(node);
                    }
                }
                None => faults.unknown(&node.at, "key", node.key, known),
            }
        }
        found
    }
}

impl<'d> Node<'d> {
    /// The text in quotes.
    pub(crate) fn text(&self, faults: &mut Faults) -> Option<&'d str> {
        match self.value.as_str() {
            Some(text) => Some(text.trim()),
            None => self.expected("text in quotes", faults),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, faults: &mut Faults) -> Option<bool> {
        match self.value.as_bool() {
            Some(flag) => Some(flag),
            None => self.expected("true or false", faults),
        }
    }

    /// Is it a table?
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Is it a list?
    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// A table, `[…]` or `{…}`.
    pub(crate) fn table(&self, faults: &mut Faults) -> Option<Table<'d>> {
        match self.value.as_table() {
            Some(entries) => Some(Table { document: self.document, entries }),
            None => self.expected("a table", faults),
        }
    }

    /// A list of texts, each with its own place.
    pub(crate) fn texts(&self, faults: &mut Faults) -> Option<Vec<(&'d str, At)>> {
        let items = self.items("a list of texts, such as [\"a\", \"b\"]", faults)?;
        Some(items.iter().filter_map(|item| item.text(faults).map(|text| (text, item.at.clone()))).collect())
    }

    /// A list of tables, `[[…]]`.
    pub(crate) fn tables(&self, faults: &mut Faults) -> Option<Vec<(Table<'d>, At)>> {
        let items = self.items("a list of tables, each under [[…]]", faults)?;
        Some(
            items
                .iter()
                .filter_map(|item| item.table(faults).map(|table| (table, item.at.clone())))
                .collect(),
        )
    }

    fn items(&self, shape: &str, faults: &mut Faults) -> Option<Vec<Node<'d>>> {
        let Some(array) = self.value.as_array() else {
            return self.expected(shape, faults);
        };
        let item = |(index, item): (usize, &'d Spanned<DeValue<'d>>)| {
            let line = self.document.line_of(item.span().start);
            let at = At::key(self.at.file, format!("{}[{index}]", self.at.key_path), Some(line));
            Node { document: self.document, key: self.key, at, value: item.get_ref() }
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    fn expected<T>(&self, shape: &str, faults: &mut Faults) -> Option<T> {
        faults.error(&self.at, format!("must be {shape}, not {}", self.value.type_str()));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str, walk: impl Fn(Table<'_>, &At, &mut Faults)) -> Vec<String> {
        let mut faults = Faults::default();
        if let Some(document) = Document::parse("t.toml", text, &mut faults) {
            walk(document.root(), &At::file("t.toml"), &mut faults);
        }
        faults.into_sorted().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_key_has_its_path_and_its_line() {
        let text = "# c\n[officer.wu]\nroles = [\n  \"guard\",\n  7,\n]\n[officer.\"wang er\"]\nroles = 1\n";
        let faults = faults_of(text, |root, at, faults| {
            let [officer] = root.only(at, ["officer"], faults);
            let officer = officer.expect("there");
            for node in officer.table(faults).expect("a table").entries(&officer.at) {
                let [roles] = node.table(faults).expect("a table").only(&node.at, ["roles"], faults);
                roles.expect("there").texts(faults);
            }
        });
        assert_eq!(
            faults,
            [
                "t.toml:5: officer.wu.roles[1]: must be text in quotes, not integer",
                "t.toml:8: officer.\"wang er\".roles: must be a list of texts, such as [\"a\", \"b\"], not integer",
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let faults = faults_of("id = 'x'\nzoen = 'y'\n", |root, at, faults| {
            let [id, zone] = root.only(at, ["id", "zone"], faults);
            assert!(id.is_some() && zone.is_none());
        });
        assert_eq!(faults, ["t.toml:2: zoen: key \"zoen\" is not known; did you mean \"zone\"?"]);
    }

    #[test]
    fn every_mistake_of_syntax_is_named_and_no_value_is_quoted() {
        let faults = faults_of("name = secret\nid = 'x'\n= 3\n", |_, _, _| panic!("not a document"));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].starts_with("t.toml:1: is not valid TOML"), "{faults:?}");
        assert!(faults[1].starts_with("t.toml:3: "), "{faults:?}");
        assert!(!faults.iter().any(|fault| fault.contains("secret")), "{faults:?}");
    }
}
