//! What sensors said, in Wanglou's own words, for systems that are on the broker anyway:
//! `wanglou/v1/out/observations/<device>`, JSON, QoS 1, not retained. Each is on disk before it is told.
//!
//! Unlike news of alarms they are not told again: one that finds no connection, or no room, is dropped and counted.

use super::discretion;
use crate::metrics::Metrics;
use crate::mqtt::{Outbound, Publisher};
use crate::writer::Observer;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use wanglou_engine::Engine;
use wanglou_model::{Fact, Observation, Timestamp, rfc3339_micros};

/// Where they go; deploy/mosquitto.acl lets the gateway write there.
const PREFIX: &str = "wanglou/v1/out/observations/";
/// Not handed to the connection after this: news of a sensor is soon stale.
const WITHIN: Duration = Duration::from_secs(10);
/// Of addresses, pictures and vendors' ids nothing is told.
const KEPT_BACK: [&str; 4] = ["evidence", "event", "profile", "sequence"];
const KEPT_BACK_OF_VALUES: [&str; 2] = ["clip", "picture"];

/// Tells them.
#[derive(Debug)]
pub(crate) struct Observations {
    publisher: Publisher,
    metrics: Metrics,
    /// Also what homes and people say.
    personal: bool,
}

impl Observations {
    /// By this publisher.
    pub(crate) fn new(publisher: Publisher, metrics: Metrics, personal: bool) -> Self {
        for result in ["told", "dropped"] {
            metrics.feed_news.with_label_values(&["observations", result]).inc_by(0);
        }
        Self { publisher, metrics, personal }
    }

    /// The topic and the message of an observation; none for devices that nobody registered, and for what is not told.
    fn message(&self, at: Timestamp, engine: &Engine, said: &Observation) -> Option<(String, String)> {
        let setup = engine.setup();
        let (id, device) = setup.device_of(said)?;
        let private =
            discretion::is_personal(&said.reading) || discretion::watches_a_home(&setup.site, device);
        if private && !self.personal {
            return None;
        }
        let mut body = serde_json::to_value(said).ok()?;
        let object = body.as_object_mut()?;
        KEPT_BACK.iter().for_each(|key| drop(object.remove(*key)));
        if let Some(Value::Object(value)) = object.get_mut("value") {
            KEPT_BACK_OF_VALUES.iter().for_each(|key| drop(value.remove(*key)));
        }
        object.insert("device".to_owned(), id.as_str().into());
        object.insert("place".to_owned(), device.place.as_str().into());
        object.insert("at".to_owned(), rfc3339_micros::format(engine.senses().wall(at)).into());
        Some((format!("{PREFIX}{id}"), body.to_string()))
    }
}

impl Observer for Observations {
    fn committed(&mut self, _: Timestamp, _: &Engine, _: &[Fact]) {}

    fn listens(&self) -> bool {
        true
    }

    fn observed(&mut self, at: Timestamp, engine: &Engine, said: &[Observation]) {
        for (topic, payload) in said.iter().filter_map(|said| self.message(at, engine, said)) {
            let message = Outbound { topic, payload: payload.into(), expires_at: Instant::now() + WITHIN };
            let result = if self.publisher.publish(message).is_ok() { "told" } else { "dropped" };
            self.metrics.feed_news.with_label_values(&["observations", result]).inc();
        }
    }
}
