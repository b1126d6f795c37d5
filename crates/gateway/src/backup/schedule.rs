//! Backups by themselves: one every so many hours, so many of them kept.

use super::{Backups, UNFINISHED, list};
use crate::clock;
use crate::configuration::BackupTable;
use crate::health::{Concern, Detail, Health};
use crate::metrics::Metrics;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_model::Timestamp;

/// How often it is looked whether one is due, and the metrics set.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// After one that failed.
const RETRY_AFTER: Duration = Duration::from_secs(600);

/// The schedule of one gateway.
pub(crate) struct Schedule {
    backups: Backups,
    table: BackupTable,
    into: PathBuf,
    metrics: Metrics,
    health: Arc<Health>,
    /// While there is none at all its age counts from here.
    began_s: i64,
    not_before: Instant,
}

impl Schedule {
    /// None where no folder is configured.
    pub(crate) fn new(
        backups: Backups,
        table: &BackupTable,
        folder: &Path,
        metrics: &Metrics,
        health: Arc<Health>,
    ) -> Option<Self> {
        let into = folder.join(table.into.as_ref()?);
        let into = std::path::absolute(&into).unwrap_or(into);
        let (table, metrics, began_s) = (table.clone(), metrics.clone(), seconds(clock::wall()));
        metrics.backup_every_seconds.set(i64::from(table.every_h) * 3600);
        Some(Self { backups, table, into, metrics, health, began_s, not_before: Instant::now() })
    }

    /// Until the gateway stops.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let working = async {
            loop {
                self.look().await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = working => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    async fn look(&mut self) {
        let now = clock::wall();
        let age_s = self.show_age(now);
        let due = age_s.is_none_or(|age| age >= i64::from(self.table.every_h) * 3600);
        if !due || Instant::now() < self.not_before {
            return;
        }
        let days = self.table.kept_days();
        match self.backups.make(&self.into, days, now).await {
            Ok(made) => {
                tracing::info!(path = %made.path.display(), bytes = made.manifest.bytes, position = made.manifest.position, "backed up");
                self.metrics.backup_bytes.set(i64::try_from(made.manifest.bytes).unwrap_or(i64::MAX));
                self.health.clear(Concern::Backup);
                let (into, site, keep) = (self.into.clone(), self.backups.site().to_owned(), self.table.keep);
                // A thread that panicked has said so; the next backup prunes again.
                let _ = tokio::task::spawn_blocking(move || prune(&into, &site, keep, seconds(now))).await;
            }
            Err(error) => {
                tracing::warn!(%error, into = %self.into.display(), "no backup could be made");
                self.metrics.backup_failures.inc();
                self.health.raise(Concern::Backup, Detail::from(error.to_string()));
                self.not_before = Instant::now() + RETRY_AFTER;
            }
        }
        self.show_age(clock::wall());
    }

    /// Shows how old the newest is; None while there is none.
    fn show_age(&self, now: Timestamp) -> Option<i64> {
        let newest = list(&self.into, self.backups.site()).into_iter().next();
        let made_s = newest.map(|(_, manifest)| manifest.made_at_s);
        let age = seconds(now) - made_s.unwrap_or(self.began_s);
        self.metrics.backup_age_seconds.set(age.max(0));
        made_s.map(|_| age)
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// Throws away what is more than is kept, what is past its date, and what was never finished. The newest stays in any
/// case: a gateway without any backup is worse than one with an old one, and the alert on its age has fired by then.
fn prune(into: &Path, site: &str, keep: u32, now_s: i64) {
    let found = list(into, site);
    let old = found
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(index, (_, manifest))| *index >= keep as usize || manifest.delete_by_s <= now_s);
    let unfinished = std::fs::read_dir(into).into_iter().flatten().flatten().map(|entry| entry.path());
    let prefix = format!("{}{site}-", super::PREFIX);
    let ours = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(&prefix) && name.ends_with(UNFINISHED))
    };
    for path in old.map(|(_, (path, _))| path.clone()).chain(unfinished.filter(ours)) {
        match std::fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!(path = %path.display(), "a backup is thrown away by age"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "an old backup cannot be thrown away")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::{FORMAT, MANIFEST};

    fn backup(into: &Path, name: &str, made_at_s: i64, delete_by_s: i64) {
        let folder = into.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let manifest = serde_json::json!({
            "format": FORMAT, "site": "demo", "program": "0", "made_at": "", "made_at_s": made_at_s, "delete_by": "",
            "delete_by_s": delete_by_s, "history": "", "first": 0, "position": 0, "bodies_left_out": 0,
            "config": "gateway.toml", "moved": {}, "damaged": [], "files": 0, "bytes": 0,
        });
        std::fs::write(folder.join(MANIFEST), manifest.to_string()).expect("written");
    }

    fn names(into: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(into).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_too_many_or_too_old_goes_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path();
        for (name, made) in [("wanglou-demo-1", 100), ("wanglou-demo-2", 200), ("wanglou-demo-3", 300)] {
            backup(into, name, made, made + 250);
        }
        backup(into, "wanglou-demo-4.partial", 400, 650);
        backup(into, "wanglou-other-1", 1, 2);
        std::fs::create_dir(into.join("wanglou-demo-notes")).expect("somebody's own");
        prune(into, "demo", 2, 310);
        assert_eq!(
            names(into),
            ["wanglou-demo-2", "wanglou-demo-3", "wanglou-demo-notes", "wanglou-other-1"]
        );
        prune(into, "demo", 2, 460);
        assert_eq!(names(into), ["wanglou-demo-3", "wanglou-demo-notes", "wanglou-other-1"]);
        prune(into, "demo", 2, 9_999);
        assert_eq!(
            names(into),
            ["wanglou-demo-3", "wanglou-demo-notes", "wanglou-other-1"],
            "the newest stays"
        );
    }
}
