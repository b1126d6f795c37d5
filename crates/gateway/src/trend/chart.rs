//! From samples to what a page draws: columns over one time axis.

use super::ring::Span;
use super::sample::{BUCKETS, HISTOGRAMS, Sample, Sized};
use serde::Serialize;
use std::time::Duration;
use wanglou_model::{Timestamp, rfc3339_micros};

/// Rates of messages look back over a minute in the hour, quantiles over five minutes.
const RATE_OVER: Duration = Duration::from_secs(60);
const QUANTILE_OVER: Duration = Duration::from_secs(300);

/// A value at each moment; `None` where nothing can be said.
pub type Column = Vec<Option<f64>>;

/// Everything that is drawn, over `at`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "FigureColumns")]
pub struct Columns {
    /// Messages per second of the alarm lane.
    pub ingest_alarm: Column,
    /// Messages per second of the bulk lane.
    pub ingest_bulk: Column,
    /// From handing a canary to the broker to its receipt on disk, seconds.
    pub canary_p50: Column,
    /// The same, of the slowest in a hundred.
    pub canary_p99: Column,
    /// From the raise of an alarm to the first phone's receipt, seconds.
    pub receipt_p50: Column,
    /// The same, of the slowest in a hundred.
    pub receipt_p99: Column,
    /// One commit to the journal, seconds.
    pub commit_p50: Column,
    /// The same, of the slowest in a hundred.
    pub commit_p99: Column,
    /// From the read of the socket to the commit, seconds, of the slowest in a hundred.
    pub ingest_p99: Column,
    /// Arrivals of the alarm lane that wait.
    pub queue_alarm: Column,
    /// Arrivals of the bulk lane that wait.
    pub queue_bulk: Column,
    /// Requests that wait.
    pub queue_requests: Column,
    /// People on duty.
    pub duty_on: Column,
    /// Those of them who can be reached.
    pub duty_reachable: Column,
    /// Alarms judged since the first moment shown.
    pub judged: Column,
    /// Those of them that were false.
    pub judged_false: Column,
    /// Devices that should have spoken and did not.
    pub silent: Column,
    /// Devices that never spoke.
    pub never_heard: Column,
    /// Canaries that did not come back since the first moment shown.
    pub canary_failures: Column,
    /// Alarms that are open.
    pub open: Column,
}

/// The charts of a span.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Chart {
    /// Since when there are figures: the gateway's start.
    pub since: String,
    /// When this was read.
    pub now: String,
    /// Seconds since the epoch, rising. Samples lie by the running time that they have behind them: a clock that is
    /// set does not tear them apart.
    pub at: Vec<f64>,
    /// One value for each of `at`.
    pub columns: Columns,
}

impl Chart {
    /// From samples, the oldest first; the last one is of `now`.
    pub fn new(span: Span, samples: &[Sample], since: Timestamp, now: Timestamp) -> Self {
        let last_s = samples.last().map_or(0.0, |sample| sample.up_s);
        let wall_s = now.0 as f64 / 1e6;
        let length_s = span.length().as_secs_f64();
        let shown = samples.iter().position(|sample| sample.up_s >= last_s - length_s).unwrap_or_default();
        let mut chart = Self {
            since: rfc3339_micros::format(since),
            now: rfc3339_micros::format(now),
            at: samples.iter().skip(shown).map(|sample| round(wall_s - (last_s - sample.up_s), 3)).collect(),
            columns: Columns::default(),
        };
        for at in shown..samples.len() {
            chart.columns.push(&Looking { samples, at, first: shown });
        }
        chart
    }
}

impl Columns {
    fn push(&mut self, look: &Looking) {
        let rates =
            [(&mut self.ingest_alarm, Sized::AlarmMessages), (&mut self.ingest_bulk, Sized::BulkMessages)];
        for (column, what) in rates {
            column.push(look.rate(what));
        }
        let quantiles = [
            (&mut self.canary_p50, 0, 0.5),
            (&mut self.canary_p99, 0, 0.99),
            (&mut self.receipt_p50, 1, 0.5),
            (&mut self.receipt_p99, 1, 0.99),
            (&mut self.commit_p50, 2, 0.5),
            (&mut self.commit_p99, 2, 0.99),
            (&mut self.ingest_p99, 3, 0.99),
        ];
        for (column, histogram, quantile) in quantiles {
            column.push(look.quantile(histogram, quantile));
        }
        let gauges = [
            (&mut self.queue_alarm, Sized::AlarmQueue),
            (&mut self.queue_bulk, Sized::BulkQueue),
            (&mut self.queue_requests, Sized::Requests),
            (&mut self.duty_reachable, Sized::Reachable),
            (&mut self.silent, Sized::Silent),
            (&mut self.never_heard, Sized::NeverHeard),
            (&mut self.open, Sized::Open),
        ];
        for (column, what) in gauges {
            column.push(look.now(|sample| sample.get(what)));
        }
        self.duty_on.push(look.now(|sample| sample.get(Sized::Reachable) + sample.get(Sized::Unreachable)));
        self.judged.push(look.grown(judged));
        self.judged_false.push(look.grown(judged_false));
        self.canary_failures.push(look.grown(|sample| sample.get(Sized::CanaryFailures)));
    }
}

/// As the figures of the month count: with a finding; not duplicates, tests, and what nobody looked into.
fn judged(sample: &Sample) -> f64 {
    let found =
        [Sized::Real, Sized::Complied, Sized::Fine].into_iter().map(|what| sample.get(what)).sum::<f64>();
    found + judged_false(sample)
}

fn judged_false(sample: &Sample) -> f64 {
    sample.get(Sized::FalseAlarm) + sample.get(Sized::Unfounded)
}

/// A moment among the samples.
struct Looking<'a> {
    samples: &'a [Sample],
    at: usize,
    first: usize,
}

impl Looking<'_> {
    fn sample(&self) -> Option<&Sample> {
        self.samples.get(self.at)
    }

    fn now(&self, read: impl Fn(&Sample) -> f64) -> Option<f64> {
        self.sample().map(|sample| round(read(sample), 3))
    }

    /// Since the first moment that is shown.
    fn grown(&self, read: impl Fn(&Sample) -> f64) -> Option<f64> {
        Some(round(read(self.sample()?) - read(self.samples.get(self.first)?), 3))
    }

    /// The sample that lies so far back, or the oldest; `None` at the first of all.
    fn before(&self, over: Duration) -> Option<&Sample> {
        let from = self.sample()?.up_s - over.as_secs_f64();
        let earlier = self.samples.get(..self.at)?;
        earlier.iter().rev().find(|sample| sample.up_s <= from).or_else(|| earlier.first())
    }

    fn rate(&self, what: Sized) -> Option<f64> {
        let (now, then) = (self.sample()?, self.before(RATE_OVER)?);
        let seconds = now.up_s - then.up_s;
        (seconds > 0.0).then(|| round((now.get(what) - then.get(what)) / seconds, 3))
    }

    fn quantile(&self, histogram: usize, quantile: f64) -> Option<f64> {
        let (now, then) = (self.sample()?, self.before(QUANTILE_OVER)?);
        let (now, then) = (now.buckets.get(histogram)?, then.buckets.get(histogram)?);
        let (_, bounds) = HISTOGRAMS.get(histogram)?;
        let mut grown = [0.0; BUCKETS];
        for (grown, (now, then)) in grown.iter_mut().zip(now.iter().zip(then)) {
            *grown = now.saturating_sub(*then) as f64;
        }
        quantile_of(quantile, bounds, &grown).map(|seconds| round(seconds, 6))
    }
}

/// As `histogram_quantile` of Prometheus: straight within a bucket, and the largest bound for what lies beyond it.
fn quantile_of(quantile: f64, bounds: &[f64], cumulative: &[f64; BUCKETS]) -> Option<f64> {
    let all = *cumulative.last()?;
    if all <= 0.0 {
        return None;
    }
    let rank = quantile * all;
    let Some(bucket) = cumulative.iter().take(bounds.len()).position(|count| *count >= rank) else {
        return bounds.last().copied();
    };
    let (before, from) = match bucket.checked_sub(1) {
        Some(lower) => (*cumulative.get(lower)?, *bounds.get(lower)?),
        None => (0.0, 0.0),
    };
    let (count, until) = (*cumulative.get(bucket)? - before, *bounds.get(bucket)?);
    Some(if count > 0.0 { from + (until - from) * (rank - before) / count } else { until })
}

fn round(value: f64, digits: i32) -> f64 {
    let by = 10f64.powi(digits);
    (value * by).round() / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn metrics_at(up_s: u64, metrics: &Metrics) -> Sample {
        Sample::of(Duration::from_secs(up_s), &metrics.gather())
    }

    #[test]
    fn rates_and_quantiles_are_those_of_the_dashboards_queries() {
        let metrics = Metrics::default();
        let mut samples = vec![metrics_at(0, &metrics)];
        for n in 1..=40 {
            metrics.lane_messages.with_label_values(&["alarm"]).inc_by(30);
            metrics.lane_messages.with_label_values(&["bulk"]).inc_by(if n > 36 { 150 } else { 0 });
            // Half of them within 5 to 10 ms, half within 0.1 to 0.15 s.
            metrics.canary_seconds.observe(if n % 2 == 0 { 0.007 } else { 0.12 });
            samples.push(metrics_at(15 * n, &metrics));
        }
        let chart = Chart::new(Span::Hour, &samples, Timestamp(0), Timestamp(1_000_000_000));
        let last = |column: &Column| column.last().copied().flatten();
        assert_eq!(chart.at.len(), 41);
        assert_eq!((chart.at[0], chart.at[40]), (400.0, 1000.0));
        assert_eq!(last(&chart.columns.ingest_alarm), Some(2.0), "30 in 15 s");
        assert_eq!(last(&chart.columns.ingest_bulk), Some(10.0), "the last minute alone");
        assert_eq!(last(&chart.columns.canary_p50), Some(0.01), "the upper end of their bucket");
        assert_eq!(last(&chart.columns.canary_p99), Some(0.149));
        assert_eq!(chart.columns.ingest_alarm[0], None, "nothing lies before the first");
        assert_eq!(last(&chart.columns.receipt_p50), None, "no alarm, no figure");
    }

    #[test]
    fn what_is_slower_than_every_bucket_shows_the_largest_bound() {
        let mut cumulative = [0.0; BUCKETS];
        cumulative[BUCKETS - 1] = 4.0;
        assert_eq!(quantile_of(0.5, &[0.1, 1.0], &cumulative), Some(1.0));
        assert_eq!(quantile_of(0.5, &[0.1, 1.0], &[0.0; BUCKETS]), None);
    }

    #[test]
    fn alarms_are_judged_as_in_the_figures_of_the_month() {
        let metrics = Metrics::default();
        let closed = |outcome: &str| metrics.alarms_closed.with_label_values(&[outcome]).inc();
        closed("false_alarm");
        let first = metrics_at(0, &metrics);
        for outcome in
            ["false_alarm", "unfounded", "real", "ok", "complied", "test", "duplicate", "unverified"]
        {
            closed(outcome);
        }
        let samples = [first, metrics_at(15, &metrics)];
        let chart = Chart::new(Span::Hour, &samples, Timestamp(0), Timestamp(15_000_000));
        assert_eq!(chart.columns.judged, vec![Some(0.0), Some(5.0)]);
        assert_eq!(chart.columns.judged_false, vec![Some(0.0), Some(2.0)]);
    }

    #[test]
    fn only_the_span_is_shown_and_a_day_has_its_own_steps() {
        let samples: Vec<Sample> = (0..300).map(|n| Sample::of(Duration::from_secs(300 * n), &[])).collect();
        let chart = Chart::new(Span::Day, &samples, Timestamp(0), Timestamp(0));
        assert_eq!(chart.at.len(), 289);
        assert!(chart.at.windows(2).all(|pair| pair[0] < pair[1]), "rising");
        assert_eq!(chart.columns.ingest_alarm.len(), 289);
        assert_eq!(Chart::new(Span::Hour, &samples, Timestamp(0), Timestamp(0)).at.len(), 13);
        assert_eq!(Chart::new(Span::Hour, &[], Timestamp(0), Timestamp(0)).at.len(), 0);
    }
}
