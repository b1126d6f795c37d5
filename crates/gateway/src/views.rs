//! Views in sled: alarms by id, history by day, place and kind, and each officer's feed. Written by a thread that
//! follows the journal, each tree's batch with its own position. Never the only copy of anything that matters: a view
//! that is lost, ahead of the journal or damaged is thrown away and written anew; engine, outbox, resume and accept
//! never read it. The same thread spills the quarantine's samples each minute and reads them back at the start.

use crate::clock;
use crate::configuration::Decisive;
use crate::health::{Concern, Health};
use crate::quarantine::{Entry, Quarantine};
use crate::record::kind;
use crate::wiring::understood::is_understood;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_engine::Calendar;
use wanglou_journal::{Body, Position, Reader, Record};
use wanglou_model::{Fact, Span, Timestamp, rfc3339_micros};

/// Memory for the views, bytes.
const CACHE_BYTES: u64 = 32 << 20;
/// Records per batch.
const RECORDS_PER_BATCH: u64 = 4_096;
/// When there is nothing to follow, the thread looks again after this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// After a failure the thread tries again after this time.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Samples go to disk this often.
const SPILL_EVERY: Duration = Duration::from_secs(60);
/// The position of a tree, under this key.
const POSITION: &[u8] = b"\0position";
/// The longest value, bytes: sled is slow with larger ones.
const VALUE_BYTES_MAX: usize = 60 << 10;

/// One line of the history.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(rename = "HistoryLine")]
pub struct Line {
    /// The alarm.
    pub alarm: String,
    /// Its kind.
    pub kind: String,
    /// `P1` to `P4`.
    pub priority: String,
    /// Where.
    pub place: String,
    /// When it was raised, RFC 3339.
    pub raised_at: String,
    /// Who accepted it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// A test.
    #[serde(default)]
    pub test: bool,
}

/// Why the views are not there.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// sled.
    #[error("{0}")]
    Sled(#[from] sled::Error),
    /// The journal.
    #[error("{0}")]
    Journal(#[from] wanglou_journal::StoreError),
    /// The file system.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// sled panicked; it may after a crash (spacejam/sled#1533).
    #[error("the view's library failed")]
    Panicked,
}

/// The views. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Views {
    trees: Arc<Mutex<Option<Trees>>>,
}

#[derive(Debug, Clone)]
struct Trees {
    db: sled::Db,
    alarms: sled::Tree,
    history: sled::Tree,
    feeds: sled::Tree,
    /// The quarantine's entries by topic.
    samples: sled::Tree,
}

impl Trees {
    fn open(path: &Path) -> Result<Self, ViewError> {
        let path = path.to_path_buf();
        let open = move || -> Result<Self, ViewError> {
            let db = sled::Config::new()
                .path(path)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(Some(1_000))
                .open()?;
            let (alarms, history, feeds) =
                (db.open_tree("alarms")?, db.open_tree("history")?, db.open_tree("feeds")?);
            let samples = db.open_tree("samples")?;
            Ok(Self { db, alarms, history, feeds, samples })
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)).unwrap_or(Err(ViewError::Panicked))
    }

    /// Opens what is there; what cannot be opened is moved aside, and begun anew.
    fn open_or_begin(path: &Path, end: Position, health: &Health) -> Result<Self, ViewError> {
        match Self::open(path) {
            Ok(trees) if trees.position()? <= end => Ok(trees),
            Ok(trees) => {
                drop(trees);
                tracing::warn!("the views are ahead of the journal, and are written anew");
                Self::begin(path)
            }
            Err(error) => {
                tracing::warn!(%error, "the views cannot be opened; they are moved aside and written anew");
                health.raise(Concern::Views, format!("the views are being written anew: {error}"));
                Self::begin(path)
            }
        }
    }

    fn begin(path: &Path) -> Result<Self, ViewError> {
        let aside = path.with_extension("aside");
        if aside.exists() {
            std::fs::remove_dir_all(&aside)?;
        }
        if path.exists() {
            std::fs::rename(path, &aside)?;
        }
        Self::open(path)
    }

    /// Up to where all trees have come.
    fn position(&self) -> Result<Position, ViewError> {
        let mut least = u64::MAX;
        for tree in [&self.alarms, &self.history, &self.feeds] {
            let bytes = tree.get(POSITION)?;
            let at =
                bytes.and_then(|bytes| bytes.as_ref().try_into().ok().map(u64::from_be_bytes)).unwrap_or(0);
            least = least.min(at);
        }
        Ok(Position(least))
    }
}

/// Reads the samples back. One that cannot be read is left out: it is of another program.
fn kept_samples(trees: &Trees) -> Result<Vec<Entry>, ViewError> {
    let mut kept = Vec::new();
    for value in trees.samples.iter().values() {
        kept.extend(serde_json::from_slice(&value?));
    }
    Ok(kept)
}

/// The samples that a gateway left on disk, for reading them while none runs. `path` is its views' folder.
///
/// # Errors
/// [`ViewError`]: also while a gateway has them open.
pub fn left_samples(path: &Path) -> Result<Vec<Entry>, ViewError> {
    // Opening would make an empty one.
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    kept_samples(&Trees::open(path)?)
}

/// Writes the samples that are new, and removes those that are gone.
fn spill(trees: &Trees, quarantine: &Quarantine) -> Result<(), ViewError> {
    let spill = quarantine.spill();
    let mut batch = sled::Batch::default();
    for topic in &spill.remove {
        batch.remove(topic.as_bytes());
    }
    for entry in &spill.put {
        batch.insert(entry.topic.as_bytes(), serde_json::to_vec(entry).unwrap_or_default());
    }
    Ok(trees.samples.apply_batch(batch)?)
}

/// What the views' thread works with.
#[derive(Debug)]
pub struct Following {
    /// Where the views live.
    pub path: PathBuf,
    /// The journal.
    pub reader: Reader,
    /// The compound's.
    pub calendar: Calendar,
    /// Told while views are missing.
    pub health: Arc<Health>,
    /// Its samples are kept here.
    pub quarantine: Arc<Quarantine>,
    /// By which some of them may be understood since the gateway stopped.
    pub decisive: Decisive,
    /// How long samples are kept.
    pub bodies: Span,
    /// True once the gateway is to stop.
    pub stopping: watch::Receiver<bool>,
}

impl Following {
    fn stops(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// What one run over the journal wants to write, for each tree.
#[derive(Default)]
struct Batches {
    alarms: sled::Batch,
    history: sled::Batch,
    feeds: sled::Batch,
    lines: std::collections::BTreeMap<String, Line>,
}

impl Views {
    /// Opens the views and follows the journal in a thread of its own until `stopping`; that thread has ended once
    /// everything is on disk.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn follow(following: Following) -> std::io::Result<(Self, JoinHandle<()>)> {
        let views = Self { trees: Arc::default() };
        let shared = views.clone();
        let thread = std::thread::Builder::new().name("views".into()).spawn(move || {
            let mut damaged = false;
            while !following.stops() {
                let run = std::panic::AssertUnwindSafe(|| shared.run(&following, damaged));
                let followed = std::panic::catch_unwind(run).unwrap_or(Err(ViewError::Panicked));
                if let Err(error) = followed {
                    tracing::warn!(%error, "the views stopped; they are begun anew");
                    following.health.raise(Concern::Views, error.to_string());
                    damaged = true;
                    shared.set(None);
                    std::thread::sleep(BEGIN_AGAIN_AFTER);
                }
            }
            shared.set(None);
        })?;
        Ok((views, thread))
    }

    fn set(&self, trees: Option<Trees>) {
        *self.trees.lock().unwrap_or_else(PoisonError::into_inner) = trees;
    }

    fn trees(&self) -> Option<Trees> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows until it is to stop. `damaged`: what is there failed while it was in use, and is not tried again.
    fn run(&self, following: &Following, damaged: bool) -> Result<(), ViewError> {
        let Following { path, reader, calendar, health, quarantine, decisive, bodies, .. } = following;
        let trees = if damaged {
            Trees::begin(path)?
        } else {
            Trees::open_or_begin(path, reader.position(), health)?
        };
        quarantine.restore(kept_samples(&trees)?, clock::wall() - *bodies);
        quarantine.settle(|entry| is_understood(decisive, entry));
        let mut at = trees.position()?;
        let mut spilled = Instant::now();
        self.set(Some(trees.clone()));
        while !following.stops() {
            let next = catch_up(&trees, reader, calendar, at)?;
            if spilled.elapsed() >= SPILL_EVERY {
                spill(&trees, quarantine)?;
                spilled = Instant::now();
            }
            if next == at {
                health.clear(Concern::Views);
                std::thread::sleep(LOOK_EVERY);
            }
            at = next;
        }
        spill(&trees, quarantine)?;
        trees.db.flush()?;
        Ok(())
    }

    /// The alarms of a day, the oldest first. `day` is `2026-03-02`, in the compound's time.
    pub fn day(&self, day: &str, lines_max: usize) -> Vec<Line> {
        let Some(trees) = self.trees() else { return Vec::new() };
        let ids = trees.history.scan_prefix(format!("{day}|")).values().flatten();
        let lines = ids.filter_map(|id| trees.alarms.get(id).ok().flatten());
        lines.filter_map(|bytes| serde_json::from_slice(&bytes).ok()).take(lines_max).collect()
    }
}

/// Writes what the journal has since `from`. Returns up to where.
fn catch_up(
    trees: &Trees,
    reader: &Reader,
    calendar: &Calendar,
    from: Position,
) -> Result<Position, ViewError> {
    let mut batches = Batches::default();
    let mut next = from;
    let mut failed = None;
    let end = reader.read_from(from, &mut |record: Record<'_>| {
        if let Err(error) = take(trees, calendar, &mut batches, &record) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        next = record.position.after(1);
        if next.0 - from.0 >= RECORDS_PER_BATCH { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let next = next.max(if next.0 - from.0 >= RECORDS_PER_BATCH { next } else { end.next });
    if next == from {
        return Ok(from);
    }
    for (id, line) in &batches.lines {
        let bytes = serde_json::to_vec(line).unwrap_or_default();
        if bytes.len() <= VALUE_BYTES_MAX {
            batches.alarms.insert(id.as_bytes(), bytes);
        }
    }
    let Batches { mut alarms, mut history, mut feeds, .. } = batches;
    for (tree, batch) in
        [(&trees.alarms, &mut alarms), (&trees.history, &mut history), (&trees.feeds, &mut feeds)]
    {
        batch.insert(POSITION, &next.0.to_be_bytes());
        tree.apply_batch(std::mem::take(batch))?;
    }
    Ok(next)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn take(
    trees: &Trees,
    calendar: &Calendar,
    batches: &mut Batches,
    record: &Record<'_>,
) -> Result<(), ViewError> {
    if record.kind != kind::FACT {
        return Ok(());
    }
    let Body::Whole { payload, .. } = record.body else { return Ok(()) };
    // A fact of a newer program is not for these views; whoever recovers the journal says so.
    let Ok(fact) = serde_json::from_slice::<Fact>(payload) else { return Ok(()) };
    let at = Timestamp(record.at_micros);
    match &fact {
        // For those alone whom it was sent to: who oversees the compound reads it nowhere, not even as the past.
        Fact::Raised(raised) if raised.details.get("confidential").is_some_and(|secret| secret == true) => {}
        Fact::Raised(raised) => {
            let line = Line {
                alarm: raised.alarm.to_string(),
                kind: raised.kind.to_string(),
                priority: raised.priority.name().to_owned(),
                place: raised.place.to_string(),
                raised_at: rfc3339_micros::format(at),
                accepted_by: None,
                outcome: None,
                closed_at: None,
                test: raised.test,
            };
            let day = calendar.format(at).chars().take(10).collect::<String>();
            let key = format!("{day}|{}|{}|{:020}|{}", raised.place, raised.kind, at.0, raised.alarm);
            batches.history.insert(key.as_bytes(), raised.alarm.as_str());
            batches.lines.insert(line.alarm.clone(), line);
        }
        Fact::Accepted { alarm, by, .. } => {
            change(trees, batches, alarm.as_str(), |line| line.accepted_by = Some(by.to_string()))?;
        }
        Fact::Closed { alarm, outcome, .. } => change(trees, batches, alarm.as_str(), |line| {
            (line.outcome, line.closed_at) =
                (Some(outcome.name().to_owned()), Some(rfc3339_micros::format(at)));
        })?,
        Fact::Published { alarm, to, .. } => {
            for row in to {
                let key = format!("{}|{:020}", row.officer, row.seq);
                batches.feeds.insert(key.as_bytes(), alarm.as_str());
            }
        }
        _ => {}
    }
    Ok(())
}

fn change(
    trees: &Trees,
    batches: &mut Batches,
    alarm: &str,
    with: impl FnOnce(&mut Line),
) -> Result<(), ViewError> {
    if !batches.lines.contains_key(alarm) {
        let kept = trees.alarms.get(alarm)?.and_then(|bytes| serde_json::from_slice::<Line>(&bytes).ok());
        let Some(line) = kept else { return Ok(()) };
        batches.lines.insert(alarm.to_owned(), line);
    }
    if let Some(line) = batches.lines.get_mut(alarm) {
        with(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Encoder;
    use std::collections::BTreeMap;
    use wanglou_journal::{Batch, Options, Purpose, SegmentLog, Store};
    use wanglou_model::{
        AlarmId, AlarmKind, Ladder, OfficerId, Outcome, PlaceId, Priority, Raised, Reason, Span, StopsAt,
    };

    fn facts() -> Vec<Fact> {
        let alarm = AlarmId::parse("al_1").expect("an id");
        let ladder =
            Ladder { rungs: vec![], repeat: Span::ZERO, on_scene: Span::ZERO, stops_at: StopsAt::Acceptance };
        let raised = Raised {
            alarm: alarm.clone(),
            kind: AlarmKind::parse("manhole").expect("an id"),
            key: "k".into(),
            place: PlaceId::parse("cover/17").expect("an id"),
            priority: Priority::P2,
            reason: Reason::new("r", "", ""),
            first_at: Timestamp(0),
            count: 1,
            stage: None,
            ladder,
            merge: Span::ZERO,
            mark: None,
            test: false,
            devices: vec![],
            evidence: vec![],
            details: BTreeMap::new(),
            incident: None,
            config: String::new(),
        };
        let by = OfficerId::parse("wu").expect("an id");
        let mut tip = Raised { alarm: AlarmId::parse("al_tip").expect("an id"), ..raised.clone() };
        tip.details.insert("confidential".into(), true.into());
        vec![
            Fact::Accepted { alarm: tip.alarm.clone(), by: by.clone(), eta_s: None },
            Fact::Raised(Box::new(tip)),
            Fact::Raised(Box::new(raised)),
            Fact::Accepted { alarm: alarm.clone(), by, eta_s: None },
            Fact::Closed { alarm, outcome: Outcome::Real, reason: Reason::new("r", "", "") },
        ]
    }

    fn log(folder: &Path) -> SegmentLog {
        let options = Options { segment_bytes: 1 << 20, reserve_bytes: 1 << 20, ..Options::new(folder) };
        let (mut log, _) = SegmentLog::open(options).expect("opens");
        let (mut batch, mut encoder) = (Batch::new(), Encoder::default());
        for fact in facts() {
            encoder.fact(&mut batch, Timestamp(1_772_413_200_000_000), &fact).expect("fits");
        }
        let claim = log.claim();
        log.append(claim, Purpose::Control, &batch).expect("appends");
        log
    }

    /// sled lets go of its lock a moment after the last handle is dropped, on a thread of its own.
    fn opened(path: &Path) -> Trees {
        let mut tries = (0..100_000).map(|_| {
            std::thread::yield_now();
            Trees::open(path)
        });
        tries.find_map(Result::ok).expect("opens")
    }

    fn shown(trees: &Trees) -> Vec<Line> {
        Views { trees: Arc::new(Mutex::new(Some(trees.clone()))) }.day("2026-03-02", 10)
    }

    #[test]
    fn views_that_are_lost_ahead_or_damaged_are_written_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = log(&folder.path().join("data"));
        let (reader, path, health) = (log.reader(), folder.path().join("views"), Health::default());
        let calendar = Calendar::new("Asia/Shanghai").expect("bundled");
        let follow = || {
            let trees = Trees::open_or_begin(&path, reader.position(), &health).expect("opens");
            let from = trees.position().expect("a position");
            let next = catch_up(&trees, &reader, &calendar, from).expect("catches up");
            assert_eq!(next, reader.position());
            trees
        };
        let first = shown(&follow());
        assert_eq!(first.len(), 1, "not the confidential one");
        assert_eq!(
            (first[0].accepted_by.as_deref(), first[0].outcome.as_deref()),
            (Some("wu"), Some("real"))
        );
        // Ahead of the journal: another journal's views.
        let trees = opened(&path);
        for tree in [&trees.alarms, &trees.history, &trees.feeds] {
            tree.insert(POSITION, &9_999u64.to_be_bytes()).expect("writes");
        }
        trees.alarms.insert("al_9", "phantom").expect("writes");
        drop(trees);
        assert_eq!(shown(&follow()), first);
        // Damaged: not a database at all.
        std::fs::remove_dir_all(&path).expect("removes");
        std::fs::write(&path, b"not a database").expect("writes");
        assert_eq!(shown(&follow()), first);
        // Lost.
        std::fs::remove_dir_all(&path).expect("removes");
        assert_eq!(shown(&follow()), first);
    }
    #[test]
    fn samples_come_back_after_a_restart_and_damage_costs_only_the_disks_copy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("views");
        let note = |quarantine: &Quarantine, topic: &str| {
            let why = crate::quarantine::Why::Unmatched;
            quarantine.note(Timestamp(1), topic, b"\xff", 1, why, Reason::new("r", "", ""), None);
        };
        let first = Quarantine::default();
        let trees = opened(&path);
        first.restore(kept_samples(&trees).expect("reads"), Timestamp(0));
        ["a", "b"].iter().for_each(|topic| note(&first, topic));
        spill(&trees, &first).expect("spills");
        trees.db.flush().expect("flushes");
        drop(trees);

        let second = Quarantine::default();
        let trees = opened(&path);
        second.restore(kept_samples(&trees).expect("reads"), Timestamp(0));
        assert_eq!(second.entries(), first.entries());
        // An entry of another program is left out, and one that went is removed.
        trees.samples.insert("c", "{}").expect("writes");
        assert_eq!(kept_samples(&trees).expect("reads").len(), 2);
        second.forget(Timestamp(2));
        spill(&trees, &second).expect("spills");
        assert_eq!(kept_samples(&trees).expect("reads"), vec![]);
        drop(trees);

        // Damaged while it ran: begun anew, and the memory is written again in whole.
        let trees = Trees::begin(&path).expect("begins");
        first.restore(kept_samples(&trees).expect("reads"), Timestamp(0));
        spill(&trees, &first).expect("spills");
        assert_eq!(kept_samples(&trees).expect("reads").len(), 2);
    }
}
