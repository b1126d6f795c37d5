//! Alarms and devices as entities of Home Assistant, by its MQTT discovery.
//!
//! ```text
//!  engine ─► what is to stand on the broker ─► what differs from what stands there ─► retained messages
//!  journal ─► news of alarms ─► the event entity, not retained
//! ```
//!
//! Level-triggered: every two seconds what is wanted is compared with what was published. So a broker that forgot, a device
//! that left the registry, a restart and being switched off are one case. Which topics are retained is on disk before the
//! first of them is, so that nothing stays behind. Availability is the connection's last will.
//!
//! Of homes and people nothing is told but what [`discretion`] lets out, whatever the configuration says: dashboards hang on
//! walls.

use super::{News, NotTaken, Sink, discretion};
use crate::mqtt::{LastWill, NotQueued, Outbound, Outcome, Publisher};
use crate::writer::WriterHandle;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_engine::{Alarm, Engine, Setup};
use wanglou_model::{Device, DeviceId, Priority};

/// The engine is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Not handed to the connection after this; it is tried again with the next look.
const WITHIN: Duration = Duration::from_secs(10);
/// Of the data directory: every topic that may hold a retained message, one a line.
const KEPT_FILE: &str = "home-assistant-topics";
/// What the event entity may tell of.
const EVENTS: [&str; 6] = ["raised", "upgraded", "accepted", "arrived", "resolved", "closed"];

/// Where things are on the broker.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    /// Of discovery, as Home Assistant has it configured: `homeassistant`.
    prefix: String,
    /// The compound, fit for topics and ids.
    site: String,
}

impl Topics {
    /// Of a compound.
    pub(crate) fn new(prefix: &str, site: &str) -> Self {
        Self { prefix: prefix.to_owned(), site: slug(site) }
    }

    fn own(&self, rest: &str) -> String {
        format!("wanglou/v1/out/ha/{}/{rest}", self.site)
    }

    fn config(&self, component: &str, object: &str) -> String {
        format!("{}/{component}/wanglou_{}/{object}/config", self.prefix, self.site)
    }

    /// Said by the broker when the gateway is gone.
    pub(crate) fn last_will(&self) -> LastWill {
        LastWill { topic: self.own("status"), payload: "offline".into() }
    }
}

/// Keeps what stands on the broker as it is to be.
pub(crate) struct HomeAssistant {
    publisher: Publisher,
    writer: WriterHandle,
    topics: Topics,
    /// Off: everything is taken off the broker.
    on: bool,
    kept: Kept,
    /// What was taken by the broker on this connection.
    published: BTreeMap<String, String>,
    connects: u64,
    /// The descriptions of a registry, by its configuration's hash.
    described: (String, BTreeMap<String, String>),
}

impl HomeAssistant {
    /// None where it is off, and nothing of an earlier run is left.
    pub(crate) fn new(
        on: bool,
        topics: Topics,
        publisher: Publisher,
        writer: WriterHandle,
        data: &Path,
    ) -> Option<Self> {
        let kept = Kept::read(data.join(KEPT_FILE));
        let (published, described) = (BTreeMap::new(), (String::new(), BTreeMap::new()));
        let needed = on || !kept.topics.is_empty();
        needed.then_some(Self { publisher, writer, topics, on, kept, published, connects: 0, described })
    }

    /// Until the gateway stops.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let working = async {
            let mut told = String::new();
            loop {
                match self.turn().await {
                    Ok(()) => told.clear(),
                    Err(error) => {
                        let words = error.to_string();
                        if words != told {
                            tracing::warn!(error = words, "Home Assistant is not told; trying again");
                            told = words;
                        }
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = working => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        let counters = self.publisher.counters();
        if counters.up.value() == 0 {
            return Ok(());
        }
        if self.connects != counters.connects.value() {
            // The broker may be another one, or have forgotten.
            self.connects = counters.connects.value();
            self.published.clear();
        }
        let wanted = if self.on { self.wanted(&self.writer.read(Look::of).await?) } else { BTreeMap::new() };
        self.kept.hold(wanted.keys())?;
        let gone: Vec<String> =
            self.kept.topics.iter().filter(|topic| !wanted.contains_key(*topic)).cloned().collect();
        for topic in &gone {
            // An empty retained message takes the topic off the broker, and the entity out of Home Assistant.
            self.keep(topic, "").await?;
            self.published.remove(topic);
        }
        self.kept.let_go(&gone)?;
        for (topic, payload) in wanted {
            if self.published.get(&topic) != Some(&payload) {
                self.keep(&topic, &payload).await?;
                self.published.insert(topic, payload);
            }
        }
        Ok(())
    }

    async fn keep(&self, topic: &str, payload: &str) -> anyhow::Result<()> {
        let payload = payload.to_owned().into();
        let message = Outbound { topic: topic.to_owned(), payload, expires_at: Instant::now() + WITHIN };
        match self.publisher.keep(message)?.await {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Failed { reason } | Outcome::Unknown { reason }) => Err(anyhow::anyhow!(reason)),
            Err(_) => Err(anyhow::anyhow!("the publisher has stopped")),
        }
    }

    /// Everything that is to stand on the broker.
    fn wanted(&mut self, look: &Look) -> BTreeMap<String, String> {
        if self.described.0 != look.setup.hash {
            self.described = (look.setup.hash.clone(), describe(&self.topics, &look.setup));
        }
        let mut wanted = self.described.1.clone();
        let open: serde_json::Map<String, Value> =
            look.open.iter().map(|(priority, count)| (level(*priority), (*count).into())).collect();
        wanted.insert(self.topics.own("open"), Value::Object(open).to_string());
        wanted.insert(self.topics.own("status"), "online".to_owned());
        for (id, state) in &look.devices {
            let on = |is: bool| if is { "ON" } else { "OFF" };
            let body = format!(r#"{{"alarm":"{}","problem":"{}"}}"#, on(state.alarm), on(state.problem));
            wanted.insert(self.topics.own(&format!("device/{}", slug(id.as_str()))), body);
        }
        wanted
    }
}

fn level(priority: Priority) -> String {
    priority.name().to_lowercase()
}

/// What the engine knows that entities show.
struct Look {
    setup: Arc<Setup>,
    open: Vec<(Priority, usize)>,
    devices: Vec<(DeviceId, State)>,
}

struct State {
    /// An open alarm names it.
    alarm: bool,
    /// It is silent, or its hub is, or it says itself that it is broken.
    problem: bool,
}

impl Look {
    fn of(engine: &Engine) -> Self {
        let shown = |alarm: &&Alarm| !alarm.test && discretion::is_for_walls(alarm);
        let real = || engine.book().open_alarms().filter(shown);
        let count = |priority: Priority| real().filter(|alarm| alarm.priority == priority).count();
        let (mut alarming, mut faulty) = (BTreeSet::new(), BTreeSet::new());
        let site = &engine.setup().site;
        for alarm in real().filter(|alarm| discretion::is_public(site, alarm.kind.as_str(), &alarm.place)) {
            let of = if alarm.kind.as_str() == "device_fault" { &mut faulty } else { &mut alarming };
            of.extend(&alarm.devices);
        }
        let state = |(id, device): (&DeviceId, &Device)| {
            let problem = faulty.contains(id) || engine.senses().is_unknown(id, device);
            (id.clone(), State { alarm: alarming.contains(id), problem })
        };
        let setup = Arc::clone(engine.setup());
        let devices = entities(&setup).map(state).collect();
        Self { open: Priority::ALL.map(|priority| (priority, count(priority))).to_vec(), devices, setup }
    }
}

/// The devices that are entities.
fn entities(setup: &Setup) -> impl Iterator<Item = (&DeviceId, &Device)> {
    let all = setup.site.devices.iter().map(|(id, device)| (id, &**device));
    all.filter(|(_, device)| !discretion::watches_a_home(&setup.site, device))
}

/// The retained descriptions of all entities, by topic.
fn describe(topics: &Topics, setup: &Setup) -> BTreeMap<String, String> {
    let site = format!("wanglou_{}", topics.site);
    let described = |name: &str, object: &str, state: String| {
        json!({
            "name": name, "unique_id": format!("{site}_{object}"), "object_id": format!("{site}_{object}"),
            "state_topic": state, "availability_topic": topics.own("status"),
            "origin": {"name": "Wanglou", "sw_version": env!("CARGO_PKG_VERSION")},
        })
    };
    let gateway = json!({"identifiers": [site], "name": format!("Wanglou {}", topics.site), "manufacturer": "Wanglou",
        "model": "gateway", "sw_version": env!("CARGO_PKG_VERSION")});
    let mut all = BTreeMap::new();
    for priority in Priority::ALL {
        let object = format!("open_{}", level(priority));
        let mut said = described(&format!("Open {} alarms", priority.name()), &object, topics.own("open"));
        said["value_template"] = format!("{{{{ value_json.{} }}}}", level(priority)).into();
        said["state_class"] = "measurement".into();
        said["icon"] = "mdi:alarm-light".into();
        said["device"] = gateway.clone();
        all.insert(topics.config("sensor", &object), said.to_string());
    }
    let mut said = described("Alarms", "alarms", topics.own("event"));
    said["event_types"] = json!(EVENTS);
    said["icon"] = "mdi:alarm-light".into();
    said["device"] = gateway;
    all.insert(topics.config("event", "alarms"), said.to_string());
    for (id, device) in entities(setup) {
        let object = slug(id.as_str());
        let state = topics.own(&format!("device/{object}"));
        for (name, field, class, category) in
            [("Alarm", "alarm", "safety", None), ("Problem", "problem", "problem", Some("diagnostic"))]
        {
            let entity = format!("{object}_{field}");
            let mut said = described(name, &entity, state.clone());
            said["value_template"] = format!("{{{{ value_json.{field} }}}}").into();
            said["device_class"] = class.into();
            if let Some(category) = category {
                said["entity_category"] = category.into();
            }
            said["device"] = json!({"identifiers": [format!("{site}_{object}")], "name": id.as_str(),
                "model": device.purpose, "via_device": site});
            all.insert(topics.config("binary_sensor", &entity), said.to_string());
        }
    }
    all
}

/// Letters, digits, `_` and `-`, as discovery wants them; what is changed stays different from all others.
fn slug(id: &str) -> String {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = id.chars().map(|c| if fit(c) { c } else { '_' }).collect();
    if plain == id { plain } else { format!("{plain}_{}", &blake3::hash(id.as_bytes()).to_hex()[..8]) }
}

/// Topics that may hold a retained message of ours, in a file.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    topics: BTreeSet<String>,
}

impl Kept {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self { topics: text.lines().map(str::to_owned).collect(), path }
    }

    /// Before any of them is published.
    fn hold<'a>(&mut self, topics: impl Iterator<Item = &'a String>) -> std::io::Result<()> {
        let before = self.topics.len();
        self.topics.extend(topics.cloned());
        if self.topics.len() > before { self.write() } else { Ok(()) }
    }

    /// After they were taken off the broker.
    fn let_go(&mut self, topics: &[String]) -> std::io::Result<()> {
        for topic in topics {
            self.topics.remove(topic);
        }
        if topics.is_empty() { Ok(()) } else { self.write() }
    }

    fn write(&self) -> std::io::Result<()> {
        let beside = self.path.with_extension("tmp");
        let lines: String = self.topics.iter().map(|topic| format!("{topic}\n")).collect();
        std::fs::write(&beside, lines)?;
        std::fs::rename(&beside, &self.path)
    }
}

/// The event entity: news of alarms.
pub(crate) struct Events {
    publisher: Publisher,
    topics: Topics,
}

impl Events {
    /// By this publisher.
    pub(crate) fn new(publisher: Publisher, topics: Topics) -> Self {
        Self { publisher, topics }
    }
}

/// Flat, as attributes of an entity are. Nothing of what may not be seen on a wall.
fn event(news: &News) -> Option<Value> {
    if !news.for_walls {
        return None;
    }
    let mut body =
        json!({"event_type": news.what, "alarm": news.alarm, "level": news.level, "test": news.test});
    let title = news.title.as_ref();
    for (key, value) in [
        ("kind", news.kind.as_ref()),
        ("place", news.place.as_ref()),
        ("title", title.map(|title| &title.en)),
        ("title_zh", title.map(|title| &title.zh)),
    ] {
        if let Some(value) = value {
            body[key] = value.as_str().into();
        }
    }
    Some(body)
}

impl Sink for Events {
    fn name(&self) -> &'static str {
        "home_assistant"
    }

    fn personal(&self) -> bool {
        false
    }

    async fn tell(&mut self, news: &News) -> Result<(), NotTaken> {
        let Some(body) = event(news) else { return Ok(()) };
        let payload = body.to_string().into();
        let message =
            Outbound { topic: self.topics.own("event"), payload, expires_at: Instant::now() + WITHIN };
        let told = self.publisher.publish(message).map_err(|refused| match refused {
            NotQueued::Full(_) | NotQueued::Stopped => NotTaken::Later(refused.to_string()),
            NotQueued::TooLarge { .. } | NotQueued::Topic => NotTaken::Never(refused.to_string()),
        })?;
        match told.await {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Failed { reason } | Outcome::Unknown { reason }) => Err(NotTaken::Later(reason)),
            Err(_) => Err(NotTaken::Later("the publisher has stopped".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_fit_for_topics_and_stay_different() {
        assert_eq!(slug("cover-17"), "cover-17");
        let changed = [slug("controller/2"), slug("controller_2"), slug("controller.2"), slug("井盖")];
        let all: BTreeSet<&String> = changed.iter().collect();
        assert_eq!(all.len(), 4, "{changed:?}");
        assert!(
            changed.iter().all(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
        );
    }

    #[test]
    fn topics_are_on_disk_before_they_are_published_and_until_they_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(KEPT_FILE);
        let both = ["a/config".to_owned(), "b/config".to_owned()];
        let mut kept = Kept::read(path.clone());
        kept.hold(both.iter()).expect("written");
        assert_eq!(Kept::read(path.clone()).topics.len(), 2);
        kept.let_go(&both[..1]).expect("written");
        assert_eq!(Kept::read(path).topics.into_iter().collect::<Vec<_>>(), ["b/config"]);
    }

    #[test]
    fn whoever_stands_before_the_screen_does_not_see_that_a_door_was_opened_under_threat() {
        use crate::backtest::{Scenario, Simulation};
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml");
        let loaded = crate::configuration::load(&path).expect("the shipped configuration");
        let open_and_alarming = |device: &str, kind: &str, value: Value| {
            let what = json!({"device": device, "kind": kind, "value": value});
            let said = json!({"at": "2026-03-02T09:00:00+08:00", "observation": what});
            let later = json!({"at": "2026-03-02T09:02:00+08:00", "note": ""});
            let scenario = Scenario::parse("said", &format!("{said}\n{later}")).expect("a scenario");
            let mut simulation =
                Simulation::new(Arc::clone(&loaded.decisive.setup), Arc::clone(&loaded.decisive.profiles));
            scenario.lines.iter().for_each(|line| simulation.feed(line));
            let look = Look::of(simulation.engine());
            let open: usize = look.open.iter().map(|(_, count)| count).sum();
            (
                simulation.engine().book().open_alarms().count(),
                open,
                look.devices.iter().filter(|(_, is)| is.alarm).count(),
            )
        };
        assert_eq!(open_and_alarming("door-3-2", "access", json!({"result": "duress"})), (1, 0, 0));
        let cover = open_and_alarming("cover-17", "cover", json!({"tilt_deg": 70}));
        assert_eq!(cover, (1, 1, 1), "a cover is everybody's");
    }
}
