//! What is expected of each sample, and how what came out compares.

use crate::sample::Sample;
use std::collections::BTreeMap;

/// How a sample came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Observations, as its meaning says.
    Decoded,
    /// Known and rightly not kept.
    Ignored,
    /// Rightly said to be unknown: as an observation `unknown`, or because no rule fits.
    Unknown,
    /// Rightly refused.
    Rejected,
    /// Anything else.
    Wrong,
}

impl Verdict {
    /// In the order of the table's columns.
    pub(crate) const ALL: [Verdict; 5] =
        [Verdict::Decoded, Verdict::Ignored, Verdict::Unknown, Verdict::Rejected, Verdict::Wrong];

    /// The column's heading.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Decoded => "as meant",
            Verdict::Ignored => "ignored",
            Verdict::Unknown => "unmatched",
            Verdict::Rejected => "rejected",
            Verdict::Wrong => "WRONG",
        }
    }
}

/// What is expected: the word and the lines; of a reason a part is enough.
#[derive(Debug)]
pub(crate) struct Expected {
    word: String,
    lines: Vec<String>,
}

/// The table, by family and file name.
pub(crate) fn load() -> BTreeMap<(String, String), Expected> {
    let table: toml::Table = include_str!("expected.toml").parse().expect("TOML");
    let families = table.iter().map(|(family, files)| (family, files.as_table().expect("a family")));
    let each = families.flat_map(|(family, files)| {
        files.iter().map(move |(file, expected)| ((family.clone(), file.clone()), one(expected)))
    });
    each.collect()
}

fn one(expected: &toml::Value) -> Expected {
    let table = expected.as_table().expect("decoded, ignored, unmatched or rejected");
    let (word, lines) = table.iter().next().expect("one key");
    assert_eq!(table.len(), 1, "{table:?}");
    let text = |line: &toml::Value| line.as_str().expect("text").to_owned();
    let lines = match lines.as_array() {
        Some(lines) => lines.iter().map(text).collect(),
        None => vec![text(lines)],
    };
    Expected { word: word.clone(), lines }
}

impl Expected {
    /// What came out, as an expectation.
    pub(crate) fn of((word, lines): &(&'static str, Vec<String>)) -> Self {
        Self { word: (*word).to_owned(), lines: lines.clone() }
    }

    /// Does what came out agree?
    pub(crate) fn verdict(&self, (word, lines): &(&'static str, Vec<String>)) -> Verdict {
        if self.word != *word {
            return Verdict::Wrong;
        }
        let part =
            |found: &[String]| found.first().zip(self.lines.first()).is_some_and(|(f, e)| f.contains(&**e));
        match *word {
            "decoded" if self.lines != *lines => Verdict::Wrong,
            "decoded"
                if lines.iter().any(|line| !line.ends_with(": unknown") && !line.contains(": unknown ")) =>
            {
                Verdict::Decoded
            }
            "decoded" => Verdict::Unknown,
            "ignored" if part(lines) => Verdict::Ignored,
            "unmatched" if part(lines) => Verdict::Unknown,
            "rejected" if part(lines) => Verdict::Rejected,
            _ => Verdict::Wrong,
        }
    }

    /// As it stands in the table.
    pub(crate) fn toml(&self, sample: &Sample) -> String {
        let quoted =
            |line: &String| if line.contains('\'') { format!("{line:?}") } else { format!("'{line}'") };
        let lines: Vec<_> = self.lines.iter().map(quoted).collect();
        let value = match (&*self.word, &*lines) {
            ("decoded", lines) => format!("[\n  {},\n]", lines.join(",\n  ")),
            (_, lines) => lines.join(" "),
        };
        format!("[{}.{}]\n{} = {value}\n", sample.family, sample.file, self.word)
    }
}
