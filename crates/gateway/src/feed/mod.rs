//! What became of alarms, told to other systems: CloudEvents to an address, and messages on the broker.
//!
//! A feed follows the journal, so the journal is its queue: nothing is told before it is on disk, nothing waits in
//! memory, and after a restart it goes on where it was. Each piece of news is told in order and at least once; the
//! same news has the same id. What cannot be told for a day is dropped, and counted.
//!
//! ```text
//!  journal ─► position of this feed ─► news of one alarm ─► sink ─► told ─► position on disk
//! ```
//!
//! Not here: who must be called (ladders and their channels). A feed is for programs.

mod cloudevents;
mod discretion;
pub(crate) mod home_assistant;
mod mqtt;
mod news;
mod observations;

pub(crate) use cloudevents::CloudEvents;
pub(crate) use home_assistant::HomeAssistant;
pub(crate) use mqtt::Topics;
pub use news::News;
pub(crate) use observations::Observations;

use crate::clock;
use crate::metrics::Metrics;
use crate::record::kind;
use crate::writer::{Refused, WriterHandle};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use wanglou_journal::{Body, Position, Reader, StoreError};
use wanglou_model::{Fact, Span, Timestamp};

/// The journal is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Facts that are read at once.
const FACTS_MAX: usize = 64;
/// Waits between tries: doubled from the first to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// News that is older than this and still cannot be told is dropped.
const GIVE_UP_AFTER: Span = Span::hours(24);

/// Why news was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Trying again can help.
    Later(String),
    /// It never will be: the far end says that it is wrong.
    Never(String),
}

/// Where news goes.
pub(crate) trait Sink: Send + 'static {
    /// The name in metrics, logs and the data directory.
    fn name(&self) -> &'static str;

    /// Is it told of homes and people in full? Else [`discretion`] decides.
    fn personal(&self) -> bool;

    /// Tells one piece of news.
    fn tell(&mut self, news: &News) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// What feeds have in common.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) reader: Reader,
    pub(crate) writer: WriterHandle,
    /// The data directory: each feed keeps its position there.
    pub(crate) data: PathBuf,
    pub(crate) history: String,
    pub(crate) site: String,
    pub(crate) metrics: Metrics,
}

/// One feed.
pub(crate) struct Feed<S> {
    source: Source,
    sink: S,
    place: PathBuf,
    next: Position,
}

/// A fact at its position.
#[derive(Debug)]
struct Found {
    position: Position,
    at: Timestamp,
    fact: Fact,
}

impl<S: Sink> Feed<S> {
    /// Goes on where the feed of this name was; a new one begins with what comes from now on.
    pub(crate) fn new(source: Source, sink: S) -> Self {
        let place = source.data.join(format!("feed-{}", sink.name()));
        let next = read_place(&place, &source.history).unwrap_or(source.reader.position());
        for result in ["told", "dropped"] {
            source.metrics.feed_news.with_label_values(&[sink.name(), result]).inc_by(0);
        }
        Self { source, sink, place, next }
    }

    /// Until the gateway stops.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let working = async {
            loop {
                if let Err(error) = self.turn().await {
                    tracing::warn!(feed = self.sink.name(), %error, "a feed could not go on; it tries again");
                    tokio::time::sleep(RETRY.1).await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            () = working => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        let (reader, from) = (self.source.reader.clone(), self.next);
        let (found, next) = tokio::task::spawn_blocking(move || read(&reader, from)).await??;
        for Found { position, at, fact } in found {
            if let Some(news) = self.news(position, at, fact).await? {
                self.tell(&news, at).await;
            }
            self.next = position.after(1);
            self.keep_place()?;
        }
        if next > self.next {
            self.next = next;
            self.keep_place()?;
        }
        self.source.metrics.feed_behind.with_label_values(&[self.sink.name()]).set(0);
        Ok(())
    }

    /// With what the engine knows of the alarm by now; nothing for facts that are nobody else's business.
    async fn news(&self, position: Position, at: Timestamp, fact: Fact) -> Result<Option<News>, Refused> {
        let (history, site) = (self.source.history.clone(), self.source.site.clone());
        let personal = self.sink.personal();
        let look = move |engine: &wanglou_engine::Engine| {
            News::of(engine, &site, (&history, position.0), at, &fact, personal)
        };
        self.source.writer.read(look).await
    }

    async fn tell(&mut self, news: &News, at: Timestamp) {
        let mut wait = RETRY.0;
        loop {
            let age = clock::wall() - at;
            let result = match self.sink.tell(news).await {
                Ok(()) => "told",
                Err(NotTaken::Never(why)) => {
                    tracing::warn!(
                        feed = self.sink.name(),
                        id = news.id,
                        why,
                        "news was refused, and is dropped"
                    );
                    "dropped"
                }
                Err(NotTaken::Later(why)) if age > GIVE_UP_AFTER => {
                    tracing::warn!(
                        feed = self.sink.name(),
                        id = news.id,
                        why,
                        "news is a day old, and is dropped"
                    );
                    "dropped"
                }
                Err(NotTaken::Later(why)) => {
                    tracing::debug!(feed = self.sink.name(), id = news.id, why, "news is told again later");
                    self.source
                        .metrics
                        .feed_behind
                        .with_label_values(&[self.sink.name()])
                        .set(age.0 / 1_000_000);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                    continue;
                }
            };
            self.source.metrics.feed_news.with_label_values(&[self.sink.name(), result]).inc();
            return;
        }
    }

    fn keep_place(&self) -> std::io::Result<()> {
        let beside = self.place.with_extension("tmp");
        std::fs::write(&beside, format!("{} {}\n", self.source.history, self.next.0))?;
        std::fs::rename(&beside, &self.place)
    }
}

/// Where a feed was. Nothing of another history: those positions mean something else.
fn read_place(place: &Path, history: &str) -> Option<Position> {
    let text = std::fs::read_to_string(place).ok()?;
    let (of, position) = text.trim().split_once(' ')?;
    (of == history).then(|| position.parse().ok().map(Position))?
}

/// The next facts, and up to where was looked.
fn read(reader: &Reader, from: Position) -> Result<(Vec<Found>, Position), StoreError> {
    let mut found = Vec::new();
    let end = reader.read_from(from, &mut |record| {
        if let (kind::FACT, Body::Whole { payload, .. }) = (record.kind, &record.body)
            && let Ok(fact) = serde_json::from_slice(payload)
        {
            found.push(Found { position: record.position, at: Timestamp(record.at_micros), fact });
        }
        if found.len() >= FACTS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let next = if found.len() >= FACTS_MAX { found[FACTS_MAX - 1].position.after(1) } else { end.next };
    Ok((found, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_another_history_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("feed-x");
        assert_eq!(read_place(&place, "aa"), None, "a new feed");
        std::fs::write(&place, "aa 17\n").expect("written");
        assert_eq!(read_place(&place, "aa"), Some(Position(17)));
        assert_eq!(read_place(&place, "bb"), None, "restored since");
        std::fs::write(&place, "aa x\n").expect("written");
        assert_eq!(read_place(&place, "aa"), None, "half a file");
    }
}
