//! The connections to the broker: which filters each lane has, and how they change while the gateway runs.
//!
//! ```text
//!  reload ─► stop the lanes that change, in order ─► the configuration's position in the journal ─► start them anew
//!            (what they had taken in is committed)    (the broker holds)          (new filters on, gone ones off)
//! ```
//!
//! A lane keeps its client id, and so its session: what comes between the two connections waits at the broker.
//! Should the program die between the position and the new connection, the session keeps the filters that are
//! gone: what comes by them is taken in and quarantined as unmatched, where it can be seen.

use crate::configuration::{Decisive, GatewayFile};
use crate::health::{Concern, Detail, Health};
use crate::intake::{Arrival, Closed, Intake, Lane, PathEvent};
use crate::mqtt::{BrokerOptions, Consumer, ConsumerOptions, Sampling, Source, topic};
use crate::quarantine::{Quarantine, Why};
use crate::writer::WriterHandle;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use wanglou_model::Reason;
use wanglou_profiles::Lane as ProfileLane;

/// A lane that does not end within this is cut off; its broker delivers again what was not acknowledged.
const STOP_WITHIN: Duration = Duration::from_secs(6);

/// What each lane subscribes to. Every filter is in one lane only, as the profiles' check demands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filters(BTreeMap<Lane, BTreeSet<String>>);

impl Filters {
    /// What a configuration subscribes to.
    pub(crate) fn of(decisive: &Decisive) -> Self {
        let mut filters = BTreeMap::from([(Lane::Alarm, BTreeSet::new()), (Lane::Bulk, BTreeSet::new())]);
        for subscription in decisive.profiles.profiles().flat_map(|profile| profile.subscriptions.to_vec()) {
            let lane = match subscription.lane {
                ProfileLane::Alarm => Lane::Alarm,
                ProfileLane::Bulk => Lane::Bulk,
            };
            filters.entry(lane).or_default().insert(subscription.filter);
        }
        Self(filters)
    }

    fn lane(&self, lane: Lane) -> BTreeSet<String> {
        self.0.get(&lane).cloned().unwrap_or_default()
    }

    fn wire(&self, name: &str) -> bool {
        self.0.values().flatten().any(|filter| topic::matches(name, filter))
    }
}

/// The lanes of a gateway.
pub(crate) struct Lanes {
    broker: BrokerOptions,
    site: String,
    packet_bytes_max: usize,
    nonce: u64,
    writer: WriterHandle,
    health: Arc<Health>,
    /// Sources run where the gateway was started, whoever asks for a reload.
    runtime: Handle,
    /// What is wired in, for discovery to leave out.
    wired: Arc<RwLock<Filters>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    filters: Filters,
    /// What a session at the broker may still hold, and should not.
    retired: BTreeMap<Lane, BTreeSet<String>>,
    generations: BTreeMap<Lane, Arc<AtomicU64>>,
    running: BTreeMap<Lane, Run>,
    stopped: bool,
}

struct Run {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), Closed>>,
}

impl Run {
    /// Ends it in order: what it handed over is committed and acknowledged, then it says goodbye.
    async fn end(mut self, lane: Lane) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_WITHIN, &mut self.task).await.is_err() {
            tracing::warn!(lane = lane.name(), "a source did not stop in time");
            self.task.abort();
        }
    }
}

/// What a start has to know of the run before it.
pub(crate) struct Before {
    /// What was subscribed to.
    pub(crate) filters: Filters,
    /// Lanes that the engine waits for: they run even without a filter, or their silence would be taken for an outage.
    pub(crate) known: BTreeSet<Lane>,
}

impl Lanes {
    /// Starts the lanes of a configuration, and discovery.
    pub(crate) async fn start(
        gateway: &GatewayFile,
        folder: &Path,
        decisive: &Decisive,
        before: Before,
        writer: WriterHandle,
        quarantine: &Arc<Quarantine>,
        health: &Arc<Health>,
    ) -> Arc<Self> {
        let mut nonce = [0; 8];
        // A nonce that is not random only means that an old marker could be taken for a new one.
        let _ = getrandom::fill(&mut nonce);
        let filters = Filters::of(decisive);
        let lanes = Arc::new(Self {
            broker: gateway.mqtt.broker(folder),
            site: decisive.setup.site.id.to_string(),
            packet_bytes_max: gateway.mqtt.packet_bytes_max,
            nonce: u64::from_le_bytes(nonce),
            writer,
            health: Arc::clone(health),
            runtime: Handle::current(),
            wired: Arc::new(RwLock::new(filters.clone())),
            state: Mutex::new(State { filters: before.filters, ..State::default() }),
        });
        let mut state = lanes.state.lock().await;
        state.turn_to(filters);
        for lane in [Lane::Alarm, Lane::Bulk] {
            if before.known.contains(&lane) || state.has_work(lane) {
                lanes.run(&mut state, lane);
            }
        }
        if gateway.mqtt.discovery {
            state.running.insert(Lane::Discovery, lanes.discover(quarantine));
        }
        drop(state);
        lanes
    }

    /// Has `position` take the new configuration into the journal, with the lanes standing still whose filters it
    /// changes. Changes follow one another.
    ///
    /// # Errors
    /// What `position` says; then the old filters hold.
    pub(crate) async fn follow<E>(
        &self,
        decisive: &Decisive,
        position: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        let filters = Filters::of(decisive);
        let mut state = self.state.lock().await;
        let changed: Vec<Lane> = [Lane::Alarm, Lane::Bulk]
            .into_iter()
            .filter(|lane| filters.lane(*lane) != state.filters.lane(*lane))
            .collect();
        for lane in &changed {
            self.halt(&mut state, *lane).await;
        }
        let taken = position.await;
        if taken.is_ok() {
            *self.wired.write().unwrap_or_else(PoisonError::into_inner) = filters.clone();
            state.turn_to(filters);
        }
        for lane in changed {
            if !state.stopped && state.has_work(lane) {
                self.run(&mut state, lane);
            }
        }
        taken
    }

    /// The lane that canaries take: the alarm lane where there is one. None where nothing is wired in. Waits while a
    /// reload changes the lanes.
    pub(crate) async fn canary_lane(&self) -> Option<Lane> {
        let state = self.state.lock().await;
        [Lane::Alarm, Lane::Bulk].into_iter().find(|lane| state.running.contains_key(lane))
    }

    /// What this process' markers and canaries begin with.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Ends all of them in order, for good.
    pub(crate) async fn stop(&self) {
        let mut state = self.state.lock().await;
        state.stopped = true;
        let running = std::mem::take(&mut state.running);
        futures_util::future::join_all(running.into_iter().map(|(lane, run)| run.end(lane))).await;
    }

    async fn halt(&self, state: &mut State, lane: Lane) {
        let Some(run) = state.running.remove(&lane) else { return };
        run.end(lane).await;
        let generation = state.generations.get(&lane).map_or(0, |generations| generations.load(Relaxed));
        let reason = "the topics that are subscribed to change".to_owned();
        let event = PathEvent::Down { reason };
        // A writer that has stopped needs no news.
        let _ = self.writer.queue().offer(Arrival::Path { lane, generation, event }).await;
    }

    fn run(&self, state: &mut State, lane: Lane) {
        let concern = match lane {
            Lane::Alarm => Concern::AlarmPath,
            Lane::Bulk | Lane::Discovery => Concern::BulkPath,
        };
        self.health.raise(concern, Detail::said("尚未连上消息服务器", "not connected to the broker yet"));
        let filters = state.filters.lane(lane).into_iter().collect();
        let mut options = ConsumerOptions::new(&self.site, lane, filters, self.nonce);
        options.packet_bytes_max = self.packet_bytes_max;
        options.retired = state.retired.get(&lane).into_iter().flatten().cloned().collect();
        options.generations = Arc::clone(state.generations.entry(lane).or_default());
        let (stop, stopping) = watch::channel(false);
        let consumer = Consumer::new(self.broker.clone(), options);
        let task = self.runtime.spawn(consumer.run(Arc::clone(self.writer.queue()), stopping));
        state.running.insert(lane, Run { stop, task });
    }

    fn discover(&self, quarantine: &Arc<Quarantine>) -> Run {
        let wired = Arc::clone(&self.wired);
        let known = Arc::new(move |name: &str| {
            topic::is_own(name) || wired.read().unwrap_or_else(PoisonError::into_inner).wire(name)
        });
        let options = ConsumerOptions::discovery(&self.site, self.nonce, Sampling::new(known));
        let consumer = Consumer::new(self.broker.clone(), options);
        let samples = Arc::new(Samples { quarantine: Arc::clone(quarantine) });
        let (stop, stopping) = watch::channel(false);
        Run { stop, task: self.runtime.spawn(consumer.run(samples, stopping)) }
    }
}

impl State {
    /// From here on these are the filters; those that are gone are to be taken off the sessions.
    fn turn_to(&mut self, filters: Filters) {
        for (lane, before) in &self.filters.0 {
            let now = filters.lane(*lane);
            let retired = self.retired.entry(*lane).or_default();
            retired.extend(before.iter().cloned());
            retired.retain(|filter| !now.contains(filter));
        }
        self.filters = filters;
    }

    fn has_work(&self, lane: Lane) -> bool {
        let any = |filters: Option<&BTreeSet<String>>| filters.is_some_and(|filters| !filters.is_empty());
        any(self.filters.0.get(&lane)) || any(self.retired.get(&lane))
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
            let reason = Reason::new(
                "unsubscribed",
                "没有接入文件订阅此主题：请编写一个，或参见 docs/canonical.zh-CN.md",
                "no profile subscribes to this topic: write one, or see docs/canonical.md",
            );
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

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(alarm: &[&str], bulk: &[&str]) -> Filters {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Filters(BTreeMap::from([(Lane::Alarm, set(alarm)), (Lane::Bulk, set(bulk))]))
    }

    #[test]
    fn what_is_gone_is_retired_until_it_comes_back() {
        let mut state = State::default();
        state.turn_to(filters(&["a/#", "b/#"], &["c/#"]));
        assert!(state.retired.values().all(BTreeSet::is_empty));
        state.turn_to(filters(&["a/#", "c/#"], &[]));
        assert_eq!(state.retired, filters(&["b/#"], &["c/#"]).0);
        assert!(state.has_work(Lane::Bulk), "its session still has to lose a filter");
        state.turn_to(filters(&["a/#", "b/#"], &["c/#"]));
        assert_eq!(state.retired, filters(&["c/#"], &[]).0);
    }

    #[test]
    fn discovery_leaves_out_what_is_wired_in() {
        let wired = filters(&["a/+/x"], &["b/#"]);
        assert!(wired.wire("a/1/x") && wired.wire("b"));
        assert!(!wired.wire("a/1/y"));
    }
}
