//! Effects that leave by other channels than the socket: each is a row of the engine's book. A pending one is begun
//! (journaled), sent, and its end is journaled; after a crash a begun webhook is sent again under the same id.

mod budget;
mod bulletin;
mod sending;
mod template;

pub use budget::Quiet;
pub use bulletin::check as check_bulletin;
pub use template::{Template, check_text};

use crate::configuration::{BulletinTable, GatewayFile, WebhookTable};
use crate::hub::Hub;
use crate::writer::{Observer, WriterHandle};
use sending::{Job, Sender, Webhook};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use wanglou_engine::{EffectRow, Engine};
use wanglou_model::{
    AlarmId, Channel, ChannelNews, Ended, Fact, Input, OfficerId, Recipient, Text, Timestamp, rfc3339_micros,
};
use wanglou_site::{People, Person};

/// Effects that wait to be sent; more are failed at once, and their ladder moves on.
pub const EFFECTS_MAX: usize = 4_096;
/// The far end must answer within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

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
    /// For a group outside: these words alone, without a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulletin: Option<String>,
    #[serde(skip)]
    pub(crate) rev: u64,
    #[serde(skip)]
    pub(crate) to: Recipient,
    #[serde(skip)]
    pub(crate) expires_at: Timestamp,
    #[serde(skip)]
    pub(crate) channel: Channel,
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
            Channel::Webhook | Channel::Voice | Channel::Sms => &self.queue,
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
        bulletin: None,
        rev: alarm.rev,
        to: row.to.clone(),
        expires_at: row.expires_at,
        channel: row.channel,
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

/// Which table an effect goes by: a card by the one that its person names; a call and a short message by the person's own
/// gateway if that is one, else by the first that is.
fn table_for<'a>(
    tables: &'a BTreeMap<String, WebhookTable>,
    person: Option<&Person>,
    channel: Channel,
) -> Option<&'a str> {
    let own = person.and_then(|person| person.webhook.as_ref());
    let named = own.and_then(|name| tables.get_key_value(name)).filter(|(_, table)| table.channel == channel);
    let any = || tables.iter().find(|(_, table)| table.channel == channel && channel != Channel::Webhook);
    named.or_else(any).map(|(name, _)| name.as_str())
}

impl Effects {
    /// Sends until the gateway stops. Each webhook has a line of its own: one that answers slowly holds up no other.
    pub async fn run(
        mut self,
        writer: WriterHandle,
        gateway: GatewayFile,
        folder: PathBuf,
        zone: String,
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
        let link = gateway.http.public_url.trim_end_matches('/').to_owned();
        let mut lines: BTreeMap<&str, mpsc::Sender<Job>> = BTreeMap::new();
        for (name, table) in &gateway.webhooks {
            let (line, jobs) = mpsc::channel(EFFECTS_MAX);
            let sender = Sender {
                webhook: Webhook::new(table, &folder, &zone),
                client: client.clone(),
                writer: writer.clone(),
                link: link.clone(),
            };
            tokio::spawn(sender.run(jobs, stopping.clone()));
            lines.insert(name, line);
        }
        loop {
            let notice = tokio::select! {
                notice = self.queue.recv() => notice,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let Some(mut notice) = notice else { return };
            let people = hub.people();
            let person = person_of(&people, &notice.to);
            let group = group_of(&gateway, &notice.to);
            notice.bulletin = group.map(|bulletin| bulletin::words(&bulletin.text, &notice));
            let table = match group {
                Some(bulletin) => Some(bulletin.webhook.as_str()),
                None => table_for(&gateway.webhooks, person, notice.channel),
            };
            let line = table.and_then(|name| lines.get(name));
            let telephone = person.and_then(|person| person.telephone.clone());
            let id = notice.id.clone();
            let refused = match line {
                None => Some("no webhook on file"),
                Some(line) => line.try_send(Job { notice, telephone }).is_err().then_some("too many wait"),
            };
            if let Some(words) = refused {
                tell(&writer, &id, Some(Ended::Failed), words.to_owned()).await;
            }
        }
    }
}

fn group_of<'a>(gateway: &'a GatewayFile, to: &Recipient) -> Option<&'a BulletinTable> {
    match to {
        Recipient::Group(name) => gateway.bulletins.get(name),
        Recipient::Officer(_) | Recipient::Resident(_) => None,
    }
}

fn person_of<'a>(people: &'a People, to: &Recipient) -> Option<&'a Person> {
    match to {
        Recipient::Officer(officer) => people.officers.get(officer),
        Recipient::Resident(home) => people.homes.get(home),
        Recipient::Group(_) => None,
    }
}

pub(crate) async fn tell(writer: &WriterHandle, effect: &str, ended: Option<Ended>, detail: String) {
    let news = Input::Channel(ChannelNews { effect: effect.to_owned(), ended, detail });
    if let Err(refused) = writer.submit(news).await {
        tracing::warn!(%refused, effect, "the end of an effect was not taken");
    }
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
    fn a_call_goes_by_a_voice_gateway_and_a_card_by_the_group_that_its_person_names() {
        let table = |channel: &str| {
            let text = format!("url = \"https://x.example\"\nchannel = \"{channel}\"");
            toml::from_str::<WebhookTable>(&text).expect("a table")
        };
        let tables = BTreeMap::from([
            ("calls".to_owned(), table("voice")),
            ("group".to_owned(), table("webhook")),
            ("own-phone".to_owned(), table("voice")),
        ]);
        let person = |webhook: Option<&str>| Person {
            name: String::new(),
            telephone: None,
            language: Default::default(),
            webhook: webhook.map(str::to_owned),
        };
        let way = |webhook, channel| table_for(&tables, Some(&person(webhook)), channel);
        assert_eq!(way(Some("group"), Channel::Webhook), Some("group"));
        assert_eq!(way(Some("group"), Channel::Voice), Some("calls"));
        assert_eq!(way(Some("own-phone"), Channel::Voice), Some("own-phone"));
        assert_eq!(way(Some("own-phone"), Channel::Webhook), None, "a card is no call");
        assert_eq!(way(None, Channel::Webhook), None, "nobody's group");
        assert_eq!(way(Some("group"), Channel::Sms), None);
    }
}
