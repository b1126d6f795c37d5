//! One step each: time, a request, a message. Everything goes into the open batch; nothing is let out here.

use super::{Committed, Pending, Reading, Request, Traced, Writer, WriterError};
use crate::canary;
use crate::configuration::Decisive;
use crate::health::{Concern, Detail};
use crate::intake::{Arrival, Batch, Body, Inbound, Lane, PathEvent};
use crate::quarantine::Why;
use crate::record::INLINE_BYTES_MAX;
use std::sync::Arc;
use wanglou_engine::Stimulus;
use wanglou_journal::Store;
use wanglou_model::{Decoded, Fact, Input, PathNews, PathState, RawMessage, Reason, Span, Timestamp, Way};

/// An outage longer than this lost what came at QoS 0 in it.
const QOS0_OUTAGE: Span = Span::mins(5);
/// Deadlines that armed new ones which were due at once: more rounds than this are a fault of a rule.
const TICKS_MAX: usize = 1_000;

impl Writer {
    /// Stamps the turn; the clock's step, and whatever is due, go first.
    pub(super) fn step_time(&mut self) -> Result<Timestamp, WriterError> {
        let now = self.parts.clock.now();
        if let Some(wall_minus_at) = now.stepped {
            self.step_input(now.at, &Input::ClockStep { wall_minus_at })?;
        }
        if self.parts.clock.distrust() != self.clock_told {
            self.judge_clock(now.at)?;
        }
        for _ in 0..TICKS_MAX {
            if self.parts.engine.next_deadline().is_none_or(|due| due > now.at) {
                break;
            }
            self.step_input(now.at, &Input::Tick)?;
        }
        Ok(now.at)
    }

    pub(super) fn step_input(&mut self, at: Timestamp, input: &Input) -> Result<usize, WriterError> {
        self.encoder.input(&mut self.batch, at, input)?;
        let cause = self.cause();
        let facts = self.parts.engine.step(at, Stimulus::Input(input));
        self.keep_facts(at, cause, facts)
    }

    /// Where the input that was put into the batch last will lie in the journal; what comes of it is traced to it.
    fn cause(&mut self) -> u64 {
        let position = self.parts.log.position().0 + self.batch.len() as u64 - 1;
        self.parts.engine.caused_by(position);
        position
    }

    /// Puts facts into the batch. Returns how many there were.
    fn keep_facts(&mut self, at: Timestamp, cause: u64, facts: Vec<Fact>) -> Result<usize, WriterError> {
        for fact in &facts {
            self.encoder.fact(&mut self.batch, at, fact)?;
        }
        let count = facts.len();
        self.pending.causes.extend(std::iter::repeat_n(cause, count));
        self.pending.facts.extend(facts);
        Ok(count)
    }

    pub(super) fn step_request(&mut self, at: Timestamp, request: Request) -> Result<(), WriterError> {
        match request {
            Request::Input { input, done } => {
                let count = self.step_input(at, &input)?;
                let facts = self.pending.latest(count);
                self.pending.answers.extend(done.map(|done| (done, Committed { at, facts })));
            }
            Request::Access { event, done } => {
                self.encoder.access(&mut self.batch, at, &*event)?;
                self.pending.access.push(*event);
                self.pending.answers.push((done, Committed { at, facts: Vec::new() }));
            }
            Request::Read(Reading(look)) => {
                // What the batch under way changed is not on disk yet, and must not be seen before it is.
                self.commit(at, wanglou_journal::Purpose::Control)?;
                look(&self.parts.engine);
            }
            Request::Snapshot { done } => {
                self.commit(at, wanglou_journal::Purpose::Control)?;
                if !self.disk_full {
                    self.take_snapshot()?;
                }
                self.pending.answers.push((done, Committed { at, facts: Vec::new() }));
            }
            Request::Reload { decisive, who, why, done } => {
                self.commit(at, wanglou_journal::Purpose::Control)?;
                self.reconfigure(at, *decisive, &who, &why)?;
                self.pending.answers.push((done, Committed { at, facts: Vec::new() }));
            }
        }
        Ok(())
    }

    /// The record closes what was decided with the old configuration; from here on the new one holds, and the
    /// record's own facts come from it.
    pub(crate) fn reconfigure(
        &mut self,
        at: Timestamp,
        decisive: Decisive,
        who: &str,
        why: &str,
    ) -> Result<(), WriterError> {
        self.parts.configs.put(&decisive.bundle)?;
        let input =
            Input::Config { hash: decisive.hash().to_owned(), who: who.to_owned(), why: why.to_owned() };
        self.parts.engine.reconfigure(at, Arc::clone(&decisive.setup));
        self.parts.decisive = decisive;
        self.step_input(at, &input)?;
        Ok(())
    }

    pub(super) fn step_arrival(&mut self, at: Timestamp, arrival: Arrival) -> Result<(), WriterError> {
        match arrival {
            Arrival::Messages(batch) => self.step_batch(at, batch),
            Arrival::Path { lane, event, .. } => self.step_path(at, lane, &event),
        }
    }

    fn step_batch(&mut self, at: Timestamp, batch: Batch) -> Result<(), WriterError> {
        self.read_at = Some(batch.read_at);
        for message in &batch.messages {
            self.step_message(at, batch.lane, batch.generation, message)?;
        }
        self.pending.acks.push(batch.acks);
        // A quiet night's latency would be the canary's.
        if batch.messages.iter().any(|message| canary::of(message).is_none()) {
            self.pending.reads.push((batch.lane, batch.read_at));
        }
        Ok(())
    }

    fn step_message(
        &mut self,
        at: Timestamp,
        lane: Lane,
        generation: u64,
        message: &Inbound,
    ) -> Result<(), WriterError> {
        if let Some(canary) = canary::of(message) {
            self.step_input(at, &Input::Canary(canary))?;
            return Ok(());
        }
        self.pending.messages += 1;
        self.parts.metrics.lane_messages.with_label_values(&[lane.name()]).inc();
        if message.packet_id.is_none() && !message.retain {
            self.parts.metrics.qos0_messages.with_label_values(&[lane.name()]).inc();
        }
        let blob = match &message.body {
            Body::Whole(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                Some(self.parts.blobs.put(bytes, at.0)?.0)
            }
            Body::Whole(_) | Body::Oversize { .. } => None,
        };
        self.encoder.message(&mut self.batch, at, (lane, generation), message, blob)?;
        let payload = match &message.body {
            Body::Whole(bytes) => &bytes[..],
            Body::Oversize { bytes, .. } => {
                let zh = format!("消息有 {bytes} 字节，超过 mqtt.packet_bytes_max");
                let en = format!("the message has {bytes} bytes, more than mqtt.packet_bytes_max");
                let reason = Reason::new("oversize", zh, en);
                self.quarantine(at, message, &[], *bytes, Why::Rejected, reason, None);
                return Ok(());
            }
        };
        let raw = RawMessage { topic: &message.topic, payload, at, retain: message.retain, dup: message.dup };
        let decoding = self.parts.decisive.profiles.decode_in(&raw, &mut self.parts.decoding);
        match decoding.decoded {
            Decoded::Observations(said) => {
                // Durable before the observation that names them is.
                for picture in &decoding.blobs {
                    self.parts.blobs.put(&picture.bytes, at.0)?;
                }
                self.step_said(at, lane, message, payload, &said)
            }
            Decoded::Ignored(_) => {
                self.count("", "ignored");
                Ok(())
            }
            Decoded::Unmatched(reason) => {
                let reason = Reason::new("unmatched", format!("没有接入文件识别此消息（{reason}）"), reason);
                self.quarantine(at, message, payload, payload.len() as u64, Why::Unmatched, reason, None);
                Ok(())
            }
            Decoded::Rejected { profile, reason } => {
                let profile = Some(profile.as_str());
                let reason = Reason::new("rejected", format!("内容不符合接入文件（{reason}）"), reason);
                self.quarantine(at, message, payload, payload.len() as u64, Why::Rejected, reason, profile);
                Ok(())
            }
        }
    }

    fn step_said(
        &mut self,
        at: Timestamp,
        lane: Lane,
        message: &Inbound,
        payload: &[u8],
        said: &[wanglou_model::Observation],
    ) -> Result<(), WriterError> {
        let setup = self.parts.engine.setup();
        let stranger = said.iter().find(|said| setup.device_of(said).is_none());
        if let Some(stranger) = stranger {
            let (device, profile) = (&stranger.device, &stranger.profile);
            let zh = format!("设备 {device:?} 未登记：在 devices.csv 加一行，接入文件填 {profile}，标识填它");
            let en = format!(
                "device {device:?} is not in the registry: add a line to devices.csv with profile {profile} and \
                 this identity"
            );
            let reason = Reason::new("unregistered", zh, en);
            let profile = Some(&*stranger.profile);
            self.quarantine(at, message, payload, payload.len() as u64, Why::Unregistered, reason, profile);
        } else if let Some(first) = said.first() {
            self.count(&first.profile, "observed");
            if let Some((device, _)) = setup.device_of(first) {
                self.parts.metrics.talk.said(device);
            }
        }
        for said in said {
            self.parts.metrics.observations.with_label_values(&[said.reading.kind()]).inc();
        }
        if self.listened_to {
            self.pending.said.extend_from_slice(said);
        }
        let by = lane.name_in_engine().map(|lane| Way { lane, qos0: message.packet_id.is_none() });
        let stimulus = Stimulus::Said { observations: said, retain: message.retain, dup: message.dup, by };
        let cause = self.cause();
        let facts = self.parts.engine.step(at, stimulus);
        let brings =
            |fact: &Fact| matches!(fact, Fact::Raised(_) | Fact::Upgraded { .. } | Fact::Reopened { .. });
        if let Some(read_at) = self.read_at.filter(|_| facts.iter().any(brings)) {
            let stepped_at = tokio::time::Instant::now();
            self.pending.traced.push(Traced { cause, lane, read_at, stepped_at });
        }
        self.keep_facts(at, cause, facts)?;
        Ok(())
    }

    fn count(&self, profile: &str, result: &str) {
        self.parts.metrics.messages.with_label_values(&[profile, result]).inc();
    }

    #[expect(clippy::too_many_arguments, reason = "what a quarantine entry says, in its order")]
    fn quarantine(
        &self,
        at: Timestamp,
        message: &Inbound,
        payload: &[u8],
        bytes: u64,
        why: Why,
        reason: Reason,
        profile: Option<&str>,
    ) {
        self.count(profile.unwrap_or_default(), why.name());
        self.parts.quarantine.note(at, &message.topic, payload, bytes, why, reason, profile);
    }

    fn step_path(&mut self, at: Timestamp, lane: Lane, event: &PathEvent) -> Result<(), WriterError> {
        let state = match event {
            PathEvent::Up { session_present } => {
                self.blind_since_outage(at, lane, *session_present)?;
                PathState::Draining
            }
            PathEvent::Drained | PathEvent::Heard => PathState::Up,
            PathEvent::Quiet => PathState::Quiet,
            PathEvent::Down { .. } => PathState::Down,
        };
        let concern = match lane {
            Lane::Alarm => Concern::AlarmPath,
            Lane::Bulk | Lane::Discovery => Concern::BulkPath,
        };
        match event {
            PathEvent::Drained | PathEvent::Heard => self.parts.health.clear(concern),
            PathEvent::Up { .. } => {
                let detail = Detail::said("正在接收积压消息", "the broker's backlog is still coming in");
                self.parts.health.raise(concern, detail);
            }
            PathEvent::Quiet => {
                let detail = Detail::said("10 秒没有任何消息", "neither marker nor traffic for 10 s");
                self.parts.health.raise(concern, detail);
            }
            PathEvent::Down { reason } => self.parts.health.raise(concern, reason.clone()),
        }
        let up = i64::from(state == PathState::Up);
        self.parts.metrics.broker_path.with_label_values(&[lane.name()]).set(up);
        self.step_input(at, &Input::Path(PathNews { lane: lane.name().to_owned(), state }))?;
        Ok(())
    }

    /// Time that nobody held for us: all of the lane if the session is gone, else what was sent at QoS 0 in a long
    /// outage. A lane that was never up before has lost nothing.
    fn blind_since_outage(
        &mut self,
        at: Timestamp,
        lane: Lane,
        session_present: bool,
    ) -> Result<(), WriterError> {
        let senses = self.parts.engine.senses();
        let Some(lane) = lane.name_in_engine() else { return Ok(()) };
        let Some(from) = senses.outage_of(lane) else { return Ok(()) };
        let qos0_lost = at - from > QOS0_OUTAGE && senses.has_qos0(lane, from);
        if session_present && !qos0_lost {
            return Ok(());
        }
        let seconds = (at - from).as_secs_f64();
        tracing::warn!(lane = lane.name(), seconds, session_present, "blind");
        let blind = Input::Blind { from, until: at, lane: Some(lane), qos0: session_present };
        self.step_input(at, &blind)?;
        Ok(())
    }
}

impl Pending {
    fn latest(&self, count: usize) -> Vec<wanglou_model::Fact> {
        self.facts[self.facts.len() - count..].to_vec()
    }
}
