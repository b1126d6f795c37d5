//! What the demo shows by itself, and what it tells people to try.

use std::path::Path;
use std::sync::Arc;
use wanglou_model::{Device, DeviceId, PlaceId, Purpose, Site, Timestamp};
use wanglou_simulator::Message;

/// The lift that is left to whoever tries things.
pub(super) const LIFT: &str = "3/2/lift-B";
/// The cover that is.
const COVER: &str = "cover-17";

/// Something to try, with the message that does it.
pub(super) struct Try {
    pub(super) words: String,
    pub(super) topic: String,
    pub(super) payload: String,
}

/// The opening of a cover that comes by itself soon after the start. Another cover every ten seconds, so that a
/// second start shows a new alarm.
pub(super) fn opening(site: &Site, at: Timestamp) -> Option<(PlaceId, Message)> {
    let covers: Vec<_> = canonical(site, Purpose::Cover).filter(|(id, _)| id.as_str() != COVER).collect();
    let debounced: Vec<_> = covers.iter().filter(|(_, device)| device.debounced).copied().collect();
    let from = if debounced.is_empty() { covers } else { debounced };
    let turn = usize::try_from(at.0 / 10_000_000).unwrap_or_default();
    let (_, device) = from.get(turn % from.len().max(1))?;
    let (topic, payload) = says(device, "cover", r#"{"open":true,"tilt_deg":48.0}"#);
    Some((device.place.clone(), Message { topic, payload: payload.into_bytes(), retain: false }))
}

/// Where nothing is simulated: what people try there is not contradicted.
pub(super) fn left_alone(site: &Site) -> impl Iterator<Item = PlaceId> + '_ {
    let tried =
        |(id, device): &(&DeviceId, &Arc<Device>)| id.as_str() == COVER || device.place.as_str() == LIFT;
    site.devices.iter().filter(tried).map(|(_, device)| device.place.clone())
}

/// Three things to try, as far as the site has devices for them.
pub(super) fn things(site: &Site) -> Vec<Try> {
    [cover(site), ebike(site), thrown(site)].into_iter().flatten().collect()
}

fn cover(site: &Site) -> Option<Try> {
    let mut covers: Vec<_> = canonical(site, Purpose::Cover).collect();
    covers.sort_by_key(|(id, _)| id.as_str() != COVER);
    let (_, device) = covers.first()?;
    let (topic, payload) = says(device, "cover", r#"{"tilt_deg":41}"#);
    let words = format!("{}: a manhole cover tilts; an alarm after 30 s, unless it tilts back", device.place);
    Some(Try { words, topic, payload })
}

fn ebike(site: &Site) -> Option<Try> {
    let boxes = site.devices.values().filter(|device| device.profile == "elevator_cn");
    let device = boxes.min_by_key(|device| device.place.as_str() != LIFT)?;
    let code = &device.identity;
    Some(Try {
        words: format!(
            "{}: an e-bike in a lift, as the lift's own box tells it; \"disappear\" in place of \"add\" takes it out again",
            device.place
        ),
        topic: format!("elevator/{code}/fault"),
        payload: format!(r#"{{"ST":"add","TY":"Fault","elevatorCode":"{code}","fault_type":"37"}}"#),
    })
}

fn thrown(site: &Site) -> Option<Try> {
    let (_, device) = canonical(site, Purpose::FacadeCamera).next()?;
    let value = r#"{"active":true,"size":"M","drop_m":39,"floor_min":13,"floor_max":15,"column":2,"confidence":0.93}"#;
    let (topic, payload) = says(device, "thrown_object", value);
    Some(Try {
        words: format!("{}: something falls from the 13th to 15th floor", device.place),
        topic,
        payload,
    })
}

fn canonical(site: &Site, purpose: Purpose) -> impl Iterator<Item = (&DeviceId, &Arc<Device>)> {
    site.devices.iter().filter(move |(_, device)| device.purpose == purpose && device.profile == "wanglou")
}

/// Topic and body of Wanglou's own format.
fn says(device: &Device, kind: &str, value: &str) -> (String, String) {
    let name = &device.identity;
    let body = format!(r#"{{"device":"{name}","kind":"{kind}","value":{value}}}"#);
    (format!("wanglou/v1/in/{name}"), body)
}

impl Try {
    /// The whole command, to be copied into a shell.
    pub(super) fn command(&self, program: &Path, mqtt: std::net::SocketAddr) -> String {
        let quoted = self.payload.replace('\'', r"'\''");
        format!("{} publish --mqtt {mqtt} --topic {} --payload '{quoted}'", program.display(), self.topic)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shipped;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use wanglou_model::{Decoded, RawMessage};
    use wanglou_profiles::ProfileSet;

    fn demo() -> (Site, ProfileSet) {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let profiles: BTreeMap<String, Vec<u8>> =
            shipped::files(&shipped::Door { listen: address, tls: None }, address)
                .into_iter()
                .filter(|(name, _)| name.starts_with("profiles/"))
                .collect();
        let site = wanglou_site::Compound::check(&shipped::demo_site()).expect("no faults").site;
        (site, ProfileSet::compile(&profiles).expect("no faults"))
    }

    /// The registered place that a message speaks of, and the kind.
    fn understood(site: &Site, profiles: &ProfileSet, topic: &str, payload: &[u8]) -> (String, &'static str) {
        let raw = RawMessage { topic, payload, at: Timestamp(0), retain: false, dup: false };
        let Decoded::Observations(all) = profiles.decode(&raw) else {
            panic!("{topic}: {:?}", profiles.decode(&raw))
        };
        let (_, device) = site.device_of(&all[0].profile, &all[0].device).expect("a registered device");
        (device.place.to_string(), all[0].reading.kind())
    }

    #[test]
    fn what_it_tells_people_to_try_is_understood() {
        let (site, profiles) = demo();
        let heard: Vec<_> = things(&site)
            .iter()
            .map(|one| understood(&site, &profiles, &one.topic, one.payload.as_bytes()))
            .collect();
        let expected = [("cover/17", "cover"), (LIFT, "lift_camera"), ("facade/11/east", "thrown_object")];
        assert_eq!(heard, expected.map(|(place, kind)| (place.to_owned(), kind)));
    }

    #[test]
    fn the_show_opens_another_cover_each_time_and_never_the_one_to_try() {
        let (site, profiles) = demo();
        let mut places = BTreeSet::new();
        for turn in 0..10 {
            let (place, message) = opening(&site, Timestamp::from_millis(turn * 10_000)).expect("a cover");
            let heard = understood(&site, &profiles, &message.topic, &message.payload);
            assert_eq!(heard, (place.to_string(), "cover"));
            places.insert(place);
        }
        assert_eq!(places.len(), 10);
        assert!(!places.iter().any(|place| place.as_str() == "cover/17"));
    }

    #[test]
    fn the_lift_and_the_cover_to_try_are_left_alone() {
        let places: BTreeSet<String> = left_alone(&demo().0).map(|place| place.to_string()).collect();
        assert_eq!(places, [LIFT.to_owned(), "cover/17".to_owned()].into());
    }

    #[test]
    fn a_command_survives_the_shell() {
        let one = Try { words: String::new(), topic: "t".into(), payload: "it's".into() };
        let mqtt = std::net::SocketAddr::from(([127, 0, 0, 1], 1883));
        let words = r"target/debug/wanglou publish --mqtt 127.0.0.1:1883 --topic t --payload 'it'\''s'";
        assert_eq!(one.command(Path::new("target/debug/wanglou"), mqtt), words);
    }
}
