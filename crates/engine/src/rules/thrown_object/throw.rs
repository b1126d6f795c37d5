//! One throw: which hits are part of it, and what they tell together.

use super::settings::ThrownObjectSettings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wanglou_model::{DeviceId, ObjectSize, Span, Timestamp};

/// Hits of one throw that are kept for merging and shown with their floors; more are counted only.
pub(super) const HITS_MAX: usize = 32;

/// How a message belongs to its throw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// It is its first hit.
    First,
    /// Another camera saw it too.
    SecondCamera,
    /// Another hit of a camera that had seen it.
    Again,
    /// No hit of its own: the end of an event, or one too weak to count.
    More,
}

/// What a message is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// Sure enough by itself.
    Certain,
    /// The camera gives no confidence: a person looks.
    Unsure,
    /// Too little confidence, or shelved: it may add to a throw, never begin one.
    Weak,
    /// A bird, a leaf, laundry.
    NoThrow,
}

/// Floors or columns from–until, inclusive; an end that is not known is the type's own end.
pub(super) type Range = (i32, i32);

/// One message about a throw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    pub(super) device: DeviceId,
    pub(super) active: bool,
    /// Receive time.
    pub(super) at: Timestamp,
    /// By the camera's clock, if that can be trusted.
    pub(super) seen_at: Option<Timestamp>,
    pub(super) late: bool,
    pub(super) track: Option<String>,
    pub(super) floors: Option<Range>,
    pub(super) columns: Option<Range>,
    pub(super) size: Option<ObjectSize>,
    pub(super) people_below: bool,
    pub(super) confidence: Option<f64>,
    pub(super) event_key: Option<String>,
    /// Rain or fireworks: all façades see something.
    pub(super) in_sky: bool,
}

/// What is kept of a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) device: DeviceId,
    at: Timestamp,
    seen_at: Option<Timestamp>,
    track: Option<String>,
    pub(super) floors: Option<Range>,
    pub(super) columns: Option<Range>,
    /// Its floors narrow the range down; those of a weak hit do not.
    counts: bool,
}

/// One throw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Throw {
    pub(super) key: String,
    /// When it was, as well as is known.
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) event_key: Option<String>,
    pub(super) hits: Vec<Seen>,
    /// Cameras whose hits count.
    pub(super) cameras: BTreeSet<DeviceId>,
    /// A hit was certain by itself.
    pub(super) certain: bool,
    /// Every hit was older than ten minutes when it came.
    pub(super) late: bool,
    pub(super) people_below: bool,
    pub(super) size: Option<ObjectSize>,
    pub(super) confidence: Option<f64>,
    /// A second camera saw it while all façades saw something: that proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) in_sky: bool,
}

impl Throw {
    pub(super) fn new(key: String, hit: &Hit) -> Self {
        Self {
            key,
            first_at: hit.seen_at.unwrap_or(hit.at),
            last_at: hit.at,
            event_key: hit.event_key.clone(),
            hits: Vec::new(),
            cameras: BTreeSet::new(),
            certain: false,
            late: true,
            people_below: false,
            size: None,
            confidence: None,
            in_sky: false,
        }
    }

    /// Takes a message in. Returns how it belongs.
    pub(super) fn add(&mut self, hit: &Hit, worth: Worth) -> How {
        let how = match worth {
            _ if !hit.active => How::More,
            Worth::Weak | Worth::NoThrow => How::More,
            Worth::Certain | Worth::Unsure if self.cameras.is_empty() => How::First,
            Worth::Certain | Worth::Unsure if self.cameras.contains(&hit.device) => How::Again,
            Worth::Certain | Worth::Unsure => How::SecondCamera,
        };
        self.last_at = hit.at;
        if how != How::More {
            self.cameras.insert(hit.device.clone());
            self.certain |= worth == Worth::Certain;
            self.late &= hit.late;
            self.in_sky |= hit.in_sky && how == How::SecondCamera;
        }
        let counts = how != How::More || (!hit.active && self.cameras.contains(&hit.device));
        if counts {
            self.learn(hit);
        }
        if self.hits.len() < HITS_MAX {
            self.hits.push(Seen { counts, ..Seen::from(hit) });
        }
        how
    }

    fn learn(&mut self, hit: &Hit) {
        self.people_below |= hit.people_below;
        self.size = self.size.max(hit.size);
        self.confidence = match (self.confidence, hit.confidence) {
            (Some(best), Some(now)) => Some(best.max(now)),
            (best, now) => best.or(now),
        };
    }

    pub(super) fn is_of(&self, hit: &Hit, settings: &ThrownObjectSettings) -> bool {
        let same = |seen: &Seen| match (hit.active, &hit.track) {
            (true, _) => seen.is_same_track(hit) || seen.is_same_throw(hit, settings),
            (false, Some(_)) => seen.is_same_track(hit),
            // The end of an event that has no name: of the camera's latest.
            (false, None) => seen.device == hit.device,
        };
        self.hits.iter().any(same)
    }

    /// What all cameras agree on, and whether they do: the intersection of the floors that they saw, or the union
    /// of them when nothing is common to all. `None` when no camera told a floor.
    pub(super) fn floors(&self) -> Option<(Range, bool)> {
        let known = || self.hits.iter().filter(|seen| seen.counts).filter_map(|seen| seen.floors);
        let common = known().reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)))?;
        if common.0 <= common.1 {
            return Some((common, true));
        }
        let all = known().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some((all, false))
    }
}

impl From<&Hit> for Seen {
    fn from(hit: &Hit) -> Self {
        Self {
            device: hit.device.clone(),
            at: hit.at,
            seen_at: hit.seen_at,
            track: hit.track.clone(),
            floors: hit.floors,
            columns: hit.columns,
            counts: true,
        }
    }
}

impl Seen {
    fn is_same_track(&self, hit: &Hit) -> bool {
        self.device == hit.device && self.track.is_some() && self.track == hit.track
    }

    fn is_same_throw(&self, hit: &Hit, settings: &ThrownObjectSettings) -> bool {
        let near = |a: Timestamp, b: Timestamp, seconds| (a - b).0.abs() <= Span::secs(seconds).0;
        let then = match (self.seen_at, hit.seen_at) {
            (Some(a), Some(b)) => near(a, b, settings.merge_device_s),
            (None, _) | (_, None) => near(self.at, hit.at, settings.merge_receive_s),
        };
        then && overlap(self.columns, hit.columns, settings.merge_columns)
            && overlap(self.floors, hit.floors, 0)
    }
}

/// Do two ranges have something in common, or lie no farther apart than `gap`? The unknown overlaps everything.
fn overlap(a: Option<Range>, b: Option<Range>, gap: i32) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    a.0 <= b.1.saturating_add(gap) && b.0 <= a.1.saturating_add(gap)
}

/// A range of which one end, or none, may be missing; `None` when both are.
pub(super) fn range(min: Option<i32>, max: Option<i32>) -> Option<Range> {
    match (min, max) {
        (None, None) => None,
        (Some(a), Some(b)) => Some((a.min(b), a.max(b))),
        (min, max) => Some((min.unwrap_or(i32::MIN), max.unwrap_or(i32::MAX))),
    }
}

/// A bare hit in a column, for tests.
#[cfg(test)]
pub(super) fn hit_at(column: i32) -> Hit {
    Hit {
        device: DeviceId::parse("cam").expect("an id"),
        active: true,
        at: Timestamp(0),
        seen_at: None,
        late: false,
        track: None,
        floors: None,
        columns: Some((column, column)),
        size: None,
        people_below: false,
        confidence: None,
        event_key: None,
        in_sky: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throw(ranges: &[Option<Range>]) -> Throw {
        let hit = |floors: &Option<Range>| Hit { floors: *floors, ..hit_at(0) };
        let mut throw = Throw::new("k".into(), &hit(&None));
        ranges.iter().for_each(|floors| {
            throw.add(&hit(floors), Worth::Unsure);
        });
        throw
    }

    #[test]
    fn floors_are_what_all_cameras_agree_on_or_else_all_that_they_saw() {
        assert_eq!(throw(&[None]).floors(), None);
        assert_eq!(throw(&[Some((12, 14)), None, Some((13, 15))]).floors(), Some(((13, 14), true)));
        assert_eq!(throw(&[Some((12, 13)), Some((15, 16))]).floors(), Some(((12, 16), false)));
        let open_end = range(Some(13), None);
        assert_eq!(throw(&[Some((12, 14)), open_end]).floors(), Some(((13, 14), true)));
    }
}
