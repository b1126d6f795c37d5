//! Words for whoever runs a command, and what becomes of them when nobody reads any more: `wanglou check | head`.
//!
//! `println!` panics there. A command that has done its work ends as if it had been heard: its exit code is about
//! what it found, not about who listened. One that writes as it goes ([`out`]) stops, quietly, with [`CLOSED`]. Any other
//! fault of writing, such as a full disk, is an error with words.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// The exit code of a command whose reader went before it was done: what shells say of programs that SIGPIPE ends.
pub const CLOSED: u8 = 128 + 13;

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
struct Unheard;

/// Standard output, for what is written as it goes. Telling a closed one from the broken pipe of a network connection is
/// what it adds.
pub(crate) struct Out(io::StdoutLock<'static>);

/// Locks standard output.
pub(crate) fn out() -> Out {
    Out(io::stdout().lock())
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

fn marked(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::BrokenPipe { io::Error::new(ErrorKind::BrokenPipe, Unheard) } else { error }
}

/// Did a command end because nobody reads its output any more?
pub fn is_unheard(error: &anyhow::Error) -> bool {
    let ours = |error: &io::Error| error.get_ref().is_some_and(|inner| inner.is::<Unheard>());
    error.chain().any(|cause| {
        let table = cause.downcast_ref::<csv::Error>().map(csv::Error::kind);
        let by_table = table.is_some_and(|kind| matches!(kind, csv::ErrorKind::Io(error) if ours(error)));
        // It keeps the kind alone; JSON is written to standard output, never to a connection.
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        by_table || json == Some(ErrorKind::BrokenPipe) || cause.downcast_ref::<io::Error>().is_some_and(ours)
    })
}

/// To standard output; a closed one has heard it.
pub(crate) fn to_output(words: Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    heard(out.write_fmt(words).and_then(|()| out.flush()))
}

/// To standard error, whatever becomes of it: there is nowhere else to complain.
pub fn to_error(words: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(words);
}

fn heard(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line on standard output, as `println!`; gives an `io::Result`. A closed pipe is none of its errors.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::say::to_output(format_args!("{}\n", format_args!($($words)*))) };
}

/// A line on standard output beside a work that goes on whether or not it is heard.
macro_rules! tell {
    ($($words:tt)*) => { drop($crate::cli::say::to_output(format_args!("{}\n", format_args!($($words)*)))) };
}

/// A line on standard error, as `eprintln!`.
macro_rules! remark {
    ($($words:tt)*) => { $crate::cli::say::to_error(format_args!("{}\n", format_args!($($words)*))) };
}

pub(crate) use {remark, say, tell};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_output_is_told_from_a_broken_connection_and_from_a_full_disk() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let far = anyhow::Error::from(broken()).context("the broker");
        assert!(!is_unheard(&far), "a connection");
        let ours = anyhow::Error::from(marked(broken())).context("a report");
        assert!(is_unheard(&ours));
        let wrapped = anyhow::Error::from(csv::Error::from(marked(broken())));
        assert!(is_unheard(&wrapped), "by way of csv");
        let wrapped = anyhow::Error::from(serde_json::Error::io(marked(broken())));
        assert!(is_unheard(&wrapped), "by way of JSON");
        let full = io::Error::from(ErrorKind::StorageFull);
        assert!(!is_unheard(&anyhow::Error::from(marked(full))));
        assert!(heard(Err(broken())).is_ok() && heard(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
