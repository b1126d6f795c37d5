//! Subscriptions asked for on one connection, and what the broker made of them. A refusal is an answer like any
//! other in MQTT, so it must be looked for.

use super::fault::Lost;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{SubAck, Subscribe, SubscribeReasonCode};
use std::collections::BTreeMap;

/// Filters in one SUBSCRIBE packet; with filters of usual length that keeps it within a few KiB.
const FILTERS_PER_PACKET: usize = 64;

/// The SUBSCRIBE packets that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Subscribing {
    asked: BTreeMap<u16, Vec<String>>,
    qos_max: u8,
}

/// What one SUBACK brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// Filters granted at QoS 0 where QoS 1 was asked.
    pub(super) downgraded: Vec<String>,
}

impl Subscribing {
    /// Packets that ask for all filters at that QoS; `packet_id` numbers them.
    pub(super) fn ask(
        &mut self,
        filters: &[String],
        qos: QoS,
        mut packet_id: impl FnMut() -> u16,
    ) -> Vec<Subscribe> {
        self.qos_max = qos as u8;
        let packets = filters.chunks(FILTERS_PER_PACKET).map(|chunk| {
            let mut packet = Subscribe { pkid: packet_id(), filters: Vec::new() };
            for filter in chunk {
                packet.add(filter.clone(), qos);
            }
            self.asked.insert(packet.pkid, chunk.to_vec());
            packet
        });
        packets.collect()
    }

    /// True once every packet is answered.
    pub(super) fn is_done(&self) -> bool {
        self.asked.is_empty()
    }

    /// Takes an answer. One to a question we did not ask is ignored.
    ///
    /// # Errors
    /// Names the filters that the broker refused.
    pub(super) fn answered(&mut self, answer: &SubAck) -> Result<Granted, Lost> {
        let Some(filters) = self.asked.remove(&answer.pkid) else {
            return Ok(Granted { downgraded: Vec::new() });
        };
        let (asked, answers) = (filters.len(), answer.return_codes.len());
        if asked != answers {
            return Err(Lost::SubackLength { asked, answers });
        }
        let (mut refused, mut downgraded) = (Vec::new(), Vec::new());
        for (filter, code) in filters.into_iter().zip(&answer.return_codes) {
            match code {
                SubscribeReasonCode::Failure => refused.push(format!("«{filter}»")),
                SubscribeReasonCode::Success(qos) if (*qos as u8) < self.qos_max => downgraded.push(filter),
                SubscribeReasonCode::Success(_) => {}
            }
        }
        if refused.is_empty() {
            Ok(Granted { downgraded })
        } else {
            Err(Lost::SubscriptionsRefused { filters: refused })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: SubscribeReasonCode = SubscribeReasonCode::Success(QoS::AtLeastOnce);

    fn ask(filters: &[&str]) -> (Subscribing, Vec<Subscribe>) {
        let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
        let mut subscribing = Subscribing::default();
        let mut last = 0;
        let packets = subscribing.ask(&filters, QoS::AtLeastOnce, || {
            last += 1;
            last
        });
        (subscribing, packets)
    }

    #[test]
    fn a_refused_filter_is_named_and_granted_ones_are_not() {
        let (mut subscribing, _) = ask(&["a/#", "b/#", "c/#"]);
        let answer =
            SubAck::new(1, vec![GRANTED, SubscribeReasonCode::Failure, SubscribeReasonCode::Failure]);
        let words = subscribing.answered(&answer).expect_err("refused").to_string();
        assert!(words.contains("«b/#», «c/#»") && !words.contains("a/#"), "{words}");
    }

    #[test]
    fn a_filter_granted_below_what_was_asked_is_told() {
        let (mut subscribing, _) = ask(&["a/#", "b/#"]);
        let answer = SubAck::new(1, vec![GRANTED, SubscribeReasonCode::Success(QoS::AtMostOnce)]);
        let granted = subscribing.answered(&answer).expect("granted");
        assert_eq!(granted.downgraded, ["b/#"]);
        assert!(subscribing.is_done());
    }

    #[test]
    fn many_filters_go_out_in_several_packets_and_are_done_after_the_last_answer() {
        let names: Vec<String> = (0..130).map(|n| format!("t/{n}")).collect();
        let (mut subscribing, packets) = ask(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(packets.iter().map(|p| p.filters.len()).collect::<Vec<_>>(), [64, 64, 2]);
        for packet in &packets {
            assert!(!subscribing.is_done());
            let answer = SubAck::new(packet.pkid, vec![GRANTED; packet.filters.len()]);
            subscribing.answered(&answer).expect("granted");
        }
        assert!(subscribing.is_done());
    }

    #[test]
    fn an_answer_of_another_length_is_not_taken_for_consent() {
        let (mut subscribing, _) = ask(&["a/#", "b/#"]);
        assert!(subscribing.answered(&SubAck::new(1, vec![GRANTED])).is_err());
    }
}
