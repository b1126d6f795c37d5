//! How much each device says. No metric: a device's id is no label.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use wanglou_model::DeviceId;

/// Counted over at least this time, and at most twice as long.
const OVER: Duration = Duration::from_secs(1_800);

/// Messages of each registered device, over the last half hour to hour. The registry is the limit.
#[derive(Debug, Clone, Default)]
pub struct Talk {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    now: BTreeMap<DeviceId, u64>,
    before: BTreeMap<DeviceId, u64>,
    /// When `now` began, and how long `before` had.
    began: Option<Instant>,
    before_lasted: Duration,
}

impl Talk {
    /// A device that is registered said something.
    pub fn said(&self, device: &DeviceId) {
        let mut counts = self.counts();
        match counts.now.get_mut(device) {
            Some(count) => *count += 1,
            None => {
                counts.now.insert(device.clone(), 1);
            }
        }
    }

    /// Begins a new half hour where one is over.
    pub fn turn(&self, now: Instant) {
        let mut counts = self.counts();
        let lasted = now.duration_since(*counts.began.get_or_insert(now));
        if lasted >= OVER {
            counts.before = std::mem::take(&mut counts.now);
            (counts.before_lasted, counts.began) = (lasted, Some(now));
        }
    }

    /// Those that said the most, with their messages per minute, and the time that was counted over.
    pub fn chattiest(&self, now: Instant, at_most: usize) -> (Vec<(DeviceId, f64)>, Duration) {
        let counts = self.counts();
        let began = counts.began.unwrap_or(now);
        let over = now.duration_since(began) + counts.before_lasted;
        let mut sums: BTreeMap<&DeviceId, u64> = BTreeMap::new();
        for (device, count) in counts.now.iter().chain(&counts.before) {
            *sums.entry(device).or_default() += count;
        }
        let mut sums: Vec<(&DeviceId, u64)> = sums.into_iter().collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let minutes = (over.as_secs_f64() / 60.0).max(1.0);
        let rate = |(device, count): (&DeviceId, u64)| (device.clone(), count as f64 / minutes);
        (sums.into_iter().take(at_most).map(rate).collect(), over)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> DeviceId {
        DeviceId::parse(name).expect("an id")
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_says_the_most_comes_first_and_old_chatter_is_forgotten() {
        let (talk, began) = (Talk::default(), Instant::now());
        talk.turn(began);
        for _ in 0..60 {
            talk.said(&id("noisy"));
        }
        talk.said(&id("calm"));
        let (first, over) = talk.chattiest(began + Duration::from_secs(600), 5);
        assert_eq!(first, vec![(id("noisy"), 6.0), (id("calm"), 0.1)]);
        assert_eq!(over, Duration::from_secs(600));
        assert_eq!(talk.chattiest(began, 1).0.len(), 1);
        talk.turn(began + OVER);
        talk.said(&id("calm"));
        let (then, _) = talk.chattiest(began + OVER, 5);
        assert_eq!(then, vec![(id("noisy"), 2.0), (id("calm"), 2.0 / 30.0)]);
        talk.turn(began + OVER * 2);
        assert_eq!(talk.chattiest(began + OVER * 2, 5).0, vec![(id("calm"), 1.0 / 30.0)]);
    }
}
