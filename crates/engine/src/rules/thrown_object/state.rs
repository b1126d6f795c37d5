//! What is known of throws: which hits are one throw, and which cameras are in a storm. Changed by observing only.

use super::settings::ThrownObjectSettings;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wanglou_model::{DeviceId, Evidence, ObjectSize, PlaceId, Reading, Span, Timestamp};

/// Throws of one façade that are remembered for merging; at the limit the oldest is forgotten.
pub(super) const THROWS_MAX: usize = 64;
/// Hits of one throw that are kept for merging and shown with their floors; more are counted only.
pub(super) const HITS_MAX: usize = 32;
/// A throw is remembered so long after its latest hit, by receive time.
const REMEMBERED: Span = Span::mins(2);

/// What goes into the snapshot.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) facades: BTreeMap<PlaceId, Facade>,
    pub(super) cameras: BTreeMap<DeviceId, Camera>,
    /// By weather station, since when it has reported rain last; absent while it is dry.
    pub(super) rain: BTreeMap<DeviceId, Timestamp>,
}

/// One façade.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Facade {
    pub(super) throws: Vec<Throw>,
    /// What the latest message came to; decided on right after it was observed.
    pub(super) latest: Option<Placed>,
}

/// Where a message belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) key: String,
    pub(super) how: How,
}

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
}

/// What is kept of a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) device: DeviceId,
    at: Timestamp,
    seen_at: Option<Timestamp>,
    track: Option<String>,
    pub(super) floors: Option<Range>,
    columns: Option<Range>,
    /// Its floors narrow the range down; those of a weak hit do not.
    counts: bool,
}

/// One throw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Throw {
    pub(super) key: String,
    /// When it was, as well as is known.
    pub(super) first_at: Timestamp,
    last_at: Timestamp,
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
}

/// One camera's hits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Camera {
    /// The latest, no more of them than tell a storm.
    hits: VecDeque<Timestamp>,
    pub(super) shelved_until: Option<Timestamp>,
    /// When the latest shelf ended.
    pub(super) unshelved_at: Option<Timestamp>,
}

impl Throw {
    fn new(key: String, hit: &Hit) -> Self {
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
        }
    }

    /// Takes a message in. Returns how it belongs.
    fn add(&mut self, hit: &Hit, worth: Worth) -> How {
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

    fn is_of(&self, hit: &Hit, settings: &ThrownObjectSettings) -> bool {
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

impl Facade {
    /// Finds or begins the throw that a message belongs to.
    pub(super) fn place(&mut self, name: &PlaceId, hit: &Hit, worth: Worth, settings: &ThrownObjectSettings) {
        self.throws.retain(|throw| hit.at - throw.last_at <= REMEMBERED);
        if hit.active && worth == Worth::NoThrow {
            self.latest = None;
            return;
        }
        let known = self.throws.iter_mut().rev().find(|throw| throw.is_of(hit, settings));
        self.latest = match known {
            Some(throw) => Some(Placed { how: throw.add(hit, worth), key: throw.key.clone() }),
            None if hit.active && matches!(worth, Worth::Certain | Worth::Unsure) => {
                Some(self.begin(name, hit, worth))
            }
            None => None,
        };
    }

    fn begin(&mut self, name: &PlaceId, hit: &Hit, worth: Worth) -> Placed {
        let first_at = hit.seen_at.unwrap_or(hit.at).0;
        let keys = (0..).map(|n| match n {
            0 => format!("{name}@{first_at}"),
            n => format!("{name}@{first_at}/{n}"),
        });
        let taken = |key: &String| self.throws.iter().any(|throw| throw.key == *key);
        let key = keys.into_iter().find(|key| !taken(key)).unwrap_or_default();
        let mut throw = Throw::new(key.clone(), hit);
        let how = throw.add(hit, worth);
        if self.throws.len() >= THROWS_MAX {
            self.throws.remove(0);
        }
        self.throws.push(throw);
        Placed { key, how }
    }

    /// The throw that the latest message belongs to.
    pub(super) fn of_latest(&self) -> Option<(&Throw, How)> {
        let placed = self.latest.as_ref()?;
        let throw = self.throws.iter().find(|throw| throw.key == placed.key)?;
        Some((throw, placed.how))
    }
}

impl Camera {
    /// Counts a hit; too many of them are a storm, and the camera is shelved.
    pub(super) fn count(&mut self, at: Timestamp, settings: &ThrownObjectSettings) {
        if self.is_shelved() {
            return;
        }
        self.hits.push_back(at);
        let limit = settings.storm_hits as usize;
        while self.hits.len() > limit + 1 {
            self.hits.pop_front();
        }
        let storm = self.hits.len() > limit
            && self.hits.front().is_some_and(|first| at - *first <= Span::secs(settings.storm_s));
        if storm {
            self.shelved_until = Some(at + Span::secs(settings.shelved_s));
            self.hits.clear();
        }
    }

    pub(super) fn is_shelved(&self) -> bool {
        self.shelved_until.is_some()
    }

    /// Ends the shelf if its time is over.
    pub(super) fn unshelve(&mut self, at: Timestamp) {
        if self.shelved_until.is_some_and(|until| until <= at) {
            (self.shelved_until, self.unshelved_at) = (None, Some(at));
        }
    }
}

/// What one message is worth, before the camera's own record is looked at. `poor_sight`: rain or dark.
pub(super) fn worth(reading: &Reading, settings: &ThrownObjectSettings, poor_sight: bool) -> Worth {
    let Reading::ThrownObject { drop_m, zone, speed_mps, horizontal_m, upward, confidence, .. } = reading
    else {
        return Worth::NoThrow;
    };
    let shielded = zone.as_ref().is_some_and(|zone| settings.shield_zones.contains(zone));
    let sideways = drop_m.zip(*horizontal_m).is_some_and(|(down, aside)| aside > down);
    let short = drop_m.is_some_and(|metres| metres < settings.drop_m);
    let flutters = speed_mps.is_some_and(|speed| speed < settings.flutter_mps);
    if *upward == Some(true) || short || sideways || flutters || (shielded && drop_m.is_none()) {
        return Worth::NoThrow;
    }
    let enough = if poor_sight { settings.confidence_poor_sight } else { settings.confidence };
    match confidence {
        None => Worth::Unsure,
        Some(confidence) if *confidence >= enough => Worth::Certain,
        Some(_) => Worth::Weak,
    }
}

/// A range of which one end, or none, may be missing; `None` when both are.
pub(super) fn range(min: Option<i32>, max: Option<i32>) -> Option<Range> {
    match (min, max) {
        (None, None) => None,
        (Some(a), Some(b)) => Some((a.min(b), a.max(b))),
        (min, max) => Some((min.unwrap_or(i32::MIN), max.unwrap_or(i32::MAX))),
    }
}

/// Every picture and clip of a message, each once.
pub(super) fn evidence(said: &[Evidence], reading: &Reading) -> Vec<Evidence> {
    let Reading::ThrownObject { clip, picture, .. } = reading else { return said.to_vec() };
    let more = clip.iter().chain(picture).filter(|found| !said.contains(found));
    said.iter().chain(more).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throw(ranges: &[Option<Range>]) -> Throw {
        let hit = |floors: &Option<Range>| Hit {
            device: DeviceId::parse("cam").expect("an id"),
            active: true,
            at: Timestamp(0),
            seen_at: None,
            late: false,
            track: None,
            floors: *floors,
            columns: None,
            size: None,
            people_below: false,
            confidence: None,
            event_key: None,
        };
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

    #[test]
    fn a_storm_is_more_than_ten_hits_within_ten_minutes() {
        let settings = ThrownObjectSettings::default();
        let mut slow = Camera::default();
        (0..100).for_each(|n| slow.count(Timestamp(0) + Span::secs(n * 61), &settings));
        assert!(!slow.is_shelved());
        let mut fast = Camera::default();
        (0..10).for_each(|n| fast.count(Timestamp(0) + Span::secs(n * 60), &settings));
        assert!(!fast.is_shelved());
        fast.count(Timestamp(0) + Span::secs(600), &settings);
        assert_eq!(fast.shelved_until, Some(Timestamp(0) + Span::secs(600 + 1_800)));
    }

    #[test]
    fn the_oldest_throw_is_forgotten_at_the_limit() {
        let (mut facade, name) = (Facade::default(), PlaceId::parse("facade/7/east").expect("a place"));
        let settings = ThrownObjectSettings::default();
        for column in 0..=THROWS_MAX as i32 {
            let mut hit = hit_at(column * 3);
            hit.track = Some(column.to_string());
            facade.place(&name, &hit, Worth::Unsure, &settings);
        }
        assert_eq!(facade.throws.len(), THROWS_MAX);
        assert!(facade.throws.iter().all(|throw| throw.hits[0].columns != Some((0, 0))));
        let keys: BTreeSet<&str> = facade.throws.iter().map(|throw| throw.key.as_str()).collect();
        assert_eq!(keys.len(), THROWS_MAX, "throws at the same time have keys of their own");
    }

    fn hit_at(column: i32) -> Hit {
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
        }
    }
}
