//! What `gateway.toml` may not say: every fault of the gateway's own file, found at once.

use super::Fault;
use super::file::{
    BackupTable, BulletinTable, CanaryTable, CloudEventsTable, GatewayFile, HomeAssistantTable, HttpTable,
    JournalTable, MqttTable, PushTable, RetentionTable, SessionsTable, WebhookTable, per_minute_max,
};
use crate::effects::{Quiet, Template, check_bulletin, check_text};
use crate::evidence::Allowed;
use crate::push::Endpoints;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use wanglou_model::Channel;

/// The faults found so far.
struct Faults<'a> {
    /// The file, as it was named to us.
    name: &'a str,
    found: Vec<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, key: &str, text: impl Into<String>) {
        self.found.push(Fault::error(self.name, key, None, text));
    }

    fn unless_in(&mut self, range: RangeInclusive<u64>, key: &str, value: u64) {
        if !range.contains(&value) {
            self.add(key, format!("{value} is not between {} and {}", range.start(), range.end()));
        }
    }
}

impl GatewayFile {
    /// Every fault.
    pub(super) fn check(&self, name: &str) -> Vec<Fault> {
        let mut faults = Faults { name, found: Vec::new() };
        mqtt(&self.mqtt, &mut faults);
        journal(&self.journal, &mut faults);
        canary(self.canary, &mut faults);
        cloudevents(&self.cloudevents, &mut faults);
        home_assistant(&self.home_assistant, &mut faults);
        backup(&self.backup, &self.retention, &mut faults);
        retention(&self.retention, &mut faults);
        if let Err(text) = Allowed::parse(&self.evidence.hosts) {
            faults.add("evidence.hosts", text);
        }
        push(&self.push, &mut faults);
        http(&self.http, &mut faults);
        sessions(&self.sessions, &mut faults);
        let unfit = |name: &&String| !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        for name in self.notes.keys().chain(self.cards.keys()).filter(unfit) {
            faults.add("notes", format!("{name:?} is part of an address: letters, digits and - only"));
        }
        for (name, table) in &self.bulletins {
            bulletin(name, table, &self.webhooks, &mut faults);
        }
        for (name, table) in &self.webhooks {
            webhook(name, table, &mut faults);
        }
        faults.found
    }
}

fn mqtt(mqtt: &MqttTable, faults: &mut Faults) {
    if mqtt.user_file.is_some() != mqtt.password_file.is_some() {
        faults.add("mqtt", "user_file and password_file go together: give both, or neither");
    }
    faults.unless_in(10 << 10..=16 << 20, "mqtt.packet_bytes_max", mqtt.packet_bytes_max as u64);
    faults.unless_in(1..=60, "mqtt.keep_alive_s", mqtt.keep_alive_s);
    if mqtt.publish_personal && !(mqtt.publish_alarms || mqtt.publish_observations) {
        let text = "does nothing without publish_alarms or publish_observations: set one of them too";
        faults.add("mqtt.publish_personal", text);
    }
}

fn journal(journal: &JournalTable, faults: &mut Faults) {
    if !(1 << 20..=1 << 30).contains(&journal.segment_bytes) {
        let text = format!("{} is not between 1 MiB and 1 GiB", journal.segment_bytes);
        faults.add("journal.segment_bytes", text);
    }
    if journal.snapshot_records == 0 {
        faults.add("journal.snapshot_records", "must be at least 1");
    }
}

fn canary(canary: CanaryTable, faults: &mut Faults) {
    faults.unless_in(1..=3600, "canary.every_s", canary.every_s);
    if !(1..=canary.every_s.max(1)).contains(&canary.within_s) {
        let text = format!("{} is not between 1 and canary.every_s", canary.within_s);
        faults.add("canary.within_s", text);
    }
}

fn cloudevents(table: &CloudEventsTable, faults: &mut Faults) {
    if let Some(url) = table.url.as_ref().filter(|url| !is_safe_url(url)) {
        faults.add("cloudevents.url", format!("{url:?} is neither https:// nor http:// on loopback"));
    }
    if table.publish_personal && table.url.is_none() {
        faults.add("cloudevents.publish_personal", "does nothing without an url: set both, or neither");
    }
}

fn home_assistant(table: &HomeAssistantTable, faults: &mut Faults) {
    let prefix = &table.prefix;
    let unfit = prefix.contains(['+', '#', '\0', ' ']) || prefix.ends_with('/');
    if prefix.is_empty() || prefix.len() > 100 || unfit {
        let text = format!("{prefix:?} is no beginning of a topic, such as homeassistant");
        faults.add("home_assistant.prefix", text);
    }
}

fn backup(backup: &BackupTable, retention: &RetentionTable, faults: &mut Faults) {
    faults.unless_in(1..=168, "backup.every_h", backup.every_h.into());
    faults.unless_in(1..=366, "backup.keep", backup.keep.into());
    if backup.into.is_some() && backup.kept_days() > retention.bodies_days {
        let (kept, allowed) = (backup.kept_days(), retention.bodies_days);
        let text = format!(
            "every_h times keep are {kept} days, and what people said is kept for {allowed} (retention.bodies_days): \
             keep fewer"
        );
        faults.add("backup.keep", text);
    }
}

fn retention(retention: &RetentionTable, faults: &mut Faults) {
    if retention.bodies_days == 0 || retention.facts_days < retention.bodies_days {
        faults.add("retention", "bodies_days is at least 1 and at most facts_days");
    }
}

fn push(push: &PushTable, faults: &mut Faults) {
    if let Err(text) = Endpoints::parse(&push.hosts) {
        faults.add("push.hosts", text);
    }
    if push.contact.as_ref().is_some_and(|contact| !is_contact(contact)) {
        faults.add("push.contact", "write mailto:somebody@example.org, or https://…");
    }
}

fn http(http: &HttpTable, faults: &mut Faults) {
    let url = &http.public_url;
    if let Err(text) = check_public_url(url) {
        faults.add("http.public_url", text);
    }
    if http.tls_cert.is_some() != http.tls_key.is_some() {
        faults.add("http", "tls_cert and tls_key go together: give both, or neither");
    }
    if http.tls_cert.is_some() && !url.to_ascii_lowercase().starts_with("https://") {
        let text = format!("with tls_cert this address speaks https: {url:?} must begin with https://");
        faults.add("http.public_url", text);
    }
}

fn sessions(sessions: &SessionsTable, faults: &mut Faults) {
    if sessions.lock_after_min > 24 * 60 {
        let text = format!("{} is more than a day (1440)", sessions.lock_after_min);
        faults.add("sessions.lock_after_min", text);
    }
}

fn bulletin(
    name: &str,
    table: &BulletinTable,
    webhooks: &BTreeMap<String, WebhookTable>,
    faults: &mut Faults,
) {
    let there = webhooks.get(&table.webhook).map(|webhook| webhook.channel);
    if there != Some(Channel::Webhook) {
        let text = format!("there is no [webhooks.{}] with channel \"webhook\"", table.webhook);
        faults.add(&format!("bulletins.{name}.webhook"), text);
    }
    if let Err(text) = check_bulletin(&table.text) {
        faults.add(&format!("bulletins.{name}.text"), text);
    }
}

fn webhook(name: &str, table: &WebhookTable, faults: &mut Faults) {
    let key = |key: &str| format!("webhooks.{name}.{key}");
    if table.channel == Channel::Push {
        faults.add(&key("channel"), "\"webhook\", \"sms\" or \"voice\"; push has its own table");
    }
    if !is_safe_url(&table.url) {
        faults.add(&key("url"), format!("{:?} is neither https:// nor http:// on loopback", table.url));
    }
    if table.template == Template::Text
        && let Err(text) = check_text(table.body.as_deref(), &table.content_type, table.ok.as_deref())
    {
        faults.add(&key("body"), text);
    }
    if let Some(Err(text)) = table.quiet.as_deref().map(str::parse::<Quiet>) {
        faults.add(&key("quiet"), text);
    }
    let robot = matches!(table.template, Template::Dingtalk | Template::Wecom);
    if robot && table.per_minute_max > per_minute_max() {
        let asked = table.per_minute_max;
        let text = format!("{asked}: a group robot takes 20 a minute, and shuts out who sends more");
        faults.add(&key("per_minute_max"), text);
    }
    if table.per_minute_max == 0 {
        faults.add(&key("per_minute_max"), "must be at least 1");
    }
}

fn is_contact(text: &str) -> bool {
    let mail = text.strip_prefix("mailto:").is_some_and(|mail| mail.contains('@'));
    (mail || text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())) && text.len() <= 200
}

fn check_public_url(url: &str) -> Result<(), String> {
    let Ok(parsed) = url.parse::<axum::http::Uri>() else { return Err(format!("{url:?} is not a URL")) };
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return Err(format!("{url:?} must be an origin without a path, such as https://wanglou.example"));
    }
    if is_safe_url(url) {
        return Ok(());
    }
    Err(format!(
        "{url:?} is plain http and not loopback: phones would have no service worker, no wake lock and no push, and \
         the session could be stolen; put a proxy with https in front and name its address here"
    ))
}

/// https anywhere, http on loopback only.
pub(crate) fn is_safe_url(url: &str) -> bool {
    let Ok(parsed) = url.parse::<axum::http::Uri>() else { return false };
    match (parsed.scheme_str(), parsed.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_refused_anywhere_but_on_loopback() {
        for good in
            ["https://wanglou.example", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080"]
        {
            assert_eq!(check_public_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://192.168.1.5:8080",
            "ftp://x",
            "wanglou.example",
            "https://a.example/path",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(check_public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn telling_of_people_is_refused_where_nothing_is_told() {
        let faults = |text: &str| {
            let file = GatewayFile::parse("g.toml", text).expect("keys that are there");
            file.check("g.toml").into_iter().map(|fault| fault.key_path).collect::<Vec<_>>()
        };
        assert_eq!(faults("[mqtt]\npublish_personal = true\n"), ["mqtt.publish_personal"]);
        assert_eq!(faults("[cloudevents]\npublish_personal = true\n"), ["cloudevents.publish_personal"]);
        for good in [
            "[mqtt]\npublish_personal = true\npublish_alarms = true\n",
            "[mqtt]\npublish_personal = true\npublish_observations = true\n",
            "[cloudevents]\npublish_personal = true\nurl = \"https://example.org/events\"\n",
        ] {
            assert_eq!(faults(good), [] as [&str; 0], "{good}");
        }
    }
}
