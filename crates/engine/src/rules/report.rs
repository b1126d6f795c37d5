//! What people tell (`report`): a hazard by an officer's phone, a note from a command room or a patrol brigade, a message or
//! a tip by the card at a door, and incidents that an officer makes, such as a lost child.
//!
//! Subject: none; nothing is kept here. A report of the same category nearby, soon after the latest one, joins it.
//! What is told of a person in an incident is erased when it is over; a tip is for the officer alone.

use super::sensing::building_of;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, maintainers, text};
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung, times};
use crate::raising::incident_of;
use crate::reports::{Source, Word, evidence, texts_with};
use crate::senses::{Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::SnapshotError;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wanglou_model::{
    Audience, Device, Ladder, Note, NoteKind, PlaceId, Priority, Reason, Role, Span, StopsAt,
};

const REPORT: &str = "report";
const DISPATCH: &str = "dispatch_note";
const MESSAGE: &str = "card_message";
const TIP: &str = "tip";
const LOST_CHILD: &str = "lost_child";
const INCIDENT: &str = "incident";
const WEBHOOK_FAULT: &str = "webhook_fault";

/// Thresholds of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// A report of the same category so near joins the earlier one, metres.
    pub join_m: f64,
    /// So long after the latest one, seconds.
    pub join_s: i64,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self { join_m: 50.0, join_s: 1_800 }
    }
}

/// Is an alarm of this kind what somebody told, rather than a sensor?
pub(crate) fn is_peoples_word(kind: &str) -> bool {
    matches!(kind, REPORT | DISPATCH | MESSAGE | TIP)
}

/// Is what was said of a person erased when an alarm of this kind is over?
pub(crate) fn is_erased_at_close(kind: &str) -> bool {
    matches!(kind, LOST_CHILD | INCIDENT | super::access::WATCH_HIT)
}

/// The rule.
#[derive(Debug)]
pub(crate) struct PeoplesReport {
    settings: ReportSettings,
}

impl PeoplesReport {
    pub(crate) fn new(settings: ReportSettings) -> Self {
        Self { settings }
    }
}

impl Rule for PeoplesReport {
    fn name(&self) -> &'static str {
        REPORT
    }

    fn words(&self) -> KindWords {
        words_of(REPORT)
            .unwrap_or_else(|| KindWords { title: text("群众反映", "Report"), advice: Vec::new() })
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        words_of(kind)
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.report);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.report.clone();
    }

    fn observe(
        &mut self,
        _senses: &Senses,
        _setup: &Setup,
        _sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        None
    }

    fn decide(&self, _world: &World, _subject: &Subject, _cause: Cause) -> Vec<Proposal> {
        Vec::new()
    }

    fn reported(&self, world: &World, word: &Word) -> Option<Vec<Proposal>> {
        let raise = match word.source {
            Source::Officer(_) => self.report(world, word),
            Source::Note(note) => match note.kind {
                NoteKind::Report => self.report(world, word),
                NoteKind::Dispatch => dispatch(world, word, Priority::P2),
                NoteKind::Hazard => dispatch(world, word, Priority::P3),
                NoteKind::Message => queued(world, word, MESSAGE),
                NoteKind::Tip => queued(world, word, TIP),
            },
        };
        Some(vec![Proposal::Raise(Box::new(raise))])
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _kept: &[u8]) -> Result<(), SnapshotError> {
        Ok(())
    }
}

impl PeoplesReport {
    fn report(&self, world: &World, word: &Word) -> Raise {
        let category = &word.report.category;
        let priority = if category.is_grave() { Priority::P1 } else { Priority::P3 };
        let earlier = self.earlier(world, word);
        let key = earlier.map_or_else(
            || format!("{}@{}/{}", category.name(), world.at.0, word.id),
            |alarm| alarm.key.clone(),
        );
        let place = earlier.map_or(word.place, |alarm| &alarm.place);
        let mut raise = base(world, word, key, place, priority, told(word));
        raise.merge = Span::secs(self.settings.join_s);
        if *category == wanglou_model::Category::Fire {
            let (site, building) = (world.setup.site.id.as_str(), building_of(world.setup, word.place));
            raise.incident = Some(incident_of(&[site, "fire", building.as_str(), &world.at.0.to_string()]));
        }
        if let Some(alarm) = earlier {
            raise.details = texts_with(alarm, &word.report.text);
        }
        raise
    }

    /// The alarm that it joins: of the same category, nearby, and not long ago.
    fn earlier<'a>(&self, world: &World<'a>, word: &Word) -> Option<&'a Alarm> {
        let category = word.report.category.name();
        let joins = |alarm: &&Alarm| {
            let same = alarm.details.get("category").and_then(Value::as_str) == Some(category);
            let soon = world.at - alarm.last_at <= Span::secs(self.settings.join_s);
            alarm.kind.as_str() == REPORT && same && soon && self.is_close(world, alarm, word)
        };
        world.book.alarms.values().filter(joins).max_by_key(|alarm| alarm.last_at)
    }

    fn is_close(&self, world: &World, alarm: &Alarm, word: &Word) -> bool {
        let position = alarm.details.get("position").cloned();
        let there = position.and_then(|position| serde_json::from_value(position).ok());
        match word.position(world).zip(there) {
            Some((here, there)) => here.metres_to(there) <= self.settings.join_m,
            None => word.place.is_within(&alarm.place) || alarm.place.is_within(word.place),
        }
    }
}

/// A plain alarm of what is told.
fn base(
    world: &World,
    word: &Word,
    key: String,
    place: &PlaceId,
    priority: Priority,
    reason: Reason,
) -> Raise {
    let mut raise = Raise::new(key, place, priority, world.at, reason);
    raise.event_key = Some(word.id.to_owned());
    raise.evidence = word.evidence();
    raise.details.insert("category".to_owned(), json!(word.report.category));
    if !word.report.text.is_empty() {
        raise.details.insert("text".to_owned(), json!(word.report.text));
    }
    if let Some(position) = word.position(world) {
        raise.details.insert("position".to_owned(), json!(position));
    }
    raise
}

/// A command room's note: an alarm with acceptance, arrival and end like any other.
fn dispatch(world: &World, word: &Word, priority: Priority) -> Raise {
    let priority = if word.report.category.is_grave() { Priority::P1 } else { priority };
    let mut raise = base(world, word, word.id.to_owned(), word.place, priority, told(word));
    raise.kind = Some(DISPATCH);
    raise.merge = Span::ZERO;
    raise
}

/// The officer's queue: shown, and nobody's phone rings.
fn queued(world: &World, word: &Word, kind: &'static str) -> Raise {
    let (zh, en) = match kind {
        TIP => ("收到一条保密线索", "a confidential tip came in"),
        _ => ("居民扫码留言", "a resident left a message"),
    };
    let reason = Reason::new(kind, zh, en);
    let mut raise = base(world, word, word.id.to_owned(), word.place, Priority::P3, reason);
    raise.kind = Some(kind);
    raise.merge = Span::ZERO;
    if kind == TIP {
        raise.details.insert("confidential".to_owned(), json!(true));
    }
    let silent =
        |after, role| wanglou_model::Rung { ring: false, ..rung(after, vec![Audience::OnDuty(role)]) };
    raise.ladder = Some(Ladder {
        rungs: vec![silent(Span::ZERO, Role::Officer), silent(Span::hours(24), Role::Station)],
        repeat: Span::hours(24),
        on_scene: times(Priority::P4).on_scene,
        stops_at: StopsAt::Acceptance,
    });
    raise
}

/// Why, with the words of whoever tells.
fn told(word: &Word) -> Reason {
    use wanglou_model::Category;
    let report = word.report;
    let (zh, en) = match &report.category {
        Category::Injury => ("有人受伤", "somebody is hurt"),
        Category::Fire => ("起火或冒烟", "something burns"),
        Category::ThrownObject => ("高空抛物", "something was thrown from above"),
        Category::Other(name) => (name.as_str(), name.as_str()),
    };
    let words = |what: &str, colon: &str| match report.text.as_str() {
        "" => what.to_owned(),
        text => format!("{what}{colon}{text}"),
    };
    let code = if report.category.is_grave() { report.category.name() } else { "reported" };
    Reason::new(code, words(zh, "："), words(en, ": "))
}

/// A sender used an id again for something else.
pub(crate) fn reused_id(world: &World, note: &Note, place: &PlaceId) -> Proposal {
    let (source, id) = (&note.source, &note.id);
    let reason = Reason::new(
        "reused_id",
        format!("来源 {source} 用同一编号 {id} 发来不同内容，未采用，请核对对方系统"),
        format!("{source} sent another content under the id {id}: not taken, ask whoever runs it"),
    );
    let mut raise = Raise::new(format!("webhook:{source}"), place, Priority::P3, world.at, reason);
    raise.kind = Some(WEBHOOK_FAULT);
    raise.event_key = Some(note.digest.clone());
    raise.details.insert("source".to_owned(), json!(source));
    raise.ladder = Some(maintainers::operators(world));
    Proposal::Raise(Box::new(raise))
}

/// What an officer makes an incident of.
pub(crate) struct Made<'a> {
    pub(crate) id: &'a str,
    pub(crate) incident: &'a str,
    pub(crate) place: &'a PlaceId,
    pub(crate) text: &'a str,
    pub(crate) photos: &'a [String],
}

/// Everybody on duty in the whole compound is told, with the picture.
pub(crate) fn incident(world: &World, made: &Made) -> Proposal {
    let name = if made.incident.is_empty() { LOST_CHILD } else { made.incident };
    let kind = if name == LOST_CHILD { LOST_CHILD } else { INCIDENT };
    let reason = match kind {
        LOST_CHILD => Reason::new(kind, "寻找走失儿童，请留意并协助", "a child is lost: look out, and help"),
        _ => Reason::new(kind, format!("突发情况：{name}"), format!("an incident: {name}")),
    };
    let mut raise = Raise::new(made.id, made.place, Priority::P1, world.at, reason);
    raise.kind = Some(kind);
    raise.event_key = Some(made.id.to_owned());
    raise.evidence = evidence(made.photos);
    raise.merge = Span::ZERO;
    raise.details.insert("incident".to_owned(), json!(name));
    if !made.text.is_empty() {
        raise.details.insert("text".to_owned(), json!(made.text));
    }
    let everybody =
        [Role::Guard, Role::GridWorker, Role::Captain, Role::ControlRoom, Role::Manager, Role::Officer];
    let mut ladder = default_ladder(Priority::P1);
    if let Some(first) = ladder.rungs.first_mut() {
        first.tell = everybody.into_iter().map(Audience::Anywhere).collect();
    }
    raise.ladder = Some(ladder);
    Proposal::Raise(Box::new(raise))
}

fn words_of(kind: &str) -> Option<KindWords> {
    let (title, advice) = match kind {
        REPORT => (
            text("群众反映", "Report"),
            vec![
                text("到现场看一看，拍照", "Go and look; take a photo"),
                text(
                    "处理完点“处理结果”，反映人会收到回复",
                    "When done, tap Resolve: whoever told hears of it",
                ),
            ],
        ),
        DISPATCH => (
            text("指令", "Dispatch note"),
            vec![
                text("接警后按指令到场", "Accept it, then go as the note says"),
                text("到场、处理完都要点", "Tap Arrive there, and Resolve when done"),
            ],
        ),
        MESSAGE => {
            (text("居民留言", "Message"), vec![text("看后回复居民", "Read it, and answer the resident")])
        }
        TIP => (
            text("保密线索", "Confidential tip"),
            vec![text("只有民警可见，不要转述来源", "Only officers see it: never tell where it comes from")],
        ),
        LOST_CHILD => (
            text("走失儿童", "Lost child"),
            vec![
                text("看清照片，留意大门、水边、车库", "Look at the photo; watch gates, water and garages"),
                text("找到后不要追赶，陪在身边，点“到达”", "Once found, stay with the child, and tap Arrive"),
                text("结束后照片自动删除，不要转发", "The photo is erased at the end: do not pass it on"),
            ],
        ),
        INCIDENT => {
            (text("突发情况", "Incident"), vec![text("按发起人的说明行动", "Do as whoever made it says")])
        }
        WEBHOOK_FAULT => (
            text("外部接口异常", "Webhook fault"),
            vec![text("请对方系统管理员核对编号", "Ask whoever runs the other system to look at its ids")],
        ),
        _ => return None,
    };
    Some(KindWords { title, advice })
}
