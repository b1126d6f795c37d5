//! Alarms on the broker, for systems that are there anyway: `wanglou/v1/out/alarms/<alarm>`, JSON, QoS 1, not retained.

use super::{News, NotTaken, Sink};
use crate::mqtt::{NotQueued, Outbound, Outcome, Publisher};
use std::time::Duration;
use tokio::time::Instant;

/// Where alarms go; deploy/mosquitto.acl lets the gateway write there.
const PREFIX: &str = "wanglou/v1/out/alarms/";
/// Not handed to the connection after this; it is told again.
const WITHIN: Duration = Duration::from_secs(10);

/// The broker's topics.
pub(crate) struct Topics {
    publisher: Publisher,
    personal: bool,
}

impl Topics {
    /// By this publisher.
    pub(crate) fn new(publisher: Publisher, personal: bool) -> Self {
        Self { publisher, personal }
    }
}

impl Sink for Topics {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn personal(&self) -> bool {
        self.personal
    }

    async fn tell(&mut self, news: &News) -> Result<(), NotTaken> {
        let mut body = serde_json::to_value(news).map_err(|error| NotTaken::Never(error.to_string()))?;
        body["id"] = news.id.clone().into();
        let topic = format!("{PREFIX}{}", news.alarm);
        let message =
            Outbound { topic, payload: body.to_string().into(), expires_at: Instant::now() + WITHIN };
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
