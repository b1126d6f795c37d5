//! Walking a TOML file so that every fault is found in one go, each with its key path and line.
//!
//! A wrong value is reported and read as absent; the walk goes on. A table remembers which keys were asked
//! for, and [`Table::finish`] reports the others: a typing mistake must not silently switch something off.

use crate::fault::Fault;
use crate::value::Literal;
use std::cell::RefCell;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One file while it is read.
pub(crate) struct File<'f> {
    name: &'f str,
    text: &'f str,
    faults: RefCell<Vec<Fault>>,
}

impl<'f> File<'f> {
    pub(crate) fn new(name: &'f str, text: &'f str) -> Self {
        Self { name, text, faults: RefCell::default() }
    }

    /// Reports a fault at a byte of the file.
    pub(crate) fn fault(&self, key_path: &str, at: usize, message: impl Into<String>) {
        let fault = Fault {
            file: self.name.to_owned(),
            line: self.line(at),
            key_path: key_path.to_owned(),
            message: message.into(),
        };
        self.faults.borrow_mut().push(fault);
    }

    fn line(&self, at: usize) -> u32 {
        let before = self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// All faults, in the order of their lines.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by(|a, b| (a.line, &a.key_path).cmp(&(b.line, &b.key_path)));
        faults
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node<'f> {
    file: &'f File<'f>,
    pub(crate) path: String,
    at: usize,
    value: &'f DeValue<'f>,
}

impl<'f> Node<'f> {
    /// Reports a fault of this value.
    pub(crate) fn fault(&self, message: impl Into<String>) {
        self.file.fault(&self.path, self.at, message);
    }

    /// Reports what somebody says about this value, and goes on without it.
    pub(crate) fn ok<T>(&self, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.fault(message)).ok()
    }

    /// Its line, counted from 1.
    pub(crate) fn line(&self) -> u32 {
        self.file.line(self.at)
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        self.fault(format!("{what} expected, not {}", named(self.value)));
        None
    }

    pub(crate) fn text(&self) -> Option<&'f str> {
        match self.value.as_str() {
            Some(text) => Some(text),
            None => self.expected("text in quotes"),
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.value.as_bool() {
            Some(flag) => Some(flag),
            None => self.expected("true or false"),
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self.literal_of() {
            Some(Literal::Number { value, .. }) => Some(value),
            Some(Literal::Flag(_) | Literal::Text(_)) | None => self.expected("a finite number"),
        }
    }

    pub(crate) fn whole(&self) -> Option<i64> {
        match self.number()? {
            number if number.fract() == 0.0 && number.abs() < 9e15 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
                Some(number as i64)
            }
            _ => self.expected("a whole number"),
        }
    }

    /// Text, a number, or true or false.
    pub(crate) fn literal(&self) -> Option<Literal> {
        match self.literal_of() {
            Some(literal) => Some(literal),
            None => self.expected("text, a number, true or false"),
        }
    }

    fn literal_of(&self) -> Option<Literal> {
        match self.value {
            DeValue::String(text) => Some(Literal::Text(text.to_string())),
            DeValue::Boolean(flag) => Some(Literal::Flag(*flag)),
            DeValue::Integer(number) => {
                let whole = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
                #[expect(clippy::cast_precision_loss, reason = "the text beside it is exact")]
                Some(Literal::Number { value: whole as f64, text: whole.to_string() })
            }
            DeValue::Float(number) => {
                let value = number.as_str().parse::<f64>().ok().filter(|value| value.is_finite())?;
                Some(Literal::Number { value, text: number.as_str().to_owned() })
            }
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(crate) fn table(&self) -> Option<Table<'f>> {
        match self.value.as_table() {
            Some(entries) => Some(Table { node: self.clone(), entries, asked: RefCell::default() }),
            None => self.expected("a table"),
        }
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Option<Vec<Node<'f>>> {
        match self.value.as_array() {
            Some(items) => {
                Some(items.iter().enumerate().map(|(number, item)| self.element(number, item)).collect())
            }
            None => self.expected("a list"),
        }
    }

    /// The elements of a list, or the one value that stands in its place.
    pub(crate) fn one_or_more(&self) -> Vec<Node<'f>> {
        match self.value.is_array() {
            true => self.list().unwrap_or_default(),
            false => vec![self.clone()],
        }
    }

    fn element(&self, number: usize, item: &'f Spanned<DeValue<'f>>) -> Node<'f> {
        let path = format!("{}[{number}]", self.path);
        Node { file: self.file, path, at: item.span().start, value: item.get_ref() }
    }

    /// As JSON, to compare with what a decoder gives.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        if let Some(items) = self.value.as_array() {
            let items = items.iter().enumerate().map(|(number, item)| self.element(number, item).json());
            return items.collect::<Option<Vec<_>>>().map(Into::into);
        }
        if self.is_table() {
            let fields =
                self.table()?.entries().into_iter().map(|(key, node)| Some((key.to_owned(), node.json()?)));
            return fields.collect::<Option<serde_json::Map<_, _>>>().map(Into::into);
        }
        Some(match self.literal()? {
            Literal::Flag(flag) => flag.into(),
            Literal::Text(text) => text.into(),
            Literal::Number { value, text } => match text.parse::<i64>() {
                Ok(whole) => whole.into(),
                Err(_) => value.into(),
            },
        })
    }
}

fn named(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date (write it in quotes)",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A table and which of its keys have been asked for.
pub(crate) struct Table<'f> {
    pub(crate) node: Node<'f>,
    entries: &'f DeTable<'f>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'f> Table<'f> {
    /// The root of a file.
    pub(crate) fn root(file: &'f File<'f>, value: &'f DeValue<'f>) -> Option<Self> {
        Node { file, path: String::new(), at: 0, value }.table()
    }

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'f>> {
        self.asked.borrow_mut().insert(key);
        self.entries.get_key_value(key).map(|(name, value)| self.child(name, value))
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &'static str, what: &str) -> Option<Node<'f>> {
        let found = self.get(key);
        if found.is_none() {
            self.node.fault(format!("`{key}` is missing: {what}"));
        }
        found
    }

    /// Is the key there? Does not count as asked.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// All entries of a table whose keys are free, in the order of the file.
    pub(crate) fn entries(&self) -> Vec<(&'f str, Node<'f>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), self.child(key, value))).collect()
    }

    fn child(
        &self,
        key: &'f Spanned<std::borrow::Cow<'f, str>>,
        value: &'f Spanned<DeValue<'f>>,
    ) -> Node<'f> {
        let path = match self.node.path.as_str() {
            "" => key.get_ref().to_string(),
            path => format!("{path}.{}", key.get_ref()),
        };
        // The span of a table made by dotted keys or a header covers them; its key is where the eye looks.
        let at = if value.get_ref().is_table() { key.span().start } else { value.span().start };
        Node { file: self.node.file, path, at, value: value.get_ref() }
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        for (key, node) in self.entries() {
            if !asked.contains(key) {
                node.fault(unknown_key(key, &asked));
            }
        }
    }
}

fn unknown_key(key: &str, known: &BTreeSet<&'static str>) -> String {
    let near = known.iter().map(|known| (distance(key, known), known)).min();
    match near {
        Some((edits, near)) if edits <= 2 => format!("there is no key `{key}` here; did you mean `{near}`?"),
        Some(_) | None => {
            let all = known.iter().copied().collect::<Vec<_>>().join(", ");
            format!("there is no key `{key}` here; known are {all}")
        }
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate().take(64) {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = before + usize::from(from != *to);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}
