//! One WebSocket, subprotocol `wanglou.v1`: the fast path while the app is visible, never the guarantee.

use super::commands::{self, CommandBody};
use super::session::{Caller, hash_secret};
use super::{PhoneSide, Problem};
use crate::access::TokenHash;
use crate::clock;
use crate::hub::{Card, Push, Resume, Socket};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use wanglou_model::{AlarmId, Delivered, Input, PhoneNews, PhoneState, Receipt, rfc3339_micros};

const PROTOCOL: &str = "wanglou.v1";
const TICKET_PREFIX: &str = "wanglou.ticket.";
/// The largest message of a phone, bytes.
const INBOUND_BYTES_MAX: usize = 8 << 10;
const READ_BUFFER_BYTES: usize = 2 << 10;
const WRITE_BUFFER_BYTES: usize = 4 << 10;
const WRITE_BUFFER_BYTES_MAX: usize = 512 << 10;
/// Between two heartbeats on an idle socket.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// While an alarm waits to be stored the phone is asked this often, and given up after so long.
const ASK_EVERY: Duration = Duration::from_secs(2);
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
/// A write that takes longer means that the phone has stopped reading.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// The first message must come within this time.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A phone may send so many messages at once, and one more each 50 ms.
const MESSAGES_BURST: u32 = 100;
const MESSAGE_EVERY: Duration = Duration::from_millis(50);

/// Close codes of the protocol.
mod code {
    pub(super) const AUTH: u16 = 4401;
    pub(super) const FORBIDDEN: u16 = 4403;
    pub(super) const STALLED: u16 = 4408;
    pub(super) const REPLACED: u16 = 4409;
    pub(super) const UPGRADE: u16 = 4426;
    pub(super) const RESTART: u16 = 1012;
}

/// Opens a socket: exact Origin and cookie, or a ticket in the subprotocol.
pub(super) async fn upgrade(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let offered = offered(&headers);
    if !offered.iter().any(|protocol| protocol == PROTOCOL) {
        let (zh, en) = ("应用版本过旧，请更新", "offer the subprotocol wanglou.v1; update the app");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "subprotocol", zh, en));
    }
    let token = token(&side, &headers, &offered)?;
    let caller = Caller::of(&side, token).await?;
    let (mine, all) = side.hub.sockets(caller.id());
    if all >= side.sockets_max.0 || mine >= side.sockets_max.1 {
        return Err(Problem::slow_down(5));
    }
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(INBOUND_BYTES_MAX)
        .max_frame_size(INBOUND_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| run(side, caller, socket)))
}

fn offered(headers: &HeaderMap) -> Vec<String> {
    let lines =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|protocol| protocol.trim().to_owned()).collect()
}

fn token(side: &PhoneSide, headers: &HeaderMap, offered: &[String]) -> Result<TokenHash, Problem> {
    if let Some(ticket) = offered.iter().find_map(|protocol| protocol.strip_prefix(TICKET_PREFIX)) {
        return side.door.redeem(Instant::now(), ticket).ok_or_else(Problem::auth);
    }
    if !side.origin.allows(headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "origin",
            "来源不符",
            "this request comes from another page",
        ));
    }
    side.origin.cookie(headers).map(hash_secret).ok_or_else(Problem::auth)
}

/// What a phone says. Unknown fields are ignored, unknown messages too: within v1 things are only added.
#[derive(Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Said {
    Hello(Hello),
    Got(Got),
    Cmd(CommandBody),
    Vis {
        v: String,
    },
    Pong {},
    Resync {
        #[serde(default)]
        cursor: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Hello {
    #[serde(default)]
    cursor: u64,
    #[serde(default)]
    history: Option<String>,
    #[serde(default)]
    vis: Option<String>,
}

#[derive(Deserialize)]
struct Got {
    id: String,
    rev: u64,
    #[serde(rename = "as")]
    delivered: Delivered,
}

/// Why a socket is closed.
struct Close(u16, &'static str);

impl From<axum::Error> for Close {
    fn from(_: axum::Error) -> Self {
        Close(0, "lost")
    }
}

struct Run {
    side: PhoneSide,
    caller: Caller,
    socket: WebSocket,
    unanswered: u32,
    /// Alarms that the phone was sent and has not said it stored, and since when.
    unstored: Vec<(AlarmId, Instant)>,
    pings: u64,
    budget: u32,
    budget_at: Instant,
}

async fn run(side: PhoneSide, caller: Caller, socket: WebSocket) {
    side.metrics.sockets.inc();
    let metrics = side.metrics.clone();
    let now = Instant::now();
    let mut run = Run {
        side,
        caller,
        socket,
        unanswered: 0,
        unstored: Vec::new(),
        pings: 0,
        budget: MESSAGES_BURST,
        budget_at: now,
    };
    let Close(code, why) = run.serve().await;
    metrics.sockets.dec();
    metrics.sockets_closed.with_label_values(&[why]).inc();
    if code > 0 {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(why) };
        let _ =
            tokio::time::timeout(Duration::from_secs(1), run.socket.send(Message::Close(Some(frame)))).await;
    }
}

impl Run {
    async fn serve(&mut self) -> Close {
        let hello = match self.hello().await {
            Ok(hello) => hello,
            Err(close) => return close,
        };
        let (id, phone) = (self.caller.id().clone(), self.caller.phone().clone());
        let hub = self.side.hub.clone();
        let (mine, resume) =
            hub.attach(&id, &phone, hello.cursor, hello.history.as_deref().unwrap_or_default());
        self.news(visibility(hello.vis.as_deref()));
        let close = match self.talk(&mine, resume).await {
            Ok(()) => Close(0, "closed"),
            Err(close) => close,
        };
        if hub.detach(&mine) {
            self.news(PhoneState::Offline);
        }
        close
    }

    async fn hello(&mut self) -> Result<Hello, Close> {
        let first = tokio::time::timeout(HELLO_WITHIN, self.socket.recv()).await;
        match first.ok().flatten().transpose()? {
            Some(Message::Text(text)) => match serde_json::from_str(&text) {
                Ok(Said::Hello(hello)) => Ok(hello),
                Ok(_) | Err(_) => Err(Close(code::UPGRADE, "no_hello")),
            },
            Some(Message::Binary(_) | Message::Ping(_) | Message::Pong(_)) => {
                Err(Close(code::UPGRADE, "no_hello"))
            }
            Some(Message::Close(_)) | None => Err(Close(0, "no_hello")),
        }
    }

    async fn talk(&mut self, mine: &Arc<Socket>, resume: Resume) -> Result<(), Close> {
        let (_, history) = self.side.hub.head(self.caller.id());
        let how = if resume.full { "full" } else { "delta" };
        let welcome = serde_json::json!({
            "t": "welcome", "conn": format!("c_{:x}", Arc::as_ptr(mine) as usize), "history": history, "head": resume.head,
            "hb_ms": HEARTBEAT.as_millis() as u64, "now": rfc3339_micros::format(clock::wall()), "resume": how,
        });
        self.send(welcome.to_string()).await?;
        self.catch_up(&history, resume).await?;
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut asking = interval(ASK_EVERY);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                push = mine.next() => self.pushed(push).await?,
                said = self.socket.recv() => match said {
                    None => return Ok(()),
                    Some(message) => if !self.heard(mine, message?, &history).await? { return Ok(()) },
                },
                _ = asking.tick(), if !self.unstored.is_empty() => self.ask().await?,
                _ = heartbeat.tick() => self.beat().await?,
            }
        }
    }

    /// Everything the phone missed, then `synced`: only now may it move its cursor.
    async fn catch_up(&mut self, history: &str, resume: Resume) -> Result<(), Close> {
        for (seq, id) in &resume.gone {
            self.gone(Some(*seq), id, true).await?;
        }
        for card in &resume.cards {
            self.alarm(card, true).await?;
        }
        let synced = serde_json::json!({"t": "synced", "seq": resume.head, "history": history});
        self.send(synced.to_string()).await
    }

    async fn pushed(&mut self, push: Push) -> Result<(), Close> {
        match push {
            Push::Alarm(card) => self.alarm(&card, false).await,
            Push::Gone(seq, id) => self.gone(seq, &id, false).await,
            // The phone asks for what it misses, with its own cursor.
            Push::Overflow => self.send(r#"{"t":"resync","why":"slow"}"#.to_owned()).await,
            Push::Revoked => Err(Close(code::AUTH, "revoked")),
            // Its receiver is none of the phones.
            Push::Canary(_) => Ok(()),
            Push::Replaced => Err(Close(code::REPLACED, "replaced")),
            Push::Stopping => {
                let spread = self
                    .caller
                    .phone()
                    .as_str()
                    .bytes()
                    .fold(0u64, |sum, byte| sum * 31 % 5000 + u64::from(byte))
                    % 5000;
                self.send(serde_json::json!({"t": "bye", "retry_ms": spread}).to_string()).await?;
                Err(Close(code::RESTART, "restart"))
            }
        }
    }

    async fn alarm(&mut self, card: &Card, replay: bool) -> Result<(), Close> {
        let replay = if replay { r#","replay":true"# } else { "" };
        let text = format!(r#"{{"t":"alarm","seq":{}{replay},"a":{}}}"#, card.seq, card.body);
        self.unstored.retain(|(id, _)| *id != card.alarm);
        if card.urgent {
            self.unstored.push((card.alarm.clone(), Instant::now()));
        }
        self.send(text).await?;
        let (trace, phone) = (card.trace.map(crate::view::trace).unwrap_or_default(), self.caller.phone());
        tracing::debug!(trace, alarm = %card.alarm, rev = card.rev, %phone, replay = !replay.is_empty(), "sent");
        Ok(())
    }

    /// An alarm is not for this phone any more. One that was forgotten with its alarm has no number of its own.
    async fn gone(&mut self, seq: Option<u64>, id: &AlarmId, replay: bool) -> Result<(), Close> {
        self.unstored.retain(|(unstored, _)| unstored != id);
        let mut gone = serde_json::json!({"t": "gone", "id": id});
        if let Some(seq) = seq {
            gone["seq"] = seq.into();
        }
        if replay {
            gone["replay"] = true.into();
        }
        self.send(gone.to_string()).await
    }

    async fn send(&mut self, text: String) -> Result<(), Close> {
        match tokio::time::timeout(WRITE_WITHIN, self.socket.send(Message::Text(text.into()))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Close(code::STALLED, "stalled")),
        }
    }

    /// An alarm lacks `stored`: the phone is asked, and given up soon; the ladder moves on.
    async fn ask(&mut self) -> Result<(), Close> {
        let overdue = self.unstored.iter().any(|(_, since)| since.elapsed() >= GIVE_UP_AFTER);
        if overdue && self.unanswered >= 2 {
            return Err(Close(code::STALLED, "unstored"));
        }
        self.unstored.retain(|(_, since)| since.elapsed() < GIVE_UP_AFTER);
        self.ping().await
    }

    async fn beat(&mut self) -> Result<(), Close> {
        if self.unanswered >= 2 {
            return Err(Close(code::STALLED, "no_pong"));
        }
        if self.side.session(&self.caller.token).is_none() {
            return Err(Close(code::AUTH, "expired"));
        }
        self.ping().await
    }

    async fn ping(&mut self) -> Result<(), Close> {
        self.unanswered += 1;
        self.pings += 1;
        self.send(format!(r#"{{"t":"ping","n":{}}}"#, self.pings)).await
    }

    /// Returns whether the socket goes on.
    async fn heard(&mut self, mine: &Socket, message: Message, history: &str) -> Result<bool, Close> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Ok(false),
            Message::Binary(_) => return Err(Close(code::UPGRADE, "binary")),
            Message::Ping(_) | Message::Pong(_) => return Ok(true),
        };
        self.spend()?;
        if self.side.session(&self.caller.token).is_none() {
            return Err(Close(code::AUTH, "revoked"));
        }
        let Ok(said) = serde_json::from_str::<Said>(&text) else {
            self.send(r#"{"t":"err","code":"invalid","text":{"zh":"消息无法识别","en":"the message is not understood"}}"#.to_owned()).await?;
            return Ok(true);
        };
        self.unanswered = 0;
        match said {
            Said::Hello(_) | Said::Other | Said::Pong {} => {}
            Said::Vis { v } => self.news(visibility(Some(&v))),
            Said::Got(got) => self.got(got).await?,
            Said::Cmd(body) => {
                let answer = commands::execute(&self.side, &self.caller, body).await;
                self.send(answer.text).await?;
            }
            Said::Resync { cursor } => {
                let resume = self.side.hub.resync(mine, cursor, history);
                self.catch_up(history, resume).await?;
            }
        }
        Ok(true)
    }

    fn spend(&mut self) -> Result<(), Close> {
        let earned = (self.budget_at.elapsed().as_millis() / MESSAGE_EVERY.as_millis()) as u32;
        if earned > 0 {
            self.budget = self.budget.saturating_add(earned).min(MESSAGES_BURST);
            self.budget_at = Instant::now();
        }
        self.budget = self.budget.checked_sub(1).ok_or(Close(code::FORBIDDEN, "too_many_messages"))?;
        Ok(())
    }

    async fn got(&mut self, got: Got) -> Result<(), Close> {
        let Ok(alarm) = AlarmId::parse(&got.id) else { return Ok(()) };
        self.unstored.retain(|(id, _)| *id != alarm);
        let receipt = Receipt {
            officer: self.caller.id().clone(),
            phone: self.caller.phone().clone(),
            alarm,
            rev: got.rev,
            delivered: got.delivered,
        };
        // A receipt that finds no room is sent again with the next resume.
        let _ = self.side.writer.send(Input::Receipt(receipt));
        Ok(())
    }

    fn news(&self, state: PhoneState) {
        let (officer, phone) = (self.caller.id().clone(), self.caller.phone().clone());
        let news = Input::Phone(PhoneNews { officer, phone, state });
        if let Err(refused) = self.side.writer.send(news) {
            tracing::warn!(%refused, "a phone's news was not taken");
        }
    }
}

fn visibility(word: Option<&str>) -> PhoneState {
    match word {
        Some("hidden") => PhoneState::Hidden,
        Some(_) | None => PhoneState::Online,
    }
}
