//! What follows from a look at a home: stages, visits and repairs, with the words that people read. They say the
//! stage, never when a door moved.

use super::home::{News, Trouble};
use super::settings::{LivingAloneSettings, secs};
use super::{LivingAlone, reason, text};
use crate::alarm::Alarm;
use crate::command::{closed, stood_down};
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::rules::{KindWords, Proposal, Raise};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, CallAnswer, Channel, DeviceId, Fact, Ladder, Outcome, PlaceId, Priority, Reason, Reopening,
    Response, Role, Rung, Span, StopsAt,
};

const KIND: &str = "living_alone";
/// The reason of an end that nobody's eyes brought about.
const STOOD_DOWN: &str = "stood_down";
const DOOR_SHUT: &str = "door_shut";

fn inactive_key(place: &PlaceId) -> String {
    format!("inactive:{place}")
}

fn visit_key(place: &PlaceId) -> String {
    format!("visit:{place}")
}

/// Does it have the stages from call to police?
pub(super) fn is_ladder(alarm: &Alarm) -> bool {
    alarm.key.starts_with("inactive:")
}

/// Somebody took it and is not there.
pub(super) fn is_under_way(alarm: &Alarm) -> bool {
    matches!(alarm.response, Response::Accepted | Response::EnRoute)
}

/// Does its end mean that somebody saw or spoke to the resident of its home?
pub(super) fn was_seen_by_somebody(alarm: &Alarm, reason: &Reason) -> bool {
    let asked_after = alarm.kind.as_str() == KIND || alarm.kind.as_str() == "door_open";
    asked_after && reason.code != STOOD_DOWN && reason.code != DOOR_SHUT
}

pub(super) fn words() -> KindWords {
    KindWords {
        title: text("独居老人关怀", "Living alone"),
        advice: vec![
            text("先打电话问候，语气平和", "Telephone first; a calm hello is enough"),
            text(
                "无人接听就上门敲门，给老人留出走到门口的时间",
                "No answer: knock, and give them time to come to the door",
            ),
            text(
                "见到本人或通上话后，点“处理结果”选“平安”",
                "Once you have seen or spoken to them, tap Resolve: all well",
            ),
            text(
                "听到呼救或闻到异味，立即拨打120或119；是否破门由民警决定",
                "A call for help or a strange smell: dial 120 or 119; whether to force the door is for the police",
            ),
            text("不要向邻居谈论这户人家", "Do not talk to neighbours about this home"),
        ],
    }
}

pub(super) fn words_of(kind: &str) -> Option<KindWords> {
    match kind {
        "door_open" => Some(KindWords {
            title: text("房门长时间未关", "Door standing open"),
            advice: vec![
                text("上门看一看，问一声是否需要帮忙", "Look in, and ask whether help is needed"),
                text("门关好后自动结束", "It ends by itself when the door is shut"),
            ],
        }),
        "device_fault" => Some(KindWords {
            title: text("设备故障", "Device fault"),
            advice: vec![
                text("检查电池、信号和网关", "Check battery, signal and hub"),
                text("设备恢复后自动结束", "It ends by itself when the device is heard again"),
            ],
        }),
        _ => None,
    }
}

impl LivingAlone {
    /// What one piece of news leads to.
    pub(super) fn stage(&self, world: &World, place: &PlaceId, news: &News) -> Vec<Proposal> {
        match news {
            News::Life => stand_down(world, place),
            News::Watch => vec![Proposal::Fact(watched(place))],
            News::Call => vec![self.call(world, place)],
            News::Visit => self.visit(world, place),
            News::Back => self.back(world, place),
            News::Broken { door, trouble } => self.repair(world, place, door, *trouble),
            News::Mended { door } => mended(world, door),
            News::Open { door, visit } => self.door_open(world, place, door, *visit),
            News::Shut { door, moved } => shut(world, door, *moved),
            News::Shortcut => vec![self.shortcut(world, place)],
            News::PerhapsBack => vec![perhaps_back(world, place)],
            News::AwayLong => vec![away_long(world, place)],
            News::Wandered => vec![wandered(world, place)],
            News::Returned => returned(world, place),
        }
    }

    fn call(&self, world: &World, place: &PlaceId) -> Proposal {
        let why = reason("no_life_sign", "一天没有活动迹象", "no sign of activity for a day");
        let mut raise = Raise::new(inactive_key(place), place, Priority::P3, world.at, why);
        raise.stage = Some("call".into());
        raise.ladder = Some(self.ladder(world, place));
        raise.merge = Span::ZERO;
        Proposal::Raise(Box::new(raise))
    }

    /// The family at once, and the calls beside it: the stages stand where they would ten minutes after the call.
    fn shortcut(&self, world: &World, place: &PlaceId) -> Proposal {
        let why = reason(
            "no_sign_at_all",
            "半天没有任何活动迹象（门、人体感应、用水）",
            "no sign of activity for half a day: door, motion and water",
        );
        let mut raise = Raise::new(inactive_key(place), place, Priority::P2, world.at, why);
        let mut ladder = self.ladder(world, place);
        let from = secs(self.settings.family_s);
        ladder.rungs.retain(|rung| rung.after >= from);
        for rung in &mut ladder.rungs {
            rung.after = rung.after - from;
        }
        if let Some(first) = ladder.rungs.first_mut() {
            first.call_resident = true;
            first.tell.extend([Audience::OnDuty(Role::ControlRoom), Audience::OnDuty(Role::GridWorker)]);
        }
        raise.stage = Some("family".into());
        raise.ladder = Some(ladder);
        raise.merge = Span::ZERO;
        Proposal::Raise(Box::new(raise))
    }

    fn ladder(&self, world: &World, place: &PlaceId) -> Ladder {
        let home = world.setup.site.homes.get(place);
        let family = home.map(|home| home.family.clone()).unwrap_or_default();
        let by_itself =
            home.is_some_and(|home| home.telephone) && world.setup.channels.contains(&Channel::Voice);
        let on_duty = |roles: &[Role]| roles.iter().copied().map(Audience::OnDuty).collect();
        let step = |after: u32, tell: Vec<Audience>| rung(secs(after), tell);
        // Where nobody's telephone can be rung by the gateway, a person has to call: then theirs rings.
        let first = Rung {
            ring: !by_itself,
            call_resident: true,
            ..step(0, on_duty(&[Role::ControlRoom, Role::GridWorker]))
        };
        let again =
            Rung { ring: false, call_resident: true, ..step(self.settings.second_call_s, Vec::new()) };
        let staged = |rung: Rung, stage: &str, priority| Rung {
            stage: Some(stage.into()),
            priority: Some(priority),
            ..rung
        };
        let rungs = vec![
            staged(first, "call", Priority::P3),
            again,
            staged(step(self.settings.family_s, vec![Audience::People(family)]), "family", Priority::P2),
            staged(
                step(self.settings.captain_s, on_duty(&[Role::Captain, Role::GridWorker])),
                "captain",
                Priority::P2,
            ),
            staged(
                step(self.settings.police_s, on_duty(&[Role::Officer, Role::Station, Role::ControlRoom])),
                "police",
                Priority::P1,
            ),
        ];
        Ladder { rungs, repeat: Span::mins(5), on_scene: Span::mins(45), stops_at: StopsAt::Closure }
    }

    /// Somebody goes and looks. A lost hub gives one list for all its homes, not a visit for each.
    fn visit(&self, world: &World, place: &PlaceId) -> Vec<Proposal> {
        if let Some(hub) = self.hub_down(world, place) {
            return self.visit_list(world, hub);
        }
        let why = reason(
            "unknown_too_long",
            "门磁长时间失联，无法确认平安，请上门看望",
            "the door sensor has been silent for long: please look in and say hello",
        );
        let mut raise = Raise::new(visit_key(place), place, Priority::P2, world.at, why);
        raise.stage = Some("visit".into());
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn hub_down<'w>(&self, world: &World<'w>, place: &PlaceId) -> Option<&'w DeviceId> {
        let hubs = self.sensors.get(place)?.doors.iter();
        let known = hubs.filter_map(|door| world.setup.site.devices.get(door)?.hub.as_ref());
        known.into_iter().find(|hub| {
            world.senses.devices.get(hub).is_some_and(|seen| seen.unknown || seen.online == Some(false))
        })
    }

    fn visit_list(&self, world: &World, hub: &DeviceId) -> Vec<Proposal> {
        let kind = kind_of(KIND);
        let key = format!("visits:{hub}");
        let details = BTreeMap::from([("homes".to_owned(), self.by_risk(world, hub).into())]);
        if let Some(open) = world.book.open(&kind, &key) {
            let same = open.details == details;
            let changed = Fact::Detailed { alarm: open.id.clone(), details };
            return (!same).then_some(Proposal::Fact(changed)).into_iter().collect();
        }
        let why = reason(
            "hub_unknown_too_long",
            "网关长时间离线，请按名单上门看望",
            "a hub has been gone for long: please look in on the homes listed",
        );
        let place = world.setup.site.devices.get(hub).map(|hub| hub.place.clone());
        let Some(place) = place else { return Vec::new() };
        let mut raise = Raise::new(key, &place, Priority::P2, world.at, why);
        raise.stage = Some("visit".into());
        raise.device = Some(hub.clone());
        raise.details = details;
        vec![Proposal::Raise(Box::new(raise))]
    }

    /// The homes behind a hub that are unknown, those of high risk first.
    fn by_risk(&self, world: &World, hub: &DeviceId) -> Vec<String> {
        let is_behind = |place: &PlaceId| {
            let known = self.sensors.get(place).into_iter();
            let mut doors = known.flat_map(|sensors| &sensors.doors);
            doors.any(|door| {
                world.setup.site.devices.get(door).is_some_and(|door| door.hub.as_ref() == Some(hub))
            })
        };
        let low_risk =
            |place: &&PlaceId| !world.setup.site.homes.get(*place).is_some_and(|home| home.high_risk);
        let unknown = self.homes.sorted().into_iter().filter(|(_, home)| home.unknown.is_some());
        let mut places: Vec<&PlaceId> =
            unknown.map(|(place, _)| place).filter(|place| is_behind(place)).collect();
        places.sort_by_key(|place| (low_risk(place), *place));
        places.into_iter().map(ToString::to_string).collect()
    }

    /// The sensors speak again. Whoever is on the way still looks: for hours nobody knew.
    fn back(&self, world: &World, place: &PlaceId) -> Vec<Proposal> {
        let kind = kind_of(KIND);
        let hubs = self.sensors.get(place).into_iter().flat_map(|sensors| &sensors.doors);
        let lists = hubs.filter_map(|door| world.setup.site.devices.get(door)?.hub.as_ref());
        let emptied = lists.filter(|hub| self.by_risk(world, hub).is_empty());
        let keys = emptied.map(|hub| format!("visits:{hub}")).chain([visit_key(place)]);
        let open = keys.filter_map(|key| world.book.open(&kind, &key));
        open.filter(|alarm| alarm.is_active()).map(heard_again).map(Proposal::Fact).collect()
    }

    fn repair(&self, world: &World, place: &PlaceId, door: &DeviceId, trouble: Trouble) -> Vec<Proposal> {
        let device = world.setup.site.devices.get(door);
        let hub = device.and_then(|device| device.hub.as_ref()).filter(|_| trouble == Trouble::Hub);
        let at_hub = hub.and_then(|hub| world.setup.site.devices.get(hub)).map(|hub| &hub.place);
        let (key, place) = (fault_key(hub.unwrap_or(door)), at_hub.unwrap_or(place));
        if world.book.open(&kind_of("device_fault"), &key).is_some() {
            return Vec::new();
        }
        let mut raise = Raise::new(key, place, Priority::P3, world.at, trouble.reason());
        raise.kind = Some("device_fault");
        raise.device = Some(hub.unwrap_or(door).clone());
        raise.ladder = Some(repair_ladder());
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn door_open(&self, world: &World, place: &PlaceId, door: &DeviceId, visit: bool) -> Vec<Proposal> {
        let (priority, why) = if visit {
            let why = reason(
                "door_open_visit",
                "房门仍未关，请上门看一看",
                "the door still stands open: please look in",
            );
            (Priority::P2, why)
        } else {
            (Priority::P3, reason("door_open", "房门长时间未关", "the door has been standing open"))
        };
        let key = format!("door:{door}");
        let mut raise = Raise::new(key.clone(), place, priority, world.at, why.clone());
        raise.kind = Some("door_open");
        raise.device = Some(door.clone());
        raise.merge = Span::ZERO;
        let open = world.book.open(&kind_of("door_open"), &key);
        let staged = open.filter(|_| visit).map(|open| {
            Proposal::Fact(Fact::Staged { alarm: open.id.clone(), stage: "visit".into(), reason: why })
        });
        raise.stage = visit.then(|| "visit".to_owned());
        std::iter::once(Proposal::Raise(Box::new(raise))).chain(staged).collect()
    }

    /// What a resident's answer leads to.
    pub(super) fn answer(&self, world: &World, place: &PlaceId, answer: CallAnswer) -> Vec<Proposal> {
        let Some(alarm) = world.book.open(&kind_of(KIND), &inactive_key(place)) else { return Vec::new() };
        let facts = match answer {
            CallAnswer::Ok if !asked_for_help(alarm) => {
                let over = closed(
                    alarm,
                    Outcome::Ok,
                    "answered_ok",
                    "本人接听，一切平安",
                    "the resident answered: all is well",
                );
                stood_down(alarm, None).into_iter().chain([over]).collect()
            }
            CallAnswer::Help if !asked_for_help(alarm) => self.help(world, alarm),
            CallAnswer::Ok
            | CallAnswer::Help
            | CallAnswer::Cooking
            | CallAnswer::OtherPerson
            | CallAnswer::Unclear
            | CallAnswer::None => vec![answer_noted(alarm, answer)],
        };
        facts.into_iter().map(Proposal::Fact).collect()
    }

    /// Everybody at once, those nearby among them. From here on it is like any other call for help: whoever takes
    /// it has it, and no moving door ends it.
    fn help(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let why = reason("asked_for_help", "本人求助，立即上门", "the resident asked for help: go at once");
        let mut ladder = default_ladder(Priority::P1);
        if let Some(first) = ladder.rungs.first_mut() {
            let home = world.setup.site.homes.get(&alarm.place);
            first.tell.push(Audience::OnDuty(Role::Captain));
            first.tell.extend(home.map(|home| Audience::People(home.family.clone())));
        }
        let alarm = alarm.id.clone();
        vec![
            Fact::Upgraded { alarm: alarm.clone(), priority: Priority::P1, ladder, reason: why.clone() },
            Fact::Staged { alarm: alarm.clone(), stage: "help".into(), reason: why },
            Fact::Reopened { alarm, why: Reopening::PriorityRose, rung: 0 },
        ]
    }
}

/// When whoever knocks should be there, after the raise: that of the shortcut is ten minutes old already.
pub(super) fn there_by_s(settings: &LivingAloneSettings, alarm: &Alarm) -> u32 {
    let shortcut = alarm.stage.as_deref() == Some("family") && alarm.rung.is_none_or(|rung| rung == 0);
    if shortcut { settings.there_by_s.saturating_sub(settings.family_s) } else { settings.there_by_s }
}

/// A quiet word to those who know the home: nobody is in danger, somebody should look at the register.
fn quiet_word(world: &World, place: &PlaceId, key: String, stage: &str, why: Reason) -> Proposal {
    let on_duty = |roles: &[Role]| roles.iter().copied().map(Audience::OnDuty).collect();
    let mut raise = Raise::new(key, place, Priority::P3, world.at, why);
    raise.stage = Some(stage.to_owned());
    raise.merge = Span::ZERO;
    raise.ladder = Some(Ladder {
        rungs: vec![
            rung(Span::ZERO, on_duty(&[Role::GridWorker])),
            rung(Span::mins(15), on_duty(&[Role::Captain, Role::ControlRoom])),
        ],
        ..default_ladder(Priority::P3)
    });
    Proposal::Raise(Box::new(raise))
}

fn perhaps_back(world: &World, place: &PlaceId) -> Proposal {
    let why = reason(
        "perhaps_back",
        "登记外出期间房门有动静，可能已回家，请问一声",
        "the door moved although they are away: perhaps they are back, please ask",
    );
    quiet_word(world, place, format!("back:{place}"), "perhaps_back", why)
}

fn away_long(world: &World, place: &PlaceId) -> Proposal {
    let why = reason(
        "away_long",
        "外出已久且未登记返回日期，请核实",
        "away for long and nobody said until when: please ask",
    );
    quiet_word(world, place, format!("away:{place}"), "away_long", why)
}

fn exit_key(place: &PlaceId) -> String {
    format!("exit:{place}")
}

/// Those nearby look outside, and the family hears of it at once.
fn wandered(world: &World, place: &PlaceId) -> Proposal {
    let why = reason(
        "night_exit",
        "夜间外出未归，请到楼下和大门附近寻找",
        "went out at night and is not back: look downstairs and at the gates",
    );
    let mut raise = Raise::new(exit_key(place), place, Priority::P2, world.at, why);
    raise.stage = Some("night_exit".into());
    raise.merge = Span::ZERO;
    let mut ladder = default_ladder(Priority::P2);
    if let Some(first) = ladder.rungs.first_mut() {
        let family = world.setup.site.homes.get(place).map(|home| home.family.clone());
        first.tell.push(Audience::OnDuty(Role::Captain));
        first.tell.push(Audience::OnDuty(Role::ControlRoom));
        first.tell.extend(family.map(Audience::People));
    }
    raise.ladder = Some(ladder);
    Proposal::Raise(Box::new(raise))
}

/// The door moved again, or somebody moves inside: perhaps they are back. A person has to see them.
fn returned(world: &World, place: &PlaceId) -> Vec<Proposal> {
    let open = world.book.open(&kind_of(KIND), &exit_key(place)).filter(|alarm| alarm.is_active());
    let why =
        reason("perhaps_back", "家中有动静，可能已回家", "something moves at home: perhaps they are back");
    let cleared = open.map(|alarm| Fact::Cleared { alarm: alarm.id.clone(), reason: why });
    cleared.map(Proposal::Fact).into_iter().collect()
}

fn asked_for_help(alarm: &Alarm) -> bool {
    alarm.stage.as_deref() == Some("help")
}

fn answer_noted(alarm: &Alarm, answer: CallAnswer) -> Fact {
    let answer = serde_json::to_value(answer).unwrap_or_default();
    Fact::Detailed { alarm: alarm.id.clone(), details: BTreeMap::from([("answer".to_owned(), answer)]) }
}

fn watched(place: &PlaceId) -> Fact {
    let reason = reason("watch", "活动较少，留意中", "little activity: kept in view");
    Fact::Watched { kind: kind_of(KIND), place: place.clone(), stage: "watch".into(), reason }
}

/// A sign of life calls everybody back, unless the resident asked for help.
fn stand_down(world: &World, place: &PlaceId) -> Vec<Proposal> {
    let kind = kind_of(KIND);
    let keys = [inactive_key(place), visit_key(place)];
    let open = keys.iter().filter_map(|key| world.book.open(&kind, key));
    let end = |alarm: &Alarm| {
        closed(
            alarm,
            Outcome::Ok,
            STOOD_DOWN,
            "家中有活动，已解除，谢谢",
            "there is activity in the home: stood down, thank you",
        )
    };
    let unasked = open.filter(|alarm| !asked_for_help(alarm));
    unasked
        .flat_map(|alarm| stood_down(alarm, None).into_iter().chain([end(alarm)]))
        .map(Proposal::Fact)
        .collect()
}

fn heard_again(alarm: &Alarm) -> Fact {
    let reason = reason("heard_again", "设备恢复", "the device is heard again");
    Fact::Cleared { alarm: alarm.id.clone(), reason }
}

fn fault_key(device: &DeviceId) -> String {
    format!("silent:{device}")
}

/// A repair is over when the device is heard again: nobody has to say so.
fn mended(world: &World, door: &DeviceId) -> Vec<Proposal> {
    let kind = kind_of("device_fault");
    let hub = world.setup.site.devices.get(door).and_then(|device| device.hub.as_ref());
    let open =
        [Some(door), hub].into_iter().flatten().filter_map(|id| world.book.open(&kind, &fault_key(id)));
    let facts = open.flat_map(|alarm| {
        [
            heard_again(alarm),
            closed(alarm, Outcome::Ok, "heard_again", "设备恢复", "the device is heard again"),
        ]
    });
    facts.map(Proposal::Fact).collect()
}

fn shut(world: &World, door: &DeviceId, moved: bool) -> Vec<Proposal> {
    let open = world.book.open(&kind_of("door_open"), &format!("door:{door}"));
    let end = |alarm: &Alarm| {
        let cleared = Fact::Cleared {
            alarm: alarm.id.clone(),
            reason: reason(DOOR_SHUT, "房门已关", "the door is shut"),
        };
        let over = closed(alarm, Outcome::Ok, DOOR_SHUT, "房门已关", "the door is shut");
        if moved { vec![cleared, over] } else { vec![cleared] }
    };
    open.map(end).unwrap_or_default().into_iter().map(Proposal::Fact).collect()
}

fn repair_ladder() -> Ladder {
    let on_duty = |roles: &[Role]| roles.iter().copied().map(Audience::OnDuty).collect();
    Ladder {
        rungs: vec![
            rung(Span::ZERO, on_duty(&[Role::Manager, Role::GridWorker])),
            rung(Span::mins(15), on_duty(&[Role::ControlRoom])),
        ],
        ..default_ladder(Priority::P3)
    }
}

impl Trouble {
    fn reason(self) -> Reason {
        match self {
            Trouble::Silent => {
                reason("sensor_silent", "门磁失联，请检修", "the door sensor is silent: please repair it")
            }
            Trouble::Hub => reason("hub_gone", "网关离线，请检修", "the hub is gone: please repair it"),
            Trouble::Flapping => {
                reason("contact_flapping", "门磁反复跳变，请检修", "the door contact flaps: please repair it")
            }
        }
    }
}
