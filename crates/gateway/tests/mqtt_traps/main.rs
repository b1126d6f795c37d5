//! The traps of MQTT consumers, one test each, against a broker that the test plays.

#[path = "../mqtt_support/mod.rs"]
mod mqtt_support;

mod acknowledgements;
mod bounds;
mod connecting;
mod discovery;
mod packets;
mod path;

use rumqttc::mqttbytes::v4::Packet;
use std::time::Duration;

const S: Duration = Duration::from_secs(1);

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(topic, payload)| ((*topic).to_owned(), (*payload).to_owned())).collect()
}

trait WriteTo {
    fn write_to(&self, bytes: &mut bytes::BytesMut);
}

impl WriteTo for Packet {
    fn write_to(&self, bytes: &mut bytes::BytesMut) {
        self.write(bytes, usize::MAX).expect("it fits");
    }
}
