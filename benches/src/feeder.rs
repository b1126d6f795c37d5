//! A broker for benches, as a process of its own so that its CPU is not counted: it accepts one client, answers
//! CONNECT, SUBSCRIBE, PINGREQ and the client's own publishes (which it echoes, as markers demand), and sends as many QoS 1
//! messages as it is told, as fast as they are taken, with a window of unacknowledged ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Messages that may be unacknowledged at once.
pub const WINDOW: u64 = 8_192;

/// What the messages are.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// How many.
    pub messages: u64,
    /// Every so many-th message is alarm-worthy.
    pub alarm_every: u64,
}

/// The topic and payload of the n-th message: about 300 bytes of canonical JSON. Every so many-th raises or
/// updates an alarm.
pub fn message(n: u64, alarm_every: u64) -> (String, String) {
    let cover = n % 90 + 1;
    let open = n.is_multiple_of(alarm_every);
    let (deg, note) = (if open { 72.0 } else { 0.5 + (n % 7) as f64 / 10.0 }, "x".repeat(70));
    // The cover's own word opens an alarm, or counts in one, at once; an angle would have to stand for 30 s.
    let word = if open { r#","open":true"# } else { "" };
    let payload = format!(
        r#"{{"device":"cover-{cover}","kind":"cover","value":{{"tilt_deg":{deg:.2},"moved":false{word}}},"event":"e-{n}","sequence":{n},"evidence":[{{"uri":"http://camera.example/{note}/{n}"}}]}}"#
    );
    (format!("wanglou/v1/in/cover-{cover}"), payload)
}

fn frame(into: &mut Vec<u8>, topic: &str, packet_id: u16, payload: &[u8]) {
    into.push(0x32);
    let mut left = 2 + topic.len() + 2 + payload.len();
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        into.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    into.extend_from_slice(&(topic.len() as u16).to_be_bytes());
    into.extend_from_slice(topic.as_bytes());
    into.extend_from_slice(&packet_id.to_be_bytes());
    into.extend_from_slice(payload);
}

/// Serves one client, then returns.
///
/// # Errors
/// When the client goes away.
pub fn serve(listener: &TcpListener, feed: Feed) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut inbound = Vec::new();
    let mut state = State { subscribed: false, acked: 0, markers: 0 };
    let frames: Vec<Vec<u8>> = (0..feed.messages)
        .map(|n| {
            let (topic, payload) = message(n, feed.alarm_every);
            let mut bytes = Vec::with_capacity(360);
            frame(&mut bytes, &topic, packet_id(n), payload.as_bytes());
            bytes
        })
        .collect();
    let mut sent = 0;
    let mut out = Vec::with_capacity(1 << 20);
    while state.acked < feed.messages {
        if state.subscribed {
            out.clear();
            while sent < feed.messages && sent - state.acked < WINDOW && out.len() < 256 << 10 {
                out.extend_from_slice(&frames[sent as usize]);
                sent += 1;
            }
            if !out.is_empty() {
                stream.write_all(&out)?;
            }
        }
        let full = !state.subscribed || sent == feed.messages || sent - state.acked >= WINDOW;
        stream.set_nonblocking(!full)?;
        take(&mut stream, &mut inbound, &mut state)?;
        stream.set_nonblocking(false)?;
    }
    Ok(())
}

struct State {
    subscribed: bool,
    acked: u64,
    markers: u16,
}

fn packet_id(n: u64) -> u16 {
    (n % 40_000) as u16 + 1
}

fn take(stream: &mut TcpStream, inbound: &mut Vec<u8>, state: &mut State) -> std::io::Result<()> {
    let mut chunk = [0; 64 << 10];
    match stream.read(&mut chunk) {
        Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => inbound.extend_from_slice(&chunk[..count]),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
        Err(error) => return Err(error),
    }
    stream.set_nonblocking(false)?;
    let mut at = 0;
    while let Some((kind, body, next)) = packet(inbound, at) {
        answer(stream, state, kind, &inbound[body])?;
        at = next;
    }
    inbound.drain(..at);
    Ok(())
}

fn packet(bytes: &[u8], at: usize) -> Option<(u8, std::ops::Range<usize>, usize)> {
    let kind = *bytes.get(at)?;
    let (mut length, mut shift, mut head) = (0usize, 0, at + 1);
    loop {
        let digit = *bytes.get(head)?;
        head += 1;
        length |= usize::from(digit & 0x7f) << shift;
        shift += 7;
        if digit & 0x80 == 0 {
            break;
        }
    }
    (bytes.len() >= head + length).then_some((kind, head..head + length, head + length))
}

fn answer(stream: &mut TcpStream, state: &mut State, kind: u8, body: &[u8]) -> std::io::Result<()> {
    match kind >> 4 {
        1 => stream.write_all(&[0x20, 2, 0, 0]),
        8 => {
            state.subscribed = true;
            let filters = filters(&body[2..]);
            let mut ack = vec![0x90, 2 + filters as u8, body[0], body[1]];
            ack.extend(std::iter::repeat_n(1u8, filters));
            stream.write_all(&ack)
        }
        3 => {
            // A marker: acknowledged, and sent back.
            let topic_bytes = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let topic = String::from_utf8_lossy(&body[2..2 + topic_bytes]).into_owned();
            let rest = &body[2 + topic_bytes..];
            stream.write_all(&[0x40, 2, rest[0], rest[1]])?;
            state.markers += 1;
            let mut echo = Vec::new();
            frame(&mut echo, &topic, 50_000 + state.markers % 10_000, &rest[2..]);
            stream.write_all(&echo)
        }
        4 => {
            let id = u16::from_be_bytes([body[0], body[1]]);
            state.acked += u64::from(id < 50_000);
            Ok(())
        }
        12 => stream.write_all(&[0xd0, 0]),
        _ => Ok(()),
    }
}

fn filters(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while bytes.len() > 2 {
        let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes = bytes.get(2 + length + 1..).unwrap_or_default();
        count += 1;
    }
    count
}
