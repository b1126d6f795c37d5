//! The writer: one thread that takes what arrived, steps the engine, commits inputs and facts together, and only
//! then lets anything out. No timer holds an acknowledgement: a batch is what was there when the last commit ended.
//!
//! ```text
//!  lanes, requests, due deadlines ─► step ─► append (one fdatasync) ─► PUBACKs, answers, observers
//! ```

mod queue;
mod step;

pub use queue::{ARRIVALS_MAX, BULK_BYTES_PER_COMMIT, Queue, REQUESTS_MAX, Refused, Work, batch_bytes};

use crate::access::{Access, AccessEvent};
use crate::clock::{Clock, Distrust};
use crate::configuration::Decisive;
use crate::health::{Concern, Detail, Health};
use crate::intake::{Acknowledge, Arrival, Lane};
use crate::metrics::Metrics;
use crate::quarantine::Quarantine;
use crate::record::Encoder;
use crate::snapshot;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use wanglou_engine::Engine;
use wanglou_journal::{Batch, Blobs, Configs, Position, Purpose, SEAL_BYTES, SegmentLog, Store, StoreError};
use wanglou_model::{Fact, Input, Observation, Span, Timestamp};

/// The longest sleep between two looks at the clock: a step of the wall clock is noticed within it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While the disk is full it is tried again this often.
const DISK_RETRY: Duration = Duration::from_secs(1);
/// What is past its age is looked for this often.
const AGE_EVERY: Span = Span::hours(1);
/// Room for the facts of one message, bytes; more is taken from the reserve.
const FACT_BYTES: u64 = 512;

/// What can be asked of the writer.
#[derive(Debug)]
pub enum Request {
    /// An input to be journaled and decided on.
    Input {
        /// The input.
        input: Box<Input>,
        /// Told after the commit which facts came of it.
        done: Option<oneshot::Sender<Committed>>,
    },
    /// News of log-ins and sessions.
    Access {
        /// The news.
        event: Box<AccessEvent>,
        /// Told after the commit.
        done: oneshot::Sender<Committed>,
    },
    /// A look at the engine, as of the latest commit.
    Read(Reading),
    /// A snapshot of what was committed.
    Snapshot {
        /// Told once it is on disk.
        done: oneshot::Sender<Committed>,
    },
    /// A new configuration.
    Reload {
        /// Checked.
        decisive: Box<Decisive>,
        /// Who asks.
        who: String,
        /// Why.
        why: String,
        /// Told after the commit.
        done: oneshot::Sender<Committed>,
    },
}

/// A look at the engine.
pub struct Reading(Box<dyn FnOnce(&Engine) + Send>);

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

/// What a commit made durable for one request.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The time it was stamped with.
    pub at: Timestamp,
    /// The facts that came of it.
    pub facts: Vec<Fact>,
}

/// Told after each commit, on the writer's thread: must not block.
pub trait Observer: Send {
    /// Where the inputs lie in the journal that the facts of the next [`Self::committed`] came of, one for each fact.
    fn caused(&mut self, _causes: &[u64]) {}

    /// A batch is on disk. `facts` are all of it, in order; the engine stands where the batch left it.
    fn committed(&mut self, at: Timestamp, engine: &Engine, facts: &[Fact]);

    /// Is [`Self::observed`] to be told? Asked once; copies are made only where somebody listens.
    fn listens(&self) -> bool {
        false
    }

    /// What sensors said in the batch, which is on disk.
    fn observed(&mut self, _at: Timestamp, _engine: &Engine, _said: &[Observation]) {}
}

/// The way to the writer, cheap to clone.
#[derive(Debug, Clone)]
pub struct WriterHandle {
    queue: Arc<Queue<Request>>,
    access: Arc<RwLock<Access>>,
}

impl WriterHandle {
    /// The queues, for the sources.
    pub fn queue(&self) -> &Arc<Queue<Request>> {
        &self.queue
    }

    /// Hands an input over, and waits until it is on disk.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub async fn submit(&self, input: Input) -> Result<Committed, Refused> {
        let (done, committed) = oneshot::channel();
        self.queue.request(Request::Input { input: Box::new(input), done: Some(done) })?;
        committed.await.map_err(|_| Refused::Stopped)
    }

    /// Hands an input over without waiting.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub fn send(&self, input: Input) -> Result<(), Refused> {
        self.queue.request(Request::Input { input: Box::new(input), done: None })
    }

    /// Grants or revokes, and waits until it is on disk.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub async fn admit(&self, event: AccessEvent) -> Result<Committed, Refused> {
        let (done, committed) = oneshot::channel();
        self.queue.request(Request::Access { event: Box::new(event), done })?;
        committed.await.map_err(|_| Refused::Stopped)
    }

    /// Looks at the engine as of the latest commit. Runs on the writer's thread: keep it short.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (done, seen) = oneshot::channel();
        let reading = Reading(Box::new(move |engine| {
            let _ = done.send(look(engine));
        }));
        self.queue.request(Request::Read(reading))?;
        seen.await.map_err(|_| Refused::Stopped)
    }

    /// Takes a snapshot, and waits until it is on disk.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub async fn snapshot(&self) -> Result<Committed, Refused> {
        let (done, committed) = oneshot::channel();
        self.queue.request(Request::Snapshot { done })?;
        committed.await.map_err(|_| Refused::Stopped)
    }

    /// Takes a new configuration, and waits until its position is on disk.
    ///
    /// # Errors
    /// [`Refused`] when the gateway has too much to do, or is stopping.
    pub async fn reload(&self, decisive: Decisive, who: &str, why: &str) -> Result<Committed, Refused> {
        let (done, committed) = oneshot::channel();
        let (who, why) = (who.to_owned(), why.to_owned());
        self.queue.request(Request::Reload { decisive: Box::new(decisive), who, why, done })?;
        committed.await.map_err(|_| Refused::Stopped)
    }

    /// Who may come in, as of the latest commit.
    pub fn access(&self) -> std::sync::RwLockReadGuard<'_, Access> {
        self.access.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the data came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// They are this gateway's own.
    Own,
    /// A backup, and this is the first start since.
    Restored,
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// A snapshot after so many records.
    pub snapshot_records: u64,
    /// What sensors and people said, word for word.
    pub bodies: Span,
    /// What was concluded.
    pub facts: Span,
}

/// What the writer is made of.
pub struct Parts {
    /// The journal; its position is where the engine stands.
    pub log: SegmentLog,
    /// Payloads too large for a record.
    pub blobs: Blobs,
    /// Configurations by their hash.
    pub configs: Configs,
    /// The engine, recovered.
    pub engine: Engine,
    /// Who may come in, recovered.
    pub access: Access,
    /// What decoding remembers from one message to the next, recovered.
    pub decoding: wanglou_profiles::DecodeState,
    /// The configuration in force.
    pub decisive: Decisive,
    /// The clock.
    pub clock: Clock,
    /// Told after each commit.
    pub observers: Vec<Box<dyn Observer>>,
    /// What nobody understood.
    pub quarantine: Arc<Quarantine>,
    /// The health page.
    pub health: Arc<Health>,
    /// The metrics.
    pub metrics: Metrics,
    /// How long what is kept.
    pub keeping: Keeping,
    /// Acknowledge what is not on disk: what the red control of the kill test switches on. Never in a product.
    pub acknowledge_before_commit: bool,
}

/// The writer.
pub struct Writer {
    parts: Parts,
    queue: Arc<Queue<Request>>,
    access: Arc<RwLock<Access>>,
    batch: Batch,
    encoder: Encoder,
    /// What the batch under way will let out.
    pending: Pending,
    /// An observer wants to know what sensors say.
    listened_to: bool,
    /// When the messages under way were read from their socket.
    read_at: Option<tokio::time::Instant>,
    snapshot_at: Position,
    aged_at: Timestamp,
    disk_full: bool,
    /// The distrust that health, metrics and engine know of.
    clock_told: Option<Distrust>,
}

/// Held back until the commit.
#[derive(Default)]
struct Pending {
    acks: Vec<mpsc::UnboundedSender<Acknowledge>>,
    answers: Vec<(oneshot::Sender<Committed>, Committed)>,
    access: Vec<AccessEvent>,
    facts: Vec<Fact>,
    /// For each fact, where the input that it came of lies in the journal.
    causes: Vec<u64>,
    /// Messages that alarms came of, with when each was read from its socket, and stepped.
    traced: Vec<Traced>,
    /// Where somebody listens: what sensors said.
    said: Vec<Observation>,
    messages: u64,
    /// When each batch was read from its socket.
    reads: Vec<(Lane, tokio::time::Instant)>,
}

/// A message that raised or changed alarms.
struct Traced {
    cause: u64,
    lane: Lane,
    read_at: tokio::time::Instant,
    stepped_at: tokio::time::Instant,
}

/// Why the writer stopped.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The journal failed, or somebody else has it: nothing more may be acknowledged.
    #[error("the journal failed, and nothing more may be acknowledged: {0}")]
    Journal(#[from] StoreError),
    /// A blob or a configuration could not be kept.
    #[error("a file could not be kept: {0}")]
    File(#[from] wanglou_journal::FileError),
    /// A fault of the program.
    #[error("{0}")]
    Record(#[from] wanglou_journal::RecordTooLarge),
    /// A fault of the program.
    #[error("{0}")]
    Snapshot(#[from] wanglou_engine::SnapshotError),
}

impl Writer {
    /// A writer and the way to it.
    pub fn new(parts: Parts) -> (Self, WriterHandle) {
        let queue = Arc::new(Queue::default());
        let access = Arc::new(RwLock::new(parts.access.clone()));
        let handle = WriterHandle { queue: Arc::clone(&queue), access: Arc::clone(&access) };
        let snapshot_at = parts.log.position();
        let listened_to = parts.observers.iter().any(|observer| observer.listens());
        let writer = Self {
            parts,
            queue,
            access,
            batch: Batch::new(),
            encoder: Encoder::default(),
            pending: Pending::default(),
            listened_to,
            read_at: None,
            snapshot_at,
            aged_at: Timestamp(0),
            disk_full: false,
            clock_told: None,
        };
        (writer, handle)
    }

    /// Runs until the queue is closed; then takes a snapshot and closes the journal in order.
    ///
    /// # Errors
    /// [`WriterError`]: the process must end, nothing more may be acknowledged.
    pub fn run(mut self) -> Result<(), WriterError> {
        let queue = Arc::clone(&self.queue);
        let ended = self.serve();
        queue.end();
        ended?;
        if !self.disk_full {
            self.take_snapshot()?;
        }
        Ok(self.parts.log.close()?)
    }

    fn serve(&mut self) -> Result<(), WriterError> {
        loop {
            let wait = self.wait();
            let work = self.queue.take(wait);
            let stopped = work.stopped;
            self.turn(work)?;
            if stopped {
                return Ok(());
            }
        }
    }

    fn wait(&mut self) -> Duration {
        let due = self.parts.engine.next_deadline();
        let until = due.map_or(LOOK_EVERY, |due| self.parts.clock.until(due));
        until.min(if self.disk_full { DISK_RETRY } else { LOOK_EVERY })
    }

    /// One turn: time, then requests, then the lanes; then the commit.
    fn turn(&mut self, work: Work<Request>) -> Result<(), WriterError> {
        let arrivals = self.secure(work.arrivals)?;
        let at = self.step_time()?;
        for request in work.requests {
            self.step_request(at, request)?;
        }
        let purpose = if arrivals.is_empty() { Purpose::Control } else { Purpose::Intake };
        for arrival in arrivals {
            self.step_arrival(at, arrival)?;
        }
        self.commit(at, purpose)?;
        self.housekeeping(at)
    }

    /// Room for the arrivals, or they go back and the lanes are held.
    fn secure(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Arrival>, WriterError> {
        if arrivals.is_empty() && !self.disk_full {
            return Ok(arrivals);
        }
        let bytes: u64 = arrivals.iter().map(estimate).sum();
        match self.parts.log.secure(bytes + SEAL_BYTES, Purpose::Intake) {
            Ok(()) => {
                if std::mem::take(&mut self.disk_full) {
                    self.queue.release();
                    self.parts.health.clear(Concern::Disk);
                }
                Ok(arrivals)
            }
            Err(error @ StoreError::NoSpace { .. }) => {
                self.disk_full = true;
                self.parts.health.raise(
                    Concern::Disk,
                    format!("{error}; free some space: nothing is lost, the broker holds"),
                );
                self.queue.hold(arrivals);
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn commit(&mut self, at: Timestamp, purpose: Purpose) -> Result<(), WriterError> {
        if self.parts.acknowledge_before_commit {
            self.acknowledge();
        }
        if !self.batch.is_empty() {
            let timer = self.parts.metrics.commit_seconds.start_timer();
            self.append(purpose)?;
            timer.observe_duration();
            self.parts.metrics.commit_records.observe(self.batch.len() as f64);
            self.batch.clear();
        }
        for Traced { cause, lane, read_at, stepped_at } in self.pending.traced.drain(..) {
            let (queued, committed) = (stepped_at - read_at, read_at.elapsed());
            let (queued_s, committed_s) = (queued.as_secs_f64(), committed.as_secs_f64());
            tracing::info!(trace = %crate::view::trace(cause), lane = lane.name(), queued_s, committed_s, "received");
        }
        for (lane, read_at) in self.pending.reads.drain(..) {
            let seconds = read_at.elapsed().as_secs_f64();
            self.parts.metrics.ingest_seconds.with_label_values(&[lane.name()]).observe(seconds);
        }
        self.let_out(at);
        Ok(())
    }

    fn append(&mut self, purpose: Purpose) -> Result<Position, WriterError> {
        let claim = self.parts.log.claim();
        match self.parts.log.append(claim, purpose, &self.batch) {
            // Too little was secured for the facts that came of it: that is what the reserve is for.
            Err(StoreError::NoSpace { .. }) if purpose == Purpose::Intake => {
                Ok(self.parts.log.append(claim, Purpose::Control, &self.batch)?)
            }
            result => Ok(result?),
        }
    }

    fn acknowledge(&mut self) {
        for acks in self.pending.acks.drain(..) {
            // A connection that is gone has nobody to acknowledge to; its broker delivers again.
            let _ = acks.send(Acknowledge { batches: 1 });
        }
    }

    /// Everything that waited for the commit.
    fn let_out(&mut self, at: Timestamp) {
        self.acknowledge();
        if !self.pending.access.is_empty() {
            let mut access = self.access.write().unwrap_or_else(PoisonError::into_inner);
            for event in self.pending.access.drain(..) {
                access.apply(at, &event);
            }
        }
        let facts = std::mem::take(&mut self.pending.facts);
        let causes = std::mem::take(&mut self.pending.causes);
        for observer in &mut self.parts.observers {
            observer.caused(&causes);
            observer.committed(at, &self.parts.engine, &facts);
        }
        let said = std::mem::take(&mut self.pending.said);
        for observer in
            self.parts.observers.iter_mut().filter(|observer| !said.is_empty() && observer.listens())
        {
            observer.observed(at, &self.parts.engine, &said);
        }
        for (done, committed) in self.pending.answers.drain(..) {
            let _ = done.send(committed);
        }
    }

    fn housekeeping(&mut self, at: Timestamp) -> Result<(), WriterError> {
        let [requests, alarm, bulk] = self.queue.depths();
        let depth =
            |queue: &str, n: usize| self.parts.metrics.queue_depth.with_label_values(&[queue]).set(n as i64);
        depth("requests", requests);
        depth("alarm", alarm);
        depth("bulk", bulk);
        self.parts.metrics.quarantine_topics.set(self.parts.quarantine.len() as i64);
        let sessions = self.access.read().unwrap_or_else(PoisonError::into_inner).sessions.len();
        self.parts.metrics.sessions.set(sessions as i64);
        let position = self.parts.log.position();
        self.parts.metrics.journal_position.set(position.0 as i64);
        self.parts.metrics.clock_synchronised.set(i64::from(self.parts.clock.is_synchronised()));
        if position.0 - self.snapshot_at.0 >= self.parts.keeping.snapshot_records && !self.disk_full {
            self.take_snapshot()?;
        }
        if at - self.aged_at >= AGE_EVERY && !self.disk_full {
            self.aged_at = at;
            self.forget_what_is_old(at)?;
        }
        Ok(())
    }

    /// Age limits bind the journal, blobs and samples alike. Erasing needs a snapshot behind it.
    fn forget_what_is_old(&mut self, at: Timestamp) -> Result<(), WriterError> {
        let (bodies, facts) = (at - self.parts.keeping.bodies, at - self.parts.keeping.facts);
        let old = self.parts.log.reader().first_position() < self.snapshot_at;
        if old {
            self.parts.log.erase(bodies.0)?;
            self.parts.log.drop_before(facts.0)?;
        }
        self.parts.blobs.remove_before(bodies.0)?;
        self.parts.quarantine.forget(bodies);
        Ok(())
    }

    fn take_snapshot(&mut self) -> Result<(), WriterError> {
        let access = self.access.read().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = snapshot::write(&self.parts, &access)?;
        let claim = self.parts.log.claim();
        match self.parts.log.put_snapshot(claim, &snapshot) {
            Ok(()) => self.snapshot_at = snapshot.position,
            Err(error @ StoreError::NoSpace { .. }) => tracing::warn!(%error, "no room for a snapshot"),
            Err(error) => return Err(error.into()),
        }
        self.parts.metrics.journal_bytes.set(i64::try_from(self.parts.log.disk_bytes()?).unwrap_or(i64::MAX));
        Ok(())
    }
}

fn estimate(arrival: &Arrival) -> u64 {
    match arrival {
        Arrival::Messages(batch) => batch_bytes(batch) as u64 + batch.messages.len() as u64 * FACT_BYTES,
        Arrival::Path { .. } => FACT_BYTES,
    }
}

impl Writer {
    /// The first commit of a run: the configuration, if it changed, and the start. Before anything is taken in.
    ///
    /// # Errors
    /// [`WriterError`].
    pub fn begin(&mut self, loaded: Decisive, version: &str, data: Data) -> Result<(), WriterError> {
        let before = self.parts.engine.senses().at;
        let now = self.parts.clock.now();
        let at = now.at;
        if self.parts.log.position() == Position::FIRST || loaded.hash() != self.parts.decisive.hash() {
            self.reconfigure(at, loaded, "start", "")?;
        }
        let earlier = self.parts.clock.earlier();
        let start = Input::Start {
            version: version.to_owned(),
            boot_id: earlier.boot_id,
            at_minus_boot: earlier.at_minus_boot,
        };
        self.step_input(at, &start)?;
        if data == Data::Restored && before.0 > 0 {
            // What came since the backup was taken in by a journal that is gone: nobody holds it for us.
            tracing::warn!(seconds = (at - before).as_secs_f64(), "restored from a backup: blind since then");
            self.step_input(at, &Input::Blind { from: before, until: at, lane: None, qos0: false })?;
        }
        if let Some(wall_minus_at) = now.stepped {
            self.step_input(at, &Input::ClockStep { wall_minus_at })?;
        }
        self.judge_clock(at)?;
        self.settle_started_effects(at)?;
        self.commit(at, Purpose::Control)
    }

    /// Red before it lies: what silence means is not known while the clock is not trusted; ladders run on.
    fn judge_clock(&mut self, at: Timestamp) -> Result<(), WriterError> {
        let distrust = self.parts.clock.distrust();
        self.clock_told = distrust;
        let trusted = distrust.is_none();
        self.parts.metrics.clock_trusted.set(i64::from(trusted));
        let why = match distrust {
            None => {
                self.parts.health.clear(Concern::Clock);
                "the wall clock goes on"
            }
            Some(Distrust::WallBeforeLast) => {
                let detail = Detail::said(
                    "系统时间早于最后一条记录，请校时",
                    "the wall clock shows a time before the last record: set it",
                );
                self.parts.health.raise(Concern::Clock, detail);
                "the wall clock went back over a restart"
            }
            Some(Distrust::Unsynchronised) => {
                let detail = Detail::said(
                    "机器重启后时钟尚未同步：请检查时间服务器（timedatectl），或设 clock.require_sync = false",
                    "the machine was started anew and nothing has synchronised its clock yet: see that a time server \
                     is reached (timedatectl), or set clock.require_sync = false",
                );
                self.parts.health.raise(Concern::Clock, detail);
                "the wall clock is not synchronised"
            }
        };
        if trusted != self.parts.engine.senses().clock_trusted {
            self.step_input(at, &Input::Clock { trusted, why: why.into() })?;
        }
        Ok(())
    }

    /// What was begun before a crash and must not happen twice is given up: the ladder goes on without it.
    fn settle_started_effects(&mut self, at: Timestamp) -> Result<(), WriterError> {
        let begun = self.parts.engine.book().effects.iter().filter(|(_, row)| {
            row.state == wanglou_engine::EffectState::Started && row.channel == wanglou_model::Channel::Voice
        });
        let mut begun: Vec<String> = begun.map(|(id, _)| id.clone()).collect();
        let commands = self.parts.engine.book().commands.iter().filter(|(_, row)| !row.state.is_end());
        // A command to a lift that comes late is worse than none: neither is sent after a start.
        begun.extend(commands.map(|(id, _)| id.clone()));
        for effect in begun {
            let ended = Some(wanglou_model::Ended::Unknown);
            let detail = "the gateway stopped while it was being sent".to_owned();
            let news = wanglou_model::ChannelNews { effect, ended, detail };
            self.step_input(at, &Input::Channel(news))?;
        }
        Ok(())
    }
}
