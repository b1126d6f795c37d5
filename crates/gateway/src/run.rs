//! `wanglou run`: everything put together, and taken down in order.

use crate::backup::{self, Backups, Schedule, Sources};
use crate::canary::Canaries;
use crate::clock::{self, Clock, Demand, Shifted, System};
use crate::configuration::{self, Decisive, GatewayFile, Loaded};
use crate::device_commands;
use crate::effects::Dispatcher;
use crate::evidence::{Allowed, Evidence};
use crate::expiry;
use crate::feed::{self, Feed, HomeAssistant};
use crate::health::{Concern, Detail, Health};
use crate::http::{self, Asked, Certificate, Notes, Origin, PhoneSide, Reload, ServeError, TlsFault};
use crate::hub::Hub;
use crate::ingest::Ingest;
use crate::intake::Lane;
use crate::lanes::{Before, Filters, Lanes};
use crate::metrics::Metrics;
use crate::mqtt::{Publisher, PublisherOptions};
use crate::observe::MetricsObserver;
use crate::plans::Plans;
use crate::push::{Endpoints, Outgoing, Push};
use crate::quarantine::Quarantine;
use crate::recovery::{self, RecoveryError};
use crate::trend::Trend;
use crate::views::{Following, Views};
use crate::wiring::understood::is_understood;
use crate::writer::{Data, Keeping, Observer, Parts, Queue, Request, Writer, WriterError, WriterHandle};
use futures_util::FutureExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::{
    Blobs, Configs, FileError, Left, OpenError, Options, Recovery, SegmentLog, files::Files,
};
use wanglou_model::Span;

/// Connections beside the sockets: requests, and those who are opening a socket.
const CONNECTIONS_BESIDE: usize = 1_000;
/// Connections of the metrics listener.
const SCRAPERS_MAX: usize = 16;
/// Messages to other systems that wait for the broker.
const OUTWARD_MAX: usize = 1_024;
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
    /// Our certificate or its key cannot be used.
    #[error("{0}")]
    Tls(#[from] TlsFault),
    /// The writer ended; nothing more was acknowledged.
    #[error("{0}")]
    Writer(#[from] WriterError),
    /// A secret of those who send notes cannot be used.
    #[error("{0}")]
    Notes(String),
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
    views: (watch::Sender<bool>, std::thread::JoinHandle<()>),
    lanes: Arc<Lanes>,
    phones: Runtime,
}

impl Running {
    /// Stops in order: phones are told, sources finish, everything that waits is committed, a snapshot is taken, and
    /// the views have written what that left.
    ///
    /// # Errors
    /// [`RunError::Writer`].
    pub async fn stop(mut self) -> Result<(), RunError> {
        self.hub.stop();
        let _ = self.stop.send(true);
        self.lanes.stop().await;
        self.writer.queue().close();
        let ended = (&mut self.ended).await;
        self.phones.shutdown_background();
        let (stop, thread) = self.views;
        let _ = stop.send(true);
        // A thread that panicked has said so, and its views are written anew at the next start.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
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
    health.raise(Concern::Starting, Detail::said("正在读取日志", "the journal is being read"));
    let certificate =
        gateway.http.tls(&folder).map(|(cert, key)| Certificate::open(cert, key)).transpose()?;
    let certificate = certificate.map(Arc::new);
    let acceptor = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let listener = http::bind(gateway.http.listen).await?;
    let scrape = http::bind(gateway.metrics.listen).await?;
    let address = listener.local_addr().map_err(|error| RunError::System("the listener's address", error))?;
    let opened = open(&data, &gateway, &decisive, &health)?;
    let metrics = Metrics::default();
    metrics.start_seconds.set(clock::wall().0 as f64 / 1e6);
    let quarantine = Arc::new(Quarantine::default());
    let history = opened.log.history().0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let recovered = opened.recovered;
    let known = |lane: &Lane| recovered.engine.senses().lanes.contains_key(lane.name());
    let known = [Lane::Alarm, Lane::Bulk].into_iter().filter(known).collect();
    let before = Before { filters: Filters::of(&recovered.decisive), known };
    let hub = Hub::new(&recovered.engine, people, history.clone());
    let reader = opened.log.reader();
    let backups_reader = reader.clone();
    let calendar = recovered.engine.setup().calendar.clone();
    let clock = Clock::start(
        source(options.clock_ahead_file, gateway.clock.demand())?,
        recovered.earlier.as_ref(),
        gateway.clock.demand(),
    );
    let (dispatcher, effects, pushes) = Dispatcher::new(&recovered.engine);
    let (orders, sender) = device_commands::orders();
    let evidence =
        Evidence::new(opened.blobs.clone(), Allowed::parse(&gateway.evidence.hosts).unwrap_or_default());
    let (ingest, fetching) = Ingest::new(&recovered.engine, Arc::clone(&evidence));
    let observing = MetricsObserver::new(metrics.clone(), Arc::clone(&health), &recovered.engine);
    let notes = Notes::new(&gateway, &folder).map_err(RunError::Notes)?;
    let (broker, site) = (gateway.mqtt.broker(&folder), decisive.setup.site.id.as_str());
    let entities = feed::home_assistant::Topics::new(&gateway.home_assistant.prefix, site);
    let (stop, stopping) = watch::channel(false);
    // A connection of its own: what is told to others does not queue before commands, and its last will is its own.
    let outward = PublisherOptions {
        client_id: format!("wanglou-{site}-outward"),
        queue_max: OUTWARD_MAX,
        last_will: gateway.home_assistant.on.then(|| entities.last_will()),
        ..PublisherOptions::new(site)
    };
    let (outward, telling) = Publisher::new(broker.clone(), outward, stopping.clone());
    let mut observers: Vec<Box<dyn Observer>> = vec![
        Box::new(hub.clone()),
        Box::new(observing),
        Box::new(dispatcher),
        Box::new(ingest),
        Box::new(orders),
    ];
    if gateway.mqtt.publish_observations {
        let personal = gateway.mqtt.publish_personal;
        observers.push(Box::new(feed::Observations::new(outward.clone(), metrics.clone(), personal)));
    }
    let parts = Parts {
        log: opened.log,
        blobs: opened.blobs,
        configs: opened.configs,
        engine: recovered.engine,
        access: recovered.access,
        decoding: recovered.decoding,
        decisive: recovered.decisive,
        clock,
        observers,
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
    let marker = data.join(backup::RESTORED);
    let source = if marker.exists() { Data::Restored } else { Data::Own };
    writer.begin(decisive.clone(), env!("CARGO_PKG_VERSION"), source)?;
    if source == Data::Restored {
        std::fs::remove_file(&marker)
            .map_err(|error| RunError::System("the mark of a restored backup", error))?;
    }
    let ended = spawn(writer)?;
    let (views_stop, views_stopping) = watch::channel(false);
    let following = Following {
        path: data.join("views"),
        reader,
        calendar,
        health: Arc::clone(&health),
        quarantine: Arc::clone(&quarantine),
        decisive: decisive.clone(),
        bodies: Span::hours(24 * i64::from(gateway.retention.bodies_days)),
        stopping: views_stopping,
    };
    let (views, views_thread) =
        Views::follow(following).map_err(|error| RunError::System("the views' thread", error))?;
    let lanes =
        Lanes::start(&gateway, &folder, &decisive, before, handle.clone(), &quarantine, &health).await;
    let phones = phone_threads()?;
    let zone = decisive.setup.site.zone.clone();
    phones.spawn(effects.run(
        handle.clone(),
        gateway.clone(),
        folder.clone(),
        zone,
        hub.clone(),
        stopping.clone(),
    ));
    let push = push(&gateway, &data)?;
    if let Some(push) = &push {
        let outgoing = Outgoing::new(Arc::clone(push), handle.clone());
        phones.spawn(outgoing.run(pushes, stopping.clone()));
    }
    phones.spawn(fetching.run(handle.clone(), stopping.clone()));
    let (publisher, publishing) =
        Publisher::new(broker.clone(), PublisherOptions::new(site), stopping.clone());
    phones.spawn(publishing);
    phones.spawn(sender.run(handle.clone(), publisher.clone(), stopping.clone()));
    if gateway.canary.on {
        let (lanes, hub, health) = (Arc::clone(&lanes), hub.clone(), Arc::clone(&health));
        let canaries =
            Canaries::new(gateway.canary, lanes, hub, handle.clone(), publisher.clone(), &metrics, health);
        phones.spawn(canaries.run(stopping.clone()));
    }
    let plans = Arc::new(Plans::open(&folder.join(&gateway.site)));
    let backups = Backups::new(Sources {
        reader: backups_reader.clone(),
        writer: handle.clone(),
        data: data.clone(),
        config: config_path.clone(),
        folder: folder.clone(),
        gateway: gateway.clone(),
        site: decisive.setup.site.id.to_string(),
    });
    let source = feed::Source {
        reader: backups_reader.clone(),
        writer: handle.clone(),
        data: data.clone(),
        history: history.clone(),
        site: decisive.setup.site.id.to_string(),
        metrics: metrics.clone(),
    };
    let cloud_events = feed::CloudEvents::new(&gateway.cloudevents, &folder);
    let cloud_events = cloud_events.map_err(|error| RunError::System("cloudevents.secret_file", error))?;
    if let Some(sink) = cloud_events {
        phones.spawn(Feed::new(source.clone(), sink).run(stopping.clone()));
    }
    if gateway.mqtt.publish_alarms {
        let topics = feed::Topics::new(publisher.clone(), gateway.mqtt.publish_personal);
        phones.spawn(Feed::new(source.clone(), topics).run(stopping.clone()));
    }
    if gateway.home_assistant.on {
        let events = feed::home_assistant::Events::new(outward.clone(), entities.clone());
        phones.spawn(Feed::new(source, events).run(stopping.clone()));
    }
    let on = gateway.home_assistant.on;
    let entities = HomeAssistant::new(on, entities, outward, handle.clone(), &data);
    if entities.is_some() || gateway.mqtt.publish_observations {
        phones.spawn(telling);
    }
    if let Some(entities) = entities {
        phones.spawn(entities.run(stopping.clone()));
    }
    let schedule = Schedule::new(backups.clone(), &gateway.backup, &folder, &metrics, Arc::clone(&health));
    if let Some(schedule) = schedule {
        phones.spawn(schedule.run(stopping.clone()));
    }
    let reload = Reloading {
        plans: Arc::clone(&plans),
        path: config_path,
        writer: handle.clone(),
        hub: hub.clone(),
        health: Arc::clone(&health),
        lanes: Arc::clone(&lanes),
        quarantine: Arc::clone(&quarantine),
    };
    let reload = reload.into_reload(tokio::runtime::Handle::current());
    let trend = Trend::new(&metrics, tokio::time::Instant::now());
    phones.spawn(trend.clone().run(stopping.clone()));
    let side = PhoneSide {
        trend,
        writer: handle.clone(),
        hub: hub.clone(),
        origin: Arc::new(Origin::new(&gateway.http.public_url)),
        quarantine,
        evidence,
        notes: Arc::new(notes),
        views,
        push,
        backups,
        health: Arc::clone(&health),
        metrics: metrics.clone(),
        serve_metrics: gateway.http.serve_metrics,
        sockets_max: (gateway.http.sockets_max, gateway.http.sockets_per_officer_max),
        local_secret: local_secret(&data)?.into(),
        door: Arc::default(),
        plans,
        guard: Arc::default(),
        locking: gateway.sessions.locking(),
        reload: Arc::clone(&reload),
        stopping: stopping.clone(),
    };
    let connections = gateway.http.sockets_max + CONNECTIONS_BESIDE;
    phones.spawn(http::serve(listener, http::router(side), connections, acceptor, stopping.clone()));
    phones.spawn(expiry::follow(certificate.clone(), broker.clone(), metrics.clone(), stopping.clone()));
    if let Some(certificate) = certificate {
        phones.spawn(certificate.follow(Arc::clone(&health), stopping.clone()));
    }
    let page = axum::Router::new().route(
        "/metrics",
        axum::routing::get(move || async move {
            ([(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.page())
        }),
    );
    phones.spawn(http::serve(scrape, page, SCRAPERS_MAX, None, stopping));
    health.clear(Concern::Starting);
    tracing::info!(%address, config = decisive.hash(), "started");
    let views = (views_stop, views_thread);
    Ok(Running { writer: handle, address, reload, stop, hub, ended, views, lanes, phones })
}

/// The sending side of push messages, where `[push] contact` asks for it.
fn push(gateway: &GatewayFile, data: &Path) -> Result<Option<Arc<Push>>, RunError> {
    let Some(contact) = &gateway.push.contact else { return Ok(None) };
    let endpoints = Endpoints::parse(&gateway.push.hosts).map_err(std::io::Error::other);
    let endpoints = endpoints.map_err(|error| RunError::System("push.hosts", error))?;
    let push = Push::open(data, contact, endpoints).map_err(std::io::Error::other);
    Ok(Some(Arc::new(push.map_err(|error| RunError::System("the key of push messages", error))?)))
}

fn source(ahead_file: Option<PathBuf>, demand: Demand) -> Result<Box<dyn clock::Source>, RunError> {
    let system = match demand {
        Demand::Synchronised => {
            System::asking().map_err(|error| RunError::System("the clock's thread", error))?
        }
        Demand::Any => System::default(),
    };
    let Some(file) = ahead_file else { return Ok(Box::new(system)) };
    tracing::warn!(file = %file.display(), "the clocks are moved ahead by a file, which only tests do");
    let shifted =
        Shifted::open(system, file).map_err(|error| RunError::System("--clock-ahead-file", error))?;
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

/// What a reload works with.
#[derive(Clone)]
struct Reloading {
    plans: Arc<Plans>,
    path: PathBuf,
    writer: WriterHandle,
    hub: Hub,
    health: Arc<Health>,
    lanes: Arc<Lanes>,
    quarantine: Arc<Quarantine>,
}

impl Reloading {
    /// Each one runs to its end, also when nobody waits for it any more: half of it would leave a lane standing.
    fn into_reload(self, runtime: tokio::runtime::Handle) -> Reload {
        Arc::new(move |asked: Asked| {
            let taking = runtime.spawn(self.clone().take(asked));
            async move { taking.await.unwrap_or_else(|error| Err(vec![error.to_string()])) }.boxed()
        })
    }

    /// Reads every file anew; a valid change is applied at a position of the journal, a bad one changes nothing.
    async fn take(self, Asked { who, why }: Asked) -> Result<String, Vec<String>> {
        let loaded = tokio::task::spawn_blocking(move || configuration::load(&self.path)).await;
        let loaded = loaded.map_err(|error| vec![error.to_string()])?;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(faults) => {
                let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
                self.health.raise(Concern::Reload, words.join("; "));
                return Err(words);
            }
        };
        let hash = loaded.decisive.hash().to_owned();
        self.hub.set_people(loaded.people);
        self.plans.read_again();
        let position = async {
            let taken = self.writer.reload(loaded.decisive.clone(), &who, &why).await;
            taken.map(|_| ()).map_err(|refused| vec![refused.to_string()])
        };
        self.lanes.follow(&loaded.decisive, position).await?;
        self.quarantine.settle(|entry| is_understood(&loaded.decisive, entry));
        self.health.clear(Concern::Reload);
        tracing::info!(config = hash, who, why, "reloaded");
        Ok(hash)
    }
}

/// For tests and tools that feed the writer without a broker.
pub type RequestQueue = Queue<Request>;
