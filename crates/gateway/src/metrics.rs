//! Every metric, as a field of one struct. Names and units after Prometheus' conventions; labels are bounded.

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The metrics of the gateway.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Messages taken in, by profile and by what became of them (`observed`, `ignored`, `unmatched`, `rejected`,
    /// `unregistered`).
    pub messages: IntCounterVec,
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
    /// Always 1; the version is the label.
    pub build_info: IntGaugeVec,
    /// When the process began, seconds since the epoch.
    pub start_seconds: Gauge,
}

const LATENCIES: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];
const REACTIONS: &[f64] = &[0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1800.0];

/// Registers what it makes; a name twice is a fault of the program.
struct Maker(Registry);

impl Maker {
    fn keep<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let collector = made.expect("metric names and labels are written in the program");
        self.0.register(Box::new(collector.clone())).expect("each metric is registered once");
        collector
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        self.keep(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let make = Maker(Registry::new());
        let counts: Vec<f64> = (0..12).map(|n| f64::from(1 << n)).collect();
        let metrics = Self {
            messages: make.counters("wanglou_messages_total", "Messages taken in.", &["profile", "result"]),
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
            home_reads: make.keep(IntCounter::new(
                "wanglou_home_reads_total",
                "Looks at who lives in a home that an alarm is about.",
            )),
            concern: make.keep(GaugeVec::new(
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
            build_info: make.gauges("wanglou_build_info", "Always 1.", &["version"]),
            start_seconds: make.keep(Gauge::new("wanglou_start_time_seconds", "When the process began.")),
            registry: make.0.clone(),
        };
        metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        metrics
    }
}

impl Metrics {
    /// The page that Prometheus scrapes, text format 0.0.4.
    pub fn page(&self) -> Vec<u8> {
        let mut page = Vec::new();
        // Writing into memory fails only for a metric without a name, which registering has refused.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut page);
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
