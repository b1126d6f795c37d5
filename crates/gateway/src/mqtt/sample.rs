//! Which messages of the discovery lane to keep: topics nobody wired in, each now and then, and never more in all
//! than the quarantine can take.

use super::options::Sampling;
use super::topic;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// Topics whose last sample is remembered, a power of two. Two that share a slot are sampled less often, which is
/// harmless.
const SLOTS: usize = 4096;

/// Decides message by message.
pub(super) struct Sampler {
    options: Sampling,
    window_began: Option<Instant>,
    taken: u32,
    slots: Vec<Option<Instant>>,
}

impl Sampler {
    pub(super) fn new(options: Sampling) -> Sampler {
        Sampler { options, window_began: None, taken: 0, slots: vec![None; SLOTS] }
    }

    pub(super) fn takes(&mut self, topic: &str, now: Instant) -> bool {
        !topic::is_own(topic)
            && self.topic_is_due(topic, now)
            && !(self.options.known)(topic)
            && self.within_rate(now)
    }

    fn topic_is_due(&mut self, topic: &str, now: Instant) -> bool {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let slot = &mut self.slots[hasher.finish() as usize % SLOTS];
        let due = slot.is_none_or(|last| now.duration_since(last) >= self.options.topic_every);
        if due {
            *slot = Some(now);
        }
        due
    }

    fn within_rate(&mut self, now: Instant) -> bool {
        if self.window_began.is_none_or(|began| now.duration_since(began) >= Duration::from_secs(1)) {
            self.window_began = Some(now);
            self.taken = 0;
        }
        self.taken += 1;
        self.taken <= self.options.messages_per_second_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn sampler() -> Sampler {
        let known = Arc::new(|topic: &str| topic.starts_with("known/"));
        Sampler::new(Sampling { messages_per_second_max: 3, topic_every: Duration::from_secs(5), known })
    }

    #[test]
    fn known_and_own_topics_are_left_out() {
        let now = Instant::now();
        let mut sampler = sampler();
        assert!(!sampler.takes("known/door", now));
        assert!(!sampler.takes("wanglou/v1/self/alarm/1", now));
        assert!(sampler.takes("unknown/door", now));
    }

    #[test]
    fn a_chatty_topic_is_taken_once_per_interval_and_leaves_room_for_others() {
        let now = Instant::now();
        let mut sampler = sampler();
        assert!(sampler.takes("chatty", now));
        for _ in 0..1000 {
            assert!(!sampler.takes("chatty", now));
        }
        assert!(sampler.takes("rare", now));
        assert!(sampler.takes("chatty", now + Duration::from_secs(5)));
    }

    #[test]
    fn many_topics_together_keep_to_the_rate() {
        let now = Instant::now();
        let mut sampler = sampler();
        let taken = (0..1000).filter(|n| sampler.takes(&format!("t/{n}"), now)).count();
        assert_eq!(taken, 3);
    }
}
