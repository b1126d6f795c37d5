//! What comes from outside without a session: notes by signed webhooks (a command room, a patrol brigade), and what people
//! write by the card at a door. Each is on disk before it is answered, and is taken once.
//!
//! ```text
//!  POST /api/notes/{source}   X-Wanglou-Timestamp: unix seconds
//!                             X-Wanglou-Signature: sha256=hex(HMAC-SHA-256(secret, timestamp "." body))
//!  POST /api/cards/{card}     nothing secret: the card hangs on a wall
//! ```

use super::openapi::Point;
use super::{PhoneSide, Problem};
use crate::configuration::GatewayFile;
use crate::effects::signature;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use wanglou_engine::note_key;
use wanglou_journal::BlobId;
use wanglou_model::{
    AlarmId, Category, CommandId, Fact, Input, Note, NoteKind, PlaceId, Position, Reason, Report, Timestamp,
};

/// A signature is taken so long before and after its time, seconds.
const WINDOW_S: i64 = 300;
/// A secret that is shorter can be guessed, bytes.
const SECRET_BYTES_MIN: usize = 16;
/// Notes of one webhook within a minute.
const NOTES_PER_MINUTE: usize = 60;
/// What people write by one card within a minute, and by all cards.
const CARD_PER_MINUTE: usize = 6;
const CARDS_PER_MINUTE: usize = 60;

/// Who may send notes, and the cards that hang at doors.
#[derive(Debug, Default)]
pub struct Notes {
    sources: BTreeMap<String, Source>,
    cards: BTreeMap<String, Card>,
    all_cards: Budget,
}

#[derive(Debug)]
struct Source {
    secret: Vec<u8>,
    kind: NoteKind,
    budget: Budget,
}

#[derive(Debug)]
struct Card {
    place: PlaceId,
    budget: Budget,
}

#[derive(Debug, Default)]
struct Budget(Mutex<Vec<Instant>>);

impl Budget {
    /// Takes one out. `false`: there were too many within the last minute.
    fn spend(&self, now: Instant, most: usize) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        let within = spent.len() < most;
        if within {
            spent.push(now);
        }
        within
    }
}

impl Notes {
    /// Reads the secrets that the gateway's file names.
    ///
    /// # Errors
    /// In words: a secret that cannot be read, or is too short. Nothing unsigned is ever taken.
    pub fn new(gateway: &GatewayFile, folder: &FilePath) -> Result<Self, String> {
        let source = |(name, table): (&String, &crate::configuration::NoteTable)| {
            let file = folder.join(&table.secret_file);
            let words = |why: String| format!("notes.{name}.secret_file: {}: {why}", file.display());
            let secret = std::fs::read(&file).map_err(|error| words(error.to_string()))?;
            let secret = secret.trim_ascii().to_vec();
            if secret.len() < SECRET_BYTES_MIN {
                return Err(words(format!(
                    "has {} bytes, at least {SECRET_BYTES_MIN} are needed",
                    secret.len()
                )));
            }
            Ok((name.clone(), Source { secret, kind: table.kind.into(), budget: Budget::default() }))
        };
        let card = |(name, table): (&String, &crate::configuration::CardTable)| {
            (name.clone(), Card { place: table.place.clone(), budget: Budget::default() })
        };
        Ok(Self {
            sources: gateway.notes.iter().map(source).collect::<Result<_, String>>()?,
            cards: gateway.cards.iter().map(card).collect(),
            all_cards: Budget::default(),
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Note")]
pub(super) struct NoteBody {
    /// Of the system that sends it: the same is taken once.
    id: String,
    category: String,
    #[serde(default)]
    text: String,
    #[schemars(with = "Option<String>")]
    place: Option<PlaceId>,
    #[schemars(with = "Option<Point>")]
    position: Option<Position>,
    #[serde(default)]
    photos: Vec<String>,
}

/// A note by a signed webhook.
pub(super) async fn note(
    State(side): State<PhoneSide>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let known = side.notes.sources.get(&source);
    // Who does not know the secret does not learn which sources there are.
    let known = known.filter(|known| is_signed(&known.secret, &headers, &body, crate::clock::wall()));
    let known = known.ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "signature",
            "签名无效或时间相差过大",
            "no such source, a wrong signature, or a timestamp more than five minutes off",
        )
    })?;
    if !known.budget.spend(Instant::now(), NOTES_PER_MINUTE) {
        return Err(Problem::slow_down(60));
    }
    let NoteBody { id, category, text, place, position, photos } =
        serde_json::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
    let report = Report { category: Category::from(category), text, place, position, photos };
    take(&side, source, id, known.kind, report).await
}

fn is_signed(secret: &[u8], headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((timestamp, given)) = text("x-wanglou-timestamp").zip(text("x-wanglou-signature")) else {
        return false;
    };
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| (at - now.0 / 1_000_000).abs() <= WINDOW_S);
    let signed = [timestamp.as_bytes(), b".", body].concat();
    let right = signature(secret, &signed);
    // As long whatever differs.
    let differs = right.bytes().zip(given.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    fresh && right.len() == given.len() && differs == 0
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CardMessage")]
pub(super) struct CardBody {
    /// Made by the page: the same is taken once.
    id: String,
    /// `message`, `tip`, or `report`.
    kind: String,
    #[serde(default)]
    category: String,
    text: String,
    #[serde(default)]
    photos: Vec<String>,
}

/// What somebody writes by the card at a door.
pub(super) async fn card(
    State(side): State<PhoneSide>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "此二维码已停用", "there is no such card");
    let card = side.notes.cards.get(&name).ok_or_else(gone)?;
    let now = Instant::now();
    if !card.budget.spend(now, CARD_PER_MINUTE) || !side.notes.all_cards.spend(now, CARDS_PER_MINUTE) {
        return Err(Problem::slow_down(60));
    }
    let CardBody { id, kind, category, text, photos } =
        serde_json::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
    if text.trim().is_empty() {
        return Err(invalid("text: write something"));
    }
    let (kind, category) = match kind.as_str() {
        "message" => (NoteKind::Message, "message".to_owned()),
        "tip" => (NoteKind::Tip, "tip".to_owned()),
        "report" => (NoteKind::Report, category),
        other => return Err(invalid(&format!("kind: {other:?} is not message, tip or report"))),
    };
    let place = Some(card.place.clone());
    let report = Report { category: Category::from(category), text, place, position: None, photos };
    take(&side, format!("card:{name}"), id, kind, report).await
}

async fn take(
    side: &PhoneSide,
    source: String,
    id: String,
    kind: NoteKind,
    report: Report,
) -> Result<Response, Problem> {
    CommandId::parse(&id).map_err(|error| invalid(&format!("id: {error}")))?;
    let content = serde_json::to_vec(&(kind, &report)).map_err(|error| invalid(&error.to_string()))?;
    let digest = BlobId::of(&content).to_string();
    let key = note_key(&source, &id);
    let looked = report.clone();
    let asked = key.clone();
    let (refused, row) = side
        .writer
        .read(move |engine| (engine.refuses(&looked), engine.book().notes.get(&asked).cloned()))
        .await?;
    if let Some(row) = row.as_ref().filter(|row| row.digest == digest) {
        return Ok(taken(&id, &row.alarm, true));
    }
    if let Some(reason) = refused.filter(|_| row.is_none()) {
        return Err(refusal(&reason));
    }
    let note = Note { source, id: id.clone(), digest: digest.clone(), kind, report };
    let committed = side.writer.submit(Input::Note(note)).await?;
    let new = committed.facts.iter().find(|fact| matches!(fact, Fact::Noticed { .. })).and_then(Fact::alarm);
    if let Some(alarm) = new {
        return Ok(taken(&id, alarm, false));
    }
    // Another one with this id was there first, perhaps a moment ago.
    let row = side.writer.read(move |engine| engine.book().notes.get(&key).cloned()).await?;
    match row.filter(|row| row.digest == digest) {
        Some(row) => Ok(taken(&id, &row.alarm, true)),
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "reused_id",
            "该编号已用于其他内容，未采用",
            "this id was used for another content: not taken, send it with an id of its own",
        )),
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NoteTaken")]
pub(super) struct Taken {
    /// Always `ok`.
    t: &'static str,
    /// The note's.
    id: String,
    /// What it became.
    alarm: String,
    /// It was taken before.
    duplicate: bool,
}

fn taken(id: &str, alarm: &AlarmId, duplicate: bool) -> Response {
    axum::Json(Taken { t: "ok", id: id.to_owned(), alarm: alarm.to_string(), duplicate }).into_response()
}

fn invalid(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", "内容有误", why)
}

fn refusal(reason: &Reason) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", &reason.text.zh, &reason.text.en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::Span;

    fn headers(timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-wanglou-timestamp", timestamp.parse().expect("a value"));
        headers.insert("x-wanglou-signature", signature.parse().expect("a value"));
        headers
    }

    #[test]
    fn only_what_is_signed_with_the_secret_and_lately_is_taken() {
        // printf '1764000000.{"id":"1"}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let right = "sha256=9806ab9e99e80578b5363167358a2e4a6b943caadd7625174f30bec3f29b86a8";
        let (secret, body) = (b"0123456789abcdef", br#"{"id":"1"}"#);
        let at = Timestamp(1_764_000_000_000_000);
        let signed = |timestamp: &str, signature: &str, now: Timestamp| {
            is_signed(secret, &headers(timestamp, signature), body, now)
        };
        assert!(signed("1764000000", right, at));
        assert!(signed("1764000000", right, at + Span::secs(300)));
        assert!(!signed("1764000000", right, at + Span::secs(301)), "too old");
        assert!(!signed("1764000000", right, at - Span::secs(301)), "from the future");
        assert!(!signed("1764000001", right, at), "another time");
        assert!(!signed("1764000000", &right[..20], at), "a part of it");
        assert!(!is_signed(secret, &HeaderMap::new(), body, at));
        assert!(!is_signed(b"another secret...", &headers("1764000000", right), body, at));
        assert!(!is_signed(secret, &headers("1764000000", right), b"{}", at), "another body");
    }

    #[test]
    fn a_budget_is_that_of_a_minute() {
        let (budget, now) = (Budget::default(), Instant::now());
        assert!(budget.spend(now, 2) && budget.spend(now, 2) && !budget.spend(now, 2));
        assert!(budget.spend(now + Duration::from_secs(61), 2));
    }
}
