//! Commands and receipts, the same over the socket and over HTTP: answered once, however often they come.

use super::openapi::{DeliveredWord, OpWord, OutcomeWord};
use super::session::Caller;
use super::{PhoneSide, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use wanglou_model::{
    AlarmId, Answer, Command, CommandId, Delivered, Fact, Input, OfficerId, Op, Outcome, PhoneId, Receipt,
    Text,
};

/// The longest text that a person may send, characters.
const TEXT_CHARS_MAX: usize = 1_000;

/// A command as a phone sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Command")]
pub(super) struct CommandBody {
    /// Made by the phone: the same is answered once, with the same answer, however often it comes.
    cid: String,
    #[schemars(with = "OpWord")]
    op: String,
    /// Absent for what is about no alarm.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    rev: Option<u64>,
    #[serde(default)]
    eta_s: Option<u32>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    #[schemars(with = "Option<OutcomeWord>")]
    outcome: Option<Outcome>,
    /// SHA-256 of pictures that were handed in.
    #[serde(default)]
    photos: Vec<String>,
    /// What an entry about the compound says: `home`, `until`, `on`, or where a report is.
    #[serde(flatten)]
    entry: serde_json::Map<String, serde_json::Value>,
}

/// Commands that are about no alarm: what is entered about the compound.
const ENTRIES: [&str; 11] = [
    "away",
    "consent",
    "permit",
    "report",
    "create",
    "maintain",
    "end_maintenance",
    "sign_on",
    "sign_off",
    "handover",
    "position",
];
/// Pictures are those that were handed in: an address would make the gateway ask there.
const NAMED_BY_HASH: &str = "photos: name each by the SHA-256 that /api/photos gave";
/// What a report, or an incident that an officer makes, may say beside its text and pictures.
const OF_A_REPORT: [&str; 4] = ["category", "place", "position", "incident"];

/// An answer, with the status that HTTP gives it.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Answered {
    fn error(cid: &str, status: StatusCode, code: &str, zh: &str, en: &str) -> Self {
        let text = Text { zh: zh.to_owned(), en: en.to_owned() };
        let body = serde_json::json!({"t": "err", "cid": cid, "code": code, "text": text});
        Self { status, text: body.to_string() }
    }

    fn refused(cid: &str, problem: &Problem) -> Self {
        Self::error(cid, problem.status, problem.code, &problem.text.zh, &problem.text.en)
    }
}

/// A command over HTTP, for the service worker and the offline queue.
pub(super) async fn command(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(body): Json<CommandBody>,
) -> Response {
    let answered = execute(&side, &caller, body).await;
    (answered.status, [(header::CONTENT_TYPE, "application/json")], answered.text).into_response()
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Receipt")]
pub(super) struct ReceiptBody {
    id: String,
    rev: u64,
    #[serde(rename = "as")]
    #[schemars(with = "DeliveredWord")]
    delivered: Delivered,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Drill {
    /// Made by the phone: asked for twice, it is one drill.
    cid: String,
}

/// An alarm marked TEST that goes to whoever asks for it and to nobody else, through outbox, sockets and channels like
/// a real one. Without a place of their own it is at the first of the compound.
pub(super) async fn drill(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(body): Json<Drill>,
) -> Result<Response, Problem> {
    let bad = |en: &str| Problem::new(StatusCode::BAD_REQUEST, "invalid", "命令编号无效", en);
    let cid = CommandId::parse(&body.cid).map_err(|error| bad(&error.to_string()))?;
    let own = caller.officer.places.first().cloned();
    let place = match own {
        Some(place) => Some(place),
        None => side.writer.read(|engine| engine.setup().site.places.keys().next().cloned()).await?,
    };
    let place = place.ok_or_else(|| bad("the compound has no place"))?;
    let op = Op::TestAlarm { place, priority: 2, own: true };
    let (officer, phone) = (caller.id().clone(), Some(caller.phone().clone()));
    let command = Command { cid: cid.clone(), officer, phone, alarm: None, rev: None, op };
    side.writer.submit(Input::Command(command)).await?;
    let answer = side.hub.answer(&cid);
    let answered = match &answer {
        Some((officer, answer, rev)) => answer_of(&side, &caller, &cid, officer, answer, *rev),
        None => return Err(Problem::forbidden()),
    };
    Ok((answered.status, [(header::CONTENT_TYPE, "application/json")], answered.text).into_response())
}

/// A receipt over HTTP.
pub(super) async fn receipt(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(body): Json<ReceiptBody>,
) -> Result<StatusCode, Problem> {
    let unknown =
        |_| Problem::new(StatusCode::BAD_REQUEST, "invalid", "告警编号无效", "that is no alarm's id");
    let alarm = AlarmId::parse(&body.id).map_err(unknown)?;
    let (officer, phone) = (caller.id().clone(), caller.phone().clone());
    let receipt = Receipt { officer, phone, alarm, rev: body.rev, delivered: body.delivered };
    side.writer.submit(Input::Receipt(receipt)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a command to the writer and waits for its answer, which is on disk by then.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(super) async fn execute(side: &PhoneSide, caller: &Caller, body: CommandBody) -> Answered {
    let cid_text = body.cid.clone();
    let command = match parse(caller.id(), caller.phone(), body) {
        Ok(command) => command,
        Err((zh, en)) => return Answered::error(&cid_text, StatusCode::BAD_REQUEST, "invalid", zh, &en),
    };
    let cid = command.cid.clone();
    if let Some((officer, answer, rev)) = side.hub.answer(&cid) {
        return answer_of(side, caller, &cid, &officer, &answer, rev);
    }
    match side.writer.submit(Input::Command(command)).await {
        Err(refused) => Answered::refused(&cid_text, &refused.into()),
        Ok(committed) => {
            let answered = committed.facts.iter().find_map(|fact| match fact {
                Fact::Answered { officer, answer, .. } => Some((officer.clone(), answer.clone())),
                _ => None,
            });
            // Without a fact of its own it was a repeat that overtook this one: the first answer stands.
            let known = side.hub.answer(&cid);
            let rev = known.as_ref().map_or(0, |(_, _, rev)| *rev);
            match answered.or(known.map(|(officer, answer, _)| (officer, answer))) {
                Some((officer, answer)) => answer_of(side, caller, &cid, &officer, &answer, rev),
                None => Answered::error(
                    &cid_text,
                    StatusCode::CONFLICT,
                    "gone",
                    "告警已结束",
                    "the alarm is over",
                ),
            }
        }
    }
}

/// What a phone's words mean.
pub(super) fn parse(
    officer: &OfficerId,
    phone: &PhoneId,
    body: CommandBody,
) -> Result<Command, (&'static str, String)> {
    let cid = CommandId::parse(&body.cid).map_err(|error| ("命令编号无效", format!("cid: {error}")))?;
    let texts = [&body.reason, &body.text, &body.note];
    if texts.iter().any(|text| text.chars().count() > TEXT_CHARS_MAX) {
        return Err(("文字过长", format!("a text has at most {TEXT_CHARS_MAX} characters")));
    }
    if ENTRIES.contains(&body.op.as_str()) {
        return entry(officer, phone, cid, body);
    }
    let id = body.id.ok_or(("缺少告警编号", "id: which alarm?".to_owned()))?;
    let alarm = AlarmId::parse(&id).map_err(|error| ("告警编号无效", format!("id: {error}")))?;
    let op = match body.op.as_str() {
        "accept" => Op::Accept { eta_s: body.eta_s },
        "undo" => Op::Undo,
        "decline" => Op::Decline { reason: body.reason },
        "en_route" => Op::EnRoute,
        "arrive" => Op::Arrive,
        "note" => Op::Note { text: body.text },
        "guard" => Op::Guard { photos: body.photos },
        "confirm" => Op::Confirm,
        "investigate" => Op::Investigate,
        "review" => Op::Review { outcome: body.outcome, note: body.note },
        "release" => Op::Release { reason: body.reason },
        "transfer" | "shelve" | "bulletin" => {
            let mut object = body.entry;
            object.insert("op".to_owned(), body.op.into());
            if !matches!(object.get("op"), Some(op) if op == "bulletin") {
                object.insert("reason".to_owned(), body.reason.into());
            }
            serde_json::from_value(serde_json::Value::Object(object))
                .map_err(|error| ("命令内容有误", format!("op: {error}")))?
        }
        "resolve" => {
            if !body.photos.iter().all(|photo| is_sha256(photo)) {
                return Err(("照片编号无效", NAMED_BY_HASH.to_owned()));
            }
            let outcome = body.outcome.ok_or(("请选择处理结果", "outcome: say how it ended".to_owned()))?;
            Op::Resolve { outcome, note: body.note, photos: body.photos }
        }
        "false_alarm" => Op::FalseAlarm { note: body.note },
        other => return Err(("未知操作", format!("op: {other:?} is not known"))),
    };
    let (officer, phone) = (officer.clone(), Some(phone.clone()));
    Ok(Command { cid, officer, phone, alarm: Some(alarm), rev: body.rev, op })
}

fn entry(
    officer: &OfficerId,
    phone: &PhoneId,
    cid: CommandId,
    body: CommandBody,
) -> Result<Command, (&'static str, String)> {
    let mut object = body.entry;
    if matches!(body.op.as_str(), "report" | "create") {
        // Pictures are those that were handed in: an address would make the gateway ask there.
        if !body.photos.iter().all(|photo| is_sha256(photo)) {
            return Err(("照片编号无效", NAMED_BY_HASH.to_owned()));
        }
        object.retain(|key, _| OF_A_REPORT.contains(&key.as_str()));
        object.insert("text".to_owned(), body.text.into());
        object.insert("photos".to_owned(), body.photos.into());
    }
    object.insert("op".to_owned(), body.op.into());
    if !body.reason.is_empty() {
        object.insert("reason".to_owned(), body.reason.into());
    }
    let op: Op = serde_json::from_value(serde_json::Value::Object(object))
        .map_err(|error| ("登记内容有误", format!("op: {error}")))?;
    if let Op::Report(report) = &op {
        report.check().map_err(|error| ("上报内容有误", error.to_string()))?;
    }
    let (officer, phone) = (officer.clone(), Some(phone.clone()));
    Ok(Command { cid, officer, phone, alarm: None, rev: None, op })
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn answer_of(
    side: &PhoneSide,
    caller: &Caller,
    cid: &CommandId,
    officer: &OfficerId,
    answer: &Answer,
    rev: u64,
) -> Answered {
    let error = |status, code, zh: &str, en: &str| Answered::error(cid.as_str(), status, code, zh, en);
    if officer != caller.id() {
        return error(
            StatusCode::FORBIDDEN,
            "forbidden",
            "命令编号已被他人使用",
            "this cid is somebody else's",
        );
    }
    match answer {
        Answer::Ok { alarm } => {
            let body = serde_json::json!({"t": "ok", "cid": cid, "id": alarm, "rev": rev});
            Answered { status: StatusCode::OK, text: body.to_string() }
        }
        Answer::Done => {
            let body = serde_json::json!({"t": "ok", "cid": cid});
            Answered { status: StatusCode::OK, text: body.to_string() }
        }
        Answer::Taken { by } => {
            let by = crate::view::person(&side.hub.people(), by);
            let text = Text { zh: format!("已由{}接警", by.name), en: format!("taken by {}", by.name) };
            let body = serde_json::json!({"t": "err", "cid": cid, "code": "taken", "by": by, "text": text});
            Answered { status: StatusCode::CONFLICT, text: body.to_string() }
        }
        Answer::Changed => error(
            StatusCode::CONFLICT,
            "changed",
            "告警有变化，请查看后再接",
            "the alarm changed; look again",
        ),
        Answer::Gone => error(StatusCode::NOT_FOUND, "gone", "告警已结束", "the alarm is over"),
        Answer::Forbidden => error(StatusCode::FORBIDDEN, "forbidden", "无权限", "you may not do that"),
        Answer::Invalid { reason } => {
            error(StatusCode::BAD_REQUEST, "invalid", &reason.text.zh, &reason.text.en)
        }
    }
}
