//! The gateway's pipeline, in this process: consumer, writer, decode, engine, journal, acknowledgement after fdatasync.

use crate::feeder;
use crate::stats::{Cost, cpu, now};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use wanglou_gateway::clock::{Clock, Demand, System};
use wanglou_gateway::configuration;
use wanglou_gateway::health::Health;
use wanglou_gateway::intake::{Acknowledge, Arrival, Batch, Body, Closed, Inbound, Intake, Lane};
use wanglou_gateway::metrics::Metrics;
use wanglou_gateway::mqtt::{Address, BrokerOptions, Consumer, ConsumerOptions, Login, Source};
use wanglou_gateway::quarantine::Quarantine;
use wanglou_gateway::recovery;
use wanglou_gateway::writer::{Data, Keeping, Parts, Queue, Request, Writer, WriterHandle};
use wanglou_journal::files::Files;
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::{Blobs, Configs, Options, SegmentLog};
use wanglou_model::Span;

/// A writer with its thread, on a journal of its own.
pub struct Pipeline {
    /// The way to it.
    pub handle: WriterHandle,
    thread: std::thread::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Pipeline {
    /// Starts one with the demo compound; the journal lies below `data`.
    ///
    /// # Errors
    /// When the configuration cannot be loaded or the journal not opened.
    pub fn start(config: &Path, data: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(data)?;
        let loaded = configuration::load(config).map_err(|faults| anyhow::anyhow!("{}", faults[0]))?;
        let files: Arc<dyn Files> = Arc::new(DiskFiles);
        let (log, _) = SegmentLog::open(Options::new(folder.path()))?;
        let blobs = Blobs::open(Arc::clone(&files), folder.path())?;
        let configs = Configs::open(files, folder.path())?;
        let recovered = recovery::recover(&log, &blobs, &configs, &loaded.decisive)?;
        let month = Span::hours(24 * 30);
        let parts = Parts {
            log,
            blobs,
            configs,
            engine: recovered.engine,
            access: recovered.access,
            decoding: recovered.decoding,
            decisive: recovered.decisive,
            clock: Clock::start(Box::new(System::default()), None, Demand::Any),
            observers: Vec::new(),
            quarantine: Arc::new(Quarantine::default()),
            health: Arc::new(Health::default()),
            metrics: Metrics::default(),
            keeping: Keeping { snapshot_records: u64::MAX, bodies: month, facts: month },
            acknowledge_before_commit: false,
        };
        let (mut writer, handle) = Writer::new(parts);
        writer.begin(loaded.decisive, "bench", Data::Own)?;
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
            if let Err(error) = writer.run() {
                eprintln!("the writer failed: {error}");
            }
        })?;
        Ok(Self { handle, thread, _folder: folder })
    }

    /// Stops the writer.
    pub fn stop(self) {
        self.handle.queue().close();
        let _ = self.thread.join();
    }
}

/// Feeds messages directly, in batches as one read would return them.
///
/// # Errors
/// When the writer stops.
pub async fn direct(
    pipeline: &Pipeline,
    messages: u64,
    alarm_every: u64,
    batch: u64,
) -> anyhow::Result<Cost> {
    let prepared: Vec<Vec<Inbound>> = (0..messages.div_ceil(batch))
        .map(|part| {
            (part * batch..((part + 1) * batch).min(messages)).map(|n| inbound(n, alarm_every)).collect()
        })
        .collect();
    let (acks, mut acked) = mpsc::unbounded_channel::<Acknowledge>();
    let (mut sent, mut done) = (0usize, 0usize);
    let total = prepared.len();
    let (cpu_before, wall_before) = (cpu(), now());
    for messages in prepared {
        let arrival = Arrival::Messages(Batch {
            lane: Lane::Alarm,
            generation: 1,
            read_at: tokio::time::Instant::now(),
            messages,
            acks: acks.clone(),
        });
        pipeline.handle.queue().offer(arrival).await?;
        sent += 1;
        while sent - done > 64 {
            done += acked.recv().await.map_or(0, |ack| ack.batches);
        }
    }
    while done < total {
        done += acked.recv().await.map_or(0, |ack| ack.batches);
    }
    Ok(Cost { messages, cpu: cpu() - cpu_before, wall: now() - wall_before })
}

fn inbound(n: u64, alarm_every: u64) -> Inbound {
    let (topic, payload) = feeder::message(n, alarm_every);
    let body = Body::Whole(Bytes::from(payload));
    Inbound { topic, body, retain: false, dup: false, packet_id: Some((n % 40_000) as u16 + 1) }
}

/// Counts what passes, and when the first one did.
struct Counting {
    queue: Arc<Queue<Request>>,
    seen: AtomicU64,
    began: std::sync::OnceLock<(Duration, Duration)>,
}

impl Intake for Counting {
    async fn offer(&self, arrival: Arrival) -> Result<(), Closed> {
        if let Arrival::Messages(batch) = &arrival {
            self.began.get_or_init(|| (cpu(), now()));
            self.seen.fetch_add(batch.messages.len() as u64, Ordering::Relaxed);
        }
        self.queue.offer(arrival).await
    }
}

/// Consumes so many messages from a broker, each durable before its acknowledgement.
///
/// # Errors
/// When the writer stops.
pub async fn consume(
    pipeline: &Pipeline,
    port: u16,
    login: Option<Login>,
    messages: u64,
) -> anyhow::Result<Cost> {
    let address = Address::Tcp { host: "127.0.0.1".into(), port };
    let broker = BrokerOptions { login, ..BrokerOptions::new(address) };
    let mut options = ConsumerOptions::new("bench", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    options.client_id = format!("bench-{port}");
    let counting = Arc::new(Counting {
        queue: Arc::clone(pipeline.handle.queue()),
        seen: AtomicU64::new(0),
        began: std::sync::OnceLock::new(),
    });
    let (stop, stopping) = watch::channel(false);
    let consumer = tokio::spawn(Consumer::new(broker, options).run(Arc::clone(&counting), stopping));
    while counting.seen.load(Ordering::Relaxed) < messages {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // A look at the engine is answered after the commit of everything that was offered before it.
    pipeline.handle.read(|_| ()).await?;
    let (cpu_before, wall_before) = counting.began.get().copied().unwrap_or((cpu(), now()));
    let cost = Cost { messages, cpu: cpu() - cpu_before, wall: now() - wall_before };
    let _ = stop.send(true);
    let _ = consumer.await;
    Ok(cost)
}
