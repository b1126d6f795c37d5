//! What is wrong in a file, said so that whoever keeps the file can mend it.
//!
//! Checks never stop at the first fault: they put what they find into [`Faults`] and go on.

use crate::suggest;
use serde::Serialize;
use std::fmt;

/// Most errors, and most warnings, that one check reports; a file that is wrong throughout would otherwise fill
/// the memory.
pub const FAULTS_MAX: usize = 1_000;

/// Longest key path and message that are told, in characters; both may quote what stands in a file.
const KEY_PATH_CHARS_MAX: usize = 200;
const MESSAGE_CHARS_MAX: usize = 600;

/// Most faults that get a "did you mean"; each costs a walk over all names.
const SUGGESTIONS_MAX: usize = 64;

/// Does a fault keep the configuration from being used?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is used, and somebody should look.
    Warning,
}

/// One thing that is wrong, and where.
///
/// Displays as one line: `devices.csv:12: [cover-17].place: no place "cover/71"; did you mean "cover/17"?`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Name of the file inside the site folder.
    pub file: String,
    /// The key inside the file: `officer.wu.roles[1]` in TOML, `[row id].column` in CSV; empty for the whole file.
    pub key_path: String,
    /// Line, counted from 1; none when the fault is not on a line, such as a missing file.
    pub line: Option<u32>,
    /// What is wrong and what to do about it.
    pub message: String,
    /// Refused, or only warned of.
    pub severity: Severity,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(match self.severity {
            Severity::Error => ": ",
            Severity::Warning => ": warning: ",
        })?;
        if !self.key_path.is_empty() {
            write!(f, "{}: ", self.key_path)?;
        }
        f.write_str(&self.message)
    }
}

/// Where something stands: file, key path, line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) file: &'static str,
    pub(crate) key_path: String,
    pub(crate) line: Option<u32>,
}

impl At {
    /// The file as a whole.
    pub(crate) fn file(file: &'static str) -> At {
        At { file, key_path: String::new(), line: None }
    }

    /// A key, or a key on a line, of the file.
    pub(crate) fn key(file: &'static str, key_path: impl Into<String>, line: Option<u32>) -> At {
        At { file, key_path: key_path.into(), line }
    }
}

/// Collects faults in the order in which they are found, up to [`FAULTS_MAX`] of each severity.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    errors: Listed,
    warnings: Listed,
    suggested: usize,
}

/// Faults of one severity, and how many more there were.
#[derive(Debug, Default)]
struct Listed {
    found: Vec<Fault>,
    left_off: usize,
}

impl Faults {
    pub(crate) fn error(&mut self, at: &At, message: impl Into<String>) {
        self.add(at, message.into(), Severity::Error);
    }

    pub(crate) fn warn(&mut self, at: &At, message: impl Into<String>) {
        self.add(at, message.into(), Severity::Warning);
    }

    /// An error about a name that is not among `known`, with the nearest of them.
    pub(crate) fn unknown<'a>(
        &mut self,
        at: &At,
        what: &str,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let hint = self.hint(found, known);
        self.error(at, format!("{what} {found:?} is not known{hint}"));
    }

    /// `; did you mean "…"?`, or nothing when no name is near or enough were suggested.
    pub(crate) fn hint<'a>(&mut self, found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
        if self.suggested >= SUGGESTIONS_MAX {
            return String::new();
        }
        self.suggested += 1;
        suggest::nearest(found, known).map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.found.is_empty()
    }

    /// Everything found, by file and line; at the end how much is not listed.
    pub(crate) fn into_sorted(self) -> Vec<Fault> {
        let notes =
            [self.errors.note("errors", Severity::Error), self.warnings.note("warnings", Severity::Warning)];
        let mut all = self.errors.found;
        all.extend(self.warnings.found);
        all.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        all.extend(notes.into_iter().flatten());
        all
    }

    fn add(&mut self, at: &At, message: String, severity: Severity) {
        let listed = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if listed.found.len() >= FAULTS_MAX {
            listed.left_off += 1;
            return;
        }
        let file = at.file.to_owned();
        let key_path = tidy(&at.key_path, KEY_PATH_CHARS_MAX);
        let message = tidy(&message, MESSAGE_CHARS_MAX);
        listed.found.push(Fault { file, key_path, line: at.line, message, severity });
    }
}

impl Listed {
    fn note(&self, what: &str, severity: Severity) -> Option<Fault> {
        let message = format!("{} more {what} are not listed; mend these first", self.left_off);
        let file = "site folder".to_owned();
        (self.left_off > 0).then_some(Fault { file, key_path: String::new(), line: None, message, severity })
    }
}

/// What stood in a file, made fit for a log line and a terminal: no control characters, not without end.
fn tidy(text: &str, chars_max: usize) -> String {
    let unfit = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let fit = |c: char| if unfit(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut tidy: String = text.chars().take(chars_max).map(fit).collect();
    if text.chars().nth(chars_max).is_some() {
        tidy.push('…');
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_one_line() {
        let mut faults = Faults::default();
        let at = At::key("devices.csv", "[cover-17].place", Some(12));
        faults.unknown(&at, "place", "cover/71", ["cover/17", "3/2"]);
        faults.warn(&At::file("people.toml"), "is missing");
        let lines: Vec<String> = faults.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "devices.csv:12: [cover-17].place: place \"cover/71\" is not known; did you mean \"cover/17\"?",
                "people.toml: warning: is missing",
            ]
        );
    }

    #[test]
    fn what_stood_in_a_file_cannot_break_a_log_line() {
        let mut faults = Faults::default();
        let at = At::key("places.csv", format!("\u{1b}[2J\u{202e}{}", "x".repeat(500)), Some(1));
        faults.error(&at, "y\n".repeat(1_000));
        let fault = faults.into_sorted().remove(0);
        assert!(fault.key_path.starts_with("\u{fffd}[2J\u{fffd}xxx") && fault.key_path.ends_with("x…"));
        assert_eq!((fault.key_path.chars().count(), fault.message.chars().count()), (201, 601));
        assert!(!fault.to_string().contains(['\n', '\u{1b}']));
    }

    #[test]
    fn an_error_is_never_lost_in_a_flood_of_warnings() {
        let mut faults = Faults::default();
        let at = At::key("rota.toml", "duty", Some(1));
        (0..5_000).for_each(|_| faults.warn(&at, "twice"));
        assert!(!faults.has_errors());
        faults.error(&at, "too many");
        assert!(faults.has_errors());
        let found = faults.into_sorted();
        assert_eq!(found.iter().filter(|fault| fault.severity == Severity::Error).count(), 1);
        assert_eq!(found.len(), FAULTS_MAX + 2);
    }

    #[test]
    fn a_flood_of_faults_is_cut_and_says_so() {
        let mut faults = Faults::default();
        for line in 0..2_000 {
            faults.error(&At::key("places.csv", "id", Some(line)), "is empty");
        }
        let found = faults.into_sorted();
        assert_eq!(found.len(), FAULTS_MAX + 1);
        let last = found.last().expect("the note at the end");
        assert_eq!(last.message, "1000 more errors are not listed; mend these first");
    }
}
