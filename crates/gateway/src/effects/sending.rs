//! One webhook at work: each attempt is journaled before it leaves, and before each it is asked again whether the alarm
//! still calls. What was accepted meanwhile is not sent, whether it waited, or waited to be tried again.

use super::budget::{Budget, Limits, Quiet};
use super::template::Template;
use super::{Notice, still_calls, tell};
use crate::configuration::WebhookTable;
use crate::writer::WriterHandle;
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use wanglou_model::{Channel, Ended, Recipient};

/// More of an answer is not read, bytes.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// A failed post is tried again after these times.
const RETRIES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// A telephone rings at most so often a minute and an hour, unless the table says otherwise: what Aliyun allows.
const RINGS: (u32, u32) = (1, 5);

/// What one webhook is asked to send.
pub(super) struct Job {
    pub(super) notice: Notice,
    /// Of whom it is for.
    pub(super) telephone: Option<String>,
}

/// One webhook with its secret, its budget and its hours.
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) secret: Option<Vec<u8>>,
    pub(super) template: Template,
    /// Of template `text`: what is posted, and as what.
    pub(super) body: String,
    pub(super) content_type: String,
    /// Of template `text`: where the answer says yes.
    pub(super) ok: Option<String>,
    quiet: Option<Quiet>,
    quiet_up_to_level: u8,
    zone: Option<jiff::tz::TimeZone>,
    budget: Budget,
}

impl Webhook {
    pub(super) fn new(table: &WebhookTable, folder: &Path, zone: &str) -> Self {
        let secret = table.secret_file.as_ref().and_then(|file| match std::fs::read(folder.join(file)) {
            Ok(bytes) => Some(bytes.trim_ascii().to_vec()),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "the webhook's secret cannot be read: its posts are not signed");
                None
            }
        });
        let rings = (table.channel == Channel::Voice).then_some(RINGS).unzip();
        let limits = Limits {
            per_minute: table.per_minute_max,
            per_hour: table.per_hour_max,
            per_callee_minute: table.per_callee_minute_max.or(rings.0),
            per_callee_hour: table.per_callee_hour_max.or(rings.1),
        };
        Self {
            url: table.url.clone(),
            secret,
            template: table.template,
            body: table.body.clone().unwrap_or_default(),
            content_type: table.content_type.clone(),
            ok: table.ok.clone(),
            quiet: table.quiet.as_deref().and_then(|quiet| quiet.parse().ok()),
            quiet_up_to_level: table.quiet_up_to_level,
            zone: jiff::tz::TimeZone::get(zone).ok(),
            budget: Budget::new(limits),
        }
    }

    /// Is this level left for the morning?
    fn is_quiet(&self, level: u8, wall_micros: i64) -> bool {
        let Some(quiet) = self.quiet.filter(|_| level > self.quiet_up_to_level) else { return false };
        let local = jiff::Timestamp::from_microsecond(wall_micros).ok();
        let local = local.zip(self.zone.clone()).map(|(at, zone)| at.to_zoned(zone));
        local.is_some_and(|local| quiet.holds(local.hour() as u16 * 60 + local.minute() as u16))
    }
}

/// Sends what one webhook is for.
pub(super) struct Sender {
    pub(super) webhook: Webhook,
    pub(super) client: reqwest::Client,
    pub(super) writer: WriterHandle,
    /// Leads to the app.
    pub(super) link: String,
}

impl Sender {
    /// One after the other, until the gateway stops.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, mut stopping: watch::Receiver<bool>) {
        loop {
            let job = tokio::select! {
                job = jobs.recv() => job,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let Some(job) = job else { return };
            let (ended, detail) = match self.send(&job).await {
                Ok(()) => (Ended::Done, String::new()),
                Err(words) => (Ended::Failed, words),
            };
            tell(&self.writer, &job.notice.id, Some(ended), detail).await;
        }
    }

    async fn send(&mut self, job: &Job) -> Result<(), String> {
        let notice = &job.notice;
        if crate::clock::wall() > notice.expires_at {
            return Err("expired".into());
        }
        if self.webhook.template.needs_telephone(&self.webhook.body) && job.telephone.is_none() {
            return Err("no telephone on file".into());
        }
        if !self.wanted(notice).await {
            return Err("not needed any more".into());
        }
        if self.webhook.is_quiet(notice.level, crate::clock::wall().0) {
            return Err("quiet hours".into());
        }
        self.webhook.budget.spend(Instant::now(), &callee(&notice.to)).map_err(str::to_owned)?;
        self.post(job).await
    }

    async fn post(&self, job: &Job) -> Result<(), String> {
        let mut last = String::new();
        for wait in [None].into_iter().chain(RETRIES.map(Some)) {
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
                if !self.wanted(&job.notice).await {
                    return Err("not needed any more".into());
                }
            }
            tell(&self.writer, &job.notice.id, None, String::new()).await;
            match self.attempt(job).await {
                Ok(()) => return Ok(()),
                Err((again, words)) => {
                    last = words;
                    if !again {
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    /// A writer that is too busy to answer is no reason to keep an alarm back.
    async fn wanted(&self, notice: &Notice) -> bool {
        let Recipient::Officer(officer) = notice.to.clone() else { return true };
        let alarm = notice.alarm.clone();
        self.writer.read(move |engine| still_calls(engine, &alarm, &officer)).await.unwrap_or(true)
    }

    /// Posts once. The error says whether trying again can help.
    async fn attempt(&self, job: &Job) -> Result<(), (bool, String)> {
        let webhook = &self.webhook;
        let telephone = job.telephone.as_deref().unwrap_or_default();
        let now_ms = crate::clock::wall().0 / 1_000;
        let made = webhook.template.post(webhook, &job.notice, telephone, &self.link, now_ms);
        let mut request = self
            .client
            .post(&made.url)
            .header("content-type", made.content_type)
            .header("idempotency-key", &job.notice.id);
        if let Some(signature) = made.signature {
            request = request.header("x-wanglou-signature", signature);
        }
        if let Some(token) = made.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match request.body(made.body).send().await {
            Ok(response) if response.status().is_success() => {
                webhook.template.judge(webhook.ok.as_deref(), &beginning(response).await)
            }
            Ok(response) => {
                let status = response.status();
                Err((
                    status.is_server_error() || status.as_u16() == 429,
                    format!("status {}", status.as_u16()),
                ))
            }
            Err(error) if error.is_timeout() => Err((false, "no answer in time".into())),
            Err(_) => Err((true, "not reachable".into())),
        }
    }
}

/// Whom a budget counts.
fn callee(to: &Recipient) -> String {
    match to {
        Recipient::Officer(officer) => format!("officer {officer}"),
        Recipient::Resident(home) => format!("home {home}"),
        Recipient::Group(name) => format!("group {name}"),
    }
}

/// As much of an answer as is needed to say yes or no.
async fn beginning(mut response: reqwest::Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_night_only_what_cannot_wait_goes_out() {
        let text = "url = \"https://x.example\"\nquiet = \"22:00-07:00\"";
        let table: WebhookTable = toml::from_str(text).expect("a table");
        let webhook = Webhook::new(&table, Path::new("."), "Asia/Shanghai");
        // Monday 2 March 2026, 09:00 and 23:00 in Shanghai.
        let [morning, night] = [1_772_413_200_000_000, 1_772_463_600_000_000];
        assert!(webhook.is_quiet(2, night) && !webhook.is_quiet(2, morning));
        assert!(!webhook.is_quiet(1, night), "level one always");
    }
}
