//! From a backup to a data directory and a configuration that a gateway can start with.

use super::manifest::{self, Manifest};
use super::{BackupError, RESTORED, copy_file, private_folder, said};
use crate::configuration::GatewayFile;
use std::path::{Path, PathBuf};
use wanglou_journal::{History, Options, SegmentLog};

/// Why nothing was restored. Nothing is left at its place then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup is damaged: each flaw, with its file.
    #[error("{} is damaged, and nothing was restored:\n{flaws}", from.display())]
    Damaged {
        /// The backup.
        from: PathBuf,
        /// A line each.
        flaws: String,
    },
    /// There is something already.
    #[error("{} is there already: restore into a new folder, and move it afterwards", .0.display())]
    Occupied(PathBuf),
    /// A file could not be copied.
    #[error(transparent)]
    Copy(#[from] BackupError),
    /// The gateway's file in it cannot be read.
    #[error("the backup's {}: {why}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The journal in it cannot be opened.
    #[error("the restored journal cannot be opened: {0}")]
    Open(#[from] wanglou_journal::OpenError),
    /// The journal in it cannot be closed.
    #[error("the restored journal cannot be written: {0}")]
    Close(#[from] wanglou_journal::StoreError),
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup was of.
    pub manifest: Manifest,
    /// The history that the journal has now.
    pub history: String,
    /// The gateway's file.
    pub config: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// Where the gateway's file expects its data.
    pub expected_data: PathBuf,
    /// Files that the configuration names and that are not there: secrets, mostly.
    pub missing: Vec<(String, PathBuf)>,
}

/// Restores a backup into a folder that is not there yet: `data` and `config` below it.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(from: &Path, into: &Path) -> Result<Restored, RestoreError> {
    if into.exists() {
        return Err(RestoreError::Occupied(into.to_owned()));
    }
    let manifest = manifest::check(from)
        .map_err(|flaws| RestoreError::Damaged { from: from.to_owned(), flaws: said(&flaws) })?;
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = into.with_file_name(name);
    let fill = || -> Result<(GatewayFile, String), RestoreError> {
        if partial.exists() {
            std::fs::remove_dir_all(&partial).map_err(|source| at(&partial, source))?;
        }
        let filled = fill(from, &manifest, &partial)?;
        std::fs::rename(&partial, into).map_err(|source| at(into, source))?;
        Ok(filled)
    };
    let filled = fill();
    if filled.is_err() {
        // Best effort: the first error tells more.
        let _ = std::fs::remove_dir_all(&partial);
    }
    let (gateway, history) = filled?;
    let folder = into.join("config");
    let (config, expected_data) = (folder.join(&manifest.config), folder.join(&gateway.data));
    let missing = named_files(&gateway);
    let missing =
        missing.into_iter().map(|(key, file)| (key, folder.join(file))).filter(|(_, file)| !file.exists());
    let missing = missing.collect();
    Ok(Restored { manifest, history, config, data: into.join("data"), expected_data, missing })
}

fn at(path: &Path, source: std::io::Error) -> RestoreError {
    BackupError::File { path: path.to_owned(), source }.into()
}

fn fill(from: &Path, manifest: &Manifest, to: &Path) -> Result<(GatewayFile, String), RestoreError> {
    private_folder(to).map_err(|source| at(to, source))?;
    for file in manifest::files_below(from).map_err(|source| at(from, source))? {
        if file != Path::new(manifest::SUMS) && file != Path::new(manifest::MANIFEST) {
            copy_file(&from.join(&file), &to.join(&file))?;
        }
    }
    // What was copied is what was checked: the medium may have changed its mind in between.
    let file = Path::new("config").join(&manifest.config);
    let faulty = |why: String| RestoreError::Config { file: file.clone(), why };
    let text = std::fs::read_to_string(to.join(&file)).map_err(|error| faulty(error.to_string()))?;
    let name = manifest.config.display().to_string();
    let gateway = GatewayFile::parse(&name, &text).map_err(|fault| faulty(fault.to_string()))?;
    let data = to.join("data");
    let options = Options {
        segment_bytes: gateway.journal.segment_bytes,
        reserve_bytes: gateway.journal.reserve_bytes,
        // Positions behind the backup mean something else from here on: phones notice, and fetch everything anew.
        history: History::Restored,
        ..Options::new(&data)
    };
    let (log, _) = SegmentLog::open(options)?;
    let history = log.history().to_string();
    log.close()?;
    let marker = data.join(RESTORED);
    manifest::write_durably(&marker, manifest.made_at.as_bytes()).map_err(|source| at(&marker, source))?;
    Ok((gateway, history))
}

/// Files outside of the backup that a gateway's file names, by key.
fn named_files(gateway: &GatewayFile) -> Vec<(String, PathBuf)> {
    let mqtt = &gateway.mqtt;
    let mut named: Vec<(String, Option<PathBuf>)> = vec![
        ("mqtt.user_file".into(), mqtt.user_file.clone()),
        ("mqtt.password_file".into(), mqtt.password_file.clone()),
        ("mqtt.ca_file".into(), mqtt.ca_file.clone()),
        ("http.tls_cert".into(), gateway.http.tls_cert.clone()),
        ("http.tls_key".into(), gateway.http.tls_key.clone()),
        ("cloudevents.secret_file".into(), gateway.cloudevents.secret_file.clone()),
    ];
    let hooks = gateway.webhooks.iter();
    named
        .extend(hooks.map(|(name, hook)| (format!("webhooks.{name}.secret_file"), hook.secret_file.clone())));
    let notes = gateway.notes.iter();
    named.extend(
        notes.map(|(name, note)| (format!("notes.{name}.secret_file"), Some(note.secret_file.clone()))),
    );
    named.into_iter().filter_map(|(key, file)| Some((key, file?))).collect()
}
