//! What is wrong with a profile file, and where.

use serde::Serialize;

/// One fault in one file. All faults of all files are reported together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[error("{file}:{line}: {key_path}: {message}")]
pub struct Fault {
    /// The file's name as it was given.
    pub file: String,
    /// Line, counted from 1; 0 when the fault is the file's as a whole.
    pub line: u32,
    /// Where in the file, such as `message[0].rule[2].value.open`; empty for the file as a whole.
    pub key_path: String,
    /// What is wrong and what to do.
    pub message: String,
}
