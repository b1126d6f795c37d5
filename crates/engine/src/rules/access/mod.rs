//! Doors (`access_forced`, `access_held`, `access_denied`, `access_duress`) and hits of watch-lists (`watch_hit`).
//!
//! Subject: the place of the door. Keys: that place. What a door controller buffered while it was offline is history,
//! not news; a door that the fire relay or a power failure let go was not forced.
//!
//! ```text
//!  opened ── grant or exit button within 5 s before, or 3 s after? ── yes ─► allowed (reopened ≤ 10 s after: too)
//!     │                                                             └ no ──► forced: P3, at night P2
//!     └─ 30 s beep ─ 5 min P4 ─ 30 min P3 ── shut: it ends by itself
//! ```

mod door;
mod release;
mod settings;
mod words;

pub use settings::AccessSettings;

use super::sensing::{mark_of, over, self_tested, there};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers};
use crate::alarm::Alarm;
use crate::command::closed;
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use door::{Door, News};
use release::Releases;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, Command, Device, DeviceId, Fact, Ladder, Mark, Op, Outcome, PlaceId, Priority, Purpose,
    Reading, Reason, Rung, Span, Timestamp,
};
pub(super) use words::WATCH_HIT;
use words::{DENIED, DURESS, FORCED, HELD};

/// Slots of its timers on a door: an opening is judged; it stands open for so long.
const JUDGE: u8 = 0;
const LOOK: u8 = 1;
/// The slot of its timer on a hit: nobody reviewed it.
const EXPIRES: u8 = 0;
/// An opening whose news is older than this was not just now.
const FRESH: Span = Span::secs(30);

/// The rule.
#[derive(Debug)]
pub(crate) struct Access {
    settings: AccessSettings,
    /// The controllers of each door, and whether requests to exit are wired to one.
    controllers: BTreeMap<PlaceId, Vec<(DeviceId, bool)>>,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    doors: BTreeMap<PlaceId, Door>,
    releases: Releases,
}

impl Access {
    pub(crate) fn new(settings: AccessSettings) -> Self {
        Self { settings, controllers: BTreeMap::new(), kept: Kept::default() }
    }

    /// May an opening be judged as forced: exit buttons are wired, the controller is there, and it is news of now?
    fn may_judge(&self, senses: &Senses, setup: &Setup, said: &Sighting) -> bool {
        let place = &said.device.place;
        let here = self.controllers.get(place).map(Vec::as_slice).unwrap_or_default();
        let online =
            |id: &DeviceId| setup.site.devices.get(id).is_some_and(|device| !senses.is_unknown(id, device));
        let wired = here.iter().any(|(id, rex)| *rex && online(id));
        let back = self.kept.doors.get(place).and_then(|door| door.back_at);
        let fresh =
            said.is_news() && said.freshness == Freshness::Fresh && senses.at - said.occurred <= FRESH;
        wired && fresh && back.is_none_or(|back| said.occurred >= back)
    }

    fn with_door(
        &mut self,
        senses: &Senses,
        place: &PlaceId,
        timers: &mut RuleTimers,
        change: impl FnOnce(&mut Door, &AccessSettings),
    ) -> bool {
        let door = self.kept.doors.entry(place.clone()).or_default();
        door.news.clear();
        change(door, &self.settings);
        let judged = door.pending.map(|opened| opened + Span::secs(self.settings.grant_after_s));
        let look = door.next_look(&self.settings, senses.at);
        for (slot, due) in [(JUDGE, judged), (LOOK, look)] {
            match due {
                Some(due) => timers.arm(place, slot, due.max(senses.at)),
                None => timers.disarm(place, slot),
            }
        }
        !door.news.is_empty()
    }

    fn contact(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        said: &Sighting,
        open: bool,
        timers: &mut RuleTimers,
    ) -> bool {
        let judge = self.may_judge(senses, setup, said);
        let (at, now, edge) = (said.occurred, senses.at, said.is_news());
        let place = said.device.place.clone();
        let mut opened = false;
        let news = self.with_door(senses, &place, timers, |door, settings| {
            let changes = door.open_since.is_some() != open;
            if changes && edge {
                door.moved(settings, at, now);
            }
            if open && changes {
                door.opened(settings, at, now, judge && !door.is_shelved(now));
                door.mark = mark_of(said.freshness);
                opened = door.pending.is_some();
            } else if !open {
                door.shut(at);
            }
        });
        if opened {
            self.kept.releases.opened(&place, at);
        }
        news
    }

    fn event(&mut self, senses: &Senses, said: &Sighting, result: &str, timers: &mut RuleTimers) -> bool {
        let (at, now) = (said.occurred, senses.at);
        let old = said.freshness != Freshness::Fresh;
        let news = said.is_news() || said.freshness == Freshness::Replayed;
        let place = said.device.place.clone();
        self.with_door(senses, &place, timers, |door, settings| match result {
            "granted" => {
                door.granted(settings, at);
                door.valid_grant();
            }
            "rex" => door.granted(settings, at),
            "denied" if !old => door.denied(settings, at),
            "duress" if news => {
                door.granted(settings, at);
                door.mark = mark_of(said.freshness);
                door.news.push(News::Duress);
            }
            "forced" if !old && now - at <= FRESH && !door.is_shelved(now) => door.pending = Some(at),
            "held_open" => door.opened(settings, at, now, false),
            _ => {}
        })
    }

    fn door(&self, place: &PlaceId) -> Option<&Door> {
        self.kept.doors.get(place)
    }

    fn concerning(
        &self,
        world: &World,
        place: &Subject,
        news: News,
        said: Option<&Sighting>,
    ) -> Vec<Proposal> {
        let suppressed = |kind: &str, reason: Reason| {
            vec![Proposal::Fact(Fact::Suppressed { kind: kind_of(kind), place: place.clone(), reason })]
        };
        match news {
            News::Forced { at } => match self.kept.releases.of(world, &self.settings, place, at) {
                Some(reason) => suppressed(FORCED, reason),
                None => self.forced(world, place, at),
            },
            News::Beep => {
                let reason =
                    Reason::new("beep", "门未关，门口提示音", "the door stands open: it beeps there");
                let (kind, place) = (kind_of(HELD), place.clone());
                vec![Proposal::Fact(Fact::Watched { kind, place, stage: "beep".into(), reason })]
            }
            News::Held | News::HeldLong => match self.why_not_held(world, place) {
                Some(reason) => suppressed(HELD, reason),
                None => self.held(world, place, news == News::HeldLong).into_iter().collect(),
            },
            News::Shut => {
                let reason = Reason::new("door_shut", "门已关", "the door is shut");
                over(world, &kind_of(HELD), place.as_str(), Outcome::Ok, &reason)
            }
            News::Denied => self.denied(world, place, said).into_iter().collect(),
            News::Granted => {
                let reason = Reason::new("granted", "随后正常开门", "let in after all");
                over(world, &kind_of(DENIED), place.as_str(), Outcome::Ok, &reason)
            }
            News::Duress => self.duress(place, said).into_iter().collect(),
            News::Flapping => {
                let zh = "门磁反复跳变，半小时内不作判断";
                suppressed(
                    FORCED,
                    Reason::new("contact_flapping", zh, "the contact flaps: not believed for half an hour"),
                )
            }
        }
    }

    fn forced(&self, world: &World, place: &Subject, at: Timestamp) -> Vec<Proposal> {
        let night = world.local_at(at).is_between(self.settings.night_from, self.settings.night_until);
        let priority = if night { Priority::P2 } else { Priority::P3 };
        let reason = Reason::new("forced", "未授权开门", "opened without a grant or an exit button");
        vec![Proposal::Raise(Box::new(self.raise(FORCED, place, priority, at, reason)))]
    }

    fn raise(
        &self,
        kind: &'static str,
        place: &Subject,
        priority: Priority,
        first_at: Timestamp,
        reason: Reason,
    ) -> Raise {
        let mut raise = Raise::new(place.as_str(), place, priority, first_at, reason);
        raise.kind = Some(kind);
        raise.merge = Span::secs(self.settings.merge_s);
        raise.device = self.controllers.get(place).and_then(|here| here.first()).map(|(id, _)| id.clone());
        raise
    }

    /// Work there is entered, the door was let go, or its contact is not believed.
    fn why_not_held(&self, world: &World, place: &Subject) -> Option<Reason> {
        let wall = world.senses.wall(world.at);
        let devices = world.setup.site.devices.iter().filter(|(_, device)| device.place == *place);
        let mut ids = devices.map(|(id, _)| id);
        if ids.any(|id| world.senses.register.permits_for(world.setup, id, wall, Span::ZERO).next().is_some())
        {
            return Some(Reason::new("permit", "有作业登记，开门不告警", "work is permitted here"));
        }
        if self.door(place).is_some_and(|door| door.is_shelved(world.at)) {
            return Some(Reason::new("contact_flapping", "门磁反复跳变", "the contact flaps"));
        }
        self.kept.releases.of(world, &self.settings, place, world.at)
    }

    fn held(&self, world: &World, place: &Subject, long: bool) -> Option<Proposal> {
        let door = self.door(place)?;
        let since = door.open_since?;
        let (priority, reason) = if long {
            (
                Priority::P3,
                Reason::new("held_long", "门已开半小时以上", "the door has stood open for half an hour"),
            )
        } else {
            (Priority::P4, Reason::new("held", "门长时间未关", "the door stands open"))
        };
        let mut raise = self.raise(HELD, place, priority, since, reason);
        raise.mark = door.mark;
        there(world, &kind_of(HELD), None, raise)
    }

    fn denied(&self, world: &World, place: &Subject, said: Option<&Sighting>) -> Option<Proposal> {
        let reason = Reason::new("denied", "一分钟内多次刷卡被拒", "denied again and again within a minute");
        let mut raise = self.raise(DENIED, place, Priority::P3, world.at, reason);
        if let Some(said) = said {
            (raise.first_at, raise.device) = (said.occurred, Some(said.id.clone()));
            raise.event_key = said.event_key();
        }
        Some(Proposal::Raise(Box::new(raise)))
    }

    fn duress(&self, place: &Subject, said: Option<&Sighting>) -> Option<Proposal> {
        let said = said?;
        let reason = Reason::new(
            "duress",
            "胁迫码开门：门口不作任何提示",
            "a duress code was used: nothing is shown at the door",
        );
        let mut raise = self.raise(DURESS, place, Priority::P1, said.occurred, reason).seen_by(said);
        raise.mark = mark_of(said.freshness).filter(|mark| *mark == Mark::Late);
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// A hint for named people: no score, no dispatch, gone after ten minutes.
    fn hit(&self, place: &Subject, said: &Sighting) -> Option<Proposal> {
        let Reading::WatchHit { hit_id, .. } = &said.said.reading else { return None };
        if said.freshness != Freshness::Fresh || !said.is_news() {
            return None;
        }
        if self.settings.reviewers.is_empty() {
            let reason = Reason::new(
                "no_reviewer",
                "没有指定复核人，未保留",
                "nobody is named to review it: not kept",
            );
            return Some(Proposal::Fact(Fact::Suppressed {
                kind: kind_of(WATCH_HIT),
                place: place.clone(),
                reason,
            }));
        }
        let reason = Reason::new("watch_hit", "比对提示，待复核", "a hit, to be reviewed");
        let key = format!("{place}:{hit_id}");
        let mut raise = Raise::new(key, place, Priority::P4, said.occurred, reason).seen_by(said);
        raise.kind = Some(WATCH_HIT);
        raise.merge = Span::secs(self.settings.hit_expires_s);
        raise.details = BTreeMap::from([
            ("hit_id".to_owned(), hit_id.as_str().into()),
            ("confidential".to_owned(), true.into()),
        ]);
        let shown =
            Rung { ring: false, ..rung(Span::ZERO, vec![Audience::People(self.settings.reviewers.clone())]) };
        raise.ladder = Some(Ladder { rungs: vec![shown], ..default_ladder(Priority::P4) });
        Some(Proposal::Raise(Box::new(raise)))
    }
}

impl Rule for Access {
    fn name(&self) -> &'static str {
        "access"
    }

    fn words(&self) -> KindWords {
        words::of("access").expect("the words of the rule itself are written beside it")
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        words::of(kind)
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::DoorAccess | Purpose::DoorContact | Purpose::FireRelay)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        match reading {
            Reading::Access { .. } | Reading::WatchHit { .. } => true,
            Reading::Contact { .. } | Reading::Availability { .. } | Reading::DeviceFault { .. } => {
                self.listens(device)
            }
            Reading::Input { .. } | Reading::Actuator { .. } => device.purpose == Purpose::FireRelay,
            Reading::LiftStatus { mode, .. } => mode.is_some(),
            _ => false,
        }
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.access);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.access.clone();
        self.controllers = BTreeMap::new();
        let known = setup.site.devices.iter().filter(|(_, device)| device.purpose == Purpose::DoorAccess);
        for (id, device) in known {
            self.controllers.entry(device.place.clone()).or_default().push((id.clone(), device.rex_wired));
        }
        for gone in self.kept.doors.keys().filter(|place| !setup.site.places.contains_key(*place)) {
            timers.disarm(gone, JUDGE);
            timers.disarm(gone, LOOK);
        }
        self.kept.doors.retain(|place, _| setup.site.places.contains_key(place));
        self.kept.releases.forget_gone(setup);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let subject = sighting.device.place.clone();
        if sighting.duplicate {
            return None;
        }
        if sighting.freshness == Freshness::Test {
            return matches!(sighting.said.reading, Reading::Access { .. }).then_some(subject);
        }
        if self.kept.releases.see(sighting) {
            return None;
        }
        let news = match &sighting.said.reading {
            Reading::Contact { open: Some(open), .. } => self.contact(senses, setup, sighting, *open, timers),
            Reading::Access { result, .. } => self.event(senses, sighting, result, timers),
            Reading::WatchHit { .. } => true,
            _ => false,
        };
        news.then_some(subject)
    }

    fn due(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        subject: &Subject,
        slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        if !self.kept.doors.contains_key(subject) {
            return false;
        }
        let now = senses.at;
        let news = self.with_door(senses, subject, timers, |door, settings| match slot {
            JUDGE => door.news.extend(door.pending.take().map(|at| News::Forced { at })),
            _ => door.look(settings, now),
        });
        permit_end(senses, setup, subject, timers);
        news
    }

    fn health(&mut self, senses: &Senses, setup: &Setup, device: &DeviceId, _timers: &mut RuleTimers) {
        let behind = setup.behind.get(device).into_iter().flatten().chain([device]);
        for id in behind {
            let Some(known) = setup.site.devices.get(id).filter(|known| known.purpose == Purpose::DoorAccess)
            else {
                continue;
            };
            if !senses.is_unknown(id, known) {
                self.kept.doors.entry(known.place.clone()).or_default().back_at = Some(senses.at);
            }
        }
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => Some(said),
            Cause::Due { .. } => None,
            Cause::Resumed => return Vec::new(),
        };
        if said.is_some_and(|said| said.freshness == Freshness::Test) {
            return vec![self_tested(&kind_of("access"), subject)];
        }
        if let Some(said) = said.filter(|said| matches!(said.said.reading, Reading::WatchHit { .. })) {
            return self.hit(subject, said).into_iter().collect();
        }
        let news = self.door(subject).map(|door| door.news.as_slice()).unwrap_or_default();
        news.iter().flat_map(|news| self.concerning(world, subject, *news, said)).collect()
    }

    fn alarm_due(&self, _world: &World, alarm: &Alarm, slot: u8) -> Vec<Proposal> {
        if slot != EXPIRES || alarm.kind.as_str() != WATCH_HIT {
            return Vec::new();
        }
        let (zh, en) = ("无人复核，已删除", "nobody reviewed it: gone");
        vec![Proposal::Fact(closed(alarm, Outcome::Unverified, "expired", zh, en))]
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let at = world.at + Span::secs(self.settings.hit_expires_s);
        let expires = Fact::Armed { alarm: alarm.id.clone(), timer: EXPIRES, at };
        if alarm.kind.as_str() == WATCH_HIT { vec![expires] } else { Vec::new() }
    }

    fn actions(&self, _world: &World, alarm: &Alarm) -> Vec<&'static str> {
        if alarm.kind.as_str() == WATCH_HIT { vec!["confirm"] } else { Vec::new() }
    }

    fn command(&self, _world: &World, alarm: &Alarm, command: &Command) -> Option<Result<Vec<Fact>, Reason>> {
        let reviews = matches!(command.op, Op::Confirm) && alarm.kind.as_str() == WATCH_HIT;
        let (zh, en) = ("已复核，另行处置", "reviewed: what follows is dispatched by people");
        let over = || vec![closed(alarm, Outcome::Real, "reviewed", zh, en)];
        reviews.then(|| Ok(over()))
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

/// A door that stands open under a permit is looked at again when that ends.
fn permit_end(senses: &Senses, setup: &Setup, place: &PlaceId, timers: &mut RuleTimers) {
    let wall = senses.wall(senses.at);
    let here = setup.site.devices.iter().filter(|(_, device)| device.place == *place).map(|(id, _)| id);
    let ends = here.flat_map(|id| {
        senses.register.permits_for(setup, id, wall, Span::ZERO).map(|permit| senses.from_wall(permit.until))
    });
    let Some(end) = ends.max() else { return };
    if timers.due(place, LOOK).is_some_and(|due| end < due) {
        timers.arm(place, LOOK, end);
    }
}
