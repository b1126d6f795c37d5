//! The figures of the last hour and the last day, for the console: samples of the very metrics that Prometheus
//! scrapes, in a ring of fixed size in memory. Nothing of it is on disk; after a restart it begins anew, and says so.
//!
//! What a chart shows is what the query of the dashboard would show: rates and quantiles over the same window, from
//! the same counters and buckets.

mod chart;
mod ring;
mod sample;
mod talk;

pub use chart::{Chart, Column, Columns};
pub use ring::{DAY_SAMPLES, HOUR_SAMPLES, Ring, SAMPLE_EVERY, Span};
pub use sample::{Sample, Sized};
pub use talk::Talk;

use crate::clock;
use crate::metrics::Metrics;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use wanglou_model::Timestamp;

/// The ring of one gateway.
#[derive(Debug, Clone)]
pub struct Trend {
    metrics: Metrics,
    began: Instant,
    since: Timestamp,
    ring: Arc<Mutex<Ring>>,
}

impl Trend {
    /// An empty ring over these metrics; time counts from now on.
    pub fn new(metrics: &Metrics, now: Instant) -> Self {
        Self { metrics: metrics.clone(), began: now, since: clock::wall(), ring: Arc::default() }
    }

    /// Samples until the gateway stops.
    pub async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                now = ticks.tick() => {
                    let sample = self.sample(now);
                    self.ring().push(sample);
                    self.metrics.talk.turn(now);
                }
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// What the charts of a span show now; the last point is taken at this moment.
    pub fn chart(&self, span: Span, now: Instant) -> Chart {
        let last = self.sample(now);
        let mut samples = self.ring().of(span);
        samples.retain(|sample| sample.up_s < last.up_s);
        samples.push(last);
        Chart::new(span, &samples, self.since, clock::wall())
    }

    fn sample(&self, now: Instant) -> Sample {
        Sample::of(now.duration_since(self.began), &self.metrics.gather())
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
