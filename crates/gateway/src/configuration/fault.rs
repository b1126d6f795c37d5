//! A fault in a file: what is wrong, where, and what to do.

use serde::Serialize;
use std::fmt;
use std::path::Path;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as it was named to us.
    pub file: String,
    /// The key, or the cell, in it; empty for the file as a whole.
    pub key_path: String,
    /// The line, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

impl Fault {
    /// An error.
    pub fn error(file: &str, key_path: &str, line: Option<u32>, message: impl Into<String>) -> Self {
        let (file, key_path) = (file.to_owned(), key_path.to_owned());
        Self { file, key_path, line, message: message.into(), severity: Severity::Error }
    }

    pub(super) fn unreadable(path: &Path, error: &impl fmt::Display) -> Self {
        Self::error(&path.display().to_string(), "", None, format!("cannot be read: {error}"))
    }

    pub(super) fn toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let line =
            error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() as u32 + 1);
        Self::error(file, "", line, error.message().replace('\n', " "))
    }

    pub(super) fn under(mut self, folder: &Path) -> Self {
        self.file = folder.join(&self.file).display().to_string();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {severity}: ")?;
        if !self.key_path.is_empty() {
            write!(f, "{}: ", self.key_path)?;
        }
        f.write_str(&self.message)
    }
}

pub(super) fn of_profiles(found: Vec<wanglou_profiles::Fault>) -> Vec<Fault> {
    let line = |line: u32| Some(line).filter(|line| *line > 0);
    found
        .into_iter()
        .map(|fault| Fault::error(&fault.file, &fault.key_path, line(fault.line), fault.message))
        .collect()
}

pub(super) fn of_site(found: &wanglou_site::Fault, folder: &Path) -> Fault {
    let severity = match found.severity {
        wanglou_site::Severity::Error => Severity::Error,
        wanglou_site::Severity::Warning => Severity::Warning,
    };
    let fault = Fault::error(&found.file, &found.key_path, found.line, found.message.clone());
    Fault { severity, ..fault }.under(folder)
}
