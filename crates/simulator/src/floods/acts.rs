//! What people and phones do in a flood, and what people tell on an ordinary day. No sensor says that: it does not come
//! over MQTT, and whoever publishes a flood to a broker leaves it out.

use super::{Flood, backlog, fire};
use crate::day::Day;
use crate::random::Random;
use crate::rhythm::{self, per_day};
use jiff::tz::TimeZoneDatabase;
use wanglou_model::{Category, OfficerId, PhoneState, PlaceId, PlaceKind, Report, Site, Span, Timestamp};

/// Something that no sensor says.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// The broker is lost (`true`), or back.
    Broker(bool),
    /// Somebody's phone comes or goes.
    Phone(OfficerId, PhoneState),
    /// A resident tells of something; the id is the sender's.
    Report(Report, String),
    /// Both sign the list of what is open: the first goes home.
    Handover(OfficerId, OfficerId),
}

const REPORTS_IN_A_FIRE: usize = 40;

/// What happens beside the traffic of a flood that begins at `begin`, in the order of time.
pub fn acts(flood: Flood, site: &Site, seed: u64, begin: Timestamp) -> Vec<(Timestamp, Act)> {
    let mut acts = match flood {
        Flood::F2 => {
            let back = begin + Span((backlog::OUT_S * 1e6) as i64);
            vec![(begin, Act::Broker(true)), (back, Act::Broker(false))]
        }
        Flood::F3 => reports_of_fire(seed, begin),
        Flood::F8 => handover(site, begin),
        Flood::F1 | Flood::F4 | Flood::F5 | Flood::F6 | Flood::F7 => Vec::new(),
    };
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn reports_of_fire(seed: u64, begin: Timestamp) -> Vec<(Timestamp, Act)> {
    let mut random = Random::of(seed, &[6]);
    let report = |number: usize| {
        let at = begin + random.seconds(60.0, 900.0);
        let unit = 1 + random.below(2);
        let place = match random.below(3) {
            0 => fire::BUILDING.to_owned(),
            1 => format!("{}/{unit}", fire::BUILDING),
            _ => format!("{}/{unit}/{}F", fire::BUILDING, 1 + random.below(18)),
        };
        let report = Report {
            category: Category::Fire,
            text: "楼道里有烟".to_owned(),
            place: PlaceId::parse(&place).ok(),
            position: None,
            photos: Vec::new(),
        };
        (at, Act::Report(report, format!("fire-{number}")))
    };
    (0..REPORTS_IN_A_FIRE).map(report).collect()
}

/// The early posts hand over to the late ones five minutes into the storm, one after the other; one who comes on duty
/// has a phone that is off, and so has the officer.
fn handover(site: &Site, begin: Timestamp) -> Vec<(Timestamp, Act)> {
    let id = |name: &str| OfficerId::parse(name).ok().filter(|id| site.officers.contains_key(id));
    let (mut acts, change) = (Vec::new(), begin + Span::mins(5));
    let mut off = |name: &str, from: Timestamp, until: Option<Timestamp>| {
        let Some(officer) = id(name) else { return };
        acts.push((from, Act::Phone(officer.clone(), PhoneState::Offline)));
        acts.extend(until.map(|until| (until, Act::Phone(officer, PhoneState::Online))));
    };
    off("chen", begin - Span::mins(2), None);
    off("zheng", begin, Some(begin + Span::mins(11)));
    for (number, (from, to)) in [("zhao", "qian"), ("feng", "chu")].into_iter().enumerate() {
        if let (Some(from), Some(to)) = (id(from), id(to)) {
            let at = change + Span::secs(10 + 30 * number as i64);
            acts.push((at, Act::Handover(from, to)));
        }
    }
    acts
}

/// What residents tell in ordinary days: two a day, in the order of time.
pub fn reports(site: &Site, seed: u64, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Act)> {
    const ABOUT: [(&str, &str); 4] = [
        ("broken_light", "路灯不亮"),
        ("rubbish", "楼道堆物"),
        ("broken_door", "单元门关不严"),
        ("water", "地面积水"),
    ];
    let Ok(zone) = TimeZoneDatabase::bundled().get(&site.zone) else { return Vec::new() };
    let is_told_of =
        |kind: PlaceKind| matches!(kind, PlaceKind::Unit | PlaceKind::Building | PlaceKind::Zone);
    let places = site.places.iter().filter(|(_, place)| is_told_of(place.kind));
    let places: Vec<&PlaceId> = places.map(|(id, _)| id).collect();
    let (mut told, mut day) = (Vec::new(), Day::of(from, &zone));
    while day.start < until {
        let mut random = Random::of(seed, &[7, day.number()]);
        let n = random.count(per_day::REPORTS);
        for moment in rhythm::AWAKE.moments(n, &mut random) {
            let (category, text) = ABOUT[random.below(ABOUT.len())];
            let report = Report {
                category: category.to_owned().into(),
                text: text.to_owned(),
                place: random.pick(&places).map(|place| (*place).clone()),
                position: None,
                photos: Vec::new(),
            };
            let at = day.start + moment;
            told.push((at, Act::Report(report, format!("day-{}", at.0))));
        }
        day = day.next(&zone);
    }
    told.retain(|(at, _)| (from..until).contains(at));
    told
}
