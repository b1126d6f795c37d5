//! Every metric, as a field of one struct. Names and units after Prometheus' conventions; labels are bounded.

pub mod catalogue;

use crate::trend::Talk;
use catalogue::{Described, Kind};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::cell::RefCell;
use std::sync::Arc;

/// The metrics of the gateway.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    described: Arc<Vec<Described>>,
    /// Messages taken in, by profile and by what became of them (`observed`, `ignored`, `unmatched`, `rejected`,
    /// `unregistered`).
    pub messages: IntCounterVec,
    /// Messages taken in, by lane; canaries are not among them.
    pub lane_messages: IntCounterVec,
    /// Observations by kind of reading; `unknown` among them.
    pub observations: IntCounterVec,
    /// From the read of the socket to the commit.
    pub ingest_seconds: HistogramVec,
    /// One commit: write and fdatasync.
    pub commit_seconds: Histogram,
    /// Records per commit.
    pub commit_records: Histogram,
    /// Arrivals and requests that wait for the writer.
    pub queue_depth: IntGaugeVec,
    /// Disk that the journal takes.
    pub journal_bytes: IntGauge,
    /// The next record's number.
    pub journal_position: IntGauge,
    /// Alarms raised.
    pub alarms_raised: IntCounterVec,
    /// Alarms that ended, by how; those marked TEST as `test`.
    pub alarms_closed: IntCounterVec,
    /// Alarms that are open.
    pub alarms_open: IntGaugeVec,
    /// Rungs that ladders reached.
    pub rungs: IntCounterVec,
    /// From the raise to the first receipt of a phone.
    pub receipt_seconds: HistogramVec,
    /// From the raise to the acceptance.
    pub acceptance_seconds: HistogramVec,
    /// Commands by what they were answered.
    pub commands: IntCounterVec,
    /// Open sockets.
    pub sockets: IntGauge,
    /// Sockets closed, by why.
    pub sockets_closed: IntCounterVec,
    /// Valid sessions.
    pub sessions: IntGauge,
    /// Devices by liveness (`live`, `unknown`, `event_only`, `never_heard`).
    pub devices: IntGaugeVec,
    /// People on duty by whether anything can reach them.
    pub duty_people: IntGaugeVec,
    /// The path to the broker: 1 when up and drained.
    pub broker_path: IntGaugeVec,
    /// Life-safety messages that came at QoS 0.
    pub qos0_messages: IntCounterVec,
    /// 1 while the wall clock is trusted.
    pub clock_trusted: IntGauge,
    /// The kernel says that the wall clock is synchronised.
    pub clock_synchronised: IntGauge,
    /// What another channel's effects came to.
    pub effects: IntCounterVec,
    /// Looks at pictures and clips by what came of them.
    pub evidence_reads: IntCounterVec,
    /// Looks at who lives in a home; each is in the journal too.
    pub home_reads: IntCounter,
    /// 1 for each concern that makes the health page red.
    pub concern: GaugeVec,
    /// Topics in quarantine.
    pub quarantine_topics: IntGauge,
    /// Canaries that came back: from handing one to the broker to its receipt on disk.
    pub canary_seconds: Histogram,
    /// Canaries that did not, by how far they came.
    pub canary_failures: IntCounterVec,
    /// When a certificate ends.
    pub certificate_end: IntGaugeVec,
    /// The age of the newest backup.
    pub backup_age_seconds: IntGauge,
    /// How often one is made; 0: not by itself.
    pub backup_every_seconds: IntGauge,
    /// What the newest one takes.
    pub backup_bytes: IntGauge,
    /// Backups that could not be made.
    pub backup_failures: IntCounter,
    /// News of alarms for other systems.
    pub feed_news: IntCounterVec,
    /// How far a feed is behind.
    pub feed_behind: IntGaugeVec,
    /// Always 1; the version is the label.
    pub build_info: IntGaugeVec,
    /// When the process began, seconds since the epoch.
    pub start_seconds: Gauge,
    /// How much each device says, for the console. Not scraped: a device's id is no label.
    pub talk: Talk,
}

/// The bounds of the buckets of what machines take, seconds.
pub(crate) const LATENCIES: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];
/// The bounds of the buckets of what people take, seconds.
pub(crate) const REACTIONS: &[f64] =
    &[0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1800.0];

/// Registers what it makes; a name twice is a fault of the program.
struct Maker {
    registry: Registry,
    described: RefCell<Vec<Described>>,
}

impl Maker {
    fn keep<C: Collector + Clone + 'static>(&self, kind: Kind, made: prometheus::Result<C>) -> C {
        let collector = made.expect("metric names and labels are written in the program");
        self.registry.register(Box::new(collector.clone())).expect("each metric is registered once");
        self.described.borrow_mut().extend(collector.desc().into_iter().map(|desc| Described {
            name: desc.fq_name.clone(),
            kind,
            help: desc.help.clone(),
            labels: desc.variable_labels.clone(),
        }));
        collector
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(Kind::Counter, IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(Kind::Counter, IntCounter::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(Kind::Gauge, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(Kind::Gauge, IntGauge::new(name, help))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let made = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()));
        self.keep(Kind::Histogram, made)
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        let made = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels);
        self.keep(Kind::Histogram, made)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let make = Maker { registry: Registry::new(), described: RefCell::default() };
        let counts: Vec<f64> = (0..12).map(|n| f64::from(1 << n)).collect();
        let mut metrics = Self {
            messages: make.counters("wanglou_messages_total", "Messages taken in.", &["profile", "result"]),
            lane_messages: make.counters("wanglou_lane_messages_total", "Messages taken in.", &["lane"]),
            observations: make.counters("wanglou_observations_total", "Observations by kind.", &["kind"]),
            ingest_seconds: make.histograms(
                "wanglou_ingest_seconds",
                "From the read of the socket to the commit, for each batch that a read gave.",
                LATENCIES,
                &["lane"],
            ),
            commit_seconds: make.histogram(
                "wanglou_journal_commit_seconds",
                "One commit, fdatasync included.",
                LATENCIES,
            ),
            commit_records: make.histogram("wanglou_journal_commit_records", "Records per commit.", &counts),
            queue_depth: make.gauges("wanglou_queue_depth", "What waits for the writer.", &["queue"]),
            journal_bytes: make.gauge("wanglou_journal_bytes", "Disk that the journal takes."),
            journal_position: make.gauge("wanglou_journal_position", "The number of the next record."),
            alarms_raised: make.counters(
                "wanglou_alarms_raised_total",
                "Alarms raised.",
                &["kind", "priority"],
            ),
            alarms_closed: make.counters(
                "wanglou_alarms_closed_total",
                "Alarms that ended, by how; those marked TEST as `test`.",
                &["outcome"],
            ),
            alarms_open: make.gauges("wanglou_alarms_open", "Alarms that are open.", &["priority"]),
            rungs: make.counters(
                "wanglou_ladder_rungs_total",
                "Rungs that ladders reached.",
                &["priority", "rung"],
            ),
            receipt_seconds: make.histograms(
                "wanglou_alarm_receipt_seconds",
                "From the raise to the first phone's receipt.",
                REACTIONS,
                &["priority"],
            ),
            acceptance_seconds: make.histograms(
                "wanglou_alarm_acceptance_seconds",
                "From the raise to the acceptance.",
                REACTIONS,
                &["priority"],
            ),
            commands: make.counters("wanglou_commands_total", "Commands by answer.", &["answer"]),
            sockets: make.gauge("wanglou_sockets", "Open WebSockets."),
            sockets_closed: make.counters("wanglou_sockets_closed_total", "WebSockets closed.", &["why"]),
            sessions: make.gauge("wanglou_sessions", "Valid sessions."),
            devices: make.gauges("wanglou_devices", "Devices by liveness.", &["liveness"]),
            duty_people: make.gauges("wanglou_duty_people", "People on duty.", &["reach"]),
            broker_path: make.gauges("wanglou_broker_path_up", "1 while connected and drained.", &["lane"]),
            qos0_messages: make.counters(
                "wanglou_qos0_messages_total",
                "Messages of wired topics that came at QoS 0, which a broker may drop.",
                &["lane"],
            ),
            clock_synchronised: make.gauge(
                "wanglou_clock_synchronised",
                "1 while the kernel says that the wall clock is synchronised; not asked with clock.require_sync = false.",
            ),
            clock_trusted: make.gauge("wanglou_clock_trusted", "1 while the wall clock is trusted."),
            effects: make.counters(
                "wanglou_effects_total",
                "Effects by channel and end.",
                &["channel", "ended"],
            ),
            evidence_reads: make.counters(
                "wanglou_evidence_reads_total",
                "Looks at pictures and clips of alarms.",
                &["result"],
            ),
            home_reads: make.counter(
                "wanglou_home_reads_total",
                "Looks at who lives in a home that an alarm is about.",
            ),
            concern: make.keep(Kind::Gauge, GaugeVec::new(
                Opts::new("wanglou_concern", "1 while it makes the health page red."),
                &["concern"],
            )),
            quarantine_topics: make.gauge("wanglou_quarantine_topics", "Topics in quarantine."),
            canary_seconds: make.histogram(
                "wanglou_canary_seconds",
                "From handing a canary to the broker to its receipt on disk, of those that came back in time.",
                LATENCIES,
            ),
            canary_failures: make.counters(
                "wanglou_canary_failures_total",
                "Canaries that did not come back in time, by the stage that they did not pass.",
                &["stage"],
            ),
            certificate_end: make.gauges(
                "wanglou_certificate_end_time_seconds",
                "Its end, or that of the first in its chain; of a proxy's certificate only `wanglou doctor` knows.",
                &["certificate"],
            ),
            backup_age_seconds: make.gauge(
                "wanglou_backup_age_seconds",
                "Since the newest backup was made; while there is none, since the start. 0 without a schedule.",
            ),
            backup_every_seconds: make.gauge(
                "wanglou_backup_every_seconds",
                "From one backup to the next by schedule; 0 without one.",
            ),
            backup_bytes: make.gauge("wanglou_backup_bytes", "What the newest scheduled backup of this run takes."),
            backup_failures: make.counter(
                "wanglou_backup_failures_total",
                "Scheduled backups that could not be made.",
            ),
            feed_news: make.counters(
                "wanglou_feed_news_total",
                "News of alarms for other systems, by what became of it.",
                &["feed", "result"],
            ),
            feed_behind: make.gauges(
                "wanglou_feed_behind_seconds",
                "The age of the oldest news that a feed could not tell yet; 0 when all is told.",
                &["feed"],
            ),
            build_info: make.gauges("wanglou_build_info", "Always 1.", &["version"]),
            start_seconds: make.keep(Kind::Gauge, Gauge::new("wanglou_start_time_seconds", "When the process began.")),
            talk: Talk::default(),
            registry: make.registry.clone(),
            described: Arc::default(),
        };
        metrics.described = Arc::new(make.described.into_inner());
        metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        metrics
    }
}

impl Metrics {
    /// Every metric as it was registered, in the order of this file.
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Everything that the page holds, as values.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// The page that Prometheus scrapes, text format 0.0.4.
    pub fn page(&self) -> Vec<u8> {
        let mut page = Vec::new();
        // Writing into memory fails only for a metric without a name, which registering has refused.
        let _ = TextEncoder::new().encode(&self.gather(), &mut page);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_version_and_what_happened() {
        let metrics = Metrics::default();
        metrics.alarms_raised.with_label_values(&["manhole", "P2"]).inc();
        let page = String::from_utf8(metrics.page()).expect("text");
        assert!(page.contains("wanglou_alarms_raised_total{kind=\"manhole\",priority=\"P2\"} 1"), "{page}");
        assert!(page.contains(concat!("wanglou_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")));
    }
}
