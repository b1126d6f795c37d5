//! What phones are owed, as of the latest commit: each officer's outbox with its bodies, and the sockets that are
//! open. Fed by the writer after each commit, read by sockets; neither waits for the other.

use crate::view::{Angle, alarm_json};
use crate::writer::Observer;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::Notify;
use wanglou_engine::Engine;
use wanglou_model::{
    AlarmId, Answer, Canary, CommandId, Fact, OfficerId, OutboxRow, PhoneId, Priority, Timestamp,
};
use wanglou_site::People;

/// Messages that wait for one socket; one more, and the queue is dropped: the phone is told to resync.
pub const QUEUE_MESSAGES_MAX: usize = 64;
/// Bytes that wait for one socket.
pub const QUEUE_BYTES_MAX: usize = 256 << 10;

/// An alarm as one officer's phone gets it. The body is shared by all who see the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The row's number in the officer's outbox.
    pub seq: u64,
    /// The alarm.
    pub alarm: AlarmId,
    /// Its revision.
    pub rev: u64,
    /// How urgent, for the order of a resume.
    pub priority: Priority,
    /// When it was raised, for the order of a resume.
    pub raised_at: Timestamp,
    /// Nobody has it yet and it rings: the phone is asked for a receipt.
    pub urgent: bool,
    /// Of the input that raised it, or made more of it.
    pub trace: Option<u64>,
    /// The alarm as JSON.
    pub body: Arc<str>,
}

/// What a phone needs to catch up.
#[derive(Debug, Clone, PartialEq)]
pub struct Resume {
    /// The whole list, because the cursor means nothing here; otherwise only what changed.
    pub full: bool,
    /// The latest row's number: the cursor after `synced`.
    pub head: u64,
    /// The alarms, the most urgent first, then the oldest.
    pub cards: Vec<Card>,
    /// Alarms that left the officer's scope meanwhile; empty for the whole list, which does not hold them.
    pub gone: Vec<(u64, AlarmId)>,
}

/// What waits for a socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Push {
    /// An alarm.
    Alarm(Card),
    /// An alarm left the officer's list: their row's number, or none when it was forgotten with its alarm.
    Gone(Option<u64>, AlarmId),
    /// The queue overflowed and was dropped.
    Overflow,
    /// The session is not valid any more.
    Revoked,
    /// The same phone opened another socket.
    Replaced,
    /// The gateway stops.
    Stopping,
    /// A canary, for its receiver alone.
    Canary(Canary),
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Push>,
    bytes: usize,
}

/// One socket's end of the hub.
#[derive(Debug)]
pub struct Socket {
    waiting: Mutex<Waiting>,
    news: Notify,
    /// Whose.
    pub officer: OfficerId,
    /// Which phone.
    pub phone: PhoneId,
}

impl Socket {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn push(&self, push: Push) {
        let mut waiting = self.lock();
        let weight = match &push {
            Push::Alarm(card) => card.body.len(),
            Push::Gone(..)
            | Push::Overflow
            | Push::Revoked
            | Push::Replaced
            | Push::Stopping
            | Push::Canary(_) => 64,
        };
        let full = waiting.queue.len() >= QUEUE_MESSAGES_MAX || waiting.bytes + weight > QUEUE_BYTES_MAX;
        match push {
            Push::Alarm(_) | Push::Gone(..) if full || waiting.queue.contains(&Push::Overflow) => {
                waiting
                    .queue
                    .retain(|waits| !matches!(waits, Push::Alarm(_) | Push::Gone(..) | Push::Overflow));
                waiting.queue.push_back(Push::Overflow);
                waiting.bytes = 0;
            }
            push => {
                waiting.queue.push_back(push);
                waiting.bytes += weight;
            }
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// The next thing to send; waits for it.
    pub async fn next(&self) -> Push {
        loop {
            let news = self.news.notified();
            if let Some(push) = self.try_next() {
                return push;
            }
            news.await;
        }
    }

    /// The next thing to send, if there is one.
    pub fn try_next(&self) -> Option<Push> {
        let mut waiting = self.lock();
        let push = waiting.queue.pop_front()?;
        if let Push::Alarm(card) = &push {
            waiting.bytes = waiting.bytes.saturating_sub(card.body.len());
        }
        Some(push)
    }
}

/// One row of an outbox.
#[derive(Debug)]
enum Row {
    Alarm(Card),
    Gone(AlarmId),
}

#[derive(Debug, Default)]
struct Outbox {
    head: u64,
    rows: BTreeMap<u64, Row>,
    of: BTreeMap<AlarmId, u64>,
    /// The highest row that was dropped with its alarm: a cursor before it cannot be served row by row.
    pruned: u64,
}

impl Outbox {
    fn put(&mut self, seq: u64, alarm: &AlarmId, row: Row) {
        self.head = seq;
        if let Some(before) = self.of.insert(alarm.clone(), seq) {
            self.rows.remove(&before);
        }
        self.rows.insert(seq, row);
    }

    fn prune(&mut self, alarm: &AlarmId) -> bool {
        let Some(seq) = self.of.remove(alarm) else { return false };
        self.pruned = self.pruned.max(seq);
        self.rows.remove(&seq).is_some()
    }
}

#[derive(Debug, Default)]
struct Inner {
    history: String,
    /// The configuration that was in force at the latest commit.
    config: String,
    outboxes: BTreeMap<OfficerId, Outbox>,
    sockets: BTreeMap<OfficerId, BTreeMap<PhoneId, Arc<Socket>>>,
    answers: BTreeMap<CommandId, (OfficerId, Answer, u64)>,
    answer_order: VecDeque<CommandId>,
    /// Where canaries go: a queue as phones have them, which is nobody's.
    canary: Option<Arc<Socket>>,
}

/// Answers that are at hand for repeated commands.
const ANSWERS_MAX: usize = 20_000;

/// The hub, cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
    people: Arc<RwLock<Arc<People>>>,
}

impl Hub {
    /// A hub that shows what a recovered engine owes. `history` changes only when an older state was restored.
    pub fn new(engine: &Engine, people: Arc<People>, history: String) -> Self {
        let hub = Self {
            inner: Arc::new(Mutex::new(Inner {
                history,
                config: engine.setup().hash.clone(),
                ..Inner::default()
            })),
            people: Arc::new(RwLock::new(people)),
        };
        hub.rebuild(engine);
        hub
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names and telephone numbers.
    pub fn people(&self) -> Arc<People> {
        Arc::clone(&self.people.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another people file.
    pub fn set_people(&self, people: Arc<People>) {
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = people;
    }

    fn rebuild(&self, engine: &Engine) {
        let people = self.people();
        let mut inner = self.lock();
        for (officer, outbox) in &engine.book().outboxes {
            let mine = inner.outboxes.entry(officer.clone()).or_default();
            (mine.head, mine.pruned) = (outbox.head, outbox.pruned);
            for (seq, id) in &outbox.rows {
                if outbox.gone.contains(seq) {
                    mine.of.insert(id.clone(), *seq);
                    mine.rows.insert(*seq, Row::Gone(id.clone()));
                    continue;
                }
                let Some(alarm) = engine.book().alarms.get(id) else { continue };
                let angle = Angle::of(engine, alarm, officer);
                let body: Arc<str> = alarm_json(engine, &people, alarm, alarm.rev, &angle).into();
                let ring = alarm.is_unaccepted() && !angle.silent;
                let card = card(*seq, alarm, alarm.rev, ring, body);
                mine.of.insert(id.clone(), *seq);
                mine.rows.insert(*seq, Row::Alarm(card));
            }
        }
        for cid in &engine.book().answer_order {
            if let Some((officer, answer)) = engine.book().answers.get(cid) {
                inner.remember(engine, cid, officer, answer);
            }
        }
    }

    /// Opens a socket for a phone and says, in one look, what it has to catch up with: nothing falls in between.
    pub fn attach(
        &self,
        officer: &OfficerId,
        phone: &PhoneId,
        cursor: u64,
        history: &str,
    ) -> (Arc<Socket>, Resume) {
        let socket = Arc::new(Socket {
            waiting: Mutex::default(),
            news: Notify::new(),
            officer: officer.clone(),
            phone: phone.clone(),
        });
        let mut inner = self.lock();
        let before =
            inner.sockets.entry(officer.clone()).or_default().insert(phone.clone(), Arc::clone(&socket));
        if let Some(before) = before {
            before.push(Push::Replaced);
        }
        let resume = inner.resume(officer, cursor, history);
        (socket, resume)
    }

    /// Opens the canaries' receiver. It is not among the officers' sockets: nobody sees it, nothing counts it.
    pub fn attach_canary(&self) -> Arc<Socket> {
        let id = "canary";
        let socket = Arc::new(Socket {
            waiting: Mutex::default(),
            news: Notify::new(),
            officer: OfficerId::parse(id).expect("an id"),
            phone: PhoneId::parse(id).expect("an id"),
        });
        self.lock().canary = Some(Arc::clone(&socket));
        socket
    }

    /// What a phone that lost its place has to catch up with. Whatever waited for the socket is part of it.
    pub fn resync(&self, socket: &Socket, cursor: u64, history: &str) -> Resume {
        let inner = self.lock();
        let mut waiting = socket.lock();
        waiting.queue.retain(|push| !matches!(push, Push::Alarm(_) | Push::Gone(..) | Push::Overflow));
        waiting.bytes = 0;
        drop(waiting);
        inner.resume(&socket.officer, cursor, history)
    }

    /// Takes a socket away, unless another one took its place. Returns whether the phone has none now.
    pub fn detach(&self, socket: &Arc<Socket>) -> bool {
        let mut inner = self.lock();
        let Some(phones) = inner.sockets.get_mut(&socket.officer) else { return true };
        let mine = phones.get(&socket.phone).is_some_and(|open| Arc::ptr_eq(open, socket));
        if mine {
            phones.remove(&socket.phone);
        }
        if phones.is_empty() {
            inner.sockets.remove(&socket.officer);
        }
        mine
    }

    /// How many sockets are open: of this officer, of all.
    pub fn sockets(&self, officer: &OfficerId) -> (usize, usize) {
        let inner = self.lock();
        let mine = inner.sockets.get(officer).map_or(0, BTreeMap::len);
        (mine, inner.sockets.values().map(BTreeMap::len).sum())
    }

    /// The latest row's number of an officer, and the history that it belongs to.
    pub fn head(&self, officer: &OfficerId) -> (u64, String) {
        let inner = self.lock();
        (inner.outboxes.get(officer).map_or(0, |outbox| outbox.head), inner.history.clone())
    }

    /// The answer that a command was given before, with the alarm's revision then.
    pub fn answer(&self, cid: &CommandId) -> Option<(OfficerId, Answer, u64)> {
        self.lock().answers.get(cid).cloned()
    }

    /// Tells a phone that its session has ended.
    pub fn revoke(&self, officer: &OfficerId, phone: &PhoneId) {
        if let Some(socket) = self.lock().sockets.get(officer).and_then(|phones| phones.get(phone)) {
            socket.push(Push::Revoked);
        }
    }

    /// Tells every phone that the gateway stops.
    pub fn stop(&self) {
        for socket in self.lock().sockets.values().flat_map(BTreeMap::values) {
            socket.push(Push::Stopping);
        }
    }
}

impl Inner {
    fn resume(&self, officer: &OfficerId, cursor: u64, history: &str) -> Resume {
        let Some(outbox) = self.outboxes.get(officer) else {
            let full = cursor > 0 || history != self.history;
            return Resume { full, head: 0, cards: Vec::new(), gone: Vec::new() };
        };
        let full = history != self.history || cursor > outbox.head || cursor < outbox.pruned;
        let after = if full { 0 } else { cursor };
        let (mut cards, mut gone) = (Vec::new(), Vec::new());
        for (seq, row) in outbox.rows.range(after + 1..) {
            match row {
                Row::Alarm(card) => cards.push(card.clone()),
                Row::Gone(alarm) if !full => gone.push((*seq, alarm.clone())),
                Row::Gone(_) => {}
            }
        }
        cards.sort_by_key(|card| (card.priority, card.raised_at, card.seq));
        Resume { full, head: outbox.head, cards, gone }
    }

    fn remember(&mut self, engine: &Engine, cid: &CommandId, officer: &OfficerId, answer: &Answer) {
        let rev = match answer {
            Answer::Ok { alarm } => engine.book().alarms.get(alarm).map_or(0, |alarm| alarm.rev),
            Answer::Done
            | Answer::Taken { .. }
            | Answer::Changed
            | Answer::Gone
            | Answer::Forbidden
            | Answer::Invalid { .. } => 0,
        };
        if self.answers.insert(cid.clone(), (officer.clone(), answer.clone(), rev)).is_none() {
            self.answer_order.push_back(cid.clone());
        }
        if self.answer_order.len() > ANSWERS_MAX
            && let Some(oldest) = self.answer_order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }

    fn publish(&mut self, engine: &Engine, people: &People, id: &AlarmId, rev: u64, rows: &[OutboxRow]) {
        let Some(alarm) = engine.book().alarms.get(id) else { return };
        let mut bodies: BTreeMap<Angle, Arc<str>> = BTreeMap::new();
        for row in rows {
            let silent = alarm.is_unaccepted() && !row.ring;
            let angle = Angle { silent, actions: engine.actions(alarm, &row.officer) };
            let body = bodies
                .entry(angle)
                .or_insert_with_key(|angle| alarm_json(engine, people, alarm, rev, angle).into());
            let card = card(row.seq, alarm, rev, row.ring, Arc::clone(body));
            self.deliver(&row.officer, card);
        }
    }

    fn deliver(&mut self, officer: &OfficerId, card: Card) {
        self.tell(officer, &Push::Alarm(card.clone()));
        let (seq, alarm) = (card.seq, card.alarm.clone());
        self.outboxes.entry(officer.clone()).or_default().put(seq, &alarm, Row::Alarm(card));
    }

    fn tell(&self, officer: &OfficerId, push: &Push) {
        for socket in self.sockets.get(officer).into_iter().flat_map(BTreeMap::values) {
            socket.push(push.clone());
        }
    }

    fn sing(&self, canary: Canary) {
        // One that nobody waited for is late, and late is failed.
        let Some(socket) = &self.canary else { return };
        let mut waiting = socket.lock();
        waiting.queue.clear();
        waiting.bytes = 0;
        drop(waiting);
        socket.push(Push::Canary(canary));
    }

    fn withdraw(&mut self, id: &AlarmId, rows: &[OutboxRow]) {
        for row in rows {
            self.tell(&row.officer, &Push::Gone(Some(row.seq), id.clone()));
            let outbox = self.outboxes.entry(row.officer.clone()).or_default();
            outbox.put(row.seq, id, Row::Gone(id.clone()));
        }
    }

    fn forget(&mut self, id: &AlarmId) {
        let had =
            self.outboxes.iter_mut().filter_map(|(officer, outbox)| outbox.prune(id).then_some(officer));
        let had: Vec<OfficerId> = had.cloned().collect();
        for officer in had {
            self.tell(&officer, &Push::Gone(None, id.clone()));
        }
    }

    /// Whoever is not in the registry any more has no session, whatever their phone says.
    fn reconfigured(&mut self, engine: &Engine) {
        self.config.clone_from(&engine.setup().hash);
        let known = &engine.setup().site.officers;
        for (_, phones) in self.sockets.iter().filter(|(officer, _)| !known.contains_key(*officer)) {
            for socket in phones.values() {
                socket.push(Push::Revoked);
            }
        }
    }
}

fn card(seq: u64, alarm: &wanglou_engine::Alarm, rev: u64, ring: bool, body: Arc<str>) -> Card {
    Card {
        seq,
        alarm: alarm.id.clone(),
        rev,
        priority: alarm.priority,
        raised_at: alarm.raised_at,
        urgent: ring && alarm.is_unaccepted(),
        trace: alarm.trace,
        body,
    }
}

impl Observer for Hub {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn committed(&mut self, _at: Timestamp, engine: &Engine, facts: &[Fact]) {
        let mut inner = self.lock();
        if inner.config != engine.setup().hash {
            inner.reconfigured(engine);
        }
        if facts.is_empty() {
            return;
        }
        let people = self.people();
        for fact in facts {
            match fact {
                Fact::Published { alarm, rev, to } => inner.publish(engine, &people, alarm, *rev, to),
                Fact::Withdrawn { alarm, from } => inner.withdraw(alarm, from),
                Fact::Forgotten { alarm } => inner.forget(alarm),
                Fact::Canary(canary) => inner.sing(*canary),
                Fact::Answered { cid, officer, answer } => inner.remember(engine, cid, officer, answer),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> Socket {
        let (officer, phone) = (OfficerId::parse("wu").expect("an id"), PhoneId::parse("d1").expect("an id"));
        Socket { waiting: Mutex::default(), news: Notify::new(), officer, phone }
    }

    fn card(seq: u64, bytes: usize) -> Card {
        Card {
            seq,
            alarm: AlarmId::parse("al_1").expect("an id"),
            rev: seq,
            priority: Priority::P2,
            raised_at: Timestamp(0),
            urgent: true,
            trace: None,
            body: "x".repeat(bytes).into(),
        }
    }

    #[test]
    fn a_phone_that_stops_reading_loses_its_queue_and_is_told_once() {
        let socket = socket();
        for seq in 1..=QUEUE_MESSAGES_MAX as u64 + 20 {
            socket.push(Push::Alarm(card(seq, 10)));
        }
        assert_eq!(socket.try_next(), Some(Push::Overflow));
        assert_eq!(socket.try_next(), None);
        socket.push(Push::Alarm(card(99, 10)));
        assert!(matches!(socket.try_next(), Some(Push::Alarm(_))));
    }

    fn officer() -> OfficerId {
        OfficerId::parse("wu").expect("an id")
    }

    fn alarm(n: u64) -> AlarmId {
        AlarmId::parse(&format!("al_{n}")).expect("an id")
    }

    /// Rows 1 to 3, each an alarm of its own.
    fn three_rows() -> Inner {
        let mut inner = Inner { history: "h".into(), ..Inner::default() };
        for seq in 1..=3 {
            inner.deliver(&officer(), Card { alarm: alarm(seq), ..card(seq, 1) });
        }
        inner
    }

    fn resumed(inner: &Inner, cursor: u64) -> (bool, u64, Vec<u64>, Vec<u64>) {
        let Resume { full, head, cards, gone } = inner.resume(&officer(), cursor, "h");
        let seqs = cards.iter().map(|card| card.seq).collect();
        (full, head, seqs, gone.iter().map(|(seq, _)| *seq).collect())
    }

    #[test]
    fn a_cursor_before_a_dropped_row_gets_the_whole_list() {
        let mut inner = three_rows();
        assert_eq!(resumed(&inner, 1), (false, 3, vec![2, 3], vec![]));
        inner.forget(&alarm(2));
        // Who stands before row 2 never heard how its alarm ended: a delta would leave it open for ever.
        assert_eq!(resumed(&inner, 1), (true, 3, vec![1, 3], vec![]));
        assert_eq!(resumed(&inner, 2), (false, 3, vec![3], vec![]));
        assert_eq!(resumed(&inner, 9), (true, 3, vec![1, 3], vec![]), "a cursor from elsewhere");
    }

    #[test]
    fn an_alarm_that_was_taken_away_is_a_row_of_its_own() {
        let mut inner = three_rows();
        inner.withdraw(&alarm(1), &[OutboxRow { officer: officer(), seq: 4, ring: false }]);
        assert_eq!(resumed(&inner, 3), (false, 4, vec![], vec![4]));
        assert_eq!(resumed(&inner, 0), (false, 4, vec![2, 3], vec![4]));
        // It comes back: the row that took it away is gone.
        inner.deliver(&officer(), Card { alarm: alarm(1), ..card(5, 1) });
        assert_eq!(resumed(&inner, 3), (false, 5, vec![5], vec![]));
    }

    #[test]
    fn bytes_count_too() {
        let socket = socket();
        for seq in 1..=5 {
            socket.push(Push::Alarm(card(seq, QUEUE_BYTES_MAX / 4)));
        }
        assert_eq!(socket.try_next(), Some(Push::Overflow));
    }
}
