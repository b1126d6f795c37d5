//! The writer's queues: one for each lane, one for everything else. Each has a limit, and each limit a behaviour:
//! a lane that is full makes its source wait (the broker holds), a full control queue refuses with a word.

use crate::intake::{Arrival, Batch, Body, Closed, Intake, Lane};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Arrivals of one lane that wait; a source that offers more waits itself.
pub const ARRIVALS_MAX: usize = 128;
/// Bytes of one lane that wait.
pub(crate) const ARRIVAL_BYTES_MAX: usize = 16 << 20;
/// Requests that wait; one more is refused.
pub const REQUESTS_MAX: usize = 4096;
/// Of the bulk lane the writer takes at most so much before it commits, so that an alarm never waits long.
pub const BULK_BYTES_PER_COMMIT: usize = 64 << 10;
/// The largest number of requests in one commit.
const REQUESTS_PER_COMMIT: usize = 512;
/// Of the alarm lane the writer takes everything, up to what one commit should write.
const ALARM_BYTES_PER_COMMIT: usize = 4 << 20;

/// What the writer does next.
#[derive(Debug)]
pub struct Work<R> {
    /// Requests, in order.
    pub requests: Vec<R>,
    /// Arrivals: the alarm lane's first.
    pub arrivals: Vec<Arrival>,
    /// Nothing more will come.
    pub stopped: bool,
}

/// A full control queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many wait already; try again in a moment.
    #[error("the gateway has too much to do at the moment; try again in a second")]
    Busy,
    /// The writer has stopped.
    #[error("the gateway is stopping")]
    Stopped,
}

#[derive(Debug)]
struct Inner<R> {
    requests: VecDeque<R>,
    lanes: [LaneQueue; 2],
    held: bool,
    closing: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct LaneQueue {
    arrivals: VecDeque<Arrival>,
    bytes: usize,
}

impl LaneQueue {
    fn is_full(&self) -> bool {
        self.arrivals.len() >= ARRIVALS_MAX || self.bytes >= ARRIVAL_BYTES_MAX
    }

    fn push(&mut self, arrival: Arrival) {
        self.bytes += bytes_of(&arrival);
        self.arrivals.push_back(arrival);
    }

    fn take(&mut self, bytes_max: usize, into: &mut Vec<Arrival>) {
        let mut taken = 0;
        while taken < bytes_max {
            let Some(arrival) = self.arrivals.pop_front() else { return };
            let bytes = bytes_of(&arrival);
            (self.bytes, taken) = (self.bytes - bytes, taken + bytes);
            into.push(arrival);
        }
    }
}

fn bytes_of(arrival: &Arrival) -> usize {
    match arrival {
        Arrival::Messages(batch) => batch_bytes(batch),
        Arrival::Path { .. } => 0,
    }
}

/// What a batch weighs, bytes of topics and payloads.
pub fn batch_bytes(batch: &Batch) -> usize {
    let body = |body: &Body| match body {
        Body::Whole(bytes) => bytes.len(),
        Body::Oversize { .. } => 40,
    };
    batch.messages.iter().map(|message| message.topic.len() + body(&message.body) + 64).sum()
}

/// The queues.
#[derive(Debug)]
pub struct Queue<R> {
    inner: Mutex<Inner<R>>,
    work: Condvar,
    room: [Notify; 2],
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        let inner = Inner {
            requests: VecDeque::new(),
            lanes: Default::default(),
            held: false,
            closing: false,
            closed: false,
        };
        Self { inner: Mutex::new(inner), work: Condvar::new(), room: Default::default() }
    }
}

impl<R> Queue<R> {
    fn lock(&self) -> MutexGuard<'_, Inner<R>> {
        // The lock is held for moving items only; a panic in between is one of the program, and the queue is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request.
    ///
    /// # Errors
    /// [`Refused`] when too many wait, or the writer has stopped.
    pub fn request(&self, request: R) -> Result<(), Refused> {
        let mut inner = self.lock();
        if inner.closed || inner.closing {
            return Err(Refused::Stopped);
        }
        if inner.requests.len() >= REQUESTS_MAX {
            return Err(Refused::Busy);
        }
        inner.requests.push_back(request);
        drop(inner);
        self.work.notify_one();
        Ok(())
    }

    /// How many wait: requests, alarm lane, bulk lane.
    pub fn depths(&self) -> [usize; 3] {
        let inner = self.lock();
        [inner.requests.len(), inner.lanes[0].arrivals.len(), inner.lanes[1].arrivals.len()]
    }

    /// Waits for work, at most so long.
    pub fn take(&self, wait: Duration) -> Work<R> {
        let idle = |inner: &mut Inner<R>| {
            let waiting = inner.lanes.iter().any(|lane| !lane.arrivals.is_empty()) && !inner.held;
            inner.requests.is_empty() && !waiting && !inner.closing
        };
        let inner = self.lock();
        let (mut inner, _) =
            self.work.wait_timeout_while(inner, wait, idle).unwrap_or_else(PoisonError::into_inner);
        let count = inner.requests.len().min(REQUESTS_PER_COMMIT);
        let requests = inner.requests.drain(..count).collect();
        let mut arrivals = Vec::new();
        if !inner.held {
            inner.lanes[0].take(ALARM_BYTES_PER_COMMIT, &mut arrivals);
            inner.lanes[1].take(BULK_BYTES_PER_COMMIT, &mut arrivals);
        }
        let drained = inner.requests.is_empty() && inner.lanes.iter().all(|lane| lane.arrivals.is_empty());
        let stopped = inner.closing && (drained || inner.held);
        drop(inner);
        for room in &self.room {
            room.notify_waiters();
        }
        Work { requests, arrivals, stopped }
    }

    /// Puts arrivals back, in front, and holds the lanes: there is no room on the disk. The sources stop reading.
    pub fn hold(&self, arrivals: Vec<Arrival>) {
        let mut inner = self.lock();
        inner.held = true;
        for arrival in arrivals.into_iter().rev() {
            let lane = &mut inner.lanes[index(lane_of(&arrival))];
            lane.bytes += bytes_of(&arrival);
            lane.arrivals.push_front(arrival);
        }
    }

    /// There is room again.
    pub fn release(&self) {
        self.lock().held = false;
    }

    /// Takes nothing more in; what waits is still handed out.
    pub fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
        for room in &self.room {
            room.notify_waiters();
        }
    }

    /// The writer is gone: whatever waits is dropped, whoever waits is told.
    pub fn end(&self) {
        let mut inner = self.lock();
        (inner.closing, inner.closed) = (true, true);
        inner.requests.clear();
        for lane in &mut inner.lanes {
            *lane = LaneQueue::default();
        }
        drop(inner);
        for room in &self.room {
            room.notify_waiters();
        }
    }
}

fn index(lane: Lane) -> usize {
    match lane {
        Lane::Alarm => 0,
        Lane::Bulk | Lane::Discovery => 1,
    }
}

fn lane_of(arrival: &Arrival) -> Lane {
    match arrival {
        Arrival::Messages(batch) => batch.lane,
        Arrival::Path { lane, .. } => *lane,
    }
}

impl<R: Send + 'static> Intake for Queue<R> {
    async fn offer(&self, arrival: Arrival) -> Result<(), Closed> {
        let lane = index(lane_of(&arrival));
        let mut waiting = Some(arrival);
        loop {
            let room = self.room[lane].notified();
            tokio::pin!(room);
            // Registered before looking, so that room made in between is not missed.
            room.as_mut().enable();
            {
                let mut inner = self.lock();
                if inner.closed || inner.closing {
                    return Err(Closed);
                }
                if !inner.lanes[lane].is_full()
                    && let Some(arrival) = waiting.take()
                {
                    inner.lanes[lane].push(arrival);
                    drop(inner);
                    self.work.notify_one();
                    return Ok(());
                }
            }
            room.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::{Inbound, PathEvent};
    use bytes::Bytes;
    use tokio::sync::mpsc;

    fn arrival(lane: Lane, bytes: usize) -> Arrival {
        let body = Body::Whole(Bytes::from(vec![0; bytes]));
        let message = Inbound { topic: "t".into(), body, retain: false, dup: false, packet_id: Some(1) };
        Arrival::Messages(Batch {
            lane,
            generation: 1,
            read_at: tokio::time::Instant::now(),
            messages: vec![message],
            acks: mpsc::unbounded_channel().0,
        })
    }

    fn lanes(work: &Work<u32>) -> Vec<Lane> {
        work.arrivals.iter().map(lane_of).collect()
    }

    #[tokio::test]
    async fn all_of_the_alarm_lane_goes_before_a_little_of_the_bulk_lane() {
        let queue = Queue::<u32>::default();
        for _ in 0..4 {
            queue.offer(arrival(Lane::Bulk, 40_000)).await.expect("room");
        }
        for _ in 0..3 {
            queue.offer(arrival(Lane::Alarm, 40_000)).await.expect("room");
        }
        let work = queue.take(Duration::ZERO);
        assert_eq!(lanes(&work), [Lane::Alarm, Lane::Alarm, Lane::Alarm, Lane::Bulk, Lane::Bulk]);
        assert_eq!(lanes(&queue.take(Duration::ZERO)), [Lane::Bulk, Lane::Bulk]);
    }

    #[tokio::test]
    async fn a_full_lane_makes_its_source_wait_until_the_writer_has_taken_something() {
        let queue = std::sync::Arc::new(Queue::<u32>::default());
        for _ in 0..ARRIVALS_MAX {
            queue.offer(arrival(Lane::Alarm, 1)).await.expect("room");
        }
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.offer(arrival(Lane::Alarm, 1)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert_eq!(queue.take(Duration::ZERO).arrivals.len(), ARRIVALS_MAX);
        assert_eq!(waiting.await.expect("no panic"), Ok(()));
    }

    #[test]
    fn a_full_control_queue_refuses_with_a_word() {
        let queue = Queue::<u32>::default();
        for n in 0..REQUESTS_MAX as u32 {
            queue.request(n).expect("room");
        }
        assert_eq!(queue.request(0), Err(Refused::Busy));
        assert_eq!(queue.take(Duration::ZERO).requests.len(), REQUESTS_PER_COMMIT);
        assert_eq!(queue.request(0), Ok(()));
        queue.close();
        assert_eq!(queue.request(0), Err(Refused::Stopped));
    }

    #[tokio::test]
    async fn while_the_disk_is_full_lanes_are_held_and_requests_go_on() {
        let queue = Queue::<u32>::default();
        queue.offer(arrival(Lane::Alarm, 1)).await.expect("room");
        let path = Arrival::Path { lane: Lane::Alarm, generation: 1, event: PathEvent::Drained };
        queue.offer(path).await.expect("room");
        let work = queue.take(Duration::ZERO);
        queue.hold(work.arrivals);
        queue.request(5).expect("room");
        let work = queue.take(Duration::ZERO);
        assert_eq!((work.requests, work.arrivals.len()), (vec![5], 0));
        queue.release();
        let work = queue.take(Duration::ZERO);
        assert!(matches!(&work.arrivals[..], [Arrival::Messages(_), Arrival::Path { .. }]), "in order");
    }
}
