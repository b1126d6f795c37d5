//! What people tell, on its way to an alarm: the rule whose open alarm it belongs to takes it, else it is an alarm of its
//! own. Notes from outside are taken once; whoever told of something hears how it ended.

use crate::Engine;
use crate::alarm::{Alarm, LIST_MAX};
use crate::rules::Proposal;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmId, Answer, Category, Command, Evidence, Fact, Note, OfficerId, Outcome, PlaceId, Position, Reason,
    Report, Role, Timestamp,
};

/// How many notes from outside are remembered against doubles; the oldest is forgotten first.
pub(crate) const NOTES_MAX: usize = 20_000;
/// More open alarms of people's reports than this: what threatens no life is refused.
const OPEN_MAX: usize = 1_000;
/// A position belongs to the nearest place that is no farther than this, metres.
const NEAREST_M: f64 = 200.0;
/// The detail that names those who told of it.
const REPORTERS: &str = "reporters";
/// The detail with what was said after the first words.
const TEXTS: &str = "texts";
/// So many of them are kept; the oldest goes.
const TEXTS_MAX: usize = 20;

/// A note from outside that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRow {
    /// What tells its content from another.
    pub digest: String,
    /// The alarm that it made, or belongs to.
    pub alarm: AlarmId,
}

/// The name of a note in the book.
pub fn note_key(source: &str, id: &str) -> String {
    format!("{source}/{id}")
}

/// Who tells.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An officer, by their phone.
    Officer(&'a OfficerId),
    /// Somebody outside.
    Note(&'a Note),
}

/// What a person tells, with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// The id that its sender gave it.
    pub id: &'a str,
    /// What is told.
    pub report: &'a Report,
    /// Where.
    pub place: &'a PlaceId,
    /// Who tells.
    pub source: Source<'a>,
}

impl Word<'_> {
    /// Its pictures.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        evidence(&self.report.photos)
    }

    /// May it be about what happens at a place? Within so many metres where both positions are known; else in the same
    /// building; what is not known is no reason to keep them apart.
    pub(crate) fn is_near(&self, world: &World, place: &PlaceId, metres: f64) -> bool {
        let site = &world.setup.site;
        let there = site.places.get(place).and_then(|known| known.position);
        let here = self.position(world);
        if let Some((here, there)) = here.zip(there)
            && here.metres_to(there) <= metres
        {
            return true;
        }
        match (site.building_of(self.place), site.building_of(place)) {
            (Some(a), Some(b)) => a == b,
            (None, _) | (_, None) if here.is_some() && there.is_some() => false,
            (None, _) | (_, None) => !site.places.contains_key(self.place) || self.place.is_within(place),
        }
    }

    /// Where, by its own position, else by that of its place.
    pub(crate) fn position(&self, world: &World) -> Option<Position> {
        let of_place = || world.setup.site.places.get(self.place).and_then(|known| known.position);
        self.report.position.or_else(of_place)
    }
}

/// Pictures that people hand in: the SHA-256 of what we hold, or an address.
pub(crate) fn evidence(photos: &[String]) -> Vec<Evidence> {
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let one = |photo: &String| match is_hash(photo) {
        true => Evidence { uri: None, sha256: Some(photo.to_ascii_lowercase()), bytes: None },
        false => Evidence { uri: Some(photo.clone()), sha256: None, bytes: None },
    };
    photos.iter().map(one).collect()
}

impl Alarm {
    /// Those who told of it.
    pub(crate) fn reporters(&self) -> Vec<OfficerId> {
        let named = self.details.get(REPORTERS).and_then(Value::as_array);
        let ids = named.into_iter().flatten().filter_map(Value::as_str);
        ids.filter_map(|id| OfficerId::parse(id).ok()).collect()
    }

    /// For those alone whom it was sent to: no overseer, no history.
    pub fn is_confidential(&self) -> bool {
        self.details.get("confidential").is_some_and(|secret| secret == true)
    }

    /// What was said of a person goes, with every picture.
    pub(crate) fn erase(&mut self) {
        self.evidence.clear();
        self.details.retain(|name, _| !matches!(name.as_str(), "text" | TEXTS | "position"));
        for entry in
            self.timeline.iter_mut().filter(|entry| matches!(entry.what.as_str(), "noted" | "resolved"))
        {
            entry.reason = None;
        }
        self.dirty = true;
    }
}

/// One more thing that was said, beside what was said before. Nothing new: no detail.
pub(crate) fn texts_with(alarm: &Alarm, new: &str) -> BTreeMap<String, Value> {
    let mut texts = alarm.details.get(TEXTS).and_then(Value::as_array).cloned().unwrap_or_default();
    if new.is_empty() || texts.iter().any(|text| text == new) {
        return BTreeMap::new();
    }
    texts.push(json!(new));
    texts.drain(..texts.len().saturating_sub(TEXTS_MAX));
    BTreeMap::from([(TEXTS.to_owned(), Value::Array(texts))])
}

/// Where it is, by the registry.
fn place_of(world: &World, report: &Report) -> Result<PlaceId, Reason> {
    let site = &world.setup.site;
    if let Some(place) = &report.place {
        let unknown = || {
            Reason::new("unknown_place", format!("没有地点 {place}"), format!("there is no place {place}"))
        };
        return if site.places.contains_key(place) { Ok(place.clone()) } else { Err(unknown()) };
    }
    let far = |known: Position| report.position.map_or(f64::MAX, |here| here.metres_to(known));
    let placed = site.places.iter().filter_map(|(id, place)| Some((far(place.position?), id)));
    let nearest = placed.filter(|(metres, _)| *metres <= NEAREST_M).min_by(|a, b| a.0.total_cmp(&b.0));
    let whole = || PlaceId::parse(site.id.as_str());
    nearest
        .map_or_else(whole, |(_, id)| Ok(id.clone()))
        .map_err(|_| Reason::new("unknown_place", "请选择地点", "say at which place of the registry it is"))
}

/// Is the compound full of reports? What threatens a life is taken all the same.
fn is_full(world: &World, category: &Category) -> bool {
    let of_people = |alarm: &&Alarm| crate::rules::is_peoples_word(alarm.kind.as_str());
    !category.is_grave() && world.book.open_alarms().filter(of_people).count() >= OPEN_MAX
}

impl Engine {
    /// A report by an officer.
    pub(crate) fn report(
        &mut self,
        at: Timestamp,
        command: &Command,
        report: &Report,
        facts: &mut Vec<Fact>,
    ) -> Answer {
        let by = command.officer.clone();
        if !self.setup().site.officers.contains_key(&by) {
            return Answer::Forbidden;
        }
        let cid = command.cid.clone();
        match self.tell(at, cid.as_str(), report, Source::Officer(&by), facts) {
            Ok(alarm) => {
                self.remember_reporter(at, &alarm, &by, facts);
                Answer::Ok { alarm }
            }
            Err(reason) => Answer::Invalid { reason },
        }
    }

    /// An incident that an officer makes: everybody is told.
    pub(crate) fn create(
        &mut self,
        at: Timestamp,
        by: &OfficerId,
        made: &crate::rules::Made,
        facts: &mut Vec<Fact>,
    ) -> Answer {
        let roles = [Role::ControlRoom, Role::Manager, Role::Officer, Role::Station, Role::Leader];
        let may = |officer: &wanglou_model::Officer| roles.iter().any(|role| officer.roles.contains(role));
        if !self.setup().site.officers.get(by).is_some_and(|officer| officer.admin || may(officer)) {
            return Answer::Forbidden;
        }
        let report = Report {
            category: Category::Other("incident".to_owned()),
            text: made.text.to_owned(),
            place: Some(made.place.clone()),
            position: None,
            photos: made.photos.to_vec(),
        };
        if let Some(reason) = self.refuses(&report) {
            return Answer::Invalid { reason };
        }
        let Some(rule) = self.rule_named("report") else { return Answer::Forbidden };
        let proposal = crate::rules::incident(&self.world(), made);
        let before = facts.len();
        self.propose(at, rule, vec![proposal], facts);
        let alarm = facts[before..].iter().find_map(Fact::alarm).cloned();
        alarm.map_or(Answer::Gone, |alarm| Answer::Ok { alarm })
    }

    /// A note from outside: taken once; another content under the same id is a fault of its sender.
    pub(crate) fn take_note(&mut self, at: Timestamp, note: &Note, facts: &mut Vec<Fact>) {
        let key = note_key(&note.source, &note.id);
        match self.book().notes.get(&key) {
            Some(row) if row.digest == note.digest => return,
            Some(_) => {
                let place = place_of(&self.world(), &note.report);
                let place = place.or_else(|_| PlaceId::parse(self.setup().site.id.as_str()));
                if let (Ok(place), Some(rule)) = (place, self.rule_named("report")) {
                    let fault = crate::rules::reused_id(&self.world(), note, &place);
                    self.propose(at, rule, vec![fault], facts);
                }
                return;
            }
            None => {}
        }
        if let Ok(alarm) = self.tell(at, &key, &note.report, Source::Note(note), facts) {
            let (source, id, digest) = (note.source.clone(), note.id.clone(), note.digest.clone());
            self.note(at, Fact::Noticed { source, id, digest, alarm }, facts);
        }
    }

    /// Why a note would be refused now, if it would: asked before it is journaled.
    pub fn refuses(&self, report: &Report) -> Option<Reason> {
        let world = self.world();
        let unfit = report
            .check()
            .err()
            .map(|error| Reason::new("invalid_report", format!("报告内容有误：{error}"), error.to_string()));
        let full = || is_full(&world, &report.category).then(too_many);
        unfit.or_else(|| place_of(&world, report).err()).or_else(full)
    }

    fn tell(
        &mut self,
        at: Timestamp,
        id: &str,
        report: &Report,
        source: Source,
        facts: &mut Vec<Fact>,
    ) -> Result<AlarmId, Reason> {
        if let Some(reason) = self.refuses(report) {
            return Err(reason);
        }
        let place = place_of(&self.world(), report)?;
        let word = Word { id, report, place: &place, source };
        let (rule, proposals) = self.taken_by(&word).ok_or_else(too_many)?;
        let before = facts.len();
        self.propose(at, rule, proposals, facts);
        facts[before..].iter().find_map(Fact::alarm).cloned().ok_or_else(too_many)
    }

    /// The rule that it belongs to: one with an alarm that it is about, else that of reports.
    fn taken_by(&self, word: &Word) -> Option<(usize, Vec<Proposal>)> {
        let world = self.world();
        let last = self.rule_named("report");
        let others = (0..self.rules.len()).filter(|rule| Some(*rule) != last);
        let mut all = others.chain(last);
        all.find_map(|rule| Some((rule, self.rules[rule].reported(&world, word)?)))
    }

    fn rule_named(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|rule| rule.name() == name)
    }

    fn remember_reporter(&mut self, at: Timestamp, id: &AlarmId, by: &OfficerId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id) else { return };
        let mut reporters = alarm.reporters();
        if reporters.contains(by) || reporters.len() >= LIST_MAX {
            return;
        }
        reporters.push(by.clone());
        let details = BTreeMap::from([(REPORTERS.to_owned(), json!(reporters))]);
        self.note(at, Fact::Detailed { alarm: id.clone(), details }, facts);
    }

    /// An alarm is over: whoever told of it hears how, and what was said of a person is erased.
    pub(crate) fn after_closing(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id) else { return };
        let (to, outcome) = (alarm.reporters(), alarm.outcome.unwrap_or(Outcome::Unverified));
        let erased = crate::rules::is_erased_at_close(alarm.kind.as_str());
        let files = alarm.evidence.iter().filter_map(|piece| piece.sha256.clone()).collect();
        if !to.is_empty() {
            self.note(at, Fact::Reminded { alarm: id.clone(), to, reason: result(outcome) }, facts);
        }
        if erased {
            self.note(at, Fact::Erased { alarm: id.clone(), files }, facts);
        }
    }
}

fn too_many() -> Reason {
    Reason::new(
        "too_many_reports",
        "未处理的报告过多，请直接致电消控室",
        "too many reports are open: telephone the control room",
    )
}

/// What whoever told of it hears.
fn result(outcome: Outcome) -> Reason {
    let (zh, en) = match outcome {
        Outcome::Real | Outcome::Complied => ("您反映的情况属实，已处理", "what you told of was seen to"),
        Outcome::Ok => ("您反映的情况已查看，平安无事", "what you told of was looked at: all is well"),
        Outcome::FalseAlarm | Outcome::Unfounded => {
            ("您反映的情况已查看，未发现问题", "what you told of was looked at: nothing was found")
        }
        Outcome::Duplicate => ("您反映的情况已有人上报并处理", "others had told of it: seen to"),
        Outcome::Test | Outcome::Unverified => ("您反映的情况已办结", "what you told of has been closed"),
    };
    Reason::new("report_result", zh, en)
}
