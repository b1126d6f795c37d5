//! From a row of the engine's book to the phones of one person: each of their subscribed phones that has not stored
//! the alarm, at once; one on which somebody looks at the app, only if it has not stored it after a while. Acceptance
//! by anybody ends what is still to be sent. The end of the row says what each phone's push service answered.

use super::{Carriage, Message, Push, Said, Subscription};
use crate::access::{AccessEvent, TokenHash};
use crate::clock;
use crate::effects::{Notice, still_calls, tell};
use crate::writer::WriterHandle;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use wanglou_model::{Ended, Input, OfficerId, PhoneId, Priority, PushNews, Recipient};

/// People who are pushed to at once; more wait.
const AT_ONCE_MAX: usize = 64;
/// A message that was not taken is sent again after these times, or later if the service asks for it.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];
/// So long a phone on which somebody looks at the app has to store the alarm by itself.
const LOOKED_AT_HAS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];

/// A phone that can be pushed to.
#[derive(Debug, Clone)]
struct Target {
    token: TokenHash,
    phone: PhoneId,
    subscription: Subscription,
    visible: bool,
}

/// Sends what the engine's book owes by push.
#[derive(Debug)]
pub struct Outgoing {
    push: Arc<Push>,
    writer: WriterHandle,
}

/// What became of one phone's message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attempt {
    Taken,
    Stored,
    Cancelled,
    Failed(String),
}

impl Outgoing {
    /// With what it needs.
    pub fn new(push: Arc<Push>, writer: WriterHandle) -> Arc<Self> {
        Arc::new(Self { push, writer })
    }

    /// Sends until the gateway stops.
    pub async fn run(
        self: Arc<Self>,
        mut queue: mpsc::Receiver<Notice>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let room = Arc::new(Semaphore::new(AT_ONCE_MAX));
        loop {
            let notice = tokio::select! {
                notice = queue.recv() => notice,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let (Some(notice), Ok(permit)) = (notice, Arc::clone(&room).acquire_owned().await) else {
                return;
            };
            let outgoing = Arc::clone(&self);
            tokio::spawn(async move {
                outgoing.see_to(notice).await;
                drop(permit);
            });
        }
    }

    async fn see_to(&self, notice: Notice) {
        tell(&self.writer, &notice.id, None, String::new()).await;
        let (ended, detail) = match &notice.to {
            Recipient::Officer(officer) => self.to_phones(&notice, officer).await,
            Recipient::Resident(_) | Recipient::Group(_) => (Ended::Failed, "they have no push".to_owned()),
        };
        tell(&self.writer, &notice.id, Some(ended), detail).await;
    }

    async fn to_phones(&self, notice: &Notice, officer: &OfficerId) -> (Ended, String) {
        let targets = self.targets(officer).await;
        let attempts = join_all(targets.iter().map(|target| self.to_phone(notice, officer, target))).await;
        sum_up(&attempts)
    }

    async fn targets(&self, officer: &OfficerId) -> Vec<Target> {
        let now = clock::wall();
        let subscribed: Vec<Target> = {
            let access = self.writer.access();
            let mine = access
                .sessions
                .iter()
                .filter(|(_, session)| session.officer == *officer && session.expires_at > now);
            let target = |(token, session): (&TokenHash, &crate::access::Session)| {
                let (token, phone, subscription) =
                    (token.clone(), session.phone.clone(), session.push.clone()?);
                Some(Target { token, phone, subscription, visible: false })
            };
            mine.filter_map(target).collect()
        };
        let id = officer.clone();
        let read = self.writer.read(move |engine| {
            let looked_at = engine.senses().push_phones(&id).filter(|(_, visible)| *visible);
            looked_at.map(|(phone, _)| phone.clone()).collect::<Vec<_>>()
        });
        let looked_at = read.await.unwrap_or_default();
        let seen = |target: Target| Target { visible: looked_at.contains(&target.phone), ..target };
        subscribed.into_iter().map(seen).collect()
    }

    async fn to_phone(&self, notice: &Notice, officer: &OfficerId, target: &Target) -> Attempt {
        if target.visible {
            tokio::time::sleep(LOOKED_AT_HAS[usize::from(notice.level > 1)]).await;
        }
        let mut last = String::new();
        for wait in [None].into_iter().chain(RETRIES.map(Some)) {
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            }
            match self.still_wanted(notice, officer, target).await {
                Ok(()) => {}
                Err(attempt) => return attempt,
            }
            match self.push.send(&target.subscription, &message(notice), &carriage(notice)).await {
                Said::Taken => return Attempt::Taken,
                Said::Refused(why) => return Attempt::Failed(why),
                Said::Gone => {
                    self.forget(officer, target).await;
                    return Attempt::Failed("subscription gone".to_owned());
                }
                Said::Later(wait, why) => {
                    last = why;
                    if let Some(wait) = wait {
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
        Attempt::Failed(last)
    }

    async fn still_wanted(
        &self,
        notice: &Notice,
        officer: &OfficerId,
        target: &Target,
    ) -> Result<(), Attempt> {
        if clock::wall() > notice.expires_at {
            return Err(Attempt::Failed("expired".to_owned()));
        }
        let (alarm, id, phone) = (notice.alarm.clone(), officer.clone(), target.phone.clone());
        let look = self.writer.read(move |engine| {
            if !still_calls(engine, &alarm, &id) {
                return Err(Attempt::Cancelled);
            }
            let found = wanglou_model::AlarmId::parse(&alarm).ok();
            let alarm = found.and_then(|alarm| engine.book().alarms.get(&alarm));
            let stored = alarm
                .and_then(|alarm| alarm.followers.get(&id))
                .is_some_and(|follower| follower.stored.contains(&phone));
            if stored { Err(Attempt::Stored) } else { Ok(()) }
        });
        // A writer that is too busy to answer is no reason to keep an alarm back.
        look.await.unwrap_or(Ok(()))
    }

    /// The push service does not know the phone any more: nobody is thought to be reached by it.
    async fn forget(&self, officer: &OfficerId, target: &Target) {
        unsubscribe(&self.writer, &target.token, officer, &target.phone, "gone").await;
    }
}

/// Ends a phone's subscription, for access and for the engine.
pub(crate) async fn unsubscribe(
    writer: &WriterHandle,
    session: &TokenHash,
    officer: &OfficerId,
    phone: &PhoneId,
    why: &str,
) {
    let event = AccessEvent::Unsubscribed { session: session.clone(), why: why.to_owned() };
    let news = PushNews { officer: officer.clone(), phone: phone.clone(), on: false };
    if let Err(refused) = writer.admit(event).await {
        tracing::warn!(%refused, "the end of a push subscription was not taken");
    }
    if let Err(refused) = writer.submit(Input::Push(news)).await {
        tracing::warn!(%refused, "the end of a push subscription was not taken");
    }
}

fn message(notice: &Notice) -> Message {
    Message {
        alarm: notice.alarm.clone(),
        rev: notice.rev,
        level: notice.level,
        title: notice.title.clone(),
        place: notice.place.clone(),
        test: notice.test,
        trial: String::new(),
    }
}

fn carriage(notice: &Notice) -> Carriage {
    let priority = match notice.level {
        1 => Priority::P1,
        2 => Priority::P2,
        3 => Priority::P3,
        _ => Priority::P4,
    };
    let left_s = (notice.expires_at.0 - clock::wall().0) / 1_000_000;
    Carriage::new(priority, &notice.alarm, u64::try_from(left_s).unwrap_or_default())
}

/// The row's end: done if one phone's service took it; what each said, by number and never by address.
fn sum_up(attempts: &[Attempt]) -> (Ended, String) {
    if attempts.is_empty() {
        return (Ended::Failed, "no subscription".to_owned());
    }
    let words = |attempt: &Attempt| match attempt {
        Attempt::Taken => "taken".to_owned(),
        Attempt::Stored => "stored already".to_owned(),
        Attempt::Cancelled => "not needed any more".to_owned(),
        Attempt::Failed(why) => why.clone(),
    };
    let reached = attempts.iter().any(|attempt| matches!(attempt, Attempt::Taken | Attempt::Stored));
    let detail = attempts.iter().map(words).collect::<Vec<_>>().join(", ");
    (if reached { Ended::Done } else { Ended::Failed }, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_phone_that_has_it_is_enough_and_every_answer_is_told() {
        let gone = Attempt::Failed("subscription gone".into());
        assert_eq!(
            sum_up(&[gone.clone(), Attempt::Taken]),
            (Ended::Done, "subscription gone, taken".to_owned())
        );
        assert_eq!(sum_up(&[Attempt::Stored]).0, Ended::Done);
        assert_eq!(sum_up(&[gone]).0, Ended::Failed);
        assert_eq!(sum_up(&[Attempt::Cancelled]), (Ended::Failed, "not needed any more".to_owned()));
        assert_eq!(sum_up(&[]), (Ended::Failed, "no subscription".to_owned()));
    }
}
