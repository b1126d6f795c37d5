//! From bytes to packets: frames what the buffer holds, lets rumqttc's codec read each frame, and keeps what is
//! not ours to trust away from it. No IO and no clock.
//!
//! ```text
//! byte 0        type (high four bits), for PUBLISH: DUP 3, QoS 2..1, RETAIN 0
//! 1 to 4 bytes  remaining length, seven bits a byte, lowest first
//! PUBLISH then  topic length (2 bytes), topic, packet identifier (2 bytes, QoS > 0), payload
//! ```
//!
//! A packet beyond the limit is never buffered: its head is read, its payload hashed as it passes.

use crate::intake::{Body, Inbound};
use bytes::{Buf, Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{ConnAck, PubAck, Publish, SubAck, UnsubAck};
use rumqttc::mqttbytes::{FixedHeader, PacketType};
use sha2::{Digest, Sha256};

/// One thing that the broker sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Message(Inbound),
    /// A message whose topic MQTT does not allow. To be acknowledged, or the broker sends it for ever.
    Rejected {
        packet_id: Option<u16>,
        rejection: Rejection,
    },
    ConnAck(ConnAck),
    SubAck(SubAck),
    UnsubAck(u16),
    PubAck(u16),
    PingResp,
}

impl Incoming {
    /// The MQTT name of the packet.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Incoming::Message(_) | Incoming::Rejected { .. } => "PUBLISH",
            Incoming::ConnAck(_) => "CONNACK",
            Incoming::SubAck(_) => "SUBACK",
            Incoming::UnsubAck(_) => "UNSUBACK",
            Incoming::PubAck(_) => "PUBACK",
            Incoming::PingResp => "PINGRESP",
        }
    }
}

/// Why one message was not taken, while its connection goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// MQTT 3.1.1 section 1.5.3.
    #[error("its topic «{0}» is not UTF-8")]
    NotUtf8(String),
    /// MQTT 3.1.1 section 1.5.3.
    #[error("its topic «{0}» contains NUL")]
    Nul(String),
    /// MQTT 3.1.1 section 4.7.3.
    #[error("its topic is empty")]
    Empty,
    /// MQTT 3.1.1 section 3.3.2.1.
    #[error("its topic «{0}» contains a wildcard")]
    Wildcard(String),
}

/// Why a connection cannot go on: after such a packet nothing that follows can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// More than four bytes, or the stream is not MQTT.
    #[error("the broker sent a remaining length of more than four bytes")]
    RemainingLength,
    /// A type that no broker sends to a client that subscribes at QoS 1.
    #[error("the broker sent an unexpected packet of type {0}")]
    Unexpected(u8),
    /// A packet other than PUBLISH that is larger than any can be.
    #[error("the broker sent a packet of type {kind} with {bytes} bytes")]
    ControlTooLarge {
        /// Its MQTT packet type, 1 to 14.
        kind: u8,
        /// Its length.
        bytes: usize,
    },
    /// Its parts do not fit into it.
    #[error("the broker sent a malformed {packet}: {cause}")]
    Malformed {
        /// Its MQTT name.
        packet: &'static str,
        /// What does not fit.
        cause: String,
    },
    /// We subscribe at QoS 1, so this never comes from a sound broker and a session of ours alone.
    #[error(
        "the broker sent «{topic}» at QoS 2, though we subscribe at QoS 1: another client has subscribed under our \
         client id; end it and remove that session at the broker"
    )]
    Qos2 {
        /// Of the message.
        topic: String,
    },
}

/// The bytes before the payload fit into this: fixed header, topic, packet identifier.
const HEAD_BYTES_MAX: usize = 5 + 2 + u16::MAX as usize + 2;

/// Frames packets, one after the other.
pub(super) struct Decoder {
    packet_bytes_max: usize,
    skimming: Option<Skim>,
}

/// A message too large to keep, of which a part has passed.
struct Skim {
    topic: Result<String, Rejection>,
    retain: bool,
    dup: bool,
    packet_id: Option<u16>,
    payload_bytes: usize,
    remaining: usize,
    hash: Sha256,
}

impl Skim {
    fn finish(self) -> Incoming {
        let Skim { topic, retain, dup, packet_id, payload_bytes, hash, .. } = self;
        match topic {
            Err(rejection) => Incoming::Rejected { packet_id, rejection },
            Ok(topic) => {
                let body = Body::Oversize { bytes: payload_bytes as u64, sha256: hash.finalize().into() };
                Incoming::Message(Inbound { topic, body, retain, dup, packet_id })
            }
        }
    }
}

/// The fixed header.
#[derive(Clone, Copy)]
struct Frame {
    byte0: u8,
    header_bytes: usize,
    body_bytes: usize,
}

impl Frame {
    fn bytes(self) -> usize {
        self.header_bytes + self.body_bytes
    }

    fn kind(self) -> u8 {
        self.byte0 >> 4
    }

    fn qos(self) -> u8 {
        (self.byte0 >> 1) & 3
    }

    fn is_retained(self) -> bool {
        self.byte0 & 1 != 0
    }

    fn is_dup(self) -> bool {
        self.byte0 & 8 != 0
    }

    fn is_publish(self) -> bool {
        self.kind() == PacketType::Publish as u8
    }

    fn for_codec(self) -> FixedHeader {
        FixedHeader::new(self.byte0, self.header_bytes - 1, self.body_bytes)
    }
}

/// What stands before the payload of a PUBLISH.
struct Head<'a> {
    topic: &'a [u8],
    packet_id: Option<u16>,
    payload_at: usize,
}

impl Decoder {
    pub(super) fn new(packet_bytes_max: usize) -> Decoder {
        Decoder { packet_bytes_max, skimming: None }
    }

    /// Takes the next packet off the buffer, or nothing if it is not complete yet.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Incoming>, DecodeFault> {
        if self.skimming.is_some() {
            return Ok(self.skim(buffer));
        }
        let Some(frame) = fixed_header(buffer)? else { return Ok(None) };
        if frame.bytes() > self.packet_bytes_max {
            return self.begin_skim(frame, buffer);
        }
        if buffer.len() < frame.bytes() {
            return Ok(None);
        }
        read_frame(frame, buffer).map(Some)
    }

    /// How many bytes the packet at the start of the buffer has, if that is known and it is one to keep.
    pub(super) fn wanted(&self, buffer: &[u8]) -> Option<usize> {
        let frame = fixed_header(buffer).ok().flatten()?;
        (self.skimming.is_none() && frame.bytes() <= self.packet_bytes_max).then_some(frame.bytes())
    }

    fn begin_skim(&mut self, frame: Frame, buffer: &mut BytesMut) -> Result<Option<Incoming>, DecodeFault> {
        if !frame.is_publish() {
            return Err(DecodeFault::ControlTooLarge { kind: frame.kind(), bytes: frame.bytes() });
        }
        let here = &buffer[..buffer.len().min(frame.bytes())];
        if here.len() < HEAD_BYTES_MAX.min(frame.bytes()) && Head::of(frame, here).is_none() {
            return Ok(None);
        }
        let head =
            Head::of(frame, here).ok_or_else(|| malformed("PUBLISH", "its topic does not fit into it"))?;
        head.check_qos(frame)?;
        let payload_bytes = frame.bytes() - head.payload_at;
        let payload_at = head.payload_at;
        self.skimming = Some(Skim {
            topic: checked_topic(head.topic).map(str::to_owned),
            retain: frame.is_retained(),
            dup: frame.is_dup(),
            packet_id: head.packet_id,
            payload_bytes,
            remaining: payload_bytes,
            hash: Sha256::new(),
        });
        buffer.advance(payload_at);
        Ok(self.skim(buffer))
    }

    fn skim(&mut self, buffer: &mut BytesMut) -> Option<Incoming> {
        let skim = self.skimming.as_mut()?;
        let passing = skim.remaining.min(buffer.len());
        skim.hash.update(&buffer[..passing]);
        buffer.advance(passing);
        skim.remaining -= passing;
        match skim.remaining {
            0 => self.skimming.take().map(Skim::finish),
            _ => None,
        }
    }
}

/// The fixed header at the start of the buffer; `None` while it is incomplete.
fn fixed_header(buffer: &[u8]) -> Result<Option<Frame>, DecodeFault> {
    let Some((&byte0, length)) = buffer.split_first() else { return Ok(None) };
    let mut body_bytes = 0;
    for (at, byte) in length.iter().take(4).enumerate() {
        body_bytes |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some(Frame { byte0, header_bytes: at + 2, body_bytes }));
        }
    }
    if length.len() >= 4 { Err(DecodeFault::RemainingLength) } else { Ok(None) }
}

/// Takes one complete frame off the buffer and reads it.
fn read_frame(frame: Frame, buffer: &mut BytesMut) -> Result<Incoming, DecodeFault> {
    let bytes = buffer.split_to(frame.bytes()).freeze();
    let fixed = frame.for_codec();
    let kind = fixed.packet_type().map_err(|_| DecodeFault::Unexpected(frame.kind()))?;
    let body_needed = |packet| match frame.body_bytes {
        0 => Err(malformed(packet, "it is empty")),
        _ => Ok(packet),
    };
    match kind {
        PacketType::Publish => read_publish(frame, bytes),
        PacketType::PubAck => {
            let packet = body_needed("PUBACK")?;
            PubAck::read(fixed, bytes).map(|ack| Incoming::PubAck(ack.pkid)).map_err(codec_fault(packet))
        }
        PacketType::SubAck => {
            let packet = body_needed("SUBACK")?;
            SubAck::read(fixed, bytes).map(Incoming::SubAck).map_err(codec_fault(packet))
        }
        PacketType::UnsubAck => {
            let packet = body_needed("UNSUBACK")?;
            UnsubAck::read(fixed, bytes).map(|ack| Incoming::UnsubAck(ack.pkid)).map_err(codec_fault(packet))
        }
        PacketType::ConnAck => {
            let packet = body_needed("CONNACK")?;
            ConnAck::read(fixed, bytes).map(Incoming::ConnAck).map_err(codec_fault(packet))
        }
        PacketType::PingResp => Ok(Incoming::PingResp),
        PacketType::Connect
        | PacketType::PubRec
        | PacketType::PubRel
        | PacketType::PubComp
        | PacketType::Subscribe
        | PacketType::Unsubscribe
        | PacketType::PingReq
        | PacketType::Disconnect => Err(DecodeFault::Unexpected(frame.kind())),
    }
}

fn read_publish(frame: Frame, bytes: Bytes) -> Result<Incoming, DecodeFault> {
    let head =
        Head::of(frame, &bytes).ok_or_else(|| malformed("PUBLISH", "its topic does not fit into it"))?;
    head.check_qos(frame)?;
    let packet_id = head.packet_id;
    if let Err(rejection) = checked_topic(head.topic) {
        return Ok(Incoming::Rejected { packet_id, rejection });
    }
    let publish = Publish::read(frame.for_codec(), bytes).map_err(codec_fault("PUBLISH"))?;
    Ok(Incoming::Message(Inbound {
        topic: publish.topic,
        body: Body::Whole(publish.payload),
        retain: publish.retain,
        dup: publish.dup,
        packet_id,
    }))
}

impl<'a> Head<'a> {
    /// The head of a PUBLISH; `None` if it is not all in `bytes`.
    fn of(frame: Frame, bytes: &'a [u8]) -> Option<Head<'a>> {
        let (length, rest) = bytes.get(frame.header_bytes..)?.split_first_chunk::<2>()?;
        let topic_bytes = usize::from(u16::from_be_bytes(*length));
        let topic = rest.get(..topic_bytes)?;
        let topic_end = frame.header_bytes + 2 + topic_bytes;
        if frame.qos() == 0 {
            return Some(Head { topic, packet_id: None, payload_at: topic_end });
        }
        let packet_id = rest.get(topic_bytes..)?.first_chunk::<2>()?;
        Some(Head { topic, packet_id: Some(u16::from_be_bytes(*packet_id)), payload_at: topic_end + 2 })
    }

    fn check_qos(&self, frame: Frame) -> Result<(), DecodeFault> {
        if self.packet_id == Some(0) {
            return Err(malformed("PUBLISH", "its packet identifier is zero"));
        }
        match frame.qos() {
            0 | 1 => Ok(()),
            2 => Err(DecodeFault::Qos2 { topic: printable(self.topic) }),
            _ => Err(malformed("PUBLISH", "its QoS is 3")),
        }
    }
}

/// The topic, if MQTT allows it in a PUBLISH.
fn checked_topic(topic: &[u8]) -> Result<&str, Rejection> {
    let text = str::from_utf8(topic).map_err(|_| Rejection::NotUtf8(printable(topic)))?;
    match topic.iter().find(|byte| matches!(byte, 0 | b'+' | b'#')) {
        Some(0) => Err(Rejection::Nul(printable(topic))),
        Some(_) => Err(Rejection::Wildcard(printable(topic))),
        None if topic.is_empty() => Err(Rejection::Empty),
        None => Ok(text),
    }
}

/// At most 120 characters, control characters escaped: what an attacker named must not steer a terminal.
fn printable(topic: &[u8]) -> String {
    String::from_utf8_lossy(topic).chars().flat_map(char::escape_debug).take(120).collect()
}

fn malformed(packet: &'static str, cause: &str) -> DecodeFault {
    DecodeFault::Malformed { packet, cause: cause.to_owned() }
}

fn codec_fault(packet: &'static str) -> impl Fn(rumqttc::mqttbytes::Error) -> DecodeFault {
    move |cause| malformed(packet, &cause.to_string())
}

#[cfg(test)]
mod tests;
