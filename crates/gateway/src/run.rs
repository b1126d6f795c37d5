//! `wanglou run`: everything put together, and taken down in order.

use crate::clock::{self, Clock, Shifted, System};
use crate::configuration::{self, Decisive, GatewayFile, Loaded};
use crate::effects::Dispatcher;
use crate::health::{Concern, Health};
use crate::http::{self, Origin, PhoneSide, Reload, ServeError};
use crate::hub::Hub;
use crate::intake::{Arrival, Closed, Intake, Lane};
use crate::metrics::Metrics;
use crate::mqtt::{Consumer, ConsumerOptions, Sampling, Source, topic};
use crate::observe::MetricsObserver;
use crate::quarantine::{Quarantine, Why};
use crate::recovery::{self, RecoveryError};
use crate::views::Views;
use crate::writer::{Keeping, Parts, Queue, Request, Writer, WriterError, WriterHandle};
use futures_util::FutureExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::{
    Blobs, Configs, FileError, Left, OpenError, Options, Recovery, SegmentLog, files::Files,
};
use wanglou_model::Span;
use wanglou_profiles::Lane as ProfileLane;

/// Connections beside the sockets: requests, and those who are opening a socket.
const CONNECTIONS_BESIDE: usize = 1_000;
/// Connections of the metrics listener.
const SCRAPERS_MAX: usize = 16;
/// After a stop phones and sources get so long to finish.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Holds the secret of the machine's own command line.
pub const LOCAL_SECRET_FILE: &str = "local-secret";

/// Why the gateway ended, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data directory cannot be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// A file could not be read or kept.
    #[error("{0}")]
    File(#[from] FileError),
    /// The journal cannot be recovered.
    #[error("{0}")]
    Recovery(#[from] RecoveryError),
    /// An address is taken.
    #[error("{0}")]
    Serve(#[from] ServeError),
    /// The writer ended; nothing more was acknowledged.
    #[error("{0}")]
    Writer(#[from] WriterError),
    /// A thread, a file or a random number could not be had.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
}

/// How to run, beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Acknowledge before the commit. For the red control of the kill test only.
    pub acknowledge_before_commit: bool,
    /// A file with the seconds by which the clocks are moved ahead; see [`Shifted`]. For tests of long deadlines.
    pub clock_ahead_file: Option<PathBuf>,
}

/// A gateway that runs.
pub struct Running {
    /// The way to the writer.
    pub writer: WriterHandle,
    /// Where phones connect.
    pub address: std::net::SocketAddr,
    /// Reads every file anew.
    pub reload: Reload,
    stop: watch::Sender<bool>,
    hub: Hub,
    ended: oneshot::Receiver<Result<(), WriterError>>,
    sources: tokio::task::JoinSet<Result<(), Closed>>,
    phones: Runtime,
}

impl Running {
    /// Stops in order: phones are told, sources finish, everything that waits is committed, a snapshot is taken.
    ///
    /// # Errors
    /// [`RunError::Writer`].
    pub async fn stop(mut self) -> Result<(), RunError> {
        self.hub.stop();
        let _ = self.stop.send(true);
        let finish = async { while self.sources.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, finish).await.is_err() {
            tracing::warn!("a source did not stop in time");
        }
        self.sources.abort_all();
        self.writer.queue().close();
        let ended = (&mut self.ended).await;
        self.phones.shutdown_background();
        Ok(ended.unwrap_or(Ok(()))?)
    }

    /// Waits until the writer ends by itself, which is never good.
    pub async fn failed(&mut self) -> RunError {
        match (&mut self.ended).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => {
                RunError::System("the writer ended", std::io::Error::other("without a word"))
            }
        }
    }
}

/// Starts a gateway.
///
/// # Errors
/// [`RunError`].
pub async fn start(loaded: Loaded, config_path: PathBuf, options: RunOptions) -> Result<Running, RunError> {
    let Loaded { gateway, folder, decisive, people, .. } = loaded;
    let data = folder.join(&gateway.data);
    let health = Arc::new(Health::default());
    health.raise(Concern::Starting, "the journal is being read");
    let listener = http::bind(gateway.http.listen).await?;
    let scrape = http::bind(gateway.metrics.listen).await?;
    let address = listener.local_addr().map_err(|error| RunError::System("the listener's address", error))?;
    let opened = open(&data, &gateway, &decisive, &health)?;
    let metrics = Metrics::default();
    let quarantine = Arc::new(Quarantine::default());
    let history = opened.log.history().0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let recovered = opened.recovered;
    let hub = Hub::new(&recovered.engine, people, history);
    let reader = opened.log.reader();
    let calendar = recovered.engine.setup().calendar.clone();
    let clock = Clock::start(source(options.clock_ahead_file)?, recovered.earlier.as_ref());
    let (dispatcher, effects) = Dispatcher::new(&recovered.engine);
    let parts = Parts {
        log: opened.log,
        blobs: opened.blobs,
        configs: opened.configs,
        engine: recovered.engine,
        access: recovered.access,
        decisive: recovered.decisive,
        clock,
        observers: vec![
            Box::new(hub.clone()),
            Box::new(MetricsObserver::new(metrics.clone(), Arc::clone(&health))),
            Box::new(dispatcher),
        ],
        quarantine: Arc::clone(&quarantine),
        health: Arc::clone(&health),
        metrics: metrics.clone(),
        keeping: Keeping {
            snapshot_records: gateway.journal.snapshot_records,
            bodies: Span::hours(24 * i64::from(gateway.retention.bodies_days)),
            facts: Span::hours(24 * i64::from(gateway.retention.facts_days)),
        },
        acknowledge_before_commit: options.acknowledge_before_commit,
    };
    let (mut writer, handle) = Writer::new(parts);
    writer.begin(decisive.clone(), env!("CARGO_PKG_VERSION"))?;
    let ended = spawn(writer)?;
    let (stop, stopping) = watch::channel(false);
    let views = Views::follow(data.join("views"), reader, calendar, Arc::clone(&health), stopping.clone())
        .map_err(|error| RunError::System("the views' thread", error))?;
    let lanes = Lanes::new(&gateway, &folder, &decisive);
    let (sources, lanes) = lanes.start(&handle, &quarantine, &health, stopping.clone());
    let phones = phone_threads()?;
    phones.spawn(effects.run(handle.clone(), gateway.clone(), folder.clone(), hub.clone(), stopping.clone()));
    let reload = reload(config_path, handle.clone(), hub.clone(), Arc::clone(&health), lanes);
    let side = PhoneSide {
        writer: handle.clone(),
        hub: hub.clone(),
        origin: Arc::new(Origin::new(&gateway.http.public_url)),
        quarantine,
        views,
        health: Arc::clone(&health),
        metrics: metrics.clone(),
        serve_metrics: gateway.http.serve_metrics,
        sockets_max: (gateway.http.sockets_max, gateway.http.sockets_per_officer_max),
        local_secret: local_secret(&data)?.into(),
        door: Arc::default(),
        reload: Arc::clone(&reload),
        stopping: stopping.clone(),
    };
    let connections = gateway.http.sockets_max + CONNECTIONS_BESIDE;
    phones.spawn(http::serve(listener, http::router(side), connections, stopping.clone()));
    let page = axum::Router::new().route(
        "/metrics",
        axum::routing::get(move || async move {
            ([(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.page())
        }),
    );
    phones.spawn(http::serve(scrape, page, SCRAPERS_MAX, stopping));
    health.clear(Concern::Starting);
    tracing::info!(%address, config = decisive.hash(), "started");
    Ok(Running { writer: handle, address, reload, stop, hub, ended, sources, phones })
}

fn source(ahead_file: Option<PathBuf>) -> Result<Box<dyn clock::Source>, RunError> {
    let Some(file) = ahead_file else { return Ok(Box::new(System)) };
    tracing::warn!(file = %file.display(), "the clocks are moved ahead by a file, which only tests do");
    let shifted = Shifted::open(file).map_err(|error| RunError::System("--clock-ahead-file", error))?;
    Ok(Box::new(shifted))
}

struct Opened {
    log: SegmentLog,
    blobs: Blobs,
    configs: Configs,
    recovered: recovery::Recovered,
}

fn open(
    data: &Path,
    gateway: &GatewayFile,
    decisive: &Decisive,
    health: &Health,
) -> Result<Opened, RunError> {
    let files: Arc<dyn Files> = Arc::new(DiskFiles);
    let options = Options {
        segment_bytes: gateway.journal.segment_bytes,
        reserve_bytes: gateway.journal.reserve_bytes,
        ..Options::new(data)
    };
    let (log, report) = SegmentLog::open(options)?;
    let blobs = Blobs::open(Arc::clone(&files), data)?;
    let configs = Configs::open(files, data)?;
    let recovered = recovery::recover(&log, &blobs, &configs, decisive)?;
    tell(&report, &recovered, health);
    Ok(Opened { log, blobs, configs, recovered })
}

/// What opening found: an unclean stop is ordinary, damage is not.
fn tell(report: &Recovery, recovered: &recovery::Recovered, health: &Health) {
    if report.left == Left::Unclean {
        tracing::warn!(
            copied = report.copied,
            "the gateway was not stopped in order; the tail was written anew"
        );
    }
    if let Some(truncated) = &report.truncated {
        tracing::warn!(?truncated, "the last batch was not whole and is dropped: possibly receipted");
    }
    for damage in &report.damaged {
        tracing::warn!(%damage, "damage without loss");
    }
    let mut lost: Vec<String> = report.skipped.iter().map(ToString::to_string).collect();
    lost.extend(recovered.damage.iter().cloned());
    if !lost.is_empty() {
        health.raise(Concern::Journal, format!("damaged: {}; run `wanglou verify`", lost.join("; ")));
    }
    tracing::info!(records = recovered.records, position = report.position.0, "recovered");
}

fn spawn(writer: Writer) -> Result<oneshot::Receiver<Result<(), WriterError>>, RunError> {
    let (done, ended) = oneshot::channel();
    let run = move || {
        let result = writer.run();
        if let Err(error) = &result {
            tracing::error!(%error, "the writer stops; nothing more is acknowledged");
        }
        let _ = done.send(result);
    };
    std::thread::Builder::new()
        .name("writer".into())
        .spawn(run)
        .map_err(|error| RunError::System("the writer's thread", error))?;
    Ok(ended)
}

/// Phones have threads of their own: ten thousand that come back at once do not hold up a sensor.
fn phone_threads() -> Result<Runtime, RunError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("phones")
        .enable_all()
        .build()
        .map_err(|error| RunError::System("the phones' threads", error))
}

/// The secret of the machine's own command line: whoever can read the data directory may enrol phones.
fn local_secret(data: &Path) -> Result<String, RunError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let secret =
        http::token().map_err(|_| RunError::System("random numbers", std::io::Error::other("none")))?;
    let path = data.join(LOCAL_SECRET_FILE);
    let fail = |error| RunError::System("the local secret", error);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fail)?;
    file.write_all(secret.as_bytes()).map_err(fail)?;
    Ok(secret)
}

/// The connections to the broker.
struct Lanes {
    gateway: GatewayFile,
    folder: PathBuf,
    site: String,
    alarm: Vec<String>,
    bulk: Vec<String>,
    nonce: u64,
    generations: [Arc<AtomicU64>; 3],
}

/// What a reload needs to know of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LaneFilters {
    alarm: Vec<String>,
    bulk: Vec<String>,
}

fn filters(decisive: &Decisive) -> LaneFilters {
    let of = |lane: ProfileLane| {
        let all = decisive.profiles.profiles().flat_map(|profile| profile.subscriptions.to_vec());
        let mut filters: Vec<String> =
            all.filter(|found| found.lane == lane).map(|found| found.filter).collect();
        filters.sort();
        filters.dedup();
        filters
    };
    LaneFilters { alarm: of(ProfileLane::Alarm), bulk: of(ProfileLane::Bulk) }
}

impl Lanes {
    fn new(gateway: &GatewayFile, folder: &Path, decisive: &Decisive) -> Self {
        let LaneFilters { alarm, bulk } = filters(decisive);
        let mut nonce = [0; 8];
        // A nonce that is not random only means that an old marker could be taken for a new one.
        let _ = getrandom::fill(&mut nonce);
        Self {
            gateway: gateway.clone(),
            folder: folder.to_path_buf(),
            site: decisive.setup.site.id.to_string(),
            alarm,
            bulk,
            nonce: u64::from_le_bytes(nonce),
            generations: Default::default(),
        }
    }

    fn options(&self, lane: Lane, filters: &[String]) -> ConsumerOptions {
        let mut options = ConsumerOptions::new(&self.site, lane, filters.to_vec(), self.nonce);
        options.packet_bytes_max = self.gateway.mqtt.packet_bytes_max;
        options.generations = Arc::clone(&self.generations[lane as usize]);
        options
    }

    fn start(
        &self,
        handle: &WriterHandle,
        quarantine: &Arc<Quarantine>,
        health: &Arc<Health>,
        stopping: watch::Receiver<bool>,
    ) -> (tokio::task::JoinSet<Result<(), Closed>>, LaneFilters) {
        let mut sources = tokio::task::JoinSet::new();
        let broker = self.gateway.mqtt.broker(&self.folder);
        for (lane, filters, concern) in
            [(Lane::Alarm, &self.alarm, Concern::AlarmPath), (Lane::Bulk, &self.bulk, Concern::BulkPath)]
        {
            if filters.is_empty() {
                continue;
            }
            health.raise(concern, "not connected to the broker yet");
            let consumer = Consumer::new(broker.clone(), self.options(lane, filters));
            sources.spawn(consumer.run(Arc::clone(handle.queue()), stopping.clone()));
        }
        if self.gateway.mqtt.discovery {
            let wired: Vec<String> = self.alarm.iter().chain(&self.bulk).cloned().collect();
            let known = Arc::new(move |name: &str| {
                topic::is_own(name) || wired.iter().any(|filter| topic::matches(name, filter))
            });
            let options = ConsumerOptions::discovery(&self.site, self.nonce, Sampling::new(known));
            let consumer = Consumer::new(broker, options);
            let samples = Arc::new(Samples { quarantine: Arc::clone(quarantine) });
            sources.spawn(consumer.run(samples, stopping));
        }
        (sources, LaneFilters { alarm: self.alarm.clone(), bulk: self.bulk.clone() })
    }
}

/// Where discovery goes: the quarantine, never the engine.
struct Samples {
    quarantine: Arc<Quarantine>,
}

impl Intake for Samples {
    async fn offer(&self, arrival: Arrival) -> Result<(), Closed> {
        let Arrival::Messages(batch) = arrival else { return Ok(()) };
        for message in &batch.messages {
            let (payload, bytes): (&[u8], u64) = match &message.body {
                crate::intake::Body::Whole(bytes) => (bytes, bytes.len() as u64),
                crate::intake::Body::Oversize { bytes, .. } => (&[], *bytes),
            };
            let reason = "no profile subscribes to this topic: write one, or see docs/canonical.md";
            self.quarantine.note(
                crate::clock::wall(),
                &message.topic,
                payload,
                bytes,
                Why::Unmatched,
                reason,
                None,
            );
        }
        let _ = batch.acks.send(crate::intake::Acknowledge { batches: 1 });
        Ok(())
    }
}

/// Reads every file anew; a valid change is applied at a position of the journal, a bad one changes nothing.
fn reload(path: PathBuf, writer: WriterHandle, hub: Hub, health: Arc<Health>, lanes: LaneFilters) -> Reload {
    Arc::new(move |who: String| {
        let (path, writer, hub, health, lanes) =
            (path.clone(), writer.clone(), hub.clone(), Arc::clone(&health), lanes.clone());
        async move {
            let loaded = tokio::task::spawn_blocking(move || configuration::load(&path)).await;
            let loaded = loaded.map_err(|error| vec![error.to_string()])?;
            let loaded = match loaded {
                Ok(loaded) => loaded,
                Err(faults) => {
                    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
                    health.raise(Concern::Reload, words.join("; "));
                    return Err(words);
                }
            };
            if filters(&loaded.decisive) != lanes {
                tracing::warn!(
                    "the reload changes which topics are subscribed to: restart the gateway for that"
                );
            }
            let hash = loaded.decisive.hash().to_owned();
            hub.set_people(loaded.people);
            writer.reload(loaded.decisive, &who).await.map_err(|refused| vec![refused.to_string()])?;
            health.clear(Concern::Reload);
            tracing::info!(config = hash, who, "reloaded");
            Ok(hash)
        }
        .boxed()
    })
}

/// For tests and tools that feed the writer without a broker.
pub type RequestQueue = Queue<Request>;
