//! An alarm as the screens get it: one JSON object, full state each time, from the committed engine.

use crate::http::{OutcomeWord, Words};
use schemars::JsonSchema;
use serde::Serialize;
use wanglou_engine::{Alarm, Condition, Engine};
use wanglou_model::{Evidence, OfficerId, Response, Text, Timestamp, rfc3339_micros};
use wanglou_site::People;

/// Somebody, by id and name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Person {
    /// The officer's id.
    pub id: String,
    /// What people call them.
    pub name: String,
}

/// Looks a name up; somebody without one is shown by their id.
pub fn person(people: &People, id: &OfficerId) -> Person {
    let name = people.officers.get(id).map_or_else(|| id.to_string(), |person| person.name.clone());
    Person { id: id.to_string(), name }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlarmPlace")]
struct Place<'a> {
    id: &'a str,
    path: Vec<&'a str>,
    path_en: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Picture {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize, JsonSchema)]
struct Escalation {
    step: usize,
    next_at: Option<String>,
}

/// The alarm body of the protocol.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Alarm")]
pub(crate) struct Body<'a> {
    id: &'a str,
    /// Rises with each change.
    rev: u64,
    /// Such as `manhole`; docs/rules.md.
    kind: &'a str,
    /// 1 to 4, 1 the most urgent.
    prio: u8,
    /// `open`, `accepted`, `en_route`, `arrived`, `resolved`, `closed`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<&'a str>,
    /// The sensor still says so.
    active: bool,
    stage: Option<&'a str>,
    #[schemars(with = "Option<Words>")]
    stage_text: Option<Text>,
    test: bool,
    /// Devices on probation alone say so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    trial: bool,
    /// `late`, `found_at_start`, `unverified`.
    #[schemars(with = "Option<String>")]
    mark: Option<wanglou_model::Mark>,
    count: u64,
    first_at: String,
    last_at: String,
    raised_at: String,
    closed_at: Option<String>,
    place: Place<'a>,
    #[schemars(with = "Words")]
    title: Text,
    /// Why.
    #[schemars(with = "Words")]
    text: &'a Text,
    evidence: Vec<Picture>,
    accepted_by: Option<Person>,
    accepted_at: Option<String>,
    eta_s: Option<u32>,
    #[schemars(with = "Option<OutcomeWord>")]
    outcome: Option<wanglou_model::Outcome>,
    esc: Option<Escalation>,
    /// Shown, not rung.
    silent: bool,
    /// It is about a home; who lives there is asked for apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    home: bool,
    /// What the caller may do: operations of a command.
    actions: &'a [&'static str],
    details: &'a std::collections::BTreeMap<String, serde_json::Value>,
}

/// What differs between those who see the same revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Angle {
    /// Shown, not rung.
    pub silent: bool,
    /// What they may do.
    pub actions: Vec<&'static str>,
}

impl Angle {
    /// How an officer sees an alarm.
    pub fn of(engine: &Engine, alarm: &Alarm, officer: &OfficerId) -> Self {
        let rings = alarm.followers.get(officer).is_some_and(|follower| follower.ring && !follower.declined);
        Self { silent: alarm.is_unaccepted() && !rings, actions: engine.actions(alarm, officer) }
    }
}

/// The alarm as JSON.
pub fn alarm_json(engine: &Engine, people: &People, alarm: &Alarm, rev: u64, angle: &Angle) -> String {
    let wall = |at: Timestamp| rfc3339_micros::format(engine.senses().wall(at));
    let path = engine.setup().site.path_of(&alarm.place);
    let accepted = alarm.accepted.as_ref();
    let body = Body {
        id: alarm.id.as_str(),
        rev,
        kind: alarm.kind.as_str(),
        prio: alarm.priority.level(),
        state: state(alarm.response),
        incident: alarm.incident.as_ref().map(wanglou_model::IncidentId::as_str),
        active: alarm.condition == Condition::Active,
        stage: alarm.stage.as_deref(),
        stage_text: alarm.stage.as_deref().map(stage_text),
        test: alarm.test,
        trial: alarm.is_trial(),
        mark: alarm.mark,
        count: alarm.count,
        first_at: wall(alarm.first_at),
        last_at: wall(alarm.last_at),
        raised_at: wall(alarm.raised_at),
        closed_at: alarm.closed_at.map(wall),
        place: Place {
            id: alarm.place.as_str(),
            path: path.iter().map(|name| name.zh.as_str()).collect(),
            path_en: path.iter().map(|name| name.en.as_str()).collect(),
        },
        title: title(engine, alarm),
        text: &alarm.reason.text,
        evidence: alarm
            .evidence
            .iter()
            .enumerate()
            .filter_map(|(n, found)| picture(alarm, n, found))
            .collect(),
        accepted_by: accepted.map(|acceptance| person(people, &acceptance.by)),
        accepted_at: accepted.map(|acceptance| wall(acceptance.at)),
        eta_s: accepted.and_then(|acceptance| acceptance.eta_s),
        outcome: alarm.outcome,
        esc: alarm.rung.map(|step| Escalation { step, next_at: alarm.next_rung.map(|next| wall(next.at)) }),
        silent: angle.silent,
        home: engine.setup().site.homes.contains_key(&alarm.place),
        actions: &angle.actions,
        details: &alarm.details,
    };
    serde_json::to_string(&body).unwrap_or_default()
}

/// The people's axis, as the protocol names it.
fn state(response: Response) -> &'static str {
    match response {
        Response::Unaccepted => "open",
        Response::Accepted => "accepted",
        Response::EnRoute => "en_route",
        Response::Arrived => "arrived",
        Response::Resolved => "resolved",
        Response::Closed => "closed",
    }
}

/// A picture as phones get it: by our own address, which checks who asks. The vendor's stays here.
fn picture(alarm: &Alarm, number: usize, evidence: &Evidence) -> Option<Picture> {
    let uri = evidence.uri.as_deref();
    uri.or(evidence.sha256.as_deref())?;
    let path = uri.unwrap_or_default().split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let clip = [".mp4", ".ts", ".m3u8", ".flv", ".avi"].iter().any(|end| path.ends_with(end));
    let kind = if clip { "clip" } else { "img" };
    Some(Picture { kind, url: format!("/api/evidence/{}/{number}", alarm.id) })
}

/// A trace as logs and the API write it: where the input lies in the journal.
pub fn trace(position: u64) -> String {
    format!("t{position}")
}

/// The name of an alarm's kind; one that is on trial says so.
pub fn title(engine: &Engine, alarm: &Alarm) -> Text {
    let Text { zh, en } = kind_title(engine, alarm.kind.as_str());
    if alarm.is_trial() {
        Text { zh: format!("试运行：{zh}"), en: format!("On trial: {en}") }
    } else {
        Text { zh, en }
    }
}

/// A place's path ([`Site::path_of`](wanglou_model::Site::path_of)) as screens have it: in Chinese, and in English.
pub(crate) fn names(path: &[&Text]) -> (Vec<String>, Vec<String>) {
    path.iter().map(|name| (name.zh.clone(), name.en.clone())).unzip()
}

/// The name of a kind of alarms.
pub fn kind_title(engine: &Engine, kind: &str) -> Text {
    let fixed = |zh: &str, en: &str| Text { zh: zh.to_owned(), en: en.to_owned() };
    match engine.words(kind) {
        Some(words) => words.title,
        None => match kind {
            "test" => fixed("测试告警", "Test alarm"),
            "device_fault" => fixed("设备故障", "Device fault"),
            "lift_fault" => fixed("电梯故障", "Lift fault"),
            "alarm_flood" => fixed("告警高峰", "Flood of alarms"),
            other => fixed(other, other),
        },
    }
}

/// What to do about an alarm, step by step.
pub fn advice(engine: &Engine, alarm: &Alarm) -> Vec<Text> {
    let fixed = |zh: &str, en: &str| Text { zh: zh.to_owned(), en: en.to_owned() };
    match engine.words(alarm.kind.as_str()) {
        Some(words) => words.advice,
        None if alarm.test => {
            vec![fixed("这是测试：接警后点“处理结果”即可", "This is a test: accept it, then resolve it")]
        }
        None if alarm.kind.as_str() == "alarm_flood" => vec![
            fixed("先处理列表中最上面的告警", "See to the topmost alarms in the list first"),
            fixed("请值班同事分担", "Ask those on duty to share them"),
        ],
        None => vec![fixed("到现场查看，再点“处理结果”", "Have a look on the spot, then resolve")],
    }
}

/// The name of a stage.
fn stage_text(stage: &str) -> Text {
    let (zh, en) = match stage {
        "open" => ("井盖开着", "Open"),
        "guarded" => ("已看守", "Guarded"),
        "held" => ("电梯已停梯等待", "Lift held"),
        "left" => ("电动车已离开", "Left"),
        "released" => ("电梯已恢复", "Released"),
        "hold_failed" => ("停梯失败", "Hold failed"),
        "held_overdue" => ("停梯超时", "Held too long"),
        "defeated" => ("停梯被绕过", "Hold defeated"),
        "left_at_floor" => ("到某层后消失，需查看", "Gone at a floor: check that landing"),
        "review" => ("待复核", "In review"),
        "merged" => ("多路画面已合并", "Merged"),
        "confirmed" => ("已核实", "Confirmed"),
        "investigate" => ("调查中", "Under investigation"),
        "call" => ("正在联系老人", "Calling the resident"),
        "family" => ("联系家属", "Calling the family"),
        "captain" => ("上门查看", "Knocking at the door"),
        "police" => ("民警上门", "Police welfare check"),
        "visit" => ("需上门查看", "Visit"),
        other => (other, other),
    };
    Text { zh: zh.to_owned(), en: en.to_owned() }
}
