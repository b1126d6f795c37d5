//! The decoder against sound, broken and random bytes.

use super::*;
use proptest::prelude::*;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet};

const MAX: usize = 1000;

/// A PUBLISH with any bytes as topic, at the QoS of `byte0`, with packet identifier 9 above QoS 0.
fn raw_publish(byte0: u8, topic: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend_from_slice(topic);
    if byte0 & 6 != 0 {
        body.extend_from_slice(&[0, 9]);
    }
    body.extend_from_slice(payload);
    let mut packet = vec![byte0];
    let mut rest = body.len();
    loop {
        let byte = (rest % 128) as u8;
        rest /= 128;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(&body);
    packet
}

/// Feeds the bytes in pieces of that size; what came out until they ended or a fault came.
fn decode_in_pieces(bytes: &[u8], piece: usize) -> (Vec<Incoming>, Option<DecodeFault>) {
    let (mut decoder, mut buffer, mut out) = (Decoder::new(MAX), BytesMut::new(), Vec::new());
    for part in bytes.chunks(piece.max(1)) {
        buffer.extend_from_slice(part);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(incoming)) => out.push(incoming),
                Ok(None) => break,
                Err(fault) => return (out, Some(fault)),
            }
        }
    }
    (out, None)
}

fn decode(bytes: &[u8]) -> (Vec<Incoming>, Option<DecodeFault>) {
    decode_in_pieces(bytes, bytes.len())
}

fn message(topic: &str, body: Body) -> Incoming {
    Incoming::Message(Inbound {
        topic: topic.to_owned(),
        body,
        retain: false,
        dup: false,
        packet_id: Some(9),
    })
}

fn whole(payload: &[u8]) -> Body {
    Body::Whole(Bytes::copy_from_slice(payload))
}

#[test]
fn flags_topic_and_identifier_of_a_publish_are_read() {
    let (out, fault) = decode(&raw_publish(0x3B, "小区/门".as_bytes(), b"{}"));
    let expected = Inbound {
        topic: "小区/门".to_owned(),
        body: whole(b"{}"),
        retain: true,
        dup: true,
        packet_id: Some(9),
    };
    assert_eq!((out, fault), (vec![Incoming::Message(expected)], None));
}

#[test]
fn a_packet_of_the_limit_is_kept_and_one_byte_more_is_hashed_and_skipped() {
    let head = raw_publish(0x32, b"t", &[]).len() + 1;
    for piece in [1, 7, 100_000] {
        let (fits, over) = (vec![b'x'; MAX - head], vec![b'x'; MAX - head + 1]);
        let mut bytes = raw_publish(0x32, b"t", &fits);
        assert_eq!(bytes.len(), MAX);
        bytes.extend(raw_publish(0x32, b"t", &over));
        bytes.extend(raw_publish(0x32, b"next", b"flows"));
        let (out, fault) = decode_in_pieces(&bytes, piece);
        let sha256 = Sha256::digest(&over).into();
        let expected = [
            message("t", whole(&fits)),
            message("t", Body::Oversize { bytes: over.len() as u64, sha256 }),
            message("next", whole(b"flows")),
        ];
        assert_eq!((out.as_slice(), fault), (expected.as_slice(), None), "in pieces of {piece}");
    }
}

#[test]
fn an_oversize_message_never_stays_in_the_buffer() {
    let (mut decoder, mut buffer) = (Decoder::new(MAX), BytesMut::new());
    for part in raw_publish(0x32, b"t", &vec![b'x'; 10_000_000]).chunks(4096) {
        buffer.extend_from_slice(part);
        decoder.next(&mut buffer).expect("sound");
        assert!(buffer.is_empty());
    }
}

#[test]
fn an_oversize_message_with_a_topic_longer_than_the_limit_is_still_named() {
    let topic = "t".repeat(60_000);
    let (out, fault) = decode_in_pieces(&raw_publish(0x32, topic.as_bytes(), b"x"), 999);
    let sha256 = Sha256::digest(b"x").into();
    assert_eq!((out, fault), (vec![message(&topic, Body::Oversize { bytes: 1, sha256 })], None));
}

#[test]
fn topics_that_mqtt_forbids_are_rejected_with_their_identifier_and_the_next_message_flows() {
    for (topic, expected) in [
        (&b"a/\xFF/b"[..], Rejection::NotUtf8("a/\u{FFFD}/b".to_owned())),
        (b"a\0b", Rejection::Nul("a\\0b".to_owned())),
        (b"", Rejection::Empty),
        (b"a/+/b", Rejection::Wildcard("a/+/b".to_owned())),
        (b"#", Rejection::Wildcard("#".to_owned())),
        (b"\x1b[2J\xFF", Rejection::NotUtf8("\\u{1b}[2J\u{FFFD}".to_owned())),
    ] {
        for payload in [&b"x"[..], &[b'x'; 2 * MAX]] {
            let mut bytes = raw_publish(0x32, topic, payload);
            bytes.extend(raw_publish(0x32, b"next", b"flows"));
            let rejected = Incoming::Rejected { packet_id: Some(9), rejection: expected.clone() };
            assert_eq!(decode(&bytes), (vec![rejected, message("next", whole(b"flows"))], None));
        }
    }
}

#[test]
fn qos_2_ends_the_connection_with_words_that_name_the_topic() {
    for payload in [&b"x"[..], &[b'x'; 2 * MAX]] {
        let (out, fault) = decode(&raw_publish(0x34, b"lift/b", payload));
        assert_eq!(out, []);
        let words = fault.expect("a fault").to_string();
        assert!(words.contains("«lift/b» at QoS 2") && words.contains("remove that session"), "{words}");
    }
}

#[test]
fn packets_that_cannot_be_are_faults_and_not_panics() {
    let malformed = |packet, cause: &str| DecodeFault::Malformed { packet, cause: cause.to_owned() };
    for (bytes, expected) in [
        (&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1][..], DecodeFault::RemainingLength),
        (&[0x00, 0], DecodeFault::Unexpected(0)),
        (&[0xF0, 0], DecodeFault::Unexpected(15)),
        (&[0x10, 0], DecodeFault::Unexpected(1)),
        (&[0x62, 2, 0, 1], DecodeFault::Unexpected(6)),
        (&[0xE0, 0], DecodeFault::Unexpected(14)),
        (&[0x40, 0xFF, 0x7F], DecodeFault::ControlTooLarge { kind: 4, bytes: 16_386 }),
        (&[0x30, 0], malformed("PUBLISH", "its topic does not fit into it")),
        (&[0x30, 3, 0, 9, b't'], malformed("PUBLISH", "its topic does not fit into it")),
        (&[0x32, 3, 0, 1, b't'], malformed("PUBLISH", "its topic does not fit into it")),
        (&[0x32, 5, 0, 1, b't', 0, 0], malformed("PUBLISH", "its packet identifier is zero")),
        (&[0x36, 5, 0, 1, b't', 0, 1], malformed("PUBLISH", "its QoS is 3")),
        (&[0x40, 0], malformed("PUBACK", "it is empty")),
        (&[0x40, 1, 0], malformed("PUBACK", "Malformed packet")),
        (&[0x90, 2, 0, 1], malformed("SUBACK", "Malformed packet")),
        (&[0x90, 3, 0, 1, 7], malformed("SUBACK", "Invalid subscribe reason code: 7")),
        (&[0x20, 2, 0, 99], malformed("CONNACK", "Invalid Connect return code: 99")),
    ] {
        assert_eq!(decode(bytes), (vec![], Some(expected)), "{bytes:02x?}");
    }
}

#[test]
fn a_long_packet_whose_topic_cannot_fit_is_a_fault_once_its_head_is_here() {
    let mut bytes = vec![0x32, 0xD0, 0x0F, 0xFF, 0xFF];
    bytes.extend(vec![b't'; 2000]);
    assert!(matches!(decode_in_pieces(&bytes, 10).1, Some(DecodeFault::Malformed { packet: "PUBLISH", .. })));
}

fn arb_packet() -> impl Strategy<Value = Packet> {
    let publish = ("[a-z小/]{1,20}", proptest::collection::vec(any::<u8>(), 0..1500), 0u16..3).prop_map(
        |(topic, payload, pkid)| {
            let qos = if pkid == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
            Packet::Publish(Publish { pkid, ..Publish::new(topic, qos, payload) })
        },
    );
    prop_oneof![
        8 => publish,
        1 => (1u16..).prop_map(|id| Packet::PubAck(PubAck::new(id))),
        1 => Just(Packet::PingResp),
        1 => Just(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, true))),
    ]
}

proptest! {
    #[test]
    fn how_the_stream_is_cut_makes_no_difference(
        packets in proptest::collection::vec(arb_packet(), 1..8),
        piece in 1usize..400,
    ) {
        let mut bytes = BytesMut::new();
        for packet in &packets {
            packet.write(&mut bytes, usize::MAX).expect("it fits");
        }
        let in_one = decode(&bytes);
        prop_assert_eq!(in_one.0.len(), packets.len());
        prop_assert_eq!(decode_in_pieces(&bytes, piece), in_one);
    }

    #[test]
    fn random_bytes_give_packets_or_a_fault_and_never_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        piece in 1usize..50,
    ) {
        prop_assert_eq!(decode_in_pieces(&bytes, piece), decode(&bytes));
    }

    #[test]
    fn a_publish_with_one_byte_flipped_never_panics(at in 0usize..40, flip in 1u8..) {
        let mut bytes = raw_publish(0x32, b"wanglou/v1/in/cover-7", b"{\"open\":true}");
        let at = at % bytes.len();
        bytes[at] ^= flip;
        decode(&bytes);
    }
}
