//! What is known of one lane: who stands in its segments, and since when.

use super::settings::FireLaneSettings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{Mark, Span, Timestamp};

/// News that is older than this comes out of a buffer, and has so long to say the contrary.
const BUFFERED: Span = Span::mins(1);
/// Who was there for less than this has driven by (A).
const STANDS: Span = Span::secs(30);
/// Cars of one lane that are kept; more are not told from those without a plate.
const CARS_MAX: usize = 64;

/// What is to be decided on, each about the car of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum News {
    /// It has just come: matters during a fire.
    Came(String),
    /// It has been there for long enough.
    Stands(String),
    /// It is gone.
    Gone(String),
    /// The camera does not see the lane.
    Blind,
}

/// One car.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Car {
    pub(super) segment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plate: Option<String>,
    pub(super) since: Timestamp,
    /// It came with old news, of which more may follow: not judged before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Timestamp>,
    /// Somebody loads it, since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attended: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<Mark>,
    /// It has stood for long enough, and that was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
    /// That it is gone was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
}

/// What a camera says of one car.
pub(super) struct Sight<'a> {
    pub(super) segment: &'a str,
    pub(super) plate: Option<&'a str>,
    pub(super) present: bool,
    pub(super) attended: Option<bool>,
    pub(super) at: Timestamp,
    /// When it was heard.
    pub(super) now: Timestamp,
    pub(super) mark: Option<Mark>,
}

/// What is known of a lane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Lane {
    pub(super) cars: BTreeMap<String, Car>,
    /// The camera has not seen the lane since then: UNKNOWN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) blind: Option<Timestamp>,
    /// A geomagnet says that something stands on it, since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) occupied: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) news: Vec<News>,
}

impl Car {
    pub(super) fn is_here(&self) -> bool {
        self.gone.is_none()
    }

    /// Can it be the one that comes into sight again? Of cars without a plate one that was there for moments has driven by,
    /// unless it was out of sight for less than that: then a camera's detection flickers.
    fn stood(&self, gone: Timestamp, back: Timestamp) -> bool {
        let seen = gone - self.since;
        self.plate.is_some() || seen >= STANDS || back - gone < seen
    }

    /// From when on it has stood for too long.
    fn due(&self, settings: &FireLaneSettings) -> Timestamp {
        let stands = self.since + Span::secs(settings.owner_s);
        let loads = self.attended.map(|since| since + Span::secs(settings.attended_s));
        let due = loads.map_or(stands, |until| until.max(stands));
        self.not_before.map_or(due, |begin| begin.max(due))
    }
}

impl Lane {
    pub(super) fn see(&mut self, settings: &FireLaneSettings, sight: &Sight) {
        let full = self.cars.len() >= CARS_MAX;
        let plate = sight.plate.filter(|_| !full);
        let key = format!("{}:{}", sight.segment, plate.unwrap_or("?"));
        let hidden = Span::secs(settings.hidden_s);
        if !sight.present {
            if let Some(car) = self.cars.get_mut(&key) {
                car.gone.get_or_insert(sight.at);
            }
            return;
        }
        let back = |car: &Car, gone: Timestamp| sight.at - gone <= hidden && car.stood(gone, sight.at);
        let stays = self.cars.get(&key).is_some_and(|car| car.gone.is_none_or(|gone| back(car, gone)));
        if !stays {
            let (segment, plate) = (sight.segment.to_owned(), plate.map(str::to_owned));
            let (since, mark) = (sight.at, sight.mark);
            let old = sight.now - sight.at > BUFFERED;
            let car = Car {
                segment,
                plate,
                since,
                not_before: old.then_some(sight.now + BUFFERED),
                gone: None,
                attended: None,
                mark,
                told: false,
                left: false,
            };
            self.cars.insert(key.clone(), car);
            self.news.push(News::Came(key.clone()));
        }
        let Some(car) = self.cars.get_mut(&key) else { return };
        car.gone = None;
        if std::mem::take(&mut car.left) {
            car.told = false;
        }
        car.attended = match sight.attended {
            Some(true) => car.attended.or(Some(sight.at)),
            Some(false) => None,
            None => car.attended,
        };
    }

    /// The camera sees the lane again: what it did not see is not counted.
    pub(super) fn sees_again(&mut self, now: Timestamp) {
        let Some(blind) = self.blind.take() else { return };
        for car in self.cars.values_mut().filter(|car| !car.told) {
            car.since = car.since.max(blind.min(car.since)) + (now - blind.max(car.since));
        }
    }

    /// When to look next.
    pub(super) fn next_look(&self, settings: &FireLaneSettings) -> Option<Timestamp> {
        if self.blind.is_some() {
            return None;
        }
        let of_car = |car: &Car| match car.gone {
            None => (!car.told).then(|| car.due(settings)),
            Some(gone) if !car.left => Some(self.left_at(settings, car, gone)),
            Some(gone) => Some(gone + Span::secs(settings.hidden_s) + Span(1)),
        };
        self.cars.values().filter_map(of_car).min()
    }

    /// A car that is gone has left when its segment was empty for long enough; hidden by another, later.
    fn left_at(&self, settings: &FireLaneSettings, car: &Car, gone: Timestamp) -> Timestamp {
        let beside = self.cars.values().any(|other| other.segment == car.segment && other.is_here());
        gone + Span::secs(if beside { settings.hidden_s.max(settings.empty_s) } else { settings.empty_s })
    }

    /// What time alone has brought.
    pub(super) fn look(&mut self, settings: &FireLaneSettings, now: Timestamp) {
        if self.blind.is_some() {
            return;
        }
        let gone_at: BTreeMap<String, Timestamp> = self
            .cars
            .iter()
            .filter_map(|(key, car)| Some((key.clone(), self.left_at(settings, car, car.gone?))))
            .collect();
        for (key, car) in &mut self.cars {
            match gone_at.get(key) {
                None if !car.told && car.due(settings) <= now => {
                    car.told = true;
                    self.news.push(News::Stands(key.clone()));
                }
                Some(left) if !car.left && *left <= now => {
                    car.left = true;
                    self.news.push(News::Gone(key.clone()));
                }
                _ => {}
            }
        }
        let hidden = Span::secs(settings.hidden_s.max(settings.empty_s));
        self.cars.retain(|_, car| car.gone.is_none_or(|gone| !car.left || now - gone <= hidden));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen for so many seconds, then not for so many, again and again for an hour: when it is told of.
    fn told_after(seen_s: i64, hidden_s: i64) -> Option<i64> {
        let (mut lane, settings) = (Lane::default(), FireLaneSettings::default());
        for second in 0..3_600 {
            let now = Timestamp(0) + Span::secs(second);
            let present = match second % (seen_s + hidden_s) {
                0 => Some(true),
                part if part == seen_s => Some(false),
                _ => None,
            };
            if let Some(present) = present {
                let (segment, plate, attended, mark) = ("a", None, None, None);
                lane.see(&settings, &Sight { segment, plate, present, attended, at: now, now, mark });
            }
            lane.look(&settings, now);
            if lane.news.iter().any(|news| matches!(news, News::Stands(_))) {
                return Some(second);
            }
        }
        None
    }

    #[test]
    fn a_parked_car_whose_detection_flickers_is_told_of() {
        assert_eq!(told_after(25, 5), Some(180));
        assert_eq!(told_after(3, 2), Some(180));
    }

    #[test]
    fn cars_that_drive_by_with_longer_gaps_are_not() {
        assert_eq!(told_after(10, 80), None);
        assert_eq!(told_after(25, 25), None, "as long as they were there");
    }
}
