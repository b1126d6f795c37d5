//! What the metrics and the log learn of each commit.

use crate::health::{Concern, Detail, Health};
use crate::http::liveness;
use crate::metrics::Metrics;
use crate::writer::Observer;
use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_engine::Engine;
use wanglou_model::{Answer, Channel, Ended, Fact, Outcome, Priority, Span, Timestamp};

/// Gauges over all devices and alarms are counted anew this often.
const COUNT_EVERY: Span = Span::secs(5);

/// Keeps the metrics.
#[derive(Debug)]
pub struct MetricsObserver {
    metrics: Metrics,
    health: Arc<Health>,
    counted_at: Timestamp,
    /// By which channel each effect goes that has not ended.
    channels: BTreeMap<String, Channel>,
    /// Where the inputs lie in the journal that the next facts came of.
    causes: Vec<u64>,
}

impl MetricsObserver {
    /// For these metrics, with the effects that an earlier run still owes.
    pub fn new(metrics: Metrics, health: Arc<Health>, engine: &Engine) -> Self {
        let owed = engine.book().effects.iter();
        let channels = owed.map(|(id, row)| (id.clone(), row.channel)).collect();
        Self { metrics, health, counted_at: Timestamp(0), channels, causes: Vec::new() }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn note(&mut self, at: Timestamp, engine: &Engine, cause: Option<u64>, fact: &Fact) {
        let alarm = fact.alarm().and_then(|id| engine.book().alarms.get(id));
        // A way back from each line to the message: what the alarm came of, not what people did since.
        let brings = matches!(fact, Fact::Raised(_) | Fact::Upgraded { .. } | Fact::Reopened { .. });
        let trace = alarm.and_then(|alarm| alarm.trace).filter(|_| !brings).or(cause);
        let trace = trace.map(crate::view::trace).unwrap_or_default();
        let since_raise = alarm.map(|alarm| ((at - alarm.raised_at).as_secs_f64(), alarm.priority.name()));
        match fact {
            Fact::Raised(raised) => {
                let labels = [raised.kind.as_str(), raised.priority.name()];
                self.metrics.alarms_raised.with_label_values(&labels).inc();
                tracing::info!(trace, alarm = %raised.alarm, kind = %raised.kind, priority = %raised.priority, place = %raised.place,
                    reason = raised.reason.code, test = raised.test, "raised");
            }
            Fact::Rung { alarm: id, rung, told, .. } => {
                let priority = alarm.map_or("", |alarm| alarm.priority.name());
                let rung_label = rung.min(&9).to_string();
                self.metrics.rungs.with_label_values(&[priority, &rung_label]).inc();
                let reached = told.iter().filter(|told| told.unreached.is_none()).count();
                tracing::info!(trace, alarm = %id, rung, told = told.len(), reached, "rung");
                self.judge_reach(alarm, told.len(), reached);
            }
            Fact::Accepted { alarm: id, by, .. } => {
                if let Some((seconds, priority)) = since_raise {
                    self.metrics.acceptance_seconds.with_label_values(&[priority]).observe(seconds);
                }
                tracing::info!(trace, alarm = %id, %by, "accepted");
            }
            Fact::Delivered { alarm: id, phone, delivered, .. } => {
                let first = alarm.is_some_and(|alarm| {
                    alarm.followers.values().map(|follower| follower.stored.len()).sum::<usize>() == 1
                });
                if let Some((seconds, priority)) = since_raise.filter(|_| first) {
                    self.metrics.receipt_seconds.with_label_values(&[priority]).observe(seconds);
                    tracing::info!(trace, alarm = %id, %phone, seconds, "stored");
                } else {
                    tracing::debug!(trace, alarm = %id, %phone, ?delivered, "delivered");
                }
            }
            Fact::Closed { alarm: id, outcome, reason } => {
                let test = alarm.is_some_and(|alarm| alarm.test);
                let ended = if test { Outcome::Test } else { *outcome };
                self.metrics.alarms_closed.with_label_values(&[ended.name()]).inc();
                tracing::info!(trace, alarm = %id, outcome = outcome.name(), reason = reason.code, "closed");
            }
            Fact::Answered { answer, .. } => {
                self.metrics.commands.with_label_values(&[answer_name(answer)]).inc()
            }
            Fact::EffectQueued { effect, channel, .. } => {
                self.channels.insert(effect.clone(), *channel);
            }
            Fact::EffectEnded { effect, ended, .. } => {
                let Some(channel) = self.channels.remove(effect) else { return };
                let ended = match ended {
                    Ended::Done => "done",
                    Ended::Failed => "failed",
                    Ended::Unknown => "unknown",
                };
                self.metrics.effects.with_label_values(&[channel.name(), ended]).inc();
            }
            Fact::Health { device, ok, reason } => {
                let device = device.as_ref().map(ToString::to_string).unwrap_or_default();
                tracing::info!(device, ok, reason = reason.code, "health");
            }
            _ => {}
        }
    }

    /// Nobody reachable is a concern of its own: the alarm waits in outboxes, and somebody must look.
    fn judge_reach(&self, alarm: Option<&wanglou_engine::Alarm>, told: usize, reached: usize) {
        let Some(alarm) = alarm.filter(|alarm| alarm.priority < Priority::P4) else { return };
        if reached > 0 {
            self.health.clear(Concern::Reachability);
        } else if alarm.rung.is_some_and(|rung| rung + 1 >= alarm.ladder.rungs.len()) {
            let zh = format!("告警 {}：{told} 人在岗，没有一部手机能收到", alarm.id);
            let en = format!("alarm {}: {told} people on duty, none with a phone that answers", alarm.id);
            self.health.raise(Concern::Reachability, Detail::said(zh, en));
        }
    }

    fn count(&self, engine: &Engine) {
        for priority in Priority::ALL {
            let open = engine.book().open_alarms().filter(|alarm| alarm.priority == priority).count();
            self.metrics.alarms_open.with_label_values(&[priority.name()]).set(open as i64);
        }
        let mut by_liveness: BTreeMap<&str, i64> =
            ["live", "unknown", "event_only", "never_heard"].into_iter().map(|name| (name, 0)).collect();
        for (id, device) in &engine.setup().site.devices {
            *by_liveness.entry(liveness(engine, id, device)).or_default() += 1;
        }
        for (name, count) in by_liveness {
            self.metrics.devices.with_label_values(&[name]).set(count);
        }
        let world = engine.world();
        let on_duty =
            engine.setup().site.officers.iter().filter(|(id, officer)| world.is_on_duty(id, officer));
        let (reachable, unreachable): (Vec<_>, Vec<_>) =
            on_duty.partition(|(id, officer)| world.is_reachable(id, officer));
        for (name, people) in [("reachable", reachable), ("unreachable", unreachable)] {
            self.metrics.duty_people.with_label_values(&[name]).set(people.len() as i64);
        }
        for concern in Concern::ALL {
            let raised = self.health.concerns().iter().any(|(found, _)| *found == concern);
            self.metrics.concern.with_label_values(&[concern.name()]).set(f64::from(u8::from(raised)));
        }
        self.metrics.clock_trusted.set(i64::from(engine.senses().clock_trusted));
    }
}

fn answer_name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Ok { .. } | Answer::Done => "ok",
        Answer::Taken { .. } => "taken",
        Answer::Changed => "changed",
        Answer::Gone => "gone",
        Answer::Forbidden => "forbidden",
        Answer::Invalid { .. } => "invalid",
    }
}

impl Observer for MetricsObserver {
    fn caused(&mut self, causes: &[u64]) {
        self.causes = causes.to_vec();
    }

    fn committed(&mut self, at: Timestamp, engine: &Engine, facts: &[Fact]) {
        let causes = std::mem::take(&mut self.causes);
        for (number, fact) in facts.iter().enumerate() {
            self.note(at, engine, causes.get(number).copied(), fact);
        }
        if at - self.counted_at >= COUNT_EVERY {
            self.counted_at = at;
            self.count(engine);
        }
    }
}
