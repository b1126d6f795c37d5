//! One look at the metrics: a fixed number of values, whatever the site's size.

use crate::metrics::{LATENCIES, REACTIONS};
use prometheus::proto::{Metric, MetricFamily};
use std::time::Duration;

/// A metric, or the part of it with one label's value; the sum over all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its name.
    pub metric: &'static str,
    /// The label that is looked at, and its value.
    pub label: Option<(&'static str, &'static str)>,
}

const fn of(metric: &'static str, label: &'static str, value: &'static str) -> Source {
    Source { metric, label: Some((label, value)) }
}

const fn whole(metric: &'static str) -> Source {
    Source { metric, label: None }
}

const MESSAGES: &str = "wanglou_lane_messages_total";
const QUEUES: &str = "wanglou_queue_depth";
const DUTY: &str = "wanglou_duty_people";
const CLOSED: &str = "wanglou_alarms_closed_total";
const DEVICES: &str = "wanglou_devices";

/// Counters and gauges that a sample holds; [`Sized`] names them by their place.
pub(crate) const SOURCES: [Source; 18] = [
    of(MESSAGES, "lane", "alarm"),
    of(MESSAGES, "lane", "bulk"),
    of(QUEUES, "queue", "alarm"),
    of(QUEUES, "queue", "bulk"),
    of(QUEUES, "queue", "requests"),
    of(DUTY, "reach", "reachable"),
    of(DUTY, "reach", "unreachable"),
    of(CLOSED, "outcome", "false_alarm"),
    of(CLOSED, "outcome", "unfounded"),
    of(CLOSED, "outcome", "real"),
    of(CLOSED, "outcome", "complied"),
    of(CLOSED, "outcome", "ok"),
    of(DEVICES, "liveness", "unknown"),
    of(DEVICES, "liveness", "never_heard"),
    of(DEVICES, "liveness", "live"),
    of(DEVICES, "liveness", "event_only"),
    whole("wanglou_canary_failures_total"),
    whole("wanglou_alarms_open"),
];

/// Where a value is in [`Sample::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sized {
    /// Messages of the alarm lane, counted.
    AlarmMessages,
    /// Messages of the bulk lane, counted.
    BulkMessages,
    /// What of the alarm lane waits.
    AlarmQueue,
    /// What of the bulk lane waits.
    BulkQueue,
    /// Requests that wait.
    Requests,
    /// People on duty who can be reached.
    Reachable,
    /// People on duty who cannot.
    Unreachable,
    /// Alarms that ended as false.
    FalseAlarm,
    /// Alarms that ended as unfounded.
    Unfounded,
    /// Alarms that were real.
    Real,
    /// Alarms that somebody complied with.
    Complied,
    /// Alarms that ended with everybody well.
    Fine,
    /// Devices that should have spoken.
    Silent,
    /// Devices that never spoke.
    NeverHeard,
    /// Devices that are heard.
    Live,
    /// Devices whose silence says nothing.
    EventOnly,
    /// Canaries that did not come back.
    CanaryFailures,
    /// Alarms that are open.
    Open,
}

/// Histograms that a sample holds.
pub(crate) const HISTOGRAMS: [(&str, &[f64]); 4] = [
    ("wanglou_canary_seconds", LATENCIES),
    ("wanglou_alarm_receipt_seconds", REACTIONS),
    ("wanglou_journal_commit_seconds", LATENCIES),
    ("wanglou_ingest_seconds", LATENCIES),
];

/// The finite buckets of the largest of them, and the one without a bound.
pub(crate) const BUCKETS: usize = 16;

/// What the metrics said at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Since the gateway began.
    pub up_s: f64,
    /// In the order of [`SOURCES`].
    pub values: [f64; SOURCES.len()],
    /// Cumulative, in the order of [`HISTOGRAMS`]; the last bucket of each counts everything.
    pub buckets: [[u64; BUCKETS]; HISTOGRAMS.len()],
}

impl Sample {
    /// Reads what a scrape would have read.
    pub fn of(up: Duration, families: &[MetricFamily]) -> Self {
        let mut sample = Self {
            up_s: up.as_secs_f64(),
            values: [0.0; SOURCES.len()],
            buckets: [[0; BUCKETS]; HISTOGRAMS.len()],
        };
        for family in families {
            for (value, source) in sample.values.iter_mut().zip(SOURCES) {
                if source.metric == family.name() {
                    *value = sum(family, source);
                }
            }
            for (buckets, (name, bounds)) in sample.buckets.iter_mut().zip(HISTOGRAMS) {
                if name == family.name() {
                    *buckets = counts(family, bounds.len());
                }
            }
        }
        sample
    }

    /// A counter or a gauge.
    pub fn get(&self, what: Sized) -> f64 {
        // The names are in the order of the values.
        self.values.get(what as usize).copied().unwrap_or_default()
    }
}

fn sum(family: &MetricFamily, source: Source) -> f64 {
    let matches = |metric: &&Metric| {
        let has = |(label, value)| {
            metric.get_label().iter().any(|pair| pair.name() == label && pair.value() == value)
        };
        source.label.is_none_or(has)
    };
    // A metric is a counter or a gauge; the other one reads as zero.
    let value = |metric: &Metric| metric.get_counter().get_value() + metric.get_gauge().get_value();
    family.get_metric().iter().filter(matches).map(value).sum()
}

fn counts(family: &MetricFamily, bounds: usize) -> [u64; BUCKETS] {
    let mut counts = [0; BUCKETS];
    for metric in family.get_metric() {
        let histogram = metric.get_histogram();
        let finite = histogram.get_bucket().iter().take(bounds).map(|bucket| bucket.cumulative_count());
        let all = std::iter::repeat(histogram.get_sample_count());
        for (count, of_one) in counts.iter_mut().zip(finite.chain(all)) {
            *count += of_one;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    /// What the page of Prometheus says of a source.
    fn on_the_page(page: &str, source: Source) -> f64 {
        let label = source.label.map(|(label, value)| format!("{label}=\"{value}\"")).unwrap_or_default();
        let mine = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(source.metric));
        let values = mine.filter(|line| line.contains(&label)).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| value.parse::<f64>().expect("a number")).sum()
    }

    fn busy() -> Metrics {
        let metrics = Metrics::default();
        for (n, lane) in ["alarm", "bulk", "discovery"].into_iter().enumerate() {
            metrics.lane_messages.with_label_values(&[lane]).inc_by(7 + n as u64);
            metrics.ingest_seconds.with_label_values(&[lane]).observe(0.003 * (n + 1) as f64);
        }
        for (n, queue) in ["alarm", "bulk", "requests"].into_iter().enumerate() {
            metrics.queue_depth.with_label_values(&[queue]).set(3 + n as i64);
        }
        metrics.duty_people.with_label_values(&["reachable"]).set(4);
        metrics.duty_people.with_label_values(&["unreachable"]).set(1);
        let outcomes =
            ["false_alarm", "unfounded", "real", "complied", "ok", "test", "duplicate", "unverified"];
        for (n, outcome) in outcomes.into_iter().enumerate() {
            metrics.alarms_closed.with_label_values(&[outcome]).inc_by(1 + n as u64);
        }
        for (n, liveness) in ["unknown", "never_heard", "live", "event_only"].into_iter().enumerate() {
            metrics.devices.with_label_values(&[liveness]).set(11 + n as i64);
        }
        metrics.canary_failures.with_label_values(&["intake"]).inc();
        metrics.canary_failures.with_label_values(&["publish"]).inc();
        metrics.alarms_open.with_label_values(&["P1"]).set(2);
        for seconds in [0.0004, 0.004, 0.3, 99.0] {
            metrics.canary_seconds.observe(seconds);
            metrics.commit_seconds.observe(seconds);
        }
        for (priority, seconds) in [("P1", 0.2), ("P2", 4.0), ("P2", 4_000.0)] {
            metrics.receipt_seconds.with_label_values(&[priority]).observe(seconds);
        }
        metrics
    }

    #[test]
    fn a_sample_says_what_prometheus_is_told_at_that_moment() {
        let metrics = busy();
        let page = String::from_utf8(metrics.page()).expect("text");
        let sample = Sample::of(Duration::from_secs(5), &metrics.gather());
        for (value, source) in sample.values.iter().zip(SOURCES) {
            assert!(*value > 0.0, "{source:?} is filled here");
            assert_eq!(*value, on_the_page(&page, source), "{source:?}");
        }
        for (counts, (name, bounds)) in sample.buckets.iter().zip(HISTOGRAMS) {
            assert!(bounds.len() < BUCKETS, "{name}");
            let le = |bound: &f64| {
                let mine = page.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
                let at = mine.filter(|line| line.contains(&format!("le=\"{bound}\"")));
                at.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>()
            };
            let finite: Vec<u64> = bounds.iter().map(le).collect();
            assert_eq!(counts.get(..bounds.len()), Some(&finite[..]), "{name}");
            assert_eq!(counts.last().copied(), Some(le(&f64::INFINITY).max(total(&page, name))), "{name}");
        }
    }

    fn total(page: &str, name: &str) -> u64 {
        let mine = page.lines().filter(|line| line.starts_with(&format!("{name}_count")));
        mine.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    #[test]
    fn every_name_points_at_its_own_value() {
        let sample = Sample::of(Duration::ZERO, &busy().gather());
        assert_eq!(sample.get(Sized::AlarmMessages), 7.0);
        assert_eq!(sample.get(Sized::Requests), 5.0);
        assert_eq!(sample.get(Sized::Unreachable), 1.0);
        assert_eq!(sample.get(Sized::Fine), 5.0);
        assert_eq!(sample.get(Sized::EventOnly), 14.0);
        assert_eq!((sample.get(Sized::CanaryFailures), sample.get(Sized::Open)), (2.0, 2.0));
        assert_eq!(Sized::Open as usize + 1, SOURCES.len(), "one name for each");
    }
}
