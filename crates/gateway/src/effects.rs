//! Effects that leave by other channels than the socket: each is a row of the engine's book. A pending one is begun
//! (journaled), sent, and its end is journaled; after a crash a begun webhook is sent again under the same id.

mod template;

pub use template::Template;

use crate::configuration::{GatewayFile, WebhookTable};
use crate::hub::Hub;
use crate::writer::{Observer, WriterHandle};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use wanglou_engine::{EffectRow, Engine};
use wanglou_model::{
    AlarmId, Channel, ChannelNews, Ended, Fact, Input, OfficerId, Recipient, Text, Timestamp, rfc3339_micros,
};
use wanglou_site::{People, Person};

/// Effects that wait to be sent; more are failed at once, and their ladder moves on.
pub const EFFECTS_MAX: usize = 4_096;
/// The far end must answer within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// More of an answer is not read, bytes.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// A failed post is tried again after these times.
const RETRIES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// What is to be sent: level, type and building; never a name, never a flat number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// The effect's id: the same for a resend.
    pub id: String,
    /// The alarm.
    pub alarm: String,
    /// Its kind.
    pub kind: String,
    /// 1 to 4.
    pub level: u8,
    /// What it is.
    pub title: Text,
    /// The building, or the outermost place.
    pub place: Text,
    /// When it was raised.
    pub raised_at: String,
    /// A test.
    pub test: bool,
    #[serde(skip)]
    pub(crate) rev: u64,
    #[serde(skip)]
    pub(crate) to: Recipient,
    #[serde(skip)]
    pub(crate) expires_at: Timestamp,
}

/// Hands new effects from the writer to those who send them.
#[derive(Debug)]
pub struct Dispatcher {
    queue: mpsc::Sender<Notice>,
    pushes: mpsc::Sender<Notice>,
}

/// The sending end.
#[derive(Debug)]
pub struct Effects {
    queue: mpsc::Receiver<Notice>,
}

impl Dispatcher {
    /// All ends: webhooks, and pushes. What the recovered engine still owes is sent first.
    pub fn new(engine: &Engine) -> (Self, Effects, mpsc::Receiver<Notice>) {
        let ((queue, effects), (pushes, pushed)) = (mpsc::channel(EFFECTS_MAX), mpsc::channel(EFFECTS_MAX));
        let dispatcher = Self { queue, pushes };
        for (id, row) in &engine.book().effects {
            dispatcher.hand_over(engine, id, row);
        }
        (dispatcher, Effects { queue: effects }, pushed)
    }

    fn hand_over(&self, engine: &Engine, id: &str, row: &EffectRow) {
        let Some(notice) = notice(engine, id, row) else { return };
        let queue = match row.channel {
            Channel::Push => &self.pushes,
            Channel::Webhook | Channel::Voice => &self.queue,
        };
        if queue.try_send(notice).is_err() {
            tracing::warn!(effect = id, "too many effects wait; this one is left to the ladder's next step");
        }
    }
}

impl Observer for Dispatcher {
    fn committed(&mut self, _at: Timestamp, engine: &Engine, facts: &[Fact]) {
        for fact in facts {
            if let Fact::EffectQueued { effect, .. } = fact
                && let Some(row) = engine.book().effects.get(effect)
            {
                self.hand_over(engine, effect, row);
            }
        }
    }
}

fn notice(engine: &Engine, id: &str, row: &EffectRow) -> Option<Notice> {
    let alarm = engine.book().alarms.get(&row.alarm)?;
    let outermost =
        engine.setup().site.path_of(&alarm.place).first().map(|name| (*name).clone()).unwrap_or_default();
    Some(Notice {
        id: id.to_owned(),
        alarm: alarm.id.to_string(),
        kind: alarm.kind.to_string(),
        level: alarm.priority.level(),
        title: crate::view::title(engine, alarm),
        place: outermost,
        raised_at: rfc3339_micros::format(engine.senses().wall(alarm.raised_at)),
        test: alarm.test,
        rev: alarm.rev,
        to: row.to.clone(),
        expires_at: row.expires_at,
    })
}

/// Does an alarm still call this officer? Once anybody has accepted it, nothing more is sent.
pub(crate) fn still_calls(engine: &Engine, alarm: &str, officer: &OfficerId) -> bool {
    let alarm = AlarmId::parse(alarm).ok().and_then(|id| engine.book().alarms.get(&id));
    alarm.is_some_and(|alarm| {
        let called = alarm.followers.get(officer).is_some_and(|follower| follower.ring && !follower.declined);
        alarm.is_open() && alarm.is_unaccepted() && called
    })
}

/// One webhook with its secret and its budget.
struct Webhook {
    url: String,
    secret: Option<Vec<u8>>,
    template: Template,
    per_minute_max: usize,
    sent: Vec<Instant>,
}

impl Webhook {
    fn new(table: &WebhookTable, folder: &Path) -> Self {
        let secret = table.secret_file.as_ref().and_then(|file| match std::fs::read(folder.join(file)) {
            Ok(bytes) => Some(bytes.trim_ascii().to_vec()),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "the webhook's secret cannot be read: its posts are not signed");
                None
            }
        });
        Self {
            url: table.url.clone(),
            secret,
            template: table.template,
            per_minute_max: table.per_minute_max as usize,
            sent: Vec::new(),
        }
    }

    fn spend(&mut self, now: Instant) -> bool {
        self.sent.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        let within = self.sent.len() < self.per_minute_max;
        if within {
            self.sent.push(now);
        }
        within
    }
}

impl Effects {
    /// Sends until the gateway stops.
    pub async fn run(
        mut self,
        writer: WriterHandle,
        gateway: GatewayFile,
        folder: PathBuf,
        hub: Hub,
        mut stopping: watch::Receiver<bool>,
    ) {
        let client = match reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
        {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "no webhook can be sent");
                return;
            }
        };
        let mut webhooks: BTreeMap<String, Webhook> = gateway
            .webhooks
            .iter()
            .map(|(name, table)| (name.clone(), Webhook::new(table, &folder)))
            .collect();
        let link = gateway.http.public_url.trim_end_matches('/').to_owned();
        loop {
            let notice = tokio::select! {
                notice = self.queue.recv() => notice,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let Some(notice) = notice else { return };
            let people = hub.people();
            let name = person_of(&people, &notice.to).and_then(|person| person.webhook.clone());
            let webhook = name.and_then(|name| webhooks.get_mut(&name));
            let (ended, detail) = match webhook {
                None => (Ended::Failed, "no webhook on file".to_owned()),
                Some(_) if crate::clock::wall() > notice.expires_at => (Ended::Failed, "expired".to_owned()),
                Some(_) if !wanted(&writer, &notice).await => {
                    (Ended::Failed, "not needed any more".to_owned())
                }
                Some(webhook) => {
                    if webhook.spend(Instant::now()) {
                        tell(&writer, &notice.id, None, String::new()).await;
                        post(&client, webhook, &notice, &link).await
                    } else {
                        (Ended::Failed, "over budget".to_owned())
                    }
                }
            };
            tell(&writer, &notice.id, Some(ended), detail).await;
        }
    }
}

fn person_of<'a>(people: &'a People, to: &Recipient) -> Option<&'a Person> {
    match to {
        Recipient::Officer(officer) => people.officers.get(officer),
        Recipient::Resident(home) => people.homes.get(home),
    }
}

/// A writer that is too busy to answer is no reason to keep an alarm back.
async fn wanted(writer: &WriterHandle, notice: &Notice) -> bool {
    let Recipient::Officer(officer) = notice.to.clone() else { return true };
    let alarm = notice.alarm.clone();
    writer.read(move |engine| still_calls(engine, &alarm, &officer)).await.unwrap_or(true)
}

pub(crate) async fn tell(writer: &WriterHandle, effect: &str, ended: Option<Ended>, detail: String) {
    let news = Input::Channel(ChannelNews { effect: effect.to_owned(), ended, detail });
    if let Err(refused) = writer.submit(news).await {
        tracing::warn!(%refused, effect, "the end of an effect was not taken");
    }
}

async fn post(client: &reqwest::Client, webhook: &Webhook, notice: &Notice, link: &str) -> (Ended, String) {
    let mut last = String::new();
    for wait in [None].into_iter().chain(RETRIES.map(Some)) {
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        match attempt(client, webhook, notice, link).await {
            Ok(()) => return (Ended::Done, String::new()),
            Err((again, words)) => {
                last = words;
                if !again {
                    break;
                }
            }
        }
    }
    (Ended::Failed, last)
}

/// Posts once. The error says whether trying again can help.
async fn attempt(
    client: &reqwest::Client,
    webhook: &Webhook,
    notice: &Notice,
    link: &str,
) -> Result<(), (bool, String)> {
    let made = webhook.template.post(webhook, notice, link, crate::clock::wall().0 / 1_000);
    let mut request = client
        .post(&made.url)
        .header("content-type", "application/json")
        .header("idempotency-key", &notice.id);
    if let Some(signature) = made.signature {
        request = request.header("x-wanglou-signature", signature);
    }
    match request.body(made.body).send().await {
        Ok(response) if response.status().is_success() => webhook.template.judge(&beginning(response).await),
        Ok(response) => {
            let status = response.status();
            Err((status.is_server_error() || status.as_u16() == 429, format!("status {}", status.as_u16())))
        }
        Err(error) if error.is_timeout() => Err((false, "no answer in time".into())),
        Err(_) => Err((true, "not reachable".into())),
    }
}

/// As much of an answer as a robot needs to say yes or no.
async fn beginning(mut response: reqwest::Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// `sha256=` and the HMAC-SHA-256 of the body, in hexadecimal digits (RFC 2104).
pub(crate) fn signature(secret: &[u8], body: &[u8]) -> String {
    let digits: String = hmac(secret, body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(secret: &[u8], text: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let mut key = [0u8; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let signed = signature(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signed, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_budget_is_a_budget() {
        let mut webhook = Webhook {
            url: String::new(),
            secret: None,
            template: Template::Json,
            per_minute_max: 2,
            sent: Vec::new(),
        };
        let now = Instant::now();
        assert!(webhook.spend(now) && webhook.spend(now) && !webhook.spend(now));
        assert!(webhook.spend(now + Duration::from_secs(61)));
    }
}
