//! The commands of `wanglou`, one file each.

pub mod backtest;
pub mod backup;
pub mod check;
pub mod config;
pub mod decode;
pub mod demo;
pub mod doctor;
pub mod enrol;
pub mod export;
pub mod init;
mod local;
pub mod metrics;
mod pinned;
pub mod profile;
pub mod publish;
pub mod quarantine;
pub mod reload;
pub mod report;
pub mod restore;
pub mod run;
pub mod say;
pub mod simulate;
pub mod test_alarm;
pub mod verify;

use crate::configuration::Loaded;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How a command ended, beside an error with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Well,
    /// Something is wrong with what was checked.
    Faulty,
    /// The payload is known to no profile.
    Unmatched,
    /// The payload is malformed.
    Rejected,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> ExitCode {
        match ended {
            Ended::Well => ExitCode::SUCCESS,
            Ended::Faulty => ExitCode::from(1),
            Ended::Unmatched => ExitCode::from(3),
            Ended::Rejected => ExitCode::from(4),
        }
    }
}

/// The data folder that was given, else the configuration's; `otherwise` says what to do when it is not there.
///
/// # Errors
/// When there is no such folder.
fn data_folder(loaded: &Loaded, given: Option<&Path>, otherwise: &str) -> anyhow::Result<PathBuf> {
    let data = given.map_or_else(|| loaded.folder.join(&loaded.gateway.data), Path::to_owned);
    anyhow::ensure!(data.is_dir(), "{} is not there: {otherwise}", data.display());
    Ok(data)
}
