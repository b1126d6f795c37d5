//! An intake that hands what arrives to the test, which then acknowledges or does not.

use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use wanglou_gateway::intake::{Acknowledge, Arrival, Batch, Body, Closed, Inbound, Intake, PathEvent};
use wanglou_gateway::mqtt::Source;

/// A bounded queue; full, it makes the source wait.
pub struct Listed {
    to_test: mpsc::Sender<Arrival>,
}

impl Intake for Listed {
    async fn offer(&self, arrival: Arrival) -> Result<(), Closed> {
        self.to_test.send(arrival).await.map_err(|_| Closed)
    }
}

/// A source that runs, seen from the writer's side.
pub struct Running {
    pub arrivals: mpsc::Receiver<Arrival>,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<Result<(), Closed>>,
    task: JoinHandle<()>,
}

/// Starts a source with an intake that holds `room` arrivals.
pub fn start(source: impl Source, room: usize) -> Running {
    let (to_test, arrivals) = mpsc::channel(room);
    let (stop, stopped) = watch::channel(false);
    let (say_ended, ended) = oneshot::channel();
    let task = tokio::spawn(async move {
        let end = source.run(std::sync::Arc::new(Listed { to_test }), stopped).await;
        say_ended.send(end).ok();
    });
    Running { arrivals, stop, ended, task }
}

impl Running {
    /// The next arrival; a test that waits for one too long fails.
    pub async fn next(&mut self) -> Arrival {
        tokio::time::timeout(Duration::from_secs(60), self.arrivals.recv())
            .await
            .expect("something arrives within a minute")
            .expect("the source runs")
    }

    /// The next news of the path; messages before it fail the test.
    pub async fn path(&mut self) -> PathEvent {
        match self.next().await {
            Arrival::Path { event, .. } => event,
            Arrival::Messages(batch) => panic!("expected news of the path, got {batch:?}"),
        }
    }

    /// The next batch; news of the path before it fails the test.
    pub async fn batch(&mut self) -> Batch {
        match self.next().await {
            Arrival::Messages(batch) => batch,
            Arrival::Path { event, .. } => panic!("expected messages, got {event:?}"),
        }
    }

    /// Up, then drained, with nothing in between: a first connect to an empty queue.
    pub async fn up(&mut self) -> bool {
        let PathEvent::Up { session_present } = self.path().await else { panic!("not up") };
        assert_eq!(self.path().await, PathEvent::Drained);
        session_present
    }

    /// Takes batches, acknowledging each, until so many messages have come. Path news is skipped.
    pub async fn take(&mut self, messages: usize) -> Vec<Inbound> {
        let mut taken = Vec::new();
        while taken.len() < messages {
            if let Arrival::Messages(batch) = self.next().await {
                acknowledge(&batch, 1);
                taken.extend(batch.messages);
            }
        }
        taken
    }

    /// The next arrival: a batch goes to `take`, news of the path is returned.
    pub async fn next_taking(&mut self, mut take: impl FnMut(&Batch)) -> Option<PathEvent> {
        match self.next().await {
            Arrival::Path { event, .. } => Some(event),
            Arrival::Messages(batch) => {
                take(&batch);
                None
            }
        }
    }

    /// Stops the source in order and waits for its end.
    pub async fn stop(self) -> Result<(), Closed> {
        self.stop.send(true).ok();
        drop(self.arrivals);
        tokio::time::timeout(Duration::from_secs(60), self.ended)
            .await
            .expect("it stops")
            .expect("it did not panic")
    }

    /// Asks it to stop, and goes on listening.
    pub fn ask_to_stop(&self) {
        self.stop.send(true).ok();
    }

    /// Waits for its end.
    pub async fn ended(self) -> Result<(), Closed> {
        self.ended.await.expect("it did not panic")
    }

    /// Ends it as a crash would: nothing more is read, written or acknowledged.
    pub async fn crash(self) {
        self.task.abort();
        self.task.await.ok();
    }
}

/// Says that `batches` batches of the connection of this one are on disk. True if the connection still lives.
pub fn acknowledge(batch: &Batch, batches: usize) -> bool {
    batch.acks.send(Acknowledge { batches }).is_ok()
}

/// Topic and payload as text.
pub fn text(message: &Inbound) -> (String, String) {
    match &message.body {
        Body::Whole(bytes) => (message.topic.clone(), String::from_utf8_lossy(bytes).into_owned()),
        Body::Oversize { bytes, .. } => (message.topic.clone(), format!("({bytes} bytes)")),
    }
}

/// Topics and payloads of a batch.
pub fn texts(batch: &Batch) -> Vec<(String, String)> {
    batch.messages.iter().map(text).collect()
}

/// The reason of a Down; any other news fails the test.
pub fn down(event: PathEvent) -> String {
    let PathEvent::Down { reason } = event else { panic!("expected Down, got {event:?}") };
    reason
}
