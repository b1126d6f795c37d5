//! MQTT 3.1.1 as far as a broker's side of the gateway needs it. Written for the tests: a mistake that the product's
//! codec makes must not be made here too.

/// A packet that the gateway sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// CONNECT.
    Connect {
        /// The client's id.
        client: String,
        /// It wants no session.
        clean: bool,
    },
    /// PUBLISH, QoS 0 without an identifier.
    Publish {
        /// The topic.
        topic: String,
        /// The payload.
        payload: Vec<u8>,
        /// The identifier at QoS 1.
        id: Option<u16>,
    },
    /// PUBACK.
    PubAck(u16),
    /// SUBSCRIBE.
    Subscribe {
        /// The packet identifier.
        id: u16,
        /// The filters.
        filters: Vec<String>,
    },
    /// UNSUBSCRIBE.
    Unsubscribe(u16),
    /// PINGREQ.
    Ping,
    /// DISCONNECT.
    Disconnect,
}

/// Takes the first packet off the buffer, if all of it is there.
///
/// # Panics
/// When the gateway sent something that is no packet.
pub fn take(buffer: &mut Vec<u8>) -> Option<Packet> {
    let (length, header) = remaining_length(buffer.get(1..)?)?;
    let end = 1 + header + length;
    if buffer.len() < end {
        return None;
    }
    let packet: Vec<u8> = buffer.drain(..end).collect();
    Some(parse(packet[0], &packet[1 + header..]))
}

fn remaining_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((length, place + 1));
        }
    }
    assert!(bytes.len() < 4, "a length of more than four bytes");
    None
}

fn parse(first: u8, body: &[u8]) -> Packet {
    let mut body = Body(body);
    match first >> 4 {
        1 => {
            assert_eq!(body.text(), "MQTT");
            assert_eq!(body.byte(), 4, "MQTT 3.1.1");
            let flags = body.byte();
            body.number();
            Packet::Connect { client: body.text(), clean: flags & 2 != 0 }
        }
        3 => {
            let topic = body.text();
            let id = (first & 0x06 != 0).then(|| body.number());
            Packet::Publish { topic, payload: body.0.to_vec(), id }
        }
        4 => Packet::PubAck(body.number()),
        8 => {
            let id = body.number();
            let mut filters = Vec::new();
            while !body.0.is_empty() {
                filters.push(body.text());
                assert_eq!(body.byte(), 1, "subscribes at QoS 1");
            }
            Packet::Subscribe { id, filters }
        }
        10 => Packet::Unsubscribe(body.number()),
        12 => Packet::Ping,
        14 => Packet::Disconnect,
        other => panic!("a client does not send packets of type {other}"),
    }
}

struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("a whole packet");
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.number());
        let (text, rest) = self.0.split_at_checked(length).expect("a whole packet");
        self.0 = rest;
        String::from_utf8(text.to_vec()).expect("UTF-8")
    }
}

/// CONNACK, accepted.
pub fn connack(session_present: bool) -> Vec<u8> {
    vec![0x20, 2, u8::from(session_present), 0]
}

/// SUBACK, all granted at QoS 1.
pub fn suback(id: u16, filters: usize) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(std::iter::repeat_n(1, filters));
    packet(0x90, &body)
}

/// UNSUBACK.
pub fn unsuback(id: u16) -> Vec<u8> {
    packet(0xb0, &id.to_be_bytes())
}

/// PUBACK.
pub fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

/// PINGRESP.
pub fn pong() -> Vec<u8> {
    packet(0xd0, &[])
}

/// PUBLISH at QoS 1.
///
/// # Panics
/// When the topic is longer than a packet can say.
pub fn publish(topic: &str, payload: &[u8], id: u16, dup: bool) -> Vec<u8> {
    let length = u16::try_from(topic.len()).expect("a short topic");
    let mut body = length.to_be_bytes().to_vec();
    body.extend_from_slice(topic.as_bytes());
    body.extend_from_slice(&id.to_be_bytes());
    body.extend_from_slice(payload);
    packet(if dup { 0x3a } else { 0x32 }, &body)
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let more = length > 0x7f;
        bytes.push((length & 0x7f) as u8 | if more { 0x80 } else { 0 });
        length >>= 7;
        if !more {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// Does a topic match a filter?
pub fn matches(topic: &str, filter: &str) -> bool {
    let (mut topic, mut filter) = (topic.split('/'), filter.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_taken_once_all_of_it_is_there() {
        let whole = publish("a/b", &[7; 300], 9, true);
        assert_eq!(whole[..3], [0x3a, 0xb3, 0x02], "307 bytes follow");
        let mut buffer = whole[..whole.len() - 1].to_vec();
        assert_eq!(take(&mut buffer), None);
        buffer.push(7);
        buffer.push(0xc0);
        let expected = Packet::Publish { topic: "a/b".into(), payload: vec![7; 300], id: Some(9) };
        assert_eq!(take(&mut buffer), Some(expected));
        assert_eq!(take(&mut buffer), None);
        buffer.push(0);
        assert_eq!(take(&mut buffer), Some(Packet::Ping));
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (topic, filter, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/+", true),
            ("a/b/c", "a/+", false),
            ("a", "a/#", true),
            ("a/b/c", "a/#", true),
            ("b", "a/#", false),
            ("a", "a/+", false),
        ] {
            assert_eq!(matches(topic, filter), expected, "{topic} {filter}");
        }
    }
}
