//! What a lane has seen, for the metrics page. Counters only; their names and labels are the metrics' matter.

use crate::mqtt::decode::DecodeFault;
use crate::mqtt::topic;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Its value now.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    pub(super) fn one(&self) {
        self.add(1);
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicUsize);

impl Gauge {
    /// Its value now.
    pub fn value(&self) -> usize {
        self.0.load(Relaxed)
    }

    pub(super) fn set(&self, n: usize) {
        self.0.store(n, Relaxed);
    }
}

/// One lane's counters, from process start.
#[derive(Debug, Default)]
pub struct SourceCounters {
    /// PUBLISH packets received, markers and rejected ones excepted.
    pub messages: Count,
    /// Bytes read from the broker.
    pub bytes: Count,
    /// Messages larger than `packet_bytes_max`: hashed, skipped, handed over without a body.
    pub oversize: Count,
    /// Messages whose topic MQTT does not allow: acknowledged, not handed over.
    pub rejected: Count,
    /// Connections ended by a packet that could not be understood.
    pub malformed: Count,
    /// Connections ended by a QoS 2 message, which a QoS 1 subscription must never bring.
    pub qos2: Count,
    /// Connections that came up.
    pub connects: Count,
    /// Connections lost, and attempts that failed.
    pub disconnects: Count,
    /// Connects at which the broker no longer knew our session.
    pub sessions_lost: Count,
    /// Subscriptions that the broker refused.
    pub subscriptions_refused: Count,
    /// Subscriptions granted at QoS 0 where QoS 1 was asked.
    pub subscriptions_downgraded: Count,
    /// Messages that discovery left out, because known or too many.
    pub unsampled: Count,
    /// Markers of this process that came back.
    pub markers: Count,
    /// Markers of another process: an earlier one's, left in the queue, or a second gateway's.
    pub foreign_markers: Count,
    /// Batches that the writer holds.
    pub in_flight_batches: Gauge,
    /// Their size in bytes as read.
    pub in_flight_bytes: Gauge,
    /// 1 while connected and subscribed.
    pub up: Gauge,
    qos0: Qos0Counts,
}

impl SourceCounters {
    /// Counters for a lane with these filters.
    pub fn new(filters: &[String]) -> SourceCounters {
        SourceCounters { qos0: Qos0Counts::new(filters), ..SourceCounters::default() }
    }

    /// Messages that arrived at QoS 0, by the filter that selected them: such topics are lost when the path is.
    pub fn qos0_by_filter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.qos0.filters.iter().map(|(filter, count)| (filter.as_str(), count.value()))
    }

    pub(super) fn fault_seen(&self, fault: &DecodeFault) {
        match fault {
            DecodeFault::Qos2 { .. } => self.qos2.one(),
            DecodeFault::RemainingLength
            | DecodeFault::Unexpected(_)
            | DecodeFault::ControlTooLarge { .. }
            | DecodeFault::Malformed { .. } => self.malformed.one(),
        }
    }

    pub(super) fn qos0_seen(&self, topic: &str) {
        self.qos0.seen(topic);
    }
}

/// The publisher's counters, from process start.
#[derive(Debug, Default)]
pub struct PublisherCounters {
    /// Messages that the broker took.
    pub done: Count,
    /// Messages that never left.
    pub failed: Count,
    /// Messages that may have left.
    pub unknown: Count,
    /// Connections that came up.
    pub connects: Count,
    /// 1 while connected.
    pub up: Gauge,
}

/// Counts per filter. A filter is looked for once per topic: a small table remembers which it was.
#[derive(Debug, Default)]
struct Qos0Counts {
    filters: Vec<(String, Count)>,
    /// Slot = low bits of the topic's hash; entry = high 48 bits of the hash, then filter number + 1, 0 for none.
    memory: Vec<AtomicU64>,
}

/// Slots of the memory, a power of two.
const SLOTS: usize = 4096;

impl Qos0Counts {
    fn new(filters: &[String]) -> Qos0Counts {
        let mut memory = Vec::new();
        memory.resize_with(SLOTS, AtomicU64::default);
        Qos0Counts { filters: filters.iter().map(|f| (f.clone(), Count::default())).collect(), memory }
    }

    fn seen(&self, topic: &str) {
        if let Some((_, count)) = self.number_of(topic).and_then(|number| self.filters.get(number)) {
            count.one();
        }
    }

    fn number_of(&self, topic: &str) -> Option<usize> {
        let hash = hash(topic);
        let tag = hash & !0xFFFF;
        let slot = self.memory.get(hash as usize % SLOTS)?;
        let entry = slot.load(Relaxed);
        if entry != 0 && entry & !0xFFFF == tag {
            return ((entry & 0xFFFF) as usize).checked_sub(1);
        }
        let found = self.filters.iter().position(|(filter, _)| topic::matches(topic, filter));
        let number = found.map_or(0, |number| number + 1);
        if let Ok(number) = u16::try_from(number) {
            slot.store(tag | u64::from(number), Relaxed);
        }
        found
    }
}

fn hash(topic: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    topic.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qos0_messages_are_counted_at_the_filter_that_brought_them() {
        let counters = SourceCounters::new(&["zigbee2mqtt/#".to_owned(), "门/+".to_owned()]);
        for topic in ["zigbee2mqtt/a", "门/1", "zigbee2mqtt/a", "other", "other", "门/2"] {
            counters.qos0_seen(topic);
        }
        let seen: Vec<_> = counters.qos0_by_filter().collect();
        assert_eq!(seen, [("zigbee2mqtt/#", 2), ("门/+", 2)]);
    }
}
